//! Asking an outside rail, with no transaction open, and going on where a crash left off.
//!
//! `reserved` → (mandate and switches are looked at once more, `sent` is written) → the call → the answer
//! is booked. Whoever finds a payment at `sent` does not know what the rail has: it is looked up, never
//! asked a second time. Our id is the key at the rail, so that even two who ask at once move money once.

use super::conclude::{self, Answer};
use super::route::{self, Healths};
use super::store::{self, Locked, Point};
use super::{Payment, PaymentId, begin, permit};
use crate::account::{self, Setup};
use crate::signing::Ring;
use base::{Error, Result, TenantId, Time};
use control::secret::Keyring;
use db::{Caller, Cx, Db, Scope};
use ports::rail::{Asked, Authorise, Found, Rail as Port, RailError, Rails, Sync, Void};
use std::sync::Arc;

/// What one process needs for payments.
#[derive(Clone)]
pub struct Desk {
    /// The outside rails.
    pub rails: Rails,
    /// Opens sealed credentials.
    pub keyring: Arc<Keyring>,
    /// Signs receipts.
    pub ring: Arc<Ring>,
    /// The most that goes over x402, in minor units.
    pub x402_max_minor: i64,
    pub(super) healths: Arc<Healths>,
    pub(crate) turnstile: Arc<crate::webhook::hook::Turnstile>,
    pub(super) till: Arc<super::till::Till>,
}

/// The most that goes over x402 when nothing else is said, in minor units.
pub const X402_MAX_MINOR: i64 = 200;

/// Seconds after which a call that has not come back is given up: longer than any rail waits.
pub(super) const CALL_S: i64 = 60;
/// Seconds after which a payer who does not finish a payment is waited for no longer: half an hour.
const PAYER_S: i64 = 1_800;

impl Desk {
    /// A desk with the usual limit for x402.
    pub fn new(rails: Rails, keyring: Arc<Keyring>, ring: Arc<Ring>) -> Self {
        Self {
            rails,
            keyring,
            ring,
            x402_max_minor: X402_MAX_MINOR,
            healths: Arc::default(),
            turnstile: Arc::default(),
            till: Arc::default(),
        }
    }
}

/// Who drives a payment, and where.
#[derive(Clone)]
pub(crate) struct Hand<'a> {
    pub db: &'a Db,
    pub tenant: TenantId,
    pub caller: Caller,
}

impl Hand<'_> {
    pub async fn begin(&self) -> Result<Cx> {
        self.db.begin(Scope::Tenant(self.tenant), self.caller.clone()).await
    }

    fn now(&self) -> Time {
        self.db.clock().now()
    }
}

/// What is to be done next.
enum Next {
    /// Ask the rail.
    Ask(Box<(Payment, Setup, Authorise)>),
    /// Find out what the rail has.
    LookUp(Box<(Payment, Setup, Sync)>),
    /// It has ended, or somebody else is asking right now.
    Leave(Box<Payment>),
}

/// Takes a payment as far as it goes now: asks the rail or looks up what it has, and books the answer.
/// Safe to call at any time, by anybody, any number of times.
///
/// # Errors
/// Not found; what the database says. A rail that does not answer is no error.
pub async fn drive(db: &Db, tenant: TenantId, caller: Caller, desk: &Desk, id: PaymentId) -> Result<Payment> {
    let hand = Hand { db, tenant, caller };
    // At most one turn for each rail and one that finds the end.
    for _ in 0..=crate::rail::Rail::ALL.len() {
        match next(&hand, desk, id).await? {
            Next::Leave(payment) => return Ok(*payment),
            Next::Ask(ask) => {
                let (payment, setup, request) = *ask;
                let port = desk.rails.get(payment.rail.kind())?.clone();
                let answer = port.authorise(&setup.account(), &request).await;
                if let Some(payment) = answered(&hand, desk, &payment, answer).await? {
                    return Ok(payment);
                }
            }
            Next::LookUp(look) => {
                let (payment, setup, sync) = *look;
                let port = desk.rails.get(payment.rail.kind())?.clone();
                return looked_up(&hand, desk, &payment, &port, &setup, &sync).await;
            }
        }
    }
    let mut cx = hand.begin().await?;
    super::get(&mut cx, id).await
}

async fn next(hand: &Hand<'_>, desk: &Desk, id: PaymentId) -> Result<Next> {
    let keys = desk.ring.keys().await?;
    let mut cx = hand.begin().await?;
    let locked = store::lock(&mut cx, id).await?.ok_or_else(|| Error::not_found("payment"))?;
    if !locked.payment.status.is_open() {
        return Ok(Next::Leave(Box::new(locked.payment)));
    }
    let Some(request) = locked.request.clone() else {
        return Err(Error::internal(
            "An open payment has no request: only the ledger's need none, and they end at once.",
        ));
    };
    let setup = account::open(&mut cx, &desk.keyring, locked.payment.rail).await?;
    let Some(setup) = setup else {
        return Err(Error::unavailable(
            "rail_unavailable",
            format!(
                "The account at {} is gone. Set it up again, so that the payment can be looked up.",
                locked.payment.rail.label()
            ),
        ));
    };
    match locked.point {
        Point::Reserved => {
            if let Some((code, message)) = permit::stopped(&mut cx, &locked.payment).await? {
                let answer = Answer::Declined { code: code.to_owned(), message, provider_ref: None };
                let (payment, _) = conclude::apply(&mut cx, &keys, id, &answer).await?;
                cx.commit().await?;
                return Ok(Next::Leave(Box::new(payment)));
            }
            let check_at = cx.now().plus_s(CALL_S);
            store::set_sent(&mut cx, id, check_at).await?;
            store::event(
                &mut cx,
                id,
                "sent",
                locked.payment.status,
                serde_json::json!({ "rail": locked.payment.rail }),
            )
            .await?;
            cx.commit().await?;
            Ok(Next::Ask(Box::new((locked.payment, setup, request))))
        }
        Point::Sent if being_asked(&locked, cx.now()) => Ok(Next::Leave(Box::new(locked.payment))),
        Point::Sent => {
            let sync = Sync {
                of: Asked::Payment(request),
                provider_ref: locked.payment.provider_ref.clone(),
                last_asked_at: locked.sent_at.unwrap_or(locked.payment.created_at),
            };
            Ok(Next::LookUp(Box::new((locked.payment, setup, sync))))
        }
        Point::Done => Ok(Next::Leave(Box::new(locked.payment))),
    }
}

