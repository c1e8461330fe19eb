//! How a payment begins: verified and set aside in one transaction, or not at all.

use super::drive::{Desk, Hand};
use super::load::{self, Order};
use super::settle::{self, Member, Settled};
use super::{Payment, PaymentId, Status, conclude, permit, route, store};
use crate::account;
use crate::caller::Caller;
use crate::mandate::{MandateId, Place, Read};
use crate::rail::Rail;
use crate::refusal::{Code, Violation, refused};
use crate::signing::Keys;
use base::{Digest, Error, Money, Result, TenantId};
use db::Cx;
use ledger::split::Fee;
use ports::rail::{Authorise, Timing};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use url::Url;

/// An execution of a mandate.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The mandate.
    pub mandate: MandateId,
    /// How much, in minor units; none: what the intent says.
    pub amount_minor: Option<i64>,
    /// The rail that is wished for; none: the rules choose.
    pub rail: Option<Rail>,
    /// What tells two executions of one mandate apart: the caller and its idempotency key. A mandate for
    /// one payment has one execution whatever this says, and a closed one has its own.
    pub execution: String,
    /// What the agent closed under an open mandate.
    pub closed: Option<Closed>,
    /// From where.
    pub place: Place,
}

/// A mandate that an agent closed for one payment.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// The payment mandate's chain: the mandate's own token and one hop behind it.
    pub payment: String,
    /// The checkout mandate's chain, where the mandate has one.
    #[serde(default)]
    pub checkout: Option<String>,
    /// The nonce that the last hop answers.
    pub nonce: String,
}

/// How far a payment got.
#[derive(Clone, Debug)]
pub enum Begun {
    /// It is there: a fresh one, or the one that this execution had already.
    Payment(Box<Payment>),
    /// An outside rail has to be chosen first, out of these: ask which one answers, and begin again with
    /// it. Nothing was written.
    Choose(Vec<Rail>),
}

/// The payment of an execution: it follows from what it is, so that nobody can make a second one.
pub(super) fn id_of(tenant: TenantId, mandate: MandateId, execution: Option<&str>) -> PaymentId {
    let text = format!("payment:{tenant}:{mandate}:{}", execution.unwrap_or_default());
    let mut half = [0_u8; 16];
    half.copy_from_slice(&Digest::of(text.as_bytes()).0[..16]);
    PaymentId(uuid::Builder::from_custom_bytes(half).into_uuid())
}

