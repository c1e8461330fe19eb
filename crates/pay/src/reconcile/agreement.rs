//! Whether we and a rail say the same about one thing. Pure.

use super::Kind;
use crate::payment::Payment;
use crate::payout::{self, Payout};
use crate::refund::{self, Refund};
use base::Money;
use ports::rail::{Found, Stage, Status as Said};

/// A disagreement about one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// In what.
    pub kind: Kind,
    /// What we say.
    pub ours: String,
    /// What the rail says.
    pub theirs: String,
}

impl Verdict {
    pub(super) fn new(kind: Kind, ours: impl Into<String>, theirs: impl Into<String>) -> Self {
        Self { kind, ours: ours.into(), theirs: theirs.into() }
    }
}

/// A payment that has ended here. None: they agree.
pub fn payment(ours: &Payment, found: &Found) -> Option<Verdict> {
    let captured = Money { minor: ours.captured_minor, currency: ours.currency };
    let taken = ours.captured_minor > 0;
    let here =
        if taken { format!("{captured} taken") } else { format!("{}, nothing taken", ours.status.word()) };
    match found {
        Found::Payment(word) => match (&word.status, taken) {
            (Said::Captured, true) if word.captured == captured => None,
            (Said::Captured, true) => {
                Some(Verdict::new(Kind::Amount, here, format!("{} taken", word.captured)))
            }
            (Said::Captured, false) => {
                Some(Verdict::new(Kind::Status, here, format!("{} taken", word.captured)))
            }
            (Said::Failed { .. } | Said::Voided, false) => None,
            (Said::Failed { .. } | Said::Voided, true) => {
                Some(Verdict::new(Kind::Status, here, "nothing taken"))
            }
            (Said::Pending | Said::Authorised | Said::ActionNeeded(_), true) => {
                Some(Verdict::new(Kind::Status, here, "not finished"))
            }
            (Said::Pending | Said::Authorised | Said::ActionNeeded(_), false) => {
                Some(Verdict::new(Kind::Status, here, "may still be paid"))
            }
        },
        Found::NotSeen { .. } if taken => Some(Verdict::new(Kind::MissingAtRail, here, "no such payment")),
        Found::NotSeen { .. } => None,
        Found::Refund(_) | Found::Payout(_) => Some(Verdict::new(Kind::Status, here, "something else")),
    }
}

/// A refund that has ended here. None: they agree.
pub fn refund(ours: &Refund, found: &Found) -> Option<Verdict> {
    let given = ours.status == refund::Status::Succeeded;
    let theirs = match found {
        Found::Refund(word) => Some((&word.stage, word.amount)),
        Found::NotSeen { .. } => None,
        Found::Payment(_) | Found::Payout(_) => {
            return Some(Verdict::new(Kind::Status, ours.status.word(), "something else"));
        }
    };
    moved(given, ours.amount(), ours.status.word(), theirs)
}

/// A payout that has ended here. None: they agree.
pub fn payout(ours: &Payout, found: &Found) -> Option<Verdict> {
    let paid = ours.status == payout::Status::Succeeded;
    let theirs = match found {
        Found::Payout(word) => Some((&word.stage, word.amount)),
        Found::NotSeen { .. } => None,
        Found::Payment(_) | Found::Refund(_) => {
            return Some(Verdict::new(Kind::Status, ours.status.word(), "something else"));
        }
    };
    moved(paid, ours.amount(), ours.status.word(), theirs)
}

/// Money that went from us to somebody.
fn moved(here: bool, amount: Money, status: &str, there: Option<(&Stage, Money)>) -> Option<Verdict> {
    let ours = format!("{amount} {status}");
    match (here, there) {
        (true, Some((Stage::Succeeded, theirs))) if theirs == amount => None,
        (true, Some((Stage::Succeeded, theirs))) => {
            Some(Verdict::new(Kind::Amount, ours, theirs.to_string()))
        }
        (true, Some((Stage::Pending, _))) => Some(Verdict::new(Kind::Status, ours, "not finished")),
        (true, Some((Stage::Failed { message }, _))) => {
            Some(Verdict::new(Kind::Status, ours, format!("failed: {message}")))
        }
        (true, None) => Some(Verdict::new(Kind::MissingAtRail, ours, "nothing of it")),
        (false, Some((Stage::Succeeded, theirs))) => {
            Some(Verdict::new(Kind::Status, ours, format!("{theirs} moved")))
        }
        (false, Some((Stage::Pending, _))) => Some(Verdict::new(Kind::Status, ours, "may still move")),
        (false, Some((Stage::Failed { .. }, _)) | None) => None,
    }
}
