//! A twin of Stripe: PaymentIntents, refunds, Connect transfers and accounts, Billing, at one version.
//!
//! Payment methods behave by their names, as in Stripe's test mode: `pm_card_visa` pays,
//! `pm_card_visa_chargeDeclined` and `pm_card_visa_chargeDeclinedInsufficientFunds` do not,
//! `pm_card_authenticationRequired` wants the payer, `pm_card_createDispute` is disputed,
//! `pm_usBankAccount_processing` stays on its way.
//!
//! Beside the common calls of the desk: `POST /_twin/disputes {"payment_intent","status"}` opens or
//! ends a dispute, `POST /_twin/accounts {"account","payouts_enabled"}` ends an identity check,
//! `POST /_twin/authenticate {"payment_intent"}` lets the payer confirm; see `billing` for subscriptions.

mod billing;
mod book;
mod hosted;
mod intent;
mod money_out;

use super::control::{Desk, locked};
use super::deliver::Event;
use super::{RailTwin, seconds};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base::{Clock, Result, Time};
use base64::Engine as _;
use book::{Book, Form, Problem};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// The version of the API that it speaks.
pub const VERSION: &str = "2026-10-28.endive";

struct Shared {
    desk: Arc<Desk>,
    book: Mutex<Book>,
}

/// Listens on a loopback address.
///
/// # Errors
/// Invalid when the address is not loopback; unavailable when the port is taken.
pub async fn start(at: SocketAddr, clock: Arc<dyn Clock>) -> Result<RailTwin> {
    let desk = Desk::new("Stripe", clock, &["amount", "amount_received", "amount_capturable"], &["currency"]);
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
    let now = seconds(shared.desk.clock.as_ref());
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    host.clone_into(&mut book.host);
    let result = match path.as_slice() {
        ["_twin", page, id] => {
            let form = Form::read(&body);
            let sent = (method == Method::POST).then_some(&form);
            let before = book.moved;
            let drawn = hosted::visit(&mut book, page, id, sent, now);
            (before..book.moved).for_each(|_| shared.desk.effect());
            Err(drawn)
        }
        ["_twin", order] => {
            let before = book.moved;
            let done = order_of(&mut book, order, &body, now);
            (before..book.moved).for_each(|_| shared.desk.effect());
            Ok(done)
        }
        path => {
            let query = uri.query().unwrap_or_default().as_bytes();
            let form = Form::read(if method == Method::GET { query } else { &body });
            Ok(call(&shared.desk, &mut book, &method, path, &form, &headers, now))
        }
    };
    for event in book.events_to_send() {
        let mut body = event.to_string();
        if shared.desk.hook().wrong_amount {
            body = body.replace("\"amount\":", "\"amount\":1");
        }
        let id = event["id"].as_str().unwrap_or_default().to_owned();
        shared.desk.tell(Event { id, body, sign: Some(sign) });
    }
    match result {
        Ok(result) => respond(result, &mut book),
        Err(drawn) => drawn,
    }
}

/// An answer, and whether it is one of before.
type Answered = std::result::Result<(Value, bool), Problem>;

fn call(
    desk: &Desk,
    book: &mut Book,
    method: &Method,
    path: &[&str],
    form: &Form,
    headers: &HeaderMap,
    now: i64,
) -> Answered {
    authorised(headers)?;
    let key = headers.get("idempotency-key").and_then(|k| k.to_str().ok()).filter(|_| method == Method::POST);
    let fingerprint = format!("{}?{}", path.join("/"), form.sorted());
    if let Some(key) = key
        && let Some(kept) = book.kept(key, &fingerprint)?
    {
        return kept.map(|value| (value, true));
    }
    let before = book.moved;
    let result = route(book, method, path, form, now);
    for _ in before..book.moved {
        desk.effect();
    }
    // Kept is what came of an execution; a request that was not valid can be corrected.
    if let Some(key) = key
        && result.as_ref().map_or_else(|problem| problem.status == 402, |_| true)
    {
        book.keep(key, fingerprint, result.clone());
    }
    result.map(|value| (value, false))
}

