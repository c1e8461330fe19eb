//! Countries (ISO 3166-1) and Australian states, read from whatever people type.

use crate::fold::words;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The table: one line per country, see its first line for the columns.
const TABLE: &str = include_str!("countries.txt");

/// A country, by its ISO 3166-1 alpha-2 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// One line of the table.
struct Line {
    name: &'static str,
    zone: &'static str,
}

/// The table by code, and every folded spelling to its code.
struct Book {
    lines: HashMap<[u8; 2], Line>,
    spellings: HashMap<String, [u8; 2]>,
}

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let mut book = Book { lines: HashMap::new(), spellings: HashMap::new() };
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('|');
        let mut cell = || cells.next().unwrap_or_default();
        let (two, three, name, others, zone) = (cell(), cell(), cell(), cell(), cell());
        let &[a, b] = two.as_bytes() else { continue };
        book.lines.insert([a, b], Line { name, zone });
        for spelling in [two, three, name].into_iter().chain(others.split(',')) {
            let spelling = words(spelling);
            if !spelling.is_empty() {
                book.spellings.entry(spelling).or_insert([a, b]);
            }
        }
    }
    book
});

impl Country {
    /// Australia.
    pub const AU: Self = Self(*b"AU");

    /// Reads a name or a code in any case (`Australia`, `AUS`, `u.k.`, `Deutschland`). None when it is not known.
    pub fn parse(text: &str) -> Option<Self> {
        let text = words(text);
        let text = text.strip_prefix("the ").unwrap_or(&text);
        BOOK.spellings.get(text).copied().map(Self)
    }

    /// Reads an alpha-2 code as it is stored.
    pub fn of_code(code: &str) -> Option<Self> {
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        BOOK.lines.contains_key(&code).then_some(Self(code))
    }

    /// The alpha-2 code, upper case.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// The usual English name.
    pub fn name(&self) -> &'static str {
        BOOK.lines.get(&self.0).map_or("", |line| line.name)
    }

    /// The IANA zone in which nearly everyone in this country lives, if there is one.
    pub fn only_zone(&self) -> Option<&'static str> {
        BOOK.lines.get(&self.0).map(|line| line.zone).filter(|zone| !zone.is_empty())
    }

    /// Whether business there is done in English (the scorer's "other English-speaking").
    pub fn speaks_english(&self) -> bool {
        matches!(&self.0, b"AU" | b"NZ" | b"US" | b"GB" | b"CA" | b"IE" | b"SG" | b"ZA")
    }
}

impl TryFrom<String> for Country {
    type Error = base::Error;
    fn try_from(text: String) -> Result<Self, base::Error> {
        Self::parse(&text).ok_or_else(|| {
            base::Error::invalid("country.unknown", format!("“{text}” is not a country that we know."))
        })
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.code().to_owned()
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// The short name of an Australian state or territory (`NSW`), from its short or long name.
pub fn australian_state(text: &str) -> Option<&'static str> {
    Some(match words(text).as_str() {
        "nsw" | "new south wales" | "n s w" => "NSW",
        "vic" | "victoria" => "VIC",
        "qld" | "queensland" => "QLD",
        "sa" | "south australia" | "s a" => "SA",
        "wa" | "western australia" | "west australia" | "w a" => "WA",
        "tas" | "tasmania" => "TAS",
        "act" | "australian capital territory" | "a c t" => "ACT",
        "nt" | "northern territory" | "n t" => "NT",
        _ => return None,
    })
}

/// A state as it is kept: the short name in Australia, otherwise the trimmed text.
pub fn state(country: Option<Country>, text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let short = match country {
        None | Some(Country::AU) => australian_state(text).map(str::to_owned),
        Some(_) => None,
    };
    Some(short.unwrap_or_else(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_codes_and_habits_are_read() {
        for (text, code) in [
            ("Australia", "AU"),
            (" AUS ", "AU"),
            ("au", "AU"),
            ("U.K.", "GB"),
            ("England", "GB"),
            ("USA", "US"),
            ("United States of America", "US"),
            ("The Netherlands", "NL"),
            ("Deutschland", "DE"),
            ("Türkiye", "TR"),
            ("Côte d'Ivoire", "CI"),
            ("South Korea", "KR"),
        ] {
            assert_eq!(Country::parse(text).map(String::from).as_deref(), Some(code), "{text}");
        }
        for text in ["", "Atlantis", "Sydney", "XX"] {
            assert_eq!(Country::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_table_holds_every_country_once() {
        assert_eq!(BOOK.lines.len(), 249);
    }

    #[test]
    fn australian_states_are_shortened_only_there() {
        assert_eq!(state(None, "New South Wales").as_deref(), Some("NSW"));
        assert_eq!(state(Country::parse("US"), "WA").as_deref(), Some("WA"));
        assert_eq!(state(Country::parse("CA"), "Victoria").as_deref(), Some("Victoria"));
    }
}
