//! What booking services tell: verified over the raw bytes, kept raw, answered at once; worked on later from
//! the inbox. A delivery that cannot be stored is answered with an error, so that it comes again.

use super::{keys, store};
use axum::{
    body::Bytes,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use base::{Actor, Error, TenantId};
use control::secret::Keyring;
use hooks::inbox::{self, Received};
use ports::{Ports, calendar::Service, delivery::Inbound};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// What receiving needs from the process.
#[derive(Clone)]
pub struct Desk {
    /// Who reads each service's words.
    pub ports: Arc<Ports>,
    /// Opens the secrets with which they are checked.
    pub keyring: Arc<Keyring>,
    /// The installation's public address.
    pub origin: String,
}

/// `POST /hooks/calendar/{account}/{token}`
///
/// # Errors
/// 401 when it is not from the service, 400 when it cannot be read.
pub async fn receive(
    open: web::Open,
    Path((calendar, token)): Path<(Uuid, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    desk: Desk,
) -> web::Result<Response> {
    let mut cx = open.system("webhook").await?;
    let owner = store::owner(&mut cx, calendar).await?;
    drop(cx);
    let Some((tenant, service)) = owner else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let service: Service = service.parse()?;
    let mut cx = open.tenant(TenantId(tenant), Actor::system("webhook")).await?;
    let keys = keys(&mut cx, &desk.keyring, calendar).await?;
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let url = format!("{}{path}", desk.origin).parse().map_err(|cause: url::ParseError| {
        Error::invalid("webhook.url", "The address is not one.").caused_by(cause)
    })?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let inbound = Inbound {
        url,
        path_token: token,
        headers: headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: body.clone(),
        received_at: cx.now(),
    };
    let heard = match desk.ports.calendars.get(service)?.receive(&keys, &inbound) {
        Ok(heard) => heard,
        Err(refused) => {
            tracing::warn!(service = service.word(), calendar = %calendar, %refused, "a webhook was refused");
            return Err(Error::from(refused).into());
        }
    };
    let received = Received {
        source: service.word(),
        account: calendar.to_string(),
        dedupe_key: heard.key.clone(),
        headers: json!({"heard": heard}),
        raw: body.to_vec(),
    };
    inbox::receive(&mut cx, received).await?;
    store::heard(&mut cx, calendar).await?;
    cx.commit().await?;
    Ok(StatusCode::OK.into_response())
}
