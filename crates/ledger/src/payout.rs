//! Paying developers out: what is earned, posted, older than the hold window and was really paid for.

use crate::account::{self, Key};
use crate::refund::one;
use crate::{AccountId, Act, Chart, Outcome, Part, Purpose, Step, TransferId, apply, transfer};
use base::{Error, Money, Result, Time};
use db::Cx;

/// What a developer's account says about payouts, in minor units. Trial credit does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Available {
    /// May be paid out now; below zero: what later earnings have to repay first.
    pub minor: i64,
    /// Earned within the hold window, less what was given back of it.
    pub young: i64,
    /// In payouts that are on their way.
    pub held: i64,
}

/// A payout.
#[derive(Clone, Copy, Debug)]
pub struct Payout {
    /// The caller's id: repeating it changes nothing.
    pub id: TransferId,
    /// The developer's account.
    pub account: AccountId,
    /// How much.
    pub amount: Money,
    /// How long earnings are kept back, in seconds.
    pub hold_window_s: i64,
}

/// What may be paid out: earnings older than the hold window, less every refund, dispute and payout. A
/// correction counts with the charge that it corrects. Errors: `not_found` when the account is not the
/// caller's.
pub async fn available(cx: &mut Cx, account: AccountId, hold_window_s: i64) -> Result<Available> {
    let found = account::find(cx, account).await?;
    if found.chart != Chart::Developer {
        return Err(Error::invalid("ledger_malformed", "Only a developer's account is paid out."));
    }
    let cutoff = cx.clock().now().plus_s(-hold_window_s.max(0));
    let row = sqlx::query!(
        r#"select earned as "earned!", taken as "taken!", held as "held!", young as "young!" from ledger.payable($1, $2)"#,
        account.uuid(),
        cutoff as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    let minor = row.earned.saturating_sub(row.taken).saturating_sub(row.held);
    Ok(Available { minor, young: row.young, held: row.held })
}

/// Sets a payout aside, so that it is neither paid twice nor spent meanwhile. Errors:
/// `ledger_payout_exceeds` for more than is available.
pub async fn begin(cx: &mut Cx, payout: &Payout) -> Result<Outcome> {
    let step = Step::new(
        payout.id,
        Purpose::Payout,
        Act::Reserve {
            from: vec![payout.account],
            credit: Key::platform(Chart::PayoutInTransit, payout.amount.currency)?.id(),
            amount: payout.amount,
            expires_at: None,
        },
    );
    // What is available is read under the lock of the balance: two payouts cannot both take it.
    transfer::lock(cx, &[payout.account]).await?;
    let available = available(cx, payout.account, payout.hold_window_s).await?;
    let begun = sqlx::query_scalar!(
        r#"select exists (select from ledger.transfer where id = $1) as "begun!""#,
        payout.id.uuid()
    )
    .fetch_one(cx.conn())
    .await?;
    if !begun && payout.amount.minor > available.minor {
        return Err(Error::refused(
            "ledger_payout_exceeds",
            format!("{} minor units can be paid out now.", available.minor.max(0)),
        ));
    }
    one(apply(cx, &[step]).await?)
}

/// The bank has it: books the payout against the provider `psp` that paid. `id` is the caller's id of this
/// step. Errors: `ledger_already_resolved` when it was returned before.
pub async fn paid(
    cx: &mut Cx,
    id: TransferId,
    payout: TransferId,
    psp: AccountId,
    minor: i64,
) -> Result<Outcome> {
    let act = Act::Post { pending: payout, parts: vec![Part { credit: psp, minor }] };
    one(apply(cx, &[Step::new(id, Purpose::Payout, act)]).await?)
}

/// It failed: everything is available again. Errors: `ledger_already_resolved` when it was paid before.
pub async fn failed(cx: &mut Cx, id: TransferId, payout: TransferId) -> Result<Outcome> {
    one(apply(cx, &[Step::new(id, Purpose::Payout, Act::Void { pending: payout })]).await?)
}
