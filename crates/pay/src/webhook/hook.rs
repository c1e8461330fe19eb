//! The addresses that rails call: `/webhooks/stripe?tenant=…`, `/webhooks/cashfree?tenant=…`,
//! `/webhooks/x402/{vendor}`. The tenant is a part of the address that is given to the rail; without it,
//! the only tenant that has the rail is meant.

use super::{EVENT, source};
use crate::account;
use crate::payment::Desk;
use crate::rail::Rail;
use crate::vendor::VendorId;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base::{Actor, Error, Kind, Result, TenantId, Time};
use hooks::inbox::{self, Received};
use ports::rail::Inbound;
use serde::Deserialize;
use std::net::IpAddr;
use web::Open;

/// The largest delivery, in bytes.
const BYTES_MAX: usize = 1024 * 1024;

pub(crate) use crate::turnstile::Turnstile;

/// # Errors
/// Limited, beyond 100 requests of an address in a minute.
fn pass(desk: &Desk, from: Option<IpAddr>, now: Time) -> Result<()> {
    desk.turnstile.pass(from, now).map_err(|wait_s| {
        Error::new(
            Kind::Limited,
            "webhook.too_many",
            format!(
                "More than {} webhooks of one address in a minute. Come again in {wait_s} seconds.",
                desk.turnstile.per_minute()
            ),
        )
    })
}

/// For which tenant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct To {
    tenant: Option<TenantId>,
}

/// What came, and from where.
pub(crate) struct Came {
    pub from: Option<IpAddr>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// `POST /webhooks/stripe`, `POST /webhooks/cashfree`
pub(crate) async fn of_rail(open: Open, rail: Rail, to: To, came: Came, desk: Desk) -> web::Result<Response> {
    let now = open.app().db().clock().now();
    pass(&desk, came.from, now)?;
    let tenant = match to.tenant {
        Some(tenant) => tenant,
        None => only_tenant(&open, rail).await?,
    };
    take(&open, rail, tenant, came, &desk, now).await
}

/// `POST /webhooks/x402/{vendor}`
pub(crate) async fn of_vendor(open: Open, vendor: VendorId, came: Came, desk: Desk) -> web::Result<Response> {
    let now = open.app().db().clock().now();
    pass(&desk, came.from, now)?;
    let mut cx = open.system("webhook").await?;
    let tenant = sqlx::query_scalar!("select tenant_id from pay.vendor where id = $1", vendor.uuid())
        .fetch_optional(cx.conn())
        .await?
        .ok_or_else(|| Error::not_found("webhook"))?;
    drop(cx);
    take(&open, Rail::X402, TenantId(tenant), came, &desk, now).await
}

async fn only_tenant(open: &Open, rail: Rail) -> web::Result<TenantId> {
    let mut cx = open.system("webhook").await?;
    let name = format!("pay.rail.{}", rail.word());
    let tenants = sqlx::query_scalar!("select tenant_id from control.secret where name = $1 limit 2", name)
        .fetch_all(cx.conn())
        .await?;
    match tenants.as_slice() {
        [only] => Ok(TenantId(*only)),
        _ => Err(Error::invalid(
            "webhook.tenant",
            "Say for which tenant: add ?tenant=… to the address that the rail calls.",
        ))?,
    }
}

/// Verifies and keeps it. 2xx only after the row is committed; a repeated one is answered alike.
async fn take(
    open: &Open,
    rail: Rail,
    tenant: TenantId,
    came: Came,
    desk: &Desk,
    now: Time,
) -> web::Result<Response> {
    if came.body.len() > BYTES_MAX {
        return Err(refused(
            rail,
            Error::new(Kind::TooLarge, "webhook.too_large", "A webhook has at most 1 MiB."),
        ))?;
    }
    let mut cx = open.tenant(tenant, Actor::system("webhook")).await?;
    let setup = account::open(&mut cx, &desk.keyring, rail).await?;
    let Some(setup) = setup else { return Err(refused(rail, Error::not_found("webhook")))? };
    let headers = came
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let inbound = Inbound { headers, body: came.body, received_at: now };
    let port = desk.rails.get(rail.kind())?;
    let event =
        port.parse_webhook(&setup.account(), &inbound).map_err(|cause| refused(rail, cause.into()))?;
    let received = Received {
        source: source(rail),
        account: rail.word().to_owned(),
        dedupe_key: event.id.clone(),
        headers: serde_json::json!({ EVENT: event }),
        raw: inbound.body.to_vec(),
    };
    inbox::receive(&mut cx, received).await?;
    cx.commit().await?;
    Ok((StatusCode::OK, "ok").into_response())
}

/// Counts what was turned away: it leaves no row.
fn refused(rail: Rail, error: Error) -> Error {
    metrics::counter!("pay_webhooks_refused_total", "rail" => rail.word(), "code" => error.code())
        .increment(1);
    error
}
