//! What every channel answers: how its messages are checked, what it needs of a sender and of a lead,
//! and how one is handed over. One file for each channel implements it.

use super::Form;
use crate::{content::limits::Issue, resource::Resource, touch::Content, window::LocalWindow};
use async_trait::async_trait;
use base::{Micros, Result, Time};
use ports::{Ports, delivery::What};
use std::collections::BTreeMap;
use url::Url;
use uuid::Uuid;

/// A channel's own rules.
pub(crate) trait Way: Send + Sync + 'static {
    /// Why the lead cannot be reached this way, if so; else its address there.
    fn reach(&self, person: &Person) -> Result<String, String>;

    /// What is wrong with finished words.
    fn check(&self, form: Form, subject: &str, body: &str) -> Vec<Issue>;

    /// What the sender's side lacks for writing to a country, if anything.
    fn sender_lacks(&self, from: &Sender<'_>, country: &str) -> Option<String>;

    /// Whether numbers are washed against a Do-Not-Call register.
    fn asks_register(&self) -> bool {
        false
    }

    /// Makes what is handed over; everything that it needs was read before. Calls nobody.
    fn pack(&self, out: &Out<'_>) -> Result<Box<dyn Parcel>>;
}

/// Something that is ready to be handed over, and can be looked for later.
#[async_trait]
pub(crate) trait Parcel: Send + Sync {
    /// Hands it over, once.
    async fn send(&self, ports: &Ports) -> Result<Taken, Fault>;

    /// Whether an earlier try arrived. Has no effect.
    async fn find(&self, ports: &Ports) -> Result<Looked>;

    /// What the provider says now became of it, in the words of a report; none when it does not know it, and
    /// on channels where nobody asks. Has no effect.
    async fn hear(&self, _ports: &Ports) -> Result<Option<What>> {
        Ok(None)
    }
}

/// The provider took it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Taken {
    /// Its name for it; reports carry the same.
    pub provider_ref: Option<String>,
    /// Its words.
    pub response: String,
    /// What it costs, where it says so in Australian dollars.
    pub cost: Option<Micros>,
}

/// What a look-up said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Looked {
    /// It is there.
    Taken(Taken),
    /// It never came.
    NotSeen,
    /// Nobody can say.
    CannotTell,
}

/// Why it was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    /// In words.
    pub detail: String,
    /// What follows.
    pub then: Then,
}

/// What follows from a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    /// Nothing left; later it may be taken.
    TryAgain,
    /// The address does not exist.
    AddressGone,
    /// The recipient opted out at the provider.
    OptedOut,
    /// It will never be taken as it is; a person looks.
    End,
    /// Nobody knows whether it left.
    Unknown,
}

impl From<ports::delivery::Failure> for Fault {
    fn from(failure: ports::delivery::Failure) -> Self {
        use ports::delivery::{Failure, Reason};
        let detail = failure.to_string();
        let then = match &failure {
            Failure::Unknown { .. } => Then::Unknown,
            Failure::Refused(refusal) if refusal.permanent => match refusal.reason {
                Reason::NoSuchRecipient => Then::AddressGone,
                Reason::OptedOut => Then::OptedOut,
                Reason::Blocked
                | Reason::Content
                | Reason::Sender
                | Reason::Account
                | Reason::Funds
                | Reason::Busy
                | Reason::Other => Then::End,
            },
            Failure::Refused(_) => Then::TryAgain,
            Failure::NotStarted { .. } if failure.may_retry() => Then::TryAgain,
            Failure::NotStarted { .. } => Then::End,
        };
        Self { detail, then }
    }
}

impl<S> From<ports::delivery::Found<S>> for Looked {
    fn from(found: ports::delivery::Found<S>) -> Self {
        use ports::delivery::Found;
        match found {
            Found::Taken(receipt) => Self::Taken(Taken {
                provider_ref: Some(receipt.provider_ref),
                response: "found at the provider after its answer was lost".to_owned(),
                cost: receipt.cost.and_then(aud),
            }),
            Found::NotSeen => Self::NotSeen,
            Found::CannotTell => Self::CannotTell,
        }
    }
}

impl<S> From<ports::delivery::Receipt<S>> for Taken {
    fn from(receipt: ports::delivery::Receipt<S>) -> Self {
        Self {
            response: format!("taken as {}", receipt.provider_ref),
            provider_ref: Some(receipt.provider_ref),
            cost: receipt.cost.and_then(aud),
        }
    }
}

