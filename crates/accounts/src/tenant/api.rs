//! The organisation for programs: `/api/v1/client`.

use super::{Mode, Status, Tenant, rules};
use axum::{http::StatusCode, response::Response};
use base::{Result, TenantId, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::api::{Input, Output, once};

/// A tenant, as programs see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Client {
    id: TenantId,
    name: String,
    status: Status,
    trial_ends_at: Option<Time>,
    permission_mode: Mode,
    zone: String,
    country: String,
    currency: String,
    legal_name: Option<String>,
    postal_address: Option<String>,
    website: Option<String>,
    offer: Option<String>,
    created_at: Time,
}

impl From<Tenant> for Client {
    fn from(t: Tenant) -> Self {
        Self {
            id: t.id,
            name: t.name,
            status: t.status,
            trial_ends_at: t.trial_ends_at,
            permission_mode: t.mode,
            zone: t.zone,
            country: t.country,
            currency: t.currency,
            legal_name: t.legal_name,
            postal_address: t.postal_address,
            website: t.website,
            offer: t.offer,
            created_at: t.created_at,
        }
    }
}

/// What to change; what is left out stays, an empty text becomes unknown.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    name: Option<String>,
    permission_mode: Option<Mode>,
    zone: Option<String>,
    country: Option<String>,
    legal_name: Option<String>,
    postal_address: Option<String>,
    website: Option<String>,
    offer: Option<String>,
}

pub(crate) async fn read(mut cx: web::Cx) -> web::Result<Output<Client>> {
    Ok(Output(super::get(&mut cx).await?.into()))
}

pub(crate) async fn patch(cx: web::Cx, input: Input<Change>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, apply).await
}

async fn apply(cx: &mut db::Cx, change: Change) -> Result<Client> {
    super::lock(cx).await?;
    let mut typed = super::get(cx).await?.typed();
    let slots = [
        (&mut typed.name, change.name),
        (&mut typed.zone, change.zone),
        (&mut typed.country, change.country),
        (&mut typed.legal_name, change.legal_name),
        (&mut typed.postal_address, change.postal_address),
        (&mut typed.website, change.website),
        (&mut typed.offer, change.offer),
        (&mut typed.mode, change.permission_mode.map(|mode| mode.word().to_owned())),
    ];
    for (slot, value) in slots {
        if let Some(value) = value {
            *slot = value;
        }
    }
    let details = rules::check(&typed).map_err(crate::problems::Problems::into_error)?;
    super::change(cx, &details).await?;
    Ok(super::get(cx).await?.into())
}
