//! What providers report: verified over the raw bytes, kept raw, answered at once; worked on later from
//! the inbox. A delivery that cannot be stored is answered with an error, so that it comes again.

use super::{hook, keys, store};
use crate::channel::way::Keys;
use axum::{
    body::Bytes,
    extract::Path,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base::{Actor, Error, Kind, Secret, TenantId};
use control::secret::Keyring;
use hooks::inbox::{self, Received};
use ports::{
    Ports,
    delivery::{Event, Inbound, Keys as Signed, Provider, SignaturePlan, Signing},
};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// What receiving needs from the process.
#[derive(Clone)]
pub struct Desk {
    /// Who reads each provider's webhooks.
    pub ports: Arc<Ports>,
    /// Opens the secrets with which they are checked.
    pub keyring: Arc<Keyring>,
    /// The installation's public address: some providers sign it.
    pub origin: String,
}

/// The source under which a provider's deliveries lie in the inbox.
pub fn source(provider: Provider) -> &'static str {
    match provider {
        Provider::Resend => "resend",
        Provider::Postmark => "postmark",
        Provider::Salesforge => "salesforge",
        Provider::Twilio => "twilio",
        Provider::Telnyx => "telnyx",
        Provider::HeyReach => "heyreach",
        Provider::Vapi => "vapi",
        Provider::ElevenLabs => "elevenlabs",
        Provider::Deepgram => "deepgram",
        Provider::Lob => "lob",
    }
}

/// `POST /hooks/{provider}/{account}/{token}`
pub async fn receive(
    open: web::Open,
    Path((provider, account, token)): Path<(String, Uuid, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    desk: Desk,
) -> web::Result<Response> {
    let Some(known) = Provider::ALL.into_iter().find(|known| known.as_str() == provider) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let mut cx = open.system("webhook").await?;
    let owner = store::owner(&mut cx, account, &provider).await?;
    drop(cx);
    let Some(owner) = owner else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let mut cx = open.tenant(TenantId(owner), Actor::system("webhook")).await?;
    let signed = signed(&mut cx, &desk.keyring, account, known).await?;
    let inbound = Inbound {
        url: url(&desk.origin, &uri)?,
        path_token: token,
        headers: texts(&headers),
        body: body.clone(),
        received_at: cx.now(),
    };
    let event = match desk.ports.receivers.get(known)?.receive(&signed, &inbound) {
        Ok(event) => event,
        Err(refused) => {
            tracing::warn!(provider, account = %account, %refused, "a webhook was refused");
            return Err(Error::from(refused).into());
        }
    };
    keep(&mut cx, known, account, &event, &body).await?;
    store::heard(&mut cx, account).await?;
    cx.commit().await?;
    Ok(thanks(known))
}

/// Keeps a verified event with the bytes that it was read from.
pub(crate) async fn keep(
    cx: &mut db::Cx,
    provider: Provider,
    account: Uuid,
    event: &Event,
    raw: &[u8],
) -> base::Result<()> {
    let received = Received {
        source: source(provider),
        account: account.to_string(),
        dedupe_key: event.key.clone(),
        headers: json!({"event": event}),
        raw: raw.to_vec(),
    };
    inbox::receive(cx, received).await?;
    Ok(())
}

/// Twilio reads the answer as instructions: none.
fn thanks(provider: Provider) -> Response {
    if provider == Provider::Twilio {
        return ([(header::CONTENT_TYPE, "text/xml")], "<Response/>").into_response();
    }
    StatusCode::OK.into_response()
}

fn url(origin: &str, uri: &Uri) -> base::Result<url::Url> {
    let path = uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    format!("{origin}{path}").parse().map_err(|cause: url::ParseError| {
        Error::new(Kind::Invalid, "webhook.url", "The address is not one.").caused_by(cause)
    })
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// With what the account's deliveries are checked.
async fn signed(cx: &mut db::Cx, ring: &Keyring, account: Uuid, provider: Provider) -> base::Result<Signed> {
    let path_token = hook(cx, ring, account).await?;
    let keys = keys(cx, ring, account).await?;
    Ok(Signed { path_token, signing: signing(provider, &keys) })
}

fn signing(provider: Provider, keys: &Keys) -> Signing {
    let secrets = |field: &str| {
        let secret = keys.secret(field);
        if secret.is_empty() { Vec::new() } else { vec![secret] }
    };
    match provider {
        Provider::Resend => Signing::Secrets(secrets("signing_secret")),
        Provider::Twilio => Signing::Secrets(secrets("auth_token")),
        Provider::Telnyx => Signing::Secrets(keys.maybe("public_key").map(Secret::new).into_iter().collect()),
        Provider::Vapi => Signing::Plan(SignaturePlan::Hmac(secrets("webhook_secret"))),
        Provider::Lob | Provider::ElevenLabs => Signing::Secrets(secrets("webhook_secret")),
        Provider::Postmark | Provider::Salesforge | Provider::HeyReach | Provider::Deepgram => Signing::None,
    }
}
