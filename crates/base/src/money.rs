//! Money: integer minor units with an ISO 4217 code; unit prices below one minor unit in micros.
//! Floating point never holds money.

use crate::Error;
use serde::{Deserialize, Serialize};

/// The currencies that the product accounts in.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Australian dollar.
    Aud,
    /// United States dollar.
    Usd,
    /// Euro.
    Eur,
    /// Pound sterling.
    Gbp,
    /// Indian rupee.
    Inr,
    /// Japanese yen; has no minor unit.
    Jpy,
    /// Kuwaiti dinar; has thousandths.
    Kwd,
}

impl Currency {
    /// Every currency, for forms and parsers.
    pub const ALL: [Self; 7] = [Self::Aud, Self::Usd, Self::Eur, Self::Gbp, Self::Inr, Self::Jpy, Self::Kwd];

    /// Decimals of the minor unit (ISO 4217): 2 for cents, 0 where there is no minor unit.
    pub fn exponent(self) -> u32 {
        match self {
            Self::Aud | Self::Usd | Self::Eur | Self::Gbp | Self::Inr => 2,
            Self::Jpy => 0,
            Self::Kwd => 3,
        }
    }

    /// The ISO 4217 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Aud => "AUD",
            Self::Usd => "USD",
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Inr => "INR",
            Self::Jpy => "JPY",
            Self::Kwd => "KWD",
        }
    }

    /// The sign as printed before an amount.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Aud => "A$",
            Self::Usd => "US$",
            Self::Eur => "€",
            Self::Gbp => "£",
            Self::Inr => "₹",
            Self::Jpy => "¥",
            Self::Kwd => "KWD ",
        }
    }

    /// Digits as those who pay in it group them: in threes, rupees in lakhs and crores (`12,34,567`).
    pub fn grouped(self, number: u64) -> String {
        match self {
            Self::Aud | Self::Usd | Self::Eur | Self::Gbp | Self::Jpy | Self::Kwd => grouped(number),
            Self::Inr => grouped_in(number, 2),
        }
    }
}

impl std::str::FromStr for Currency {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|c| c.code().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::invalid("currency.unknown", format!("“{text}” is not a currency that is supported."))
        })
    }
}

/// An amount in minor units (cents) of a currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Money {
    /// Minor units; negative for money out where a sign is meaningful.
    pub minor: i64,
    /// What the units are of.
    pub currency: Currency,
}

impl Money {
    /// An amount of Australian cents.
    pub fn aud(minor: i64) -> Self {
        Self { minor, currency: Currency::Aud }
    }

    /// The amount in major units with all decimals of the currency, such as `170.00`: what
    /// services and files that count in major units want.
    pub fn to_major(self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let (abs, decimals) = (self.minor.unsigned_abs(), self.currency.exponent());
        let unit = 10_u64.pow(decimals);
        match decimals {
            0 => format!("{sign}{abs}"),
            _ => format!("{sign}{}.{:0width$}", abs / unit, abs % unit, width = decimals as usize),
        }
    }

    /// Reads an amount in major units, digit by digit and without loss. Decimals beyond those of
    /// the currency must be zeros; no sign but a minus, no exponent, no grouping.
    ///
    /// # Errors
    /// Invalid (`money.form`) when it is not of that form or too large.
    pub fn from_major(text: &str, currency: Currency) -> Result<Self, Error> {
        let parsed = || -> Option<i64> {
            let (sign, digits) = match text.strip_prefix('-') {
                Some(digits) => (-1, digits),
                None => (1, text),
            };
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            let numeric = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
            let complete = !whole.is_empty() && (fraction.is_empty() != digits.contains('.'));
            let decimals = currency.exponent() as usize;
            let (kept, over) = fraction.split_at_checked(decimals).unwrap_or((fraction, ""));
            if !complete || !numeric(whole) || !numeric(fraction) || over.bytes().any(|b| b != b'0') {
                return None;
            }
            let minor = format!("{whole}{kept:0<decimals$}").parse::<i64>().ok()?;
            Some(sign * minor)
        };
        parsed().map(|minor| Self { minor, currency }).ok_or_else(|| {
            Error::invalid(
                "money.form",
                format!(
                    "“{text}” is not an amount in {} with at most {} decimals.",
                    currency.code(),
                    currency.exponent()
                ),
            )
        })
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.minor < 0 { "−" } else { "" };
        let (abs, decimals) = (self.minor.unsigned_abs(), self.currency.exponent());
        let unit = 10_u64.pow(decimals);
        write!(f, "{sign}{}{}", self.currency.sign(), self.currency.grouped(abs / unit))?;
        if decimals > 0 {
            write!(f, ".{:0width$}", abs % unit, width = decimals as usize)?;
        }
        Ok(())
    }
}

