//! Executing a mandate, once for each key: over the ledger with whoever else pays at this moment (the
//! till), else on its own — the key, the gate and the reservation in one transaction, then the rail.

use super::settle::{DONE, Member, Settled};
use super::{Asked, Begun, Closed, Desk, Payment, Status};
use crate::caller::Caller;
use crate::mandate::{MandateId, Place};
use crate::rail::Rail;
use crate::receipt::{self, Receipt};
use base::{Error, Result, TenantId};
use db::idem::{self, Claim, Key};
use db::{Db, Scope};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// A payment with the receipt of its end.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Executed {
    /// The payment.
    pub payment: Payment,
    /// The receipt; none while it is open.
    pub receipt: Option<Receipt>,
}

/// A call that executes a mandate.
#[derive(Clone, Debug)]
pub struct Execute {
    /// Whose.
    pub tenant: TenantId,
    /// Who calls, under which request.
    pub by: db::Caller,
    /// As whom.
    pub caller: Caller,
    /// What makes the call safe to repeat.
    pub key: Key,
    /// The mandate.
    pub mandate: MandateId,
    /// How much, in minor units; none: what the intent says.
    pub amount_minor: Option<i64>,
    /// The rail that is wished for; none: the rules choose.
    pub rail: Option<Rail>,
    /// What the agent closed under an open mandate.
    pub closed: Option<Closed>,
    /// From where.
    pub place: Place,
}

/// The answer to a call: an [`Executed`] as JSON.
#[derive(Clone, Debug)]
pub struct Answered {
    /// 200 at its end, 202 while it is open.
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
    /// Whether the key had its answer before.
    pub replayed: bool,
}

/// The status of an answer while the payment is open.
const OPEN: u16 = 202;
/// Milliseconds between two looks at a payment that somebody else is driving.
const LOOK_MS: u64 = 100;
/// Looks until it is answered as it is: half a minute.
const LOOKS: u32 = 300;

/// Executes a mandate. The same key has the same answer; the same execution has one payment.
///
/// # Errors
/// Not found; refused with every broken rule; `switch.engaged`; `idempotency_conflict`; `rail_unavailable`.
pub async fn execute(db: &Db, desk: &Desk, call: Execute) -> Result<Answered> {
    if call.closed.is_none() && call.rail.is_none_or(|wish| wish == Rail::Ledger) {
        match desk.till.settle(db, &desk.ring, call.member()).await? {
            Settled::Paid(paid) => return Ok(Answered { status: DONE, body: paid.body, replayed: false }),
            Settled::Replayed { status, body } => return Ok(Answered { status, body, replayed: true }),
            Settled::Apart => {}
        }
    }
    Run { db, call }.run(desk).await
}

impl Execute {
    fn asked(&self) -> Asked {
        Asked {
            mandate: self.mandate,
            amount_minor: self.amount_minor,
            rail: self.rail,
            execution: format!("{}:{}", self.key.identity, self.key.key),
            closed: self.closed.clone(),
            place: self.place,
        }
    }

    fn member(&self) -> Member {
        Member {
            tenant: self.tenant,
            by: self.by.clone(),
            caller: self.caller,
            asked: self.asked(),
            shown: None,
            key: Some(self.key.clone()),
        }
    }
}

/// A call on its own.
struct Run<'a> {
    db: &'a Db,
    call: Execute,
}

enum Step {
    Answered(Answered),
    Choose(Vec<Rail>),
    Drive(Box<Payment>),
}

impl Run<'_> {
    async fn begin(&self) -> Result<db::Cx> {
        self.db.begin(Scope::Tenant(self.call.tenant), self.call.by.clone()).await
    }

    async fn run(self, desk: &Desk) -> Result<Answered> {
        let mut chosen = None;
        // Twice at most: once to find out that a rail has to be chosen, once with it.
        for _ in 0..2 {
            match self.step(desk, chosen).await? {
                Step::Answered(answered) => return Ok(answered),
                Step::Drive(payment) => return self.finish(desk, *payment).await,
                Step::Choose(rails) => {
                    let hand = super::drive::Hand {
                        db: self.db,
                        tenant: self.call.tenant,
                        caller: self.call.by.clone(),
                    };
                    let found = super::drive::choose(&hand, desk, &rails).await?;
                    chosen = Some(found.ok_or_else(|| {
                        Error::unavailable(
                            "rail_unavailable",
                            "No rail that this payment may take answers right now.",
                        )
                    })?);
                }
            }
        }
        Err(Error::unavailable("rail_unavailable", "The rails changed while one was chosen. Try again."))
    }

    /// The key, the gate, the reservation: one transaction.
    async fn step(&self, desk: &Desk, chosen: Option<Rail>) -> Result<Step> {
        let keys = desk.ring.keys().await?;
        let mut cx = self.begin().await?;
        match idem::claim(&mut cx, &self.call.key).await {
            Ok(Claim::Replay { status, body }) => {
                return Ok(Step::Answered(Answered { status, body, replayed: true }));
            }
            Ok(Claim::Run) => {}
            // The first call under this key has set the money aside and has not come to its end: this one
            // goes on from there, and finds the same payment.
            Err(error) if error.code() == "idempotency_in_flight" => {}
            Err(error) => return Err(error),
        }
        match super::begin(&mut cx, desk, &keys, self.call.caller, &self.call.asked(), chosen).await? {
            Begun::Choose(rails) => Ok(Step::Choose(rails)),
            Begun::Payment(payment) if payment.status.is_open() => {
                cx.commit().await?;
                Ok(Step::Drive(payment))
            }
            Begun::Payment(payment) => Ok(Step::Answered(self.store(cx, *payment).await?)),
        }
    }

    /// Drives the payment; while another hand does, waits for its end.
    async fn finish(&self, desk: &Desk, payment: Payment) -> Result<Answered> {
        let id = payment.id;
        let mut payment = payment;
        for _ in 0..LOOKS {
            payment = super::drive(self.db, self.call.tenant, self.call.by.clone(), desk, id).await?;
            if payment.status != Status::Reserved {
                break;
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        let cx = self.begin().await?;
        if payment.status.is_open() {
            let body = serde_json::to_vec(&Executed { payment, receipt: None })?;
            return Ok(Answered { status: OPEN, body, replayed: false });
        }
        self.store(cx, payment).await
    }

    /// The end, kept under the key in its transaction.
    async fn store(&self, mut cx: db::Cx, payment: Payment) -> Result<Answered> {
        let receipt = receipt::of_end(&mut cx, &payment).await?;
        let body = serde_json::to_vec(&Executed { payment, receipt })?;
        idem::store(&mut cx, &self.call.key, DONE, &body).await?;
        cx.commit().await?;
        Ok(Answered { status: DONE, body, replayed: false })
    }
}
