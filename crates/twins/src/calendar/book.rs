//! What both twins keep: bookings and who is told.

use base::{Time, Zone};
use serde_json::Value;
use url::Url;

/// Minutes of everything that can be booked.
pub(super) const MINUTES: i64 = 30;
/// Free hours of a day, UTC.
const OPEN_UNTIL_S: i64 = 6 * 3_600;

/// A booking.
#[derive(Clone, Debug)]
pub(super) struct Booking {
    pub(super) reference: String,
    pub(super) starts_at: Time,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) zone: String,
    /// What travelled with it to find our lead again.
    pub(super) lead: Option<String>,
    pub(super) replaces: Option<String>,
    pub(super) replaced_by: Option<String>,
    pub(super) cancelled: Option<String>,
    pub(super) missed: bool,
}

impl Booking {
    pub(super) fn ends_at(&self) -> Time {
        self.starts_at.plus_s(MINUTES * 60)
    }

    pub(super) fn stands(&self) -> bool {
        self.cancelled.is_none() && self.replaced_by.is_none()
    }
}

/// Who is told, with what it is signed.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) id: u64,
    pub(super) url: Url,
    pub(super) secret: String,
}

/// Everything that one service keeps.
#[derive(Default)]
pub(super) struct Book {
    pub(super) bookings: Vec<Booking>,
    pub(super) told: Vec<Told>,
    made: u64,
}

impl Book {
    /// A number that was not used before.
    pub(super) fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(super) fn get(&self, reference: &str) -> Option<&Booking> {
        self.bookings.iter().find(|one| one.reference == reference)
    }

    pub(super) fn change(&mut self, reference: &str) -> Option<&mut Booking> {
        self.bookings.iter_mut().find(|one| one.reference == reference)
    }

    pub(super) fn is_free(&self, at: Time) -> bool {
        !self.bookings.iter().any(|one| one.stands() && one.starts_at == at)
    }

    /// Free beginnings of a span.
    pub(super) fn free(&self, from: Time, until: Time) -> Vec<Time> {
        let step_s = MINUTES * 60;
        let begin = from.us().div_euclid(1_000_000 * step_s) * step_s;
        (0..)
            .map(|n| Time::from_us((begin + n * step_s) * 1_000_000))
            .take_while(|at| *at < until)
            .filter(|at| *at >= from && open(*at) && self.is_free(*at))
            .take(2_000)
            .collect()
    }

    /// Takes another time; the earlier booking is replaced.
    pub(super) fn replace(&mut self, reference: &str, by: &str, starts_at: Time) -> Option<Booking> {
        let old = self.change(reference).filter(|one| one.stands())?;
        old.replaced_by = Some(by.to_owned());
        let taken = Booking {
            reference: by.to_owned(),
            starts_at,
            replaces: Some(reference.to_owned()),
            replaced_by: None,
            cancelled: None,
            missed: false,
            ..old.clone()
        };
        self.bookings.push(taken.clone());
        Some(taken)
    }

    pub(super) fn subscribe(&mut self, url: Url, secret: String) -> u64 {
        let id = self.number();
        self.told.push(Told { id, url, secret });
        id
    }

    pub(super) fn unsubscribe(&mut self, id: &str) -> bool {
        let before = self.told.len();
        self.told.retain(|one| one.id.to_string() != id);
        self.told.len() < before
    }
}

fn open(at: Time) -> bool {
    let local = at.in_zone(&Zone::utc());
    let weekday = local.weekday().to_monday_one_offset();
    weekday <= 5 && at.us().div_euclid(1_000_000).rem_euclid(86_400) < OPEN_UNTIL_S
}

/// A time of an order or a call.
pub(super) fn time(value: &Value, name: &str) -> Option<Time> {
    value[name].as_str()?.parse().ok()
}

/// A value in the address that a guest opened.
pub(super) fn in_link(order: &Value, name: &str) -> Option<String> {
    let link = Url::parse(order["link"].as_str()?).ok()?;
    link.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}
