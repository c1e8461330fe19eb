//! `/api/v1/webhook-deliveries`

use super::{Delivery, DeliveryId, State, rules, store::Line};
use crate::endpoint::{self, EndpointId, api::Empty};
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use base::{Cursor, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::api::{Input, Output, once};

/// Rows of a page.
const ROWS: usize = 50;

/// A delivery.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DeliveryView {
    id: DeliveryId,
    /// The `webhook-id` that the receiver sees; the same in every attempt.
    webhook_id: String,
    #[serde(rename = "type")]
    kind: String,
    state: State,
    attempts: i32,
    /// When it is tried next, at the earliest; null when it ended.
    next_at: Option<Time>,
    created_at: Time,
    /// The status of the last attempt; null when no answer came.
    status: Option<i32>,
    /// Why the last attempt does not count as delivered.
    error: Option<String>,
}

fn upcoming(state: State, at: Time) -> Option<Time> {
    match state {
        State::Pending => Some(at),
        State::Sending | State::Succeeded | State::Dead => None,
    }
}

impl From<Line> for DeliveryView {
    fn from(line: Line) -> Self {
        Self {
            id: line.id,
            webhook_id: rules::webhook_id(line.message),
            kind: line.kind,
            state: line.state,
            attempts: line.attempts,
            next_at: upcoming(line.state, line.next_at),
            created_at: line.created_at,
            status: line.status,
            error: line.error,
        }
    }
}

/// A page of deliveries.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Deliveries {
    rows: Vec<DeliveryView>,
    /// For `?after=`; null on the last page.
    next: Option<Cursor>,
}

/// Which deliveries.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    state: Option<State>,
    after: Option<Cursor>,
}

/// One attempt.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AttemptView {
    number: i32,
    started_at: Time,
    duration_ms: Option<i32>,
    status: Option<i32>,
    error: Option<String>,
    /// The first 2 KiB of the answer, as text.
    answer: Option<String>,
}

/// A delivery with what is sent and every attempt.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WholeDelivery {
    id: DeliveryId,
    endpoint: EndpointId,
    webhook_id: String,
    #[serde(rename = "type")]
    kind: String,
    state: State,
    next_at: Option<Time>,
    created_at: Time,
    /// The bytes that are sent.
    body: String,
    attempts: Vec<AttemptView>,
}

/// That it is on its way.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OnItsWay {
    id: DeliveryId,
}

pub(crate) async fn list(
    mut cx: web::Cx,
    Path(id): Path<EndpointId>,
    Query(asked): Query<Asked>,
) -> web::Result<Output<Deliveries>> {
    endpoint::get(&mut cx, id).await?;
    let page = super::list(&mut cx, id, asked.state, asked.after.as_ref(), ROWS).await?;
    Ok(Output(Deliveries { rows: page.rows.into_iter().map(Into::into).collect(), next: page.next }))
}

pub(crate) async fn get(mut cx: web::Cx, Path(id): Path<DeliveryId>) -> web::Result<Output<WholeDelivery>> {
    let delivery: Delivery = super::get(&mut cx, id).await?;
    let attempts = super::attempts(&mut cx, id).await?.into_iter().map(|a| AttemptView {
        number: a.number,
        started_at: a.started_at,
        duration_ms: a.duration_ms,
        status: a.status,
        error: a.error,
        answer: a.answer.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    });
    Ok(Output(WholeDelivery {
        id,
        endpoint: delivery.endpoint,
        webhook_id: rules::webhook_id(delivery.message),
        kind: delivery.kind,
        state: delivery.state,
        next_at: upcoming(delivery.state, delivery.next_at),
        created_at: delivery.created_at,
        body: delivery.body,
        attempts: attempts.collect(),
    }))
}

pub(crate) async fn test(
    cx: web::Cx,
    Path(id): Path<EndpointId>,
    input: Input<Empty>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::ACCEPTED, async move |cx: &mut db::Cx, _: Empty| {
        super::test(cx, id).await.map(|id| OnItsWay { id })
    })
    .await
}

pub(crate) async fn again(
    cx: web::Cx,
    Path(id): Path<DeliveryId>,
    input: Input<Empty>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::ACCEPTED, async move |cx: &mut db::Cx, _: Empty| {
        super::again(cx, id).await.map(|()| OnItsWay { id })
    })
    .await
}
