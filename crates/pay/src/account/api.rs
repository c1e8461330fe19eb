//! Accounts at the rails in the public API: written, never read.

use super::Setup;
use crate::payment::Desk;
use crate::rail::Rail;
use axum::http::StatusCode;
use axum::response::Response;
use base::Result;
use schemars::JsonSchema;
use serde::Serialize;
use web::Cx;
use web::api::{Keyed, Output, once};

/// The rails that are set up.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Rails {
    rails: Vec<Rail>,
}

/// `GET /api/v1/rails`
pub(crate) async fn list(mut cx: Cx) -> web::Result<Output<Rails>> {
    Ok(Output(Rails { rails: super::set_up(&mut cx).await? }))
}

/// `PUT /api/v1/rails`
pub(crate) async fn put(cx: Cx, Keyed(input): Keyed<Setup>, desk: Desk) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, setup: Setup| -> Result<Rails> {
        super::put(cx, &desk.keyring, &setup).await?;
        Ok(Rails { rails: super::set_up(cx).await? })
    })
    .await
}
