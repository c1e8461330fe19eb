//! What else a reply speaks of: the money there is, and whom they use already. Pure; each with the words.

use serde::{Deserialize, Serialize};

/// Something that was named, with the sentence that names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Named {
    /// What was named, as written.
    pub value: String,
    /// The sentence.
    pub quote: String,
}

/// Words beside an amount that make it a budget, not any number.
const MONEY: [&str; 10] =
    ["budget", "spend", "spending", "afford", "pay", "paying", "invest", "per month", "a month", "set aside"];
/// Words of somebody who has no money for it.
const NO_MONEY: [&str; 6] = [
    "no budget",
    "don't have budget",
    "don't have the budget",
    "do not have the budget",
    "budget is gone",
    "budget is frozen",
];
/// What stands before the name of somebody whom they use already, the longest first.
const USES: [&str; 18] = [
    "we are already working with",
    "we're already working with",
    "we already work with",
    "we have been working with",
    "we are currently using",
    "we're currently using",
    "we are very happy with",
    "we're very happy with",
    "we are happy with",
    "we're happy with",
    "we already use",
    "we currently use",
    "we just signed with",
    "we signed with",
    "we went with",
    "we switched to",
    "already using",
    "we use",
];

/// The first amount that is spoken of as money for this, or that there is none.
pub fn budget(text: &str) -> Option<Named> {
    sentences(text).find_map(|sentence| {
        let lower = plain(sentence);
        if let Some(none) = NO_MONEY.iter().find(|words| lower.contains(**words)) {
            return Some(Named { value: (*none).to_owned(), quote: sentence.to_owned() });
        }
        let speaks = MONEY.iter().any(|words| has(&lower, words));
        amount(sentence).filter(|_| speaks).map(|value| Named { value, quote: sentence.to_owned() })
    })
}

/// The first name of somebody whom they use already.
pub fn competitor(text: &str) -> Option<Named> {
    sentences(text).find_map(|sentence| {
        let lower = plain(sentence);
        let (at, words) = USES.iter().find_map(|words| lower.find(words).map(|at| (at, words)))?;
        // `plain` keeps the length of a text in characters, not in bytes.
        let rest: String =
            sentence.chars().skip(lower.get(..at)?.chars().count() + words.chars().count()).collect();
        name(&rest).map(|value| Named { value, quote: sentence.to_owned() })
    })
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    crate::content::text::sentences(text).into_iter()
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c == '’' { '\'' } else { c.to_lowercase().next().unwrap_or(c) }).collect()
}

fn has(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, found)| {
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        edge(text.get(..at).and_then(|t| t.chars().next_back()))
            && edge(text.get(at + found.len()..).and_then(|t| t.chars().next()))
    })
}

/// An amount with its currency, or a number with a unit of money behind it.
fn amount(sentence: &str) -> Option<String> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    words.iter().enumerate().find_map(|(at, word)| {
        let word = word.trim_matches(|c: char| matches!(c, '.' | ',' | '?' | '!' | '(' | ')' | ';' | ':'));
        let digits = word.chars().any(|c| c.is_ascii_digit());
        let currency =
            ["$", "€", "£", "AUD", "USD", "NZD", "EUR", "GBP"].iter().any(|sign| word.contains(sign));
        let thousands = word.to_lowercase().ends_with('k') && digits;
        let behind =
            words.get(at + 1).map(|next| next.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
        let unit = behind.as_deref().is_some_and(|next| {
            matches!(next, "dollars" | "bucks" | "aud" | "usd" | "euros" | "pounds" | "grand" | "k")
        });
        (digits && (currency || thousands || unit)).then(|| match behind.filter(|_| unit) {
            Some(unit) => format!("{word} {unit}"),
            None => word.to_owned(),
        })
    })
}

/// The name at the beginning of a text: words with a capital, up to four; none where it begins small
/// (“an agency” names nobody).
fn name(rest: &str) -> Option<String> {
    let kept: Vec<&str> = rest
        .split_whitespace()
        .map_while(|word| {
            let clean = word.trim_matches(|c: char| !c.is_alphanumeric());
            clean
                .chars()
                .next()
                .is_some_and(|c| c.is_uppercase() || c.is_ascii_digit())
                .then_some((word, clean))
        })
        .scan(false, |ended, (word, clean)| {
            if *ended {
                return None;
            }
            *ended = word.ends_with(['.', ',', ';', '!', '?', ')']);
            Some(clean)
        })
        .take(4)
        .collect();
    (!kept.is_empty()).then(|| kept.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_counts_where_it_is_spoken_of_as_money_for_this() {
        for (text, value) in [
            ("Our budget is about $5,000 a month.", Some("$5,000")),
            ("We can spend 3k per month at most.", Some("3k")),
            ("We have set aside 20 grand for this year", Some("20 grand")),
            ("Sorry, we don’t have the budget this year.", Some("don't have the budget")),
            ("Call me on 0400 000 000.", None),
            ("We made $2 million last year.", None),
            ("What would I pay?", None),
        ] {
            assert_eq!(budget(text).map(|found| found.value).as_deref(), value, "{text}");
        }
    }

    #[test]
    fn a_competitor_is_a_name_and_not_a_kind_of_company() {
        for (text, value) in [
            ("Thanks, but we already use HubSpot for this.", Some("HubSpot")),
            ("We’re happy with Bright Path Digital, sorry.", Some("Bright Path Digital")),
            ("we switched to Lemlist.", Some("Lemlist")),
            ("We already work with an agency.", None),
            ("We use it every day.", None),
            ("Who else do you work with?", None),
        ] {
            assert_eq!(competitor(text).map(|found| found.value).as_deref(), value, "{text}");
        }
        assert_eq!(
            competitor("Hi. We use Xero. Bye.").map(|found| found.quote).as_deref(),
            Some("We use Xero.")
        );
    }
}
