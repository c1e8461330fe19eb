//! Payouts: what developers and vendors earned, older than the hold window and really paid for, less
//! refunds, disputes and earlier payouts. The amount is set aside first; the rail is asked with no
//! transaction open, under the payout's id; a failure gives everything back.
//!
//! Nobody is paid before their identity was checked ([`Payee::kyc_at`]): what they earned rolls over.

pub(crate) mod api;
mod earner;
pub(crate) mod jobs;
pub(crate) mod pages;
pub(crate) mod payee_page;
mod store;
#[cfg(test)]
mod tests;

pub use crate::outgoing::Status;
pub(crate) use store::{find, home_currency, payees};
pub use store::{get, list, payee};

use crate::account;
use crate::outgoing;
use crate::payment::{Desk, psp_of};
use crate::rail::Rail;
use base::{Currency, Error, Money, Result, TenantId, Time};
use db::{Caller, Cx, Db, Fact, Scope};
use ledger::TransferId;
use ledger::account::Key;
use ports::rail::{Asked, Found, PaidOut, Rail as Port, Sync};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

base::id_type!(
    /// A payout.
    PayoutId
);

/// How long earnings are kept back, in seconds: a week.
pub const HOLD_WINDOW_S: i64 = 7 * 86_400;
/// The least that is paid out, in major units of the currency.
pub const MINIMUM_MAJOR: i64 = 10;

/// The least that is paid out in a currency.
pub fn minimum(currency: Currency) -> Money {
    Money { minor: MINIMUM_MAJOR * 10_i64.pow(currency.exponent()), currency }
}

/// To whom payouts go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Payee {
    /// Whose earnings.
    pub developer_id: Uuid,
    /// Over which rail.
    pub rail: Rail,
    /// The account there (`acct_…`, a wallet's address).
    pub destination: String,
    /// Since when the identity is known to be good; none: nothing is paid.
    pub kyc_at: Option<Time>,
    /// When it was last changed.
    pub updated_at: Time,
}

/// A payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Payout {
    /// Which.
    pub id: PayoutId,
    /// Whose earnings.
    pub developer_id: Uuid,
    /// Over which rail.
    pub rail: Rail,
    /// The account there.
    pub destination: String,
    /// The rail's name of it.
    pub provider_ref: Option<String>,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// How far it is.
    pub status: Status,
    /// Why it failed.
    pub reason: Option<String>,
    /// Who asked, as `kind:name`.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl Payout {
    /// How much.
    pub fn amount(&self) -> Money {
        Money { minor: self.amount_minor, currency: self.currency }
    }
}

/// Says where somebody's earnings go. Another destination has to be checked anew.
///
/// # Errors
/// Invalid destination; refused for a rail that pays nobody out.
pub async fn set_payee(cx: &mut Cx, developer: Uuid, rail: Rail, destination: &str) -> Result<Payee> {
    let destination = destination.trim();
    if destination.is_empty() || destination.len() > 500 || destination.chars().any(char::is_control) {
        return Err(Error::invalid(
            "payee.destination",
            "A destination has 1 to 500 characters on one line.",
        ));
    }
    if !matches!(rail, Rail::Stripe | Rail::X402) {
        return Err(Error::refused("payee.rail", "Payouts go over Stripe or x402."));
    }
    store::put_payee(cx, developer, rail, destination).await?;
    payee(cx, developer).await?.ok_or_else(|| Error::not_found("payee"))
}

/// Says whether somebody's identity is good.
///
/// # Errors
/// Not found.
pub async fn set_kyc(cx: &mut Cx, developer: Uuid, good: bool) -> Result<Payee> {
    store::set_kyc(cx, developer, good).await?;
    payee(cx, developer).await?.ok_or_else(|| Error::not_found("payee"))
}

/// What a rail says about an account of its own.
pub(crate) async fn payee_heard(cx: &mut Cx, rail: Rail, destination: &str, enabled: bool) -> Result<()> {
    store::set_kyc_of(cx, rail, destination, enabled).await
}

/// What may be paid out now, in minor units; below zero: what later earnings repay first.
///
/// # Errors
/// What the books say; an account that was never opened has nothing.
pub async fn available(
    cx: &mut Cx,
    developer: Uuid,
    currency: Currency,
) -> Result<ledger::payout::Available> {
    let key = Key::developer(cx.tenant()?, developer, currency);
    match ledger::payout::available(cx, key.id(), HOLD_WINDOW_S).await {
        Err(error) if error.kind() == base::Kind::NotFound => {
            Ok(ledger::payout::Available { minor: 0, young: 0, held: 0 })
        }
        other => other,
    }
}

