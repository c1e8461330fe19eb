//! Figures as people read them.

use super::rules::HOLIDAYS;
use crate::outside::Countries;
use maud::{Markup, html};
use serde_json::Value;
use ui::prelude::*;

/// The days of the week, as the figures and as people write them.
const DAYS: [(&str, &str); 7] = [
    ("mon", "Mon"),
    ("tue", "Tue"),
    ("wed", "Wed"),
    ("thu", "Thu"),
    ("fri", "Fri"),
    ("sat", "Sat"),
    ("sun", "Sun"),
];

/// What people call a figure.
pub(super) fn label(key: &str, countries: Countries) -> String {
    if let Some(calendar) = key.strip_prefix(HOLIDAYS) {
        return format!("Holidays in {}", place(calendar, countries));
    }
    let known = match key {
        "ai.daily_budget_minor" => "AI spend a day, platform",
        "approval.expiry_hours" => "Hours after which an approval lapses",
        "consent.bases" => "Bases of consent that permit a channel, by country",
        "content.email" => "Length of e-mails",
        "content.linkedin" => "Length of LinkedIn messages",
        "content.mail" => "Length of letters",
        "content.sms" => "Length of text messages",
        "content.stale_days" => "Days after which a draft is stale",
        "content.voice" => "Length of what is said in calls",
        "dnc.valid_days" => "Days for which a wash against the Do-Not-Call register holds",
        "dns.valid_days" => "Days for which a look at a domain's records holds",
        "email.domain_daily" => "E-mails a day from one domain",
        "email.pacing_s" => "Pause between e-mails of a mailbox, seconds",
        "email.ramp" => "E-mails a day while a domain is young",
        "email.reply_reserve_percent" => "Share of a day kept for replies, percent",
        "enrich.accept_percent" => "How sure a looked-up lead must be, percent",
        "enrich.cache_days" => "Days for which a look-up is good",
        "enrich.premium_percent" => "Share of a batch that premium services may be asked for, percent",
        "erasure.days" => "Days in which a person's request must be answered",
        "health.bounce_ppm" => "Bounces that warn and stop",
        "health.complaint_ppm" => "Complaints that warn and stop",
        "health.critical_retire_days" => "Critical days until a domain is retired",
        "health.mailbox_pause" => "When a mailbox rests",
        "health.warning_daily" => "E-mails a day of a domain that warns",
        "linkedin.message_daily" => "LinkedIn messages a day",
        "linkedin.pacing_s" => "Pause between acts of a LinkedIn seat, seconds",
        "linkedin.ramp" => "LinkedIn acts a day while a seat is young",
        "linkedin.reply_reserve_percent" => "Share of a LinkedIn day kept for replies, percent",
        "linkedin.seat_daily" => "LinkedIn invitations a day",
        "linkedin.seat_weekly" => "LinkedIn invitations a week",
        "linkedin.weekday_percent" => "LinkedIn invitations by day of the week, percent",
        "mail.daily" => "Letters a day",
        "mail.pacing_s" => "Pause between letters, seconds",
        "mail.silence" => "When a letter is asked for at its provider",
        "money.usd_aud_ppm" => "Australian dollars for one US dollar, millionths",
        "prospect.email_per_14_days" => "E-mails to one person in 14 days",
        "prospect.gap_days" => "Days between two touches of one person",
        "prospect.sms_per_30_days" => "Text messages to one person in 30 days",
        "retention.lead_idle_days" => "Idle days after which a lead is erased",
        "retention.reject_days" => "Days for which the rejected rows of an import are kept",
        "send.cost_micros" => "Cost of one message by channel",
        "sms.number_daily" => "Text messages a day from one number",
        "sms.pacing_s" => "Pause between text messages of a number, seconds",
        "sms.registered_sender_countries" => "Countries where a sender's name must be registered",
        "sms.reply_reserve_percent" => "Share of a number's day kept for replies, percent",
        "task.expiry_days" => "Days that a person has for a manual step",
        "tracking.machine" => "What marks an opening or a click as a machine's",
        "voice.concurrent" => "Calls at once",
        "voice.duration_max_s" => "Longest call, seconds",
        "voice.number_daily" => "Calls a day from one number",
        "voice.pacing_s" => "Pause between calls of a number, seconds",
        "voice.ramp" => "Calls a day while a number is young",
        "voice.silence" => "When a call is asked for at its provider",
        "window.email" => "Hours of e-mail",
        "window.email.best" => "Best hours of e-mail",
        "window.linkedin" => "Hours of LinkedIn",
        "window.sms" => "Hours of text messages",
        "window.voice" => "Hours of calls",
        "window.voice.legal" => "Hours of calls that the law allows",
        other => return crate::capital(&other.replace(['.', '_'], " ")),
    };
    known.to_owned()
}

