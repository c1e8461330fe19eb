//! One delivery from outside, as it came.

pub mod pages;
mod store;
#[cfg(test)]
mod tests;

pub use store::{claim, counts, get, list};

use base::{Error, Result, Time};
use db::{Cx, Fact};
use jobs::Run;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

base::id_type!(
    /// A delivery in the raw inbox.
    InboxId
);

/// The fact that a delivery was kept; its payload names the `source`.
pub const RECEIVED: &str = "hooks.inbox.received";

/// Largest delivery that is kept, in bytes (Gmail's own limit for incoming mail).
pub const MAX_BYTES: usize = 50 * 1024 * 1024;
/// Longest dedupe key, in bytes.
const MAX_KEY: usize = 1_000;
/// Characters kept of an error.
const MAX_ERROR: usize = 2_000;

/// Where a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "hooks.inbox_status", rename_all = "snake_case")]
pub enum Status {
    /// Kept; nothing was done with it yet.
    Received,
    /// Its effects are in the database.
    Processed,
    /// Looked at and meant to have no effect.
    Ignored,
    /// The last try failed; it is tried again, or by hand.
    Failed,
}

impl Status {
    /// Every status, in the order of the page's views.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Received, Self::Processed, Self::Ignored];

    /// The word in links and rows.
    pub fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Processed => "processed",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.word() == text)
            .ok_or_else(|| Error::invalid("inbox.status", format!("“{text}” is not a status of a delivery.")))
    }
}

/// A delivery that has just come.
#[derive(Clone, Debug)]
pub struct Received {
    /// By which way: `imap`, `sink`, a provider's name.
    pub source: &'static str,
    /// The mailbox or account it came to.
    pub account: String,
    /// What is the same for every delivery of the same thing.
    pub dedupe_key: String,
    /// Transport headers that matter later (not those of a mail, which are in `raw`).
    pub headers: Value,
    /// The bytes as received.
    pub raw: Vec<u8>,
}

/// A kept delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which.
    pub id: InboxId,
    /// By which way it came.
    pub source: String,
    /// The mailbox or account it came to.
    pub account: String,
    /// What is the same for every delivery of it.
    pub dedupe_key: String,
    /// Transport headers.
    pub headers: Value,
    /// The bytes as received.
    pub raw: Vec<u8>,
    /// When it came.
    pub received_at: Time,
    /// Where it stands.
    pub status: Status,
    /// How often it was tried.
    pub attempts: i32,
    /// What the last try said, if it failed.
    pub error: Option<String>,
    /// When it was done with.
    pub processed_at: Option<Time>,
}

/// Keeps a delivery and starts its processing. None when it was kept before: then nothing changes.
/// Acknowledge only after the transaction is committed. Errors: `inbox.too_large`, `inbox.key`.
pub async fn receive(cx: &mut Cx, received: Received) -> Result<Option<InboxId>> {
    if received.raw.len() > MAX_BYTES {
        return Err(Error::new(
            base::Kind::TooLarge,
            "inbox.too_large",
            format!("A delivery of {} bytes is larger than {MAX_BYTES}.", received.raw.len()),
        ));
    }
    if received.dedupe_key.is_empty() || received.dedupe_key.len() > MAX_KEY {
        return Err(Error::invalid("inbox.key", "A delivery needs a dedupe key of 1 to 1,000 bytes."));
    }
    let source = received.source;
    let account = received.account.clone();
    let Some(id) = store::insert(cx, received).await? else {
        return Ok(None);
    };
    announce(cx, id, source, &account).await?;
    Ok(Some(id))
}

async fn announce(cx: &mut Cx, id: InboxId, source: &str, account: &str) -> Result<()> {
    cx.publish(Fact::about(RECEIVED, id).with(json!({"source": source, "account": account}))).await
}

/// What became of a delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Its effects are in this transaction.
    Processed,
    /// It has no effect; why.
    Ignored(String),
    /// The try failed; with what.
    Failed(String),
}

/// Records what became of a delivery, in the transaction of its effects.
pub async fn mark(cx: &mut Cx, id: InboxId, outcome: &Outcome) -> Result<()> {
    let (status, words) = match outcome {
        Outcome::Processed => (Status::Processed, None),
        Outcome::Ignored(why) => (Status::Ignored, Some(why)),
        Outcome::Failed(error) => (Status::Failed, Some(error)),
    };
    let words: Option<String> = words.map(|text| text.chars().take(MAX_ERROR).collect());
    store::set(cx, id, status, words.as_deref()).await?;
    cx.publish(Fact::about("hooks.inbox.marked", id).with(json!({"status": status.word()}))).await
}

/// What a job made of a delivery, with a failure shown in the raw inbox; the queue tries it again.
pub async fn shown(run: &Run, id: InboxId, came: Result<()>) -> Result<()> {
    if let Err(error) = &came {
        let mut cx = run.begin().await?;
        if claim(&mut cx, id).await?.is_some() {
            mark(&mut cx, id, &Outcome::Failed(error.message().to_owned())).await?;
            cx.commit().await?;
        }
    }
    came
}

/// Starts the processing of a delivery again. Errors: `inbox.processed` when its effects are there
/// already.
pub async fn replay(cx: &mut Cx, id: InboxId) -> Result<()> {
    let delivery = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("delivery"))?;
    if delivery.status == Status::Processed {
        return Err(Error::conflict(
            "inbox.processed",
            "This delivery was processed; doing it again would change nothing.",
        ));
    }
    store::set(cx, id, Status::Received, None).await?;
    announce(cx, id, &delivery.source, &delivery.account).await
}
