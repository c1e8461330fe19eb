//! Looking after what is open, and comparing what we have with what the rails and the books say.
//!
//! A run compares the payments, refunds and payouts of one rail that began within a span of time: with
//! what the rail says about each, with everything that the rail lists where it can list, and with the
//! books. What is still open is asked again first. Each disagreement is a [`Difference`]; the next run
//! that finds agreement resolves it, or a person does, saying what was done. Nothing is ever booked
//! because of a difference but what the ways of payments, refunds and payouts book themselves.

pub mod agreement;
mod books;
pub(crate) mod jobs;
pub(crate) mod pages;
mod run;
mod store;
mod sweep;
#[cfg(test)]
mod tests;

pub use store::{counts, differences, runs};

use crate::payment::PaymentId;
use crate::rail::Rail;
use base::{Error, Result, Time};
use db::Cx;

base::id_type!(
    /// A comparison with a rail.
    RunId
);

base::id_type!(
    /// A disagreement.
    DifferenceId
);

/// How far a comparison is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, sqlx::Type)]
#[sqlx(type_name = "pay.reconciliation_status", rename_all = "snake_case")]
pub enum Status {
    /// At work.
    Running,
    /// Everything was compared.
    Done,
    /// Something could not be asked.
    Failed,
}

impl Status {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Failed => "Not complete",
        }
    }
}

/// A comparison.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which.
    pub id: RunId,
    /// With which rail.
    pub rail: Rail,
    /// Of what began from here on.
    pub since: Time,
    /// And before this.
    pub until: Time,
    /// How far it is.
    pub status: Status,
    /// Payments, refunds and payouts that were compared.
    pub compared: i32,
    /// Those about which the rail gave no answer.
    pub unasked: i32,
    /// Whether the rail listed what it has, so that what is missing here was looked for.
    pub listed: bool,
    /// Differences that it saw and that are open.
    pub open: i64,
    /// Why it is not complete.
    pub reason: Option<String>,
    /// Who asked, as `kind:name`.
    pub created_by: String,
    /// Since when.
    pub started_at: Time,
    /// Until when.
    pub ended_at: Option<Time>,
}

/// In what two sides disagree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, sqlx::Type)]
#[sqlx(type_name = "pay.difference_kind", rename_all = "snake_case")]
pub enum Kind {
    /// We have it, the rail does not.
    MissingAtRail,
    /// The rail has it, we do not.
    MissingHere,
    /// Another amount.
    Amount,
    /// Another state.
    Status,
    /// The books say another amount than the payment, refund or payout.
    Books,
}

impl Kind {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::MissingAtRail => "Missing at the rail",
            Self::MissingHere => "Missing here",
            Self::Amount => "Another amount",
            Self::Status => "Another state",
            Self::Books => "Another amount in the books",
        }
    }
}

/// What a difference is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, sqlx::Type)]
#[sqlx(type_name = "pay.difference_about", rename_all = "snake_case")]
pub enum About {
    /// A payment.
    Payment,
    /// A refund.
    Refund,
    /// A payout.
    Payout,
}

impl About {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Payment => "Payment",
            Self::Refund => "Refund",
            Self::Payout => "Payout",
        }
    }
}

/// Whether somebody still has to look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, sqlx::Type)]
#[sqlx(type_name = "pay.difference_state", rename_all = "snake_case")]
pub enum State {
    /// Yes.
    Open,
    /// No.
    Resolved,
}

/// A disagreement.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Which.
    pub id: DifferenceId,
    /// With which rail.
    pub rail: Rail,
    /// In what.
    pub kind: Kind,
    /// About what.
    pub about: About,
    /// Our id of it; the rail's name of what is missing here.
    pub subject: String,
    /// The payment to look at.
    pub payment_id: Option<PaymentId>,
    /// What we say.
    pub ours: String,
    /// What the other side says.
    pub theirs: String,
    /// Whether somebody still has to look.
    pub state: State,
    /// What was done about it.
    pub done: String,
    /// When it was first seen.
    pub first_seen_at: Time,
    /// When it was last seen.
    pub seen_at: Time,
}

/// Begins a comparison with each rail that the tenant uses, of what began within the last `hours` hours.
///
/// # Errors
/// What the database says.
pub async fn begin(cx: &mut Cx, hours: i64) -> Result<usize> {
    let (until, mut rails) = (cx.now(), crate::account::set_up(cx).await?);
    rails.insert(0, Rail::Ledger);
    for rail in &rails {
        jobs::compare(cx, *rail, until.plus_s(-hours * 3_600), until).await?;
    }
    Ok(rails.len())
}

/// A person says that a difference needs no more looking at, and what was done.
///
/// # Errors
/// Not found, or resolved already; invalid without words.
pub async fn resolve(cx: &mut Cx, id: DifferenceId, done: &str) -> Result<()> {
    let done = done.trim();
    if !(3..=500).contains(&done.chars().count()) {
        return Err(Error::invalid("difference.done", "Say in 3 to 500 characters what was done."));
    }
    if store::resolve(cx, id, done).await? {
        return Ok(());
    }
    Err(Error::not_found("open difference"))
}
