//! A client's CRM: its contacts page by page, one contact or deal found, made or changed, its pipelines.
//!
//! The operations are a closed set and speak of contacts and deals only. Making something is never repeated blindly:
//! where the answer is lost ([`CrmError::Unknown`]) the caller looks the thing up first, a contact by its address, a
//! deal by the mark that it carries.

mod memory;

pub use memory::MemoryCrm;

use async_trait::async_trait;
use base::{Secret, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// Which CRM.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrmKind {
    /// HubSpot, by the token of a private app.
    Hubspot,
    /// Pipedrive, by a personal API token.
    Pipedrive,
    /// Close, by an API key.
    Close,
}

impl CrmKind {
    /// Every CRM, in the order in which forms offer them.
    pub const ALL: [Self; 3] = [Self::Hubspot, Self::Pipedrive, Self::Close];

    /// The word in rows, addresses and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hubspot => "hubspot",
            Self::Pipedrive => "pipedrive",
            Self::Close => "close",
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Hubspot => "HubSpot",
            Self::Pipedrive => "Pipedrive",
            Self::Close => "Close",
        }
    }
}

impl std::str::FromStr for CrmKind {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self, base::Error> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| {
            base::Error::invalid("crm.kind", format!("“{text}” is neither hubspot, pipedrive nor close."))
        })
    }
}

/// A client's account at a CRM.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Where, if not at the service itself.
    pub base_url: Option<Url>,
    /// The token or key.
    pub key: Secret,
}

/// Whose account it is, as the CRM says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// The company or user.
    pub name: String,
}

/// A person, as a CRM has them or is to have them; what is not known is absent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Person {
    /// E-mail address, as it is written there.
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Phone number in any spelling.
    pub phone: Option<String>,
    /// LinkedIn profile.
    pub linkedin: Option<String>,
    /// Company name.
    pub company: Option<String>,
    /// Website of the company.
    pub website: Option<String>,
    /// Country, by name or code.
    pub country: Option<String>,
    /// State.
    pub region: Option<String>,
    /// City.
    pub city: Option<String>,
}

impl Person {
    /// The whole name; the address where there is none.
    pub fn name(&self) -> String {
        let parts: Vec<&str> =
            [&self.first_name, &self.last_name].into_iter().flatten().map(String::as_str).collect();
        if parts.is_empty() { self.email.clone().unwrap_or_default() } else { parts.join(" ") }
    }
}

/// A contact of a CRM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// What the CRM calls it.
    pub reference: String,
    /// The company's record, where contacts belong to one (Close: the lead).
    pub company_reference: Option<String>,
    /// Who.
    pub person: Person,
}

/// Which contacts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// Only those that were changed at this instant or later; none: all.
    pub since: Option<Time>,
    /// The cursor of the page; none: the first.
    pub cursor: Option<String>,
}

/// One page of contacts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The contacts.
    pub contacts: Vec<Contact>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// A pipeline of deals.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pipeline {
    /// What the CRM calls it.
    pub reference: String,
    /// Name.
    pub name: String,
    /// Its stages in order.
    pub stages: Vec<Stage>,
}

/// What reaching a stage means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Still open.
    Open,
    /// Won.
    Won,
    /// Lost.
    Lost,
}

/// A stage of a pipeline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// What the CRM calls it.
    pub reference: String,
    /// Name.
    pub name: String,
    /// Probability of winning in percent, where the CRM says one.
    pub percent: Option<u8>,
    /// What it means.
    pub meaning: Meaning,
}

/// A deal as the CRM is to have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deal {
    /// Ours; the deal carries it, so that it is found again.
    pub mark: Uuid,
    /// Name.
    pub name: String,
    /// The contact's reference.
    pub contact: String,
    /// The company's reference, where [`Contact::company_reference`] has one.
    pub company: Option<String>,
    /// The pipeline's reference.
    pub pipeline: String,
    /// The stage's reference; none where the meaning says enough (Pipedrive: lost in whatever stage).
    pub stage: Option<String>,
    /// What its stage means here.
    pub meaning: Meaning,
    /// Worth in minor units; none when nobody said.
    pub value_minor: Option<i64>,
    /// ISO 4217.
    pub currency: String,
    /// Why it was lost.
    pub lost_reason: Option<String>,
}

