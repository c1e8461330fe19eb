//! Refunds in the public API.

use super::Refund;
use crate::payment::Desk;
use crate::payment::api::At;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;
use web::Cx;
use web::api::{Keyed, once_as};

/// A refund to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Give {
    /// How much, in minor units; left out: everything that is left.
    #[serde(default)]
    amount_minor: Option<i64>,
    /// Why, at most 500 characters.
    #[serde(default)]
    reason: String,
}

/// `POST /api/v1/payments/{id}/refund`: 201 when the payer has it, 202 while the rail is at work.
pub(crate) async fn give(
    cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<Give>,
    desk: Desk,
) -> web::Result<Response> {
    let keys = desk.ring.keys().await?;
    once_as(cx, input, async |cx: &mut db::Cx, give: Give| {
        let refund: Refund = super::begin(cx, &keys, at.id, give.amount_minor, &give.reason).await?;
        Ok((if refund.status.is_open() { StatusCode::ACCEPTED } else { StatusCode::CREATED }, refund))
    })
    .await
}
