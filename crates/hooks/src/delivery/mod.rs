//! A fact on its way to an endpoint.
//!
//! Promise: at least once, in no particular order. A delivery is claimed in a transaction that passes the
//! switches and writes the attempt, then the call is made, then its outcome is recorded. A process that
//! dies between leaves an attempt without an outcome; the delivery is made again, with the same id.

pub(crate) mod api;
mod fan_out;
pub mod jobs;
pub(crate) mod pages;
mod prune;
mod rules;
mod send;
mod store;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worker_tests;

pub use rules::{DELAYS_S, webhook_id};
pub use store::{Line, attempts, get, list};

use crate::endpoint::{self, EndpointId, Status};
use base::{Error, Result, Time};
use db::{Cx, Fact};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

base::id_type!(
    /// A message on its way to one endpoint.
    DeliveryId
);

/// The type of the event that somebody sends to try an endpoint.
pub const TEST_TYPE: &str = "webhook.test";

/// Where a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "hooks.delivery_state", rename_all = "snake_case")]
pub enum State {
    /// It waits for its next attempt.
    Pending,
    /// It is being sent.
    Sending,
    /// The endpoint took it.
    Succeeded,
    /// Every attempt failed.
    Dead,
}

impl State {
    /// Every state, in the order of the page's views.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Sending, Self::Succeeded, Self::Dead];

    /// The word in links.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
        }
    }
}

/// A delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which.
    pub id: DeliveryId,
    /// Where to.
    pub endpoint: EndpointId,
    /// What.
    pub message: Uuid,
    /// The type of the event.
    pub kind: String,
    /// The bytes that are sent.
    pub body: String,
    /// Where it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, at the earliest.
    pub next_at: Time,
    /// Since when it is there.
    pub created_at: Time,
    /// When it ended.
    pub done_at: Option<Time>,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Which one of the delivery, from 1.
    pub number: i32,
    /// When it began.
    pub started_at: Time,
    /// How long it took; none when its outcome is not known.
    pub duration_ms: Option<i32>,
    /// The status of HTTP, if one came.
    pub status: Option<i32>,
    /// Why it does not count as delivered.
    pub error: Option<String>,
    /// The first bytes of the answer.
    pub answer: Option<Vec<u8>>,
}

async fn enabled(cx: &mut Cx, id: EndpointId) -> Result<()> {
    match endpoint::get(cx, id).await?.status {
        Status::Enabled => Ok(()),
        Status::Disabled => Err(Error::conflict(
            "webhook.disabled",
            "This endpoint is disabled: nothing is sent to it. Enable it first.",
        )),
    }
}

/// Sends a test event to one endpoint, whatever it asked for.
///
/// # Errors
/// Not found; conflict `webhook.disabled`.
pub async fn test(cx: &mut Cx, to: EndpointId) -> Result<DeliveryId> {
    enabled(cx, to).await?;
    let (tenant, now, message) = (cx.tenant()?, cx.now(), cx.id::<Uuid>());
    let body = rules::body(
        message,
        &rules::Event {
            kind: TEST_TYPE,
            at: now,
            tenant,
            subject: None,
            data: json!({"note": "A test event, sent from the settings of Agency OS."}),
        },
    )?;
    let id = cx.id::<DeliveryId>();
    store::insert_test(cx, id, to, message, &body).await?;
    cx.note("webhook.test", "hooks.delivery", Some(id.to_string()), json!({"endpoint": to})).await?;
    jobs::wake(cx, to).await?;
    cx.publish(Fact::about("hooks.delivery.tested", id)).await?;
    Ok(id)
}

/// Sends a delivery again now, with the same id, whether it succeeded, was given up or still waits; if it
/// fails, it is tried again as a first one is.
///
/// # Errors
/// Not found; conflict `webhook.disabled`, `webhook.sending`.
pub async fn again(cx: &mut Cx, id: DeliveryId) -> Result<()> {
    let delivery = get(cx, id).await?;
    enabled(cx, delivery.endpoint).await?;
    if !store::restart(cx, id).await? {
        return Err(Error::conflict("webhook.sending", "It is being sent at this moment."));
    }
    cx.note("webhook.redeliver", "hooks.delivery", Some(id.to_string()), json!({"type": delivery.kind}))
        .await?;
    jobs::wake(cx, delivery.endpoint).await?;
    cx.publish(Fact::about("hooks.delivery.restarted", id)).await
}
