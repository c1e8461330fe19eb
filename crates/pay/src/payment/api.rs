//! Executing mandates, and payments in the public API.

use super::{Asked, Begun, Closed, Desk, Event, Filter, Payment, PaymentId, Status};
use crate::caller::Caller;
use crate::mandate::{MandateId, Place};
use crate::page::ROWS;
use crate::principal::PrincipalId;
use crate::rail::Rail;
use crate::receipt::{self, Receipt};
use crate::vendor::VendorId;
use axum::Extension;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Cursor, Error, Page, Result, TenantId};
use db::idem::{self, Claim, Key};
use db::{Db, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use web::Cx;
use web::api::{Keyed, Output, answer};

/// An execution of a mandate.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Execute {
    /// The mandate.
    mandate_id: MandateId,
    /// How much, in minor units; left out: what the intent says.
    #[serde(default)]
    amount_minor: Option<i64>,
    /// The rail that is wished for; left out: the rules choose.
    #[serde(default)]
    rail: Option<Rail>,
    /// What the agent closed under an open mandate.
    #[serde(default)]
    closed: Option<Closed>,
}

/// A payment with the receipt of its end.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Executed {
    /// The payment.
    payment: Payment,
    /// The receipt; none while it is open.
    receipt: Option<Receipt>,
}

/// Milliseconds between two looks at a payment that somebody else is driving.
const LOOK_MS: u64 = 100;
/// Looks until it is answered as it is: half a minute.
const LOOKS: u32 = 300;

/// `POST /api/v1/execute`: 200 with the payment and its receipt, 202 while it is open.
pub(crate) async fn execute(
    cx: Cx,
    Extension(place): Extension<Place>,
    Keyed(input): Keyed<Execute>,
    desk: Desk,
) -> web::Result<Response> {
    let key = input.call().cloned().ok_or_else(|| Error::internal("A keyed call without its key."))?;
    let call = Call {
        db: cx.app().db().clone(),
        tenant: cx.tenant()?,
        by: cx.caller().clone(),
        caller: Caller::of(&cx),
        key,
        asked: input.value,
        place,
    };
    // The request's own transaction is not used: none is open while a rail is asked.
    drop(cx);
    call.run(&desk).await
}

struct Call {
    db: Db,
    tenant: TenantId,
    by: db::Caller,
    caller: Caller,
    key: Key,
    asked: Execute,
    place: Place,
}

enum Step {
    Answered(Response),
    Choose(Vec<Rail>),
    Drive(Box<Payment>),
}

impl Call {
    async fn begin(&self) -> Result<db::Cx> {
        self.db.begin(Scope::Tenant(self.tenant), self.by.clone()).await
    }

    async fn run(self, desk: &Desk) -> web::Result<Response> {
        let mut chosen = None;
        // Twice at most: once to find out that a rail has to be chosen, once with it.
        for _ in 0..2 {
            match self.step(desk, chosen).await? {
                Step::Answered(response) => return Ok(response),
                Step::Drive(payment) => return self.finish(desk, *payment).await,
                Step::Choose(rails) => {
                    let hand =
                        super::drive::Hand { db: &self.db, tenant: self.tenant, caller: self.by.clone() };
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
        Err(Error::unavailable("rail_unavailable", "The rails changed while one was chosen. Try again."))?
    }

    /// The key, the gate, the reservation: one transaction.
    async fn step(&self, desk: &Desk, chosen: Option<Rail>) -> web::Result<Step> {
        let keys = desk.ring.keys().await?;
        let mut cx = self.begin().await?;
        match idem::claim(&mut cx, &self.key).await {
            Ok(Claim::Replay { status, body }) => return Ok(Step::Answered(answer(status, body, true))),
            Ok(Claim::Run) => {}
            // The first call under this key has set the money aside and has not come to its end: this one
            // goes on from there, and finds the same payment.
            Err(error) if error.code() == "idempotency_in_flight" => {}
            Err(error) => return Err(error.into()),
        }
        let asked = Asked {
            mandate: self.asked.mandate_id,
            amount_minor: self.asked.amount_minor,
            rail: self.asked.rail,
            execution: format!("{}:{}", self.key.identity, self.key.key),
            closed: self.asked.closed.clone(),
            place: self.place,
        };
        match super::begin(&mut cx, desk, &keys, self.caller, &asked, chosen).await? {
            Begun::Choose(rails) => Ok(Step::Choose(rails)),
            Begun::Payment(payment) if payment.status.is_open() => {
                cx.commit().await?;
                Ok(Step::Drive(payment))
            }
            Begun::Payment(payment) => Ok(Step::Answered(self.store(cx, *payment).await?)),
        }
    }

    /// Drives the payment; while another hand does, waits for its end.
    async fn finish(&self, desk: &Desk, payment: Payment) -> web::Result<Response> {
        let id = payment.id;
        let mut payment = payment;
        for _ in 0..LOOKS {
            payment = super::drive(&self.db, self.tenant, self.by.clone(), desk, id).await?;
            if payment.status != Status::Reserved {
                break;
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        let cx = self.begin().await?;
        if payment.status.is_open() {
            let body = serde_json::to_vec(&Executed { payment, receipt: None }).map_err(Error::from)?;
            return Ok(answer(StatusCode::ACCEPTED.as_u16(), body, false));
        }
        self.store(cx, payment).await
    }

    /// The end, kept under the key in its transaction.
    async fn store(&self, mut cx: db::Cx, payment: Payment) -> web::Result<Response> {
        let receipt = receipt::of_end(&mut cx, &payment).await?;
        let body = serde_json::to_vec(&Executed { payment, receipt }).map_err(Error::from)?;
        idem::store(&mut cx, &self.key, StatusCode::OK.as_u16(), &body).await?;
        cx.commit().await?;
        Ok(answer(StatusCode::OK.as_u16(), body, false))
    }
}

/// A payment in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    pub(crate) id: PaymentId,
}

/// Which payments.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Listed {
    /// Only of this principal; a paying agent sees its own anyway.
    principal: Option<PrincipalId>,
    /// Only to this vendor.
    vendor: Option<VendorId>,
    /// Only under this mandate.
    mandate: Option<MandateId>,
    /// Only of this status.
    status: Option<Status>,
    /// Only over this rail.
    rail: Option<Rail>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// `GET /api/v1/payments`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Listed>) -> web::Result<Output<Page<Payment>>> {
    let caller = Caller::of(&cx);
    if let Some(named) = asked.principal {
        caller.may_see(named, "principal")?;
    }
    let filter = Filter {
        principal: caller.only().or(asked.principal),
        vendor: asked.vendor,
        mandate: asked.mandate,
        status: asked.status,
        rail: asked.rail,
    };
    Ok(Output(super::list(&mut cx, filter, asked.after.as_ref(), ROWS).await?))
}

/// A payment with its timeline and its receipts.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// The payment.
    #[serde(flatten)]
    payment: Payment,
    /// What happened, oldest first.
    events: Vec<Event>,
    /// What attests it.
    receipts: Vec<Receipt>,
}

/// `GET /api/v1/payments/{id}`
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<Shown>> {
    let caller = Caller::of(&cx);
    let payment = super::get(&mut cx, at.id).await?;
    caller.may_see(payment.principal_id, "payment")?;
    let events = super::events(&mut cx, at.id).await?;
    let receipts = receipt::by_payment(&mut cx, at.id).await?;
    Ok(Output(Shown { payment, events, receipts }))
}
