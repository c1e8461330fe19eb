//! Which times are free, by pure arithmetic over hours, bookings and notice.

use super::Page;
use crate::window::{LocalWindow, Window};
use base::Time;
use jiff::ToSpan;
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
