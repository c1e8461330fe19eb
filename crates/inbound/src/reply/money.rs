//! Amounts of money and names of other suppliers inside a reply, as written; never made up.

use super::phrase::{Patterns, Word};
use std::sync::LazyLock;

/// The first amount of money, as written: “$2,500 a month”, “Rs 20,000”, “5k AUD”, “3 lakh”.
pub fn budget(text: &str, words: &[Word]) -> Option<String> {
    words.iter().enumerate().find_map(|(at, word)| amount(text, words, at, word))
}

const BEFORE: &[&str] = &[
    "usd", "aud", "gbp", "eur", "inr", "sgd", "ngn", "nzd", "cad", "rs", "rupees", "naira", "euro", "euros",
    "dollars", "pounds", "us",
];
const AFTER: &[&str] = &[
    "usd", "aud", "gbp", "eur", "inr", "sgd", "ngn", "nzd", "cad", "dollars", "dollar", "bucks", "pounds",
    "quid", "euro", "euros", "rupees", "rs", "naira", "lakh", "lakhs", "crore", "pesos", "grand",
];
const PERIODS: &[&str] = &[
    "month", "monthly", "year", "yearly", "annum", "week", "quarter", "pm", "pa", "pcm", "monat", "jahr",
    "mes", "año", "user", "seat", "head",
];

fn amount(text: &str, words: &[Word], at: usize, word: &Word) -> Option<String> {
    let digits = word.text.trim_end_matches(['k', 'm']);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let sign = text[..word.start].trim_end().chars().next_back().filter(|c| "$€£₹₦¥".contains(*c));
    let named = |at: Option<usize>, list: &[&str]| {
        at.and_then(|at| words.get(at)).is_some_and(|word| list.contains(&word.text.as_str()))
    };
    // “2,500” and “2.500” are two or three words.
    let mut last = at;
    while let Some(next) = words.get(last + 1) {
        let gap = text.get(words[last].end..next.start).unwrap_or_default();
        let group = next.text.trim_end_matches(['k', 'm']).bytes().all(|b| b.is_ascii_digit());
        if !(matches!(gap, "," | "." | "'") && group && last < at + 4) {
            break;
        }
        last += 1;
    }
    let before = named(at.checked_sub(1), BEFORE);
    let symbol_after = text[words[last].end..].trim_start().chars().next().filter(|c| "€£$₹".contains(*c));
    let after = named(Some(last + 1), AFTER);
    if sign.is_none() && symbol_after.is_none() && !before && !after {
        return None;
    }
    let mut start = word.start;
    if let Some(sign) = sign {
        start = text[..word.start].rfind(sign).unwrap_or(start);
    } else if before {
        start = words[at - 1].start;
    }
    let mut end = words[last].end;
    if let Some(symbol) = symbol_after.filter(|_| sign.is_none()) {
        end = text[end..].find(symbol).map_or(end, |step| end + step + symbol.len_utf8());
    }
    let mut next = last + 1;
    if after {
        end = words[next].end;
        next += 1;
    }
    for _ in 0..3 {
        let Some(word) = words.get(next) else { break };
        let link = matches!(word.text.as_str(), "a" | "per" | "each" | "pro" | "al" | "por" | "im");
        let period = PERIODS.contains(&word.text.as_str());
        if !link && !period {
            break;
        }
        if period {
            end = word.end;
            break;
        }
        next += 1;
    }
    text.get(start..end).map(str::to_owned)
}

/// The supplier that somebody says they use: only a name that stands in the text, capitalised.
pub fn competitor(text: &str, words: &[Word]) -> Option<String> {
    USES.all(words).into_iter().find_map(|hit| name_at(text, words, hit.to))
}

fn name_at(text: &str, words: &[Word], from: usize) -> Option<String> {
    let clause = words.get(from)?.clause;
    let capital = |word: &Word| {
        text.get(word.start..word.end).and_then(|text| text.chars().next()).is_some_and(char::is_uppercase)
            && !ORDINARY.contains(&word.text.as_str())
    };
    let named: Vec<&Word> =
        words[from..].iter().take(4).take_while(|word| word.clause == clause && capital(word)).collect();
    let (first, last) = (named.first()?, named.last()?);
    text.get(first.start..last.end).map(str::to_owned)
}

/// Capitalised words that are no supplier.
const ORDINARY: &[&str] = &[
    "i",
    "we",
    "an",
    "a",
    "the",
    "our",
    "another",
    "someone",
    "somebody",
    "it",
    "this",
    "that",
    "you",
    "your",
    "in",
    "agency",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "him",
    "her",
    "them",
    "my",
];

static USES: LazyLock<Patterns> = LazyLock::new(|| {
    Patterns::new(&[
        "already|currently|now|presently|happily use|using|with|have|on|run|running",
        "we|i|they already|currently|now|just? use|run|have|love",
        "happy|stuck|contracted|working|work|partnered|partner|going|gone|went|locked|signed|committed with|in|into|up|to with?",
        "switched|moved|migrated|subscribed to",
        "contract|agreement|deal|subscription with",
        "chose|picked|bought|selected|hired|appointed|inked|use|using",
        "nutzen|verwenden|arbeiten|haben bereits|schon|mit",
        "usamos|trabajamos|tenemos ya|con",
        "competitor|alternative|compared to|like|with",
    ])
});
