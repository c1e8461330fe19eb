//! Webhooks of the twins: signed as the vendor signs, in order or as told out of it, tried three times.

use super::desk::Desk;
use base::Time;
use bytes::Bytes;
use hmac::{Hmac, Mac};
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
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
    /// The secret that signs; for Telnyx the seed of the key in hexadecimal.
    #[serde(default)]
    pub secret: String,
    /// Sends each twice.
    #[serde(default)]
    pub duplicate: bool,
    /// Sends them in pairs, the second of each pair first.
    #[serde(default)]
    pub reorder: bool,
}

/// What is signed.
pub(crate) struct Signing<'a> {
    pub(crate) secret: &'a str,
    pub(crate) at: Time,
    pub(crate) id: &'a str,
    pub(crate) url: &'a Url,
    pub(crate) body: &'a str,
}

/// Gives the headers of a webhook.
pub(crate) type Sign = fn(&Signing<'_>) -> Vec<(&'static str, String)>;

/// A webhook on its way.
pub(crate) struct Letter {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) sign: Sign,
    /// Form instead of JSON.
    pub(crate) form: bool,
    /// Where to, instead of the hook's address: the message named its own.
    pub(crate) to: Option<Url>,
    /// What signs it, instead of the hook's secret: whoever subscribed gave their own.
    pub(crate) secret: Option<String>,
}

impl Letter {
    pub(crate) fn json(id: &str, body: &serde_json::Value, sign: Sign) -> Self {
        Self { id: id.to_owned(), body: body.to_string(), sign, form: false, to: None, secret: None }
    }
}

/// HMAC-SHA256 in hexadecimal.
pub(crate) fn hex_mac(key: &[u8], parts: &[&str]) -> String {
    hex::encode(raw_mac(key, parts))
}

pub(crate) fn raw_mac(key: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    mac.finalize().into_bytes().to_vec()
}

/// For vendors that do not sign.
pub(crate) fn unsigned(_: &Signing<'_>) -> Vec<(&'static str, String)> {
    Vec::new()
}

/// Sends until the twin closes; nothing is the order to send what is held back.
pub(crate) async fn run(desk: Arc<Desk>, mut incoming: UnboundedReceiver<Option<Letter>>) {
    let mut held: Option<Letter> = None;
    loop {
        let letter = tokio::select! {
            () = desk.stop.cancelled() => return,
            letter = incoming.recv() => letter,
        };
        let Some(letter) = letter else { return };
        let hook = desk.hook();
        if hook.reorder && held.is_none() && letter.is_some() {
            held = letter;
            continue;
        }
        for letter in [letter, held.take()].into_iter().flatten() {
            for _ in 0..=u8::from(hook.duplicate) {
                send(&desk, &hook, &letter).await;
            }
        }
    }
}

async fn send(desk: &Desk, hook: &Hook, letter: &Letter) {
    let Some(url) = letter.to.as_ref().filter(|url| is_here(url)).or(hook.url.as_ref()) else { return };
    for tried in 0..TRIES {
        let secret = letter.secret.as_deref().unwrap_or(&hook.secret);
        let signing = Signing { secret, at: desk.clock.now(), id: &letter.id, url, body: &letter.body };
        let headers = (letter.sign)(&signing);
        let sent = tokio::select! {
            () = desk.stop.cancelled() => return,
            sent = post(url, &headers, letter) => sent,
        };
        match sent {
            Ok(status) if (200..300).contains(&status) => return,
            Ok(status) => tracing::warn!(name = desk.name, status, tried, "a webhook was not taken"),
            Err(cause) => tracing::warn!(name = desk.name, cause, tried, "a webhook did not arrive"),
        }
        tokio::time::sleep(Duration::from_millis(100 << tried)).await;
    }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// One POST to an address on this machine.
async fn post(url: &Url, headers: &[(&'static str, String)], letter: &Letter) -> Result<u16, String> {
    if !is_here(url) {
        return Err(format!("{url} is not on this machine"));
    }
    let host = url.host_str().unwrap_or("127.0.0.1").trim_matches(['[', ']']).to_owned();
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
    let kind = if letter.form { "application/x-www-form-urlencoded" } else { "application/json" };
    let mut request = Request::post(path).header(HOST, format!("{host}:{port}")).header(CONTENT_TYPE, kind);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request =
        request.body(Full::new(Bytes::from(letter.body.clone()))).map_err(|cause| cause.to_string())?;
    let status =
        sender.send_request(request).await.map(|r| r.status().as_u16()).map_err(|cause| cause.to_string());
    drop(sender);
    driver.abort();
    status
}
