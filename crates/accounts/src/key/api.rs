//! API keys for programs.

use super::{Key, KeyId, New};
use axum::{
    Json,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base::{Result, Role, Secret, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use web::api::{Input, Output, once};

/// A key, as programs see it.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct KeyView {
    id: KeyId,
    name: String,
    prefix: String,
    /// What it may do at most.
    role: Role,
    /// What it may do now: never more than whoever made it. Null when that one may do nothing any more.
    power: Option<Role>,
    created_at: Time,
    expires_at: Option<Time>,
    used_at: Option<Time>,
    /// The whole key: only in the first answer to its creation, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl From<Key> for KeyView {
    fn from(k: Key) -> Self {
        Self {
            id: k.id,
            name: k.name,
            prefix: k.prefix,
            role: k.role,
            power: k.power,
            created_at: k.created_at,
            expires_at: k.expires_at,
            used_at: k.used_at,
            key: None,
        }
    }
}

/// Rows of a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Keys {
    rows: Vec<KeyView>,
}

/// A key to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    role: Role,
    expires_at: Option<Time>,
}

/// A key in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct KeyPath {
    id: KeyId,
}

pub(crate) async fn list(mut cx: web::Cx) -> web::Result<Output<Keys>> {
    let rows = super::list(&mut cx).await?.into_iter().map(Into::into).collect();
    Ok(Output(Keys { rows }))
}

/// The stored answer (for a repeated call) does not hold the secret: it is put into the first
/// answer after the change was committed.
pub(crate) async fn create(cx: web::Cx, input: Input<Create>) -> web::Result<Response> {
    let by = cx.who().role;
    let made: Arc<Mutex<Option<(KeyView, Secret)>>> = Arc::default();
    let put = made.clone();
    let answer =
        once(cx, input, StatusCode::CREATED, async move |cx: &mut db::Cx, new: Create| -> Result<KeyView> {
            let new = New { name: new.name, role: new.role, expires_at: new.expires_at };
            let (key, text) = super::create(cx, by, &new).await?;
            let view = KeyView::from(key);
            *put.lock().unwrap_or_else(PoisonError::into_inner) = Some((view.clone(), text));
            Ok(view)
        })
        .await?;
    let made = made.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(match made {
        Some((view, text)) => {
            let whole = KeyView { key: Some(text.expose().to_owned()), ..view };
            (StatusCode::CREATED, Json(whole)).into_response()
        }
        None => answer,
    })
}

pub(crate) async fn revoke(mut cx: web::Cx, Path(path): Path<KeyPath>) -> web::Result<StatusCode> {
    let by = cx.who().role;
    super::revoke(&mut cx, by, path.id).await?;
    cx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
