//! Rails: Stripe, Cashfree and x402, on their wire formats.

pub mod cashfree;
pub(crate) mod signature;
pub mod stripe;
pub mod x402;

#[cfg(test)]
mod tests;

use base::{Clock, Random, Result, Time};
use ports::rail::{Account, Rail, RailError, Rails};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

use crate::address;
use crate::http::{self, Failure};

/// Seconds after a request was last sent from which a rail that has not seen it never will: a call
/// takes at most [`http::TOTAL`] and its tries some seconds more.
const LOST_AFTER_S: i64 = 300;

/// Every outside rail.
///
/// # Errors
/// Internal when TLS cannot be set up.
pub fn rails(allow_loopback: bool, clock: &Arc<dyn Clock>, random: &Arc<Random>) -> Result<Rails> {
    let line = Line::new(clock.clone(), random.clone(), http::TOTAL)?;
    let all: [Arc<dyn Rail>; 3] = [
        Arc::new(stripe::Stripe::new(line.clone())),
        Arc::new(cashfree::Cashfree::new(line.clone())),
        Arc::new(x402::X402::new(line, http::TOTAL, allow_loopback)?),
    ];
    Ok(Rails::of(all))
}

/// What the rails share: a client, the time, and the rules for trying again.
#[derive(Clone)]
pub struct Line {
    http: Client,
    clock: Arc<dyn Clock>,
    random: Arc<Random>,
}

/// An answer with its status; 5xx never get here.
struct Reply {
    status: StatusCode,
    body: Vec<u8>,
}

/// What a request does, for the case that its answer is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// It reads: a lost answer changed nothing.
    Read,
    /// It may move money, once, however often it is sent: it carries an idempotency key.
    Move,
}

impl Line {
    /// `total` is for one try of a call.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<Random>, total: Duration) -> Result<Self> {
        Ok(Self { http: http::client(total)?, clock, random })
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    /// Whether what was last sent at `sent` cannot arrive any more.
    fn cannot_arrive(&self, sent: Time) -> bool {
        self.now().since_s(sent) > LOST_AFTER_S
    }

    /// Sends, and again after 409, 429, 5xx and failed connections. `request` makes it anew.
    ///
    /// # Errors
    /// Not started when nothing can have happened; unknown when something may have.
    async fn call(
        &self,
        does: Does,
        url: &Url,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Reply, RailError> {
        let host = http::host_of(url);
        let mut tried = 0;
        // A try that may have worked stays possible, whatever the next one says.
        let mut doubt = false;
        loop {
            let (detail, wait) = match http::exchange(request()).await {
                Ok((status, headers, body)) => {
                    let busy = matches!(status.as_u16(), 409 | 429) || status.is_server_error();
                    if !busy {
                        return Ok(Reply { status, body });
                    }
                    doubt |= status.as_u16() != 429;
                    let wait = http::retry_after(&headers);
                    (format!("{} {}", status.as_u16(), http::excerpt(&body)), wait)
                }
                Err(Failure::NotConnected(detail)) => (detail, None),
                Err(Failure::Lost(detail)) => return Err(lost(does, host, detail)),
                Err(Failure::Status { status, .. }) => (status.to_string(), None),
            };
            let wait = wait.unwrap_or_else(|| http::backoff(&self.random, tried));
            if tried >= http::RETRIES || wait > http::LONGEST_WAIT {
                return Err(if doubt {
                    lost(does, host, detail)
                } else {
                    RailError::NotStarted { host, detail }
                });
            }
            tokio::time::sleep(wait).await;
            tried += 1;
        }
    }
}

fn lost(does: Does, host: String, detail: String) -> RailError {
    match does {
        Does::Read => RailError::NotStarted { host, detail },
        Does::Move => RailError::Unknown { host, detail, provider_ref: None },
    }
}

/// Reads a success.
///
/// # Errors
/// Unknown (not started, for a read) when it is not of the form: what it did is then not known.
fn read<T: DeserializeOwned>(does: Does, url: &Url, body: &[u8]) -> Result<T, RailError> {
    serde_json::from_slice(body)
        .map_err(|cause| lost(does, http::host_of(url), format!("its reply cannot be read: {cause}")))
}

/// Where to call.
fn endpoint(account: &Account, default: &str, path: &[&str]) -> Result<Url, RailError> {
    address::below(account.base_url.as_ref(), default, path).map_err(unusable)
}

/// # Errors
/// Rejected unless the address is encrypted or on this machine.
fn secure(url: &Url) -> Result<(), RailError> {
    address::encrypted(url).map_err(unusable)
}

fn unusable(bad: address::BadAddress) -> RailError {
    RailError::Rejected { code: bad.code.to_owned(), message: bad.to_string() }
}

fn unsupported(rail: ports::rail::RailKind, act: &'static str) -> RailError {
    RailError::Unsupported { rail, act }
}
