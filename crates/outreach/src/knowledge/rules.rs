//! Whether an entry answers a question. Pure.

use super::{Entry, KnowledgeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An entry that answers, with what it was found by.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Found {
    /// Which.
    #[schemars(with = "String")]
    pub id: KnowledgeId,
    /// What it answers.
    pub question: String,
    /// The answer.
    pub answer: String,
    /// The page that it stands on.
    pub source_url: Option<String>,
    /// Whether a person confirmed it.
    pub checked: bool,
    /// The words of the question that it speaks of.
    pub matched: Vec<String>,
    /// How much of the question, 0 to 1.
    pub coverage: f32,
}

/// An entry that a search looks at.
pub(super) struct Candidate {
    pub entry: Entry,
    /// Its lexemes, and those of its question alone.
    pub lexemes: Vec<String>,
    pub heading: Vec<String>,
}

/// Lexemes that say nothing of what is asked.
const FILLERS: [&str; 58] = [
    "actual", "also", "alreadi", "anyth", "ask", "busi", "care", "client", "come", "compani", "could",
    "curious", "custom", "exact", "find", "first", "get", "give", "go", "hello", "hi", "interest", "kind",
    "know", "let", "like", "look", "make", "mani", "may", "mean", "much", "need", "offer", "one", "peopl",
    "pleas", "provid", "quick", "question", "realli", "see", "send", "share", "someth", "sort", "take",
    "tell", "thank", "thing", "type", "use", "want", "way", "wonder", "work", "would", "yes",
];
/// Lexemes that ask for the same.
const SAME: [&[&str]; 12] = [
    &["price", "cost", "fee", "charg", "rate", "pay", "expens", "quot", "budget"],
    &["contract", "term", "lock", "commit", "minimum", "notic"],
    &["cancel", "stop", "quit", "leav", "termin"],
    &["locat", "base", "offic", "situat", "where"],
    &["start", "begin", "onboard", "setup", "kick"],
    &["long", "durat", "time", "week", "quick", "fast", "soon"],
    &["support", "help", "servic"],
    &["integr", "connect", "plug", "sync"],
    &["secur", "privaci", "gdpr", "protect", "data"],
    &["trial", "test", "pilot", "demo"],
    &["refund", "guarante", "back"],
    &["refer", "exampl", "portfolio", "studi"],
];
/// How much of what is asked an entry must speak of.
const COVERAGE_MIN: f32 = 0.6;
/// Answers to one question at most.
const MOST: usize = 3;

/// A question, taken apart.
pub(super) struct Asked {
    topics: Vec<String>,
    names: Vec<String>,
}

impl Asked {
    /// From the words and their lexemes.
    pub(super) fn new(question: &str, lexemes: &[String]) -> Self {
        let speaking: Vec<String> =
            lexemes.iter().filter(|lexeme| !FILLERS.contains(&lexeme.as_str())).cloned().collect();
        // “How does it work?” has no topic but its verb.
        let topics = if speaking.is_empty() { lexemes.to_vec() } else { speaking };
        Self { topics, names: names(question) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// Everything by which an entry may be found.
    pub(super) fn any(&self) -> BTreeSet<String> {
        self.topics.iter().flat_map(|topic| alternatives(topic)).map(str::to_owned).collect()
    }
}

fn alternatives(topic: &str) -> impl Iterator<Item = &str> {
    let same =
        SAME.iter().filter(move |group| group.contains(&topic)).flat_map(|group| group.iter().copied());
    std::iter::once(topic).chain(same)
}

/// Names and numbers of a question: words with a capital behind the first, and those with digits.
fn names(question: &str) -> Vec<String> {
    let mut found = Vec::new();
    for sentence in question.split(['.', '?', '!', '\n', ':']) {
        let words = sentence.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
        for (at, word) in words.filter(|word| !word.is_empty()).enumerate() {
            let capital = at > 0 && word.chars().next().is_some_and(char::is_uppercase) && word.len() > 1;
            if capital || word.chars().any(|c| c.is_ascii_digit()) {
                found.push(word.to_lowercase());
            }
        }
    }
    found.retain(|word| !matches!(word.as_str(), "i'm" | "i'd" | "i've" | "i'll"));
    found
}

/// The entries that answer, the best first.
pub(super) fn rank(asked: &Asked, candidates: Vec<Candidate>) -> Vec<Found> {
    let mut found: Vec<(bool, Found)> =
        candidates.into_iter().filter_map(|candidate| judge(asked, candidate)).collect();
    found.sort_by(|(a_heads, a), (b_heads, b)| {
        (b.coverage, b_heads, b.checked)
            .partial_cmp(&(a.coverage, a_heads, a.checked))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    found.truncate(MOST);
    found.into_iter().map(|(_, found)| found).collect()
}

fn judge(asked: &Asked, candidate: Candidate) -> Option<(bool, Found)> {
    let has =
        |topic: &str| alternatives(topic).any(|word| candidate.lexemes.iter().any(|lexeme| lexeme == word));
    let matched: Vec<String> = asked.topics.iter().filter(|topic| has(topic)).cloned().collect();
    let share = |part: usize, whole: usize| part as f32 / whole.max(1) as f32;
    let coverage = share(matched.len(), asked.topics.len());
    let said = format!("{} {}", candidate.entry.question, candidate.entry.answer).to_lowercase();
    let every_name = asked.names.iter().all(|name| said.contains(name.as_str()));
    if coverage < COVERAGE_MIN || !every_name {
        return None;
    }
    // One shared word in a long text is a coincidence; in its heading it is the subject.
    let heads = asked
        .topics
        .iter()
        .any(|topic| alternatives(topic).any(|word| candidate.heading.iter().any(|lexeme| lexeme == word)));
    if !heads && matched.len() < 2 {
        return None;
    }
    let Entry { id, question, answer, source_url, checked, .. } = candidate.entry;
    Some((heads, Found { id, question, answer, source_url, checked, matched, coverage }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_of_a_question_are_those_behind_its_first_word() {
        assert_eq!(names("Do you integrate with Salesforce? And for 40 people?"), ["salesforce", "40"]);
        assert_eq!(names("What does it cost? I'm curious."), Vec::<String>::new());
    }
}
