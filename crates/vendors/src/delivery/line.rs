//! One call to a carrier, with the house's limits and the three ways to fail.

use base::{Clock, Error, Random, Result, Time};
use ports::delivery::{Failure, Reason, Refusal, Step};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

use crate::address;
use crate::http::{self, Failure as Lost};

/// Seconds after a message was last handed over from which a carrier that does not list it never will.
const LOST_AFTER_S: i64 = 300;
/// Most names of lost answers that are kept.
const KEPT: usize = 10_000;

/// A client, the time, and the rules for trying again.
#[derive(Clone)]
pub struct Line {
    http: Client,
    clock: Arc<dyn Clock>,
    random: Arc<Random>,
    lost: Arc<Mutex<HashMap<String, Time>>>,
}

/// What a call does, for the case that its answer is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Does {
    /// It reads.
    Read,
    /// It prepares something that reaches nobody yet.
    Prepare,
    /// It reaches somebody, once however often it is sent: it carries an idempotency key, or the
    /// carrier takes a repetition for the same.
    Keyed,
    /// It reaches somebody each time.
    Once,
}

/// An answer; 5xx and 429 never get here.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    host: String,
    does: Does,
}

impl Line {
    /// `total` is for one try of a call.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<Random>, total: Duration) -> Result<Self> {
        Ok(Self { http: http::client(total)?, clock, random, lost: Arc::default() })
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        self.http.request(method, url.clone())
    }

    /// A message that is not listed was not taken, unless it may still be on its way.
    ///
    /// # Errors
    /// Unavailable while it may.
    pub(crate) fn settled(&self, last_at: Time) -> Result<()> {
        let passed = self.now().since_s(last_at);
        if passed > LOST_AFTER_S {
            return Ok(());
        }
        Err(Error::unavailable(
            "provider_too_early",
            format!(
                "It was handed over {passed} s ago and may still arrive; ask again after {LOST_AFTER_S} s."
            ),
        ))
    }

    /// Remembers when the answer about a message was lost, for ports whose look-up does not say when.
    pub(crate) fn was_lost(&self, key: &str) {
        let now = self.now();
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.len() >= KEPT {
            lost.retain(|_, at| now.since_s(*at) <= LOST_AFTER_S);
        }
        lost.insert(key.to_owned(), now);
    }

    /// As [`Line::settled`], for a message that this process lost the answer about.
    ///
    /// # Errors
    /// Unavailable while it may still arrive.
    pub(crate) fn settled_since_lost(&self, key: &str) -> Result<()> {
        let at = self.lost.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied();
        at.map_or(Ok(()), |at| self.settled(at))
    }

    /// Sends, and again after 429, failed connections and, where that is safe, 408 and 5xx.
    /// `request` makes it anew for each try.
    ///
    /// # Errors
    /// Not started when nothing can have happened; unknown when something may have.
    pub(crate) async fn call(
        &self,
        does: Does,
        url: &Url,
        request: impl Fn() -> RequestBuilder,
    ) -> std::result::Result<Reply, Failure> {
        let host = http::host_of(url);
        let (mut tried, mut doubt) = (0, false);
        loop {
            let (detail, wait, step) = match http::exchange(request()).await {
                Ok((status, headers, body)) => {
                    let busy = status == StatusCode::TOO_MANY_REQUESTS;
                    let failed = status == StatusCode::REQUEST_TIMEOUT || status.is_server_error();
                    if !busy && !failed {
                        return Ok(Reply { status, body, host, does });
                    }
                    let detail = format!("{} {}", status.as_u16(), http::excerpt(&body));
                    if failed && does == Does::Once {
                        return Err(lost(does, host, detail));
                    }
                    doubt |= failed;
                    (detail, http::retry_after(&headers), Step::Busy)
                }
                Err(Lost::NotConnected(detail)) => (detail, None, Step::Connect),
                Err(Lost::Lost(detail)) => return Err(lost(does, host, detail)),
                Err(Lost::Status { status, .. }) => (status.to_string(), None, Step::Busy),
            };
            let wait = wait.unwrap_or_else(|| http::backoff(&self.random, tried));
            if tried >= http::RETRIES || wait > http::LONGEST_WAIT {
                if doubt {
                    return Err(lost(does, host, detail));
                }
                let message = format!("{host} took nothing ({detail}). Try again later.");
                return Err(Failure::NotStarted { step, host, message });
            }
            tokio::time::sleep(wait).await;
            tried += 1;
        }
    }
}

fn lost(does: Does, host: String, detail: String) -> Failure {
    match does {
        Does::Read | Does::Prepare => {
            let message = format!("{host} gave no answer ({detail}). Nothing was sent; try again.");
            Failure::NotStarted { step: Step::Handover, host, message }
        }
        Does::Keyed | Does::Once => Failure::Unknown { host, detail, provider_ref: None },
    }
}

impl Reply {
    /// Reads a success.
    ///
    /// # Errors
    /// Unknown (not started, where nothing was sent) when it is not of the form: what it did is then
    /// not known.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> std::result::Result<T, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|cause| lost(self.does, self.host.clone(), format!("its reply cannot be read: {cause}")))
    }

    /// Reads a success; from anything else `say` makes the refusal.
    ///
    /// # Errors
    /// Refused, or as [`Reply::read`].
    pub(crate) fn success<T: DeserializeOwned>(
        &self,
        say: impl Fn(StatusCode, &[u8]) -> Refusal,
    ) -> std::result::Result<T, Failure> {
        if self.status.is_success() {
            self.read()
        } else {
            Err(Failure::Refused(say(self.status, &self.body)))
        }
    }
}

/// A refusal by the status alone, in the carrier's words.
pub(crate) fn refusal(status: StatusCode, code: &str, text: &str) -> Refusal {
    let reason = match status.as_u16() {
        401 | 403 => Reason::Account,
        402 => Reason::Funds,
        400 | 413 | 422 => Reason::Content,
        409 | 425 | 429 => Reason::Busy,
        _ => Reason::Other,
    };
    refused(reason, if code.is_empty() { status.as_str() } else { code }, text)
}

/// A refusal; whether it is for good follows from the reason.
pub(crate) fn refused(reason: Reason, code: &str, text: &str) -> Refusal {
    let permanent = match reason {
        Reason::Funds | Reason::Busy => false,
        Reason::NoSuchRecipient
        | Reason::OptedOut
        | Reason::Blocked
        | Reason::Content
        | Reason::Sender
        | Reason::Account
        | Reason::Other => true,
    };
    let text = if text.is_empty() { "The provider gave no words." } else { text };
    Refusal { permanent, reason, code: code.to_owned(), text: text.to_owned() }
}

/// A look-up that failed, as an error of the house.
pub(crate) fn no_answer(failure: Failure) -> Error {
    failure.into()
}

/// Where to call.
///
/// # Errors
/// Not started when the account's address cannot be used.
pub(crate) fn endpoint(
    base: Option<&Url>,
    default: &str,
    path: &[&str],
) -> std::result::Result<Url, Failure> {
    address::below(base, default, path).map_err(|bad| Failure::NotStarted {
        step: Step::Check,
        host: String::new(),
        message: bad.to_string(),
    })
}
