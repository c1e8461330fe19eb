//! Calendars in the public API.

use super::{Calendar, Kind, New, add as connect, choose as chosen, get, list as all};
use axum::{extract::Path, http::StatusCode, response::Response};
use base::{Result, Secret, Time};
use control::secret::Keyring;
use ports::calendar::Service;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;
use web::Cx;
use web::api::{Input, Output, once};

/// A calendar, as programs see it.
#[derive(Serialize, JsonSchema)]
pub struct View {
    id: Uuid,
    /// `cal_com` or `calendly`.
    service: String,
    name: String,
    /// `active` or `failed`.
    status: String,
    /// Why it failed.
    status_reason: Option<String>,
    /// What can be booked there; empty until the key was looked at.
    event_types: Vec<Kind>,
    /// What is booked.
    event_type: Option<String>,
    /// Where people book it.
    link: Option<String>,
    /// Whether messages offer it.
    offered: bool,
    /// Whether the service tells about bookings.
    subscribed: bool,
    /// When it told something last.
    heard_at: Option<Time>,
}

impl View {
    fn of(calendar: Calendar) -> Result<Self> {
        Ok(Self {
            id: calendar.id.uuid(),
            event_types: calendar.kinds()?,
            service: calendar.service,
            name: calendar.name,
            status: calendar.status,
            status_reason: calendar.status_reason,
            event_type: calendar.event_type,
            link: calendar.link,
            offered: calendar.offered,
            subscribed: calendar.subscription.is_some(),
            heard_at: calendar.heard_at,
        })
    }
}

/// Every calendar.
#[derive(Serialize, JsonSchema)]
pub struct Views {
    rows: Vec<View>,
}

/// `GET /api/v1/calendars`
pub async fn list(mut cx: Cx) -> web::Result<Output<Views>> {
    let rows = all(&mut cx).await?.into_iter().map(View::of).collect::<Result<Vec<View>>>()?;
    Ok(Output(Views { rows }))
}

/// A calendar to connect.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// `cal_com` or `calendly`.
    service: String,
    /// What you call it; empty: the service's name.
    #[serde(default)]
    name: String,
    /// The API key (`cal_…`) or personal access token. It is sealed and never shown again.
    key: String,
    /// Where, if not at the service itself.
    #[serde(default)]
    base_url: String,
}

/// `POST /api/v1/calendars`
pub async fn add(cx: Cx, input: Input<Add>, ring: Arc<Keyring>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, given: Add| {
        let service: Service = given.service.parse()?;
        let new = New { service, name: given.name, key: Secret::new(given.key), base_url: given.base_url };
        let id = connect(cx, &ring, &new).await?;
        View::of(get(cx, id.uuid()).await?)
    })
    .await
}

/// What is booked.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choose {
    /// The reference of one of the calendar's event types.
    event_type: String,
}

/// `POST /api/v1/calendars/{id}/event-type`
pub async fn choose(cx: Cx, Path(id): Path<Uuid>, input: Input<Choose>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, given: Choose| {
        chosen(cx, id, &given.event_type).await?;
        View::of(get(cx, id).await?)
    })
    .await
}
