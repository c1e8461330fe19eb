//! Executing mandates, and payments in the public API.

use super::{Closed, Desk, Event, Filter, Payment, PaymentId, Status};
use crate::caller::Caller;
use crate::mandate::{MandateId, Place};
use crate::page::ROWS;
use crate::principal::PrincipalId;
use crate::rail::Rail;
use crate::receipt::{self, Receipt};
use crate::vendor::VendorId;
use axum::Extension;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Error, Page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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

/// `POST /api/v1/execute`: 200 with the payment and its receipt, 202 while it is open.
pub(crate) async fn execute(
    cx: Cx,
    Extension(place): Extension<Place>,
    Keyed(input): Keyed<Execute>,
    desk: Desk,
) -> web::Result<Response> {
    let key = input.call().cloned().ok_or_else(|| Error::internal("A keyed call without its key."))?;
    let (db, tenant, by, caller) =
        (cx.app().db().clone(), cx.tenant()?, cx.caller().clone(), Caller::of(&cx));
    // The request's own transaction is not used: none is open while others are waited for.
    drop(cx);
    let Execute { mandate_id: mandate, amount_minor, rail, closed } = input.value;
    if let Some(minor) = amount_minor {
        crate::intent::whole(minor)?;
    }
    let call = super::Execute { tenant, by, caller, key, mandate, amount_minor, rail, closed, place };
    let answered = super::execute(&db, &desk, call).await?;
    Ok(answer(answered.status, answered.body, answered.replayed))
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