fn authorised(headers: &HeaderMap) -> std::result::Result<(), Problem> {
    let value = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let key = match value.split_once(' ') {
        Some(("Bearer", key)) => key.to_owned(),
        Some(("Basic", encoded)) => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap_or_default();
            String::from_utf8_lossy(&decoded).trim_end_matches(':').to_owned()
        }
        Some(_) | None => String::new(),
    };
    if key.starts_with("sk_") || key.starts_with("rk_") {
        return Ok(());
    }
    Err(Problem { status: 401, ..Problem::invalid("", "Invalid API Key provided.") })
}

fn route(
    book: &mut Book,
    method: &Method,
    path: &[&str],
    form: &Form,
    now: i64,
) -> std::result::Result<Value, Problem> {
    if let ["v1", below @ ..] = path
        && let Some(answer) = billing::route(book, method.as_str(), below, form, now)
    {
        return answer;
    }
    match (method.as_str(), path) {
        ("GET", ["v1", "balance"]) => {
            Ok(json!({"object": "balance", "livemode": false, "available": [], "pending": []}))
        }
        ("POST", ["v1", "payment_intents"]) => intent::create(book, form, now),
        ("POST", ["v1", "payment_intents", id, "confirm"]) => intent::confirm(book, id, form, now),
        ("POST", ["v1", "payment_intents", id, "capture"]) => intent::capture(book, id, form, now),
        ("POST", ["v1", "payment_intents", id, "cancel"]) => intent::cancel(book, id, now),
        ("POST", ["v1", "refunds"]) => money_out::refund(book, form, now),
        ("POST", ["v1", "transfers"]) => money_out::transfer(book, form, now),
        ("POST", ["v1", "accounts"]) => money_out::account(book, form, now),
        ("POST", ["v1", "account_links"]) => money_out::account_link(book, form, now),
        ("POST", ["v1", "customers"]) => money_out::customer(book, form, now),
        ("GET", ["v1", kind]) => book.list(kind, form),
        ("GET", ["v1", kind, id]) => book.get(kind, id).cloned(),
        _ => Err(Problem {
            status: 404,
            ..Problem::invalid("", &format!("Unrecognized request URL ({method}: /{}).", path.join("/")))
        }),
    }
}

/// Orders that stand for what people and banks do.
fn order_of(book: &mut Book, order: &str, body: &[u8], now: i64) -> Answered {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(done) = billing::order(book, order, &asked, now) {
        return done.map(|value| (value, false));
    }
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let done = match order {
        "disputes" => money_out::dispute(book, &text("payment_intent"), &text("status"), now),
        "accounts" => {
            let enabled = asked["payouts_enabled"].as_bool().unwrap_or(false);
            money_out::verify_account(book, &text("account"), enabled, now)
        }
        "authenticate" => intent::authenticate(book, &text("payment_intent"), now),
        other => Err(Problem::invalid("", &format!("The twin knows no order {other}."))),
    };
    done.map(|value| (value, false))
}

fn respond(result: Answered, book: &mut Book) -> Response {
    let request = HeaderValue::from_str(&book.id("req")).unwrap_or_else(|_| HeaderValue::from_static("req"));
    let (status, body, replayed) = match result {
        Ok((value, replayed)) => (StatusCode::OK, value, replayed),
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, problem.body(), problem.replayed)
        }
    };
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("request-id"), request);
    headers.insert(HeaderName::from_static("stripe-version"), HeaderValue::from_static(VERSION));
    if replayed {
        headers.insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
    }
    response
}

/// `Stripe-Signature: t=…,v1=…` over `{t}.{body}`.
fn sign(secret: &str, at: Time, _id: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let time = at.ms() / 1_000;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let signature = hex::encode(mac.finalize().into_bytes());
    vec![("stripe-signature", format!("t={time},v1={signature}"))]
}
