//! A lead or a deal of ours at a CRM: asked for by what happens here, found or made there once, kept up to date.

pub(crate) mod jobs;
pub mod pages;
mod store;
mod task;

pub use store::{Attempt, Push, attempts, counts, get, list};

use crate::connection::{self, ConnectionId};
use base::{Error, Result};
use db::{Cx, Fact};
use leads::lead::LeadId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

base::id_type!(
    /// Something of ours at a CRM.
    PushId
);

/// What is pushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "crm.push_sort", rename_all = "snake_case")]
pub enum Sort {
    /// A lead, as a contact.
    Contact,
    /// A deal.
    Deal,
}

impl Sort {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Contact => "Contact",
            Self::Deal => "Deal",
        }
    }
}

/// Where a push stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "crm.push_state", rename_all = "snake_case")]
pub enum State {
    /// Its job has not done it yet.
    Queued,
    /// It is there.
    Done,
    /// The CRM did not take it.
    Failed,
    /// There is nothing to push: the reason says why.
    Skipped,
}

impl State {
    /// Each.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Done, Self::Failed, Self::Skipped];

    /// The word in rows and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Queued => "On its way",
            Self::Done => "There",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
        }
    }
}

/// What happened here, and to what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish<'w> {
    /// A contact or a deal.
    pub sort: Sort,
    /// The lead or the deal.
    pub subject: Uuid,
    /// The lead.
    pub lead: LeadId,
    /// The fact that asks for it.
    pub why: &'w str,
}

/// Wants something at every CRM of this client that takes it. What is on its way already is pushed once more behind
/// it, so that no change is lost.
pub async fn want(cx: &mut Cx, wish: &Wish<'_>) -> Result<()> {
    for connection in connection::list(cx).await?.into_iter().filter(|one| one.pushes) {
        want_at(cx, connection.id, wish).await?;
    }
    Ok(())
}

/// Wants something at one CRM.
async fn want_at(cx: &mut Cx, connection: ConnectionId, wish: &Wish<'_>) -> Result<PushId> {
    let id = store::want(cx, connection, wish).await?;
    enqueue(cx, id).await?;
    Ok(id)
}

async fn enqueue(cx: &mut Cx, id: PushId) -> Result<()> {
    let options = ::jobs::Options { unique_key: Some(id.to_string()), ..::jobs::Options::default() };
    ::jobs::enqueue_with(cx, &jobs::Push { push: id }, options).await.map(drop)
}

/// Pushes something once more, whatever came of it before.
///
/// # Errors
/// Not found.
pub async fn retry(cx: &mut Cx, id: PushId) -> Result<()> {
    let push = get(cx, id).await?;
    connection::get(cx, push.connection_id).await?;
    store::again(cx, &[id]).await?;
    enqueue(cx, id).await?;
    cx.publish(Fact::about("crm.push.restarted", id)).await
}

/// Pushes of one click at most.
const RETRIED_MAX: i64 = 1_000;

/// Pushes everything once more that failed; how many.
pub async fn retry_failed(cx: &mut Cx) -> Result<usize> {
    let failed = store::of_state(cx, None, State::Failed, RETRIED_MAX).await?;
    store::again(cx, &failed).await?;
    enqueue_all(cx, &failed).await?;
    cx.publish_all(failed.iter().map(|id| Fact::about("crm.push.restarted", *id)).collect()).await?;
    Ok(failed.len())
}

/// Lets what waits for this connection go on.
pub(crate) async fn go_on(cx: &mut Cx, connection: ConnectionId) -> Result<()> {
    let waiting = store::of_state(cx, Some(connection), State::Queued, 10_000).await?;
    enqueue_all(cx, &waiting).await
}

async fn enqueue_all(cx: &mut Cx, ids: &[PushId]) -> Result<()> {
    let work: Vec<jobs::Push> = ids.iter().map(|id| jobs::Push { push: *id }).collect();
    for part in work.chunks(1_000) {
        ::jobs::enqueue_each(cx, part, |one| one.push.to_string(), &::jobs::Options::default()).await?;
    }
    Ok(())
}

/// Tells what became of a push.
async fn tell(cx: &mut Cx, push: &Push, state: State) -> Result<()> {
    let kind = match state {
        State::Queued => "crm.push.queued",
        State::Done => "crm.push.done",
        State::Failed => "crm.push.failed",
        State::Skipped => "crm.push.skipped",
    };
    let payload = json!({"sort": push.sort, "lead_id": push.lead_id, "connection_id": push.connection_id});
    cx.publish(Fact::about(kind, push.id).with(payload)).await
}

fn gone() -> Error {
    Error::not_found("push")
}