/// Verifies the mandate, the policy, the switches and the limits, and sets the amount aside. Over the
/// ledger the payment ends in this transaction ([`settle`]). `chosen` is the outside rail that was found to answer.
///
/// # Errors
/// Not found; refused with every broken rule; `insufficient_funds`; `rail_unavailable`; `switch.engaged`.
pub async fn begin(
    cx: &mut Cx,
    desk: &Desk,
    keys: &Keys,
    caller: Caller,
    asked: &Asked,
    chosen: Option<Rail>,
) -> Result<Begun> {
    let order = load::order(cx, asked.mandate).await?;
    caller.may_see(order.mandate.principal_id, "mandate")?;
    let tenant = cx.tenant()?;
    let shown = permit::verified(cx, keys, &order, asked).await?;
    let id = id_of(tenant, asked.mandate, shown.execution.as_deref());
    if let Some(known) = store::get(cx, id).await? {
        same(&known, asked)?;
        return Ok(Begun::Payment(Box::new(known)));
    }
    let amount = shown.amount;
    if asked.rail.is_none_or(|wish| wish == Rail::Ledger) && chosen.is_none() {
        let asked = asked.clone();
        let member = Member { tenant, by: cx.caller().clone(), caller, asked, shown: Some(shown), key: None };
        settle::ready(cx, None).await?;
        match settle::settle(cx, keys, &[member], Read::new()).await?.pop() {
            Some(Ok(Settled::Paid(paid))) => return Ok(Begun::Payment(Box::new(paid.payment))),
            Some(Err(error)) => return Err(error),
            Some(Ok(Settled::Replayed { .. } | Settled::Apart)) | None => {}
        }
    }
    let mut rails = match permit::rules_of(cx, &order).await? {
        Some(policy) => route::candidates(cx, desk, &order, &policy, amount).await?,
        None => Vec::new(),
    };
    // What goes over the ledger is settled above.
    rails.retain(|rail| *rail != Rail::Ledger);
    let rail = match pick(asked, chosen, &rails) {
        Pick::Rail(rail) => rail,
        Pick::Ask(rails) => return Ok(Begun::Choose(rails)),
        Pick::None => {
            // What the gate says goes before that there is no way.
            permit::hold(cx, &order, asked, amount, asked.rail).await?;
            return Err(refused(&[no_rail(cx, &order, asked).await?]));
        }
    };
    let periods = permit::hold(cx, &order, asked, amount, Some(rail)).await?;
    let payment = fresh(cx, id, &order, amount, rail)?;
    let request = request_of(cx, desk, &order, &payment).await?;
    let new = store::New {
        periods: &periods,
        request: Some(serde_json::to_value(request)?),
        check_at: Some(cx.now()),
    };
    store::insert(cx, &payment, &new).await?;
    let detail = json!({ "rail": rail, "amount_minor": amount.minor, "currency": amount.currency, "mandate_hash": order.mandate.hash.to_string() });
    conclude::timeline(cx, &payment, "reserved", detail).await?;
    super::jobs::resume_later(cx, payment.id).await?;
    Ok(Begun::Payment(Box::new(payment)))
}

/// The same execution asks for the same thing.
fn same(known: &Payment, asked: &Asked) -> Result<()> {
    if asked.amount_minor.is_none_or(|minor| minor == known.amount_minor) {
        return Ok(());
    }
    Err(Error::refused(
        "idempotency_conflict",
        format!("This execution of the mandate paid {}. Another amount is another payment.", known.amount()),
    ))
}

enum Pick {
    Rail(Rail),
    Ask(Vec<Rail>),
    None,
}

/// The rail: what is wished for or chosen must be among what the rules allow.
fn pick(asked: &Asked, chosen: Option<Rail>, rails: &[Rail]) -> Pick {
    let rails: Vec<Rail> =
        rails.iter().copied().filter(|rail| asked.rail.is_none_or(|wish| wish == *rail)).collect();
    if let Some(chosen) = chosen
        && rails.contains(&chosen)
    {
        return Pick::Rail(chosen);
    }
    match rails.first() {
        Some(_) => Pick::Ask(rails),
        None => Pick::None,
    }
}

async fn no_rail(cx: &mut Cx, order: &Order, asked: &Asked) -> Result<Violation> {
    let wants_ledger = asked.rail.is_none_or(|wish| wish == Rail::Ledger);
    let policy = permit::rules_of(cx, order).await?;
    if wants_ledger && policy.is_some_and(|policy| route::over_ledger(&policy, &order.vendor)) {
        let words = "The balance does not cover it, and no other rail may be used. Add credit.";
        return Ok(Violation::new(Code::InsufficientFunds, words));
    }
    Ok(Violation::new(
        Code::RailUnavailable,
        "No rail that the policy and the vendor allow can carry this payment. Set one up, or allow another one.",
    ))
}

fn fresh(cx: &Cx, id: PaymentId, order: &Order, amount: Money, rail: Rail) -> Result<Payment> {
    Ok(Payment {
        id,
        mandate_id: order.mandate.id,
        intent_id: order.intent.id,
        principal_id: order.mandate.principal_id,
        vendor_id: order.mandate.vendor_id,
        rail,
        provider_ref: None,
        amount_minor: amount.minor,
        currency: amount.currency,
        captured_minor: 0,
        refunded_minor: 0,
        fee_version: order.intent.quote.fee_version,
        fee_minor: fee(order.intent.quote.fee_version, order.intent.quote.fee_bps, amount, rail)?,
        status: Status::Reserved,
        reason: None,
        created_at: cx.now(),
        updated_at: cx.now(),
    })
}

