//! `/api/v1/webhook-endpoints`

use super::{Change, Endpoint, EndpointId, New, Status, Why};
use crate::Desk;
use axum::{
    Json,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base::{Result, Secret, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use web::api::{Input, Output, once};

/// An endpoint, as programs see it.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct EndpointView {
    id: EndpointId,
    url: String,
    description: String,
    /// Public names, beginnings such as `lead.*`, or `*`.
    event_types: Vec<String>,
    status: Status,
    disabled_why: Option<Why>,
    /// Until when the secret before the present one signs as well.
    previous_secret_until: Option<Time>,
    created_at: Time,
    /// Since when nothing but failures; null when the last attempt succeeded.
    failing_since: Option<Time>,
    last_success_at: Option<Time>,
    last_failure_at: Option<Time>,
    /// The signing secret (`whsec_…`): only in the first answer that makes it, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<Endpoint> for EndpointView {
    fn from(e: Endpoint) -> Self {
        Self {
            id: e.id,
            url: e.url,
            description: e.description,
            event_types: e.event_types,
            status: e.status,
            disabled_why: e.disabled_why,
            previous_secret_until: e.previous_until,
            created_at: e.created_at,
            failing_since: e.failing_since,
            last_success_at: e.succeeded_at,
            last_failure_at: e.failed_at,
            secret: None,
        }
    }
}

/// Endpoints.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Endpoints {
    rows: Vec<EndpointView>,
}

/// An endpoint to add.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    /// `https://…`; it must lead to a public address.
    url: String,
    #[serde(default)]
    description: String,
    /// Public names, beginnings such as `lead.*`, or `*`.
    event_types: Vec<String>,
}

/// What to change; what is left out stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    url: Option<String>,
    description: Option<String>,
    event_types: Option<Vec<String>>,
    status: Option<Status>,
}

/// Nothing to say: `{}`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Empty {}

pub(crate) async fn list(mut cx: web::Cx) -> web::Result<Output<Endpoints>> {
    let rows = super::list(&mut cx).await?.into_iter().map(Into::into).collect();
    Ok(Output(Endpoints { rows }))
}

pub(crate) async fn get(mut cx: web::Cx, Path(id): Path<EndpointId>) -> web::Result<Output<EndpointView>> {
    Ok(Output(super::get(&mut cx, id).await?.into()))
}

pub(crate) async fn create(cx: web::Cx, input: Input<Create>, desk: Desk) -> web::Result<Response> {
    shown_once(cx, input, StatusCode::CREATED, async move |cx: &mut db::Cx, new: Create| {
        let new = New { url: new.url, description: new.description, event_types: new.event_types };
        super::create(cx, &desk, &new).await
    })
    .await
}

pub(crate) async fn rotate(
    cx: web::Cx,
    Path(id): Path<EndpointId>,
    input: Input<Empty>,
    desk: Desk,
) -> web::Result<Response> {
    shown_once(cx, input, StatusCode::OK, async move |cx: &mut db::Cx, _: Empty| {
        super::rotate(cx, &desk, id).await
    })
    .await
}

/// The stored answer (for a repeated call) does not hold the secret: it is put into the first answer after
/// the change was committed.
async fn shown_once<I, F>(cx: web::Cx, input: Input<I>, status: StatusCode, work: F) -> web::Result<Response>
where
    F: AsyncFnOnce(&mut db::Cx, I) -> Result<(Endpoint, Secret)>,
{
    let made: Arc<Mutex<Option<(EndpointView, Secret)>>> = Arc::default();
    let put = made.clone();
    let answer = once(cx, input, status, async move |cx: &mut db::Cx, value: I| -> Result<EndpointView> {
        let (endpoint, text) = work(cx, value).await?;
        let view = EndpointView::from(endpoint);
        *put.lock().unwrap_or_else(PoisonError::into_inner) = Some((view.clone(), text));
        Ok(view)
    })
    .await?;
    let made = made.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(match made {
        Some((view, text)) => {
            let whole = EndpointView { secret: Some(text.expose().to_owned()), ..view };
            (status, Json(whole)).into_response()
        }
        None => answer,
    })
}

pub(crate) async fn update(
    cx: web::Cx,
    Path(id): Path<EndpointId>,
    input: Input<Update>,
    desk: Desk,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async move |cx: &mut db::Cx, new: Update| {
        let change = Change {
            url: new.url,
            description: new.description,
            event_types: new.event_types,
            status: new.status,
        };
        super::edit(cx, &desk, id, &change).await.map(EndpointView::from)
    })
    .await
}

pub(crate) async fn remove(
    mut cx: web::Cx,
    Path(id): Path<EndpointId>,
    desk: Desk,
) -> web::Result<StatusCode> {
    super::remove(&mut cx, &desk, id).await?;
    cx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
