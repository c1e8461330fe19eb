//! When a prospect may be contacted: weekly windows in the prospect's own time, without holidays.

use base::{Time, Zone};
use jiff::{
    ToSpan,
    civil::{Date, DateTime, Weekday},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Spans of one day in minutes after midnight, half-open, sorted.
type Spans = Vec<(u16, u16)>;

/// A weekly window as kept in the dated figures: `{"mon": [["09:00","17:00"]], …}`; a day that is
/// not named is closed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Window([Spans; 7]);

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn index(day: Weekday) -> usize {
    usize::from(day.to_monday_zero_offset().unsigned_abs())
}

impl Window {
    /// The same span, in whole hours, on each of the days given.
    pub fn hours(days: &[Weekday], from: u16, until: u16) -> Self {
        let mut window = Self::default();
        for day in days {
            if let Some(spans) = window.0.get_mut(index(*day)) {
                spans.push((from * 60, until * 60));
            }
        }
        window
    }

    /// Open at all times.
    pub fn always() -> Self {
        Self(std::array::from_fn(|_| vec![(0, 1_440)]))
    }

    /// The open spans of a weekday, in minutes after midnight.
    pub fn spans(&self, day: Weekday) -> &[(u16, u16)] {
        self.0.get(index(day)).map_or(&[], Vec::as_slice)
    }

    /// Whether a local moment lies inside.
    pub fn contains(&self, local: DateTime) -> bool {
        let minute = minute_of(local);
        self.spans(local.weekday()).iter().any(|(from, until)| (*from..*until).contains(&minute))
    }

    /// The spans that lie in both windows: what the law allows and what we choose.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = Self::default();
        for (day, spans) in both.0.iter_mut().enumerate() {
            let (ours, theirs) = (self.0.get(day), other.0.get(day));
            for (a, b) in ours.into_iter().flatten() {
                for (c, d) in theirs.into_iter().flatten() {
                    if a.max(c) < b.min(d) {
                        spans.push((*a.max(c), *b.min(d)));
                    }
                }
            }
        }
        both
    }
}

fn minute_of(local: DateTime) -> u16 {
    let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
    u16::try_from(minute).unwrap_or(0)
}

fn parse_minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour <= 24 && minute < 60 && hour * 60 + minute <= 1_440).then_some(hour * 60 + minute)
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let raw: BTreeMap<String, Vec<(String, String)>> = BTreeMap::deserialize(deserializer)?;
        let mut window = Self::default();
        for (name, spans) in raw {
            let day = DAYS
                .iter()
                .find(|(word, _)| *word == name)
                .map(|(_, day)| *day)
                .ok_or_else(|| D::Error::custom(format!("“{name}” is not a weekday (mon … sun)")))?;
            for (from, until) in spans {
                let span = parse_minute(&from).zip(parse_minute(&until)).filter(|(a, b)| a < b);
                let span =
                    span.ok_or_else(|| D::Error::custom(format!("{from}-{until} is not a span of a day")))?;
                if let Some(spans) = window.0.get_mut(index(day)) {
                    spans.push(span);
                    spans.sort_unstable();
                }
            }
        }
        Ok(window)
    }
}

impl Serialize for Window {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let days: BTreeMap<&str, Vec<(String, String)>> = DAYS
            .iter()
            .filter(|(_, day)| !self.spans(*day).is_empty())
            .map(|(word, day)| {
                (*word, self.spans(*day).iter().map(|(a, b)| (clock(*a), clock(*b))).collect())
            })
            .collect();
        days.serialize(serializer)
    }
}

/// A window in a place: its zone and the days that are closed there.
#[derive(Clone, Debug)]
pub struct LocalWindow {
    /// The weekly spans.
    pub window: Window,
    /// The prospect's zone.
    pub zone: Zone,
    /// Public holidays of the prospect's country and region.
    pub holidays: BTreeSet<Date>,
}

/// How far ahead an opening is looked for: longer than any run of holidays.
const SEARCH_DAYS: i64 = 30;

impl LocalWindow {
    /// Whether the window is open at an instant.
    pub fn is_open(&self, at: Time) -> bool {
        let local = at.in_zone(&self.zone).datetime();
        !self.holidays.contains(&local.date()) && self.window.contains(local)
    }

