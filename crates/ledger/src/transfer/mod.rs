//! Transfers: the steps that a caller asks for, what becomes of each, and the one verb that writes them.

mod book;
mod rules;
mod session;
mod store;

pub use session::{Session, session};

use crate::AccountId;
use base::{Error, Money, Result, Time};
use db::{Cx, Scope};
use std::collections::BTreeMap;

base::id_type!(
    /// The id of a step, made by its caller. The same id with the same content is the same step.
    TransferId
);

impl TransferId {
    /// An id that follows from this one and a word: for steps that belong to another step, so that
    /// repeating that one repeats these.
    pub fn derived(self, word: &str) -> Self {
        Self(crate::account::uuid_of(&format!("transfer:{self}:{word}")))
    }
}

/// Steps of one call at most.
pub const STEPS_MAX: usize = 4_096;
/// Legs, sources or parts of one step at most.
pub const LEGS_MAX: usize = 64;

/// Why money moves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// Money came in and became credit.
    TopUp,
    /// Trial credit was given.
    TrialGrant,
    /// Trial credit ended unused.
    TrialEnd,
    /// Something was bought.
    Charge,
    /// A charge was given back.
    Refund,
    /// A dispute froze a charge.
    DisputeOpen,
    /// A dispute was won: the frozen amount returned.
    DisputeWon,
    /// A dispute was lost: the frozen amount went back to the payer.
    DisputeLost,
    /// A developer was paid out.
    Payout,
    /// One currency was exchanged for another.
    Exchange,
    /// A developer got an advance.
    Advance,
    /// An advance was paid back.
    Repayment,
    /// A provider's fee.
    Fee,
    /// Tax.
    Tax,
    /// A person corrected the books.
    Correction,
}

/// One step of [`apply`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The caller's id: repeating it with the same content changes nothing.
    pub id: TransferId,
    /// Why.
    pub purpose: Purpose,
    /// A note for people; not part of what makes two steps the same.
    pub memo: String,
    /// Shares the fate of the step after it: all linked steps happen, or none.
    pub linked: bool,
    /// What to do.
    pub act: Act,
}

/// What a step does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Moves money at once; all legs or none.
    Transfer {
        /// At least one. Legs of two currencies make an exchange; a leg itself has one.
        legs: Vec<Leg>,
    },
    /// Sets money aside. Never takes an account below zero, also not one that corrections may.
    Reserve {
        /// From where, in this order: the first is used up before the second is touched.
        from: Vec<AccountId>,
        /// For whom. A post may name others; an account of the platform here spares everybody a lock.
        credit: AccountId,
        /// How much.
        amount: Money,
        /// From when on it cannot be posted any more and will be given back; none: it waits.
        expires_at: Option<Time>,
    },
    /// Ends a reservation by paying, at most what is reserved. The rest returns at once.
    Post {
        /// The step that reserved.
        pending: TransferId,
        /// Who gets what.
        parts: Vec<Part>,
    },
    /// Ends a reservation by giving it back.
    Void {
        /// The step that reserved.
        pending: TransferId,
    },
    /// Ends a reservation whose time is over.
    Expire {
        /// The step that reserved.
        pending: TransferId,
    },
}

/// A debit and a credit of one amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leg {
    /// From.
    pub debit: AccountId,
    /// To.
    pub credit: AccountId,
    /// Above zero, in the currency of both accounts.
    pub amount: Money,
    /// The capture that this corrects.
    pub origin: Option<TransferId>,
    /// The dispute that this ends.
    pub ends: Option<TransferId>,
    /// Whether it is trial credit though neither account says so (a frozen part of a trial charge).
    pub trial: bool,
}

impl Leg {
    /// A leg that corrects nothing.
    pub fn new(debit: AccountId, credit: AccountId, amount: Money) -> Self {
        Self { debit, credit, amount, origin: None, ends: None, trial: false }
    }
}

/// What one account gets of a post.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Who.
    pub credit: AccountId,
    /// How much, above zero, in minor units of the reservation's currency.
    pub minor: i64,
}

impl Step {
    /// A step that stands alone.
    pub fn new(id: TransferId, purpose: Purpose, act: Act) -> Self {
        Self { id, purpose, memo: String::new(), linked: false, act }
    }

