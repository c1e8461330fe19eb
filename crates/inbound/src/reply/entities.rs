//! Facts inside a reply: return date, times, questions, referral, phone, objection, sentiment.

use super::dates;
use super::phrase::{Patterns, Word, negated, slice};
use jiff::civil::Date;
use std::sync::LazyLock;

/// Why somebody hesitates or declines.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Objection {
    /// Not now.
    Timing,
    /// Too expensive, no money.
    Budget,
    /// Somebody else decides.
    Authority,
    /// No use for it.
    Need,
    /// Has another supplier.
    Competitor,
    /// Does not believe it, or us.
    Trust,
    /// Something else.
    Other,
}

/// The sentences that end with a question mark, trimmed, at most ten.
pub fn questions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        let ends = matches!(c, '?' | '!' | '\n') || (c == '.' && next.is_none_or(char::is_whitespace));
        if !ends {
            continue;
        }
        let sentence = text[start..=at].trim();
        if c == '?'
            && sentence.chars().any(char::is_alphanumeric)
            && !sentence.contains("://")
            && found.len() < 10
        {
            found.push(sentence.to_owned());
        }
        // A line break inside a sentence is a wrap, unless a blank line or an ending follows.
        let wraps = c == '\n' && next.is_some_and(char::is_lowercase);
        if !wraps {
            start = at + c.len_utf8();
        }
    }
    found
}

/// Times that somebody proposes, as written: “Tuesday 3pm”, “tomorrow morning”.
pub fn times(text: &str, words: &[Word]) -> Vec<String> {
    let hits = TIMES.all(words);
    let mut found: Vec<String> = Vec::new();
    let mut end = 0;
    for hit in hits {
        if hit.from < end {
            continue;
        }
        end = hit.to;
        found.push(slice(text, words, hit).to_owned());
    }
    found.truncate(10);
    found
}

/// The first address in the text that belongs neither to us nor to the writer.
pub fn referral(text: &str, not: &[&str]) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || "<>()[],;\"'|".contains(c))
        .map(|word| word.trim_start_matches("mailto:").trim_matches(['.', ':', '*', '!', '?']))
        .filter_map(|word| base::EmailAddress::parse(word).ok())
        .map(String::from)
        .find(|address| !not.iter().any(|known| known.eq_ignore_ascii_case(address)))
}

/// The first telephone number: 8 to 15 digits with the marks that people put between them.
pub fn phone(text: &str) -> Option<String> {
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        let fits = c.is_ascii_digit()
            || (c == '+' && run.is_empty())
            || (!run.is_empty() && " -().".contains(c))
            || (c == '(' && run.is_empty());
        if fits {
            run.push(c);
            continue;
        }
        let digits = run.chars().filter(char::is_ascii_digit).count();
        let groups = run.split(['.', '-', ' ']).filter(|group| !group.is_empty()).count();
        let like_date = run.matches(['.', '-']).count() == 2 && digits == 8 && groups == 3;
        if (8..=15).contains(&digits)
            && !like_date
            && run.starts_with(['+', '0', '(', '1', '6', '9', '7', '8'])
        {
            return Some(run.trim_matches([' ', '-', '.']).to_owned());
        }
        run.clear();
    }
    None
}

/// When an absence ends; `today` is the date of the message, `day_first` the order of `03/04`.
pub fn return_date(text: &str, today: Date, day_first: bool) -> Option<Date> {
    dates::return_date(text, today, day_first)
}

/// The objection that is spoken of.
pub fn objection(words: &[Word]) -> Option<Objection> {
    let tables: [(&Patterns, Objection); 7] = [
        (&BUDGET, Objection::Budget),
        (&COMPETITOR, Objection::Competitor),
        (&TIMING, Objection::Timing),
        (&AUTHORITY, Objection::Authority),
        (&TRUST, Objection::Trust),
        (&NEED, Objection::Need),
        (&OTHER, Objection::Other),
    ];
    tables.into_iter().find(|(patterns, _)| !patterns.all(words).is_empty()).map(|(_, objection)| objection)
}

/// −1 (hostile) to 1 (warm), by counted words.
pub fn sentiment(words: &[Word]) -> f32 {
    let mut sum = 0f32;
    for (at, word) in words.iter().enumerate() {
        let weight = match word.text.as_str() {
            "love" | "great" | "awesome" | "fantastic" | "perfect" | "excellent" | "amazing"
            | "brilliant" | "delighted" => 1.0,
            "interested" | "keen" | "happy" | "good" | "nice" | "helpful" | "interesting" | "glad"
            | "impressed" | "useful" | "looking" => 0.6,
            "thanks" | "thank" | "cheers" | "please" | "appreciate" | "yes" | "sure" | "welcome"
            | "danke" | "merci" | "gracias" => 0.3,
            "no" | "stop" | "unfortunately" | "decline" | "remove" | "busy" | "expensive" | "unsubscribe"
            | "sorry" => -0.3,
            "spam" | "annoying" | "annoyed" | "bad" | "tired" | "sick" | "ridiculous" | "waste" | "scam"
            | "rude" | "unprofessional" | "hate" => -0.9,
            "harassment" | "disgusting" | "idiot" | "idiots" | "lawyer" | "report" | "bullshit"
            | "pathetic" => -1.0,
            other if other.starts_with("fuck") => -1.0,
            _ => 0.0,
        };
        sum += if weight > 0.3 && negated(words, at, 3) { -0.5 * weight } else { weight };
    }
    (sum / 2.0).clamp(-1.0, 1.0)
}

