//! Telephone numbers in E.164, read from what people type and what spreadsheets do to it.

use crate::Country;
use phonenumber::{Mode, country::Id};
use serde::{Deserialize, Serialize};

/// A number that exists in its country's numbering plan, in E.164 (`+61412345678`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// The number as `+` and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Phone {
    type Error = base::Error;
    fn try_from(text: String) -> Result<Self, base::Error> {
        parse(&text, None).ok_or_else(|| {
            base::Error::invalid("phone.invalid", format!("“{text}” is not a full international number."))
        })
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl std::fmt::Display for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a number. National numbers are read as of `country`; `+…`, `00…` and (from Australia and
/// North America) `0011…`, `011…` are international. An extension is dropped, of several numbers the
/// first valid one is taken, a lost leading zero (spreadsheets) is tolerated. None when no valid number is found; nothing is invented
/// (`4.12E+08` has lost its digits and gives none).
pub fn parse(input: &str, country: Option<Country>) -> Option<Phone> {
    input
        .split([';', '/', '|', ',', '\n'])
        .flat_map(|part| part.split(" or "))
        .find_map(|part| one(part, country))
}

fn one(part: &str, country: Option<Country>) -> Option<Phone> {
    let text = clean(part)?;
    let id = country.and_then(|country| country.code().parse::<Id>().ok());
    if text.starts_with('+') {
        return valid(None, &text);
    }
    for idd in ["0011", "011", "00"] {
        let from_here = match idd {
            "0011" => country == Some(Country::AU),
            "011" => country.is_some_and(|c| matches!(c.code(), "US" | "CA")),
            _ => true,
        };
        if let Some(rest) = text.strip_prefix(idd).filter(|_| from_here)
            && let Some(phone) = valid(None, &format!("+{rest}"))
        {
            return Some(phone);
        }
    }
    let id = id?;
    // `61 412 345 678`: the country's own code without its plus.
    valid(Some(id), &text).or_else(|| {
        let phone = valid(None, &format!("+{text}"))?;
        let parsed = phonenumber::parse(None, phone.as_str()).ok()?;
        (parsed.country().id() == Some(id)).then_some(phone)
    })
}

/// Digits with an optional leading plus, without extension and trunk zero in brackets.
/// None when the text holds anything that is no number.
fn clean(part: &str) -> Option<String> {
    let text = part.trim().trim_start_matches('\'').to_lowercase().replace("(0)", "");
    let text = text.strip_prefix("tel:").unwrap_or(&text);
    let text = ["extension", "ext.", "ext", " x", "#"]
        .iter()
        .find_map(|mark| text.split_once(mark).map(|(number, _)| number))
        .unwrap_or(text);
    // A label before the number: `Mobile: 0412…`, `m. 0412…`, `ph 02…`.
    let text = text.trim_start_matches(|c: char| c.is_ascii_lowercase() || matches!(c, ':' | '.' | ' '));
    let text = text.strip_suffix(".0").unwrap_or(text);
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '+' | '＋' if out.is_empty() => out.push('+'),
            _ if c.is_numeric() => out.push(char::from_digit(c.to_digit(10).or_else(|| wide(c))?, 10)?),
            ' ' | '-' | '.' | '(' | ')' | '\u{a0}' | '\t' | '_' => {}
            _ if c.is_whitespace()
                || matches!(c, '\u{2010}'..='\u{2015}' | '\u{200b}'..='\u{202f}' | '\u{feff}') => {}
            _ => return None,
        }
    }
    (out.len() >= 6).then_some(out)
}

/// Full-width digits.
fn wide(c: char) -> Option<u32> {
    ('０'..='９').contains(&c).then(|| u32::from(c) - u32::from('０'))
}

fn valid(id: Option<Id>, text: &str) -> Option<Phone> {
    let number = phonenumber::parse(id, text).ok()?;
    phonenumber::is_valid(&number).then(|| Phone(number.format().mode(Mode::E164).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e164(input: &str, country: &str) -> Option<String> {
        parse(input, Country::parse(country)).map(String::from)
    }

    #[test]
    fn numbers_are_read_as_people_type_them() {
        for (input, country, expected) in [
            ("0412 345 678", "AU", "+61412345678"),
            ("(02) 9374 4000", "AU", "+61293744000"),
            ("+61 (0)412 345 678", "AU", "+61412345678"),
            ("+61 (0)412 345 678", "US", "+61412345678"),
            ("61412345678", "AU", "+61412345678"),
            ("412345678", "AU", "+61412345678"),
            ("412345678.0", "AU", "+61412345678"),
            ("0061 412 345 678", "AU", "+61412345678"),
            ("0011 44 20 7946 0958", "AU", "+442079460958"),
            ("'0412345678", "AU", "+61412345678"),
            ("Mobile: 0412-345-678", "AU", "+61412345678"),
            ("02 9374 4000 ext 12", "AU", "+61293744000"),
            ("n/a; 0412 345 678", "AU", "+61412345678"),
            ("0412\u{a0}345\u{2011}678", "AU", "+61412345678"),
            ("1300 975 707", "AU", "+611300975707"),
            ("(415) 555-2671", "US", "+14155552671"),
            ("415.555.2671 x9", "US", "+14155552671"),
            ("020 7946 0958", "GB", "+442079460958"),
            ("021 345 678", "NZ", "+6421345678"),
            ("tel:+1-415-555-2671", "", "+14155552671"),
        ] {
            assert_eq!(e164(input, country).as_deref(), Some(expected), "{input} in {country}");
        }
    }

    #[test]
    fn what_is_no_number_gives_none() {
        for (input, country) in [
            ("", "AU"),
            ("n/a", "AU"),
            ("12345", "AU"),
            ("0412 345 678", ""),
            ("4.12346E+08", "AU"),
            ("0000000000", "AU"),
            ("call me", "AU"),
            ("+999 123 456 789", "AU"),
            ("0412 345 6789 01", "AU"),
            ("priya@example.com", "AU"),
        ] {
            assert_eq!(e164(input, country), None, "{input}");
        }
    }
}
