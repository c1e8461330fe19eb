//! Purchase intents in the public API: for paying agents with their keys, and for members.

use super::{Filter, Intent, IntentId, New, Status};
use crate::caller::Caller;
use crate::page::ROWS;
use crate::principal::PrincipalId;
use crate::principal::api::Nothing;
use crate::vendor::VendorId;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Currency, Cursor, Page, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use web::Cx;
use web::api::{Keyed, Output, once};

/// Which intents.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this principal; a paying agent sees its own anyway.
    principal: Option<PrincipalId>,
    /// Only to this vendor.
    vendor: Option<VendorId>,
    /// Only of this status.
    status: Option<Status>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// An intent in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: IntentId,
}

/// An intent to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// Who wants it; a paying agent may leave it out.
    principal_id: Option<PrincipalId>,
    /// From whom.
    vendor_id: VendorId,
    /// What.
    sku: String,
    /// For how much: a whole number of minor units, above 0.
    amount_minor: i64,
    /// In which currency.
    currency: Currency,
    /// What for, at most 500 characters.
    #[serde(default)]
    description: String,
    /// What you want back with it, at most 4,096 bytes.
    #[serde(default)]
    meta: Map<String, Value>,
}

/// `GET /api/v1/purchase-intents`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Intent>>> {
    let caller = Caller::of(&cx);
    if let Some(named) = asked.principal {
        caller.may_see(named, "principal")?;
    }
    let filter =
        Filter { principal: caller.only().or(asked.principal), vendor: asked.vendor, status: asked.status };
    Ok(Output(super::list(&mut cx, filter, asked.after.as_ref(), ROWS).await?))
}

/// `GET /api/v1/purchase-intents/{id}`
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<Intent>> {
    let caller = Caller::of(&cx);
    let intent = super::get(&mut cx, at.id).await?;
    caller.may_see(intent.principal_id, "purchase intent")?;
    Ok(Output(intent))
}

/// `POST /api/v1/purchase-intents`
pub(crate) async fn create(cx: Cx, Keyed(input): Keyed<Create>) -> web::Result<Response> {
    let caller = Caller::of(&cx);
    once(cx, input, StatusCode::CREATED, async move |cx: &mut db::Cx, new: Create| -> Result<Intent> {
        let principal = caller.acts_for(new.principal_id)?;
        let new = New {
            principal,
            vendor: new.vendor_id,
            sku: new.sku,
            amount_minor: new.amount_minor,
            currency: new.currency,
            description: new.description,
            meta: new.meta,
        };
        super::create(cx, new).await
    })
    .await
}

/// `POST /api/v1/purchase-intents/{id}/cancel`
pub(crate) async fn cancel(
    cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<Nothing>,
) -> web::Result<Response> {
    let caller = Caller::of(&cx);
    once(cx, input, StatusCode::OK, async move |cx: &mut db::Cx, _| -> Result<Intent> {
        let intent = super::get(cx, at.id).await?;
        caller.may_see(intent.principal_id, "purchase intent")?;
        super::cancel(cx, at.id).await
    })
    .await
}
