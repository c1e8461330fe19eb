//! Principals in the public API.

use super::key::{self, Key, KeyId};
use super::public_key::{self, PublicKeyId, Row};
use super::{New, Principal, PrincipalId, Status};
use crate::page::ROWS;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::{Cursor, Page, Result, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use web::Cx;
use web::api::{Keyed, Output, once};

/// Which principals.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only of this status.
    status: Option<Status>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// A call with no body.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// A principal in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct At {
    id: PrincipalId,
}

/// What a principal becomes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// What it is called.
    name: String,
    /// How much it is trusted.
    risk: super::Risk,
    /// Active or suspended; DELETE closes.
    status: Status,
}

/// `GET /api/v1/principals`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Principal>>> {
    Ok(Output(super::list(&mut cx, asked.status, asked.after.as_ref(), ROWS).await?))
}

/// `GET /api/v1/principals/{id}`
pub(crate) async fn read(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<Principal>> {
    Ok(Output(super::get(&mut cx, at.id).await?))
}

/// `POST /api/v1/principals`
pub(crate) async fn add(cx: Cx, Keyed(input): Keyed<New>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, new: New| super::add(cx, &new).await).await
}

/// `PUT /api/v1/principals/{id}`
pub(crate) async fn change(cx: Cx, Path(at): Path<At>, Keyed(input): Keyed<Change>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, to: Change| -> Result<Principal> {
        let now = super::change(cx, at.id, &New { name: to.name, risk: to.risk }).await?;
        if now.status == to.status { Ok(now) } else { super::set_status(cx, at.id, to.status).await }
    })
    .await
}

/// `DELETE /api/v1/principals/{id}`: closes it for good.
pub(crate) async fn close(cx: Cx, Path(at): Path<At>, Keyed(input): Keyed<Nothing>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, _| {
        super::set_status(cx, at.id, Status::Closed).await
    })
    .await
}

/// Keys that still work.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Keys {
    rows: Vec<Key>,
}

/// A key as made: the text is in the first answer only.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct Made {
    #[serde(flatten)]
    row: Key,
    /// The whole key: only in the first answer to its making, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// `GET /api/v1/principals/{id}/keys`
pub(crate) async fn keys(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<Keys>> {
    super::get(&mut cx, at.id).await?;
    Ok(Output(Keys { rows: key::list(&mut cx, at.id).await? }))
}

/// `POST /api/v1/principals/{id}/keys`
pub(crate) async fn make_key(
    cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<Nothing>,
) -> web::Result<Response> {
    shown_once(async |made| {
        once(cx, input, StatusCode::CREATED, async move |cx: &mut db::Cx, _| {
            keep(key::make(cx, at.id).await?, &made)
        })
        .await
    })
    .await
}

/// A rotation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotate {
    /// How long the keys before it go on, in seconds; at most a week.
    #[serde(default)]
    overlap_s: i64,
}

/// `POST /api/v1/principals/{id}/keys/rotate`
pub(crate) async fn rotate_key(
    cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<Rotate>,
) -> web::Result<Response> {
    shown_once(async |made| {
        once(cx, input, StatusCode::CREATED, async move |cx: &mut db::Cx, rotate: Rotate| {
            keep(key::rotate(cx, at.id, rotate.overlap_s).await?, &made)
        })
        .await
    })
    .await
}

type Kept = Arc<Mutex<Option<(Key, Secret)>>>;

fn keep((row, text): (Key, Secret), made: &Kept) -> Result<Made> {
    *made.lock().unwrap_or_else(PoisonError::into_inner) = Some((row.clone(), text));
    Ok(Made { row, key: None })
}

/// The stored answer, which a repeated call gets, does not hold the key: it is put into the first answer
/// after the change was committed.
async fn shown_once(work: impl AsyncFnOnce(Kept) -> web::Result<Response>) -> web::Result<Response> {
    let made = Kept::default();
    let answer = work(made.clone()).await?;
    let kept = made.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(match kept {
        Some((row, text)) => {
            let whole = Made { row, key: Some(text.expose().to_owned()) };
            (StatusCode::CREATED, axum::Json(whole)).into_response()
        }
        None => answer,
    })
}

/// A key in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct KeyAt {
    id: PrincipalId,
    key: KeyId,
}

/// What is gone.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Gone {
    id: uuid::Uuid,
}

/// `DELETE /api/v1/principals/{id}/keys/{key}`
pub(crate) async fn revoke_key(
    cx: Cx,
    Path(at): Path<KeyAt>,
    Keyed(input): Keyed<Nothing>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, _| -> Result<Gone> {
        key::revoke(cx, at.id, at.key).await?;
        Ok(Gone { id: at.key.uuid() })
    })
    .await
}

/// Public keys.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PublicKeys {
    rows: Vec<Row>,
}

/// `GET /api/v1/principals/{id}/public-keys`
pub(crate) async fn public_keys(mut cx: Cx, Path(at): Path<At>) -> web::Result<Output<PublicKeys>> {
    super::get(&mut cx, at.id).await?;
    Ok(Output(PublicKeys { rows: public_key::list(&mut cx, at.id).await? }))
}

/// A public key to add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddPublicKey {
    /// The key: EC P-256 or OKP Ed25519, without its private part.
    jwk: serde_json::Value,
}

/// `POST /api/v1/principals/{id}/public-keys`
pub(crate) async fn add_public_key(
    cx: Cx,
    Path(at): Path<At>,
    Keyed(input): Keyed<AddPublicKey>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, add: AddPublicKey| {
        public_key::add(cx, at.id, &add.jwk).await
    })
    .await
}

/// A public key in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PublicKeyAt {
    id: PrincipalId,
    key: PublicKeyId,
}

/// `DELETE /api/v1/principals/{id}/public-keys/{key}`
pub(crate) async fn retire_public_key(
    cx: Cx,
    Path(at): Path<PublicKeyAt>,
    Keyed(input): Keyed<Nothing>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, _| -> Result<Gone> {
        public_key::retire(cx, at.id, at.key).await?;
        Ok(Gone { id: at.key.uuid() })
    })
    .await
}