/// Begins a payout. `minor` none: everything that is available.
///
/// # Errors
/// Refused: `payout.kyc`, `payout.minimum`, `ledger_payout_exceeds`; not found without a payee.
pub async fn begin(cx: &mut Cx, developer: Uuid, currency: Currency, minor: Option<i64>) -> Result<Payout> {
    let payee = payee(cx, developer)
        .await?
        .ok_or_else(|| Error::refused("payout.payee", "Say first where the earnings go: add a payee."))?;
    if payee.kyc_at.is_none() {
        return Err(Error::refused(
            "payout.kyc",
            "The identity was not checked yet, so nothing is paid. What was earned stays.",
        ));
    }
    let asked = minor.map(crate::intent::whole).transpose()?;
    let available = available(cx, developer, currency).await?;
    let minor = asked.unwrap_or(available.minor);
    let least = minimum(currency);
    if minor < least.minor {
        let has = Money { minor: minor.max(0), currency };
        return Err(Error::refused(
            "payout.minimum",
            format!("At least {least} is paid out; this is {has}. It stays for the next time."),
        ));
    }
    if minor > available.minor {
        let has = Money { minor: available.minor.max(0), currency };
        return Err(Error::refused("ledger_payout_exceeds", format!("Only {has} may be paid out now.")));
    }
    let payout = Payout {
        id: cx.id(),
        developer_id: developer,
        rail: payee.rail,
        destination: payee.destination,
        provider_ref: None,
        amount_minor: minor,
        currency,
        status: Status::Initiated,
        reason: None,
        created_by: cx.actor().label(),
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    let transfer = TransferId(payout.id.uuid());
    ledger::account::open_platform(cx, currency).await?;
    let step = ledger::payout::Payout {
        id: transfer,
        account: Key::developer(cx.tenant()?, developer, currency).id(),
        amount: payout.amount(),
        hold_window_s: HOLD_WINDOW_S,
    };
    ledger::payout::begin(cx, &step).await?;
    store::insert(cx, &payout, transfer).await?;
    publish(cx, &payout).await?;
    jobs::resume(cx, payout.id).await?;
    Ok(payout)
}

async fn publish(cx: &mut Cx, payout: &Payout) -> Result<()> {
    let kind = match payout.status {
        Status::Initiated => "pay.payout.begun",
        Status::Pending | Status::Unknown => "pay.payout.waits",
        Status::Succeeded => "pay.payout.succeeded",
        Status::Failed => "pay.payout.failed",
    };
    let detail = json!({ "developer_id": payout.developer_id, "amount_minor": payout.amount_minor, "currency": payout.currency });
    cx.publish(Fact::about(kind, payout.id.uuid()).with(detail)).await
}

/// What is known of a payout at its rail.
pub(crate) type Answer = outgoing::Answer<PaidOut>;

/// Seconds between two look-ups of an open payout.
const CHECK_S: i64 = 300;

/// Books an answer; a payout that has ended stays as it is.
pub(crate) async fn conclude(cx: &mut Cx, id: PayoutId, answer: &Answer) -> Result<Payout> {
    let mut payout = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("payout"))?.payout;
    if !payout.status.is_open() {
        return Ok(payout);
    }
    let (to, why) = answer.status(payout.amount(), |word| (word.amount, &word.stage));
    if let Answer::Has(word) = answer {
        payout.provider_ref = Some(word.provider_ref.clone());
    }
    let transfer = TransferId(payout.id.uuid());
    match to {
        Status::Succeeded => {
            let psp = psp_of(payout.rail, payout.currency)?
                .ok_or_else(|| Error::internal("A payout over the ledger."))?;
            ledger::payout::paid(cx, paid_of(payout.id), transfer, psp, payout.amount_minor).await?;
        }
        Status::Failed => {
            ledger::payout::failed(cx, transfer.derived("failed"), transfer).await?;
        }
        Status::Initiated | Status::Pending | Status::Unknown => {}
    }
    let changed = payout.status != to;
    payout.status = to;
    payout.reason = why.map(|why| why.chars().take(500).collect());
    payout.updated_at = cx.now();
    let check_at = to.is_open().then(|| cx.now().plus_s(CHECK_S));
    store::save(cx, &payout, check_at).await?;
    if changed {
        publish(cx, &payout).await?;
    }
    Ok(payout)
}

