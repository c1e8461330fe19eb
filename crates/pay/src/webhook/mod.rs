//! Webhooks of the rails. What comes in is verified over its raw bytes, kept once, and answered with 2xx
//! only after it is committed; its effects follow in a job. What cannot be verified leaves no row.
//!
//! What a rail says is a hint: a taken payment with the right amount is booked at once, everything else
//! makes us ask the rail ([`payment::drive`]), so that no order of events can mislead.

pub(crate) mod hook;
pub(crate) mod jobs;
#[cfg(test)]
mod tests;

use crate::payment::{self, Answer, Desk, PaymentId};
use crate::rail::Rail;
use crate::{dispute, payout, refund};
use base::{Error, Result};
use db::{Caller, Cx, Db, Scope};
use hooks::inbox::{self, InboxId, Outcome};
use ports::rail::{About, Event, Status};

/// The header of a kept delivery under which the verified word is kept.
const EVENT: &str = "pay.event";

/// Where deliveries of a rail are kept.
pub(crate) fn source(rail: Rail) -> &'static str {
    match rail {
        Rail::Ledger => "pay.ledger",
        Rail::Stripe => "pay.stripe",
        Rail::Cashfree => "pay.cashfree",
        Rail::X402 => "pay.x402",
    }
}

fn rail_of(source: &str) -> Option<Rail> {
    Rail::ALL.into_iter().find(|rail| self::source(*rail) == source)
}

/// Carries out the effects of a kept delivery, once: the delivery is taken and marked in the transaction
/// of its effects.
///
/// # Errors
/// What the database or the books say; the delivery then waits for the next try.
pub(crate) async fn process(
    db: &Db,
    tenant: base::TenantId,
    caller: Caller,
    desk: &Desk,
    id: InboxId,
) -> Result<()> {
    let keys = desk.ring.keys().await?;
    let begin = || db.begin(Scope::Tenant(tenant), caller.clone());
    let mut cx = begin().await?;
    let Some(delivery) = inbox::claim(&mut cx, id).await? else { return Ok(()) };
    let Some(rail) = rail_of(&delivery.source) else {
        return Err(Error::internal("A delivery of another source came to the payments."));
    };
    let event: Event = serde_json::from_value(delivery.headers.get(EVENT).cloned().unwrap_or_default())?;
    if let Some(payment) = open_payment(&mut cx, rail, &event.about).await? {
        // Not sure by itself: the rail is asked, with no transaction open.
        drop(cx);
        let now = payment::drive(db, tenant, caller.clone(), desk, payment).await?;
        if now.status == payment::Status::Reserved {
            return Err(Error::unavailable("payment.busy", "The payment is being asked for right now."));
        }
        cx = begin().await?;
        if inbox::claim(&mut cx, id).await?.is_none() {
            return Ok(());
        }
    }
    let outcome = match apply(&mut cx, &keys, rail, &event).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_transient() || error.kind() == base::Kind::Internal => return Err(error),
        Err(error) => {
            // Nothing of it is kept but why; it can be tried again from the inbox.
            drop(cx);
            cx = begin().await?;
            if inbox::claim(&mut cx, id).await?.is_none() {
                return Ok(());
            }
            Outcome::Failed(error.message().to_owned())
        }
    };
    inbox::mark(&mut cx, id, &outcome).await?;
    cx.commit().await
}

/// The open payment about which the rail should be asked before the word is believed: every word but
/// that the right amount was taken.
async fn open_payment(cx: &mut Cx, rail: Rail, about: &About) -> Result<Option<PaymentId>> {
    let found = match about {
        About::Payment { ours, payment } if payment.status != Status::Captured => {
            find(cx, rail, *ours, Some(&payment.provider_ref)).await?
        }
        About::Refund { payment_ref, .. } => find(cx, rail, None, payment_ref.as_deref()).await?,
        About::Dispute(dispute) => find(cx, rail, None, dispute.payment_ref.as_deref()).await?,
        About::Payment { .. } | About::Payout { .. } | About::Payee { .. } | About::Other => None,
    };
    match found {
        Some(id) if payment::get(cx, id).await?.status.is_open() => Ok(Some(id)),
        Some(_) | None => Ok(None),
    }
}

async fn find(
    cx: &mut Cx,
    rail: Rail,
    ours: Option<uuid::Uuid>,
    theirs: Option<&str>,
) -> Result<Option<PaymentId>> {
    if let Some(ours) = ours {
        match payment::get(cx, PaymentId(ours)).await {
            Ok(payment) if payment.rail == rail => return Ok(Some(payment.id)),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == base::Kind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    match theirs {
        Some(theirs) => payment::by_provider_ref(cx, rail, theirs).await,
        None => Ok(None),
    }
}

/// The effects of a verified word, in this transaction.
async fn apply(cx: &mut Cx, keys: &crate::signing::Keys, rail: Rail, event: &Event) -> Result<Outcome> {
    let not_ours = || Ok(Outcome::Ignored("It is about nothing that was made here.".to_owned()));
    match &event.about {
        About::Payment { ours, payment: word } => {
            let Some(id) = find(cx, rail, *ours, Some(&word.provider_ref)).await? else { return not_ours() };
            if word.status != Status::Captured && payment::get(cx, id).await?.status.is_open() {
                return Ok(Outcome::Processed);
            }
            payment::conclude(cx, keys, id, &Answer::Has(word.clone())).await?;
            Ok(Outcome::Processed)
        }
        About::Refund { ours, payment_ref, refund: word } => {
            if let Some(id) = refund::find(cx, *ours, &word.provider_ref).await? {
                refund::conclude(cx, keys, id, &refund::Answer::Has(word.clone())).await?;
                return Ok(Outcome::Processed);
            }
            let Some(id) = find(cx, rail, None, payment_ref.as_deref()).await? else { return not_ours() };
            match refund::given_outside(cx, keys, id, word).await? {
                Some(_) => Ok(Outcome::Processed),
                None => {
                    Ok(Outcome::Failed("A refund that was not begun here cannot be booked yet.".to_owned()))
                }
            }
        }
        About::Dispute(word) => {
            let Some(id) = find(cx, rail, None, word.payment_ref.as_deref()).await? else {
                return not_ours();
            };
            dispute::heard(cx, keys, id, word).await?;
            Ok(Outcome::Processed)
        }
        About::Payout { ours, payout: word } => {
            match payout::find(cx, rail, *ours, &word.provider_ref).await? {
                Some(id) => {
                    payout::conclude(cx, id, &payout::Answer::Has(word.clone())).await?;
                    Ok(Outcome::Processed)
                }
                None => not_ours(),
            }
        }
        About::Payee { account, payouts_enabled } => {
            payout::payee_heard(cx, rail, account, *payouts_enabled).await?;
            Ok(Outcome::Processed)
        }
        About::Other => Ok(Outcome::Ignored("It changes nothing here.".to_owned())),
    }
}
