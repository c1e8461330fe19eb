//! Telling a customer's own server: one POST to an address that a stranger gave us.

use async_trait::async_trait;
use base::{Error, Result};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// Bytes of an answer that are kept.
pub const ANSWER_BYTES: usize = 2_048;
/// Seconds that one call may take in all.
pub const TOTAL_S: u64 = 15;

/// Makes calls to endpoints of customers. Never to this machine or a private network, whatever a name
/// leads to at the moment of the call; never along a redirect.
#[async_trait]
pub trait Poster: Send + Sync + 'static {
    /// Whether an address may be an endpoint, as far as can be seen without asking the name server.
    ///
    /// # Errors
    /// Invalid `webhook.url`, saying what is wrong with it.
    fn check(&self, url: &Url) -> Result<()>;

    /// Makes one call, once. What the address leads to is looked at anew with each.
    async fn post(&self, call: &Call) -> Came;
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where to.
    pub url: Url,
    /// Its headers besides the content type.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, byte for byte what was signed.
    pub body: Bytes,
}

/// What came of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Came {
    /// A status.
    Answered {
        /// The status of HTTP.
        status: u16,
        /// The first [`ANSWER_BYTES`] of the body.
        head: Vec<u8>,
        /// Seconds that the server asks to wait.
        retry_after_s: Option<u32>,
    },
    /// None: the address is not allowed, the name unknown, no connection, bad TLS, too slow. Why.
    Failed(String),
}

/// An address that cannot be an endpoint.
pub fn bad_url(why: &str) -> Error {
    Error::invalid("webhook.url", format!("This address cannot receive webhooks: {why}."))
}

/// Endpoints in memory: keeps what was posted, and answers what it was told to.
#[derive(Default)]
pub struct MemoryPoster(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    calls: Vec<Call>,
    next: VecDeque<Came>,
    always: Option<Came>,
}

impl MemoryPoster {
    fn with<T>(&self, f: impl FnOnce(&mut Kept) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was posted, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.with(|kept| kept.calls.clone())
    }

    /// What the next call that has no answer yet gets.
    pub fn next(&self, came: Came) {
        self.with(|kept| kept.next.push_back(came));
    }

    /// What every call gets from now on that has no answer of its own; none: 200.
    pub fn always(&self, came: Option<Came>) {
        self.with(|kept| kept.always = came);
    }
}

#[async_trait]
impl Poster for MemoryPoster {
    fn check(&self, url: &Url) -> Result<()> {
        if url.scheme() == "https" { Ok(()) } else { Err(bad_url("it does not begin with https://")) }
    }

    async fn post(&self, call: &Call) -> Came {
        self.with(|kept| {
            kept.calls.push(call.clone());
            let usual = Came::Answered { status: 200, head: b"ok".to_vec(), retry_after_s: None };
            kept.next.pop_front().or_else(|| kept.always.clone()).unwrap_or(usual)
        })
    }
}
