//! Refunds: giving back what a payment took, in whole or in part. Over the ledger in one transaction; over
//! an outside rail the rail gives first, under the refund's id as its key, and the books follow.
//!
//! Invariant: what is given back, or may be on its way, is never more than what was taken: the payment's
//! row is locked while a refund begins, and those that are open count.

pub(crate) mod api;
pub(crate) mod jobs;
mod store;
#[cfg(test)]
mod tests;

pub use crate::outgoing::Status;
pub(crate) use store::find;
pub use store::{by_payment, get};

use crate::account;
use crate::outgoing;
use crate::payment::{self, Desk, Payment, PaymentId};
use crate::rail::Rail;
use crate::receipt::{self, Attested};
use crate::signing::Keys;
use base::{Currency, Error, Money, Result, TenantId, Time};
use db::{Caller, Cx, Db, Fact, Scope};
use ledger::TransferId;
use ports::rail::{Asked, Found, Refunded, Stage, Sync};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

base::id_type!(
    /// A refund.
    RefundId
);

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refund {
    /// Which.
    pub id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// The rail's name of it.
    pub provider_ref: Option<String>,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// How far it is.
    pub status: Status,
    /// Why, in words.
    pub reason: String,
    /// Who asked, as `kind:name`.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl Refund {
    /// How much.
    pub fn amount(&self) -> Money {
        Money { minor: self.amount_minor, currency: self.currency }
    }
}