static TIMES: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::new(&[
        "next|this|coming? monday|tuesday|wednesday|thursday|friday|week|month *2 morning|afternoon|arvo",
        "next|this monday|tuesday|wednesday|thursday|friday|week|month|arvo|afternoon|morning",
        "monday|tuesday|wednesday|thursday|friday|mon|tue|tues|wed|thu|thurs|fri|tomorrow|today *3 1am|2am|7am|8am|9am|10am|11am|12pm|1pm|2pm|3pm|4pm|5pm|6pm|am|pm|noon|morning|afternoon|arvo|evening|lunch",
        "mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow|tmr|tmrw|tonight *1 at? 1|2|3|4|5|6|7|8|9|10|11|12 *1 est|pst|cst|et|pt|ct|ist|sgt|aest|gmt|bst|am|pm|ish|30|15|45|00|oclock",
        "half past? 7|8|9|10|11|12|1|2|3|4|5|seven|eight|nine|ten|eleven|twelve|one|two|three|four|five",
        "quarter past|to 7|8|9|10|11|12|1|2|3|4|5|nine|ten|eleven|twelve|one|two|three|four|five",
        "tmr|tmrw|tonight|kal|parso|aaj *1 morning|afternoon|evening|night|subah|dopahar|shaam|noon",
        "monday|tuesday|wednesday|thursday|friday|tomorrow *1 at|after|before|between|around 1|2|3|4|5|7|8|9|10|11|12 *1 am|pm|30|15|45|00",
        "monday|tuesday|wednesday|thursday|friday|tomorrow",
        "1|2|3|4|5|7|8|9|10|11|12 *1 am|pm",
        "7am|8am|9am|10am|11am|12pm|1pm|2pm|3pm|4pm|5pm|6pm",
        "montag|dienstag|mittwoch|donnerstag|freitag|morgen|lundi|mardi|mercredi|jeudi|vendredi|demain|lunes|martes|miércoles|jueves|viernes|mañana *3 uhr|14h|10h|las",
        "montag|dienstag|mittwoch|donnerstag|freitag|lundi|mardi|mercredi|jeudi|vendredi|demain|lunes|martes|miércoles|jueves|viernes",
    ])
});
static BUDGET: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::new(&[
        "budget|budgets",
        "too|bit|very|quite expensive|pricey|dear|costly|much",
        "expensive|pricey",
        "cant|cannot|couldnt afford",
        "no money|funds",
        "spending freeze",
        "cost *2 too",
        "out of our price",
        "paisa|paise|mehnga",
    ])
});
static COMPETITOR: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::new(&[
        "already|currently *1 have|use|using|work|working|got|with|partnered|engaged|signed",
        "current|existing|another|incumbent provider|supplier|agency|vendor|partner|solution|contract|setup|team",
        "in house",
        "inhouse",
        "under contract",
        "locked into|in",
        "someone|somebody doing|for|handling",
        "bereits|déjà|ya tenemos|avons|haben|eine|une|agentur|agencia",
    ])
});
static TIMING: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::new(&[
        "not *1 now|currently|today|yet",
        "not *3 moment|time|stage|present",
        "right now",
        "bad|wrong|poor timing|time",
        "next|later|another *1 year|quarter|month|time|financial|fy",
        "q1|q2|q3|q4",
        "circle|touch|check|come|loop|try *2 back|base|again",
        "too|very|super|pretty|really busy|early",
        "swamped|slammed",
        "after *3 christmas|easter|eofy|summer|holidays|january|february|march|april|june|july|september|october",
        "later *2 this|in|year",
        "momentan|derzeit|aktuell|zurzeit",
        "pas pour *1 moment|linstant",
        "por ahora|el",
        "abhi nahi",
    ])
});
static AUTHORITY: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::new(&[
        "not *2 decision|my|up *2 maker|call|decision|me",
        "check|ask|run|discuss|speak *4 boss|board|team|partner|partners|director|manager|ceo|husband|wife",
        "dont|not|no *2 make|have *3 decisions|decision|authority|say",
        "head office",
        "above my",
        "someone else decides",
    ])
});
static TRUST: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::new(&[
        "scam|legit|sceptical|skeptical|burned|burnt|dodgy|suspicious",
        "too good to",
        "never heard of",
        "dont|not trust|believe|convinced *2",
        "how do|can i *2 know|trust",
        "prove|proof|references|guarantee",
        "bad experience|experiences",
        "been burned|burnt",
    ])
});
static NEED: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::new(&[
        "dont|do|doesnt not? need|require|see|use|do",
        "no need|use|requirement",
        "not *3 relevant|priority|fit|needed|required|necessary|need|for|something",
        "all set|sorted|good|covered",
        "doesnt apply|fit|suit",
        "too small",
        "kein bedarf",
        "pas besoin",
        "no necesitamos|necesito",
        "zaroorat|zarurat nahi",
    ])
});
static OTHER: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::new(&[
        "not|no *2 interested|interest",
        "no thanks|thank|gracias",
        "pass|decline",
        "nein danke",
        "non merci",
    ])
});
