//! The desk in front of the twins: lets calls go wrong, counts, takes orders.

use super::book::{Book, Company, Person};
use super::deliver;
use crate::fault::Faults;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What goes wrong with one call.
pub type Fault = crate::fault::Fault<FaultKind>;

/// A kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Nothing is charged and no answer ever comes.
    TimeoutBefore,
    /// It is charged and no answer ever comes.
    TimeoutAfter,
    /// Nothing is charged; 500.
    ServerError,
    /// It is charged; 500.
    ServerErrorAfter,
    /// Nothing is charged; 429 with `retry-after: 1`.
    RateLimited,
    /// It happens late.
    Slow,
    /// The key is refused: 401 in plain text.
    Unauthorized,
    /// It is charged; the answer is no JSON.
    Garbage,
}

/// What the twins share.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) stop: CancellationToken,
    book: Mutex<Book>,
    faults: Faults<FaultKind>,
    /// By service and subject.
    charges: Mutex<BTreeMap<(String, String), u64>>,
    calls: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        locked(&self.book)
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.faults.add(fault);
    }

    pub(super) fn forget_faults(&self) {
        self.faults.forget();
    }

    /// A service charges for a subject.
    pub(super) fn charge(&self, service: &str, subject: &str) {
        *locked(&self.charges).entry((service.to_owned(), subject.to_lowercase())).or_default() += 1;
    }

    pub(super) fn charged(&self, service: &str) -> u64 {
        locked(&self.charges).iter().filter(|((of, _), _)| of == service).map(|(_, times)| times).sum()
    }

    pub(super) fn charged_most(&self) -> u64 {
        locked(&self.charges).values().copied().max().unwrap_or(0)
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Puts the desk before the services.
pub(super) fn around(desk: Arc<Desk>, services: Router<Arc<Desk>>) -> Router {
    let control = Router::new()
        .route("/_twin", get(about))
        .route("/_twin/companies", post(add_company))
        .route("/_twin/people", post(add_person))
        .route("/_twin/faults", post(add_fault).delete(clear_faults))
        .route("/_twin/deliver", post(deliver_now));
    control.merge(services).with_state(desk.clone()).layer(from_fn_with_state(desk, under_faults))
}

async fn about(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let charges: BTreeMap<String, u64> =
        locked(&desk.charges).iter().fold(BTreeMap::new(), |mut sums, ((service, _), times)| {
            *sums.entry(service.clone()).or_default() += times;
            sums
        });
    Json(json!({
        "twin": "data providers", "banner": "These are twins of data providers, part of Agency OS. Nothing is charged here.",
        "charged": charges, "charged_most": desk.charged_most(), "calls": desk.calls(),
    }))
}

async fn add_company(State(desk): State<Arc<Desk>>, Json(company): Json<Company>) -> StatusCode {
    desk.book().companies.push(company);
    StatusCode::NO_CONTENT
}

async fn add_person(State(desk): State<Arc<Desk>>, Json(person): Json<Person>) -> StatusCode {
    desk.book().people.push(person);
    StatusCode::NO_CONTENT
}

async fn add_fault(State(desk): State<Arc<Desk>>, Json(fault): Json<Fault>) -> StatusCode {
    desk.inject(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(desk): State<Arc<Desk>>) -> StatusCode {
    desk.forget_faults();
    StatusCode::NO_CONTENT
}

async fn deliver_now(State(desk): State<Arc<Desk>>) -> Json<Value> {
    Json(json!({"taken": deliver::all(&desk).await}))
}

async fn under_faults(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = if path.starts_with("/_twin") {
        next.run(request).await
    } else {
        desk.calls.fetch_add(1, Ordering::SeqCst);
        let call = format!("{} {path}", request.method());
        match desk.faults.next(&call) {
            None => next.run(request).await,
            Some(fault) => {
                tracing::info!(call, ?fault, "as told, this call goes wrong");
                go_wrong(&desk, &fault, request, next).await
            }
        }
    };
    response.headers_mut().insert(HeaderName::from_static("x-twin"), HeaderValue::from_static("agency-os"));
    response
}

async fn go_wrong(desk: &Desk, fault: &Fault, request: Request, next: Next) -> Response {
    match fault.kind {
        FaultKind::TimeoutBefore => never(desk).await,
        FaultKind::TimeoutAfter => {
            next.run(request).await;
            never(desk).await
        }
        FaultKind::ServerError => failed(),
        FaultKind::ServerErrorAfter => {
            next.run(request).await;
            failed()
        }
        FaultKind::RateLimited => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], Json(json!({"error": "As told."})))
                .into_response()
        }
        FaultKind::Slow => {
            tokio::time::sleep(Duration::from_millis(fault.ms)).await;
            next.run(request).await
        }
        FaultKind::Unauthorized => (StatusCode::UNAUTHORIZED, "Invalid access credentials.").into_response(),
        FaultKind::Garbage => {
            next.run(request).await;
            (StatusCode::OK, "<html>gateway</html>").into_response()
        }
    }
}

fn failed() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": {"message": "As told."}}))).into_response()
}

/// Answers when the twins close; until then the caller waits.
async fn never(desk: &Desk) -> Response {
    desk.stop.cancelled().await;
    failed()
}
