//! A calendar in memory, for Simulation and unit tests.

use super::{Account, Booking, Calendar, EventType, Guest, Heard, Owner, Service};
use crate::delivery::{Failure, Inbound, Keys, Reason, Refusal, WebhookError};
use async_trait::async_trait;
use base::{Secret, Time};
use std::sync::{Mutex, MutexGuard, PoisonError};
use url::Url;

/// Minutes of everything that is booked here.
const MINUTES: i64 = 30;

#[derive(Default)]
struct Kept {
    free: Vec<Time>,
    bookings: Vec<(Booking, bool)>,
    subscriptions: Vec<Url>,
    made: u64,
    broken: bool,
}

/// A booking service whose free times are given, and which keeps what was booked.
pub struct MemoryCalendar {
    service: Service,
    kept: Mutex<Kept>,
}

impl MemoryCalendar {
    /// Nothing free, nothing booked.
    pub fn new(service: Service) -> Self {
        Self { service, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These beginnings are free from now on.
    pub fn set_free(&self, free: Vec<Time>) {
        self.kept().free = free;
    }

    /// Whether every call is refused from now on, as with a wrong key.
    pub fn set_broken(&self, broken: bool) {
        self.kept().broken = broken;
    }

    /// What is booked and not cancelled.
    pub fn booked(&self) -> Vec<Booking> {
        let kept = self.kept();
        kept.bookings.iter().filter(|(_, stands)| *stands).map(|(booking, _)| booking.clone()).collect()
    }

    /// Where it would tell about bookings.
    pub fn subscriptions(&self) -> Vec<Url> {
        self.kept().subscriptions.clone()
    }

    fn open(&self) -> Result<MutexGuard<'_, Kept>, Failure> {
        let kept = self.kept();
        if kept.broken { Err(refused(Reason::Account, "The key is not accepted.")) } else { Ok(kept) }
    }
}

fn refused(reason: Reason, text: &str) -> Failure {
    Failure::Refused(Refusal { permanent: true, reason, code: "memory".to_owned(), text: text.to_owned() })
}

fn gone() -> Failure {
    refused(Reason::Content, "There is no such booking.")
}

impl Kept {
    fn book(&mut self, starts_at: Time) -> Result<Booking, Failure> {
        let at = self.free.iter().position(|free| *free == starts_at);
        let at = at.ok_or_else(|| refused(Reason::Content, "That time is not free."))?;
        self.free.remove(at);
        self.made += 1;
        let booking = Booking {
            reference: format!("memory-{}", self.made),
            starts_at,
            ends_at: starts_at.plus_s(MINUTES * 60),
            location: None,
        };
        self.bookings.push((booking.clone(), true));
        Ok(booking)
    }
}

#[async_trait]
impl Calendar for MemoryCalendar {
    fn service(&self) -> Service {
        self.service
    }

    async fn owner(&self, _: &Account) -> Result<Owner, Failure> {
        self.open().map(drop)?;
        Ok(Owner {
            reference: "owner".to_owned(),
            organization: None,
            name: "Host".to_owned(),
            email: "host@calendar.example".to_owned(),
            zone: None,
        })
    }

    async fn event_types(&self, _: &Account, _: &Owner) -> Result<Vec<EventType>, Failure> {
        self.open().map(drop)?;
        let link = Url::parse("https://calendar.example/host/intro").map_err(|_| gone())?;
        let minutes = u16::try_from(MINUTES).unwrap_or(30);
        Ok(vec![EventType { reference: "intro".to_owned(), title: "Intro".to_owned(), minutes, link }])
    }

    async fn free(&self, _: &Account, _: &str, from: Time, until: Time) -> Result<Vec<Time>, Failure> {
        let kept = self.open()?;
        Ok(kept.free.iter().copied().filter(|at| *at >= from && *at < until).collect())
    }

    async fn single_use(&self, _: &Account, _: &str, link: &Url) -> Result<Url, Failure> {
        self.open().map(drop)?;
        Ok(link.clone())
    }

    async fn book(&self, _: &Account, _: &str, starts_at: Time, _: &Guest) -> Result<Booking, Failure> {
        self.open()?.book(starts_at)
    }