/// A calendar's place: of `AU-NSW`, "New South Wales, Australia".
pub(super) fn place(calendar: &str, countries: Countries) -> String {
    let (code, region) = calendar.split_once('-').unwrap_or((calendar, ""));
    let country = countries(code).map_or_else(|| code.to_owned(), |(_, name)| name.to_owned());
    let region = match (code, region) {
        (_, "") => return country,
        ("AU", "ACT") => "Australian Capital Territory",
        ("AU", "NSW") => "New South Wales",
        ("AU", "NT") => "Northern Territory",
        ("AU", "QLD") => "Queensland",
        ("AU", "SA") => "South Australia",
        ("AU", "TAS") => "Tasmania",
        ("AU", "VIC") => "Victoria",
        ("AU", "WA") => "Western Australia",
        (_, other) => other,
    };
    format!("{region}, {country}")
}

/// A value as people read it; the exact one is behind it where that says more.
pub(super) fn value(key: &str, value: &Value) -> Markup {
    if key.starts_with("window.")
        && let Some(words) = window(value)
    {
        return html! { (words) };
    }
    if key.starts_with(HOLIDAYS) {
        let days = value.as_array().map_or(0, Vec::len);
        return html! { (number::counted(i64::try_from(days).unwrap_or(0), "day", "days")) };
    }
    match (key, value) {
        ("email.ramp", Value::Array(steps)) => {
            let steps: Vec<String> = steps
                .iter()
                .filter_map(|step| Some(format!("{} from day {}", step.get(1)?, step.get(0)?)))
                .collect();
            html! { (steps.join(", ")) }
        }
        (_, Value::Array(pair)) if key.ends_with("pacing_s") && pair.len() == 2 => {
            html! { @for (at, n) in pair.iter().enumerate() { @if at > 0 { " to " } (n.to_string()) } }
        }
        (_, Value::Object(fields)) => {
            let parts: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{} {}", field(name), plain(name, value)))
                .collect();
            html! { (parts.join(", ")) }
        }
        _ => html! { (plain(key, value)) },
    }
}

fn field(name: &str) -> String {
    name.trim_end_matches("_ppm").replace('_', " ")
}

fn plain(name: &str, value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(n) if name.ends_with("_ppm") || matches!(name, "warning" | "critical") => {
                format!("{}%", number::decimal(n as f64 / 10_000.0, 2))
            }
            Some(n) => number::count(n),
            None => number.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Weekly hours: "Mon–Fri 09:00–12:00 and 13:00–17:00, Sat 09:00–17:00".
fn window(value: &Value) -> Option<String> {
    let days = value.as_object()?;
    let hours = |day: &str| -> String {
        let spans = days.get(day).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let spans: Vec<String> = spans
            .iter()
            .filter_map(|span| Some(format!("{}–{}", span.get(0)?.as_str()?, span.get(1)?.as_str()?)))
            .collect();
        spans.join(" and ")
    };
    let mut runs: Vec<(&str, &str, String)> = Vec::new();
    let mut last_open = false;
    for (key, name) in DAYS {
        let open = hours(key);
        if open.is_empty() {
            last_open = false;
            continue;
        }
        match runs.last_mut() {
            Some((_, until, same)) if last_open && *same == open => *until = name,
            _ => runs.push((name, name, open)),
        }
        last_open = true;
    }
    if runs.is_empty() {
        return Some("always closed".to_owned());
    }
    let texts: Vec<String> = runs
        .into_iter()
        .map(
            |(from, until, open)| {
                if from == until { format!("{from} {open}") } else { format!("{from}–{until} {open}") }
            },
        )
        .collect();
    Some(texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn windows_are_told_by_runs_of_days_that_are_alike() {
        let week = json!({"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "tue": [["09:00", "12:00"], ["13:00", "17:00"]],
                          "thu": [["09:00", "17:00"]], "sat": [["09:00", "17:00"]]});
        assert_eq!(
            window(&week).as_deref(),
            Some("Mon–Tue 09:00–12:00 and 13:00–17:00, Thu 09:00–17:00, Sat 09:00–17:00")
        );
        assert_eq!(window(&json!({})).as_deref(), Some("always closed"));
    }
}