    /// The first instant not before `at` at which the window is open; none within 30 days.
    pub fn next_open(&self, at: Time) -> Option<Time> {
        let local = at.in_zone(&self.zone).datetime();
        let minute = minute_of(local);
        for ahead in 0..=SEARCH_DAYS {
            let date = local.date().checked_add(ahead.days()).ok()?;
            if self.holidays.contains(&date) {
                continue;
            }
            for (from, until) in self.window.spans(date.weekday()) {
                if ahead == 0 && minute >= *until {
                    continue;
                }
                if ahead == 0 && minute >= *from {
                    return Some(at);
                }
                return self.at_minute(date, *from);
            }
        }
        None
    }

    /// A moment within the first open span not before `at`, spread evenly by `share` (0 to 1), so
    /// that messages do not all leave on the hour.
    pub fn spread(&self, at: Time, share: f64) -> Option<Time> {
        let open = self.next_open(at)?;
        let local = open.in_zone(&self.zone).datetime();
        let minute = minute_of(local);
        let until = self
            .window
            .spans(local.weekday())
            .iter()
            .find(|(a, b)| (*a..*b).contains(&minute))
            .map(|(_, b)| *b)?;
        let room_s = i64::from(until.saturating_sub(minute)) * 60;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a share of at most one day in seconds"
        )]
        let offset_s = (room_s as f64 * share.clamp(0.0, 0.999)) as i64;
        let moved = open.plus_s(offset_s);
        Some(if self.is_open(moved) { moved } else { open })
    }

    /// A wall-clock minute of a date; in the gap of a clock change, the next valid moment.
    pub fn at_minute(&self, date: Date, minute: u16) -> Option<Time> {
        let hour = i8::try_from(minute / 60).ok()?;
        let minute = i8::try_from(minute % 60).ok()?;
        let zoned = date.at(hour, minute, 0, 0).to_zoned(self.zone.tz()).ok()?;
        Some(Time::new(zoned.timestamp()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: [Weekday; 5] =
        [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];

    fn place(zone: &str, holidays: &[&str]) -> LocalWindow {
        LocalWindow {
            window: Window::hours(&WEEK, 9, 17),
            zone: Zone::named(zone).expect("a real zone"),
            holidays: holidays.iter().map(|d| d.parse().expect("a date")).collect(),
        }
    }

    fn t(text: &str) -> Time {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_window_is_open_in_the_prospects_own_time() {
        // 23:30 UTC on Sunday is 09:30 on Monday in Brisbane (+10) and 07:30 in Perth (+8).
        let at = t("2026-11-22T23:30:00Z");
        assert!(place("Australia/Brisbane", &[]).is_open(at));
        assert!(!place("Australia/Perth", &[]).is_open(at));
        assert_eq!(place("Australia/Perth", &[]).next_open(at), Some(t("2026-11-23T01:00:00Z")));
    }

    #[test]
    fn a_closed_window_opens_after_weekend_and_holidays() {
        // Friday 18:00 in Sydney; Monday is closed.
        let at = t("2026-11-20T07:00:00Z");
        assert_eq!(place("Australia/Sydney", &["2026-11-23"]).next_open(at), Some(t("2026-11-23T22:00:00Z")));
    }

    #[test]
    fn the_opening_follows_daylight_saving() {
        // Sydney goes from +10 to +11 on 2026-10-04.
        let place = place("Australia/Sydney", &[]);
        assert_eq!(place.next_open(t("2026-10-02T08:00:00Z")), Some(t("2026-10-04T22:00:00Z")));
        assert_eq!(place.next_open(t("2026-09-25T08:00:00Z")), Some(t("2026-09-27T23:00:00Z")));
    }

    #[test]
    fn spreading_stays_inside_the_span() {
        let place = place("Australia/Sydney", &[]);
        for share in [0.0, 0.25, 0.5, 0.999, 1.0] {
            let at = place.spread(t("2026-11-22T10:00:00Z"), share).expect("opens");
            assert!(place.is_open(at), "{share} → {at}");
        }
    }

    #[test]
    fn a_window_reads_back_as_it_was_written() {
        let json =
            serde_json::json!({"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "sat": [["09:00", "17:00"]]});
        let window: Window = serde_json::from_value(json.clone()).expect("a window");
        assert_eq!(serde_json::to_value(&window).expect("json"), json);
        assert!(serde_json::from_value::<Window>(serde_json::json!({"moon": []})).is_err());
        assert!(serde_json::from_value::<Window>(serde_json::json!({"mon": [["17:00", "09:00"]]})).is_err());
        let own: Window =
            serde_json::from_value(serde_json::json!({"mon": [["10:00", "14:00"]]})).expect("a window");
        assert_eq!(window.and(&own).spans(Weekday::Monday), &[(600, 720), (780, 840)]);
    }
}
