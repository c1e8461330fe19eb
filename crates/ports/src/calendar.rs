//! Calendars at booking services: when somebody is free, a link on which people book, and what the service
//! tells about bookings.
//!
//! What is told comes late, twice and out of order; each word therefore names the booking, the one whose
//! place it took, and when it was said. Who keeps the words works out from all of them where a booking
//! stands.

mod memory;

pub use memory::{MemoryCalendar, link_of};

use crate::delivery::{Failure, Inbound, Keys, WebhookError};
use async_trait::async_trait;
use base::{Error, Secret, Time, Zone};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use url::Url;
use uuid::Uuid;

/// A booking service.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Cal.com.
    CalCom,
    /// Calendly.
    Calendly,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 2] = [Self::CalCom, Self::Calendly];

    /// The word in rows and settings.
    pub fn word(self) -> &'static str {
        match self {
            Self::CalCom => "cal_com",
            Self::Calendly => "calendly",
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::CalCom => "Cal.com",
            Self::Calendly => "Calendly",
        }
    }
}

impl std::str::FromStr for Service {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|service| service.word() == text).ok_or_else(|| {
            Error::invalid("calendar.service", format!("“{}” is not a booking service.", text.escape_debug()))
        })
    }
}

/// An account at a service.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Where, if not at the service itself.
    pub base_url: Option<Url>,
    /// The key: an API key (`cal_…`) or a personal access token.
    pub key: Secret,
}

/// Whose an account is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// What the service calls them: a number, or an address of the API.
    pub reference: String,
    /// Their organisation there, where webhooks need it.
    pub organization: Option<String>,
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// Their zone, if the service says one that exists.
    pub zone: Option<String>,
}

/// Something that can be booked there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventType {
    /// What the service calls it.
    pub reference: String,
    /// What people call it.
    pub title: String,
    /// Minutes that it takes.
    pub minutes: u16,
    /// Where people book it.
    pub link: Url,
}

/// Who books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guest {
    /// Their name; empty when it is not known.
    pub name: String,
    /// Their address; empty when it is not known.
    pub email: String,
    /// The zone in which they see times.
    pub zone: Zone,
    /// Our lead: it travels with the booking and comes back in what the service tells.
    pub lead: Option<Uuid>,
}

/// A booking as the service has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Booking {
    /// What the service calls it; later words name it so.
    pub reference: String,
    /// Its beginning.
    pub starts_at: Time,
    /// Its end.
    pub ends_at: Time,
    /// Where: a link or a place.
    pub location: Option<String>,
}

/// A word of a service about a booking.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Heard {
    /// The same for every delivery of this word.
    pub key: String,
    /// When the service said it.
    pub at: Time,
    /// What it says.
    pub what: What,
}

/// What a service says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// Somebody booked, or took another time in place of an earlier booking.
    Booked(Box<Made>),
    /// A booking will not be at its time.
    Cancelled {
        /// Which.
        reference: String,
        /// Why, in the words of whoever cancelled.
        reason: Option<String>,
        /// Whether it only moved: the booking that takes its place is told apart.
        moved: bool,
        /// That booking, if it is named.
        replaced_by: Option<String>,
    },
    /// Somebody said whether the guest was missing.
    NoShow {
        /// At which booking.
        reference: String,
        /// Whether they were; false takes an earlier word back.
        missed: bool,
    },
    /// Something that changes nothing here.
    Other {
        /// The service's name of it.
        kind: String,
    },
}

impl What {
    /// The word in rows.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Booked(_) => "booked",
            Self::Cancelled { .. } => "cancelled",
            Self::NoShow { .. } => "no_show",
            Self::Other { .. } => "other",
        }
    }

    /// The booking that it is about.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Booked(made) => Some(&made.reference),
            Self::Cancelled { reference, .. } | Self::NoShow { reference, .. } => Some(reference),
            Self::Other { .. } => None,
        }
    }

    /// Another booking of the same meeting that it names.
    pub fn linked(&self) -> Option<&str> {
        match self {
            Self::Booked(made) => made.replaces.as_deref(),
            Self::Cancelled { replaced_by, .. } => replaced_by.as_deref(),
            Self::NoShow { .. } | Self::Other { .. } => None,
        }
    }
}

