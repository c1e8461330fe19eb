//! Payouts in the public API.

use super::{Payee, Payout, PayoutId};
use crate::page::ROWS;
use crate::rail::Rail;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Currency, Cursor, Page, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::Cx;
use web::api::{Keyed, Output, once};

/// Which payouts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this developer or vendor.
    developer: Option<Uuid>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// `GET /api/v1/payouts`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Payout>>> {
    Ok(Output(super::list(&mut cx, asked.developer, asked.after.as_ref(), ROWS).await?))
}

/// A payout in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: PayoutId,
}

/// `GET /api/v1/payouts/{id}`
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<Payout>> {
    Ok(Output(super::get(&mut cx, at.id).await?))
}

/// A payout to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    /// Whose earnings: the vendor or developer.
    developer_id: Uuid,
    /// In which currency.
    currency: Currency,
    /// How much, in minor units; left out: everything that is available.
    #[serde(default)]
    amount_minor: Option<i64>,
}

/// `POST /api/v1/payouts`
pub(crate) async fn begin(cx: Cx, Keyed(input): Keyed<Begin>) -> web::Result<Response> {
    once(cx, input, StatusCode::ACCEPTED, async |cx: &mut db::Cx, new: Begin| {
        super::begin(cx, new.developer_id, new.currency, new.amount_minor).await
    })
    .await
}

/// A payee in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PayeeAt {
    id: Uuid,
}

/// Where earnings go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Set {
    /// Over which rail: `stripe` or `x402`.
    rail: Rail,
    /// The account there.
    destination: String,
    /// Whether the identity was checked and is good; left out: as it was.
    #[serde(default)]
    kyc: Option<bool>,
}

/// `PUT /api/v1/payees/{id}`
pub(crate) async fn set(cx: Cx, Path(at): Path<PayeeAt>, Keyed(input): Keyed<Set>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, set: Set| -> Result<Payee> {
        let payee = super::set_payee(cx, at.id, set.rail, &set.destination).await?;
        match set.kyc {
            Some(good) => super::set_kyc(cx, at.id, good).await,
            None => Ok(payee),
        }
    })
    .await
}

/// What somebody may be paid.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Available {
    /// To whom; none: nobody was named yet.
    payee: Option<Payee>,
    /// What may be paid out now, in minor units; below zero: what later earnings repay first.
    available_minor: i64,
    /// Earned within the hold window.
    young_minor: i64,
    /// On its way.
    held_minor: i64,
    /// The least that is paid out.
    minimum_minor: i64,
}

/// In which currency.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct In {
    /// None: the organisation's own.
    currency: Option<Currency>,
}

/// `GET /api/v1/payees/{id}`
pub(crate) async fn payee(
    mut cx: Cx,
    Path(at): Path<PayeeAt>,
    Query(asked): Query<In>,
) -> web::Result<Output<Available>> {
    let payee = super::payee(&mut cx, at.id).await?;
    if payee.is_none() {
        // Whoever is neither named nor a vendor here is nobody.
        crate::vendor::get(&mut cx, crate::vendor::VendorId(at.id)).await?;
    }
    let currency = match asked.currency {
        Some(currency) => currency,
        None => super::home_currency(&mut cx).await?,
    };
    let available = super::available(&mut cx, at.id, currency).await?;
    Ok(Output(Available {
        payee,
        available_minor: available.minor,
        young_minor: available.young,
        held_minor: available.held,
        minimum_minor: super::minimum(currency).minor,
    }))
}