/// Begins a refund. `minor` none: everything that can still be given back. Over the ledger it ends at once.
///
/// # Errors
/// Not found; refused (`refund.exceeds`, `refund.not_paid`, `refund.disputed`); what the books refuse.
pub async fn begin(
    cx: &mut Cx,
    keys: &Keys,
    of: PaymentId,
    minor: Option<i64>,
    reason: &str,
) -> Result<Refund> {
    let locked = payment::lock(cx, of).await?.ok_or_else(|| Error::not_found("payment"))?;
    let payment = locked.payment;
    let open = store::open_minor(cx, of).await?;
    let left = payment.refundable().minor - open;
    let minor = minor.unwrap_or(left);
    may_begin(&payment, minor, left)?;
    if crate::dispute::any_lost(cx, of).await? {
        return Err(Error::refused(
            "refund.after_dispute",
            "A dispute about this payment was lost: the payer has the money already.",
        ));
    }
    if reason.chars().count() > 500 || reason.contains('\0') {
        return Err(Error::invalid(
            "refund.reason",
            "A reason has at most 500 characters, none of them zero.",
        ));
    }
    let refund = Refund {
        id: cx.id(),
        payment_id: of,
        provider_ref: None,
        amount_minor: minor,
        currency: payment.currency,
        status: Status::Initiated,
        reason: reason.to_owned(),
        created_by: cx.actor().label(),
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    store::insert(cx, &refund).await?;
    match payment.rail {
        Rail::Ledger => finish(cx, keys, payment, refund, None).await,
        Rail::Stripe | Rail::Cashfree | Rail::X402 => {
            jobs::resume(cx, refund.id).await?;
            Ok(refund)
        }
    }
}

fn may_begin(payment: &Payment, minor: i64, left: i64) -> Result<()> {
    use payment::Status::{
        Disputed, Failed, Initiated, PartiallyRefunded, Pending, Refunded, Reserved, Succeeded, Unknown,
    };
    match payment.status {
        Succeeded | PartiallyRefunded | Refunded => {}
        Disputed => {
            return Err(Error::refused(
                "refund.disputed",
                "A dispute about this payment is open. Wait until it ends.",
            ));
        }
        Initiated | Reserved | Pending | Unknown | Failed => {
            return Err(Error::refused(
                "refund.not_paid",
                "This payment took nothing, so there is nothing to give back.",
            ));
        }
    }
    if payment.rail == Rail::X402 {
        return Err(Error::refused(
            "refund.rail",
            "What was paid over x402 is with the vendor. Ask the vendor to give it back.",
        ));
    }
    if minor <= 0 && left > 0 {
        return Err(Error::invalid("amount.not_positive", "The amount is more than nothing."));
    }
    if minor <= 0 || minor > left {
        let left = Money { minor: left.max(0), currency: payment.currency };
        return Err(Error::refused(
            "refund.exceeds",
            format!("Only {left} of this payment can still be given back."),
        ));
    }
    Ok(())
}

/// Books a refund that happened: the books, the payment, the timeline, the receipt.
async fn finish(
    cx: &mut Cx,
    keys: &Keys,
    mut payment: Payment,
    mut refund: Refund,
    provider_ref: Option<String>,
) -> Result<Refund> {
    let transfer = TransferId(refund.id.uuid());
    let step = ledger::refund::Refund {
        id: transfer,
        capture: payment::capture_of(payment.id),
        amount: refund.amount(),
        memo: format!("refund {} of payment {}", refund.id, payment.id),
    };
    ledger::refund::refund(cx, &step).await?;
    payment.refunded_minor += refund.amount_minor;
    let whole = payment.refunded_minor == payment.captured_minor;
    payment.status = if whole { payment::Status::Refunded } else { payment::Status::PartiallyRefunded };
    payment::set_corrected(cx, &payment).await?;
    refund.status = Status::Succeeded;
    refund.provider_ref = provider_ref.or(refund.provider_ref);
    refund.updated_at = cx.now();
    store::save(cx, &refund, None, Some(transfer)).await?;
    let detail = json!({ "refund": refund.id, "amount_minor": refund.amount_minor });
    payment::timeline(cx, &payment, "refunded", detail).await?;
    publish(cx, &refund).await?;
    let attested = Attested::correction(
        &payment,
        receipt::Kind::Refunded,
        refund.id.uuid(),
        refund.provider_ref.clone(),
        refund.amount(),
    );
    receipt::append(cx, keys, &attested).await?;
    Ok(refund)
}

async fn publish(cx: &mut Cx, refund: &Refund) -> Result<()> {
    let kind = match refund.status {
        Status::Initiated | Status::Pending | Status::Unknown => "pay.refund.waits",
        Status::Succeeded => "pay.refund.succeeded",
        Status::Failed => "pay.refund.failed",
    };
    let detail = json!({ "payment_id": refund.payment_id, "amount_minor": refund.amount_minor, "currency": refund.currency });
    cx.publish(Fact::about(kind, refund.id.uuid()).with(detail)).await
}

/// What is known of a refund at its rail.
pub(crate) type Answer = outgoing::Answer<Refunded>;

/// Books an answer; a refund that has ended stays as it is. The payment is locked before the refund.
pub(crate) async fn conclude(cx: &mut Cx, keys: &Keys, id: RefundId, answer: &Answer) -> Result<Refund> {
    let refund = get(cx, id).await?;
    let locked = payment::lock(cx, refund.payment_id).await?.ok_or_else(|| Error::not_found("payment"))?;
    let mut refund = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("refund"))?.refund;
    if !refund.status.is_open() {
        return Ok(refund);
    }
    let (to, why) = answer.status(refund.amount(), |word| (word.amount, &word.stage));
    if let Answer::Has(word) = answer {
        refund.provider_ref = Some(word.provider_ref.clone());
        if to == Status::Succeeded {
            return finish(cx, keys, locked.payment, refund, Some(word.provider_ref.clone())).await;
        }
    }
    let changed = refund.status != to;
    refund.status = to;
    refund.updated_at = cx.now();
    let check_at = to.is_open().then(|| cx.now().plus_s(CHECK_S));
    store::save(cx, &refund, check_at, None).await?;
    if changed {
        let detail = json!({ "refund": refund.id, "status": to.word(), "why": why.unwrap_or_default() });
        payment::timeline(cx, &locked.payment, "refund", detail).await?;
        publish(cx, &refund).await?;
    }
    Ok(refund)
}

/// Seconds between two look-ups of an open refund.
const CHECK_S: i64 = 120;

fn request_of(refund: &Refund, payment: &Payment) -> ports::rail::Refund {
    ports::rail::Refund {
        refund: refund.id.uuid(),
        payment: payment.id.uuid(),
        provider_ref: payment.provider_ref.clone().unwrap_or_default(),
        amount: refund.amount(),
        note: refund.reason.clone(),
        at: refund.created_at,
    }
}

