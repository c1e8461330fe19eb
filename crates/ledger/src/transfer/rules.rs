//! What a step needs to know, what it would write, and whether that is the same as what was written.

use super::{Act, Ending, LEGS_MAX, Leg, Part, Purpose, Step, TransferId};
use crate::AccountId;
use base::{Currency, Time};
use std::collections::BTreeMap;

/// What has to be locked and read for some steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub accounts: Vec<AccountId>,
    pub ids: Vec<TransferId>,
    /// Reservations that an earlier call may have made.
    pub pendings: Vec<TransferId>,
}

/// The kinds of legs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Posted,
    Pending,
    Post,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Pending => "pending",
            Self::Post => "post",
        }
    }
}

/// A leg as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub id: TransferId,
    pub leg: i16,
    pub kind: Kind,
    pub purpose: Purpose,
    pub debit: AccountId,
    pub credit: AccountId,
    pub minor: i64,
    pub currency: Currency,
    pub trial: bool,
    pub expires_at: Option<Time>,
    pub pending: Option<TransferId>,
    pub origin: Option<TransferId>,
    pub memo: String,
}

/// The end of a reservation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct End {
    pub pending: TransferId,
    pub by: TransferId,
    pub ending: Ending,
}

pub(super) fn wanted(steps: &[Step]) -> Wanted {
    let mut wanted = Wanted::default();
    for step in steps {
        wanted.ids.push(step.id);
        match &step.act {
            Act::Transfer { legs } => {
                wanted.accounts.extend(legs.iter().flat_map(|leg| [leg.debit, leg.credit]));
            }
            Act::Reserve { from, credit, .. } => {
                wanted.accounts.extend(from);
                wanted.accounts.push(*credit);
            }
            Act::Post { pending, parts } => {
                wanted.accounts.extend(parts.iter().map(|part| part.credit));
                wanted.pendings.push(*pending);
            }
            Act::Void { pending } | Act::Expire { pending } => wanted.pendings.push(*pending),
        }
    }
    wanted.accounts.sort_unstable();
    wanted.accounts.dedup();
    wanted.pendings.sort_unstable();
    wanted.pendings.dedup();
    wanted
}

/// What is wrong with a step that no state of the books could make right.
pub(super) fn malformed(step: &Step) -> Option<&'static str> {
    let counts = |count: usize| (1..=LEGS_MAX).contains(&count);
    match &step.act {
        Act::Transfer { legs } => {
            if !counts(legs.len()) {
                return Some("A transfer has between 1 and 64 legs.");
            }
            if legs.iter().any(|leg| leg.amount.minor <= 0) {
                return Some("Every amount is above zero.");
            }
            legs.iter()
                .any(|leg| leg.debit == leg.credit)
                .then_some("The two sides of a leg are two accounts.")
        }
        Act::Reserve { from, credit, amount, .. } => {
            if !counts(from.len()) {
                return Some("A reservation takes from between 1 and 64 accounts.");
            }
            if amount.minor <= 0 {
                return Some("Every amount is above zero.");
            }
            if (1..from.len()).any(|index| from[..index].contains(&from[index])) {
                return Some("A reservation names each account once.");
            }
            from.contains(credit).then_some("The two sides of a leg are two accounts.")
        }
        Act::Post { parts, .. } => {
            if !counts(parts.len()) {
                return Some("A post has between 1 and 64 parts; to pay nothing, void.");
            }
            parts.iter().any(|part| part.minor <= 0).then_some("Every amount is above zero.")
        }
        Act::Void { .. } | Act::Expire { .. } => None,
    }
}

/// Whether what was written under a step's id is what the step says.
pub(super) fn same(step: &Step, written: &[Entry], end: Option<&End>) -> bool {
    if written.iter().any(|entry| entry.purpose != step.purpose) {
        return false;
    }
    match &step.act {
        Act::Transfer { legs } => {
            end.is_none()
                && legs.len() == written.len()
                && legs.iter().zip(written).all(|(leg, entry)| same_leg(leg, entry))
        }
        Act::Reserve { from, credit, amount, expires_at } => {
            let total: i128 = written.iter().map(|entry| i128::from(entry.minor)).sum();
            end.is_none()
                && !written.is_empty()
                && total == i128::from(amount.minor)
                && written.iter().all(|entry| {
                    entry.kind == Kind::Pending
                        && entry.credit == *credit
                        && entry.currency == amount.currency
                        && entry.expires_at == *expires_at
                        && from.contains(&entry.debit)
                })
        }
        Act::Post { pending, parts } => {
            let posted = |ending: Ending| match ending {
                Ending::Posted { .. } => true,
                Ending::Voided | Ending::Expired => false,
            };
            end.is_some_and(|end| end.pending == *pending && posted(end.ending))
                && shares(parts) == got(written)
        }
        Act::Void { pending } => {
            end.is_some_and(|end| end.pending == *pending && end.ending == Ending::Voided)
        }
        Act::Expire { pending } => {
            end.is_some_and(|end| end.pending == *pending && end.ending == Ending::Expired)
        }
    }
}

fn same_leg(leg: &Leg, entry: &Entry) -> bool {
    entry.kind == Kind::Posted
        && entry.debit == leg.debit
        && entry.credit == leg.credit
        && entry.minor == leg.amount.minor
        && entry.currency == leg.amount.currency
        && entry.origin == leg.origin
        && entry.pending == leg.ends
}

fn shares(parts: &[Part]) -> BTreeMap<AccountId, i128> {
    let mut sums = BTreeMap::new();
    for part in parts {
        *sums.entry(part.credit).or_default() += i128::from(part.minor);
    }
    sums
}

fn got(written: &[Entry]) -> BTreeMap<AccountId, i128> {
    let mut sums = BTreeMap::new();
    for entry in written {
        *sums.entry(entry.credit).or_default() += i128::from(entry.minor);
    }
    sums
}
