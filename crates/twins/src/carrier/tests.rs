//! Behaviour of the twins of carriers that is not seen through our adapters.

use super::{NAMES, start, start_all};
use base::{Clock, ManualClock, Time};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::sync::Arc;

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at("2026-11-21T00:00:00Z".parse::<Time>().unwrap()))
}

/// Status, whether it says that it is a twin, `retry-after`, body.
async fn send(
    url: &str,
    method: &str,
    path: &str,
    key: (&str, &str),
    body: &str,
) -> (u16, bool, String, Value) {
    let stream = tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "twin").header(key.0, key.1);
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    driver.abort();
    let text = |name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    (
        status,
        text("x-twin") == "agency-os",
        text("retry-after"),
        serde_json::from_slice(&bytes).unwrap_or_default(),
    )
}

const NO_KEY: (&str, &str) = ("accept", "application/json");

#[tokio::test]
async fn every_twin_says_that_it_is_one_lets_nobody_in_without_a_key_and_listens_here_only() {
    let any = "127.0.0.1:0".parse().unwrap();
    let twins = start_all(any, &clock()).await.unwrap();
    assert_eq!(twins.len(), NAMES.len());
    for (twin, name) in twins.into_iter().zip(NAMES) {
        let (status, is_twin, _, about) = send(&twin.url(), "GET", "/_twin", NO_KEY, "").await;
        assert!(status == 200 && is_twin && about["banner"].as_str().unwrap().contains("twin"), "{name}");
        let (status, is_twin, ..) = send(&twin.url(), "POST", "/anything", NO_KEY, "{}").await;
        assert!(matches!(status, 401 | 403) && is_twin, "{name}: {status}");
        assert_eq!((twin.reached(), twin.calls()), (0, 1), "{name}");
        twin.shutdown().await;
    }
    assert!(start("twilio", "0.0.0.0:0".parse().unwrap(), clock()).await.is_err());
    assert_eq!(start("pigeon", any, clock()).await.err().unwrap().code(), "twin.unknown");
}

#[tokio::test]
async fn when_one_port_is_taken_none_runs() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    assert_eq!(start_all(at, &clock()).await.err().unwrap().code(), "twin.port");
}

#[tokio::test]
async fn faults_are_used_up_in_order_by_the_calls_that_fit() {
    let twin = start("resend", "127.0.0.1:0".parse().unwrap(), clock()).await.unwrap();
    let (url, key) = (twin.url(), ("authorization", "Bearer re_1"));
    let mail = json!({"from": "a@b.example", "to": "c@d.example", "subject": "S", "text": "T"}).to_string();
    for fault in [
        json!({"kind": "rate_limited", "on": "POST /emails", "ms": 7_000}),
        json!({"kind": "server_error_after", "on": "POST /emails"}),
    ] {
        assert_eq!(send(&url, "POST", "/_twin/faults", NO_KEY, &fault.to_string()).await.0, 204);
    }
    assert_eq!(send(&url, "GET", "/emails/x", key, "").await.0, 404, "another call is left alone");
    let (status, _, wait, _) = send(&url, "POST", "/emails", key, &mail).await;
    assert_eq!((status, wait.as_str(), twin.reached()), (429, "7", 0));
    assert_eq!(send(&url, "POST", "/emails", key, &mail).await.0, 500);
    assert_eq!(twin.reached(), 1, "it happened though the answer is an error");
    assert_eq!(send(&url, "POST", "/emails", key, &mail).await.0, 200);
    let (_, _, _, listed) = send(&url, "GET", "/_twin/messages", NO_KEY, "").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert_eq!(send(&url, "POST", "/_twin/faults", NO_KEY, r#"{"kind":"flood"}"#).await.0, 400);
    assert_eq!(send(&url, "POST", "/_twin/events", NO_KEY, r#"{"event":"opened","ref":"x"}"#).await.0, 400);
    twin.shutdown().await;
}

#[tokio::test]
async fn lobs_forms_are_read_and_what_they_lack_is_named() {
    let twin = start("lob", "127.0.0.1:0".parse().unwrap(), clock()).await.unwrap();
    // `test_1:` in base64.
    let key = ("authorization", "Basic dGVzdF8xOg==");
    let verify = json!({"primary_line": "undeliverable", "city": "X", "state": "NY"}).to_string();
    let (status, _, _, body) = send(&twin.url(), "POST", "/v1/us_verifications", key, &verify).await;
    // Without a content type it is a form, as with Lob.
    assert_eq!((status, body["deliverability"].as_str()), (200, Some("deliverable")));
    let (status, _, _, body) = send(&twin.url(), "POST", "/v1/postcards", key, "to[name]=A&front=f").await;
    assert_eq!((status, body["error"]["code"].as_str()), (422, Some("missing_required_param")));
    assert_eq!(twin.reached(), 0);
    twin.shutdown().await;
}
