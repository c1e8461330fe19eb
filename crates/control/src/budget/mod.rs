//! Money limits and the ledger of every metered unit: reserve before the call, settle after it.
//!
//! A call reserves its estimate on every budget that covers it, or on none. A budget that cannot be
//! read says no. What a call really cost is settled in place of the reservation; a call that costs
//! more than five times its estimate stops its agent.

pub mod api;
mod cap;
pub mod jobs;
mod ledger;
pub mod pages;
mod reserve;
mod store;
mod words;

#[cfg(test)]
mod tests;

pub use cap::{Budget, Use, budgets, end, set};
pub(crate) use cap::{SpentToday, header};
pub use ledger::{Group, Line, SpendFilter, SpendRow, Spent, grouped, rows};
pub use reserve::{reconcile, release, reserve, settle};
pub use words::{Period, RUNAWAY_FACTOR, Scope, State};

use base::Micros;
use uuid::Uuid;

base::id_type!(
    /// One budget.
    BudgetId
);
base::id_type!(
    /// One metered call, from its reservation to its end.
    SpendId
);

/// What a call is expected to use.
#[derive(Clone, Debug)]
pub struct Estimate<'a> {
    /// The agent that acts.
    pub agent: &'a str,
    /// What for: `outreach.write`.
    pub task: &'a str,
    /// The outside service that is called.
    pub provider: &'a str,
    /// The model, where there is one.
    pub model: Option<&'a str>,
    /// What is metered: `tokens`, `mails`, `lookups`.
    pub unit: &'a str,
    /// How many.
    pub units: i64,
    /// What they cost at most, in millionths of an Australian dollar.
    pub micros: Micros,
    /// The campaign for which it happens.
    pub campaign: Option<Uuid>,
    /// The lead whom it concerns.
    pub lead: Option<Uuid>,
}

/// Money that is set aside for one call. Settle or release it; what is forgotten is settled at its
/// estimate by the reconciler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "settle or release it"]
pub struct Reservation {
    /// The ledger's row.
    pub id: SpendId,
    /// What is set aside.
    pub micros: Micros,
}

/// How a settled call came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settled {
    /// Within what was to be expected.
    AsExpected,
    /// More than five times the estimate: the agent's switch is engaged.
    Runaway,
    /// It had ended before; nothing was changed.
    Already,
}
