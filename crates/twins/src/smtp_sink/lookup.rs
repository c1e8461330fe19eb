//! `GET /?message_id=…`: was a mail kept?

use super::Shared;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long a look-up waits for mails that are being received.
const WAIT: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Asked {
    message_id: String,
}

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let stop = shared.stop.clone();
    let app = Router::new().route("/", get(answer)).with_state(shared);
    let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(cause) = served {
        tracing::error!(%cause, "the look-up of the mail sink stopped");
    }
}

async fn answer(State(shared): State<Arc<Shared>>, Query(asked): Query<Asked>) -> Response {
    let id = asked.message_id.trim_matches(['<', '>']);
    let twin = [("x-twin", "agency-os")];
    // First wait, then look: a mail that is on its way in may not be reported as not seen.
    let settled = shared.receiving.settled(WAIT).await;
    match shared.store.find(id).await {
        Ok(0) if settled => (StatusCode::NOT_FOUND, twin, Json(json!({"state": "not_seen"}))).into_response(),
        Ok(0) => (StatusCode::SERVICE_UNAVAILABLE, twin, Json(json!({"state": "receiving"}))).into_response(),
        Ok(count) => (StatusCode::OK, twin, Json(json!({"state": "kept", "count": count}))).into_response(),
        Err(error) => {
            tracing::error!(?error, "the mail sink's store cannot be read");
            let body = Json(json!({"state": "unreadable", "error": error.message()}));
            (StatusCode::SERVICE_UNAVAILABLE, twin, body).into_response()
        }
    }
}
