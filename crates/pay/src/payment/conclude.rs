//! Booking what a rail says, in one transaction: the books, the mandate's counters, the state, the
//! timeline and the receipt. Whoever says it — the call, a look-up, a webhook — comes through here, and
//! the first end counts.

use super::{Payment, PaymentId, Status, books, permit, rules, store};
use crate::cap::Periods;
use crate::rail::Rail;
use crate::receipt;
use crate::signing::Keys;
use base::{Error, Money, Result, Time};
use control::notification::{self, Notification, Severity};
use db::{Cx, Fact};
use ports::rail::{Payment as Word, Status as Said, agree};
use serde_json::json;

/// What is known of a payment at its rail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The rail has it.
    Has(Word),
    /// The rail or the payer's bank said no: nothing moved and nothing will.
    Declined {
        /// A code.
        code: String,
        /// In words.
        message: String,
        /// The rail's name of the attempt, when it has one.
        provider_ref: Option<String>,
    },
    /// The answer was lost: money may have moved.
    Lost {
        /// What happened.
        detail: String,
        /// The rail's name of it, when that much came.
        provider_ref: Option<String>,
    },
}

/// What became of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Applied {
    /// It changed the payment.
    Changed,
    /// It said what was known.
    Known,
    /// It was older than what is known, or against it: nothing was changed.
    Ignored,
}

/// Seconds between look-ups of an open payment: soon at first, then each hour.
const CHECKS_S: [i64; 7] = [5, 15, 60, 180, 600, 1_800, 3_600];

pub(super) fn next_check(now: Time, checks: i32) -> Time {
    let index = usize::try_from(checks).unwrap_or(0).min(CHECKS_S.len() - 1);
    now.plus_s(CHECKS_S.get(index).copied().unwrap_or(3_600))
}

/// Books an answer. A payment that has ended stays as it is.
///
/// # Errors
/// Not found; what the books or the database refuse.
pub async fn conclude(cx: &mut Cx, keys: &Keys, id: PaymentId, answer: &Answer) -> Result<Payment> {
    Ok(apply(cx, keys, id, answer).await?.0)
}

pub(crate) async fn apply(
    cx: &mut Cx,
    keys: &Keys,
    id: PaymentId,
    answer: &Answer,
) -> Result<(Payment, Applied)> {
    let locked = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("payment"))?;
    let check_at = next_check(cx.now(), locked.checks);
    let mut payment = locked.payment.clone();
    if !payment.status.is_open() {
        return against_an_end(cx, payment, answer).await;
    }
    match answer {
        Answer::Lost { detail, provider_ref } => {
            payment.provider_ref = payment.provider_ref.or_else(|| provider_ref.clone());
            wait(cx, payment, Status::Unknown, Some(detail.clone()), check_at).await
        }
        Answer::Declined { code, message, provider_ref } => {
            payment.provider_ref = payment.provider_ref.or_else(|| provider_ref.clone());
            fail(cx, keys, locked, payment, code, message).await
        }
        Answer::Has(word) => {
            payment.provider_ref = Some(word.provider_ref.clone());
            if let Err(mismatch) = agrees(payment.amount(), word) {
                return mismatched(cx, payment, &mismatch, check_at).await;
            }
            super::delivery::keep(cx, id, word.delivery.as_ref()).await?;
            match &word.status {
                Said::Captured => succeed(cx, keys, payment, &locked.periods, word).await,
                Said::Failed { code, message } => fail(cx, keys, locked, payment, code, message).await,
                Said::Voided => fail(cx, keys, locked, payment, "voided", "The rail let go of it.").await,
                Said::Pending | Said::Authorised => wait(cx, payment, Status::Pending, None, check_at).await,
                Said::ActionNeeded(action) => {
                    let detail = serde_json::to_string(action)?;
                    wait(cx, payment, Status::Pending, Some(detail), check_at).await
                }
            }
        }
    }
}

/// Amount and currency of an answer are those of the request, also what was taken.
fn agrees(asked: Money, word: &Word) -> Result<(), String> {
    agree(asked, word.amount).map_err(|mismatch| mismatch.to_string())?;
    if word.status == Said::Captured {
        agree(asked, word.captured).map_err(|mismatch| mismatch.to_string())?;
    }
    Ok(())
}

/// A late or repeated word about a payment that has ended.
async fn against_an_end(cx: &mut Cx, payment: Payment, answer: &Answer) -> Result<(Payment, Applied)> {
    let says_taken = matches!(answer, Answer::Has(word) if word.status == Said::Captured);
    let says_not = match answer {
        Answer::Declined { .. } => true,
        Answer::Has(word) => matches!(word.status, Said::Failed { .. } | Said::Voided),
        Answer::Lost { .. } => false,
    };
    let contradicts =
        says_taken && payment.status == Status::Failed || says_not && payment.status != Status::Failed;
    if !contradicts {
        return Ok((payment, Applied::Known));
    }
    store::event(cx, payment.id, "contradicted", payment.status, json!({ "answer": format!("{answer:?}") }))
        .await?;
    alarm(cx, &payment, "The rail says something else than what was booked").await?;
    Ok((payment, Applied::Ignored))
}

async fn wait(
    cx: &mut Cx,
    mut payment: Payment,
    to: Status,
    detail: Option<String>,
    check_at: Time,
) -> Result<(Payment, Applied)> {
    let changed = payment.status != to;
    payment.status = to;
    payment.updated_at = cx.now();
    store::save(cx, &payment, Some(check_at), None).await?;
    if changed {
        let kind = if to == Status::Unknown { "lost" } else { "pending" };
        store::event(cx, payment.id, kind, to, json!({ "detail": detail, "check_at": check_at })).await?;
        tell(cx, &payment).await?;
    }
    Ok((payment, if changed { Applied::Changed } else { Applied::Known }))
}

