//! What a payment asks of its mandate: that it is genuine, its counters, and once more before money moves.

use super::Payment;
use super::begin::{Asked, id_of};
use super::load::Order;
use crate::cap::Periods;
use crate::mandate::{self, Mandate, Mode, Taken, Use};
use crate::policy::{self, Rules};
use crate::rail::Rail;
use crate::signing::Keys;
use base::{Error, Kind, Money, Result};
use db::Cx;

/// What a genuine mandate lets be paid now.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// How much.
    pub amount: Money,
    /// What tells this execution from others; none: there is only one.
    pub execution: Option<String>,
    /// What was closed for it under an open mandate: the chain whose last token its receipt names.
    pub closed: Option<String>,
}

/// Checks the signatures of the mandate, and what an agent closed under it.
///
/// # Errors
/// Refused: `signature_invalid`, or AP2's code; invalid when a closed mandate is missing.
pub(super) async fn verified(cx: &mut Cx, keys: &Keys, order: &Order, asked: &Asked) -> Result<Shown> {
    match (order.mandate.mode, &asked.closed) {
        (Mode::Direct, None) => {
            mandate::verify(cx, keys, &order.mandate).await?;
            Ok(direct(&order.mandate, order.intent.amount_minor, asked))
        }
        (Mode::Direct, Some(_)) => {
            Err(Error::invalid("mandate.closed", "This mandate is closed already: leave `closed` out."))
        }
        (Mode::Autonomous, None) => {
            let minor = asked.amount_minor.unwrap_or(order.intent.amount_minor);
            let amount = crate::intent::amount(minor, order.mandate.currency)?;
            let of = (&order.intent, &order.vendor);
            let paid = id_of(cx.tenant()?, order.mandate.id, Some(&asked.execution));
            match mandate::close_own(cx, keys, &order.mandate, of, amount, (&asked.execution, paid)).await {
                Ok(closed) => {
                    Ok(Shown { amount, execution: Some(asked.execution.clone()), closed: Some(closed) })
                }
                Err(error) => {
                    if error.kind() == Kind::Refused {
                        // What the gate says goes before: it names every broken rule.
                        hold(cx, order, asked, amount, asked.rail).await?;
                    }
                    Err(error)
                }
            }
        }
        (Mode::Autonomous, Some(closed)) => {
            let id = order.mandate.id;
            let shown = mandate::verify_closed(
                cx,
                keys,
                id,
                &closed.payment,
                closed.checkout.as_deref(),
                &closed.nonce,
            )
            .await?;
            let tokens = (closed.payment.as_str(), closed.checkout.as_deref());
            let paid = id_of(cx.tenant()?, id, Some(&shown.signed_hash));
            mandate::keep_closed(cx, id, &shown, tokens, &closed.nonce, paid).await?;
            if asked.amount_minor.is_some_and(|minor| minor != shown.amount.minor) {
                return Err(Error::invalid(
                    "amount.differs",
                    "The amount is not the one in the closed mandate. Leave it out.",
                ));
            }
            // The same closed mandate is the same execution, whoever sends it how often.
            let closed = Some(closed.payment.clone());
            Ok(Shown { amount: shown.amount, execution: Some(shown.signed_hash), closed })
        }
    }
}

/// What a genuine mandate for approved payments lets be paid: what is asked, else what the intent says.
pub(super) fn direct(mandate: &Mandate, intent_minor: i64, asked: &Asked) -> Shown {
    let minor = asked.amount_minor.unwrap_or(intent_minor);
    let once = mandate.caps.executions_max == 1;
    Shown {
        amount: Money { minor, currency: mandate.currency },
        execution: (!once).then(|| asked.execution.clone()),
        closed: None,
    }
}

/// The rules that count for the payer; none: it has no policy.
pub(super) async fn rules_of(cx: &mut Cx, order: &Order) -> Result<Option<Rules>> {
    Ok(policy::latest(cx, order.principal.id).await?.map(|policy| policy.rules))
}

/// The whole gate, and the counters of the mandate, those above it and the principal.
///
/// # Errors
/// As [`mandate::hold`]: refused with every broken rule.
pub(super) async fn hold(
    cx: &mut Cx,
    order: &Order,
    asked: &Asked,
    amount: Money,
    rail: Option<Rail>,
) -> Result<Periods> {
    let what = Use { amount, rail, country: asked.place.country, ip: asked.place.ip };
    Ok(mandate::hold(cx, order.mandate.id, &what).await?.taken.periods)
}

fn taken(payment: &Payment, periods: &Periods) -> Taken {
    Taken { amount: payment.amount(), periods: periods.clone(), at: payment.created_at }
}

/// The reservation was paid.
pub(super) async fn settle(cx: &mut Cx, payment: &Payment, periods: &Periods) -> Result<()> {
    mandate::settle(cx, payment.mandate_id, &taken(payment, periods), payment.amount_minor).await
}

/// The reservation was not paid.
pub(super) async fn release(cx: &mut Cx, payment: &Payment, periods: &Periods) -> Result<()> {
    mandate::release(cx, payment.mandate_id, &taken(payment, periods)).await
}

/// Why the rail must not be asked any more: code and words. None: it may be, and nobody can revoke the
/// mandate or engage a switch before this transaction ends.
pub(super) async fn stopped(cx: &mut Cx, payment: &Payment) -> Result<Option<(&'static str, String)>> {
    match mandate::confirm(cx, payment.mandate_id, payment.rail).await {
        Ok(()) => Ok(None),
        Err(error) => match error.kind() {
            Kind::Forbidden | Kind::Refused => Ok(Some((error.code(), error.message().to_owned()))),
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::NotFound
            | Kind::Conflict
            | Kind::TooLarge
            | Kind::Limited
            | Kind::Unavailable
            | Kind::Internal => Err(error),
        },
    }
}
