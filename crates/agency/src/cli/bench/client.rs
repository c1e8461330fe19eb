//! A small HTTP client for loopback measurements: one kept-alive connection for each user, bounded in
//! count and time. It calls this machine only.

use base::{Error, Result};
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{net::SocketAddr, time::Duration};
use tokio::net::TcpStream;

/// An answer that takes longer is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// One user's connection.
pub(super) struct User {
    sender: http1::SendRequest<Full<Bytes>>,
    host: String,
    cookie: Option<String>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: hyper::HeaderMap,
    pub(super) body: Bytes,
}

impl User {
    /// Opens a connection.
    pub(super) async fn connect(to: SocketAddr, cookie: Option<String>) -> Result<Self> {
        let stream = TcpStream::connect(to)
            .await
            .map_err(|cause| failed("The server does not answer").caused_by(cause))?;
        stream.set_nodelay(true).map_err(|cause| failed("A socket option was refused").caused_by(cause))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|cause| failed("The server speaks no HTTP").caused_by(cause))?;
        tokio::spawn(async move {
            if let Err(cause) = connection.await {
                tracing::debug!(%cause, "a bench connection ended");
            }
        });
        Ok(Self { sender, host: to.to_string(), cookie })
    }

    /// Loads a page as browsers do, compressed.
    pub(super) async fn get(&mut self, path: &str) -> Result<Answer> {
        let request = self.request("GET", path).header("accept-encoding", "gzip").body(Full::default());
        self.send(request).await
    }

    /// Loads a page as it is.
    pub(super) async fn get_plain(&mut self, path: &str) -> Result<Answer> {
        let request = self.request("GET", path).body(Full::default());
        self.send(request).await
    }

    /// Sends a form.
    pub(super) async fn post(&mut self, path: &str, form: &str) -> Result<Answer> {
        let request = self
            .request("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", format!("http://{}", self.host))
            .body(Full::new(Bytes::copy_from_slice(form.as_bytes())));
        self.send(request).await
    }

    /// Makes a call of the API with a key of an agent, once under this idempotency key.
    pub(super) async fn post_json(
        &mut self,
        path: &str,
        bearer: &str,
        once: &str,
        body: &serde_json::Value,
    ) -> Result<Answer> {
        let request = self
            .request("POST", path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {bearer}"))
            .header("idempotency-key", once)
            .body(Full::new(Bytes::from(serde_json::to_vec(body)?)));
        self.send(request).await
    }

    /// Reads from the API with a key of an agent.
    pub(super) async fn get_json(&mut self, path: &str, bearer: &str) -> Result<Answer> {
        let request = self
            .request("GET", path)
            .header("authorization", format!("Bearer {bearer}"))
            .body(Full::default());
        self.send(request).await
    }

    fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("accept", "text/html");
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    async fn send(&mut self, request: hyper::http::Result<Request<Full<Bytes>>>) -> Result<Answer> {
        let request = request.map_err(|cause| failed("A request could not be made").caused_by(cause))?;
        let exchange = async {
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            let (parts, body) = response.into_parts();
            Ok::<_, hyper::Error>((parts, body.collect().await?.to_bytes()))
        };
        let (parts, body) = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|cause| failed("A page took longer than 30 s").caused_by(cause))?
            .map_err(|cause| failed("The server closed the connection").caused_by(cause))?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

fn failed(what: &str) -> Error {
    Error::unavailable("bench.http", format!("{what}."))
}
