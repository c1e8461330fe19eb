//! Giving a charge back, in whole or in part: every share is reversed in proportion, to where it came
//! from. Trial credit returns as trial credit.

use crate::transfer::{Capture, hold_captures};
use crate::{Act, Chart, Leg, Outcome, Purpose, Step, TransferId, apply, split};
use base::{Error, Money, Result};
use db::Cx;

/// A refund.
#[derive(Clone, Debug)]
pub struct Refund {
    /// The caller's id: repeating it changes nothing.
    pub id: TransferId,
    /// The step that captured: a post, or a transfer.
    pub capture: TransferId,
    /// How much.
    pub amount: Money,
    /// A note.
    pub memo: String,
}

/// What is still there of a captured charge.
#[derive(Clone, Debug)]
pub(crate) struct Remaining {
    /// The legs of the charge with what of each was not corrected yet.
    pub legs: Vec<(Capture, i64)>,
    /// The dispute that freezes a part of it now.
    pub open_dispute: Option<TransferId>,
    /// Whether a dispute was lost.
    pub lost: bool,
}

impl Remaining {
    pub fn total(&self) -> i64 {
        self.legs.iter().map(|(_, minor)| minor).sum()
    }

    /// Divides `minor` over the legs in proportion to what remains of each; never more than remains.
    pub fn divide(&self, minor: i64) -> Result<Vec<(&Capture, i64)>> {
        let weights: Vec<u64> = self.legs.iter().map(|(_, left)| u64::try_from(*left).unwrap_or(0)).collect();
        let parts = split::by_weight(minor, &weights)?;
        Ok(self
            .legs
            .iter()
            .zip(parts)
            .filter(|(_, part)| *part > 0)
            .map(|((leg, _), part)| (leg, part))
            .collect())
    }
}

/// Reads what remains of a capture out of its legs and its corrections.
pub(crate) fn remaining(capture: TransferId, rows: &[Capture]) -> Result<Remaining> {
    let mut legs: Vec<(Capture, i64)> = rows
        .iter()
        .filter(|row| row.id == capture && row.kind != crate::transfer::Kind::Pending)
        .map(|row| (row.clone(), row.minor))
        .collect();
    if legs.is_empty() {
        return Err(Error::conflict(
            "ledger_not_captured",
            "This reservation was not paid, so there is nothing to give back.",
        ));
    }
    // Not by their order: what happens at one instant has none. A dispute that was won took nothing.
    let end_of =
        |dispute: TransferId| rows.iter().find(|row| row.ends == Some(dispute)).map(|row| row.purpose);
    let (mut open_dispute, mut lost) = (None, false);
    for row in rows.iter().filter(|row| row.origin == Some(capture)) {
        let reverses = match row.purpose {
            Purpose::Refund => true,
            Purpose::DisputeOpen => match end_of(row.id) {
                None => {
                    open_dispute = Some(row.id);
                    true
                }
                Some(end) => end != Purpose::DisputeWon,
            },
            Purpose::DisputeLost => {
                lost = true;
                false
            }
            Purpose::DisputeWon
            | Purpose::TopUp
            | Purpose::TrialGrant
            | Purpose::TrialEnd
            | Purpose::Charge
            | Purpose::Payout
            | Purpose::Exchange
            | Purpose::Advance
            | Purpose::Repayment
            | Purpose::Fee
            | Purpose::Tax
            | Purpose::Correction => false,
        };
        // A reversal debits the account that the charge credited; a refund credits the one that paid.
        let payer = |leg: &Capture| row.purpose != Purpose::Refund || leg.debit == row.credit;
        // What was spent of a disputed top-up is frozen at the platform's cost.
        let earner = |leg: &Capture| leg.credit == row.debit || row.debit_chart == Chart::ChargebackLoss;
        let concerned = |leg: &Capture| earner(leg) && leg.trial == row.trial && payer(leg);
        let mut left = if reverses { row.minor } else { 0 };
        for (_, remains) in legs.iter_mut().filter(|(leg, _)| concerned(leg)) {
            let part = left.min(*remains);
            *remains -= part;
            left -= part;
        }
    }
    Ok(Remaining { legs, open_dispute, lost })
}

/// Gives back. The developer's and the platform's shares are reversed in proportion to what remains of
/// them; a developer may fall below zero. Errors: `ledger_refund_exceeds` for more than remains,
/// `ledger_disputed` while a dispute is open, `ledger_refund_after_dispute` once one was lost (the payer
/// has the money already), `ledger_id_conflict`, `ledger_not_captured`.
pub async fn refund(cx: &mut Cx, refund: &Refund) -> Result<Outcome> {
    let rows = hold_captures(cx, &[refund.capture]).await?;
    let written: Vec<&Capture> = rows.iter().filter(|row| row.id == refund.id).collect();
    if !written.is_empty() {
        let total: i64 = written.iter().map(|row| row.minor).sum();
        let same = total == refund.amount.minor
            && written
                .iter()
                .all(|row| row.currency == refund.amount.currency && row.purpose == Purpose::Refund);
        if same {
            return Ok(Outcome::Exists);
        }
        Outcome::IdConflict.ok()?;
    }
    let remaining = remaining(refund.capture, &rows)?;
    if remaining.lost {
        return Err(Error::refused(
            "ledger_refund_after_dispute",
            "A dispute about this charge was lost: the payer has the money already.",
        ));
    }
    if remaining.open_dispute.is_some() {
        return Err(Error::refused(
            "ledger_disputed",
            "A dispute about this charge is open. Wait until it ends.",
        ));
    }
    if refund.amount.minor <= 0 {
        return Err(Error::invalid("ledger_malformed", "Every amount is above zero."));
    }
    if refund.amount.minor > remaining.total() {
        return Err(Error::refused(
            "ledger_refund_exceeds",
            format!("Only {} minor units of this charge remain.", remaining.total()),
        ));
    }
    let legs = remaining
        .divide(refund.amount.minor)?
        .into_iter()
        .map(|(leg, minor)| Leg {
            debit: leg.credit,
            credit: leg.debit,
            amount: Money { minor, currency: refund.amount.currency },
            origin: Some(refund.capture),
            ends: None,
            trial: leg.trial,
        })
        .collect();
    let step = Step::new(refund.id, Purpose::Refund, Act::Transfer { legs }).noted(refund.memo.as_str());
    one(apply(cx, &[step]).await?)
}

/// The outcome of a single step, as an error when it was refused.
pub(crate) fn one(outcomes: Vec<Outcome>) -> Result<Outcome> {
    let outcome = outcomes.first().copied().ok_or_else(|| Error::internal("A step without an outcome."))?;
    outcome.ok()?;
    Ok(outcome)
}
