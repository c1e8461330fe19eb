//! Accounts at CRMs: added with a key, checked by a job, mapped to the stages of our deals, paused, disconnected.

mod guess;
pub(crate) mod jobs;
pub mod pages;
mod store;

pub use guess::guess;
pub(crate) use store::fail;
pub use store::{due, get, list};

use crate::desk::Desk;
use crate::{import, push};
use base::{Error, Result, Secret, Time};
use control::secret;
use db::{Cx, Fact};
use jobs::Check;
use leads::lead::Consent;
use outreach::deal;
use ports::crm::{Account, CrmKind, Pipeline};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use url::Url;
use uuid::Uuid;

base::id_type!(
    /// An account at a CRM.
    ConnectionId
);

/// Where a connection stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "crm.connection_state", rename_all = "snake_case")]
pub enum State {
    /// Its key is being tried.
    Checking,
    /// It works.
    Active,
    /// A person paused it.
    Paused,
    /// It does not work; a person must act.
    Failed,
}

impl State {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Checking => "Checking",
            Self::Active => "Active",
            Self::Paused => "Paused",
            Self::Failed => "Failed",
        }
    }
}

/// What contacts are taken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "crm.taken_as", rename_all = "snake_case")]
pub enum TakenAs {
    /// They stay where they are.
    Nothing,
    /// Leads to work.
    Leads,
    /// Customers whom nobody contacts.
    Customers,
}

impl TakenAs {
    /// Each, in the order in which forms offer them.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Customers, Self::Leads];

    /// The word in rows, forms and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Leads => "leads",
            Self::Customers => "customers",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing: contacts stay there",
            Self::Leads => "Leads to work",
            Self::Customers => "Customers to suppress on every channel",
        }
    }
}

impl std::str::FromStr for TakenAs {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|one| one.word() == text).ok_or_else(|| {
            Error::invalid("crm.taken_as", format!("“{text}” is neither nothing, leads nor customers."))
        })
    }
}

/// Our stages and what the CRM calls them.
pub type Stages = BTreeMap<String, String>;

/// A connection; no secret is in it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Which.
    pub id: ConnectionId,
    /// At which CRM.
    pub kind: CrmKind,
    /// What people call it.
    pub name: String,
    /// Another address than the service's own.
    pub base_url: Option<String>,
    /// Whose account it is, as the CRM says.
    pub owner_name: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Why it failed.
    pub trouble: Option<String>,
    /// When its key was tried last.
    pub checked_at: Option<Time>,
    /// What contacts are taken for.
    pub taken_as: TakenAs,
    /// Customers: nobody at their domain is contacted either.
    pub whole_company: bool,
    /// Why contacts that become leads may be written to.
    pub consent: Option<Consent>,
    /// Where that stands.
    pub consent_source: Option<String>,
    /// Contacts changed before were all taken in.
    pub since: Option<Time>,
    /// Whether leads and deals go there.
    pub pushes: bool,
    /// Its pipelines, as it listed them.
    pub pipelines: Vec<Pipeline>,
    /// Where deals are put.
    pub pipeline: Option<String>,
    /// Our stage to the CRM's.
    pub stages: Stages,
    /// Since when.
    pub created_at: Time,
}

impl Connection {
    /// The pipeline where deals are put.
    pub fn chosen(&self) -> Option<&Pipeline> {
        self.pipelines.iter().find(|one| Some(&one.reference) == self.pipeline.as_ref())
    }
}

/// What a person hands over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    /// What they call it; empty: the CRM's name.
    pub name: String,
    /// The key; empty keeps the one that is there.
    pub key: String,
    /// Another address than the service's own.
    pub base_url: String,
}

fn secret_name(id: Uuid) -> String {
    format!("crm.{id}")
}

fn address(text: &str) -> Result<Option<String>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let bad =
        || Error::invalid("crm.address", format!("“{text}” is not an address. It begins with https://."));
    let url: Url = text.parse().map_err(|cause: url::ParseError| bad().caused_by(cause))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(bad());
    }
    Ok(Some(url.to_string()))
}

fn named(typed: &Typed, kind: CrmKind) -> Result<String> {
    let name = typed.name.trim();
    if name.chars().count() > 200 || name.contains('\0') {
        return Err(Error::invalid("crm.name", "A name has at most 200 characters."));
    }
    Ok(if name.is_empty() { kind.label().to_owned() } else { name.to_owned() })
}

