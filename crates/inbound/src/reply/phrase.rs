//! Words and the small pattern language that the rules are written in.
//!
//! A pattern is a row of pieces: `stop`, `stop|quit` (either), `please?` (may be missing),
//! `*3` (up to three words of any kind), `unsub~` (a word that starts so). It matches inside one
//! sentence. Case, accents as typed, and apostrophes do not matter (`don't` is `dont`).

use std::collections::HashMap;

/// One word of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Word {
    /// Lower case, no apostrophes; an e-mail address is `@`.
    pub text: String,
    /// First byte in the original text.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Number of its sentence, from 0.
    pub sentence: usize,
    /// Number of its clause (commas and dashes divide too).
    pub clause: usize,
}

/// Splits text into words.
pub fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let (mut sentence, mut clause) = (0, 0);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if !c.is_alphanumeric() {
            let next_blank = chars.peek().is_none_or(|(_, next)| !next.is_alphanumeric());
            let line = c == '\n' && chars.peek().is_some_and(|(_, next)| *next == '\n');
            if matches!(c, '!' | '?' | ';') || (c == '.' && next_blank) || line {
                sentence += 1;
                clause += 1;
            } else if matches!(c, ',' | ':' | '–' | '—' | '(' | ')' | '\n') || (c == '-' && next_blank) {
                clause += 1;
            }
            continue;
        }
        let mut word: String = c.to_lowercase().collect();
        let mut end = at + c.len_utf8();
        let mut apostrophe = false;
        while let Some((pos, next)) = chars.peek().copied() {
            let inside = text[pos + next.len_utf8()..].chars().next().is_some_and(char::is_alphanumeric);
            if next.is_alphanumeric()
                || (next == '@' && inside)
                || (inside && word.contains('@') && ".-_+".contains(next))
            {
                word.extend(next.to_lowercase());
            } else if !(matches!(next, '\'' | '’' | '`' | '´') && inside) {
                break;
            } else {
                apostrophe = true;
            }
            end = pos + next.len_utf8();
            chars.next();
        }
        // “we'd” is not Wednesday.
        let text = match word.as_str() {
            "wed" if apostrophe => "we'd".to_owned(),
            address if address.contains('@') => "@".to_owned(),
            _ => known_typo(word),
        };
        found.push(Word { text, start: at, end, sentence, clause });
    }
    found
}