/// A refund with what its rail is asked, and when it was last asked.
pub(crate) async fn request(
    cx: &mut Cx,
    id: RefundId,
) -> Result<(Refund, ports::rail::Refund, Option<Time>)> {
    let locked = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("refund"))?;
    let payment = payment::get(cx, locked.refund.payment_id).await?;
    let request = request_of(&locked.refund, &payment);
    Ok((locked.refund, request, locked.sent_at))
}

/// Asks the rail for a refund, or what became of it, and books the answer. No transaction is open
/// meanwhile. Safe to call at any time: the refund's id is the key at the rail.
///
/// # Errors
/// Not found; what the database says. A rail that does not answer is no error.
pub async fn drive(db: &Db, tenant: TenantId, caller: Caller, desk: &Desk, id: RefundId) -> Result<Refund> {
    let keys = desk.ring.keys().await?;
    let mut cx = db.begin(Scope::Tenant(tenant), caller.clone()).await?;
    let locked = store::lock(&mut cx, id).await?.ok_or_else(|| Error::not_found("refund"))?;
    let (refund, sent_at) = (locked.refund, locked.sent_at);
    let payment = payment::get(&mut cx, refund.payment_id).await?;
    if !refund.status.is_open() || payment.rail == Rail::Ledger {
        return Ok(refund);
    }
    let setup = account::open(&mut cx, &desk.keyring, payment.rail).await?.ok_or_else(|| {
        Error::unavailable(
            "rail_unavailable",
            format!("The account at {} is gone. Set it up again.", payment.rail.label()),
        )
    })?;
    let request = request_of(&refund, &payment);
    store::set_sent(&mut cx, id).await?;
    cx.commit().await?;
    let port = desk.rails.get(payment.rail.kind())?.clone();
    let answer = match sent_at {
        None => Answer::of(port.refund(&setup.account(), &request).await),
        Some(sent_at) => {
            let sync = Sync {
                of: Asked::Refund(request.clone()),
                provider_ref: refund.provider_ref.clone(),
                last_asked_at: sent_at,
            };
            match port.sync(&setup.account(), &sync).await {
                Ok(Found::Refund(word)) => Answer::Has(word),
                Ok(Found::NotSeen { .. }) => Answer::of(port.refund(&setup.account(), &request).await),
                Ok(Found::Payment(_) | Found::Payout(_)) => {
                    return Err(Error::internal(
                        "The rail answered a look-up of a refund with something else.",
                    ));
                }
                Err(error) => Answer::Lost(error.to_string()),
            }
        }
    };
    let mut cx = db.begin(Scope::Tenant(tenant), caller).await?;
    let refund = conclude(&mut cx, &keys, id, &answer).await?;
    cx.commit().await?;
    Ok(refund)
}

/// Books a refund that somebody gave at the rail, past us. None: it cannot be booked, and a person must look.
pub(crate) async fn given_outside(
    cx: &mut Cx,
    keys: &Keys,
    of: PaymentId,
    word: &Refunded,
) -> Result<Option<Refund>> {
    let locked = payment::lock(cx, of).await?.ok_or_else(|| Error::not_found("payment"))?;
    let payment = locked.payment;
    let left = payment.refundable().minor - store::open_minor(cx, of).await?;
    let fits =
        word.amount.currency == payment.currency && may_begin(&payment, word.amount.minor, left).is_ok();
    if word.stage != Stage::Succeeded || !fits || crate::dispute::any_lost(cx, of).await? {
        return Ok(None);
    }
    let refund = Refund {
        id: cx.id(),
        payment_id: of,
        provider_ref: Some(word.provider_ref.clone()),
        amount_minor: word.amount.minor,
        currency: payment.currency,
        status: Status::Initiated,
        reason: format!("Given at {}", payment.rail.label()),
        created_by: cx.actor().label(),
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    store::insert(cx, &refund).await?;
    finish(cx, keys, payment, refund, Some(word.provider_ref.clone())).await.map(Some)
}
