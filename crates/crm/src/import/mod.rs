//! A run over a CRM's contacts: begun by a person or the day, carried page by page, resumed where it stopped.

pub(crate) mod jobs;
pub mod pages;
mod reading;
mod store;
mod take;

pub(crate) use store::cancel_running;
pub use store::{Import, Seen, cancel, get, list, newest, of_connection, seen};

use crate::connection::{self, ConnectionId, TakenAs};
use base::{Error, Result, Time};
use db::{Cx, Fact};
use jobs::Page;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

base::id_type!(
    /// A run over a CRM's contacts.
    ImportId
);

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "crm.import_state", rename_all = "snake_case")]
pub enum State {
    /// Pages are read.
    Running,
    /// The last page was.
    Done,
    /// It could not go on.
    Failed,
    /// A person stopped it.
    Cancelled,
}

impl State {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// What became of a contact.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "crm.outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is a lead now.
    Made,
    /// It was a lead already, which got what was missing.
    Merged,
    /// Nobody contacts it: it is on the suppression list, through this run or before.
    Suppressed,
    /// It cannot be used; the reason says why.
    Rejected,
}

impl Outcome {
    /// Each.
    pub const ALL: [Self; 4] = [Self::Made, Self::Merged, Self::Suppressed, Self::Rejected];

    /// The word in rows and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Merged => "merged",
            Self::Suppressed => "suppressed",
            Self::Rejected => "rejected",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Made => "Made a lead",
            Self::Merged => "Merged into a lead",
            Self::Suppressed => "Suppressed",
            Self::Rejected => "Rejected",
        }
    }
}

/// Begins a run over what changed since the one before, or over all contacts.
///
/// # Errors
/// `crm.not_active`, `crm.nothing_taken`, `crm.import_running`.
pub async fn start(cx: &mut Cx, connection: ConnectionId) -> Result<ImportId> {
    let connection = connection::get(cx, connection).await?;
    if connection.state != connection::State::Active {
        return Err(Error::conflict("crm.not_active", "This connection does not work now. Check it first."));
    }
    if connection.taken_as == TakenAs::Nothing {
        return Err(Error::conflict(
            "crm.nothing_taken",
            "Say first what its contacts are taken for: customers or leads.",
        ));
    }
    let id: ImportId = cx.id();
    store::insert(cx, id, &connection).await?;
    go_on(cx, id).await?;
    let payload = json!({"connection_id": connection.id, "taken_as": connection.taken_as});
    cx.publish(Fact::about("crm.import.started", id).with(payload)).await?;
    Ok(id)
}

/// Goes on with a run whose job ended without it.
///
/// # Errors
/// `crm.import_over`.
pub async fn resume(cx: &mut Cx, id: ImportId) -> Result<()> {
    if get(cx, id).await?.state != State::Running {
        return Err(Error::conflict("crm.import_over", "This run has ended; start another one."));
    }
    go_on(cx, id).await
}

async fn go_on(cx: &mut Cx, id: ImportId) -> Result<()> {
    let options = ::jobs::Options { unique_key: Some(id.to_string()), ..::jobs::Options::default() };
    ::jobs::enqueue_with(cx, &Page { import: id }, options).await.map(drop)
}

/// Contacts changed this long before a run began are looked at again by the next one: clocks differ.
const OVERLAP_S: i64 = 600;

/// From when the next run looks on.
fn next_since(began: Time) -> Time {
    began.plus_s(-OVERLAP_S)
}
