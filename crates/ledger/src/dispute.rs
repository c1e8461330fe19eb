//! Disputes: a payer's bank asks for a charge back. While the dispute is open its amount is frozen; when it
//! is won everything returns, when it is lost the payer gets it and the platform books its loss.

use crate::account::Key;
use crate::refund::{one, remaining};
use crate::transfer::{Capture, hold_captures};
use crate::{AccountId, Act, Chart, Leg, Outcome, Purpose, Step, TransferId, apply};
use base::{Error, Money, Result};
use db::Cx;

/// A dispute as it begins.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The caller's id of the dispute: opening it twice changes nothing.
    pub id: TransferId,
    /// The step that captured the charge.
    pub capture: TransferId,
    /// How much of it is disputed.
    pub amount: Money,
}

/// How a dispute ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The charge stands.
    Won,
    /// The payer gets the amount.
    Lost {
        /// What the provider charges for the dispute, in minor units.
        fee_minor: i64,
        /// Who bears the developer's share.
        borne_by: Bearer,
    },
}

/// Who bears the developer's share of a lost dispute. The platform always bears its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bearer {
    /// The developer, whose balance may fall below zero.
    Developer,
    /// The platform.
    Platform,
}

/// Freezes the disputed amount: the developer's and the platform's shares move to `dispute_hold` in
/// proportion. Errors: `ledger_disputed` when another dispute about the charge is open,
/// `ledger_refund_exceeds` for more than remains of the charge.
pub async fn open(cx: &mut Cx, opened: &Opened) -> Result<Outcome> {
    let rows = hold_captures(cx, &[opened.capture]).await?;
    let written: Vec<&Capture> = rows.iter().filter(|row| row.id == opened.id).collect();
    if !written.is_empty() {
        let total: i64 = written.iter().map(|row| row.minor).sum();
        if total == opened.amount.minor && written.iter().all(|row| row.purpose == Purpose::DisputeOpen) {
            return Ok(Outcome::Exists);
        }
        Outcome::IdConflict.ok()?;
    }
    let remaining = remaining(opened.capture, &rows)?;
    if remaining.open_dispute.is_some() {
        return Err(Error::conflict("ledger_disputed", "Another dispute about this charge is open."));
    }
    if opened.amount.minor <= 0 {
        return Err(Error::invalid("ledger_malformed", "Every amount is above zero."));
    }
    if opened.amount.minor > remaining.total() {
        return Err(Error::refused(
            "ledger_refund_exceeds",
            format!("Only {} minor units of this charge remain.", remaining.total()),
        ));
    }
    let hold = Key::platform(Chart::DisputeHold, opened.amount.currency)?.id();
    let legs = remaining
        .divide(opened.amount.minor)?
        .into_iter()
        .map(|(leg, minor)| Leg {
            debit: leg.credit,
            credit: hold,
            amount: Money { minor, currency: opened.amount.currency },
            origin: Some(opened.capture),
            ends: None,
            trial: leg.trial,
        })
        .collect();
    one(apply(cx, &[Step::new(opened.id, Purpose::DisputeOpen, Act::Transfer { legs })]).await?)
}

/// Ends a dispute, once. `id` is the caller's id of the end. Ending it the same way again answers `Exists`;
/// another way: `ledger_dispute_ended`. Errors: `not_found` when `dispute` is not a dispute of `capture`.
pub async fn end(
    cx: &mut Cx,
    id: TransferId,
    capture: TransferId,
    dispute: TransferId,
    verdict: Verdict,
) -> Result<Outcome> {
    let rows = hold_captures(cx, &[capture]).await?;
    let frozen: Vec<&Capture> =
        rows.iter().filter(|row| row.id == dispute && row.purpose == Purpose::DisputeOpen).collect();
    if frozen.is_empty() {
        return Err(Error::not_found("dispute"));
    }
    let written = rows.iter().find(|row| row.id == id);
    let (purpose, legs) = match verdict {
        Verdict::Won => (Purpose::DisputeWon, won(&frozen, capture)),
        Verdict::Lost { fee_minor, borne_by } => {
            (Purpose::DisputeLost, lost(&rows, &frozen, capture, fee_minor, borne_by)?)
        }
    };
    if written.is_none() && remaining(capture, &rows)?.open_dispute != Some(dispute) {
        return Err(Error::conflict("ledger_dispute_ended", "This dispute has ended."));
    }
    one(apply(cx, &[Step::new(id, purpose, Act::Transfer { legs })]).await?)
}

fn won(frozen: &[&Capture], capture: TransferId) -> Vec<Leg> {
    let back = |row: &&Capture| Leg {
        debit: row.credit,
        credit: row.debit,
        amount: Money { minor: row.minor, currency: row.currency },
        origin: Some(capture),
        ends: Some(row.id),
        trial: row.trial,
    };
    frozen.iter().map(back).collect()
}

/// The frozen amount goes to where the charge came from. The platform's share stays its income and is its
/// loss, so that both can be seen; so is the developer's when the platform bears it.
fn lost(
    rows: &[Capture],
    frozen: &[&Capture],
    capture: TransferId,
    fee_minor: i64,
    borne_by: Bearer,
) -> Result<Vec<Leg>> {
    let mut legs = Vec::new();
    let Some(first) = rows.iter().find(|row| row.id == capture) else {
        return Err(Error::not_found("charge"));
    };
    let currency = first.currency;
    let loss = Key::platform(Chart::ChargebackLoss, currency)?.id();
    let fee_income = Key::platform(Chart::PlatformFee, currency)?.id();
    for row in frozen {
        let payer = rows
            .iter()
            .find(|leg| leg.id == capture && leg.credit == row.debit && leg.trial == row.trial)
            .ok_or_else(|| Error::internal("A frozen share is of no leg of its charge."))?
            .debit;
        let leg = |debit: AccountId, credit: AccountId| Leg {
            debit,
            credit,
            amount: Money { minor: row.minor, currency },
            origin: Some(capture),
            ends: Some(row.id),
            trial: row.trial,
        };
        legs.push(leg(row.credit, payer));
        if row.debit == fee_income || borne_by == Bearer::Platform {
            legs.push(leg(loss, row.debit));
        }
    }
    if fee_minor > 0 {
        let psp = rows
            .iter()
            .filter(|row| row.id == capture)
            .find(|row| match row.debit_chart {
                Chart::PspStripe | Chart::PspCashfree | Chart::PspX402 => true,
                Chart::AdvanceReceivable
                | Chart::Fx
                | Chart::Wallet
                | Chart::TrialCredit
                | Chart::Developer
                | Chart::PayoutInTransit
                | Chart::DisputeHold
                | Chart::Tax
                | Chart::PlatformFee
                | Chart::FxSpread
                | Chart::AdvanceFee
                | Chart::PspFee
                | Chart::ChargebackLoss
                | Chart::PromoCredit => false,
            })
            .ok_or_else(|| {
                Error::invalid(
                    "ledger_malformed",
                    "A charge that no provider captured has no provider's fee.",
                )
            })?;
        let fee = Key::platform(Chart::PspFee, currency)?.id();
        legs.push(Leg::new(fee, psp.debit, Money { minor: fee_minor, currency }));
    }
    Ok(legs)
}
