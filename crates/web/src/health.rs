//! `/health`, `/health/live`, `/health/ready` and `/metrics`.

use crate::App;
use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use serde::Serialize;
use std::{net::SocketAddr, time::Instant};

/// One thing that readiness depends on.
#[derive(Clone)]
pub struct Check {
    /// What is checked, such as `queue`.
    pub name: &'static str,
    /// Whether the service is of no use without it (else it is only degraded).
    pub vital: bool,
    /// Does the check.
    pub run: for<'a> fn(&'a App) -> BoxFuture<'a, base::Result<()>>,
}

#[derive(Serialize)]
struct Report {
    status: &'static str,
    checks: Vec<Outcome>,
}

#[derive(Serialize)]
struct Outcome {
    name: &'static str,
    ok: bool,
    latency_ms: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The process runs.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// The process can serve: database, queue and whatever modules add.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let mut checks = vec![database(&app).await];
    let mut vital_down = checks.iter().any(|c| !c.ok);
    for check in &app.0.checks {
        let started = Instant::now();
        let result = (check.run)(&app).await;
        vital_down |= check.vital && result.is_err();
        checks.push(Outcome {
            name: check.name,
            ok: result.is_ok(),
            latency_ms: started.elapsed().as_millis(),
            detail: result.err().map(|e| e.message().to_owned()),
        });
    }
    let status = match (vital_down, checks.iter().all(|c| c.ok)) {
        (true, _) => "not_ready",
        (false, true) => "ready",
        (false, false) => "degraded",
    };
    let code = if vital_down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(Report { status, checks })).into_response()
}

async fn database(app: &App) -> Outcome {
    let started = Instant::now();
    let result = sqlx::query_scalar!(r#"select 1 as "one!""#).fetch_one(app.db().pool()).await;
    Outcome {
        name: "database",
        ok: result.is_ok(),
        latency_ms: started.elapsed().as_millis(),
        detail: result.err().map(|_| "PostgreSQL does not answer.".to_owned()),
    }
}

/// Prometheus text, for loopback callers or holders of the token.
pub(crate) async fn metrics(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let token = app.settings().metrics_token.expose();
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "));
    let local = peer.ip().is_loopback();
    let allowed = if token.is_empty() { local } else { bearer == Some(token) };
    if !allowed {
        return StatusCode::NOT_FOUND.into_response();
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.0.metrics.render()).into_response()
}
