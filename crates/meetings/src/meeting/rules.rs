//! Which times are free, by pure arithmetic over hours, bookings and notice.

use super::Page;
use base::{Time, Zone};
use jiff::ToSpan;
use outreach::{
    offer::TIMES_MAX,
    window::{LocalWindow, Window},
};
use std::collections::BTreeSet;

/// The weekly hours of a booking page, in its zone.
pub type Hours = Window;

/// A stretch of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Its beginning.
    pub starts_at: Time,
    /// Its end.
    pub ends_at: Time,
}

impl Slot {
    fn touches(&self, other: &Slot, buffer_s: i64) -> bool {
        self.starts_at < other.ends_at.plus_s(buffer_s) && other.starts_at < self.ends_at.plus_s(buffer_s)
    }
}

/// Slots shown at most.
const SLOTS_MAX: usize = 400;

/// The free slots of a page, earliest first: inside its hours, after the notice, within the days
/// ahead, and apart from what is taken by the page's buffer.
pub fn slots(page: &Page, taken: &[Slot], now: Time) -> Vec<Slot> {
    let earliest = now.plus_s(i64::from(page.notice_hours) * 3_600);
    let length_s = i64::from(page.minutes) * 60;
    let buffer_s = i64::from(page.buffer_minutes) * 60;
    let open = LocalWindow { window: page.hours.clone(), zone: page.zone.clone(), holidays: BTreeSet::new() };
    let today = now.in_zone(&page.zone).date();
    let mut free = Vec::new();
    for ahead in 0..=i64::from(page.days_ahead) {
        let Ok(date) = today.checked_add(ahead.days()) else { break };
        for (from, until) in open.window.spans(date.weekday()) {
            let mut minute = *from;
            while minute + page.minutes <= *until {
                let begin = open.at_minute(date, minute);
                minute += page.minutes;
                let Some(starts_at) = begin else { continue };
                let slot = Slot { starts_at, ends_at: starts_at.plus_s(length_s) };
                if starts_at >= earliest && !taken.iter().any(|t| t.touches(&slot, buffer_s)) {
                    free.push(slot);
                }
                if free.len() == SLOTS_MAX {
                    return free;
                }
            }
        }
    }
    free
}

/// Hours of a person's own day in which a time is worth naming.
const DAYTIME: std::ops::Range<i8> = 8..18;

/// The few free times that an answer names: the first in daytime on each of the next days of whoever reads
/// them, not within the next two hours.
pub fn pick(free: &[Time], zone: &Zone, now: Time) -> Vec<Time> {
    let mut days = BTreeSet::new();
    let soonest = now.plus_s(7_200);
    let mut sorted: Vec<Time> = free.iter().copied().filter(|at| *at >= soonest).collect();
    sorted.sort_unstable();
    sorted
        .into_iter()
        .filter(|at| {
            let local = at.in_zone(zone);
            DAYTIME.contains(&local.hour()) && days.insert(local.date())
        })
        .take(TIMES_MAX)
        .collect()
}
