//! The desk in front of the twins: lets calls go wrong, counts, takes orders, and hands calls to the services.

use super::book::{Book, Deal, Person, SERVICES};
use super::{close, hubspot, pipedrive};
use crate::fault::Faults;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base::{Clock, Time};
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
    /// Nothing happens and no answer ever comes.
    TimeoutBefore,
    /// It happens and no answer ever comes.
    TimeoutAfter,
    /// Nothing happens; 500.
    ServerError,
    /// It happens; 500.
    ServerErrorAfter,
    /// Nothing happens; 429 of the short limit, as the vendor says it.
    RateLimited,
    /// Nothing happens; 429 of the limit that lasts for a day, as the vendor says it.
    Exhausted,
    /// The key is refused.
    Unauthorized,
    /// It happens; the answer is no JSON.
    Garbage,
    /// It happens late.
    Slow,
}

/// A call as a service sees it.
pub(super) struct Call<'c> {
    pub(super) method: &'c str,
    pub(super) path: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: &'c HeaderMap,
    pub(super) body: Value,
    pub(super) now: Time,
}

impl Call<'_> {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn asked(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub(super) fn number(&self, name: &str, default: usize) -> usize {
        self.asked(name).parse().unwrap_or(default)
    }
}

/// What a service answers: status, headers, body.
pub(super) struct Answer(pub(super) u16, pub(super) Vec<(&'static str, String)>, pub(super) Value);

pub(super) fn answer(status: u16, body: Value) -> Answer {
    Answer(status, Vec::new(), body)
}

/// A text of a body; empty where there is none.
pub(super) fn text(from: &Value, name: &str) -> String {
    match &from[name] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// A text, or null where it is empty.
pub(super) fn or_null(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

/// What the twins share.
pub(super) struct Desk {
    pub(super) stop: CancellationToken,
    clock: Arc<dyn Clock>,
    book: Mutex<Book>,
    faults: Faults<FaultKind>,
    calls: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            stop: CancellationToken::new(),
            clock,
            book: Mutex::default(),
            faults: Faults::default(),
            calls: AtomicU64::new(0),
        }
    }

    pub(super) fn know(&self, person: Person) -> String {
        let now = self.clock.now();
        let mut book = locked(&self.book);
        let office = book.office(&person.service.clone());
        let company = if person.company.is_empty() { 0 } else { office.company(&person.company) };
        office.add(person, company, now).to_string()
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.faults.add(fault);
    }

    pub(super) fn forget_faults(&self) {
        self.faults.forget();
    }

    pub(super) fn contacts(&self, service: &str) -> Vec<Person> {
        let book = locked(&self.book);
        book.has(service)
            .map_or_else(Vec::new, |office| office.people.iter().map(|one| one.person.clone()).collect())
    }

    pub(super) fn deals(&self, service: &str) -> Vec<Deal> {
        locked(&self.book).has(service).map_or_else(Vec::new, |office| office.deals.clone())
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Hands a call to its service.
    fn serve(&self, service: &str, call: &Call<'_>) -> Answer {
        let mut book = locked(&self.book);
        let office = book.office(service);
        match service {
            "hubspot" => hubspot::serve(office, call),
            "pipedrive" => pipedrive::serve(office, call),
            _ => close::serve(office, call),
        }
    }
}

/// The orders and the services.
pub(super) fn app(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/_twin", get(about))
        .route("/_twin/contacts", get(contacts).post(add))
        .route("/_twin/deals", get(deals))
        .route("/_twin/faults", post(add_fault).delete(clear_faults))
        .fallback(any)
        .with_state(desk)
}

async fn about(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let book = locked(&desk.book);
    let count = |of: fn(&super::book::Office) -> usize| -> BTreeMap<&str, usize> {
        SERVICES.into_iter().map(|name| (name, book.has(name).map_or(0, of))).collect()
    };
    Json(json!({
        "twin": "CRMs", "banner": "These are twins of CRMs, part of Agency OS. What they hold is forgotten when they end.",
        "contacts": count(|office| office.people.len()), "deals": count(|office| office.deals.len()),
        "most_of_one_address": count(super::book::Office::most), "calls": desk.calls(),
    }))
}

async fn contacts(State(desk): State<Arc<Desk>>) -> Json<Value> {
    Json(json!(SERVICES.iter().flat_map(|name| desk.contacts(name)).collect::<Vec<_>>()))
}

async fn deals(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let all = SERVICES.iter().flat_map(|name| {
        desk.deals(name).into_iter().map(move |deal| {
            let mut one = json!(deal);
            one["service"] = json!(name);
            one
        })
    });
    Json(Value::Array(all.collect()))
}

async fn add(State(desk): State<Arc<Desk>>, Json(person): Json<Person>) -> Response {
    if !SERVICES.contains(&person.service.as_str()) {
        return (StatusCode::BAD_REQUEST, format!("service is one of {}", SERVICES.join(", ")))
            .into_response();
    }
    desk.know(person);
    StatusCode::NO_CONTENT.into_response()
}

async fn add_fault(State(desk): State<Arc<Desk>>, Json(fault): Json<Fault>) -> StatusCode {
    desk.inject(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(desk): State<Arc<Desk>>) -> StatusCode {
    desk.forget_faults();
    StatusCode::NO_CONTENT
}

async fn any(
    State(desk): State<Arc<Desk>>,
    method: Method,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let decoded = |part: &str| {
        url::form_urlencoded::parse(format!("v={}", part.replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let mut path: Vec<String> = uri.path().split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    if path.is_empty() || !SERVICES.contains(&path[0].as_str()) {
        return (StatusCode::NOT_FOUND, "There is no such service here.").into_response();
    }
    desk.calls.fetch_add(1, Ordering::SeqCst);
    let service = path.remove(0);
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let call = Call { method: method.as_str(), path, query, headers: &headers, body, now: desk.clock.now() };
    let fault = desk.faults.next(&format!("{method} {}", uri.path()));
    let answer = match fault {
        None => desk.serve(&service, &call),
        Some(fault) => {
            tracing::info!(%method, path = uri.path(), ?fault, "as told, this call goes wrong");
            match go_wrong(&desk, &service, &fault, &call).await {
                Ok(answer) => answer,
                Err(response) => return *response,
            }
        }
    };
    respond(answer)
}

fn respond(Answer(status, headers, body): Answer) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [("x-twin", "agency-os")], Json(body)).into_response();
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn go_wrong(
    desk: &Desk,
    service: &str,
    fault: &Fault,
    call: &Call<'_>,
) -> std::result::Result<Answer, Box<Response>> {
    match fault.kind {
        FaultKind::TimeoutBefore => {
            desk.stop.cancelled().await;
            Ok(failed())
        }
        FaultKind::TimeoutAfter => {
            desk.serve(service, call);
            desk.stop.cancelled().await;
            Ok(failed())
        }
        FaultKind::ServerError => Ok(failed()),
        FaultKind::ServerErrorAfter => {
            desk.serve(service, call);
            Ok(failed())
        }
        FaultKind::RateLimited => Ok(limited(service, false)),
        FaultKind::Exhausted => Ok(limited(service, true)),
        FaultKind::Unauthorized => Ok(unauthorised(service)),
        FaultKind::Garbage => {
            desk.serve(service, call);
            Err(Box::new((StatusCode::OK, "<html>gateway</html>").into_response()))
        }
        FaultKind::Slow => {
            tokio::time::sleep(Duration::from_millis(fault.ms)).await;
            Ok(desk.serve(service, call))
        }
    }
}

fn failed() -> Answer {
    answer(500, json!({"message": "As told."}))
}

/// A 429 in the vendor's own words.
fn limited(service: &str, for_the_day: bool) -> Answer {
    match service {
        "hubspot" => {
            let (policy, what) =
                if for_the_day { ("DAILY", "daily limit") } else { ("SECONDLY", "secondly limit") };
            answer(
                429,
                json!({"status": "error", "message": format!("You have reached your {what}."), "errorType": "RATE_LIMIT",
                       "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24", "policyName": policy}),
            )
        }
        "pipedrive" => {
            let left = if for_the_day { "0" } else { "29000" };
            let headers = vec![
                ("x-ratelimit-limit", "20".to_owned()),
                ("x-ratelimit-remaining", "0".to_owned()),
                ("x-ratelimit-reset", "1".to_owned()),
                ("x-daily-ratelimit-token-limit", "30000".to_owned()),
                ("x-daily-ratelimit-token-remaining", left.to_owned()),
            ];
            Answer(429, headers, json!({"success": false, "error": "request over limit", "code": 429}))
        }
        _ => {
            let reset = if for_the_day { 3_600 } else { 1 };
            let headers = vec![("ratelimit", format!("limit=100, remaining=0, reset={reset}"))];
            let error = json!({"message": "API call count exceeded for this period", "rate_limit": 100, "rate_reset": reset});
            Answer(429, headers, json!({"error": error}))
        }
    }
}

/// A 401 in the vendor's own words.
pub(super) fn unauthorised(service: &str) -> Answer {
    match service {
        "hubspot" => answer(
            401,
            json!({"status": "error", "message": "Authentication credentials not found or no longer valid.", "category": "INVALID_AUTHENTICATION"}),
        ),
        "pipedrive" => {
            answer(401, json!({"success": false, "error": "unauthorized access", "errorCode": 401}))
        }
        _ => answer(401, json!({"error": "The API key is not valid."})),
    }
}
