//! Vendors in the public API.

use super::{New, Status, Vendor, VendorId};
use crate::page::ROWS;
use crate::principal::api::Nothing;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Cursor, Page};
use schemars::JsonSchema;
use serde::Deserialize;
use web::Cx;
use web::api::{Keyed, Output, once};

/// Which vendors.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this status.
    status: Option<Status>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// A vendor in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: VendorId,
}

/// `GET /api/v1/vendors`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Vendor>>> {
    Ok(Output(super::list(&mut cx, asked.status, asked.after.as_ref(), ROWS).await?))
}

/// `GET /api/v1/vendors/{id}`
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<Vendor>> {
    Ok(Output(super::get(&mut cx, at.id).await?))
}

/// `POST /api/v1/vendors`
pub(crate) async fn add(cx: Cx, Keyed(input): Keyed<New>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, new: New| super::add(cx, &new).await).await
}

/// `PUT /api/v1/vendors/{id}`
pub(crate) async fn change(cx: Cx, Path(at): Path<At>, Keyed(input): Keyed<New>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, new: New| super::change(cx, at.id, &new).await)
        .await
}

/// `DELETE /api/v1/vendors/{id}`: retires it.
pub(crate) async fn retire(
    cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<Nothing>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, _| super::retire(cx, at.id).await).await
}