    /// With a note.
    #[must_use]
    pub fn noted(mut self, memo: impl Into<String>) -> Self {
        self.memo = memo.into();
        self
    }
}

/// Links steps: all of them happen, or none.
pub fn linked(mut steps: Vec<Step>) -> Vec<Step> {
    let last = steps.len().saturating_sub(1);
    for (index, step) in steps.iter_mut().enumerate() {
        step.linked = index < last;
    }
    steps
}

/// How a reservation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Paid: this many minor units; the rest returned.
    Posted {
        /// Minor units.
        minor: i64,
    },
    /// Given back.
    Voided,
    /// Given back because its time was over.
    Expired,
}

/// What became of a step. Only `Done` wrote anything; what was refused leaves no trace, so that the same
/// step may be tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is written.
    Done,
    /// It was written before, with the same content.
    Exists,
    /// The id was used for something else.
    IdConflict,
    /// An account does not hold enough.
    InsufficientFunds {
        /// The (last) account.
        account: AccountId,
        /// What could be taken, of all sources together, in minor units.
        available: i64,
    },
    /// The reservation had ended.
    AlreadyResolved {
        /// How: what the first attempt was told.
        ending: Ending,
        /// By which step.
        by: TransferId,
    },
    /// The reservation's time is over.
    Expired {
        /// Since when.
        expires_at: Time,
    },
    /// The reservation's time is not over, or never is.
    NotDue {
        /// When it will be.
        expires_at: Option<Time>,
    },
    /// There is no such account, or not for this caller.
    UnknownAccount {
        /// Which.
        account: AccountId,
    },
    /// There is no such reservation, or not for this caller.
    UnknownPending {
        /// Which.
        pending: TransferId,
    },
    /// The amount and its two accounts are not in one currency.
    CurrencyMismatch {
        /// The account in another one.
        account: AccountId,
    },
    /// More than was reserved.
    ExceedsReservation {
        /// What is, in minor units.
        reserved: i64,
    },
    /// No money may go this way: trial credit to cash.
    NotAllowed {
        /// From.
        debit: AccountId,
        /// To.
        credit: AccountId,
    },
    /// A figure of the account would pass what 64 bits hold.
    Overflow {
        /// Which.
        account: AccountId,
    },
    /// The step makes no sense; the text says why.
    Malformed(&'static str),
    /// A step that it is linked to was refused.
    LinkedFailed {
        /// The index of that step in the call.
        step: usize,
    },
}

impl Outcome {
    /// Whether the step is written, now or before.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Done | Self::Exists)
    }

    /// The outcome as an error with a stable code, unless the step is written.
    pub fn ok(self) -> Result<()> {
        let (code, message) = match self {
            Self::Done | Self::Exists => return Ok(()),
            Self::IdConflict => {
                return Err(Error::conflict(
                    "ledger_id_conflict",
                    "This id was used for another transfer. Use a fresh one.",
                ));
            }
            Self::AlreadyResolved { ending, .. } => {
                let how = match ending {
                    Ending::Posted { .. } => "paid",
                    Ending::Voided => "given back",
                    Ending::Expired => "given back when its time was over",
                };
                return Err(Error::conflict(
                    "ledger_already_resolved",
                    format!("This reservation was already {how}."),
                ));
            }
            Self::UnknownAccount { .. } => return Err(Error::not_found("account")),
            Self::UnknownPending { .. } => return Err(Error::not_found("reservation")),
            Self::InsufficientFunds { available, .. } => (
                "insufficient_funds",
                format!(
                    "The account holds {available} minor units that are not reserved, which is not enough. Add credit or ask for less."
                ),
            ),
            Self::Expired { expires_at } => {
                ("ledger_expired", format!("The reservation's time was over at {expires_at}. Reserve again."))
            }
            Self::NotDue { .. } => ("ledger_not_due", "The reservation's time is not over.".to_owned()),
            Self::CurrencyMismatch { .. } => (
                "ledger_currency_mismatch",
                "The amount and both accounts must be in one currency. Exchange first.".to_owned(),
            ),
            Self::ExceedsReservation { reserved } => {
                ("ledger_exceeds_reservation", format!("Only {reserved} minor units are reserved."))
            }
            Self::NotAllowed { .. } => {
                ("ledger_not_allowed", "Trial credit pays for work only; it never becomes cash.".to_owned())
            }
            Self::Overflow { .. } => {
                ("ledger_overflow", "The amount is larger than an account can count.".to_owned())
            }
            Self::Malformed(why) => return Err(Error::invalid("ledger_malformed", why)),
            Self::LinkedFailed { step } => {
                ("ledger_linked_failed", format!("Step {step}, which this one depends on, was refused."))
            }
        };
        Err(Error::refused(code, message))
    }
}