/// Why a CRM did not do it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CrmError {
    /// Nothing was changed: trying again is safe.
    #[error("{host} was not reached ({detail}).")]
    NotSent {
        /// Server and port.
        host: String,
        /// What happened.
        detail: String,
    },
    /// It asks us to wait; nothing was changed.
    #[error("{host} asks us to wait {retry_after_s} s ({limit}).")]
    Limited {
        /// Server and port.
        host: String,
        /// Which limit: `secondly`, `daily`, `burst`, …
        limit: String,
        /// Seconds.
        retry_after_s: u32,
    },
    /// The answer was lost: the change may have happened. Look first, then repeat.
    #[error("{host} was asked but its answer was lost ({detail}).")]
    Unknown {
        /// Server and port.
        host: String,
        /// What happened.
        detail: String,
    },
    /// The key is not good, or may not do this. A person must act.
    #[error("The CRM refused the key: {message}")]
    Unauthorised {
        /// In its words.
        message: String,
    },
    /// There is no such record: it was deleted there.
    #[error("The CRM has no such record.")]
    Gone,
    /// Another record holds what must be unique.
    #[error("The CRM has this record already.")]
    Taken {
        /// That record, where it says which.
        reference: Option<String>,
    },
    /// It said no to what was sent.
    #[error("The CRM refused ({code}): {message}")]
    Rejected {
        /// Stable.
        code: String,
        /// In its words.
        message: String,
    },
}

/// A CRM. Nothing here runs inside a database transaction.
#[async_trait]
pub trait Crm: Send + Sync + 'static {
    /// Which.
    fn kind(&self) -> CrmKind;

    /// Whether the key is good, and whose account it opens.
    ///
    /// # Errors
    /// As [`CrmError`].
    async fn check(&self, account: &Account) -> Result<Owner, CrmError>;

    /// The pipelines of deals with their stages.
    ///
    /// # Errors
    /// As [`CrmError`].
    async fn pipelines(&self, account: &Account) -> Result<Vec<Pipeline>, CrmError>;

    /// One page of contacts. A contact that changes meanwhile may come twice, and never goes missing.
    ///
    /// # Errors
    /// As [`CrmError`].
    async fn contacts(&self, account: &Account, wanted: &Wanted) -> Result<Page, CrmError>;

    /// The contact with this address.
    ///
    /// # Errors
    /// As [`CrmError`].
    async fn find(&self, account: &Account, email: &str) -> Result<Option<Contact>, CrmError>;

    /// Makes a contact.
    ///
    /// # Errors
    /// As [`CrmError`]; [`CrmError::Taken`] where the address is there.
    async fn create(&self, account: &Account, person: &Person) -> Result<Contact, CrmError>;

    /// Fills what a contact lacks; what the CRM knows stays.
    ///
    /// # Errors
    /// As [`CrmError`]; [`CrmError::Gone`] when it is no longer there.
    async fn fill(&self, account: &Account, reference: &str, person: &Person) -> Result<Contact, CrmError>;

    /// The deal that carries this mark, among those of the contact.
    ///
    /// # Errors
    /// As [`CrmError`].
    async fn find_deal(&self, account: &Account, deal: &Deal) -> Result<Option<String>, CrmError>;

    /// Makes a deal; its reference.
    ///
    /// # Errors
    /// As [`CrmError`].
    async fn create_deal(&self, account: &Account, deal: &Deal) -> Result<String, CrmError>;

    /// Sets stage, value and outcome of a deal.
    ///
    /// # Errors
    /// As [`CrmError`]; [`CrmError::Gone`] when it is no longer there.
    async fn update_deal(&self, account: &Account, reference: &str, deal: &Deal) -> Result<(), CrmError>;
}

/// Every CRM, by kind.
#[derive(Clone)]
pub struct Crms(Arc<[Arc<dyn Crm>]>);

impl Crms {
    /// These.
    pub fn of(all: impl IntoIterator<Item = Arc<dyn Crm>>) -> Self {
        Self(all.into_iter().collect())
    }

    /// The one of this kind.
    ///
    /// # Errors
    /// Rejected when this program was built without it.
    pub fn get(&self, kind: CrmKind) -> Result<&Arc<dyn Crm>, CrmError> {
        self.0.iter().find(|one| one.kind() == kind).ok_or_else(|| CrmError::Rejected {
            code: "crm_missing".to_owned(),
            message: format!("This program cannot speak to {}.", kind.label()),
        })
    }
}