/// Whether the call may still be under way in another hand.
fn being_asked(locked: &Locked, now: Time) -> bool {
    locked.payment.status == super::Status::Reserved
        && locked.sent_at.is_some_and(|at| now.since_s(at) < CALL_S)
}

/// Books what a call came back with. None: the payment goes over another rail now.
async fn answered(
    hand: &Hand<'_>,
    desk: &Desk,
    payment: &Payment,
    answer: Result<ports::rail::Payment, RailError>,
) -> Result<Option<Payment>> {
    let answer = match answer {
        Ok(word) => Answer::Has(word),
        Err(RailError::Declined { code, message, provider_ref }) => {
            Answer::Declined { code, message, provider_ref }
        }
        Err(RailError::Unknown { host, detail, provider_ref }) => {
            Answer::Lost { detail: format!("{host}: {detail}"), provider_ref }
        }
        Err(error @ (RailError::Rejected { .. } | RailError::Unsupported { .. })) => Answer::Declined {
            code: "rail_rejected".to_owned(),
            message: error.to_string(),
            provider_ref: None,
        },
        Err(error @ RailError::NotStarted { .. }) => {
            // It surely has nothing: another rail may be asked.
            desk.healths.missed(hand.tenant, payment.rail.kind(), hand.now());
            if begin::pass_on(hand, desk, payment, &error.to_string()).await? {
                return Ok(None);
            }
            Answer::Declined {
                code: "rail_unavailable".to_owned(),
                message: error.to_string(),
                provider_ref: None,
            }
        }
    };
    let keys = desk.ring.keys().await?;
    let mut cx = hand.begin().await?;
    let (payment, _) = conclude::apply(&mut cx, &keys, payment.id, &answer).await?;
    cx.commit().await?;
    Ok(Some(payment))
}

async fn looked_up(
    hand: &Hand<'_>,
    desk: &Desk,
    payment: &Payment,
    port: &Arc<dyn Port>,
    setup: &Setup,
    sync: &Sync,
) -> Result<Payment> {
    let answer = match port.sync(&setup.account(), sync).await {
        Ok(Found::Payment(word)) if waits_too_long(&word, sync, hand.now()) => {
            Answer::Has(let_go(port, setup, payment, word).await)
        }
        Ok(Found::Payment(word)) => Answer::Has(word),
        Ok(Found::NotSeen { is_final: true }) => Answer::Declined {
            code: "rail_never_got_it".to_owned(),
            message: "The rail never got the request, and will not get it any more.".to_owned(),
            provider_ref: None,
        },
        Ok(Found::NotSeen { is_final: false }) => {
            Answer::Lost { detail: "The rail has not seen it yet.".to_owned(), provider_ref: None }
        }
        Ok(Found::Refund(_) | Found::Payout(_)) => {
            return Err(Error::internal("The rail answered a look-up of a payment with something else."));
        }
        Err(RailError::Declined { code, message, provider_ref }) => {
            Answer::Declined { code, message, provider_ref }
        }
        Err(error) => Answer::Lost { detail: error.to_string(), provider_ref: None },
    };
    let keys = desk.ring.keys().await?;
    let mut cx = hand.begin().await?;
    let (payment, _) = conclude::apply(&mut cx, &keys, payment.id, &answer).await?;
    cx.commit().await?;
    Ok(payment)
}

/// Whether a payer was waited for long enough: what is set aside is given back then.
fn waits_too_long(word: &ports::rail::Payment, sync: &Sync, now: Time) -> bool {
    !word.status.is_final() && now.since_s(sync.last_asked_at) > PAYER_S
}

/// Asks the rail to let go of a payment that its payer does not finish. What the rail had first stays
/// true when it does not, because the payer was faster, or because it does not answer: it is asked again.
async fn let_go(
    port: &Arc<dyn Port>,
    setup: &Setup,
    payment: &Payment,
    word: ports::rail::Payment,
) -> ports::rail::Payment {
    let void =
        Void { payment: payment.id.uuid(), provider_ref: word.provider_ref.clone(), held: word.amount };
    match port.void(&setup.account(), &void).await {
        Ok(gone) => gone,
        Err(error) => {
            tracing::info!(payment = %payment.id, %error, "the rail did not let go of an unfinished payment");
            word
        }
    }
}

/// The first of these rails that answers, with its account. No transaction is open.
pub(super) async fn choose(
    hand: &Hand<'_>,
    desk: &Desk,
    rails: &[crate::rail::Rail],
) -> Result<Option<crate::rail::Rail>> {
    let mut known = Vec::with_capacity(rails.len());
    let mut cx = hand.begin().await?;
    for rail in rails {
        if let Some(setup) = account::open(&mut cx, &desk.keyring, *rail).await? {
            known.push((*rail, setup.account()));
        }
    }
    drop(cx);
    Ok(route::healthy(desk, hand.tenant, hand.now(), &known).await)
}
