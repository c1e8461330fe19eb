//! Disputes: a payer's bank asks for a charge back. While the dispute is open its amount is frozen; when it
//! is won everything returns, when it is lost the payer gets it and the platform books its loss.

use crate::account::Key;
use crate::refund::{one, remaining};
use crate::transfer::{self, Capture, hold_captures};
use crate::{AccountId, Act, Chart, Leg, Outcome, Purpose, Step, TransferId, apply};
use base::{Error, Money, Result};
use db::Cx;
use std::collections::BTreeMap;

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
/// proportion. What is not there any more of a wallet (a disputed top-up that was spent) is the platform's
/// loss, until the dispute is won. Errors: `ledger_disputed` when another dispute about the charge is open,
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
    let loss = Key::platform(Chart::ChargebackLoss, opened.amount.currency)?.id();
    let parts = remaining.divide(opened.amount.minor)?;
    let held = funds(cx, &parts).await?;
    let mut legs = Vec::new();
    for (leg, minor) in parts {
        let own = held.get(&leg.credit).map_or(minor, |available| minor.min(*available));
        for (debit, minor) in [(leg.credit, own), (loss, minor - own)] {
            let amount = Money { minor, currency: opened.amount.currency };
            let frozen = Leg {
                debit,
                credit: hold,
                amount,
                origin: Some(opened.capture),
                ends: None,
                trial: leg.trial,
            };
            legs.extend((minor > 0).then_some(frozen));
        }
    }
    one(apply(cx, &[Step::new(opened.id, Purpose::DisputeOpen, Act::Transfer { legs })]).await?)
}

/// What those accounts hold that may not fall below zero, under their locks: of a disputed top-up a part
/// may be spent.
async fn funds(cx: &mut Cx, parts: &[(&Capture, i64)]) -> Result<BTreeMap<AccountId, i64>> {
    let accounts: Vec<AccountId> = parts.iter().map(|(leg, _)| leg.credit).collect();
    let held = transfer::lock(cx, &accounts).await?;
    Ok(held
        .into_iter()
        .filter(|(_, limited)| limited.is_limited)
        .map(|(id, held)| (id, held.available))
        .collect())
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
        let paid = |leg: &&Capture| leg.id == capture && leg.trial == row.trial;
        let payer = rows
            .iter()
            .filter(paid)
            .find(|leg| row.debit == loss || leg.credit == row.debit)
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
        let is_ours = row.debit == fee_income || borne_by == Bearer::Platform;
        if is_ours && row.debit != loss {
            legs.push(leg(loss, row.debit));
        }
    }
    if fee_minor > 0 {
        let psp = rows
            .iter()
            .filter(|row| row.id == capture)
            .find(|row| row.debit_chart.is_provider())
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
