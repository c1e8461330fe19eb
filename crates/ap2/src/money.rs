//! Amounts on the wire: integer minor units with an ISO 4217 code, and the one decimal number in
//! major units that AP2 has (`payment.budget.max`), read exactly.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Active ISO 4217 currencies without minor units.
const EXPONENT_0: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
/// Active ISO 4217 currencies with three decimals.
const EXPONENT_3: &str = "BHD IQD JOD KWD LYD OMR TND";
/// Active ISO 4217 currencies with four decimals.
const EXPONENT_4: &str = "CLF UYW";
/// Active ISO 4217 currencies with two decimals.
const EXPONENT_2: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN \
    BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL \
    GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD \
    MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN \
    QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD \
    TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

/// A currency that a mandate may name: any active one of ISO 4217, also those that the house keeps
/// no books in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CurrencyCode {
    letters: [u8; 3],
    exponent: u8,
}

impl CurrencyCode {
    /// The currency with this code, in capitals. Errors when ISO 4217 has none.
    pub fn parse(code: &str) -> Result<Self> {
        let listed = |list: &str| list.split_ascii_whitespace().any(|listed| listed == code);
        let tables = [(EXPONENT_2, 2), (EXPONENT_0, 0), (EXPONENT_3, 3), (EXPONENT_4, 4)];
        let found = tables.into_iter().find(|(list, _)| listed(list)).map(|(_, exponent)| exponent);
        match (code.as_bytes(), found) {
            (&[a, b, c], Some(exponent)) => Ok(Self { letters: [a, b, c], exponent }),
            _ => Err(Error::mandate(format!("“{code}” is not a currency of ISO 4217."))),
        }
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.letters).expect("only ASCII letters get in")
    }

    /// How many decimals a major unit has: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u8 {
        self.exponent
    }

    /// The same currency among those that the house keeps books in; none for others.
    pub fn house(&self) -> Option<base::Currency> {
        self.code().parse().ok()
    }

    /// Minor units from a decimal number of major units, as it was written (`4.35`, `1e3`).
    /// Errors when it has more decimals than the currency, or does not fit.
    pub fn minor_units(self, written: &str) -> Result<i64> {
        let bad = |why: &str| Error::unresolved(format!("{written} {} {why}.", self.code()));
        let (mantissa, power) = match written.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().map_err(|_| bad("is not a number"))?),
            None => (written, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let unsigned = digits.strip_prefix('-').unwrap_or(&digits);
        if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad("is not a number"));
        }
        let significant = digits.trim_end_matches('0');
        if significant.is_empty() || significant == "-" {
            return Ok(0);
        }
        let (cut, length) = (digits.len() - significant.len(), fraction.len());
        let shift = i64::try_from(cut).unwrap_or(i64::MAX) - i64::try_from(length).unwrap_or(i64::MAX)
            + i64::from(power)
            + i64::from(self.exponent);
        let places = u32::try_from(shift).map_err(|_| bad("has more decimals than the currency"))?;
        let number: i64 = significant.parse().map_err(|_| bad("is too large"))?;
        let scale = 10_i64.checked_pow(places).ok_or_else(|| bad("is too large"))?;
        number.checked_mul(scale).ok_or_else(|| bad("is too large"))
    }

    /// The JSON number in major units that stands for these minor units. Errors for amounts that
    /// JSON readers with doubles could not read exactly (more than 15 digits).
    pub fn major_units(self, minor: i64) -> Result<serde_json::Number> {
        let scale = 10_u64.pow(u32::from(self.exponent));
        let (whole, part) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
        let sign = if minor < 0 { "-" } else { "" };
        let text = match part {
            0 => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{part:0width$}", width = usize::from(self.exponent)),
        };
        let number: serde_json::Number = serde_json::from_str(&text)
            .map_err(|_| Error::mandate(format!("{text} {} is not a number.", self.code())))?;
        if minor.unsigned_abs() >= 1_000_000_000_000_000 || self.minor_units(&number.to_string())? != minor {
            return Err(Error::mandate(format!(
                "{text} {} has more digits than JSON holds exactly.",
                self.code()
            )));
        }
        Ok(number)
    }
}

impl TryFrom<String> for CurrencyCode {
    type Error = Error;
    fn try_from(code: String) -> Result<Self> {
        Self::parse(&code)
    }
}

impl From<CurrencyCode> for String {
    fn from(currency: CurrencyCode) -> Self {
        currency.code().to_owned()
    }
}

impl TryFrom<base::Currency> for CurrencyCode {
    type Error = Error;
    fn try_from(currency: base::Currency) -> Result<Self> {
        Self::parse(currency.code())
    }
}

impl std::fmt::Debug for CurrencyCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of a mandate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Amount {
    /// Minor units. Positive in every mandate that is accepted.
    #[serde(rename = "amount")]
    pub minor: i64,
    /// What they are of.
    pub currency: CurrencyCode,
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} minor units of {}", self.minor, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> CurrencyCode {
        CurrencyCode::parse(text).unwrap()
    }

    #[test]
    fn budgets_are_read_exactly_where_float_arithmetic_is_not() {
        // int(4.35 * 100) is 434 and int(1.15 * 100) is 114: the reference library's reading.
        assert_eq!(code("USD").minor_units("4.35").unwrap(), 435);
        assert_eq!(code("USD").minor_units("1.15").unwrap(), 115);
        assert_eq!(code("JPY").minor_units("1000").unwrap(), 1_000);
        assert_eq!(code("JPY").minor_units("1000.0").unwrap(), 1_000);
        assert_eq!(code("KWD").minor_units("1.234").unwrap(), 1_234);
        assert_eq!(code("USD").minor_units("1.5e3").unwrap(), 150_000);
        assert_eq!(code("USD").minor_units("250e-1").unwrap(), 2_500);
        assert_eq!(code("USD").minor_units("0.000").unwrap(), 0);
        assert_eq!(code("USD").minor_units("-4.35").unwrap(), -435);
    }

    #[test]
    fn more_decimals_than_the_currency_has_and_overflow_are_refused() {
        for (currency, written) in [
            ("USD", "4.355"),
            ("USD", "4.3500000000000001"),
            ("JPY", "1000.5"),
            ("KWD", "1.2345"),
            ("USD", "1e-3"),
            ("USD", "92233720368547758.08"),
            ("USD", "1e40"),
            ("USD", "1e99999999999"),
            ("USD", ""),
            ("USD", "."),
            ("USD", "1,5"),
        ] {
            assert!(code(currency).minor_units(written).is_err(), "{currency} {written}");
        }
        assert_eq!(code("USD").minor_units("92233720368547758.07").unwrap(), i64::MAX);
    }

    #[test]
    fn every_currency_of_the_house_is_known_and_others_are_refused() {
        for currency in base::Currency::ALL {
            let code = CurrencyCode::try_from(currency).unwrap();
            assert_eq!((code.house(), u32::from(code.exponent())), (Some(currency), currency.exponent()));
        }
        assert_eq!((code("JPY").exponent(), code("KWD").exponent(), code("CLF").exponent()), (0, 3, 4));
        for unknown in ["usd", "ZZZ", "US", "USDT", "", "BTC"] {
            assert!(CurrencyCode::parse(unknown).is_err(), "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn a_written_budget_is_read_back_to_the_minor_unit(minor in 0_i64..1_000_000_000_000_000, which in 0_usize..4) {
            let currency = code(["USD", "JPY", "KWD", "CLF"][which]);
            let written = currency.major_units(minor).unwrap().to_string();
            prop_assert_eq!(currency.minor_units(&written).unwrap(), minor);
        }
    }
}
