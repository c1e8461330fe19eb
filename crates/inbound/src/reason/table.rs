//! The listed sentences and how they are found in what a server said.

use super::Reason;
use std::sync::LazyLock;

/// Bytes that may stand between two pieces of a phrase.
const GAP: usize = 60;

/// A phrase: pieces that follow each other.
type Phrase = Vec<&'static str>;

/// Rows in the order of the file.
pub(super) type Rows = Vec<(Reason, Vec<Phrase>)>;

/// All tables.
pub(super) struct Tables {
    /// Sentences whose order is that of the reasons.
    pub(super) said: Rows,
    /// What the reporting server says of itself.
    pub(super) local: Rows,
    /// The same, of Microsoft Exchange only.
    pub(super) exchange: Rows,
    /// The same, of Exim only.
    pub(super) exim: Rows,
    /// The same, of qmail only.
    pub(super) qmail: Rows,
    /// The same, of Amazon's receiving servers only.
    pub(super) amazon: Rows,
    /// Sentences of single providers, with the ends of their host names.
    pub(super) at: Vec<(Vec<&'static str>, Rows)>,
    /// What single reporting servers say of themselves, with the ends of their host names.
    pub(super) by: Vec<(Vec<&'static str>, Rows)>,
    /// Wider words.
    pub(super) loose: Rows,
    /// Words that say something only when no code does.
    pub(super) generic: Rows,
}

/// The tables, read once.
pub(super) static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    said: rows_in(section(SAID, "said")),
    local: rows_in(section(SAID, "local")),
    exchange: rows_in(section(SAID, "exchange")),
    exim: rows_in(section(SAID, "exim")),
    qmail: rows_in(section(SAID, "qmail")),
    amazon: rows_in(section(SAID, "amazon")),
    at: hosted("\n=at "),
    by: hosted("\n=by "),
    loose: rows_in(section(LOOSE, "words")),
    generic: rows_in(section(LOOSE, "generic")),
});

/// The sections of hosts, which stand below `=at` or `=by` and the ends of their names.
fn hosted(mark: &str) -> Vec<(Vec<&'static str>, Rows)> {
    let mut found = Vec::new();
    for section in SAID.split(mark).skip(1) {
        let (hosts, rows) = section.split_once('\n').unwrap_or((section, ""));
        let rows = rows.split("\n=").next().unwrap_or(rows);
        found.push((hosts.split_whitespace().collect(), rows_in(rows)));
    }
    found
}

/// Listed sentences.
pub(super) const SAID: &str = include_str!("said.txt");
/// Wider words.
pub(super) const LOOSE: &str = include_str!("loose.txt");

/// The rows below `=name`, up to the next section.
fn section(text: &'static str, name: &str) -> &'static str {
    let mut sections = text.split("\n=").skip(1).filter_map(|part| part.split_once('\n'));
    sections.find(|(title, _)| *title == name).map_or("", |(_, rows)| rows)
}

/// Rows whose reason has no such name are left out; a test keeps the files free of them.
fn rows_in(text: &'static str) -> Rows {
    text.lines()
        .filter(|line| !line.starts_with(['#', '=']))
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, phrases)| {
            let phrases = phrases.split(" | ").map(|phrase| phrase.split('*').collect()).collect();
            Some((named(name)?, phrases))
        })
        .collect()
}

/// The reason with this name, as written in data.
pub fn named(name: &str) -> Option<Reason> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

/// The reason of the first row with a phrase that occurs.
pub(super) fn first(rows: &Rows, text: &str) -> Option<Reason> {
    rows.iter()
        .find(|(_, phrases)| phrases.iter().any(|phrase| occurs(phrase, text)))
        .map(|(reason, _)| *reason)
}

/// Whether a phrase of this reason occurs.
pub(super) fn speaks_of(rows: &Rows, reason: Reason, text: &str) -> bool {
    let mut own = rows.iter().filter(|(of, _)| *of == reason);
    own.any(|(_, phrases)| phrases.iter().any(|phrase| occurs(phrase, text)))
}

/// Whether the pieces of a phrase stand in this order, each at most [`GAP`] behind the last.
fn occurs(phrase: &[&str], text: &str) -> bool {
    let Some((first, rest)) = phrase.split_first() else { return false };
    text.match_indices(first).any(|(at, _)| {
        let mut from = at + first.len();
        rest.iter().all(|piece| {
            let mut end = (from + GAP + piece.len()).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let found = text.get(from..end.max(from)).and_then(|near| near.find(piece));
            found.map(|step| from += step + piece.len()).is_some()
        })
    })
}
