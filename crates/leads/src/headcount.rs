//! How many people a company employs: an exact number or the range that a file gives.

use serde::{Deserialize, Serialize};

/// A number of employees, exact (`low == high`), a range, or open upwards (`high` absent).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Headcount {
    /// The smallest number that the text allows.
    pub low: u32,
    /// The largest; absent for `10,001+`.
    pub high: Option<u32>,
}

impl Headcount {
    /// Exactly this many.
    pub fn exactly(count: u32) -> Self {
        Self { low: count, high: Some(count) }
    }

    /// Reads `45`, `1,200`, `11-50`, `51 to 200`, `10,001+`, `1.5k`, `~40`, `> 500`, `25 employees`, and what
    /// spreadsheets make of `11-50` (`Nov-50`). None when there is no number.
    pub fn parse(text: &str) -> Option<Self> {
        let mut text = crate::fold::fold(text);
        if let Some(year) = text.strip_prefix("nov-") {
            text = format!("11-{year}");
        }
        let open =
            text.contains('+') || text.contains('>') || text.contains("over") || text.contains("more than");
        let numbers = numbers(&text)?;
        match numbers.as_slice() {
            [one] if open => Some(Self { low: *one, high: None }),
            [one] if text.contains('<') || text.contains("under") || text.contains("less than") => {
                Some(Self { low: 0, high: Some(*one) })
            }
            [one] => Some(Self::exactly(*one)),
            [low, high] if low <= high => Some(Self { low: *low, high: Some(*high) }),
            _ => None,
        }
    }

    /// The one number used where a formula needs one: the middle of the range, or its lower end.
    pub fn estimate(self) -> u32 {
        self.high.map_or(self.low, |high| self.low + (high.saturating_sub(self.low)) / 2)
    }
}

fn numbers(text: &str) -> Option<Vec<u32>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').unwrap_or(rest.len());
        let digits = rest[..end].trim_end_matches([',', '.']);
        rest = &rest[end..];
        let thousand = rest.starts_with('k') && !rest[1..].starts_with(|c: char| c.is_alphabetic());
        found.push(number(digits, thousand)?);
    }
    (!found.is_empty()).then_some(found)
}

fn number(digits: &str, thousand: bool) -> Option<u32> {
    let plain = digits.replace(',', "");
    let Some((whole, fraction)) = plain.split_once('.') else {
        let count: u32 = plain.parse().ok()?;
        return if thousand { count.checked_mul(1000) } else { Some(count) };
    };
    let whole: u32 = whole.parse().ok()?;
    if thousand {
        let tenths: u32 = fraction.get(..1)?.parse().ok()?;
        return whole.checked_mul(1000)?.checked_add(tenths * 100);
    }
    match fraction {
        // `1.200` is a thousand and two hundred in much of Europe; `45.0` is a spreadsheet's 45.
        f if f.len() == 3 => whole.checked_mul(1000)?.checked_add(f.parse().ok()?),
        f if f.bytes().all(|b| b == b'0') => Some(whole),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_read() {
        for (text, low, high) in [
            ("45", 45, Some(45)),
            ("1,200", 1200, Some(1200)),
            ("11-50", 11, Some(50)),
            ("51 to 200", 51, Some(200)),
            ("10,001+", 10_001, None),
            ("1.5k", 1500, Some(1500)),
            ("~40 employees", 40, Some(40)),
            ("45.0", 45, Some(45)),
            ("Nov-50", 11, Some(50)),
            ("1,001 – 5,000", 1001, Some(5000)),
            ("< 10", 0, Some(10)),
        ] {
            assert_eq!(Headcount::parse(text), Some(Headcount { low, high }), "{text}");
        }
        for text in ["", "many", "50-11", "99999999999", "1.25"] {
            assert_eq!(Headcount::parse(text), None, "{text}");
        }
        assert_eq!(Headcount::parse("11-50").map(Headcount::estimate), Some(30));
    }
}
