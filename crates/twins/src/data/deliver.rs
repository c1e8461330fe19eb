//! What is owed, posted to addresses on this machine.

use super::control::Desk;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

/// Posts everything that is owed, once each; Apollo's results are ready from then on. How many were taken.
pub(super) async fn all(desk: &Desk) -> usize {
    let owed = {
        let mut book = desk.book();
        for (_, left) in book.requests.values_mut() {
            *left = 0;
        }
        std::mem::take(&mut book.owed)
    };
    let mut taken = 0;
    for one in owed {
        let Some(url) = one.url.as_deref().and_then(|url| Url::parse(url).ok()) else { continue };
        match post(&url, one.body.to_string()).await {
            Ok(status) if (200..300).contains(&status) => taken += 1,
            Ok(status) => tracing::warn!(status, "a callback was not taken"),
            Err(cause) => tracing::warn!(cause, "a callback did not arrive"),
        }
    }
    taken
}

async fn post(url: &Url, body: String) -> Result<u16, String> {
    let host = url.host_str().filter(|host| matches!(*host, "127.0.0.1" | "localhost"));
    let host = host.ok_or_else(|| format!("{url} is not on this machine"))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = TcpStream::connect((host, port)).await.map_err(|cause| cause.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|cause| cause.to_string())?;
    let driver = tokio::spawn(connection);
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let request = Request::post(path)
        .header(HOST, format!("{host}:{port}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|cause| cause.to_string())?;
    let status =
        sender.send_request(request).await.map(|r| r.status().as_u16()).map_err(|cause| cause.to_string());
    drop(sender);
    driver.abort();
    status
}