/// A key as it is sent in a header: visible characters of ASCII.
fn key(text: &str) -> Result<Option<Secret>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > 1_000 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid("crm.key", "This is not a key: it has letters, digits and signs only."));
    }
    Ok(Some(Secret::new(text)))
}

/// Adds a connection; its key is tried by a job at once.
///
/// # Errors
/// `crm.key`, `crm.address`, `crm.name`.
pub async fn connect(cx: &mut Cx, desk: &Desk, kind: CrmKind, typed: &Typed) -> Result<ConnectionId> {
    let Some(key) = key(&typed.key)? else {
        return Err(Error::invalid("crm.key", format!("Give the key of {}.", kind.label())));
    };
    let (name, base_url) = (named(typed, kind)?, address(&typed.base_url)?);
    let id: ConnectionId = cx.id();
    store::insert(cx, id, kind, &name, base_url.as_deref()).await?;
    secret::put(cx, &desk.ring, &secret_name(id.uuid()), &key).await?;
    try_key(cx, id).await?;
    cx.publish(Fact::about("crm.connection.added", id).with(json!({"kind": kind.word()}))).await?;
    Ok(id)
}

/// Changes name, address or key; the key is tried again.
///
/// # Errors
/// As [`connect`].
pub async fn change(cx: &mut Cx, desk: &Desk, id: ConnectionId, typed: &Typed) -> Result<()> {
    let connection = get(cx, id).await?;
    let (name, base_url) = (named(typed, connection.kind)?, address(&typed.base_url)?);
    if let Some(key) = key(&typed.key)? {
        secret::put(cx, &desk.ring, &secret_name(id.uuid()), &key).await?;
    }
    store::rename(cx, id, &name, base_url.as_deref()).await?;
    try_key(cx, id).await?;
    cx.publish(Fact::about("crm.connection.changed", id)).await
}

/// Tries the key of a connection again.
///
/// # Errors
/// Not found.
pub async fn recheck(cx: &mut Cx, id: ConnectionId) -> Result<()> {
    get(cx, id).await?;
    store::set_state(cx, id, State::Checking).await?;
    try_key(cx, id).await
}

async fn try_key(cx: &mut Cx, id: ConnectionId) -> Result<()> {
    let options = ::jobs::Options {
        priority: ::jobs::Priority::Urgent,
        unique_key: Some(id.to_string()),
        ..::jobs::Options::default()
    };
    ::jobs::enqueue_with(cx, &Check { connection: id }, options).await.map(drop)
}

/// What contacts are taken for, as typed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Taking {
    /// `nothing`, `leads` or `customers`.
    pub taken_as: String,
    /// Customers: nobody at their domain is contacted either.
    #[serde(default)]
    pub whole_company: bool,
    /// Why contacts that become leads may be written to; empty: nothing is sent to them.
    #[serde(default)]
    pub consent: String,
    /// Where that stands.
    #[serde(default)]
    pub consent_source: String,
}

/// Says what contacts are taken for. When that changes, the next run looks at all of them.
///
/// # Errors
/// `crm.taken_as`, `lead.consent`, `lead.consent_source`.
pub async fn take(cx: &mut Cx, id: ConnectionId, taking: &Taking) -> Result<()> {
    let before = get(cx, id).await?;
    let taken_as: TakenAs = taking.taken_as.parse()?;
    let consent: Option<Consent> = match taking.consent.trim() {
        "" => None,
        text => Some(text.parse()?),
    };
    let source = taking.consent_source.trim();
    if consent.is_some() && (source.is_empty() || source.chars().count() > 500 || source.contains('\0')) {
        return Err(Error::invalid(
            "lead.consent_source",
            "Say where the consent stands, in at most 500 characters: a form, a contract, a page.",
        ));
    }
    let all = before.taken_as != taken_as || before.whole_company != taking.whole_company;
    store::set_taking(cx, id, taken_as, taking.whole_company, consent.map(|one| (one, source)), all).await?;
    cx.publish(Fact::about("crm.connection.changed", id).with(json!({"taken_as": taken_as}))).await
}

