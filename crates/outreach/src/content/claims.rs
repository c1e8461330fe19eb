//! Whether what a message claims is carried by the evidence, by the client's own words, or claims
//! nothing. Strict on purpose: a sentence that is refused wrongly costs a template instead; one that is
//! let through wrongly is a lie in the client's name.
//!
//! A sentence passes when its numbers and names stand on the sheet, when every kind of claim that it
//! makes (proof, award, money, acquaintance, date, pressure) is made there too, and when its other words
//! are words of the sheet or words that claim nothing.

mod ground;
mod kinds;
mod word_lists;
mod words;

pub use ground::Ground;

use self::kinds::FAMILIES;
use self::word_lists::{NEGATIONS, PRESUMING, USUAL};
use self::words::{is_quiet, numbers, stem, words};
use super::{limits::has_phrase, text};
use serde::Serialize;

/// Why a part of a message is not carried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A number, amount or percentage that nobody supplied, or that was supplied of something else.
    Number,
    /// A name that nobody supplied.
    Name,
    /// A case study, a customer, a result, a rank.
    Proof,
    /// An award or a certificate.
    Award,
    /// Money that was raised, or a company that was bought.
    Funding,
    /// Somebody whom both know, or a talk that took place.
    Acquaintance,
    /// A time at which something happened.
    Date,
    /// Pressure of time or scarcity.
    Urgency,
    /// Something said about the reader that no fact says.
    AboutReader,
    /// Something said about us that our own words do not say.
    AboutUs,
}

/// A part of a message that nothing carries.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unsupported {
    /// Why.
    pub kind: Kind,
    /// The part.
    pub text: String,
}

/// The parts of a message (without its footer) that nothing carries.
pub fn unsupported(ground: &Ground, body: &str) -> Vec<Unsupported> {
    text::sentences(body).into_iter().flat_map(|sentence| faults(ground, sentence)).collect()
}

fn faults(ground: &Ground, sentence: &str) -> Vec<Unsupported> {
    let mut found = Vec::new();
    let mut add = |kind, text: &str| found.push(Unsupported { kind, text: text::cut_chars(text, 160) });
    for number in numbers(sentence) {
        if !is_length_of_call(sentence, &number) && !ground.has_number(&number, sentence) {
            add(Kind::Number, &number);
        }
    }
    for name in capitalised(sentence) {
        if !(words(name).all(|word| ground.has_word(&word)) || is_usual(name)) {
            add(Kind::Name, name);
        }
    }
    let lower = sentence.to_lowercase().replace('’', "'");
    for family in &FAMILIES {
        for phrase in family.phrases.iter().filter(|phrase| has_phrase(&lower, phrase)) {
            if !ground.says(family, phrase) {
                add(family.kind, phrase);
            }
        }
    }
    if let Some(kind) = uncovered(ground, &lower) {
        add(kind, sentence);
    }
    found
}

/// “A 15-minute call”: how long we ask for, not a claim.
fn is_length_of_call(sentence: &str, number: &str) -> bool {
    let lower = sentence.to_lowercase();
    let short = matches!(number, "10" | "15" | "20" | "30" | "ten" | "fifteen" | "twenty" | "thirty");
    short
        && lower.contains("minute")
        && ["call", "chat", "talk", "conversation", "meeting"].iter().any(|word| has_phrase(&lower, word))
}

/// Words with a capital inside a sentence, and its first one when it is no usual word.
fn capitalised(sentence: &str) -> Vec<&str> {
    let tokens = sentence
        .split(|c: char| c.is_whitespace() || matches!(c, '/' | '—' | '–'))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty());
    let is_name = |word: &&str| {
        word.chars().next().is_some_and(char::is_uppercase) && word.chars().any(char::is_alphabetic)
    };
    let mut first = true;
    tokens
        .filter(|word| {
            let opens = std::mem::replace(&mut first, false);
            // A word that opens a sentence has its capital from there; as a plain word it is looked at below.
            is_name(word) && !is_usual(word) && !(opens && is_plain(word))
        })
        .collect()
}

/// Whether a word with a capital is an ordinary word rather than a name, as far as its form says.
fn is_plain(word: &str) -> bool {
    let lower = word.to_lowercase();
    is_quiet(&lower)
        || lower.ends_with("ing")
        || (lower.ends_with('s') && lower.len() > 4)
        || lower.ends_with("ly")
}

fn is_usual(word: &str) -> bool {
    let lower = word.to_lowercase();
    let lower = lower.split(['\'', '’']).next().unwrap_or_default();
    USUAL.contains(&lower)
}

/// Whether a sentence says with its other words what the sheet does not say, and of whom.
fn uncovered(ground: &Ground, lower: &str) -> Option<Kind> {
    let said: Vec<String> = words(lower)
        .filter(|word| word.chars().count() >= 3 && !is_quiet(word) && !word.chars().any(char::is_numeric))
        .filter(|word| !ground.names(word) && numbers(word).is_empty())
        .collect();
    let missing = said.iter().filter(|word| !ground.covers(word)).count();
    let asks = lower.ends_with('?');
    let presumes = PRESUMING.iter().any(|start| has_phrase(lower, start));
    let most = if asks && !presumes { (said.len() / 2).max(1) } else { said.len() / 5 };
    if missing > most {
        return Some(subject(lower));
    }
    // “You are not hiring” has every word of the fact that it denies.
    let denies = words(lower).any(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't"));
    let of_fact = said.iter().any(|word| ground.in_facts(word));
    (denies && of_fact && !asks && !has_phrase(lower, "if") && !ground.denies()).then_some(Kind::AboutReader)
}

/// Of whom a sentence speaks.
fn subject(lower: &str) -> Kind {
    let first = words(lower).find(|word| {
        matches!(word.as_str(), "we" | "our" | "us" | "i" | "my" | "you" | "your" | "you're" | "you've")
    });
    match first.as_deref() {
        Some("we" | "our" | "us" | "my") => Kind::AboutUs,
        Some(_) | None => Kind::AboutReader,
    }
}

/// Whether a stem is one of a text's words: for checks of other texts than messages.
pub(crate) fn stems(text: &str) -> std::collections::BTreeSet<String> {
    words(text).filter(|word| word.chars().count() >= 3 && !is_quiet(word)).map(|word| stem(&word)).collect()
}
