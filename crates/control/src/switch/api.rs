//! The JSON API of switches.

use super::{EffectSource, Proof, Switch, SwitchId, Target};
use axum::{extract::Path, http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use web::api::{Input, Output, once};

/// The switches of a client and of the platform.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Switches {
    /// The engaged ones first, then the released ones, the latest first; at most 200.
    pub rows: Vec<Switch>,
}

/// `GET /api/v1/switches`
pub async fn list(mut cx: web::Cx) -> web::Result<Output<Switches>> {
    Ok(Output(Switches { rows: super::history(&mut cx, 200).await? }))
}

/// `GET /api/v1/switches/{id}`
pub async fn get(
    mut cx: web::Cx,
    Path(id): Path<SwitchId>,
    source: Arc<dyn EffectSource>,
) -> web::Result<Output<Proof>> {
    Ok(Output(super::proof(&mut cx, source.as_ref(), id).await?))
}

/// Engage a switch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engage {
    /// What kind of thing to stop; `platform` only on the page.
    pub scope: super::Scope,
    /// Which one.
    pub target: Option<String>,
    /// Why.
    pub reason: String,
}

/// `POST /api/v1/switches`
pub async fn engage(cx: web::Cx, input: Input<Engage>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, body: Engage| {
        super::engage(cx, &Target { scope: body.scope, name: body.target }, &body.reason).await
    })
    .await
}

/// Release a switch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Why it may go on.
    pub reason: String,
}

/// `POST /api/v1/switches/{id}/release`
pub async fn release(cx: web::Cx, Path(id): Path<SwitchId>, input: Input<Release>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, body: Release| {
        super::release(cx, id, &body.reason).await
    })
    .await
}
