//! Sales in the public API, for the seller. What was sold is not in it: the seller has it anyway, and what
//! was not paid nobody reads.

use super::{Sale, SaleId, Status};
use crate::page::ROWS;
use crate::resource::ResourceId;
use axum::extract::{Path, Query};
use base::{Cursor, Page};
use schemars::JsonSchema;
use serde::Deserialize;
use web::Cx;
use web::api::Output;

/// Which sales.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this resource.
    resource: Option<ResourceId>,
    /// Only of this status.
    status: Option<Status>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// A sale in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: SaleId,
}

/// `GET /api/v1/sales`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Sale>>> {
    Ok(Output(super::list(&mut cx, asked.resource, asked.status, asked.after.as_ref(), ROWS).await?))
}

/// `GET /api/v1/sales/{id}`
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<Sale>> {
    Ok(Output(super::get(&mut cx, at.id).await?))
}
