//! Words by which claims are found.

/// Numbers as words, with the number that they are.
#[rustfmt::skip]
pub(super) const NUMBER_WORDS: [(&str, &str); 52] = [
    ("two", "2"), ("three", "3"), ("four", "4"), ("five", "5"), ("six", "6"), ("seven", "7"), ("eight", "8"),
    ("nine", "9"), ("ten", "10"), ("eleven", "11"), ("twelve", "12"), ("thirteen", "13"), ("fourteen", "14"),
    ("fifteen", "15"), ("sixteen", "16"), ("seventeen", "17"), ("eighteen", "18"), ("nineteen", "19"),
    ("twenty", "20"), ("thirty", "30"), ("forty", "40"), ("fifty", "50"), ("sixty", "60"), ("seventy", "70"),
    ("eighty", "80"), ("ninety", "90"), ("hundred", "100"), ("hundreds", "hundreds"), ("thousand", "1000"),
    ("thousands", "thousands"), ("million", "million"), ("millions", "millions"), ("billion", "billion"),
    ("dozen", "12"), ("dozens", "dozens"), ("double", "double"), ("doubled", "double"), ("doubles", "double"),
    ("doubling", "double"), ("triple", "triple"), ("tripled", "triple"), ("tenfold", "tenfold"), ("half", "half"),
    ("halve", "half"), ("halved", "half"), ("halves", "half"), ("twice", "twice"), ("thrice", "thrice"),
    ("third", "third"), ("thirds", "thirds"), ("majority", "majority"), ("handful", "handful"),
];

/// Words that turn a statement round.
pub(super) const NEGATIONS: [&str; 8] =
    ["not", "no", "never", "nobody", "none", "without", "stopped", "cannot"];

/// Beginnings by which a question says something of the reader.
#[rustfmt::skip]
pub(super) const PRESUMING: [&str; 18] = [
    "since you", "since your", "as you are", "as your", "given your", "given that", "because you", "because your",
    "with your", "now that you", "now that your", "are you still", "do you still", "still struggling", "tired of",
    "why are", "why do", "why is",
];

/// Words that often begin a sentence, and weekdays.
#[rustfmt::skip]
pub(super) const USUAL: [&str; 163] = [
    "a", "about", "after", "again", "all", "also", "although", "an", "and", "another", "any", "are", "as",
    "at", "based", "be", "because", "been", "before", "being", "best", "both", "but", "by", "can", "could",
    "curious", "dear", "do", "does", "during", "each", "either", "else", "every", "everyone", "feel",
    "following", "for", "friday", "from", "getting", "given", "glad", "good", "growing", "happy", "has",
    "have", "having", "he", "hello", "here", "hi", "hiring", "hope", "how", "however", "i", "if", "in",
    "instead", "is", "it", "its", "just", "keeping", "kind", "last", "let", "like", "looking", "made",
    "many", "may", "maybe", "might", "monday", "more", "most", "much", "my", "new", "next", "no", "not",
    "nothing", "noticed", "now", "of", "on", "once", "one", "open", "or", "our", "over", "perhaps",
    "please", "put", "quick", "rather", "re", "reaching", "read", "regards", "reply", "right", "running", "saw",
    "she", "should", "simply", "since", "so", "some", "someone", "sometimes", "sounds", "still", "stop", "such",
    "sunday", "saturday", "thank", "thanks", "that", "the", "their", "then", "there", "these", "they",
    "this", "those", "though", "through", "thursday", "to", "today", "tuesday", "until", "we", "wednesday",
    "what", "whatever", "when", "where", "whether", "which", "while", "who", "why", "will", "with",
    "without", "wondering", "worth", "would", "writing", "yes", "you", "your",
];

