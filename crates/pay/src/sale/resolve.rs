//! The end of a sale, whoever finds it: the settlement's answer, or a look at the network. The first end
//! counts.

use super::sell::{CALL_S, Counter, WORK_S, claim_of, publish, stale_s};
use super::{Flow, Sale, SaleId, Status, books, store};
use crate::resource::{self, Resource};
use base::{Error, Result, Time};
use x402::{Fate, Reason};

/// What is known of the payment of a sale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The network took it: the transaction.
    Paid(String),
    /// It did not and will not: a code.
    NotPaid(String),
    /// Nobody knows yet: what happened.
    Unknown(String),
}

/// Seconds after the end of an authorization from which the network cannot take it: clocks differ.
const AFTER_WINDOW_S: i64 = 60;
/// Seconds between looks at what is not known: soon at first.
const CHECKS_S: [i64; 6] = [5, 15, 60, 300, 900, 3_600];

fn next_check(now: Time, checks: i32) -> Time {
    let index = usize::try_from(checks).unwrap_or(0).min(CHECKS_S.len() - 1);
    now.plus_s(CHECKS_S.get(index).copied().unwrap_or(3_600))
}

/// Writes what is known, with its entries in the books, in one transaction. A sale that has ended stays
/// as it is.
pub(super) async fn conclude(counter: &Counter, id: SaleId, verdict: Verdict) -> Result<Sale> {
    let mut cx = counter.begin().await?;
    let mut sale = store::lock(&mut cx, id).await?.ok_or_else(|| Error::not_found("sale"))?;
    if !sale.status.is_open() || sale.status == Status::Paid {
        return Ok(sale);
    }
    match verdict {
        Verdict::Paid(transaction) => {
            sale.transaction = Some(transaction);
            books::take(&mut cx, &sale).await?;
            match sale.flow {
                Flow::Authorization => {
                    sale.status = Status::Delivered;
                    store::save(&mut cx, &sale, None).await?;
                    publish(&mut cx, "pay.sale.delivered", &sale).await?;
                }
                Flow::Upfront => {
                    (sale.status, sale.checks) = (Status::Paid, 0);
                    let at = cx.now().plus_s(stale_s());
                    store::save(&mut cx, &sale, Some(at)).await?;
                    super::jobs::look_later(&mut cx, sale.id, "paid", at).await?;
                    publish(&mut cx, "pay.sale.paid", &sale).await?;
                }
            }
        }
        Verdict::NotPaid(code) => {
            sale.status = Status::Failed;
            sale.reason = Some(code.chars().take(200).collect());
            store::save(&mut cx, &sale, None).await?;
            publish(&mut cx, "pay.sale.failed", &sale).await?;
        }
        Verdict::Unknown(detail) => {
            let at = next_check(cx.now(), sale.checks);
            let first = sale.status != Status::Unknown;
            sale.status = Status::Unknown;
            sale.checks = sale.checks.saturating_add(1);
            store::save(&mut cx, &sale, Some(at)).await?;
            if first {
                tracing::warn!(sale = %sale.id, detail, "what became of a settlement is not known; it is looked up");
                super::jobs::look_later(&mut cx, sale.id, "unknown", at).await?;
                publish(&mut cx, "pay.sale.unknown", &sale).await?;
            }
        }
    }
    cx.commit().await?;
    Ok(sale)
}

/// Finds out what became of a sale that nobody is carrying out any more. Safe at any time, any number of
/// times; it never settles anything.
pub(super) async fn resolve(counter: &Counter, id: SaleId) -> Result<Sale> {
    let mut cx = counter.begin().await?;
    let sale = super::get(&mut cx, id).await?;
    let now = cx.now();
    drop(cx);
    let idle_s = now.since_s(sale.updated_at);
    match sale.status {
        Status::Delivered | Status::Failed => return Ok(sale),
        Status::Claimed if idle_s <= i64::try_from(WORK_S).unwrap_or(0).saturating_add(CALL_S) - 5 => {
            return Ok(sale);
        }
        // Nothing was settled: that comes after the work, and this claim never got there.
        Status::Claimed => return conclude(counter, id, Verdict::NotPaid("interrupted".to_owned())).await,
        Status::Settling if idle_s < CALL_S - 5 => return Ok(sale),
        Status::Paid => return take_over(counter, sale).await,
        Status::Settling | Status::Unknown => {}
    }
    let over = now.since_s(sale.valid_before) > AFTER_WINDOW_S;
    let flow = sale.flow;
    let verdict = match counter.shop.facilitator.look_up(&claim_of(&sale)?).await {
        Ok(Fate::Settled { transaction }) => Verdict::Paid(transaction),
        Ok(Fate::Elsewhere) => Verdict::NotPaid(Reason::NonceUsed.to_string()),
        Ok(Fate::Unused) if over => Verdict::NotPaid(Reason::ValidBefore.to_string()),
        Ok(Fate::Unused) => Verdict::Unknown("The network has not taken it yet.".to_owned()),
        Err(trouble) => Verdict::Unknown(trouble.to_string()),
    };
    let sale = conclude(counter, id, verdict).await?;
    if flow == Flow::Upfront && sale.status == Status::Paid {
        let resource = resource::get(&mut counter.begin().await?, sale.resource_id).await?;
        return deliver(counter, sale, &resource).await;
    }
    Ok(sale)
}

/// Tries of the work for a sale that was paid upfront.
const WORK_TRIES: i32 = 8;

/// Does the work for a sale that was paid upfront, and that nobody else works on; what it made is
/// delivered. A work that fails is tried again later, and after the last try the money is owed.
pub(super) async fn deliver(counter: &Counter, sale: Sale, resource: &Resource) -> Result<Sale> {
    let made = counter.work(resource).await;
    let mut cx = counter.begin().await?;
    let mut sale = store::lock(&mut cx, sale.id).await?.ok_or_else(|| Error::not_found("sale"))?;
    if sale.status != Status::Paid {
        return Ok(sale);
    }
    match made {
        Ok(output) => {
            store::delivered(&mut cx, sale.id, &output).await?;
            sale = super::get(&mut cx, sale.id).await?;
            publish(&mut cx, "pay.sale.delivered", &sale).await?;
        }
        Err(error) => {
            sale.checks = sale.checks.saturating_add(1);
            tracing::warn!(sale = %sale.id, tries = sale.checks, ?error, "the work for a paid sale failed");
            if sale.checks < WORK_TRIES {
                let at = next_check(cx.now(), sale.checks);
                store::save(&mut cx, &sale, Some(at)).await?;
                super::jobs::look_later(&mut cx, sale.id, "paid", at).await?;
            } else {
                sale.status = Status::Failed;
                sale.reason = Some("work_failed".to_owned());
                store::save(&mut cx, &sale, None).await?;
                publish(&mut cx, "pay.sale.owed", &sale).await?;
            }
        }
    }
    cx.commit().await?;
    Ok(sale)
}

async fn take_over(counter: &Counter, sale: Sale) -> Result<Sale> {
    let mut cx = counter.begin().await?;
    let until = cx.now().plus_s(stale_s());
    if !store::take_over(&mut cx, sale.id, until).await? {
        return Ok(sale);
    }
    let resource = resource::get(&mut cx, sale.resource_id).await?;
    cx.commit().await?;
    deliver(counter, sale, &resource).await
}
