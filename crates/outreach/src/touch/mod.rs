//! One step of a sequence for one lead: planned, written, decided, handed off, recorded.
//!
//! The way of a touch: [`plan`] makes it when its enrolment is due and there is capacity; [`write`]
//! drafts it after a dry run of the [`gate`]; an approval is bound to its exact bytes; [`send`] takes as many
//! as a worker holds: it [decides](decide) about them inside the transaction that records the intents, calls
//! the providers with no transaction open, and [records](record) the outcomes. One touch is a batch of one.
//! An outcome that was lost is looked up, never answered by sending again; calls and letters whose provider
//! falls [silent] are asked for.

mod decide;
pub mod gate;
pub mod jobs;
mod load;
mod outcome;
mod plan;
pub(crate) mod record;
mod send;
pub mod silent;
pub(crate) mod store;
mod stranded;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub use gate::{Mode, Skip};
pub(crate) use load::lock;
pub use outcome::{on_decision, resolve_unknown};
pub use plan::plan_due;
pub use send::{Handed, Sender, hand_off, hand_off_all};
pub use store::Held;
pub use write::{Writer, draft};

use base::{Digest, Result};
use serde::{Deserialize, Serialize};

base::id_type!(
    /// A touch.
    TouchId
);

/// The kind of approvals that ask about a draft.
pub const DRAFT: &str = "outreach.draft";
/// The kind of approvals that are tasks: saying yes says that it was done.
pub const TASK: &str = "outreach.task";

/// Where a touch stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "outreach.touch_state", rename_all = "snake_case")]
pub enum State {
    /// Due, not written yet.
    Planned,
    /// Written; nobody was asked yet.
    Written,
    /// A person is asked.
    AwaitingApproval,
    /// May go as soon as the gate lets it.
    Approved,
    /// The gate passed and the hand-off began.
    Sending,
    /// The provider took it.
    Sent,
    /// The hand-off's outcome was lost and cannot be looked up.
    Unknown,
    /// The provider refused it for good.
    Failed,
    /// The gate refused it for good.
    Skipped,
    /// A person or an effect withdrew it.
    Cancelled,
}

/// Exactly what leaves for a prospect, over whichever channel: what the approval shows and what its digest
/// is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Content {
    /// The recipient's address: mailbox, number, profile, postal address.
    pub to: String,
    /// The sender as printed: name and address.
    pub from: String,
    /// The subject; of a postcard its headline; empty where there is none.
    pub subject: String,
    /// The whole text: greeting to postal address and opt-out; of a call its four parts.
    pub body: String,
}

impl Content {
    /// The digest that approvals are bound to.
    pub fn digest(&self) -> Result<Digest> {
        Digest::of_json(self)
    }
}
