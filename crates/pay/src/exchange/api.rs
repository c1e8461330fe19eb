//! Exchanges and their rates in the public API.

use super::{Exchange, ExchangeId, New, Status, rate};
use crate::page::ROWS;
use crate::principal::api::Nothing;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Currency, Cursor, Page, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::Cx;
use web::api::{Keyed, Output, once};

/// Which exchanges.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this status.
    status: Option<Status>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// An exchange in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: ExchangeId,
}

/// Which rates.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Rates {
    /// Only of this currency.
    currency: Option<Currency>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// Rates that were written down.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Added {
    rates: Vec<rate::Rate>,
}

/// `GET /api/v1/exchange-rates`: the latest first.
pub(crate) async fn rates(mut cx: Cx, Query(asked): Query<Rates>) -> web::Result<Output<Page<rate::Rate>>> {
    Ok(Output(rate::list(&mut cx, asked.currency, asked.after.as_ref(), ROWS).await?))
}

/// `POST /api/v1/exchange-rates`: 201 with what counts from now on, or from when it says.
pub(crate) async fn add_rates(cx: Cx, Keyed(input): Keyed<rate::New>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, new: rate::New| -> Result<Added> {
        Ok(Added { rates: rate::add(cx, &new).await? })
    })
    .await
}

/// `GET /api/v1/exchanges`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Exchange>>> {
    Ok(Output(super::list(&mut cx, asked.status, asked.after.as_ref(), ROWS).await?))
}

/// `GET /api/v1/exchanges/{id}`
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<Exchange>> {
    Ok(Output(super::get(&mut cx, at.id).await?))
}

/// `POST /api/v1/exchanges`: 201 with a quote; nothing moves.
pub(crate) async fn quote(cx: Cx, Keyed(input): Keyed<New>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, new: New| super::quote(cx, &new).await).await
}

/// `POST /api/v1/exchanges/{id}/execute`: 200 once it is exchanged.
pub(crate) async fn execute(
    cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<Nothing>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async move |cx: &mut db::Cx, _: Nothing| super::execute(cx, at.id).await)
        .await
}
