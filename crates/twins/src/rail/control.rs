//! The desk in front of a twin: lets calls go wrong, counts, and takes orders below `/_twin`.

use super::deliver::{Event, Hook};
use crate::fault::Faults;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base::Clock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Most bytes of a call or an answer.
const MAX_BYTES: usize = 4 * 1024 * 1024;

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
    /// Nothing happens; 429.
    RateLimited,
    /// It happens late.
    Slow,
    /// It happens; the amounts in the answer are others.
    WrongAmount,
    /// It happens; the currency in the answer is another.
    WrongCurrency,
}

/// What a twin shares with its desk.
pub(super) struct Desk {
    pub(super) name: &'static str,
    pub(super) stop: CancellationToken,
    pub(super) clock: Arc<dyn Clock>,
    /// Fields of answers that hold amounts and currencies.
    amounts: &'static [&'static str],
    currencies: &'static [&'static str],
    faults: Faults<FaultKind>,
    effects: AtomicU64,
    calls: AtomicU64,
    hook: Mutex<Hook>,
    outgoing: mpsc::UnboundedSender<Event>,
    pub(super) incoming: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
}

impl Desk {
    pub(super) fn new(
        name: &'static str,
        clock: Arc<dyn Clock>,
        amounts: &'static [&'static str],
        currencies: &'static [&'static str],
    ) -> Arc<Self> {
        let (outgoing, incoming) = mpsc::unbounded_channel();
        Arc::new(Self {
            name,
            stop: CancellationToken::new(),
            clock,
            amounts,
            currencies,
            faults: Faults::default(),
            effects: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            hook: Mutex::default(),
            outgoing,
            incoming: tokio::sync::Mutex::new(incoming),
        })
    }

    pub(super) fn inject(&self, fault: Fault) {
        self.faults.add(fault);
    }

    pub(super) fn forget_faults(&self) {
        self.faults.forget();
    }

    pub(super) fn set_hook(&self, hook: Hook) {
        *locked(&self.hook) = hook;
    }

    pub(super) fn hook(&self) -> Hook {
        locked(&self.hook).clone()
    }

    /// Money would have moved.
    pub(super) fn effect(&self) {
        self.effects.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn effects(&self) -> u64 {
        self.effects.load(Ordering::SeqCst)
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Puts a webhook on its way.
    pub(super) fn tell(&self, event: Event) {
        if self.outgoing.send(event).is_err() {
            tracing::debug!(name = self.name, "a webhook came after the end");
        }
    }

    /// The first fault that fits a call.
    fn next_fault(&self, call: &str, paid: bool) -> Option<Fault> {
        self.faults.next_where(|on| match on.strip_prefix("PAID ") {
            Some(on) => paid && call.starts_with(on),
            None => call.starts_with(on),
        })
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts the desk before an app.
pub(super) fn around(desk: Arc<Desk>, app: Router) -> Router {
    let control = Router::new()
        .route("/_twin", get(about))
        .route("/_twin/faults", post(add_fault).delete(clear_faults))
        .route("/_twin/webhook", post(set_hook))
        .route("/_twin/webhook/flush", post(flush))
        .with_state(desk.clone());
    control.merge(app).layer(from_fn_with_state(desk, under_faults))
}

async fn about(State(desk): State<Arc<Desk>>) -> Json<Value> {
    let banner = format!("This is a twin of {}, part of Agency OS. No money moves here.", desk.name);
    Json(json!({"twin": desk.name, "banner": banner, "effects": desk.effects(), "calls": desk.calls()}))
}

async fn add_fault(State(desk): State<Arc<Desk>>, Json(fault): Json<Fault>) -> StatusCode {
    desk.inject(fault);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(desk): State<Arc<Desk>>) -> StatusCode {
    desk.forget_faults();
    StatusCode::NO_CONTENT
}

async fn set_hook(State(desk): State<Arc<Desk>>, Json(hook): Json<Hook>) -> StatusCode {
    desk.set_hook(hook);
    StatusCode::NO_CONTENT
}

async fn flush(State(desk): State<Arc<Desk>>) -> StatusCode {
    desk.tell(Event::flush());
    StatusCode::NO_CONTENT
}

async fn under_faults(State(desk): State<Arc<Desk>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = if path.starts_with("/_twin") {
        next.run(request).await
    } else {
        desk.calls.fetch_add(1, Ordering::SeqCst);
        let call = format!("{} {path}", request.method());
        let fault = desk.next_fault(&call, request.headers().contains_key("payment-signature"));
        match fault {
            None => next.run(request).await,
            Some(fault) => {
                tracing::info!(name = desk.name, call, ?fault, "as told, this call goes wrong");
                request.extensions_mut().insert(fault.kind);
                go_wrong(&desk, &fault, request, next).await
            }
        }
    };
    marked(response)
}

async fn go_wrong(desk: &Desk, fault: &Fault, request: Request, next: Next) -> Response {
    match fault.kind {
        FaultKind::TimeoutBefore => never(desk).await,
        FaultKind::TimeoutAfter => {
            next.run(request).await;
            never(desk).await
        }
        FaultKind::ServerError => failed(),
        FaultKind::RateLimited => {
            let mut response = failed();
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response
        }
        FaultKind::ServerErrorAfter => {
            next.run(request).await;
            failed()
        }
        FaultKind::Slow => {
            tokio::time::sleep(Duration::from_millis(fault.ms)).await;
            next.run(request).await
        }
        FaultKind::WrongAmount => respelled(next.run(request).await, desk.amounts, other_number).await,
        FaultKind::WrongCurrency => respelled(next.run(request).await, desk.currencies, other_currency).await,
    }
}

fn failed() -> Response {
    let error = json!({"error": {"type": "api_error", "message": "As told."}, "message": "As told.", "type": "api_error"});
    (StatusCode::INTERNAL_SERVER_ERROR, Json(error)).into_response()
}

/// Answers when the twin is closed; until then the caller waits.
async fn never(desk: &Desk) -> Response {
    desk.stop.cancelled().await;
    failed()
}

fn marked(mut response: Response) -> Response {
    response.headers_mut().insert(HeaderName::from_static("x-twin"), HeaderValue::from_static("agency-os"));
    response
}

/// Writes the values of some fields differently, digit by digit: what else the answer holds keeps
/// its bytes.
async fn respelled(response: Response, fields: &[&str], other: fn(&str) -> String) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_BYTES).await else { return failed() };
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    for field in fields {
        text = respell(&text, field, other);
    }
    parts.headers.remove("content-length");
    Response::from_parts(parts, Body::from(Bytes::from(text)))
}

fn respell(text: &str, field: &str, other: fn(&str) -> String) -> String {
    let label = format!("\"{field}\":");
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(&label) {
        out.push_str(before);
        out.push_str(&label);
        let end = after.find([',', '}', ']']).unwrap_or(after.len());
        let (value, tail) = after.split_at(end);
        out.push_str(&other(value));
        rest = tail;
    }
    out + rest
}

/// Another last digit; what is no number stays.
fn other_number(value: &str) -> String {
    let Some(digit) = value.trim_end_matches('"').chars().next_back().and_then(|c| c.to_digit(10)) else {
        return value.to_owned();
    };
    let quote = if value.ends_with('"') { "\"" } else { "" };
    let kept = value.trim_end_matches('"');
    let kept = kept.get(..kept.len() - 1).unwrap_or_default();
    format!("{kept}{}{quote}", (digit + 1) % 10)
}

fn other_currency(value: &str) -> String {
    if value.to_ascii_uppercase().contains("GBP") { "\"EUR\"".to_owned() } else { "\"GBP\"".to_owned() }
}
