//! A twin of two language-model services: Anthropic Messages and OpenAI chat completions.
//!
//! It checks requests as strictly as the vendors do and answers from a deterministic
//! [`Respond`]er: it knows nothing and invents nothing beyond the shape that is asked for.

mod anthropic;
mod openai;
mod respond;

#[cfg(test)]
mod tests;

pub use respond::{Asked, FromSchema, Respond};

use crate::listen;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, body::Bytes, routing::post};
use base::{Error, Result};
use serde_json::Value;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What goes wrong with one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// 429 with `retry-after`.
    RateLimited {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// 529 (Anthropic) or 503 (OpenAI).
    Overloaded,
    /// 500.
    ServerError,
    /// The answer comes late.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// The answer is not the JSON that was asked for.
    InvalidJson,
    /// The model declines.
    Declined,
    /// The answer ends at the limit of tokens.
    Cut,
    /// The answer does not say what was used.
    NoUsage,
}

/// A twin that is running.
pub struct LlmTwin {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    respond: Arc<dyn Respond>,
    faults: Mutex<VecDeque<Fault>>,
    calls: AtomicU64,
    stop: CancellationToken,
}

impl LlmTwin {
    /// Listens on a loopback address until [`LlmTwin::shutdown`].
    ///
    /// # Errors
    /// Invalid when the address is not loopback; unavailable when the port is taken.
    pub async fn start(at: SocketAddr, respond: Arc<dyn Respond>) -> Result<Self> {
        let listener = listen(at).await?;
        let address = listener
            .local_addr()
            .map_err(|cause| Error::internal("A listener has no address.").caused_by(cause))?;
        let shared = Arc::new(Shared {
            respond,
            faults: Mutex::default(),
            calls: AtomicU64::new(0),
            stop: CancellationToken::new(),
        });
        let app = Router::new()
            .route("/v1/messages", post(messages))
            .route("/v1/chat/completions", post(completions))
            .with_state(shared.clone());
        let stop = shared.stop.clone();
        let task = tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(cause) = served {
                tracing::error!(%cause, "the language-model twin stopped");
            }
        });
        tracing::info!(%address, "language-model twin is up");
        Ok(Self { address, shared, task })
    }

    /// Where it listens: the base address for both vendors' clients (OpenAI's add `/v1`).
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets the next call go wrong; several are used up in order.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// How many calls came in.
    pub fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// Finishes the calls at hand and closes.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        if let Err(cause) = self.task.await {
            tracing::error!(%cause, "the language-model twin failed");
        }
    }
}

/// A reply of the twin.
struct Reply {
    status: StatusCode,
    retry_after_s: Option<u64>,
    body: Value,
}

impl Reply {
    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, retry_after_s: None, body }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("x-twin"), HeaderValue::from_static("agency-os"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(HeaderName::from_static("retry-after"), HeaderValue::from(seconds));
        }
        response
    }
}

impl Shared {
    async fn next_fault(&self) -> Option<Fault> {
        let fault = self.faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(Fault::Slow { ms }) = fault {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        fault
    }
}

async fn messages(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Reply {
    let call = shared.calls.fetch_add(1, Ordering::Relaxed) + 1;
    let fault = shared.next_fault().await;
    anthropic::answer(shared.respond.as_ref(), &headers, &body, fault, call)
}

async fn completions(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Reply {
    let call = shared.calls.fetch_add(1, Ordering::Relaxed) + 1;
    let fault = shared.next_fault().await;
    openai::answer(shared.respond.as_ref(), &headers, &body, fault, call)
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty())
}

fn is_json(headers: &HeaderMap) -> bool {
    header(headers, "content-type").is_some_and(|t| t.starts_with("application/json"))
}

/// Four bytes to a token, rounded up.
fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}