/// Words that claim nothing by themselves: how people address, ask, offer and link. In order.
#[rustfmt::skip]
pub(super) const QUIET: [&str; 442] = [
    "a", "about", "above", "add", "added", "address", "after", "afternoon", "again", "all", "along", "already",
    "also", "although", "an", "and", "another", "answer", "any", "anybody", "anyone", "anything", "appreciate",
    "are", "around", "as", "ask", "asked", "asking", "at", "back", "be", "because", "been", "before", "begin",
    "behind", "being", "below", "better", "between", "both", "brief", "briefly", "business", "but", "by",
    "call", "called", "calling", "can", "cannot", "chance", "chat", "choose", "come", "comes", "company",
    "concern", "concerns", "congratulations", "contact", "convenient", "conversation", "could", "couple",
    "curious", "day", "days", "dear", "decide", "decision", "detail", "details", "did", "difference",
    "different", "direct", "directly", "do", "does", "doing", "don't", "done", "down", "during", "e-mail",
    "each", "earlier", "easy", "either", "else", "email", "end", "enough", "enquiry", "etc", "even", "ever",
    "exactly", "example", "explain", "far", "feel", "few", "fine", "first", "fit", "fits", "follow",
    "following", "for", "forward", "friday", "from", "further", "get", "getting", "give", "given", "glad",
    "glance", "go", "going", "good", "guess", "had", "happen", "happens", "happily", "happy", "has", "have",
    "haven't", "having", "hear", "heard", "hello", "help", "helpful", "her", "here", "hesitate", "hi", "him",
    "his", "hold", "hope", "how", "however", "i", "i'd", "i'll", "i'm", "i've", "idea", "if", "in", "instead",
    "interest", "interested", "interesting", "into", "is", "isn't", "it", "it's", "its", "itself", "just",
    "keep", "kept", "kind", "know", "last", "later", "leave", "less", "let", "let's", "letter", "like", "line",
    "link", "little", "long", "look", "looked", "looking", "looks", "mail", "make", "matter", "may", "maybe",
    "me", "mean", "meanwhile", "meeting", "mention", "message", "might", "mind", "mine", "minute", "minutes",
    "moment", "monday", "more", "morning", "much", "must", "my", "myself", "name", "near", "need", "never",
    "new", "next", "no", "not", "note", "noted", "nothing", "notice", "noticed", "now", "of", "off", "often",
    "on", "once", "one", "only", "onto", "open", "opinion", "option", "or", "other", "others", "otherwise",
    "our", "ours", "out", "over", "own", "paper", "part", "per", "perhaps", "person", "piece", "please",
    "point", "possible", "prefer", "quarter", "question", "questions", "quick", "quickly", "quite", "rather",
    "re", "reach", "reaching", "read", "reader", "reading", "reason", "reasons", "recently", "regarding",
    "regards", "relevant", "reply", "right", "role", "said", "same", "sample", "saw", "say", "saying", "says",
    "see", "seem", "seems", "seen", "send", "sending", "sense", "sent", "sentence", "shall", "share", "she",
    "short", "should", "show", "shows", "simple", "simply", "since", "small", "so", "some", "somebody",
    "someone", "something", "sometimes", "somewhere", "soon", "sort", "speak", "still", "stop", "subject",
    "such", "suit", "suits", "sum", "summary", "sure", "take", "taken", "takes", "talk", "talking", "tell",
    "than", "thank", "thanks", "that", "that's", "the", "their", "them", "themselves", "then", "there",
    "there's", "these", "they", "thing", "things", "think", "this", "those", "though", "thought", "thoughts",
    "through", "thursday", "time", "times", "timing", "to", "today", "together", "tomorrow", "too", "topic",
    "touch", "toward", "towards", "try", "tuesday", "turn", "under", "understand", "unless", "until", "up",
    "upon", "us", "use", "useful", "usual", "value", "very", "view", "want", "wanted", "was", "way", "ways",
    "we", "we'd", "we'll", "we're", "we've", "wednesday", "week", "weekday", "weeks", "welcome", "well", "were",
    "what", "whatever", "when", "where", "whether", "which", "while", "who", "whom", "whose", "why", "will",
    "wish", "with", "within", "without", "won't", "wonder", "wondering", "word", "words", "work", "working",
    "works", "worth", "would", "wouldn't", "write", "writing", "wrong", "wrote", "yes", "yet", "you", "you'd",
    "you'll", "you're", "you've", "your", "yours", "yourself",
];
