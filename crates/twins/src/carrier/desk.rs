//! The desk in front of a twin: lets calls go wrong, counts, and takes orders below `/_twin`.

use super::letters::{self, Hook, Letter};
use crate::{fault::Faults, listen};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base::{Clock, Error, Result, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
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
    /// Nothing happens; 429 with `retry-after`.
    RateLimited,
    /// It happens late.
    Slow,
}

/// A call as a vendor sees it.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: Vec<&'a str>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
    pub(crate) now: Time,
}

impl Call<'_> {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.body).unwrap_or(Value::Null)
    }
}

/// What a vendor answers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content: Content,
    /// How many people this would have reached.
    pub(crate) reached: u64,
    /// Webhooks that follow from it.
    pub(crate) letters: Vec<Letter>,
}

pub(crate) enum Content {
    Json(Value),
    Bytes(&'static str, Vec<u8>),
    Empty,
}

impl Answer {
    pub(crate) fn of(status: u16, body: Value) -> Self {
        Self { status, content: Content::Json(body), reached: 0, letters: Vec::new() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, content: Content::Empty, reached: 0, letters: Vec::new() }
    }

    /// Somebody was reached, and the vendor will say so.
    pub(crate) fn reaches(mut self, letters: Vec<Letter>) -> Self {
        self.reached = 1;
        self.letters = letters;
        self
    }
}

/// One vendor's manners.
pub(crate) trait Vendor: Send + 'static {
    /// As people write it.
    fn name(&self) -> &'static str;
    /// A call of the API.
    fn call(&mut self, call: &Call<'_>) -> Answer;
    /// Lets something happen; gives the webhooks, or what is wrong with the order.
    fn order(&mut self, order: &Value, now: Time) -> std::result::Result<Vec<Letter>, String>;
    /// What it got, oldest first.
    fn messages(&self) -> Vec<Value>;
}

/// A text of an order or a body.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

pub(crate) struct Desk {
    pub(crate) name: &'static str,
    pub(crate) stop: CancellationToken,
    pub(crate) clock: Arc<dyn Clock>,
    vendor: Mutex<Box<dyn Vendor>>,
    faults: Faults<FaultKind>,
    hook: Mutex<Hook>,
    reached: AtomicU64,
    calls: AtomicU64,
    outgoing: mpsc::UnboundedSender<Option<Letter>>,
}

impl Desk {
    pub(crate) fn hook(&self) -> Hook {
        locked(&self.hook).clone()
    }