/// A booking that was made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Made {
    /// What the service calls it.
    pub reference: String,
    /// The booking whose place it took.
    pub replaces: Option<String>,
    /// What was booked: the service's name of it.
    pub event_type: Option<String>,
    /// What it is called.
    pub title: Option<String>,
    /// Its beginning; none where it has to be asked for.
    pub starts_at: Option<Time>,
    /// Its end.
    pub ends_at: Option<Time>,
    /// Where: a link or a place.
    pub location: Option<String>,
    /// The guest's name.
    pub name: String,
    /// The guest's address.
    pub email: String,
    /// The guest's zone, as the service writes it.
    pub zone: Option<String>,
    /// What the guest wrote.
    pub note: Option<String>,
    /// Our lead, if the link carried it.
    pub lead: Option<Uuid>,
    /// Where the guest moves or cancels it.
    pub manage_url: Option<String>,
}

/// One booking service. A call never happens inside a transaction.
#[async_trait]
pub trait Calendar: Send + Sync + 'static {
    /// Which.
    fn service(&self) -> Service;

    /// Whose the account is: the cheapest way to know that its key is good.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn owner(&self, account: &Account) -> Result<Owner, Failure>;

    /// What can be booked there.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn event_types(&self, account: &Account, owner: &Owner) -> Result<Vec<EventType>, Failure>;

    /// Beginnings that are free, earliest first. Services answer for a week at most.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn free(
        &self,
        account: &Account,
        event_type: &str,
        from: Time,
        until: Time,
    ) -> Result<Vec<Time>, Failure>;

    /// A link on which one guest books once, where the service makes such links; else the link of the event
    /// type.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn single_use(&self, account: &Account, event_type: &str, link: &Url) -> Result<Url, Failure>;

    /// Books a time for a guest.
    ///
    /// # Errors
    /// See [`Failure`]; a time that is gone is refused.
    async fn book(
        &self,
        account: &Account,
        event_type: &str,
        starts_at: Time,
        guest: &Guest,
    ) -> Result<Booking, Failure>;

    /// Moves a booking. What it is called afterwards may differ.
    ///
    /// # Errors
    /// See [`Failure`]; where the service leaves moving to its own page, it is not started.
    async fn reschedule(
        &self,
        account: &Account,
        reference: &str,
        starts_at: Time,
    ) -> Result<Booking, Failure>;

    /// Cancels a booking; one that is cancelled already is fine.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn cancel(&self, account: &Account, reference: &str, reason: &str) -> Result<(), Failure>;

    /// A booking as it stands.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn booking(&self, account: &Account, reference: &str) -> Result<Booking, Failure>;

    /// Has everything about bookings told to an address, signed with a secret. Gives the service's name of
    /// the subscription.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn subscribe(
        &self,
        account: &Account,
        owner: &Owner,
        to: &Url,
        secret: &Secret,
    ) -> Result<String, Failure>;

    /// Ends a subscription; one that is gone is fine.
    ///
    /// # Errors
    /// See [`Failure`].
    async fn unsubscribe(&self, account: &Account, subscription: &str) -> Result<(), Failure>;

    /// A link with what is known of a guest filled in, and our lead in it. Pure.
    fn link(&self, link: &Url, guest: &Guest) -> Url;

    /// Verifies what came in over its raw bytes and reads it. Pure.
    ///
    /// # Errors
    /// See [`WebhookError`]: anything but malformed is answered 401.
    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Heard, WebhookError>;
}

/// The services that are wired.
#[derive(Clone, Default)]
pub struct Calendars(BTreeMap<Service, Arc<dyn Calendar>>);

impl Calendars {
    /// These services; of two clients of one the later counts.
    pub fn of(services: impl IntoIterator<Item = Arc<dyn Calendar>>) -> Self {
        Self(services.into_iter().map(|one| (one.service(), one)).collect())
    }

    /// The client of a service.
    ///
    /// # Errors
    /// Not found when it is not wired.
    pub fn get(&self, service: Service) -> base::Result<&Arc<dyn Calendar>> {
        self.0.get(&service).ok_or_else(|| Error::not_found("booking service"))
    }
}
