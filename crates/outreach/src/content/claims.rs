//! Whether what a message claims is carried by the evidence, by the client's own words, or claims
//! nothing. Strict on purpose: a sentence that is refused wrongly costs a template instead; one that is
//! let through wrongly is a lie in the client's name.

mod word_lists;

use self::word_lists::{NUMBER_WORDS, PROOF, STOP, URGENCY, USUAL};
use super::{brief::Brief, limits::has_phrase, text};
use serde::Serialize;
use std::collections::BTreeSet;

/// Why a part of a message is not carried.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A number, amount or percentage that nobody supplied.
    Number,
    /// A name that nobody supplied.
    Name,
    /// A case study, a customer, an award, a result.
    Proof,
    /// Pressure of time or scarcity.
    Urgency,
    /// Something said about the reader that no fact says.
    AboutReader,
}

/// A part of a message that nothing carries.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Unsupported {
    /// Why.
    pub kind: Kind,
    /// The part.
    pub text: String,
}

/// What may be said, prepared once.
pub struct Ground {
    words: BTreeSet<String>,
    numbers: BTreeSet<String>,
    client: String,
    facts: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Ground {
    /// The evidence, the client's own words, and the names of both sides.
    pub fn of(brief: &Brief) -> Self {
        let lead = &brief.lead;
        let client = [
            brief.offer().unwrap_or_default(),
            brief.client.offer.as_deref().unwrap_or_default(),
            brief.campaign.goal.as_str(),
            brief.step.body_template.as_str(),
            brief.step.subject_template.as_str(),
            brief.step.purpose.as_str(),
        ]
        .join("\n");
        let facts: String = brief
            .facts
            .iter()
            .flat_map(|fact| [fact.text.as_str(), fact.quote.as_deref().unwrap_or_default()])
            .collect::<Vec<_>>()
            .join("\n");
        let names = [
            lead.first_name.as_deref(),
            lead.last_name.as_deref(),
            lead.company.as_deref(),
            lead.title.as_deref(),
            lead.industry.as_deref(),
            lead.city.as_deref(),
            Some(brief.client.name.as_str()),
            Some(brief.client.legal_name.as_str()),
            Some(brief.sender.name.as_str()),
        ];
        let names = names.into_iter().flatten().collect::<Vec<_>>().join("\n");
        let dates: String = brief
            .earlier
            .iter()
            .map(|e| e.at.in_zone(&brief.zone).strftime("%-d %B %Y %A ").to_string())
            .collect();
        let all = [client.as_str(), facts.as_str(), names.as_str(), dates.as_str()].join("\n");
        Self {
            words: words(&all).collect(),
            numbers: numbers(&all).into_iter().collect(),
            client: text::squeeze(&client.to_lowercase()),
            facts: words(&facts).map(|word| stem(&word)).collect(),
            names: words(&names).collect(),
        }
    }
}

/// The parts of a message (without its footer) that nothing carries.
pub fn unsupported(ground: &Ground, body: &str) -> Vec<Unsupported> {
    let mut found = Vec::new();
    for sentence in text::sentences(body) {
        let mut add = |kind, text: &str| found.push(Unsupported { kind, text: text::cut_chars(text, 160) });
        for number in numbers(sentence) {
            if !ground.numbers.contains(&number) && !is_length_of_call(sentence, &number) {
                add(Kind::Number, &number);
            }
        }
        for name in capitalised(sentence) {
            if !name_is_known(ground, name) {
                add(Kind::Name, name);
            }
        }
        let lower = sentence.to_lowercase();
        for (kind, phrases) in [(Kind::Proof, &PROOF[..]), (Kind::Urgency, &URGENCY[..])] {
            for phrase in phrases.iter().filter(|phrase| has_phrase(&lower, phrase)) {
                if !ground.client.contains(*phrase) {
                    add(kind, phrase);
                }
            }
        }
        if asserts_about_reader(ground, &lower) && !is_carried(ground, sentence) {
            add(Kind::AboutReader, sentence);
        }
    }
    found
}

/// Words of a text in small letters, without marks at their ends.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’' && c != '&')
        .map(|word| word.trim_matches(['\'', '’', '&']).to_lowercase())
        .map(|word| word.trim_end_matches("'s").trim_end_matches("’s").to_owned())
        .filter(|word| !word.is_empty())
}

