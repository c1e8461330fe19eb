//! What the value of a figure may be, whatever page or program it comes from.

use super::Holiday;
use serde_json::Value;
use std::collections::BTreeSet;

/// The beginning of the keys of public holidays: `holidays.AU`, `holidays.AU-NSW`.
pub(super) const HOLIDAYS: &str = "holidays.";
/// Days that one calendar holds at most.
pub(super) const DAYS_MAX: usize = 2_000;
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Millionths in one whole.
const PPM: i64 = 1_000_000;

/// What is wrong with a value for this key, in a sentence; none when it may be set.
pub(super) fn problem(key: &str, value: &Value) -> Option<String> {
    if key.starts_with(HOLIDAYS) {
        return holidays(value);
    }
    if key.starts_with("window.") {
        return window(value);
    }
    let most = if key.ends_with("_percent") { Some(100) } else { None };
    numbers(value, most)
        .or_else(|| if key.ends_with("pacing_s") { span(value) } else { None })
        .or_else(|| if key.ends_with(".ramp") { ramp(value) } else { None })
        .or_else(|| if key.starts_with("health.") { shares(value) } else { None })
}

/// No number is negative, broken or above the most.
fn numbers(value: &Value, most: Option<i64>) -> Option<String> {
    match value {
        Value::Number(number) => match number.as_i64() {
            None => Some(format!("{number} is not a whole number.")),
            Some(n) if n < 0 => Some(format!("{n} is below 0.")),
            Some(n) if most.is_some_and(|most| n > most) => {
                Some(format!("{n} is more than {}.", most.unwrap_or(n)))
            }
            Some(_) => None,
        },
        Value::Array(items) => items.iter().find_map(|item| numbers(item, most)),
        Value::Object(fields) => fields.values().find_map(|item| numbers(item, most)),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

/// Two numbers, the smaller first.
fn span(value: &Value) -> Option<String> {
    match value.as_array().map(|pair| pair.iter().map(Value::as_i64).collect::<Vec<_>>()).as_deref() {
        Some([Some(least), Some(most)]) if least <= most => None,
        _ => Some("Give two numbers, the smaller first, such as [30, 90].".to_owned()),
    }
}

/// Pairs of a day and a number, the days rising from 1.
fn ramp(value: &Value) -> Option<String> {
    let days: Option<Vec<i64>> = value.as_array().and_then(|steps| {
        steps
            .iter()
            .map(|step| match step.as_array().map(Vec::as_slice) {
                Some([day, mails]) if mails.is_i64() => day.as_i64(),
                _ => None,
            })
            .collect()
    });
    match days {
        Some(days) if days.first() == Some(&1) && days.is_sorted_by(|a, b| a < b) => None,
        _ => Some("Give pairs of a day and a number, from day 1 on, such as [[1, 5], [4, 10]].".to_owned()),
    }
}

/// Millionths are at most one whole, and a warning comes before what is critical.
fn shares(value: &Value) -> Option<String> {
    let part = |name: &str| value.get(name).and_then(Value::as_i64);
    match (part("warning"), part("critical")) {
        (Some(warning), Some(critical)) if warning > critical || critical > PPM => {
            Some("The warning must not be above the critical share, and that not above 1000000.".to_owned())
        }
        _ => None,
    }
}

/// Days of the week with spans of the clock: `{"mon": [["09:00", "17:00"]]}`.
fn window(value: &Value) -> Option<String> {
    let Some(days) = value.as_object() else {
        return Some("Give days with their hours, such as {\"mon\": [[\"09:00\", \"17:00\"]]}.".to_owned());
    };
    days.iter().find_map(|(day, spans)| {
        if !WEEKDAYS.contains(&day.as_str()) {
            return Some(format!("“{day}” is not a day: use mon, tue, wed, thu, fri, sat, sun."));
        }
        let spans = spans.as_array().map(Vec::as_slice).unwrap_or_default();
        if spans.is_empty() {
            return Some(format!("“{day}” has no hours; leave the day out to close it."));
        }
        spans.iter().find_map(|span| {
            let good = match span.as_array().map(Vec::as_slice) {
                Some([from, until]) => match (minute(from), minute(until)) {
                    (Some(from), Some(until)) => from < until,
                    _ => false,
                },
                _ => false,
            };
            (!good).then(|| format!("{span} on {day} is not a span such as [\"09:00\", \"17:00\"]."))
        })
    })
}

fn minute(value: &Value) -> Option<u32> {
    let (hour, minute) = value.as_str()?.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
    (minute < 60 && hour * 60 + minute <= 1_440).then_some(hour * 60 + minute)
}

/// Days with names, none twice.
fn holidays(value: &Value) -> Option<String> {
    let days: Vec<Holiday> = match serde_json::from_value(value.clone()) {
        Ok(days) => days,
        Err(cause) => return Some(format!("Holidays are days with names: {cause}.")),
    };
    if days.len() > DAYS_MAX {
        return Some(format!("A calendar holds at most {DAYS_MAX} days."));
    }
    let mut seen = BTreeSet::new();
    days.iter().find_map(|day| {
        if !(1..=100).contains(&day.name.trim().chars().count()) {
            return Some(format!("Say in 1 to 100 characters what {} is.", day.date));
        }
        (!seen.insert(day.date)).then(|| format!("{} stands there twice.", day.date))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_code_could_not_obey_is_refused_with_a_reason() {
        let bad = [
            ("email.domain_daily", json!(-1)),
            ("email.domain_daily", json!(1.5)),
            ("email.reply_reserve_percent", json!(101)),
            ("email.pacing_s", json!([90, 30])),
            ("email.pacing_s", json!([30])),
            ("email.ramp", json!([[4, 5], [1, 10]])),
            ("email.ramp", json!([[1, 5], [4]])),
            ("health.bounce_ppm", json!({"warning": 50000, "critical": 20000})),
            ("window.email", json!({"moon": [["09:00", "17:00"]]})),
            ("window.email", json!({"mon": [["17:00", "09:00"]]})),
            ("window.email", json!({"mon": [["09:00", "25:00"]]})),
            ("window.email", json!({"mon": []})),
            ("window.email", json!(5)),
            ("holidays.AU", json!([{"date": "2027-02-30", "name": "No day"}])),
            ("holidays.AU", json!([{"date": "2027-02-03", "name": " "}])),
            (
                "holidays.AU",
                json!([{"date": "2027-02-03", "name": "A"}, {"date": "2027-02-03", "name": "B"}]),
            ),
        ];
        for (key, value) in bad {
            assert!(problem(key, &value).is_some(), "{key}: {value}");
        }
        let good = [
            ("email.domain_daily", json!(0)),
            ("email.reply_reserve_percent", json!(100)),
            ("email.pacing_s", json!([30, 30])),
            ("email.ramp", json!([[1, 5], [4, 10]])),
            ("health.bounce_ppm", json!({"warning": 20000, "critical": 50000})),
            (
                "window.email",
                json!({"mon": [["00:00", "24:00"]], "sat": [["09:00", "12:00"], ["13:00", "17:00"]]}),
            ),
            ("window.email", json!({})),
            ("holidays.AU", json!([])),
            ("holidays.AU", json!([{"date": "2027-02-03", "name": "Our day"}])),
            ("ai.daily_budget_minor", json!({"minor": 5000, "currency": "AUD"})),
        ];
        for (key, value) in good {
            assert_eq!(problem(key, &value), None, "{key}: {value}");
        }
    }
}