/// Where deals go, as typed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Whether leads and deals go there.
    #[serde(default)]
    pub pushes: bool,
    /// The pipeline's name at the CRM; empty: none.
    #[serde(default)]
    pub pipeline: String,
    /// Our stage (`qualification`, …) to the CRM's; empty: none.
    #[serde(default)]
    pub stages: Stages,
}

/// Says to which stages ours belong.
///
/// # Errors
/// `crm.pipeline`, `crm.stage`: what the CRM does not have.
pub async fn map(cx: &mut Cx, id: ConnectionId, mapping: &Mapping) -> Result<()> {
    let connection = get(cx, id).await?;
    let pipeline = mapping.pipeline.trim();
    let mut stages = Stages::new();
    if !pipeline.is_empty() {
        let Some(there) = connection.pipelines.iter().find(|one| one.reference == pipeline) else {
            return Err(Error::invalid(
                "crm.pipeline",
                format!(
                    "{} has no pipeline “{pipeline}”. Check the connection again.",
                    connection.kind.label()
                ),
            ));
        };
        // Another pipeline than the form showed: its stages are guessed anew.
        let own = |reference: &String| there.stages.iter().any(|stage| stage.reference == *reference);
        let other = connection.pipeline.as_deref() != Some(pipeline);
        for (ours, theirs) in mapping.stages.iter().filter(|(_, theirs)| !theirs.is_empty()) {
            let ours: deal::Stage = ours.parse()?;
            if own(theirs) {
                stages.insert(ours.word().to_owned(), theirs.clone());
            } else if !other {
                return Err(Error::invalid(
                    "crm.stage",
                    format!("The pipeline “{}” has no stage “{theirs}”.", there.name),
                ));
            }
        }
        if other && stages.is_empty() {
            stages = guess(there);
        }
    }
    let pipeline = (!pipeline.is_empty()).then_some(pipeline);
    store::set_mapping(cx, id, mapping.pushes, pipeline, &stages).await?;
    cx.publish(Fact::about("crm.connection.changed", id).with(json!({"pushes": mapping.pushes}))).await?;
    if mapping.pushes { push::go_on(cx, id).await } else { Ok(()) }
}

/// Pauses a connection: nothing comes and nothing goes.
///
/// # Errors
/// `crm.not_active`.
pub async fn pause(cx: &mut Cx, id: ConnectionId) -> Result<()> {
    let connection = get(cx, id).await?;
    if connection.state == State::Paused {
        return Err(Error::conflict("crm.not_active", "This connection is paused already."));
    }
    store::set_state(cx, id, State::Paused).await?;
    cx.publish(Fact::about("crm.connection.paused", id)).await
}

/// Lets a paused connection go on; its key is tried first, and what waited follows.
///
/// # Errors
/// `crm.not_paused`.
pub async fn resume(cx: &mut Cx, id: ConnectionId) -> Result<()> {
    let connection = get(cx, id).await?;
    if connection.state != State::Paused {
        return Err(Error::conflict("crm.not_paused", "This connection is not paused."));
    }
    recheck(cx, id).await?;
    cx.publish(Fact::about("crm.connection.resumed", id)).await
}

/// Ends a connection: its key goes, what came and went stays in the books.
///
/// # Errors
/// Not found.
pub async fn disconnect(cx: &mut Cx, desk: &Desk, id: ConnectionId) -> Result<()> {
    get(cx, id).await?;
    import::cancel_running(cx, id).await?;
    store::remove(cx, id).await?;
    // An empty key in its place keeps nothing.
    secret::put(cx, &desk.ring, &secret_name(id.uuid()), &Secret::default()).await?;
    cx.publish(Fact::about("crm.connection.removed", id)).await
}

/// The account as the port wants it.
///
/// # Errors
/// `crm.key` when there is none.
pub(crate) async fn account(cx: &mut Cx, desk: &Desk, connection: &Connection) -> Result<Account> {
    let key = secret::open(cx, &desk.ring, &secret_name(connection.id.uuid())).await?;
    let key = key
        .filter(|key| !key.is_empty())
        .ok_or_else(|| Error::refused("crm.key", "This connection has no key. Enter it again."))?;
    Ok(Account { base_url: connection.base_url.as_deref().and_then(|url| url.parse().ok()), key })
}
