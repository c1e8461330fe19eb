//! The words of a digest. Pure.

use super::Digest;
use base::{Currency, Micros};
use std::fmt::Write;
use ui::number;

/// The subject.
pub(super) fn subject(digest: &Digest) -> String {
    let booked = number::counted(digest.now.booked, "meeting", "meetings");
    let positive = number::counted(digest.now.positive, "positive reply", "positive replies");
    format!("{}: {booked} and {positive} last week", digest.organisation)
}

/// The body. `origin` is the installation's address, for links.
pub(super) fn body(digest: &Digest, name: &str, origin: &str) -> String {
    let mut text = format!("Hello {name},\n\nthe week from {}:\n\n", digest.week.strftime("%-d %B %Y"));
    // Writing into a String cannot fail.
    let mut line = |label: &str, now: String, before: String| {
        let _ = writeln!(text, "  {label}: {now} (the week before: {before})");
    };
    let (now, before) = (&digest.now, &digest.before);
    line("Meetings booked", number::count(now.booked), number::count(before.booked));
    line("Positive replies", number::count(now.positive), number::count(before.positive));
    line("People who answered", number::count(now.replied), number::count(before.replied));
    line("Messages sent", number::count(now.sent), number::count(before.sent));
    let share = |rate: Option<f64>| rate.map_or_else(|| "–".to_owned(), number::percent);
    line("Show rate", share(now.show_rate()), share(before.show_rate()));
    let money = |micros: i64| Micros(micros).show(Currency::Aud);
    line("Spent", money(now.cost_micros), money(before.cost_micros));
    if let (month, Some(plan)) = &digest.month {
        let _ = writeln!(
            text,
            "\nThe month so far: {} of {} planned meetings, {} of {} planned positive replies.",
            month.booked, plan.meetings, month.positive, plan.positive
        );
    }
    if !digest.meetings.is_empty() {
        let _ = writeln!(text, "\nMeetings of this week ({}):", digest.zone.name());
        for (at, guest) in &digest.meetings {
            let _ = writeln!(text, "  {}, {guest}", at.in_zone(&digest.zone).strftime("%A %-d %B, %H:%M"));
        }
    }
    if digest.waiting > 0 {
        let decisions = number::counted(digest.waiting, "decision waits", "decisions wait");
        let _ = writeln!(text, "\n{decisions} for you: {origin}/approvals");
    }
    if digest.suggestions > 0 {
        let suggestions = number::counted(digest.suggestions, "suggestion waits", "suggestions wait");
        let _ = writeln!(text, "{suggestions}: {origin}/learning");
    }
    let _ = write!(
        text,
        "\nEverything: {origin}/reports/outcomes\n\n--\n{} on Agency OS. Stop this weekly mail: {origin}/reports/digest\n",
        digest.organisation
    );
    text
}