    fn tell(&self, letter: Option<Letter>) {
        if self.outgoing.send(letter).is_err() {
            tracing::debug!(name = self.name, "a webhook came after the end");
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A twin that is running.
pub struct CarrierTwin {
    address: SocketAddr,
    desk: Arc<Desk>,
    tasks: Vec<JoinHandle<()>>,
}

impl CarrierTwin {
    pub(crate) async fn serve(
        at: SocketAddr,
        clock: Arc<dyn Clock>,
        vendor: Box<dyn Vendor>,
    ) -> Result<Self> {
        let listener = listen(at).await?;
        let address = listener
            .local_addr()
            .map_err(|cause| Error::internal("A listener has no address.").caused_by(cause))?;
        let (outgoing, incoming) = mpsc::unbounded_channel();
        let name = vendor.name();
        let desk = Arc::new(Desk {
            name,
            stop: CancellationToken::new(),
            clock,
            vendor: Mutex::new(vendor),
            faults: Faults::default(),
            hook: Mutex::default(),
            reached: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            outgoing,
        });
        let app = Router::new().fallback(handle).with_state(desk.clone());
        let stop = desk.stop.clone();
        let server = tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(cause) = served {
                tracing::error!(%cause, name, "a twin of a carrier stopped");
            }
        });
        let sender = tokio::spawn(letters::run(desk.clone(), incoming));
        tracing::info!(%address, name, "a twin of a carrier is up; what it gets reaches nobody");
        Ok(Self { address, desk, tasks: vec![server, sender] })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets a call go wrong; several faults are used up in order.
    pub fn inject(&self, fault: Fault) {
        self.desk.faults.add(fault);
    }

    /// Forgets the faults that are left.
    pub fn forget_faults(&self) {
        self.desk.faults.forget();
    }

    /// Where webhooks go.
    pub fn send_webhooks(&self, hook: Hook) {
        *locked(&self.desk.hook) = hook;
    }

    /// Lets something happen there, as `POST /_twin/events` does.
    ///
    /// # Errors
    /// Invalid when the vendor knows no such event.
    pub fn happen(&self, order: &Value) -> Result<()> {
        let letters = locked(&self.desk.vendor).order(order, self.desk.clock.now());
        let letters = letters.map_err(|why| Error::invalid("twin.order", why))?;
        letters.into_iter().for_each(|letter| self.desk.tell(Some(letter)));
        Ok(())
    }

    /// How many people would have been reached.
    pub fn reached(&self) -> u64 {
        self.desk.reached.load(Ordering::SeqCst)
    }

    /// How many calls came in, those below `/_twin` not counted.
    pub fn calls(&self) -> u64 {
        self.desk.calls.load(Ordering::SeqCst)
    }

    /// What it got, oldest first.
    pub fn messages(&self) -> Vec<Value> {
        locked(&self.desk.vendor).messages()
    }

    /// Ends what hangs, finishes the calls at hand and closes.
    pub async fn shutdown(self) {
        self.desk.stop.cancel();
        for task in self.tasks {
            if let Err(cause) = task.await {
                tracing::error!(%cause, "a twin of a carrier failed");
            }
        }
    }
}

async fn handle(
    State(desk): State<Arc<Desk>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut response = if uri.path().starts_with("/_twin") {
        ordered(&desk, &method, uri.path(), &body)
    } else {
        desk.calls.fetch_add(1, Ordering::SeqCst);
        under_faults(&desk, &method, &uri, &headers, &body).await
    };
    response.headers_mut().insert(HeaderName::from_static("x-twin"), HeaderValue::from_static("agency-os"));
    response
}

async fn under_faults(
    desk: &Desk,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let run = || called(desk, method, uri, headers, body);
    let Some(fault) = desk.faults.next(&format!("{method} {}", uri.path())) else { return run() };
    tracing::info!(name = desk.name, %uri, ?fault, "as told, this call goes wrong");
    let failed = |status: StatusCode| {
        let error = json!({"message": "As told.", "Message": "As told.", "error": {"message": "As told."}});
        (status, Json(error)).into_response()
    };
    match fault.kind {
        FaultKind::TimeoutBefore => {}
        FaultKind::TimeoutAfter => drop(run()),
        FaultKind::ServerError => return failed(StatusCode::INTERNAL_SERVER_ERROR),
        FaultKind::ServerErrorAfter => {
            drop(run());
            return failed(StatusCode::INTERNAL_SERVER_ERROR);
        }
        FaultKind::RateLimited => {
            let mut response = failed(StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().insert("retry-after", HeaderValue::from(fault.ms.div_ceil(1_000)));
            return response;
        }
        FaultKind::Slow => {
            tokio::time::sleep(Duration::from_millis(fault.ms)).await;
            return run();
        }
    }
    // Until the twin closes the caller waits.
    desk.stop.cancelled().await;
    failed(StatusCode::INTERNAL_SERVER_ERROR)
}

fn called(desk: &Desk, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
    let query =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let path = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let now = desk.clock.now();
    let call = Call { method: method.as_str(), path, query, headers, body, now };
    let answer = locked(&desk.vendor).call(&call);
    desk.reached.fetch_add(answer.reached, Ordering::SeqCst);
    answer.letters.into_iter().for_each(|letter| desk.tell(Some(letter)));
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match answer.content {
        Content::Json(body) => (status, Json(body)).into_response(),
        Content::Bytes(kind, bytes) => (status, [("content-type", kind)], Body::from(bytes)).into_response(),
        Content::Empty => status.into_response(),
    }
}

fn ordered(desk: &Desk, method: &Method, path: &str, body: &Bytes) -> Response {
    let bad = |why: String| (StatusCode::BAD_REQUEST, Json(json!({"error": why}))).into_response();
    match (method.as_str(), path) {
        ("GET", "/_twin") => {
            let banner =
                format!("This is a twin of {}, part of Agency OS. What it gets reaches nobody.", desk.name);
            let (reached, calls) = (desk.reached.load(Ordering::SeqCst), desk.calls.load(Ordering::SeqCst));
            Json(json!({"twin": desk.name, "banner": banner, "reached": reached, "calls": calls}))
                .into_response()
        }
        ("GET", "/_twin/messages") => Json(locked(&desk.vendor).messages()).into_response(),
        ("POST", "/_twin/faults") => match serde_json::from_slice(body) {
            Ok(fault) => {
                desk.faults.add(fault);
                StatusCode::NO_CONTENT.into_response()
            }
            Err(cause) => bad(cause.to_string()),
        },
        ("DELETE", "/_twin/faults") => {
            desk.faults.forget();
            StatusCode::NO_CONTENT.into_response()
        }
        ("POST", "/_twin/webhook") => match serde_json::from_slice(body) {
            Ok(hook) => {
                *locked(&desk.hook) = hook;
                StatusCode::NO_CONTENT.into_response()
            }
            Err(cause) => bad(cause.to_string()),
        },
        ("POST", "/_twin/webhook/flush") => {
            desk.tell(None);
            StatusCode::NO_CONTENT.into_response()
        }
        ("POST", "/_twin/events") => {
            let order = serde_json::from_slice(body).unwrap_or(Value::Null);
            match locked(&desk.vendor).order(&order, desk.clock.now()) {
                Ok(letters) => {
                    letters.into_iter().for_each(|letter| desk.tell(Some(letter)));
                    StatusCode::NO_CONTENT.into_response()
                }
                Err(why) => bad(why),
            }
        }
        _ => (StatusCode::NOT_FOUND, Json(json!({"error": "The twin takes no such order."}))).into_response(),
    }
}
