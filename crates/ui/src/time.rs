//! Times as people read them: on the wall clock of a zone, with the exact instant behind.

use base::{Time, Zone};
use maud::{Markup, html};

/// The clock on the wall of the person who looks: what time it is, and in which zone they live.
#[derive(Clone, Debug)]
pub struct Wall {
    /// Now, from the injected clock.
    pub now: Time,
    /// The zone of the person or of the tenant.
    pub zone: Zone,
}

impl Wall {
    /// A wall clock.
    pub fn new(now: Time, zone: Zone) -> Self {
        Self { now, zone }
    }

    /// "3 min ago", with the full time on hover; refreshed by the page's script.
    pub fn relative(&self, at: Time) -> Markup {
        let text = ago(self.now.since_s(at));
        let live = text.is_some().then_some("");
        self.element(at, live, &text.unwrap_or_else(|| self.date_text(at)))
    }

    /// "09:41".
    pub fn clock(&self, at: Time) -> Markup {
        self.element(at, None, &self.print(at, "%H:%M"))
    }

    /// "09:41" of today; "Mon 16:00" of another day.
    pub fn recent(&self, at: Time) -> Markup {
        let today = at.in_zone(&self.zone).date() == self.now.in_zone(&self.zone).date();
        self.element(at, None, &self.print(at, if today { "%H:%M" } else { "%a %H:%M" }))
    }

    /// "14 Nov 2026" (without the year when it is this year).
    pub fn date(&self, at: Time) -> Markup {
        self.element(at, None, &self.date_text(at))
    }

    /// "Tue 17 Nov, 10:30" (with the year when it is another).
    pub fn moment(&self, at: Time) -> Markup {
        self.element(at, None, &self.moment_text(at))
    }

    /// "Tue 17 Nov 2026, 10:30:00 AEDT": what receipts and audits print.
    pub fn exact(&self, at: Time) -> Markup {
        self.element(at, None, &self.print(at, "%a %-d %b %Y, %H:%M:%S %Z"))
    }

    /// The moment as text without markup, for sentences, titles and mails.
    pub fn moment_text(&self, at: Time) -> String {
        let this_year = at.in_zone(&self.zone).year() == self.now.in_zone(&self.zone).year();
        self.print(at, if this_year { "%a %-d %b, %H:%M" } else { "%a %-d %b %Y, %H:%M" })
    }

    /// The date as text without markup.
    pub fn date_text(&self, at: Time) -> String {
        let this_year = at.in_zone(&self.zone).year() == self.now.in_zone(&self.zone).year();
        self.print(at, if this_year { "%-d %b" } else { "%-d %b %Y" })
    }

    fn print(&self, at: Time, format: &str) -> String {
        at.in_zone(&self.zone).strftime(format).to_string()
    }

    fn element(&self, at: Time, live: Option<&str>, text: &str) -> Markup {
        let title = self.print(at, "%a %-d %b %Y, %H:%M:%S %Z");
        html! { time.num datetime=(at) title=(title) data-relative=[live] { (text) } }
    }
}

/// How long ago (negative: in how long), or none when a date says it better (two weeks and more).
pub fn ago(seconds: i64) -> Option<String> {
    let s = seconds.unsigned_abs();
    let put = |n: u64, unit: &str| {
        if seconds < 0 { format!("in {n} {unit}") } else { format!("{n} {unit} ago") }
    };
    let round = |unit: u64| ((s + unit / 2) / unit).max(1);
    match s {
        0..=44 => Some(if seconds < 0 { "in a moment".to_owned() } else { "just now".to_owned() }),
        45..=3_569 => Some(put(round(60), "min")),
        3_570..=84_599 => Some(put(round(3_600), "h")),
        84_600.. => {
            let days = round(86_400);
            (days < 14).then(|| put(days, if days == 1 { "day" } else { "days" }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall() -> Wall {
        let now = "2026-11-20T22:41:00Z".parse().expect("a timestamp");
        Wall::new(now, Zone::named("Australia/Sydney").expect("a zone"))
    }

    #[test]
    fn a_time_shows_the_zone_of_the_reader_and_keeps_the_instant() {
        let shown = wall().clock(wall().now).into_string();
        assert!(shown.contains(">09:41<"), "{shown}");
        assert!(shown.contains("datetime=\"2026-11-20T22:41:00Z\""), "{shown}");
        assert!(shown.contains("Sat 21 Nov 2026, 09:41:00 AEDT"), "{shown}");
    }

    #[test]
    fn relative_times_round_and_give_way_to_a_date() {
        assert_eq!(ago(10).as_deref(), Some("just now"));
        assert_eq!(ago(100).as_deref(), Some("2 min ago"));
        assert_eq!(ago(3_580).as_deref(), Some("1 h ago"));
        assert_eq!(ago(-11_000).as_deref(), Some("in 3 h"));
        assert_eq!(ago(86_400).as_deref(), Some("1 day ago"));
        assert_eq!(ago(20 * 86_400), None);
        let old = wall().relative(wall().now.plus_days(-40)).into_string();
        assert!(old.contains(">12 Oct<") && !old.contains("data-relative"), "{old}");
    }

    #[test]
    fn another_year_is_named() {
        assert_eq!(wall().moment_text(wall().now), "Sat 21 Nov, 09:41");
        assert_eq!(wall().date_text(wall().now.plus_days(-400)), "17 Oct 2025");
    }
}
