//! Words, their stems, and numbers in one form.

use super::word_lists::{NUMBER_WORDS, QUIET};

/// Words of a text in small letters, without marks at their ends.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’' && c != '&')
        .map(|word| word.trim_matches(['\'', '’', '&']).to_lowercase().replace('’', "'"))
        .map(|word| word.trim_end_matches("'s").to_owned())
        .filter(|word| !word.is_empty())
}

/// Whether a word claims nothing.
pub(super) fn is_quiet(word: &str) -> bool {
    QUIET.binary_search(&word).is_ok()
}

/// Endings that bend a word without changing what it speaks of, longest first.
const ENDINGS: [&str; 16] = [
    "ations", "ation", "ments", "ment", "ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "ly", "s", "e",
    "y",
];

/// The part of a word that its forms share, so that “hiring” meets “hire” and “hires”.
pub(super) fn stem(word: &str) -> String {
    let mut stem = word;
    for ending in ENDINGS {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.chars().count() >= 3
        {
            stem = rest;
            break;
        }
    }
    let mut chars: Vec<char> = stem.chars().collect();
    let doubled = chars.len() > 3 && chars.last() == chars.get(chars.len() - 2);
    if doubled && chars.last().is_some_and(|c| !matches!(c, 'l' | 's' | 'e' | 'o')) {
        chars.pop();
    }
    chars.into_iter().collect()
}

/// Words that say the same of a company.
const SAME: [&[&str]; 12] = [
    &["hir", "recruit", "vacanc", "open", "position", "job"],
    &["fund", "rais", "invest", "capital", "round"],
    &["began", "begin", "start", "join"],
    &["website", "sit", "page", "websit"],
    &["fix", "repair"],
    &["price", "cost", "pric"],
    &["mak", "build", "creat", "made", "built"],
    &["clinic", "practic", "surg"],
    &["own", "owner"],
    &["meet", "appoint"],
    &["find", "book"],
    &["wait", "queu"],
];

/// The stems that count as a stem's own.
pub(super) fn same_as(stem: &str) -> impl Iterator<Item = &'static str> + '_ {
    SAME.iter().filter(move |group| group.contains(&stem)).flat_map(|group| group.iter().copied())
}

/// Numbers of a text in one form: `1,200` and `1200` are one, `$1.5m` keeps its sign and unit; small
/// numbers are the same in words.
pub(super) fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for token in text.split(|c: char| {
        c.is_whitespace() || matches!(c, '(' | ')' | '“' | '”' | '"' | '/' | ';' | ':' | '–' | '—')
    }) {
        let token = token
            .trim_matches(|c: char| matches!(c, '.' | ',' | '!' | '?' | '\'' | '’' | '…' | '-' | '+' | '•'));
        if token.chars().any(char::is_numeric) {
            for part in token.split('-') {
                let plain: String = part.chars().filter(|c| *c != ',').collect::<String>().to_lowercase();
                if plain.chars().any(char::is_numeric) {
                    found.push(plain.trim_end_matches("'s").to_owned());
                }
            }
        } else {
            let word = token.to_lowercase();
            found.extend(
                word.split('-')
                    .filter_map(|part| NUMBER_WORDS.iter().find(|(word, _)| *word == part))
                    .map(|(_, number)| (*number).to_owned()),
            );
        }
    }
    found
}