/// Nothing is booked until a person has looked; the payment stays open.
async fn mismatched(
    cx: &mut Cx,
    mut payment: Payment,
    why: &str,
    check_at: Time,
) -> Result<(Payment, Applied)> {
    let first = payment.reason.as_deref() != Some(MISMATCH);
    payment.status = Status::Unknown;
    payment.reason = Some(MISMATCH.to_owned());
    payment.updated_at = cx.now();
    store::save(cx, &payment, Some(check_at), None).await?;
    if first {
        store::event(cx, payment.id, "mismatch", Status::Unknown, json!({ "detail": why })).await?;
        alarm(cx, &payment, "The rail answered with another amount").await?;
    }
    Ok((payment, Applied::Changed))
}

/// The reason of a payment whose rail named another amount.
pub(super) const MISMATCH: &str = "rail_mismatch";

async fn succeed(
    cx: &mut Cx,
    keys: &Keys,
    mut payment: Payment,
    periods: &Periods,
    word: &Word,
) -> Result<(Payment, Applied)> {
    // Mandates before balances: that is the order of everybody who pays.
    permit::settle(cx, &payment, periods).await?;
    books::take(cx, &payment).await?;
    finish(cx, keys, &mut payment, word.network_ref.clone()).await?;
    Ok((payment, Applied::Changed))
}

/// A taken payment: state, timeline, receipt. Counters and books are done.
async fn finish(cx: &mut Cx, keys: &Keys, payment: &mut Payment, network_ref: Option<String>) -> Result<()> {
    payment.status = step(payment.status, Status::Succeeded)?;
    payment.reason = None;
    payment.captured_minor = payment.amount_minor;
    payment.updated_at = cx.now();
    store::save(cx, payment, None, Some(books::capture_of(payment.id))).await?;
    let detail =
        json!({ "rail": payment.rail, "provider_ref": payment.provider_ref, "network_ref": network_ref });
    store::event(cx, payment.id, "succeeded", payment.status, detail).await?;
    tell(cx, payment).await?;
    let attested = receipt::Attested::payment(payment, receipt::Kind::Succeeded, network_ref);
    receipt::append(cx, keys, &attested).await?;
    Ok(())
}

async fn fail(
    cx: &mut Cx,
    keys: &Keys,
    locked: store::Locked,
    mut payment: Payment,
    code: &str,
    message: &str,
) -> Result<(Payment, Applied)> {
    permit::release(cx, &payment, &locked.periods).await?;
    payment.status = step(payment.status, Status::Failed)?;
    payment.reason = Some(code.chars().take(200).collect());
    payment.updated_at = cx.now();
    store::save(cx, &payment, None, None).await?;
    store::event(cx, payment.id, "failed", payment.status, json!({ "code": code, "message": message }))
        .await?;
    tell(cx, &payment).await?;
    receipt::append(cx, keys, &receipt::Attested::payment(&payment, receipt::Kind::Failed, None)).await?;
    Ok((payment, Applied::Changed))
}

fn step(from: Status, to: Status) -> Result<Status> {
    if rules::may_become(from, to) {
        return Ok(to);
    }
    Err(Error::internal(format!("A payment cannot go from {} to {}.", from.word(), to.word())))
}

async fn tell(cx: &mut Cx, payment: &Payment) -> Result<()> {
    cx.publish(fact(payment)).await
}

/// The fact that goes with the state of a payment.
pub(super) fn fact(payment: &Payment) -> Fact {
    let kind = match payment.status {
        Status::Initiated | Status::Reserved => "pay.payment.begun",
        Status::Pending | Status::Unknown => "pay.payment.waits",
        Status::Succeeded => "pay.payment.succeeded",
        Status::Failed => "pay.payment.failed",
        Status::Refunded | Status::PartiallyRefunded => "pay.payment.refunded",
        Status::Disputed => "pay.payment.disputed",
    };
    let detail = json!({
        "mandate_id": payment.mandate_id,
        "rail": payment.rail,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "status": payment.status,
    });
    Fact::about(kind, payment.id.uuid()).with(detail)
}

/// A line of the timeline, and the fact that goes with the state.
pub(crate) async fn timeline(
    cx: &mut Cx,
    payment: &Payment,
    kind: &str,
    detail: serde_json::Value,
) -> Result<()> {
    store::event(cx, payment.id, kind, payment.status, detail).await?;
    tell(cx, payment).await
}

async fn alarm(cx: &mut Cx, payment: &Payment, title: &str) -> Result<()> {
    let rail = match payment.rail {
        Rail::Ledger => "the ledger",
        Rail::Stripe => "Stripe",
        Rail::Cashfree => "Cashfree",
        Rail::X402 => "x402",
    };
    let told = Notification {
        person: None,
        kind: notification::Kind::Failure,
        severity: Severity::Critical,
        title: title.to_owned(),
        body: format!(
            "Payment {} of {} over {rail}. Compare it with the rail's own records.",
            payment.id,
            payment.amount()
        ),
        href: Some(format!("/pay/payments/{}", payment.id)),
        dedupe_key: format!("pay.payment:{}", payment.id),
    };
    notification::notify(cx, &told).await?;
    Ok(())
}
