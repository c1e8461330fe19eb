//! A twin of Cashfree Payments: orders, UPI payments with and without a hold, refunds, simulation.
//!
//! The base address for clients ends in `/pg`. UPI addresses behave by their names:
//! `testsuccess@…` pays at once, `testfailure@…` fails, any other waits for `POST /pg/simulate`.
//! `POST /_twin/pay {"order_id","outcome"}` stands for the payer on Cashfree's own page.

mod book;

use super::RailTwin;
use super::control::{Desk, locked};
use super::deliver::Event;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base::{Clock, Result, Time};
use base64::Engine as _;
use book::{Book, Problem};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

struct Shared {
    desk: Arc<Desk>,
    book: Mutex<Book>,
}

/// Listens on a loopback address.
///
/// # Errors
/// Invalid when the address is not loopback; unavailable when the port is taken.
pub async fn start(at: SocketAddr, clock: Arc<dyn Clock>) -> Result<RailTwin> {
    let desk = Desk::new(
        "Cashfree",
        clock,
        &["order_amount", "payment_amount", "refund_amount", "captured_amount"],
        &["order_currency", "payment_currency", "refund_currency"],
    );
    let shared = Arc::new(Shared { desk: desk.clone(), book: Mutex::default() });
    let app = Router::new().fallback(handle).with_state(shared);
    RailTwin::serve(at, desk, app).await
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let mut book = locked(&shared.book);
    let now = shared.desk.clock.now();
    let result = call(&shared.desk, &mut book, &method, &path, &headers, &body, now);
    for (id, mut text) in book.unsent() {
        if shared.desk.hook().wrong_amount {
            text = text.replace("_amount\":", "_amount\":1");
        }
        shared.desk.tell(Event { id, body: text, sign: Some(sign) });
    }
    let (status, text) = match result {
        Ok(text) => (StatusCode::OK, text),
        Err(problem) => {
            (StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST), problem.body())
        }
    };
    let mut response = (status, text).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// JSON text: amounts keep their digits.
type Answered = std::result::Result<String, Problem>;

fn call(
    desk: &Desk,
    book: &mut Book,
    method: &Method,
    path: &[&str],
    headers: &HeaderMap,
    body: &[u8],
    now: Time,
) -> Answered {
    let before = book.moved;
    let result = if let ["_twin", "pay"] = path {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        book.pay_page(text("order_id"), text("outcome"), now)
    } else {
        authorised(headers)?;
        let key =
            headers.get("x-idempotency-key").and_then(|k| k.to_str().ok()).filter(|_| method != Method::GET);
        let fingerprint = format!("{method} {} {}", path.join("/"), String::from_utf8_lossy(body));
        match key.map(|key| book.kept(key, &fingerprint)) {
            Some(Err(problem)) => return Err(problem),
            Some(Ok(Some(kept))) => return Ok(kept),
            Some(Ok(None)) | None => {}
        }
        let result = route(book, method, path, body, now);
        if let (Some(key), Ok(text)) = (key, &result) {
            book.keep(key, fingerprint, text.clone());
        }
        result
    };
    for _ in before..book.moved {
        desk.effect();
    }
    result
}

fn authorised(headers: &HeaderMap) -> std::result::Result<(), Problem> {
    let has = |name: &str| headers.get(name).is_some_and(|value| !value.is_empty());
    if !has("x-client-id") || !has("x-client-secret") {
        return Err(Problem::new(401, "request_failed", "authentication Failed", "authentication_error"));
    }
    if !has("x-api-version") {
        return Err(Problem::new(400, "api_version_missing", "version is missing", "invalid_request_error"));
    }
    Ok(())
}

fn route(book: &mut Book, method: &Method, path: &[&str], body: &[u8], now: Time) -> Answered {
    match (method.as_str(), path) {
        ("POST", ["pg", "orders"]) => book.create(body, now),
        ("POST", ["pg", "orders", "sessions"]) => book.pay_session(body, now),
        ("GET", ["pg", "orders", id]) => book.order(id).map(|order| order.json()),
        ("PATCH", ["pg", "orders", id]) => book.terminate(id, body),
        ("GET", ["pg", "orders", id, "payments"]) => book.order(id).map(|order| order.payments_json()),
        ("POST", ["pg", "orders", id, "authorization"]) => book.finish(id, body, now),
        ("POST", ["pg", "orders", id, "refunds"]) => book.refund(id, body, now),
        ("GET", ["pg", "orders", id, "refunds", refund]) => book.refund_json(id, refund),
        ("POST", ["pg", "simulate"]) => book.simulate(body, now),
        _ => Err(Problem::new(404, "path_not_found", "there is no such path", "invalid_request_error")),
    }
}

/// Base64 of the MAC over timestamp (milliseconds) and body, nothing between them.
fn sign(secret: &str, at: Time, id: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let time = at.ms().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(time.as_bytes());
    mac.update(body);
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    vec![
        ("x-webhook-signature", signature),
        ("x-webhook-timestamp", time),
        ("x-idempotency-key", id.to_owned()),
        ("x-webhook-attempt", "1".to_owned()),
    ]
}
