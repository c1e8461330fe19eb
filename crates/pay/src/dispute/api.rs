//! Fees of disputes in the public API.

use super::fee::{self, Fee, New};
use crate::page::ROWS;
use crate::rail::Rail;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use base::{Cursor, Page};
use schemars::JsonSchema;
use serde::Deserialize;
use web::Cx;
use web::api::{Keyed, Output, once};

/// Which fees.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this rail.
    rail: Option<Rail>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// `GET /api/v1/dispute-fees`
pub(crate) async fn fees(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Fee>>> {
    Ok(Output(fee::list(&mut cx, asked.rail, asked.after.as_ref(), ROWS).await?))
}

/// `POST /api/v1/dispute-fees`
pub(crate) async fn add_fee(cx: Cx, Keyed(input): Keyed<New>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, new: New| fee::add(cx, &new).await).await
}