/// The beginning of a word, so that "hiring" meets "hire" and "hires".
fn stem(word: &str) -> String {
    let most = match word.chars().count() {
        0..=4 => 4,
        5..=6 => 3,
        _ => 5,
    };
    let short: String = word.chars().take(most).collect();
    short.trim_end_matches(['e', 's']).to_owned()
}

/// Numbers of a text in one form: `1,200` and `1200` are one, `$1.5m` keeps its sign and unit.
fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for token in text.split(|c: char| {
        c.is_whitespace() || matches!(c, '(' | ')' | '“' | '”' | '"' | '/' | ';' | ':' | '–' | '—')
    }) {
        let token = token
            .trim_matches(|c: char| matches!(c, '.' | ',' | '!' | '?' | '\'' | '’' | '…' | '-' | '+' | '•'));
        if token.chars().any(|c| c.is_numeric()) {
            for part in token.split('-') {
                let plain: String = part.chars().filter(|c| *c != ',').collect::<String>().to_lowercase();
                if plain.chars().any(|c| c.is_numeric()) {
                    found.push(plain);
                }
            }
        } else {
            let word: String = token.to_lowercase();
            found.extend(word.split('-').filter(|part| NUMBER_WORDS.contains(part)).map(str::to_owned));
        }
    }
    found
}

/// "A 15-minute call": how long we ask for, not a claim.
fn is_length_of_call(sentence: &str, number: &str) -> bool {
    let lower = sentence.to_lowercase();
    let short = matches!(number, "10" | "15" | "20" | "30" | "ten" | "fifteen" | "twenty" | "thirty");
    short
        && lower.contains("minute")
        && ["call", "chat", "talk", "conversation", "meeting"].iter().any(|word| has_phrase(&lower, word))
}

/// Words with a capital inside a sentence, and its first one when a second follows or it is no usual word.
fn capitalised(sentence: &str) -> Vec<&str> {
    let tokens: Vec<&str> = sentence
        .split(|c: char| c.is_whitespace() || matches!(c, '/' | '—' | '–'))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .collect();
    let is_name = |word: &str| {
        word.chars().next().is_some_and(char::is_uppercase) && word.chars().any(char::is_alphabetic)
    };
    let mut found: Vec<&str> =
        tokens.iter().skip(1).copied().filter(|word| is_name(word) && !is_usual(word)).collect();
    found.extend(tokens.first().copied().filter(|word| is_name(word) && !is_usual(word)));
    found
}

fn is_usual(word: &str) -> bool {
    let lower = word.to_lowercase();
    let lower = lower.split(['\'', '’']).next().unwrap_or_default();
    USUAL.contains(&lower)
}

fn name_is_known(ground: &Ground, name: &str) -> bool {
    words(name).all(|word| ground.words.contains(&word) || is_usual(&word))
}

/// Whether a sentence tells the reader something about the reader.
fn asserts_about_reader(ground: &Ground, lower: &str) -> bool {
    if lower.ends_with('?') {
        // A question may still carry an assertion: "Since you are losing leads, would …?"
        return ["since you", "as you", "given your", "because you", "with your", "now that you"]
            .iter()
            .any(|start| lower.contains(start));
    }
    let mut seen: Vec<String> = words(lower).collect();
    seen.dedup();
    let has = |word: &str| seen.iter().any(|w| w == word);
    let hedged = ["if", "whether", "may", "might", "could", "would", "should", "can", "happy", "glad"]
        .iter()
        .any(|word| has(word));
    let tells =
        ["saw", "noticed", "read", "heard", "congratulations", "impressed", "know", "understand", "seen"]
            .iter()
            .any(|word| has(word));
    let reader = has("you")
        || has("your")
        || has("you're")
        || has("you've")
        || seen.iter().any(|w| ground.names.contains(w) && w.len() > 3);
    let ours = has("we") || has("i") || has("my") || has("our");
    tells || (reader && !hedged && !ours)
}

/// Whether the facts or the client's words say at least half of what a sentence says.
fn is_carried(ground: &Ground, sentence: &str) -> bool {
    let said: Vec<String> = words(sentence)
        .filter(|word| {
            word.chars().count() >= 4 && !STOP.contains(&word.as_str()) && !ground.names.contains(word)
        })
        .collect();
    let carried = said
        .iter()
        .filter(|word| ground.facts.contains(&stem(word)) || has_phrase(&ground.client, word))
        .count();
    said.is_empty() || carried * 2 >= said.len()
}
