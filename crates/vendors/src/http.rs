//! One HTTP call with the house's limits and retries.

use base::{Error, Random, Result};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, StatusCode};
use std::time::Duration;
use url::{Host, Url};

/// Seconds to connect.
pub const CONNECT: Duration = Duration::from_secs(10);
/// Seconds for a whole call.
pub const TOTAL: Duration = Duration::from_secs(60);
/// Retries after the first try.
pub(crate) const RETRIES: u32 = 3;
/// A longer `retry-after` is the caller's business: a job is put back rather than kept waiting.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Most bytes of a reply.
const MAX_REPLY: usize = 16 * 1024 * 1024;

/// A client with the usual limits; `total` is for the whole call. Never follows redirects: an API
/// that redirects is a mistake in the address, and credentials do not travel.
///
/// # Errors
/// Internal when TLS cannot be set up.
pub fn client(total: Duration) -> Result<Client> {
    build(limits(total))
}

/// A client for services on this machine: past any proxy.
///
/// # Errors
/// Internal when TLS cannot be set up.
pub fn local_client(total: Duration) -> Result<Client> {
    build(limits(total).no_proxy())
}

fn limits(total: Duration) -> reqwest::ClientBuilder {
    Client::builder().connect_timeout(CONNECT).timeout(total).redirect(reqwest::redirect::Policy::none())
}

fn build(builder: reqwest::ClientBuilder) -> Result<Client> {
    builder.build().map_err(|cause| Error::internal("The HTTP client could not be set up.").caused_by(cause))
}

/// A reply with a success status.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no success.
#[derive(Debug)]
pub enum Failure {
    /// No connection: nothing was asked.
    NotConnected(String),
    /// The connection was lost or took too long after the request was sent.
    Lost(String),
    /// A status other than success, after the retries.
    Status {
        /// The status.
        status: StatusCode,
        /// Seconds that the server asks to wait.
        retry_after: Option<Duration>,
        /// The body, as far as it came.
        body: Vec<u8>,
    },
}

/// Sends a request, retrying as the house does. `request` makes it anew for each try.
///
/// # Errors
/// The last failure.
pub async fn send(
    random: &Random,
    request: impl Fn() -> RequestBuilder,
) -> std::result::Result<Reply, Failure> {
    let mut tried = 0;
    loop {
        let (failure, may_retry) = match once(request()).await {
            Ok(reply) => return Ok(reply),
            Err(failed) => failed,
        };
        let wait = match &failure {
            Failure::Status { retry_after: Some(wait), .. } => *wait,
            Failure::Status { .. } | Failure::NotConnected(_) | Failure::Lost(_) => backoff(random, tried),
        };
        if !may_retry || tried >= RETRIES || wait > LONGEST_WAIT {
            return Err(failure);
        }
        tokio::time::sleep(wait).await;
        tried += 1;
    }
}

/// 0.25-0.5 s, 0.5-1 s, 1-2 s.
pub(crate) fn backoff(random: &Random, tried: u32) -> Duration {
    Duration::from_millis(500).mul_f64(f64::from(1_u32 << tried.min(6)) * (0.5 + random.unit() / 2.0))
}

/// Sends a request once and takes any status for an answer: its status, headers and body.
///
/// # Errors
/// Not connected, or lost.
pub(crate) async fn exchange(
    request: RequestBuilder,
) -> std::result::Result<(StatusCode, HeaderMap, Vec<u8>), Failure> {
    let response = request.send().await.map_err(|cause| unsent(&cause).0)?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok((status, headers, read(response).await?))
}

/// Why there is no response, and whether another try is safe.
fn unsent(cause: &reqwest::Error) -> (Failure, bool) {
    if cause.is_connect() {
        return (Failure::NotConnected(words(cause)), true);
    }
    if cause.is_builder() {
        return (Failure::NotConnected(words(cause)), false);
    }
    (Failure::Lost(words(cause)), false)
}

async fn once(request: RequestBuilder) -> std::result::Result<Reply, (Failure, bool)> {
    let response = request.send().await.map_err(|cause| unsent(&cause))?;
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let told = response.headers().get("x-should-retry").and_then(|v| v.to_str().ok()).map(|v| v == "true");
    let body = read(response).await;
    if status.is_success() {
        return body.map(|body| Reply { status, body }).map_err(|lost| (lost, false));
    }
    let usual = matches!(status.as_u16(), 408 | 429) || status.is_server_error();
    let failure = Failure::Status { status, retry_after, body: body.unwrap_or_default() };
    Err((failure, told.unwrap_or(usual)))
}

async fn read(mut response: reqwest::Response) -> std::result::Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|cause| Failure::Lost(words(&cause)))? {
        if body.len() + chunk.len() > MAX_REPLY {
            return Err(Failure::Lost(format!("the reply is larger than {MAX_REPLY} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `retry-after-ms`, or `retry-after` in seconds. A date is not used by the vendors that we call.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("retry-after-ms")
        .map(Duration::from_millis)
        .or_else(|| number(RETRY_AFTER.as_str()).map(Duration::from_secs))
}

/// An error with its causes, without the address (it may hold a token).
fn words(cause: &reqwest::Error) -> String {
    let mut words = if cause.is_timeout() { "it took too long".to_owned() } else { String::new() };
    let mut inner = std::error::Error::source(cause);
    while let Some(error) = inner {
        words = error.to_string();
        inner = error.source();
    }
    if words.is_empty() { "the connection failed".to_owned() } else { words }
}

/// Whether an address is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Server and port of an address, for messages.
pub fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.to_string(),
    }
}

/// The beginning of a body, for people.
pub(crate) fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body.get(..body.len().min(200)).unwrap_or_default()).into_owned()
}