/// The platform's share by the quote. Over x402 the vendor's own wallet is paid the price that it named,
/// so that there is nothing to take a share of.
pub(super) fn fee(version: i32, bps: i32, amount: Money, rail: Rail) -> Result<i64> {
    match rail {
        Rail::X402 => Ok(0),
        Rail::Ledger | Rail::Stripe | Rail::Cashfree => {
            let bps = u16::try_from(bps)
                .map_err(|cause| Error::internal("A fee above its whole.").caused_by(cause))?;
            let fee = Fee { version, bps, min_minor: 0, max_minor: None };
            Ok(fee.divide(amount.minor)?.fee)
        }
    }
}

/// What the rail will be asked, byte for byte, however often.
async fn request_of(cx: &mut Cx, desk: &Desk, order: &Order, payment: &Payment) -> Result<Authorise> {
    let setup = account::open(cx, &desk.keyring, payment.rail).await?.ok_or_else(|| {
        Error::unavailable("rail_unavailable", format!("{} is not set up.", payment.rail.label()))
    })?;
    let endpoint =
        order.vendor.x402_endpoint.as_deref().map(str::parse::<Url>).transpose().map_err(|cause| {
            Error::invalid("vendor.x402_endpoint", "The vendor's x402 endpoint is not a URL.")
                .caused_by(cause)
        })?;
    // A mandate for one payment names it on the network: it cannot pay twice. Of a budget each payment
    // has a name of its own.
    let mandate = if order.mandate.caps.executions_max == 1 {
        order.mandate.token.clone()
    } else {
        format!("{}~{}", order.mandate.token, payment.id)
    };
    let source = setup.source(&order.principal.id.to_string(), endpoint.map(|url| (url, mandate)))?;
    Ok(Authorise {
        payment: payment.id.uuid(),
        amount: payment.amount(),
        source,
        timing: Timing::Now,
        description: if order.intent.description.is_empty() {
            order.intent.sku.clone()
        } else {
            order.intent.description.clone()
        },
        at: cx.now(),
    })
}

/// Moves a payment to the next rail that answers, after the first one surely got nothing of it. False:
/// there is none, or it is not certain.
pub(super) async fn pass_on(hand: &Hand<'_>, desk: &Desk, payment: &Payment, why: &str) -> Result<bool> {
    let mut cx = hand.begin().await?;
    let order = load::order(&mut cx, payment.mandate_id).await?;
    let Some(policy) = permit::rules_of(&mut cx, &order).await? else { return Ok(false) };
    let mut rails = route::candidates(&mut cx, desk, &order, &policy, payment.amount()).await?;
    drop(cx);
    rails.retain(|rail| !matches!(rail, Rail::Ledger) && *rail != payment.rail);
    let Some(rail) = super::drive::choose(hand, desk, &rails).await? else { return Ok(false) };
    let mut cx = hand.begin().await?;
    let locked = store::lock(&mut cx, payment.id).await?.ok_or_else(|| Error::not_found("payment"))?;
    let order = load::order(&mut cx, payment.mandate_id).await?;
    if locked.payment.status != Status::Reserved || locked.payment.rail != payment.rail || locked.checks > 0 {
        return Ok(false);
    }
    let moved = Payment {
        rail,
        fee_minor: fee(order.intent.quote.fee_version, order.intent.quote.fee_bps, payment.amount(), rail)?,
        provider_ref: None,
        ..locked.payment
    };
    let request = request_of(&mut cx, desk, &order, &moved).await?;
    store::set_rail(&mut cx, &moved, Some(serde_json::to_value(request)?)).await?;
    let detail = json!({ "from": payment.rail, "to": rail, "why": why });
    conclude::timeline(&mut cx, &moved, "passed_on", detail).await?;
    cx.commit().await?;
    Ok(true)
}
