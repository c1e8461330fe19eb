//! Numbers as people read them. Money prints itself (`base::Money`, `base::Micros`).

/// Digits in groups of three with a true minus sign: `−1,234`.
pub fn count(number: i64) -> String {
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", base::money::grouped(number.unsigned_abs()))
}

/// A count with its noun: `1 lead`, `2,410 leads`.
pub fn counted(number: i64, singular: &str, plural: &str) -> String {
    format!("{} {}", count(number), if number == 1 { singular } else { plural })
}

/// A count that fits a tight place: `950`, `1.2k`, `34k`, `5.1M`.
pub fn short(number: i64) -> String {
    let sign = if number < 0 { "−" } else { "" };
    let n = number.unsigned_abs();
    let text = match n {
        0..=999 => n.to_string(),
        1_000..=9_949 => tenths(n, 1_000, "k"),
        9_950..=999_499 => format!("{}k", (n + 500) / 1_000),
        999_500..=9_949_999 => tenths(n, 1_000_000, "M"),
        9_950_000..=999_499_999 => format!("{}M", (n + 500_000) / 1_000_000),
        999_500_000.. => format!("{}B", base::money::grouped((n + 500_000_000) / 1_000_000_000)),
    };
    format!("{sign}{text}")
}

fn tenths(n: u64, unit: u64, suffix: &str) -> String {
    let tenths = (n + unit / 20) / (unit / 10);
    if tenths.is_multiple_of(10) {
        format!("{}{suffix}", tenths / 10)
    } else {
        format!("{}.{}{suffix}", tenths / 10, tenths % 10)
    }
}

/// A share with one decimal: `71.8%`; a dash when it is not a number.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "–".to_owned();
    }
    let tenths = (share * 1000.0).round();
    let sign = if tenths < 0.0 { "−" } else { "" };
    let tenths = tenths.abs();
    if tenths % 10.0 == 0.0 {
        format!("{sign}{:.0}%", tenths / 10.0)
    } else {
        format!("{sign}{:.1}%", tenths / 10.0)
    }
}

/// `part` of `whole` as a percentage; a dash when there is no whole, because nothing of nothing is unknown.
pub fn share(part: i64, whole: i64) -> String {
    if whole == 0 { "–".to_owned() } else { percent(part as f64 / whole as f64) }
}

/// A change with its sign: `+6`, `−3`, `±0`.
pub fn change(by: i64) -> String {
    match by.signum() {
        1 => format!("+{}", count(by)),
        0 => "±0".to_owned(),
        _ => count(by),
    }
}

/// A decimal number with up to `places` decimals and no trailing zeros: `2.4`; a dash when not finite.
pub fn decimal(number: f64, places: usize) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.places$}", number.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole = whole.parse::<u64>().map_or_else(|_| whole.to_owned(), base::money::grouped);
    let body = if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") };
    if number < 0.0 && body != "0" { format!("−{body}") } else { body }
}

/// A length of time in its two largest units: `42 s`, `3 h 12 min`, `2 days 4 h`.
pub fn duration_s(seconds: i64) -> String {
    let s = seconds.unsigned_abs();
    let days = |n: u64| if n == 1 { "1 day".to_owned() } else { format!("{} days", base::money::grouped(n)) };
    let two = |first: String, rest: u64, unit: &str| {
        if rest == 0 { first } else { format!("{first} {rest} {unit}") }
    };
    match s {
        0..=59 => format!("{s} s"),
        60..=3_599 => two(format!("{} min", s / 60), if s < 600 { s % 60 } else { 0 }, "s"),
        3_600..=86_399 => two(format!("{} h", s / 3_600), s % 3_600 / 60, "min"),
        86_400.. => two(days(s / 86_400), if s < 864_000 { s % 86_400 / 3_600 } else { 0 }, "h"),
    }
}

/// A length of time in milliseconds: `380 ms`, `4.2 s`, `3 min 5 s`.
pub fn duration_ms(ms: i64) -> String {
    match ms.unsigned_abs() {
        0..=999 => format!("{} ms", ms.unsigned_abs()),
        1_000..=9_999 => format!("{} s", decimal(ms.unsigned_abs() as f64 / 1000.0, 1)),
        10_000.. => duration_s(ms / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_agree_with_their_noun() {
        assert_eq!(count(0), "0");
        assert_eq!(count(-1_234_567), "−1,234,567");
        assert_eq!(count(i64::MIN), "−9,223,372,036,854,775,808");
        assert_eq!(counted(1, "lead", "leads"), "1 lead");
        assert_eq!(counted(2410, "lead", "leads"), "2,410 leads");
        assert_eq!(change(6), "+6");
        assert_eq!(change(-3), "−3");
        assert_eq!(change(0), "±0");
    }

    #[test]
    fn short_numbers_never_round_into_a_wrong_unit() {
        let cases = [
            (999, "999"),
            (1_000, "1k"),
            (1_249, "1.2k"),
            (9_949, "9.9k"),
            (9_950, "10k"),
            (999_499, "999k"),
        ];
        for (n, text) in cases {
            assert_eq!(short(n), text, "{n}");
        }
        assert_eq!(short(999_500), "1M");
        assert_eq!(short(5_120_000), "5.1M");
        assert_eq!(short(-34_000), "−34k");
    }

    #[test]
    fn shares_of_nothing_are_unknown_not_zero() {
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(0, 10), "0%");
        assert_eq!(percent(0.718), "71.8%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(percent(-0.006), "−0.6%");
        assert_eq!(percent(-0.000_01), "0%");
        assert_eq!(percent(f64::NAN), "–");
        assert_eq!(decimal(2.40, 2), "2.4");
        assert_eq!(decimal(-0.001, 2), "0");
        assert_eq!(decimal(12_345.0, 1), "12,345");
        assert_eq!(decimal(f64::INFINITY, 1), "–");
    }

    #[test]
    fn lengths_of_time_use_two_units_at_most() {
        assert_eq!(duration_s(42), "42 s");
        assert_eq!(duration_s(185), "3 min 5 s");
        assert_eq!(duration_s(11_520), "3 h 12 min");
        assert_eq!(duration_s(86_400), "1 day");
        assert_eq!(duration_s(187_200), "2 days 4 h");
        assert_eq!(duration_ms(380), "380 ms");
        assert_eq!(duration_ms(4_230), "4.2 s");
    }
}