/// Applies steps in their order and says what became of each. Three statements whatever their number:
/// lock the balances in the order of their ids, read what is there, write. Refused steps do not stop the
/// others, unless they are linked. Keep the transaction short: others on the same balances wait.
///
/// In the scope of a tenant, steps take from its own accounts and the platform's only; what corrects a
/// charge may post against any developer.
///
/// Errors: `ledger_batch` for more than [`STEPS_MAX`] steps; `ledger_race` (transient) when the same id is
/// written by another transaction at this moment.
pub async fn apply(cx: &mut Cx, steps: &[Step]) -> Result<Vec<Outcome>> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    if steps.len() > STEPS_MAX {
        return Err(Error::invalid("ledger_batch", format!("At most {STEPS_MAX} steps at once.")));
    }
    let tenant = match cx.scope() {
        Scope::Tenant(tenant) => Some(tenant),
        Scope::System => None,
    };
    let wanted = rules::wanted(steps);
    let accounts = store::hold(cx, &wanted).await?;
    let seen = store::seen(cx, &wanted).await?;
    // Asked once the locks are held: whoever waited decides by the time at which it may.
    let now = cx.clock().now();
    let mut book = book::Book::new(tenant, now, accounts, seen);
    let outcomes = book.decide(steps);
    store::write(cx, &book.changes(), now).await?;
    Ok(outcomes)
}

/// Applies steps of which none may be refused; the first refusal is the error, and nothing of this
/// transaction should be kept then.
pub async fn apply_all(cx: &mut Cx, steps: &[Step]) -> Result<Vec<Outcome>> {
    let outcomes = apply(cx, steps).await?;
    // The cause goes before what it dragged along.
    let refused = |outcome: &&Outcome| !outcome.is_ok() && !matches!(outcome, Outcome::LinkedFailed { .. });
    if let Some(outcome) = outcomes.iter().find(refused) {
        outcome.ok()?;
    }
    Ok(outcomes)
}

pub(crate) use rules::Kind;
pub(crate) use store::{Capture, hold_captures};

/// What a locked account holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Funds {
    /// What may be taken, in minor units.
    pub available: i64,
    /// Whether taking more is refused.
    pub is_limited: bool,
}

/// Locks the balances of accounts ahead of a decision that reads more than figures.
pub(crate) async fn lock(cx: &mut Cx, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Funds>> {
    let wanted = rules::Wanted { accounts: accounts.to_vec(), ..rules::Wanted::default() };
    let held = store::hold(cx, &wanted).await?;
    let funds = |held: book::Held| Funds {
        available: held.figures.available(held.chart.side()),
        is_limited: held.chart.limits_debits() || held.chart.limits_credits(),
    };
    Ok(held.into_iter().map(|(id, held)| (id, funds(held))).collect())
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 15] = [
        Self::TopUp,
        Self::TrialGrant,
        Self::TrialEnd,
        Self::Charge,
        Self::Refund,
        Self::DisputeOpen,
        Self::DisputeWon,
        Self::DisputeLost,
        Self::Payout,
        Self::Exchange,
        Self::Advance,
        Self::Repayment,
        Self::Fee,
        Self::Tax,
        Self::Correction,
    ];

    /// The name in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::TrialGrant => "trial_grant",
            Self::TrialEnd => "trial_end",
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::DisputeOpen => "dispute_open",
            Self::DisputeWon => "dispute_won",
            Self::DisputeLost => "dispute_lost",
            Self::Payout => "payout",
            Self::Exchange => "exchange",
            Self::Advance => "advance",
            Self::Repayment => "repayment",
            Self::Fee => "fee",
            Self::Tax => "tax",
            Self::Correction => "correction",
        }
    }

    pub(crate) fn named(word: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.word() == word)
            .ok_or_else(|| Error::internal(format!("The database names an unknown purpose “{word}”.")))
    }
}
