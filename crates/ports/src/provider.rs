//! Data about companies and people from outside services: look-ups that cost money, and searches.
//!
//! A look-up may cost money even when its answer is lost: [`ProviderError::Unknown`] says so, and nobody repeats
//! it blindly. Unknown stays unknown: a finding that the service did not give does not exist.

pub mod abn;
mod error;
mod likeness;
mod memory;
mod words;

pub use error::ProviderError;
pub use likeness::likeness;
pub use memory::MemoryProvider;
pub use words::{Field, Provider as ProviderKind, Purpose};

use async_trait::async_trait;
use base::{Micros, Secret};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// A tenant's account at a service.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Where, if not at the service itself; for Clay the address of the table's webhook.
    pub base_url: Option<Url>,
    /// The key: an API key, for ABN Lookup the GUID, for Clay the optional `x-clay-webhook-auth`.
    pub key: Secret,
    /// Apify: which actor runs, as `user~actor`.
    pub actor: Option<String>,
    /// Kaspr: the key goes without the word `Bearer`, as older callers send it.
    pub bare_key: bool,
    /// Where the service posts what comes later; holds a secret token.
    pub callback: Option<Url>,
}

/// The person of a look-up; what is not known is absent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Person {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Work address.
    pub email: Option<String>,
    /// LinkedIn profile.
    pub linkedin_url: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// What the service itself calls them.
    pub reference: Option<String>,
}

/// The company of a look-up; what is not known is absent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Company {
    /// Name.
    pub name: Option<String>,
    /// Domain.
    pub domain: Option<String>,
    /// ISO 3166 code.
    pub country: Option<String>,
    /// State, as its short name.
    pub region: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Australian Business Number, eleven digits.
    pub abn: Option<String>,
}

/// One look-up.
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    /// Ours; comes back with what a service posts later.
    pub id: Uuid,
    /// What for.
    pub purpose: Purpose,
    /// Who.
    pub person: Person,
    /// Where they work.
    pub company: Company,
    /// The most that it may cost, in millionths of a US dollar, where the service takes a limit.
    pub limit_usd: Micros,
}

/// One thing that a service says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// About what.
    pub field: Field,
    /// The value.
    pub value: String,
    /// How sure the service is, 0 to 1.
    pub confidence: f32,
    /// Where it stands, if the service says so.
    #[serde(default)]
    pub source_url: Option<String>,
}

impl Finding {
    /// A finding without an address of its own.
    pub fn new(field: Field, value: impl Into<String>, confidence: f32) -> Self {
        Self { field, value: value.into(), confidence: confidence.clamp(0.0, 1.0), source_url: None }
    }
}

/// What came of a look-up.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// The service answered; nothing in it means that it knows nothing.
    Found(Vec<Finding>),
    /// The answer comes later: by asking again with the ticket, or to the callback.
    Pending {
        /// What the service calls it.
        ticket: String,
        /// When to ask again at the earliest, in seconds.
        retry_after_s: u32,
    },
}

/// What it cost, as far as the service says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cost {
    /// It says nothing: the price of the configuration counts.
    Listed,
    /// Nothing.
    Free,
    /// Millionths of a US dollar.
    Usd(Micros),
}

/// An answer with its cost.
#[derive(Clone, PartialEq, Debug)]
pub struct Looked {
    /// What came.
    pub answer: Answer,
    /// What it cost.
    pub cost: Cost,
}

impl Looked {
    /// An answer at the listed price.
    pub fn found(findings: Vec<Finding>) -> Self {
        Self { answer: Answer::Found(findings), cost: Cost::Listed }
    }

    /// Nothing is known, at the listed price of a miss.
    pub fn nothing() -> Self {
        Self::found(Vec::new())
    }

    /// The answer comes later.
    pub fn pending(ticket: impl Into<String>, retry_after_s: u32) -> Self {
        Self { answer: Answer::Pending { ticket: ticket.into(), retry_after_s }, cost: Cost::Listed }
    }

    /// With another cost.
    #[must_use]
    pub fn at(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }
}

/// Something that a service posted to the callback.
#[derive(Clone, PartialEq, Debug)]
pub struct Arrived {
    /// The look-up that it answers, if the message says so.
    pub ask: Option<Uuid>,
    /// What it says. None: the message is only a hint, and the look-up is asked for by its ticket.
    pub looked: Option<Looked>,
}

/// Whom to search for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Search {
    /// Job titles.
    pub titles: Vec<String>,
    /// Industries or trades.
    pub industries: Vec<String>,
    /// ISO 3166 codes.
    pub countries: Vec<String>,
    /// A city or state in words.
    pub place: Option<String>,
    /// Fewest employees.
    pub headcount_min: u32,
    /// Most employees.
    pub headcount_max: u32,
    /// The page after this one's token; none for the first.
    pub page: Option<String>,
    /// Most results of one page.
    pub per_page: u32,
}

/// Somebody, or a company, that a search found.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Prospect {
    /// What the service calls it.
    pub reference: String,
    /// The person, as far as the search shows them.
    pub person: Person,
    /// The company.
    pub company: Company,
    /// A published phone number.
    pub phone: Option<String>,
    /// The trade, in the service's words.
    pub industry: Option<String>,
}

/// One page of a search.
#[derive(Clone, PartialEq, Debug)]
pub struct Page {
    /// What was found.
    pub prospects: Vec<Prospect>,
    /// The token of the next page; none on the last.
    pub next: Option<String>,
}

/// A service that knows companies or people.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Which.
    fn kind(&self) -> ProviderKind;

    /// One look-up, sent at most once where it may cost money.
    ///
    /// # Errors
    /// As [`ProviderError`].
    async fn look_up(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError>;

    /// Asks whether a pending look-up has ended. Never costs anything more.
    ///
    /// # Errors
    /// As [`ProviderError`]; [`ProviderError::Unsupported`] where nothing can be asked.
    async fn poll(&self, account: &Account, ask: &Ask, ticket: &str) -> Result<Looked, ProviderError>;

    /// Reads what was posted to the callback. The services here sign nothing: the address is the proof.
    ///
    /// # Errors
    /// Rejected when it is not of the service's form.
    fn arrived(&self, body: &[u8]) -> Result<Arrived, ProviderError>;

    /// One page of a search.
    ///
    /// # Errors
    /// As [`ProviderError`]; [`ProviderError::Unsupported`] where the service cannot be searched.
    async fn search(&self, account: &Account, search: &Search) -> Result<Page, ProviderError>;
}

/// Every service, by kind.
#[derive(Clone)]
pub struct Providers(Arc<[Arc<dyn Provider>]>);

impl Providers {
    /// These.
    pub fn of(all: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        Self(all.into_iter().collect())
    }

    /// The one of this kind.
    ///
    /// # Errors
    /// Unsupported when this program was built without it.
    pub fn get(&self, kind: ProviderKind) -> Result<&Arc<dyn Provider>, ProviderError> {
        self.0.iter().find(|one| one.kind() == kind).ok_or(ProviderError::Unsupported)
    }
}
