//! The public keys for everybody, the rotation for whoever runs the installation, and how handlers get
//! the keys: read before their transaction opens.

use super::{Purpose, Ring};
use crate::caller::Origin;
use crate::mandate::Place;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use web::api::{Keyed, once};
use web::{Cx, Problem};

/// `GET /.well-known/jwks.json`: current and retired keys.
pub(crate) async fn jwks(ring: Arc<Ring>) -> web::Result<Response> {
    let body = serde_json::to_vec(&ring.keys().await?.jwks()).map_err(base::Error::from)?;
    let headers =
        [(header::CONTENT_TYPE, "application/jwk-set+json"), (header::CACHE_CONTROL, "public, max-age=30")];
    Ok((StatusCode::OK, headers, body).into_response())
}

/// Which keys to replace.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotate {
    purpose: Purpose,
}

/// `POST /api/v1/signing-keys/rotate`. The ring turns in a transaction of its own, inside the key's: a crash
/// between the two leaves one more retired key and nothing else.
pub(crate) async fn rotate(cx: Cx, input: Keyed<Rotate>, ring: Arc<Ring>) -> web::Result<Response> {
    once(cx, input.0, StatusCode::CREATED, async |_: &mut db::Cx, asked: Rotate| {
        let keys = ring.rotate(asked.purpose).await?;
        let signer = keys.signer(asked.purpose)?;
        let kids = [signer.token.public().id(), signer.hash.public().id()];
        Ok(Rotated { purpose: asked.purpose, kids })
    })
    .await
}

/// What signs from now on.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rotated {
    /// For which purpose.
    purpose: Purpose,
    /// The ids of its two keys: of tokens and of hashes.
    kids: [String; 2],
}

/// Puts the keys and the sender's place into the request, before the handler's transaction opens.
pub(crate) async fn carry(State(ring): State<Arc<Ring>>, request: Request, next: Next) -> Response {
    let keys = match ring.keys().await {
        Ok(keys) => keys,
        Err(error) => return Problem(error).into_response(),
    };
    let (mut parts, body) = request.into_parts();
    let origin = match Origin::from_request_parts(&mut parts, &()).await {
        Ok(origin) => origin,
        Err(never) => match never {},
    };
    parts.extensions.insert(keys);
    let peer = ConnectInfo::<SocketAddr>::from_request_parts(&mut parts, &()).await;
    let is_local = peer.is_ok_and(|peer| peer.0.ip().is_loopback());
    let place = Place::of(origin, &parts.headers, is_local);
    parts.extensions.insert(place);
    next.run(Request::from_parts(parts, body)).await
}
