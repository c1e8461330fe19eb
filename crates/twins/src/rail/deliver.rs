//! Webhooks of the twins: signed, sent in order or as told out of it, tried three times.

use super::control::Desk;
use base::Time;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use url::{Host, Url};

/// Tries of one webhook.
const TRIES: u32 = 3;

/// Where webhooks go.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// An address on this machine; none: nothing is sent.
    #[serde(default)]
    pub url: Option<Url>,
    /// The secret that signs.
    #[serde(default)]
    pub secret: String,
    /// Sends each twice.
    #[serde(default)]
    pub duplicate: bool,
    /// Sends them in pairs, the second of each pair first.
    #[serde(default)]
    pub reorder: bool,
    /// Names other amounts than the truth.
    #[serde(default)]
    pub wrong_amount: bool,
}

/// Signs a body: secret, instant, the event's id, body; gives headers.
pub(super) type Sign = fn(&str, Time, &str, &[u8]) -> Vec<(&'static str, String)>;

/// A webhook on its way.
pub(super) struct Event {
    pub(super) id: String,
    pub(super) body: String,
    /// None for the order to send what is held back.
    pub(super) sign: Option<Sign>,
}

impl Event {
    pub(super) fn flush() -> Self {
        Self { id: String::new(), body: String::new(), sign: None }
    }
}

/// Sends until the twin closes.
pub(super) async fn run(desk: Arc<Desk>) {
    let mut incoming = desk.incoming.lock().await;
    let mut held: Option<Event> = None;
    loop {
        let event = tokio::select! {
            () = desk.stop.cancelled() => return,
            event = incoming.recv() => event,
        };
        let Some(event) = event else { return };
        let hook = desk.hook();
        if event.sign.is_some() && hook.reorder && held.is_none() {
            held = Some(event);
            continue;
        }
        for event in [Some(event), held.take()].into_iter().flatten() {
            for _ in 0..=u8::from(hook.duplicate) {
                send(&desk, &hook, &event).await;
            }
        }
    }
}

async fn send(desk: &Desk, hook: &Hook, event: &Event) {
    let (Some(url), Some(sign)) = (&hook.url, event.sign) else { return };
    for tried in 0..TRIES {
        let headers = sign(&hook.secret, desk.clock.now(), &event.id, event.body.as_bytes());
        let tried_again = tokio::select! {
            () = desk.stop.cancelled() => return,
            sent = post(url, &headers, event.body.clone()) => sent,
        };
        match tried_again {
            Ok(status) if (200..300).contains(&status) => return,
            Ok(status) => tracing::warn!(name = desk.name, status, tried, "a webhook was not taken"),
            Err(cause) => tracing::warn!(name = desk.name, cause, tried, "a webhook did not arrive"),
        }
        tokio::time::sleep(Duration::from_millis(100 << tried)).await;
    }
}

/// One POST to an address on this machine.
async fn post(url: &Url, headers: &[(&'static str, String)], body: String) -> Result<u16, String> {
    let host = match url.host() {
        Some(Host::Ipv4(ip)) if ip.is_loopback() => ip.to_string(),
        Some(Host::Ipv6(ip)) if ip.is_loopback() => ip.to_string(),
        Some(Host::Domain("localhost")) => "127.0.0.1".to_owned(),
        Some(_) | None => return Err(format!("{url} is not on this machine")),
    };
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|cause| cause.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|cause| cause.to_string())?;
    let driver = tokio::spawn(connection);
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut request =
        Request::post(path).header(HOST, format!("{host}:{port}")).header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|cause| cause.to_string())?;
    let status =
        sender.send_request(request).await.map(|r| r.status().as_u16()).map_err(|cause| cause.to_string());
    drop(sender);
    driver.abort();
    status
}
