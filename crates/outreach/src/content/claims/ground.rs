//! What may be said, prepared once for a sheet.

use super::kinds::Family;
use super::word_lists::NEGATIONS;
use super::words::{is_quiet, numbers, same_as, stem, words};
use crate::content::{
    brief::{Brief, Topic},
    limits::has_phrase,
    text,
};
use std::collections::BTreeSet;

/// One text of the sheet: its numbers and what they are of.
struct Line {
    numbers: BTreeSet<String>,
    stems: BTreeSet<String>,
}

/// What may be said.
pub struct Ground {
    lines: Vec<Line>,
    words: BTreeSet<String>,
    stems: BTreeSet<String>,
    fact_stems: BTreeSet<String>,
    names: BTreeSet<String>,
    client: String,
    facts: String,
    denies: bool,
    fresh: bool,
    told: bool,
}

impl Ground {
    /// The evidence, the client's own words, and the names of both sides. What the client asks of the
    /// writer (goal and purpose) is no evidence.
    pub fn of(brief: &Brief) -> Self {
        let lead = &brief.lead;
        let client = [
            brief.offer().unwrap_or_default(),
            brief.client.offer.as_deref().unwrap_or_default(),
            brief.step.body_template.as_str(),
            brief.step.subject_template.as_str(),
        ]
        .join("\n");
        let facts: Vec<String> = brief
            .facts
            .iter()
            .map(|fact| format!("{}\n{}", fact.text, fact.quote.as_deref().unwrap_or_default()))
            .collect();
        let named = [
            lead.first_name.as_deref(),
            lead.last_name.as_deref(),
            lead.company.as_deref(),
            Some(brief.client.name.as_str()),
            Some(brief.client.legal_name.as_str()),
            Some(brief.sender.name.as_str()),
        ];
        let named = named.into_iter().flatten().collect::<Vec<_>>().join("\n");
        let own = [lead.title.as_deref(), lead.industry.as_deref(), lead.city.as_deref()];
        let own = own.into_iter().flatten().collect::<Vec<_>>().join("\n");
        let dates: String = brief
            .earlier
            .iter()
            // What the thread is called was checked when it was first sent.
            .map(|e| format!("{} {}\n", e.at.in_zone(&brief.zone).strftime("%-d %B %Y %A"), e.subject))
            .collect();
        let fresh = [Topic::NewRole, Topic::Funding, Topic::Hiring, Topic::Social];
        let told = [Topic::Objection, Topic::ReplyIntent];
        let has = |topics: &[Topic]| brief.facts.iter().any(|fact| topics.contains(&fact.topic));
        let mut texts = facts.clone();
        texts.extend(client.lines().map(str::to_owned));
        texts.extend([named.clone(), own, dates]);
        let mut ground = Self::from_texts(&texts, &client, &facts.join("\n"), &named);
        ground.fresh = has(&fresh);
        ground.told = has(&told);
        ground
    }

    /// Texts of any other kind, such as entries of a knowledge base; `names` are those of both sides.
    pub fn of_texts(texts: &[String], names: &str) -> Self {
        let mut all = texts.to_vec();
        all.push(names.to_owned());
        Self::from_texts(&all, &texts.join("\n"), "", names)
    }

    fn from_texts(texts: &[String], client: &str, facts: &str, names: &str) -> Self {
        let stems = |text: &str| -> BTreeSet<String> {
            words(text).filter(|word| word.chars().count() >= 3).map(|word| stem(&word)).collect()
        };
        let all = texts.join("\n");
        Self {
            lines: texts
                .iter()
                .map(|text| Line { numbers: numbers(text).into_iter().collect(), stems: stems(text) })
                .collect(),
            words: words(&all).collect(),
            stems: stems(&all),
            fact_stems: stems(facts),
            names: words(names).filter(|word| word.chars().count() >= 3).collect(),
            client: text::squeeze(&client.to_lowercase()),
            facts: text::squeeze(&facts.to_lowercase()),
            denies: words(facts).any(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't")),
            fresh: false,
            told: false,
        }
    }

    /// Whether a number stands on the sheet, in a text that shares a word with the sentence (where the
    /// sentence has any): “14 people” carries no “14 branches”.
    pub(super) fn has_number(&self, number: &str, sentence: &str) -> bool {
        let around = behind(number, sentence);
        self.lines
            .iter()
            .filter(|line| line.numbers.contains(number))
            .any(|line| around.is_empty() || around.iter().any(|word| near(&line.stems, word)))
    }

    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.contains(word) || is_quiet(word)
    }

    /// Whether a word is a name of either side.
    pub(super) fn names(&self, word: &str) -> bool {
        self.names.contains(word)
    }

    /// Whether the sheet speaks of what a word speaks of.
    pub(super) fn covers(&self, word: &str) -> bool {
        near(&self.stems, &stem(word))
    }

    pub(super) fn in_facts(&self, word: &str) -> bool {
        self.fact_stems.contains(&stem(word))
    }

    pub(super) fn denies(&self) -> bool {
        self.denies
    }

    /// Whether the sheet makes this claim too: in these words, or (where the family says so) in others of it.
    pub(super) fn says(&self, family: &Family, phrase: &str) -> bool {
        if has_phrase(&self.client, phrase) || has_phrase(&self.facts, phrase) {
            return true;
        }
        if self.fresh && matches!(phrase, "recently" | "just began" | "just started") {
            return true;
        }
        if self.told && family.kind == super::Kind::Acquaintance && phrase.starts_with("you ") {
            return true;
        }
        family.alike && family.phrases.iter().any(|other| has_phrase(&self.facts, other))
    }
}

fn near(stems: &BTreeSet<String>, stem: &str) -> bool {
    stems.contains(stem) || same_as(stem).any(|other| stems.contains(other))
}

/// Stems of the words that a number counts: up to three that say something, right behind it.
fn behind(number: &str, sentence: &str) -> Vec<String> {
    let tokens: Vec<String> = sentence.split_whitespace().map(str::to_lowercase).collect();
    let Some(at) = tokens.iter().position(|token| numbers(token).iter().any(|found| found == number)) else {
        return Vec::new();
    };
    let rest = tokens.get(at..).unwrap_or_default().join(" ");
    words(&rest)
        .skip(1)
        .take(4)
        .filter(|word| word.chars().count() >= 3 && !is_quiet(word) && !word.chars().any(char::is_numeric))
        .map(|word| stem(&word))
        .take(3)
        .collect()
}