/// Misspellings of the one word that must never be missed.
fn known_typo(word: String) -> String {
    let near = word.starts_with("un")
        && (8..=13).contains(&word.len())
        && word.is_ascii()
        && !matches!(word.as_str(), "unsubscribed" | "unsubscribes" | "unsubscriber" | "unsubscribers");
    if near && distance(&word, "unsubscribe") <= 2 { "unsubscribe".to_owned() } else { word }
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = corner + usize::from(ca != *cb);
            corner = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[derive(Debug)]
enum Piece {
    One { any: Vec<&'static str>, optional: bool },
    Gap(usize),
}

/// A list of patterns that are looked for together.
#[derive(Debug)]
pub struct Patterns {
    rows: Vec<Vec<Piece>>,
    first: HashMap<&'static str, Vec<usize>>,
    loose: Vec<usize>,
}

/// Where a pattern matched: word positions, the end not included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hit {
    /// First word.
    pub from: usize,
    /// Word after the last.
    pub to: usize,
}

impl Patterns {
    /// Reads a table of patterns. The first piece of a pattern must be a plain word or alternatives.
    pub fn new(table: &[&'static str]) -> Self {
        let mut rows = Vec::new();
        let mut first: HashMap<&'static str, Vec<usize>> = HashMap::new();
        let mut loose = Vec::new();
        for (index, pattern) in table.iter().enumerate() {
            let row: Vec<Piece> = pattern.split_whitespace().map(piece).collect();
            match row.first() {
                Some(Piece::One { any, optional: false }) if !any.iter().any(|word| word.ends_with('~')) => {
                    for word in any {
                        first.entry(word).or_default().push(index);
                    }
                }
                Some(Piece::One { .. } | Piece::Gap(_)) | None => loose.push(index),
            }
            rows.push(row);
        }
        Self { rows, first, loose }
    }

    /// Every match, in the order of the text.
    pub fn all(&self, words: &[Word]) -> Vec<Hit> {
        (0..words.len())
            .filter_map(|from| {
                let listed = self.first.get(words[from].text.as_str()).map_or(&[][..], Vec::as_slice);
                let ends =
                    listed.iter().chain(&self.loose).filter_map(|row| advance(&self.rows[*row], words, from));
                ends.max().filter(|to| *to > from).map(|to| Hit { from, to })
            })
            .collect()
    }
}

fn piece(text: &'static str) -> Piece {
    if let Some(count) = text.strip_prefix('*').and_then(|count| count.parse().ok()) {
        return Piece::Gap(count);
    }
    let optional = text.ends_with('?');
    Piece::One { any: text.trim_end_matches('?').split('|').collect(), optional }
}

fn advance(row: &[Piece], words: &[Word], at: usize) -> Option<usize> {
    let Some((piece, rest)) = row.split_first() else { return Some(at) };
    let same = |index: usize| {
        index == 0
            || index >= words.len()
            || at == 0
            || words[index].sentence == words[at.min(words.len() - 1)].sentence
    };
    match piece {
        Piece::Gap(count) => (0..=*count)
            .take_while(|step| at + step <= words.len() && (*step == 0 || joined(words, at, at + step - 1)))
            .find_map(|step| advance(rest, words, at + step)),
        Piece::One { any, optional } => {
            let fits = words
                .get(at)
                .is_some_and(|word| (at == 0 || same(at)) && any.iter().any(|want| fits(want, &word.text)));
            let taken = fits
                .then(|| {
                    let next_ok = rest.is_empty()
                        || at + 1 >= words.len()
                        || joined(words, at, at + 1)
                        || rest.iter().all(can_be_empty);
                    next_ok.then(|| advance(rest, words, at + 1)).flatten()
                })
                .flatten();
            taken.or_else(|| optional.then(|| advance(rest, words, at)).flatten())
        }
    }
}

fn can_be_empty(piece: &Piece) -> bool {
    match piece {
        Piece::Gap(_) => true,
        Piece::One { optional, .. } => *optional,
    }
}

fn joined(words: &[Word], a: usize, b: usize) -> bool {
    match (words.get(a), words.get(b)) {
        (Some(a), Some(b)) => a.sentence == b.sentence,
        (None, _) | (_, None) => false,
    }
}

fn fits(want: &str, word: &str) -> bool {
    want.strip_suffix('~').map_or(want == word, |prefix| word.starts_with(prefix))
}

/// Whether a negation stands within `reach` words before `at`, in the same clause.
pub fn negated(words: &[Word], at: usize, reach: usize) -> bool {
    let Some(here) = words.get(at) else { return false };
    words[at.saturating_sub(reach)..at].iter().any(|word| {
        word.clause == here.clause
            && matches!(
                word.text.as_str(),
                "not"
                    | "dont"
                    | "never"
                    | "no"
                    | "cannot"
                    | "cant"
                    | "wont"
                    | "didnt"
                    | "isnt"
                    | "arent"
                    | "wasnt"
                    | "werent"
                    | "doesnt"
                    | "wouldnt"
                    | "shouldnt"
                    | "without"
                    | "neither"
                    | "nor"
                    | "hardly"
                    | "aint"
                    | "kein"
                    | "keine"
                    | "nicht"
                    | "pas"
                    | "jamais"
                    | "nunca"
                    | "nahi"
                    | "nahin"
                    | "mat"
                    | "zero"
            )
    })
}

/// The original text of a match.
pub fn slice<'a>(text: &'a str, words: &[Word], hit: Hit) -> &'a str {
    let (Some(first), Some(last)) = (words.get(hit.from), hit.to.checked_sub(1).and_then(|at| words.get(at)))
    else {
        return "";
    };
    text.get(first.start..last.end).unwrap_or_default()
}
