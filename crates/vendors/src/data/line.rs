//! What the data providers share: a client, and when a call may be sent again.
//!
//! A call that may cost money is sent again only where it surely did not arrive: no connection, or 429. Anything
//! else that is no answer (a lost connection, 408, 5xx) leaves it open whether it was charged.

use base::{Random, Result};
use ports::provider::{Account, ProviderError};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

use crate::address;
use crate::http::{self, Failure};

/// Seconds to wait where a service limits us and does not say how long.
const WAIT_S: u32 = 60;

/// A client with the house's limits.
#[derive(Clone)]
pub struct Line {
    http: Client,
    random: Arc<Random>,
}

/// What a call does, for the case that its answer is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Does {
    /// It reads what is free, or was paid already: sending it again costs nothing.
    Read,
    /// It may be charged.
    Pay,
}

/// An answer with its status; 408, 429 and 5xx never get here.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    pub(super) host: String,
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Errors
    /// Unknown when it is not: what the call did is then not known.
    pub(super) fn json(&self) -> Result<Value, ProviderError> {
        serde_json::from_slice(&self.body).map_err(|cause| ProviderError::Unknown {
            host: self.host.clone(),
            detail: format!("its reply cannot be read: {cause}"),
        })
    }

    /// The body as JSON where it is; errors are often plain text.
    pub(super) fn loose(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The refusal of a status that is no success.
    pub(super) fn rejected(&self, code: Option<&str>, message: Option<&str>) -> ProviderError {
        let message = message.map_or_else(|| http::excerpt(&self.body), str::to_owned);
        let code = code.map_or_else(|| self.status.as_u16().to_string(), str::to_owned);
        ProviderError::Rejected { code, message }
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

    pub(super) fn http(&self) -> &Client {
        &self.http
    }

    /// Sends. `request` makes the request anew for each try.
    ///
    /// # Errors
    /// As [`ProviderError`]; statuses other than 408, 429 and 5xx are answers.
    pub(super) async fn call(
        &self,
        does: Does,
        url: &Url,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Reply, ProviderError> {
        let host = http::host_of(url);
        let mut tried = 0;
        loop {
            let (error, wait) = match http::exchange(request()).await {
                Ok((status, headers, body)) => {
                    let asked = http::retry_after(&headers);
                    if status == StatusCode::TOO_MANY_REQUESTS {
                        let retry_after_s =
                            asked.map_or(WAIT_S, |wait| u32::try_from(wait.as_secs()).unwrap_or(WAIT_S));
                        // Without a word from the service a short wait is tried here first.
                        let wait = asked.unwrap_or_else(|| http::backoff(&self.random, tried));
                        (ProviderError::Limited { host: host.clone(), retry_after_s }, Some(wait))
                    } else if status == StatusCode::REQUEST_TIMEOUT || status.is_server_error() {
                        let detail = format!("{} {}", status.as_u16(), http::excerpt(&body));
                        self.open(does, &host, detail, asked.or(Some(http::backoff(&self.random, tried))))
                    } else {
                        return Ok(Reply { status, body, host });
                    }
                }
                Err(Failure::NotConnected(detail)) => {
                    let wait = http::backoff(&self.random, tried);
                    (ProviderError::NotSent { host: host.clone(), detail }, Some(wait))
                }
                Err(Failure::Lost(detail)) => {
                    self.open(does, &host, detail, Some(http::backoff(&self.random, tried)))
                }
                Err(Failure::Status { status, .. }) => {
                    (ProviderError::Unknown { host: host.clone(), detail: status.to_string() }, None)
                }
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

    /// The answer is lost: what reads may be sent again, what pays may not.
    #[expect(clippy::unused_self, reason = "beside the method that it belongs to")]
    fn open(
        &self,
        does: Does,
        host: &str,
        detail: String,
        wait: Option<Duration>,
    ) -> (ProviderError, Option<Duration>) {
        let host = host.to_owned();
        match does {
            Does::Read => (ProviderError::NotSent { host, detail }, wait),
            Does::Pay => (ProviderError::Unknown { host, detail }, None),
        }
    }
}

/// Where to call.
///
/// # Errors
/// Rejected when the account's address cannot be used.
pub(super) fn endpoint(account: &Account, default: &str, path: &[&str]) -> Result<Url, ProviderError> {
    address::below(account.base_url.as_ref(), default, path).map_err(unusable)
}

/// # Errors
/// Rejected unless the address is encrypted or on this machine.
pub(super) fn secure(url: &Url) -> Result<(), ProviderError> {
    address::encrypted(url).map_err(unusable)
}

fn unusable(bad: address::BadAddress) -> ProviderError {
    ProviderError::Rejected { code: bad.code.to_owned(), message: bad.to_string() }
}