/// Millionths of a currency's major unit: what a metered unit costs (A$0.000580 = 580).
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema
)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// Whole cents as micros.
    pub fn from_minor(minor: i64) -> Self {
        Self(minor.saturating_mul(10_000))
    }

    /// Prints with the currency's sign: two decimals, more when the amount is below one cent.
    pub fn show(self, currency: Currency) -> String {
        let sign = if self.0 < 0 { "−" } else { "" };
        let abs = self.0.unsigned_abs();
        let (whole, fraction) = (abs / 1_000_000, abs % 1_000_000);
        if abs != 0 && abs < 10_000 {
            let digits = format!("{fraction:06}");
            return format!("{sign}{}{whole}.{}", currency.sign(), digits.trim_end_matches('0'));
        }
        let cents = (fraction + 5_000) / 10_000;
        let (whole, cents) = if cents == 100 { (whole + 1, 0) } else { (whole, cents) };
        format!("{sign}{}{}.{cents:02}", currency.sign(), currency.grouped(whole))
    }
}

/// Digits in groups of three: `1,234,567`.
pub fn grouped(number: u64) -> String {
    grouped_in(number, 3)
}

/// The last three digits, and those before them in groups of `size`.
fn grouped_in(number: u64, size: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len() - index;
        if index > 0 && left >= 3 && (left - 3).is_multiple_of(size) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_as_people_write_them() {
        assert_eq!(Money::aud(123_456_789).to_string(), "A$1,234,567.89");
        assert_eq!(Money::aud(-5).to_string(), "−A$0.05");
        assert_eq!(Micros(580).show(Currency::Aud), "A$0.00058");
        assert_eq!(Micros(18_400_000).show(Currency::Aud), "A$18.40");
        assert_eq!(Micros(999_999).show(Currency::Aud), "A$1.00");
        assert_eq!(Micros(0).show(Currency::Aud), "A$0.00");
        assert_eq!(Money { minor: 1_234, currency: Currency::Jpy }.to_string(), "¥1,234");
        assert_eq!(Money { minor: 1_234, currency: Currency::Kwd }.to_string(), "KWD 1.234");
        for (minor, text) in [
            (99_999, "₹999.99"),
            (100_000, "₹1,000.00"),
            (12_345_600, "₹1,23,456.00"),
            (1_234_567_890, "₹1,23,45,678.90"),
        ] {
            assert_eq!(Money { minor, currency: Currency::Inr }.to_string(), text);
        }
        assert_eq!(Micros(123_456_000_000).show(Currency::Inr), "₹1,23,456.00");
    }

    #[test]
    fn major_units_are_read_and_written_without_loss() {
        let read = |text: &str, currency| Money::from_major(text, currency).map(|m| m.minor);
        for (text, minor) in
            [("4.35", 435), ("1.15", 115), ("170", 17_000), ("170.0", 17_000), ("0.010", 1), ("-3.07", -307)]
        {
            assert_eq!(read(text, Currency::Usd).unwrap(), minor, "{text}");
        }
        assert_eq!(read("50000", Currency::Jpy).unwrap(), 50_000);
        assert_eq!(read("50000.00", Currency::Jpy).unwrap(), 50_000);
        assert_eq!(read("1.234", Currency::Kwd).unwrap(), 1_234);
        for text in
            ["", ".", ".5", "5.", "1.005", "1e2", "+1", "1,000", " 1", "--1", "1.2.3", "99999999999999999999"]
        {
            assert!(read(text, Currency::Usd).is_err(), "{text}");
        }
        assert!(read("0.5", Currency::Jpy).is_err());
        for (minor, currency, text) in [
            (435, Currency::Usd, "4.35"),
            (5, Currency::Kwd, "0.005"),
            (7, Currency::Jpy, "7"),
            (-5, Currency::Inr, "-0.05"),
        ] {
            assert_eq!(Money { minor, currency }.to_major(), text);
        }
    }
}
