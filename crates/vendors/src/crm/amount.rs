//! Amounts in minor units as CRMs write them: a decimal number of the currency, digit by digit.

/// How many digits the minor unit of a currency has (ISO 4217); two where it is not one of the others.
fn digits(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// `120050` AUD → `1200.50`.
pub(super) fn decimal(minor: i64, currency: &str) -> String {
    let digits = digits(currency);
    let sign = if minor < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", minor.unsigned_abs(), width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// Hundredths whatever the currency, as Close counts.
pub(super) fn cents(minor: i64, currency: &str) -> i64 {
    match digits(currency) {
        0 => minor.saturating_mul(100),
        3 => minor / 10,
        _ => minor,
    }
}

#[cfg(test)]
mod tests {
    use super::{cents, decimal};

    #[test]
    fn minor_units_become_decimals_without_floating_point() {
        for (minor, currency, text, hundredths) in [
            (120_050, "AUD", "1200.50", 120_050),
            (7, "USD", "0.07", 7),
            (0, "EUR", "0.00", 0),
            (5_000, "JPY", "5000", 500_000),
            (1_234, "KWD", "1.234", 123),
        ] {
            assert_eq!(
                (decimal(minor, currency), cents(minor, currency)),
                (text.to_owned(), hundredths),
                "{minor} {currency}"
            );
        }
    }
}
