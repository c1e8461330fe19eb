//! Credit in the public API: for whoever runs the installation.

use super::New;
use axum::http::StatusCode;
use axum::response::Response;
use web::Cx;
use web::api::{Keyed, once};

/// `POST /api/v1/credits`: 201 with what is held since.
pub(crate) async fn add(cx: Cx, Keyed(input): Keyed<New>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, new: New| super::add(cx, &new).await).await
}