/// What is needed to ask a rail for a payout.
struct Order {
    payout: Payout,
    /// When the rail was last asked to pay; none: never.
    sent_at: Option<Time>,
    setup: account::Setup,
}

impl Order {
    fn request(&self) -> ports::rail::Payout {
        request_of(&self.payout)
    }
}

fn request_of(payout: &Payout) -> ports::rail::Payout {
    ports::rail::Payout {
        payout: payout.id.uuid(),
        destination: payout.destination.clone(),
        amount: payout.amount(),
        description: "Earnings".to_owned(),
        at: payout.created_at,
    }
}

/// A payout with what its rail is asked, and when it was last asked.
pub(crate) async fn request(
    cx: &mut Cx,
    id: PayoutId,
) -> Result<(Payout, ports::rail::Payout, Option<Time>)> {
    let locked = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("payout"))?;
    let request = request_of(&locked.payout);
    Ok((locked.payout, request, locked.sent_at))
}

/// The step of the books that pays it.
pub(crate) fn paid_of(payout: PayoutId) -> TransferId {
    TransferId(payout.uuid()).derived("paid")
}

/// Asks the rail for a payout, or what became of it, and books the answer. Safe to call at any time.
///
/// # Errors
/// Not found; what the database says. A rail that does not answer is no error.
pub async fn drive(db: &Db, tenant: TenantId, caller: Caller, desk: &Desk, id: PayoutId) -> Result<Payout> {
    let begin = || db.begin(Scope::Tenant(tenant), caller.clone());
    let mut cx = begin().await?;
    let locked = store::lock(&mut cx, id).await?.ok_or_else(|| Error::not_found("payout"))?;
    if !locked.payout.status.is_open() {
        return Ok(locked.payout);
    }
    let setup = account::open(&mut cx, &desk.keyring, locked.payout.rail).await?.ok_or_else(|| {
        Error::unavailable("rail_unavailable", format!("{} is not set up.", locked.payout.rail.label()))
    })?;
    let order = Order { payout: locked.payout, sent_at: locked.sent_at, setup };
    if order.sent_at.is_none() {
        store::set_sent(&mut cx, id).await?;
    }
    cx.commit().await?;
    let port = desk.rails.get(order.payout.rail.kind())?.clone();
    let answer = match look_up(&port, &order).await? {
        Some(answer) => answer,
        None => {
            if order.sent_at.is_some() {
                let mut cx = begin().await?;
                store::set_sent(&mut cx, id).await?;
                cx.commit().await?;
            }
            ask(&port, &order).await
        }
    };
    let mut cx = begin().await?;
    let payout = conclude(&mut cx, id, &answer).await?;
    cx.commit().await?;
    Ok(payout)
}

/// What became of a payout. None: the rail has nothing of it, and may be asked under the same key.
async fn look_up(port: &Arc<dyn Port>, order: &Order) -> Result<Option<Answer>> {
    let Some(last_asked_at) = order.sent_at else { return Ok(None) };
    let sync = Sync {
        of: Asked::Payout(order.request()),
        provider_ref: order.payout.provider_ref.clone(),
        last_asked_at,
    };
    Ok(match port.sync(&order.setup.account(), &sync).await {
        Ok(Found::Payout(word)) => Some(Answer::Has(word)),
        Ok(Found::NotSeen { is_final: false }) => {
            Some(Answer::Lost("The rail has not seen it yet.".to_owned()))
        }
        Ok(Found::NotSeen { is_final: true }) => match order.payout.rail {
            // What was signed holds for a window that is over: the same request is worth nothing now.
            Rail::X402 => Some(Answer::Refused("It never arrived, and cannot arrive any more.".to_owned())),
            Rail::Ledger | Rail::Stripe | Rail::Cashfree => None,
        },
        Ok(Found::Payment(_) | Found::Refund(_)) => {
            return Err(Error::internal("The rail answered a look-up of a payout with something else."));
        }
        Err(error) => Some(Answer::Lost(error.to_string())),
    })
}

async fn ask(port: &Arc<dyn Port>, order: &Order) -> Answer {
    Answer::of(port.payout(&order.setup.account(), &order.request()).await)
}
