//! Paid resources in the public API.

use super::{New, Resource, ResourceId, Status};
use crate::page::ROWS;
use crate::principal::api::Nothing;
use crate::sale::Shop;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Cursor, Page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::Cx;
use web::api::{Keyed, Output, once};

/// Which resources.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this status.
    status: Option<Status>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// A resource in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: ResourceId,
}

/// A resource with its address.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// The resource.
    #[serde(flatten)]
    resource: Resource,
    /// Where it is sold.
    url: String,
}

impl Shown {
    fn of(resource: Resource, shop: &Shop) -> Self {
        Self { url: shop.address(&resource), resource }
    }
}

/// `GET /api/v1/paid-resources`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Resource>>> {
    Ok(Output(super::list(&mut cx, asked.status, asked.after.as_ref(), ROWS).await?))
}

/// `GET /api/v1/paid-resources/{id}`
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>, shop: Shop) -> web::Result<Output<Shown>> {
    Ok(Output(Shown::of(super::get(&mut cx, at.id).await?, &shop)))
}

/// `POST /api/v1/paid-resources`
pub(crate) async fn add(cx: Cx, Keyed(input): Keyed<New>, shop: Shop) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, new: New| -> base::Result<Shown> {
        Ok(Shown::of(super::add(cx, &new, shop.facilitator.is_sandbox()).await?, &shop))
    })
    .await
}

/// `PUT /api/v1/paid-resources/{id}`
pub(crate) async fn change(
    cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<New>,
    shop: Shop,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, new: New| -> base::Result<Shown> {
        Ok(Shown::of(super::change(cx, at.id, &new, shop.facilitator.is_sandbox()).await?, &shop))
    })
    .await
}

/// `DELETE /api/v1/paid-resources/{id}`: takes it off sale.
pub(crate) async fn retire(
    cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<Nothing>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, _| super::retire(cx, at.id).await).await
}