/// Costs in Australian dollars; others are settled at their estimate.
pub(crate) fn aud(cost: ports::delivery::Cost) -> Option<Micros> {
    (cost.currency == base::Currency::Aud).then_some(cost.micros)
}

/// Who is written to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Person {
    pub first_name: String,
    pub last_name: String,
    pub company: String,
    pub title: String,
    pub country: String,
    pub email: Option<String>,
    pub email_invalid: bool,
    pub phone: Option<String>,
    pub linkedin: Option<String>,
    pub connected: bool,
    pub address: Option<PostalAddress>,
}

/// Where the post goes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PostalAddress {
    pub line1: String,
    pub line2: String,
    pub city: String,
    pub region: String,
    pub postcode: String,
    pub country: String,
    pub undeliverable: bool,
}

impl PostalAddress {
    /// In one line.
    pub fn line(&self) -> String {
        let parts = [&self.line1, &self.line2, &self.city, &self.region, &self.postcode, &self.country];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
    }
}

/// Who writes: the sending identity and what the client says of itself.
pub(crate) struct Sender<'a> {
    pub resource: Option<&'a Resource>,
    pub legal_name: Option<&'a str>,
    pub postal_address: Option<&'a str>,
    pub registered_countries: &'a [String],
}

impl Sender<'_> {
    /// The legal name and the postal address, which the law asks for in every message.
    pub fn identity_lacks(&self) -> Option<String> {
        let empty = |text: Option<&str>| text.is_none_or(|t| t.trim().is_empty());
        if empty(self.legal_name) {
            return Some("The organisation's legal name is missing (Settings → Organisation).".to_owned());
        }
        empty(self.postal_address)
            .then(|| "The organisation's postal address is missing (Settings → Organisation).".to_owned())
    }
}

/// Everything of which a parcel is made.
pub(crate) struct Out<'a> {
    pub id: Uuid,
    pub now: Time,
    pub first_at: Time,
    pub last_at: Time,
    pub content: &'a Content,
    pub form: Form,
    pub person: &'a Person,
    pub resource: &'a Resource,
    pub keys: &'a Keys,
    pub mail: &'a MailParts,
    pub provider_ref: Option<&'a str>,
    pub report_to: Option<Url>,
    pub window: &'a LocalWindow,
    pub client: &'a str,
    pub call_max_s: i64,
}

/// What only an e-mail has.
#[derive(Clone, Debug, Default)]
pub(crate) struct MailParts {
    pub message_id: Option<String>,
    pub in_reply_to: Option<String>,
    pub refs: Vec<String>,
    pub unsubscribe: Option<Url>,
    pub track: Option<Url>,
}

/// The account's settings and opened secrets, by the name of their field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    pub provider: String,
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, base::Secret>,
}

impl Keys {
    /// A setting that must be there.
    pub fn get(&self, field: &str) -> Result<String> {
        self.maybe(field).ok_or_else(|| {
            base::Error::invalid(
                "account.incomplete",
                format!(
                    "The account at {} lacks “{field}”. Complete it under Settings → Sending.",
                    self.provider
                ),
            )
        })
    }

    /// A setting that may be there.
    pub fn maybe(&self, field: &str) -> Option<String> {
        self.settings.get(field).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A secret; empty when it was never entered.
    pub fn secret(&self, field: &str) -> base::Secret {
        self.secrets.get(field).cloned().unwrap_or_default()
    }

    /// Where the provider is, when it is somewhere else than usual.
    pub fn base_url(&self) -> Result<Option<Url>> {
        self.maybe("base_url")
            .map(|text| {
                text.parse().map_err(|cause: url::ParseError| {
                    base::Error::invalid("account.base_url", format!("“{text}” is not an address."))
                        .caused_by(cause)
                })
            })
            .transpose()
    }

    /// A number.
    pub fn number(&self, field: &str) -> Result<Option<i64>> {
        self.maybe(field)
            .map(|text| {
                text.parse().map_err(|cause: std::num::ParseIntError| {
                    base::Error::invalid("account.number", format!("“{text}” is not a number ({field})."))
                        .caused_by(cause)
                })
            })
            .transpose()
    }

    /// A provider that is not of this channel.
    pub fn wrong(&self, channel: &str) -> base::Error {
        base::Error::invalid(
            "account.channel",
            format!("An account at “{}” cannot carry {channel}.", self.provider),
        )
    }
}
