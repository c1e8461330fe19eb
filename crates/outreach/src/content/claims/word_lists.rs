//! Words by which claims are found.

/// Claims of customers, results, rank.
#[rustfmt::skip]
pub(super) const PROOF: [&str; 43] = [
    "award", "award-winning", "best in", "brands like", "businesses like", "businesses such as",
    "case studies", "case study", "certified", "clients include", "clients like", "companies like",
    "companies such as", "customers include", "customers like", "customers such as", "guarantee",
    "guaranteed", "helped", "industry leader", "industry-leading", "leading", "market leader", "number one",
    "on average", "our clients", "our customers", "other clients", "other companies", "others in your",
    "people like you", "proven", "results", "similar businesses", "similar companies", "success stories",
    "teams like", "testimonials", "track record", "trusted by", "typically see", "we've worked with",
    "we work with",
];

/// Pressure of time or scarcity.
#[rustfmt::skip]
pub(super) const URGENCY: [&str; 20] = [
    "act now", "before it is too late", "before it's too late", "deadline", "don't miss", "do not miss",
    "ends soon", "ends today", "expires", "final chance", "hurry", "last chance", "limited spots",
    "limited time", "only a few", "spots left", "this week only", "today only", "urgent", "while it lasts",
];

/// Numbers as words.
#[rustfmt::skip]
pub(super) const NUMBER_WORDS: [&str; 28] = [
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen",
    "twenty", "thirty", "forty", "fifty", "hundred", "hundreds", "thousand", "thousands", "million",
    "dozen", "dozens", "double", "doubled", "triple", "half", "twice",
];

/// Words that often begin a sentence, and weekdays.
#[rustfmt::skip]
pub(super) const USUAL: [&str; 161] = [
    "a", "about", "after", "again", "all", "also", "although", "an", "and", "another", "any", "are", "as",
    "at", "based", "be", "because", "been", "before", "being", "best", "both", "but", "by", "can", "could",
    "curious", "dear", "do", "does", "during", "each", "either", "else", "every", "everyone", "feel",
    "following", "for", "friday", "from", "getting", "given", "glad", "good", "growing", "happy", "has",
    "have", "having", "he", "hello", "here", "hi", "hiring", "hope", "how", "however", "i", "if", "in",
    "instead", "is", "it", "its", "just", "keeping", "kind", "last", "let", "like", "looking", "made",
    "many", "may", "maybe", "might", "monday", "more", "most", "much", "my", "new", "next", "no", "not",
    "nothing", "noticed", "now", "of", "on", "once", "one", "open", "or", "our", "over", "perhaps",
    "please", "put", "quick", "rather", "re", "reaching", "read", "regards", "right", "running", "saw",
    "she", "should", "simply", "since", "so", "some", "someone", "sometimes", "sounds", "still", "such",
    "sunday", "saturday", "thank", "thanks", "that", "the", "their", "then", "there", "these", "they",
    "this", "those", "though", "through", "thursday", "to", "today", "tuesday", "until", "we", "wednesday",
    "what", "whatever", "when", "where", "whether", "which", "while", "who", "why", "will", "with",
    "without", "wondering", "worth", "would", "writing", "yes", "you", "your",
];

/// Words that say nothing of the reader.
#[rustfmt::skip]
pub(super) const STOP: [&str; 58] = [
    "about", "after", "also", "been", "being", "because", "before", "could", "does", "doing", "each",
    "following", "from", "further", "have", "having", "heard", "here", "into", "just", "know", "last",
    "like", "more", "most", "much", "noted", "note", "notice", "noticed", "only", "other", "over", "read",
    "recently", "same", "seen", "should", "since", "some", "such", "than", "that", "their", "them", "then",
    "there", "these", "this", "those", "very", "what", "when", "which", "while", "with", "writing", "your",
];
