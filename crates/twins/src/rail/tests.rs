//! What the twins let pass and what not, as the services would. Whole payments are tested from the
//! client's side in `vendors`.

use super::{RailTwin, cashfree, stripe, x402};
use base::{ManualClock, Time};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::sync::Arc;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-11-21T00:00:00Z".parse::<Time>().unwrap()))
}

struct Answer {
    status: u16,
    replayed: bool,
    is_twin: bool,
    body: Value,
}

async fn send(twin: &RailTwin, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let stream = tokio::net::TcpStream::connect(twin.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "twin");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    driver.abort();
    Answer {
        status,
        replayed: headers.contains_key("idempotent-replayed"),
        is_twin: headers.get("x-twin").is_some_and(|value| value == "agency-os"),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

#[tokio::test]
async fn every_twin_says_that_it_is_one_and_listens_here_only() {
    let at = "127.0.0.1:0".parse().unwrap();
    for twin in [
        stripe::start(at, clock()).await.unwrap(),
        cashfree::start(at, clock()).await.unwrap(),
        x402::start(at, clock()).await.unwrap(),
    ] {
        let about = send(&twin, "GET", "/_twin", &[], "").await;
        assert!(about.is_twin && about.body["banner"].as_str().unwrap().contains("twin"));
        assert_eq!((about.body["effects"].as_u64(), about.body["calls"].as_u64()), (Some(0), Some(0)));
        assert!(send(&twin, "GET", "/nothing", &[], "").await.is_twin);
        twin.shutdown().await;
    }
    assert!(stripe::start("0.0.0.0:0".parse().unwrap(), clock()).await.is_err());
}

const KEY: (&str, &str) = ("authorization", "Bearer sk_test_twin");

#[tokio::test]
async fn stripe_keeps_the_answer_of_a_key_and_refuses_other_parameters_under_it() {
    let twin = stripe::start("127.0.0.1:0".parse().unwrap(), clock()).await.unwrap();
    let good = "amount=500&currency=usd&confirm=true&payment_method=pm_card_visa";
    let bad = "amount=500&currency=usd&confirm=true&payment_method=pm_card_visa_chargeDeclined";
    let post = async |body: &str, key: &str| {
        send(&twin, "POST", "/v1/payment_intents", &[KEY, ("idempotency-key", key)], body).await
    };
    let first = post(good, "a").await;
    let again = post("currency=usd&amount=500&payment_method=pm_card_visa&confirm=true", "a").await;
    assert_eq!((first.status, first.replayed, again.replayed), (200, false, true));
    assert_eq!(first.body, again.body);
    let other = post(&good.replace("500", "501"), "a").await;
    assert_eq!((other.status, other.body["error"]["type"].as_str()), (400, Some("idempotency_error")));
    // A decline is an outcome and is kept; a request that is not valid is not.
    assert_eq!(post(bad, "b").await.status, 402);
    assert!(post(bad, "b").await.replayed);
    let invalid = "amount=0&currency=usd";
    assert_eq!(post(invalid, "c").await.status, 400);
    assert_eq!(post(good, "c").await.status, 200);
    assert_eq!(twin.effects(), 2);
    twin.shutdown().await;
}

#[tokio::test]
async fn stripe_refuses_what_its_version_refuses() {
    let twin = stripe::start("127.0.0.1:0".parse().unwrap(), clock()).await.unwrap();
    for (body, code) in [
        ("amount=5.00&currency=usd", "parameter_invalid_integer"),
        ("amount=-5&currency=usd", "parameter_invalid_integer"),
        ("currency=usd", "parameter_missing"),
        ("amount=5", "parameter_missing"),
        ("amount=5&currency=usd&payment_method_types[]=card", "parameter_unknown"),
        ("amount=5&currency=usd&confirm=true", "parameter_missing"),
    ] {
        let answer = send(&twin, "POST", "/v1/payment_intents", &[KEY], body).await;
        assert_eq!((answer.status, answer.body["error"]["code"].as_str()), (400, Some(code)), "{body}");
    }
    assert_eq!(send(&twin, "GET", "/v1/balance", &[], "").await.status, 401);
    assert_eq!(send(&twin, "GET", "/v1/balance", &[("authorization", "Bearer pk_x")], "").await.status, 401);
    assert_eq!(send(&twin, "GET", "/v1/refunds/re_1", &[KEY], "").await.status, 404);
    assert_eq!(send(&twin, "GET", "/v1/payment_intents?limit=101", &[KEY], "").await.status, 400);
    twin.shutdown().await;
}

const APP: [(&str, &str); 3] =
    [("x-client-id", "app"), ("x-client-secret", "secret"), ("x-api-version", "2026-01-01")];

#[tokio::test]
async fn cashfree_reads_amounts_digit_by_digit_and_gives_them_back() {
    let twin = cashfree::start("127.0.0.1:0".parse().unwrap(), clock()).await.unwrap();
    let order = |id: &str, amount: &str| {
        format!(
            r#"{{"order_id":"{id}","order_amount":{amount},"order_currency":"INR","customer_details":{{"customer_id":"c_1","customer_phone":"9999999999"}}}}"#
        )
    };
    for (id, amount, status) in [
        ("o-1", "4.35", 200),
        ("o-2", "4.355", 400),
        ("o-3", "0", 400),
        ("o-4", "-1", 400),
        ("o 5", "1", 400),
        ("o-1", "4.35", 409),
    ] {
        let answer = send(&twin, "POST", "/pg/orders", &APP, &order(id, amount)).await;
        assert_eq!(answer.status, status, "{id} {amount}: {}", answer.body);
    }
    let read = send(&twin, "GET", "/pg/orders/o-1", &APP, "").await;
    assert_eq!(
        (read.body["order_amount"].to_string().as_str(), read.body["order_status"].as_str()),
        ("4.35", Some("ACTIVE"))
    );
    assert_eq!(send(&twin, "GET", "/pg/orders/o-1", &APP[1..], "").await.status, 401);
    let keyed = [APP[0], APP[1], APP[2], ("x-idempotency-key", "k")];
    assert_eq!(send(&twin, "POST", "/pg/orders", &keyed, &order("o-6", "1")).await.status, 200);
    assert_eq!(send(&twin, "POST", "/pg/orders", &keyed, &order("o-6", "1")).await.status, 200);
    let other = send(&twin, "POST", "/pg/orders", &keyed, &order("o-6", "2")).await;
    assert_eq!((other.status, other.body["type"].as_str()), (422, Some("idempotency_error")));
    twin.shutdown().await;
}

#[tokio::test]
async fn a_upi_payment_that_waits_is_ended_by_a_simulation() {
    let twin = cashfree::start("127.0.0.1:0".parse().unwrap(), clock()).await.unwrap();
    let order = r#"{"order_id":"o-1","order_amount":10,"order_currency":"INR","customer_details":{"customer_id":"c_1","customer_phone":"9999999999"}}"#;
    let session = send(&twin, "POST", "/pg/orders", &APP, order).await.body["payment_session_id"].clone();
    let pay = json!({"payment_session_id": session, "payment_method": {"upi": {"channel": "collect", "upi_id": "someone@bank"}}});
    let payment =
        send(&twin, "POST", "/pg/orders/sessions", &APP, &pay.to_string()).await.body["cf_payment_id"]
            .clone();
    assert_eq!(twin.effects(), 0);
    let simulate = json!({"entity": "PAYMENTS", "entity_id": payment, "entity_simulation": {"payment_status": "SUCCESS"}});
    assert_eq!(send(&twin, "POST", "/pg/simulate", &APP, &simulate.to_string()).await.status, 200);
    let paid = send(&twin, "GET", "/pg/orders/o-1/payments", &APP, "").await;
    assert_eq!((paid.body[0]["payment_status"].as_str(), twin.effects()), (Some("SUCCESS"), 1));
    twin.shutdown().await;
}

#[tokio::test]
async fn faults_are_told_over_http_hit_the_call_that_they_name_and_can_be_forgotten() {
    let twin = stripe::start("127.0.0.1:0".parse().unwrap(), clock()).await.unwrap();
    let json = ("content-type", "application/json");
    let fault = r#"{"kind":"server_error","on":"GET /v1/refunds"}"#;
    assert_eq!(send(&twin, "POST", "/_twin/faults", &[json], fault).await.status, 204);
    assert_eq!(send(&twin, "GET", "/v1/balance", &[KEY], "").await.status, 200);
    assert_eq!(send(&twin, "GET", "/v1/refunds", &[KEY], "").await.status, 500);
    assert_eq!(send(&twin, "GET", "/v1/refunds", &[KEY], "").await.status, 200);
    send(&twin, "POST", "/_twin/faults", &[json], fault).await;
    assert_eq!(send(&twin, "DELETE", "/_twin/faults", &[], "").await.status, 204);
    assert_eq!(send(&twin, "GET", "/v1/refunds", &[KEY], "").await.status, 200);
    assert_eq!(send(&twin, "POST", "/_twin/faults", &[json], r#"{"kind":"earthquake"}"#).await.status, 422);
    twin.shutdown().await;
}

#[tokio::test]
async fn the_network_answers_in_the_words_of_ethereum() {
    let twin = x402::start("127.0.0.1:0".parse().unwrap(), clock()).await.unwrap();
    let json_type = ("content-type", "application/json");
    let wallet = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
    let mint = json!({"address": wallet, "amount": "255"}).to_string();
    send(&twin, "POST", "/_twin/mint", &[json_type], &mint).await;
    let ask = async |method: &str, params: Value| {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string();
        send(&twin, "POST", "/rpc", &[json_type], &body).await.body
    };
    assert_eq!(ask("eth_chainId", json!([])).await["result"], "0x14a34");
    // The selectors that every token of this kind has: balanceOf 70a08231, authorizationState e94a0102.
    let word = format!("{:0>64}", wallet.trim_start_matches("0x").to_lowercase());
    let call = |data: String| json!([{"to": x402::ASSET, "data": data}, "latest"]);
    let balance = ask("eth_call", call(format!("0x70a08231{word}"))).await;
    assert_eq!(balance["result"], format!("0x{:064x}", 255));
    let state = ask("eth_call", call(format!("0xe94a0102{word}{}", "0".repeat(64)))).await;
    assert_eq!(state["result"], format!("0x{:064x}", 0));
    assert!(ask("eth_call", call("0x00000000".to_owned())).await["error"].is_object());
    assert!(ask("eth_sendTransaction", json!([])).await["error"].is_object());
    twin.shutdown().await;
}
