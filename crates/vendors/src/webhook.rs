//! Calls to endpoints of customers over HTTPS.
//!
//! The name is resolved once for each call, here; every address that it leads to must be public, and the
//! connection goes to exactly those addresses. Nothing of it is kept for the next call, so that a name
//! which leads somewhere else by then is judged anew. There is no proxy, no redirect, no kept connection.

use crate::fetch::guard::Guard;
use crate::http::retry_after;
use async_trait::async_trait;
use base::{Error, Result};
use futures::future::BoxFuture;
use ports::webhook::{ANSWER_BYTES, Call, Came, Poster, TOTAL_S, bad_url};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

#[cfg(test)]
mod tests;

/// Seconds to connect, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// A server that answered has so long for the part of its body that is kept.
const BODY: Duration = Duration::from_secs(3);

/// Finds the addresses of a name.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Makes the calls.
pub struct Outbound {
    http: Client,
    guard: Guard,
}

impl Outbound {
    /// Asks the machine's resolver. `allow_loopback` also allows this machine, over plain HTTP too.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new(allow_loopback: bool) -> Result<Self> {
        let machine: Lookup = Arc::new(|name| {
            Box::pin(async move {
                Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|found| found.ip()).collect())
            })
        });
        Self::with_lookup(allow_loopback, machine)
    }

    /// Asks `lookup` for addresses.
    ///
    /// # Errors
    /// As [`Outbound::new`].
    pub fn with_lookup(allow_loopback: bool, lookup: Lookup) -> Result<Self> {
        let guard = Guard { allow_loopback };
        let http = Client::builder()
            .user_agent("AgencyOS-Webhooks/1.0")
            .connect_timeout(CONNECT)
            .timeout(Duration::from_secs(TOTAL_S))
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Checked { guard, lookup }))
            .pool_max_idle_per_host(0)
            .no_gzip()
            .no_proxy()
            .build()
            .map_err(|cause| {
                Error::internal("The sender of webhooks could not be set up.").caused_by(cause)
            })?;
        Ok(Self { http, guard })
    }
}

/// Resolves names and lets them pass only when every address behind them may be visited.
struct Checked {
    guard: Guard,
    lookup: Lookup,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, found) = (self.guard, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = found.await.map_err(|_| "the name is not known")?;
            if found.is_empty() {
                return Err("the name is not known".into());
            }
            if found.iter().any(|ip| !guard.allows(*ip)) {
                return Err("the name leads to an address that is not public".into());
            }
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

#[async_trait]
impl Poster for Outbound {
    fn check(&self, url: &Url) -> Result<()> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad_url("it contains a user name"));
        }
        let (ip, here) = match url.host() {
            Some(Host::Ipv4(ip)) => (Some(IpAddr::V4(ip)), ip.is_loopback()),
            Some(Host::Ipv6(ip)) => (Some(IpAddr::V6(ip)), IpAddr::V6(ip).to_canonical().is_loopback()),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                (None, name == "localhost" || name.ends_with(".localhost"))
            }
            None => return Err(bad_url("it has no host")),
        };
        if ip.is_some_and(|ip| !self.guard.allows(ip)) || here && !self.guard.allow_loopback {
            return Err(bad_url("it leads to this machine or a private network"));
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if here => Ok(()),
            _ => Err(bad_url("it does not begin with https://")),
        }
    }

    async fn post(&self, call: &Call) -> Came {
        // A literal address is never resolved: it is looked at here.
        if let Err(error) = self.check(&call.url) {
            return Came::Failed(error.message().to_owned());
        }
        let mut request = self
            .http
            .post(call.url.clone())
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(call.body.clone());
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(response) => answered(response).await,
            Err(cause) => Came::Failed(words(&cause)),
        }
    }
}

/// The status is the answer; of the body only a beginning is waited for.
async fn answered(mut response: Response) -> Came {
    let status = response.status().as_u16();
    let wait = retry_after(response.headers());
    let retry_after_s = wait.map(|wait| u32::try_from(wait.as_secs()).unwrap_or(u32::MAX));
    let mut head = Vec::new();
    let read = async {
        while head.len() < ANSWER_BYTES
            && let Ok(Some(chunk)) = response.chunk().await
        {
            let room = ANSWER_BYTES - head.len();
            head.extend_from_slice(chunk.get(..chunk.len().min(room)).unwrap_or_default());
        }
    };
    // A body that does not come changes nothing about the answer.
    let _late = tokio::time::timeout(BODY, read).await;
    Came::Answered { status, head, retry_after_s }
}

/// Why there is no answer, without the address (it may hold a token).
fn words(cause: &reqwest::Error) -> String {
    if cause.is_timeout() {
        return format!("no answer within {TOTAL_S} seconds");
    }
    let mut last = "the connection failed".to_owned();
    let mut inner = std::error::Error::source(cause);
    while let Some(error) = inner {
        last = error.to_string();
        inner = error.source();
    }
    last
}
