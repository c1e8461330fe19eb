//! What the CRMs share: a client, and when a call may be sent again.
//!
//! A call that changes something is sent again only where it surely did nothing: no connection, or 429. Anything else
//! that is no answer (a lost connection, 408, 5xx) leaves open whether the change was made.

use base::{Random, Result};
use ports::crm::{Account, CrmError};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

use crate::address;
use crate::http::{self, Failure};

/// Longest that a call waits in here for a limit; the rest is its job's business.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client with the house's limits.
#[derive(Clone)]
pub struct Line {
    http: Client,
    random: Arc<Random>,
}

/// What a call does, for the case that its answer is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Does {
    /// It reads, or writes the same values again: sending it twice is the same as once.
    Repeatable,
    /// It makes something.
    Make,
}

/// How long a service wants us to wait, and which limit was reached, from a 429's headers and body.
pub(super) type Limit = fn(&HeaderMap, &Value) -> (String, Duration);

/// One call.
pub(super) struct Call<'c> {
    pub(super) does: Does,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) query: Vec<(&'c str, String)>,
    pub(super) body: Option<Value>,
}

impl Call<'_> {
    pub(super) fn get(url: Url) -> Self {
        Self { does: Does::Repeatable, method: Method::GET, url, query: Vec::new(), body: None }
    }

    /// A search: a POST that reads.
    pub(super) fn search(url: Url, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(url) }
    }

    pub(super) fn make(url: Url, body: Value) -> Self {
        Self { does: Does::Make, ..Self::search(url, body) }
    }

    /// A change to given values: twice is the same as once.
    pub(super) fn change(method: Method, url: Url, body: Value) -> Self {
        Self { method, ..Self::search(url, body) }
    }
}

impl<'c> Call<'c> {
    pub(super) fn with(mut self, name: &'c str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

/// An answer with its status; 408, 429 and 5xx never get here.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    pub(super) host: String,
    does: Does,
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not: unknown where something was to be made.
    pub(super) fn json(&self) -> Result<Value, CrmError> {
        serde_json::from_slice(&self.body)
            .map_err(|cause| lost(self.does, &self.host, format!("its reply cannot be read: {cause}")))
    }

    /// The body as JSON where it is; errors are often plain text.
    pub(super) fn loose(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// What a status other than success means. `said` is the service's own words, where they were found.
    pub(super) fn refusal(&self, code: Option<String>, said: Option<String>) -> CrmError {
        let message = said.unwrap_or_else(|| http::excerpt(&self.body));
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CrmError::Unauthorised { message },
            StatusCode::NOT_FOUND | StatusCode::GONE => CrmError::Gone,
            status => {
                CrmError::Rejected { code: code.unwrap_or_else(|| status.as_u16().to_string()), message }
            }
        }
    }
}

impl Line {
    /// `total` is for one try of a call.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new(random: Arc<Random>, total: Duration) -> Result<Self> {
        Ok(Self { http: http::client(total)?, random })
    }

    /// Sends; `signed` puts the key on.
    ///
    /// # Errors
    /// As [`CrmError`]; statuses other than 408, 429 and 5xx are answers.
    pub(super) async fn call(
        &self,
        call: &Call<'_>,
        limit: Limit,
        signed: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Reply, CrmError> {
        let host = http::host_of(&call.url);
        let mut tried = 0;
        loop {
            let backoff = http::backoff(&self.random, tried);
            let (error, wait) = match http::exchange(signed(self.request(call))).await {
                Ok((StatusCode::TOO_MANY_REQUESTS, headers, body)) => {
                    let said = serde_json::from_slice(&body).unwrap_or(Value::Null);
                    let (name, wait) = limit(&headers, &said);
                    let wait = http::retry_after(&headers).unwrap_or(wait);
                    (limited(&host, name, wait), Some(wait).filter(|wait| *wait <= PATIENCE))
                }
                Ok((status, headers, body))
                    if status == StatusCode::REQUEST_TIMEOUT || status.is_server_error() =>
                {
                    let error =
                        lost(call.does, &host, format!("{} {}", status.as_u16(), http::excerpt(&body)));
                    let wait = http::retry_after(&headers).unwrap_or(backoff);
                    (error, may_repeat(call.does, wait))
                }
                Ok((status, _, body)) => return Ok(Reply { status, body, host, does: call.does }),
                Err(Failure::NotConnected(detail)) => {
                    (CrmError::NotSent { host: host.clone(), detail }, Some(backoff))
                }
                Err(Failure::Lost(detail)) => {
                    (lost(call.does, &host, detail), may_repeat(call.does, backoff))
                }
                Err(Failure::Status { status, .. }) => (lost(call.does, &host, status.to_string()), None),
            };
            match wait {
                Some(wait) if tried < http::RETRIES && wait <= http::LONGEST_WAIT => {
                    tokio::time::sleep(wait).await;
                }
                Some(_) | None => return Err(error),
            }
            tried += 1;
        }
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let mut request =
            self.http.request(call.method.clone(), call.url.clone()).header("accept", "application/json");
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        match &call.body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        }
    }
}

fn may_repeat(does: Does, wait: Duration) -> Option<Duration> {
    match does {
        Does::Repeatable => Some(wait),
        Does::Make => None,
    }
}

fn lost(does: Does, host: &str, detail: String) -> CrmError {
    let host = host.to_owned();
    match does {
        Does::Repeatable => CrmError::NotSent { host, detail },
        Does::Make => CrmError::Unknown { host, detail },
    }
}

fn limited(host: &str, limit: String, wait: Duration) -> CrmError {
    let retry_after_s = u32::try_from(wait.as_secs().max(1)).unwrap_or(u32::MAX);
    CrmError::Limited { host: host.to_owned(), limit, retry_after_s }
}

/// Where to call.
///
/// # Errors
/// Rejected when the account's address cannot be used.
pub(super) fn endpoint(account: &Account, default: &str, path: &[&str]) -> Result<Url, CrmError> {
    address::below(account.base_url.as_ref(), default, path)
        .map_err(|bad| CrmError::Rejected { code: bad.code.to_owned(), message: bad.to_string() })
}

/// A number of seconds in a header.
pub(super) fn seconds(headers: &HeaderMap, name: &str) -> Option<Duration> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}
