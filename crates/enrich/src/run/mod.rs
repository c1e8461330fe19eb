//! A batch of leads on their way through the waterfall, and where each of them stands.

pub mod pages;
mod store;

pub(crate) use store::keep_credit;
pub use store::{
    Counts, Item, Open, Run, cancel, claim_premium, counts, credit, finish, get, items, list, lock, resume,
    start, wait,
};

use serde::{Deserialize, Serialize};

/// Leads that one batch takes.
pub const LEADS_MAX: usize = 10_000;

/// Where a batch stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "enrich.run_state", rename_all = "snake_case")]
pub enum RunState {
    /// Leads are on their way.
    Running,
    /// Every lead has come through.
    Done,
    /// Somebody stopped it.
    Cancelled,
}

impl RunState {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// Where a lead of a batch stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "enrich.item_state", rename_all = "snake_case")]
pub enum ItemState {
    /// On its way.
    Queued,
    /// A service answers later.
    Waiting,
    /// Enriched: address, names and company are there and sure enough.
    Accepted,
    /// It came through and is not.
    Incomplete,
    /// It was not looked up: suppressed, a duplicate, taken out, without credit.
    Skipped,
    /// It could not be carried through.
    Failed,
}

impl ItemState {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Waiting, Self::Accepted, Self::Incomplete, Self::Skipped, Self::Failed];

    /// The word in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Accepted => "accepted",
            Self::Incomplete => "incomplete",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Queued => "On its way",
            Self::Waiting => "Waiting for a service",
            Self::Accepted => "Enriched",
            Self::Incomplete => "Incomplete",
            Self::Skipped => "Skipped",
            Self::Failed => "Failed",
        }
    }

    /// Whether nothing more happens to it.
    pub fn is_over(self) -> bool {
        match self {
            Self::Queued | Self::Waiting => false,
            Self::Accepted | Self::Incomplete | Self::Skipped | Self::Failed => true,
        }
    }
}