    async fn reschedule(&self, _: &Account, reference: &str, starts_at: Time) -> Result<Booking, Failure> {
        let mut kept = self.open()?;
        let at = kept.bookings.iter().position(|(one, stands)| *stands && one.reference == reference);
        let at = at.ok_or_else(gone)?;
        let taken = kept.book(starts_at)?;
        if let Some((_, stands)) = kept.bookings.get_mut(at) {
            *stands = false;
        }
        Ok(taken)
    }

    async fn cancel(&self, _: &Account, reference: &str, _: &str) -> Result<(), Failure> {
        let mut kept = self.open()?;
        let found = kept.bookings.iter_mut().find(|(one, _)| one.reference == reference);
        found.ok_or_else(gone)?.1 = false;
        Ok(())
    }

    async fn booking(&self, _: &Account, reference: &str) -> Result<Booking, Failure> {
        let kept = self.open()?;
        let found = kept.bookings.iter().find(|(one, _)| one.reference == reference);
        found.map(|(one, _)| one.clone()).ok_or_else(gone)
    }

    async fn subscribe(&self, _: &Account, _: &Owner, to: &Url, _: &Secret) -> Result<String, Failure> {
        let mut kept = self.open()?;
        kept.subscriptions.push(to.clone());
        Ok(kept.subscriptions.len().to_string())
    }

    async fn unsubscribe(&self, _: &Account, _: &str) -> Result<(), Failure> {
        self.open().map(drop)?;
        Ok(())
    }

    fn link(&self, link: &Url, guest: &Guest) -> Url {
        link_of(link, guest, "lead")
    }

    /// Nothing is told: what happens here is seen at once.
    fn receive(&self, _: &Keys, _: &Inbound) -> Result<Heard, WebhookError> {
        Err(WebhookError::Unsigned)
    }
}

/// A link with name and address filled in, and the lead under a name of the service's choice.
pub fn link_of(link: &Url, guest: &Guest, lead_as: &str) -> Url {
    let mut url = link.clone();
    {
        let mut query = url.query_pairs_mut();
        for (name, value) in [("name", &guest.name), ("email", &guest.email)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some(lead) = guest.lead {
            query.append_pair(lead_as, &lead.to_string());
        }
    }
    // Nothing known leaves a bare question mark behind.
    if url.query() == Some("") {
        url.set_query(None);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Zone;

    #[tokio::test]
    async fn a_time_is_booked_once_and_a_moved_booking_frees_its_name() {
        let calendar = MemoryCalendar::new(Service::CalCom);
        let [one, two] = ["2026-03-03T00:00:00Z", "2026-03-03T01:00:00Z"].map(|t| t.parse::<Time>().unwrap());
        calendar.set_free(vec![one, two]);
        let (account, guest) = (Account::default(), guest());
        let booked = calendar.book(&account, "intro", one, &guest).await.unwrap();
        assert!(calendar.book(&account, "intro", one, &guest).await.is_err());
        let moved = calendar.reschedule(&account, &booked.reference, two).await.unwrap();
        assert_eq!(calendar.booked(), vec![moved.clone()]);
        calendar.cancel(&account, &moved.reference, "no").await.unwrap();
        assert!(calendar.booked().is_empty());
        calendar.set_broken(true);
        assert!(calendar.owner(&account).await.is_err());
    }

    fn guest() -> Guest {
        Guest { name: String::new(), email: String::new(), zone: Zone::utc(), lead: None }
    }

    #[test]
    fn a_link_carries_what_is_known_and_nothing_else() {
        let link: Url = "https://cal.example/a/b?x=1".parse().unwrap();
        assert_eq!(
            link_of(&"https://cal.example/a".parse().unwrap(), &guest(), "l").as_str(),
            "https://cal.example/a"
        );
        let known = Guest { name: "Zoë & Co".to_owned(), lead: Some(Uuid::nil()), ..guest() };
        assert_eq!(
            link_of(&link, &known, "utm_content").as_str(),
            "https://cal.example/a/b?x=1&name=Zo%C3%AB+%26+Co&utm_content=00000000-0000-0000-0000-000000000000"
        );
    }

    use uuid::Uuid;
}
