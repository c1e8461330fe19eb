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
}

impl Currency {
    /// Every currency, for forms and parsers.
    pub const ALL: [Self; 5] = [Self::Aud, Self::Usd, Self::Eur, Self::Gbp, Self::Inr];

    /// The ISO 4217 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Aud => "AUD",
            Self::Usd => "USD",
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Inr => "INR",
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
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.minor < 0 { "−" } else { "" };
        let abs = self.minor.unsigned_abs();
        write!(f, "{sign}{}{}.{:02}", self.currency.sign(), grouped(abs / 100), abs % 100)
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
        format!("{sign}{}{}.{cents:02}", currency.sign(), grouped(whole))
    }
}

/// Digits in groups of three: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
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
    }
}
