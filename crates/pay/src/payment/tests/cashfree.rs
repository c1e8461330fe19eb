//! Paying over Cashfree, at its twin over HTTP.

use super::bed::{Bed, text};
use crate::account::Setup;
use axum::body::Body;
use axum::http::Request;
use base::{Currency, Random};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use ports::rail::Rails;
use serde_json::json;
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use testkit::TestDb;
use twins::rail::{Fault, FaultKind, RailTwin};
use vendors::rail::{Line, cashfree::Cashfree};

const PATIENCE: Duration = Duration::from_millis(600);
/// The secret of the app; it guards nothing.
const SECRET: &str = "whsec_test_secret";
const INR: Currency = Currency::Inr;
/// The call in which the money moves.
const MOVING: &str = "POST /pg/orders/sessions";

async fn at_cashfree(upi: &str) -> (Bed, RailTwin) {
    let kit = TestDb::new().await;
    let twin = twins::rail::cashfree::start("127.0.0.1:0".parse().unwrap(), kit.clock.clone()).await.unwrap();
    let line = Line::new(kit.clock.clone(), Arc::new(Random::seeded(5)), PATIENCE).unwrap();
    let rail: Arc<dyn ports::rail::Rail> = Arc::new(Cashfree::new(line));
    let bed = Bed::in_place(kit, Rails::of([rail]), &["cashfree"], None).await;
    bed.set_up(&Setup::Cashfree {
        base_url: Some(format!("{}/pg", twin.url()).parse().unwrap()),
        client_id: "app_1".to_owned(),
        client_secrets: vec![SECRET.to_owned()],
        notify_url: None,
        phone: "9999999999".to_owned(),
        upi: upi.to_owned(),
    })
    .await;
    (bed, twin)
}

async fn paid(bed: &Bed, mandate: &str) -> (String, Option<String>) {
    let answer = bed.execute(mandate).await;
    assert!([200, 202].contains(&answer.status), "{}", answer.text());
    let payment = answer.json()["payment"].clone();
    (text(&payment["status"]), payment["reason"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn rupees_are_paid_over_cashfree_once_and_divided() {
    let (bed, twin) = at_cashfree("testsuccess@gocash").await;
    let mandate = bed.mandate_in(435, "INR").await;
    for _ in 0..2 {
        let answer = bed.execute(&mandate).await.expect(200).json();
        assert_eq!(
            (answer["payment"]["rail"].as_str(), answer["payment"]["status"].as_str()),
            (Some("cashfree"), Some("succeeded"))
        );
    }
    assert_eq!((twin.effects(), bed.earned(INR).await, bed.fees(INR).await), (1, 348, 87));
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn a_payer_who_says_no_pays_nothing() {
    let (bed, twin) = at_cashfree("testfailure@gocash").await;
    let (status, reason) = paid(&bed, &bed.mandate_in(435, "INR").await).await;
    assert_eq!((status.as_str(), reason.as_deref()), ("failed", Some("payer_declined")));
    assert_eq!((twin.effects(), bed.earned(INR).await), (0, 0));
    assert_eq!(bed.sql("select reserved_minor::text from pay.mandate").await, ["0"]);
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn i5_a_lost_answer_of_cashfree_is_looked_up_with_one_effect() {
    for (fault, on, effects, end) in [
        (FaultKind::TimeoutAfter, MOVING, 1, "succeeded"),
        (FaultKind::TimeoutBefore, "POST /pg/orders", 0, "failed"),
    ] {
        let (bed, twin) = at_cashfree("testsuccess@gocash").await;
        let mandate = bed.mandate_in(435, "INR").await;
        twin.inject(Fault::on(fault, on));
        assert_eq!(paid(&bed, &mandate).await.0, "unknown", "{fault:?}");
        assert_eq!(bed.count("pay.receipt").await, 0);
        bed.app.run_until(bed.kit.clock_now().plus_s(1_800)).await;
        assert_eq!(paid(&bed, &mandate).await.0, end, "{fault:?}");
        assert_eq!((twin.effects(), bed.count("pay.receipt").await), (effects, 1), "{fault:?}");
        bed.holds().await;
        twin.shutdown().await;
    }
}

#[tokio::test]
async fn server_errors_of_cashfree_are_tried_again_under_the_same_key() {
    for fault in [FaultKind::ServerError, FaultKind::ServerErrorAfter, FaultKind::RateLimited] {
        let (bed, twin) = at_cashfree("testsuccess@gocash").await;
        twin.inject(Fault::on(fault, MOVING));
        let (status, reason) = paid(&bed, &bed.mandate_in(435, "INR").await).await;
        assert_eq!((status.as_str(), twin.effects()), ("succeeded", 1), "{fault:?} {reason:?}");
        bed.holds().await;
        twin.shutdown().await;
    }
}

#[tokio::test]
async fn another_amount_of_cashfree_books_nothing_until_a_person_looked() {
    let (bed, twin) = at_cashfree("testsuccess@gocash").await;
    // Every look at the order, from the health check on.
    for _ in 0..4 {
        twin.inject(Fault::on(FaultKind::WrongAmount, "GET /pg/orders"));
    }
    let (status, reason) = paid(&bed, &bed.mandate_in(435, "INR").await).await;
    assert_eq!((status.as_str(), reason.as_deref()), ("unknown", Some("rail_mismatch")));
    assert_eq!((bed.earned(INR).await, bed.count("control.notification").await), (0, 1));
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn l8_refunds_over_cashfree_give_both_shares_back_once_whatever_is_lost() {
    for fault in [None, Some(FaultKind::TimeoutAfter), Some(FaultKind::ServerErrorAfter)] {
        let (bed, twin) = at_cashfree("testsuccess@gocash").await;
        let answer = bed.execute(&bed.mandate_in(435, "INR").await).await.expect(200).json();
        let path = format!("/api/v1/payments/{}/refund", text(&answer["payment"]["id"]));
        if let Some(fault) = fault {
            twin.inject(Fault::on(fault, "POST /pg/orders/"));
        }
        let body = json!({"amount_minor": 435, "reason": "not as described"});
        let given = bed.call(&bed.owner(), "POST", &path, &body).await;
        assert!([200, 201, 202].contains(&given.status), "{fault:?}: {}", given.text());
        bed.app.run_until(bed.kit.clock_now().plus_s(7_200)).await;
        assert_eq!(bed.sql("select status::text from pay.refund").await, ["succeeded"], "{fault:?}");
        assert_eq!((bed.earned(INR).await, bed.fees(INR).await, twin.effects()), (0, 0, 2), "{fault:?}");
        bed.holds().await;
        twin.shutdown().await;
    }
}

/// A webhook as Cashfree signs it: over timestamp and raw body.
async fn heard(bed: &Bed, body: &str, secret: &str, off_s: i64, query: &str) -> testkit::Answer {
    let at = (bed.kit.clock_now().ms() + off_s * 1_000).to_string();
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(at.as_bytes());
    mac.update(body.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let request = Request::post(format!("/webhooks/cashfree{query}"))
        .header("x-webhook-timestamp", at)
        .header("x-webhook-signature", signature)
        .header("x-idempotency-key", base::Digest::of(body.as_bytes()).to_string());
    bed.app.stranger().send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// A word about an order, its amounts byte for byte.
fn word(kind: &str, order: &str, (asked, paid, currency): (&str, &str, &str), status: &str) -> String {
    format!(
        r#"{{"type":"{kind}","event_time":"2026-03-02T00:00:00Z","data":{{"order":{{"order_id":"{order}","order_amount":{asked},"order_currency":"{currency}"}},"payment":{{"cf_payment_id":"885{status}","payment_status":"{status}","payment_amount":{paid},"payment_currency":"{currency}","is_captured":true}}}}}}"#
    )
}

const SUCCESS: &str = "PAYMENT_SUCCESS_WEBHOOK";

#[tokio::test]
async fn w1_w5_what_cashfree_did_not_sign_or_is_stale_or_too_large_leaves_no_row() {
    let (bed, twin) = at_cashfree("testsuccess@gocash").await;
    let paid = bed.execute(&bed.mandate_in(435, "INR").await).await.expect(200).json();
    let order = text(&paid["payment"]["id"]);
    let good = word(SUCCESS, &order, ("4.35", "4.35", "INR"), "SUCCESS");
    let theirs = format!("?tenant={}", bed.other.id);
    for (secret, off_s, query, status) in [
        ("wrong", 0, "", 401),
        (SECRET, -601, "", 401),
        (SECRET, 601, "", 401),
        (SECRET, 0, theirs.as_str(), 404),
        (SECRET, 0, "?tenant=x", 400),
    ] {
        let answer = heard(&bed, &good, secret, off_s, query).await;
        assert_eq!(answer.status, status, "{secret} {off_s} {query}: {}", answer.text());
    }
    let unsigned = Request::post("/webhooks/cashfree").body(Body::from(good.clone())).unwrap();
    bed.app.stranger().send(unsigned).await.expect(401);
    let large = good.replace("\"data\"", &format!("\"pad\":\"{}\",\"data\"", "x".repeat(1_100_000)));
    heard(&bed, &large, SECRET, 0, "").await.expect(413);
    assert_eq!(bed.count("hooks.inbox").await, 0);
    heard(&bed, &good, SECRET, 0, "").await.expect(200);
    heard(&bed, &good, SECRET, 0, "").await.expect(200);
    assert_eq!(bed.count("hooks.inbox").await, 1);
    twin.shutdown().await;
}

#[tokio::test]
async fn w3_w4_what_cashfree_says_in_any_order_never_moves_a_payment_back_and_other_amounts_book_nothing() {
    let (bed, twin) = at_cashfree("testsuccess@gocash").await;
    // The answer is lost; what comes first is a failure, then other amounts, then the truth, then a failure.
    twin.inject(Fault::on(FaultKind::TimeoutAfter, MOVING));
    assert_eq!(paid(&bed, &bed.mandate_in(435, "INR").await).await.0, "unknown");
    let order = bed.sql("select id::text from pay.payment").await.remove(0);
    let status = async || bed.sql("select status::text from pay.payment").await.remove(0);
    let failed = word("PAYMENT_FAILED_WEBHOOK", &order, ("4.35", "4.35", "INR"), "FAILED");
    heard(&bed, &failed, SECRET, 0, "").await.expect(200);
    bed.app.run_until(bed.kit.clock_now().plus_s(60)).await;
    assert_ne!(status().await, "failed", "the rail is asked, and knows better");
    bed.app.run_until(bed.kit.clock_now().plus_s(3_600)).await;
    assert_eq!(status().await, "succeeded");
    for (kind, amounts, said) in [
        (SUCCESS, ("9.99", "9.99", "INR"), "SUCCESS"),
        (SUCCESS, ("4.35", "1.00", "INR"), "SUCCESS"),
        (SUCCESS, ("4.35", "4.35", "USD"), "SUCCESS"),
        ("PAYMENT_USER_DROPPED_WEBHOOK", ("4.35", "4.35", "INR"), "USER_DROPPED"),
        ("PAYMENT_FAILED_WEBHOOK", ("4.35", "4.35", "INR"), "FAILED"),
        (SUCCESS, ("4.35", "4.35", "INR"), "SUCCESS"),
    ] {
        heard(&bed, &word(kind, &order, amounts, said), SECRET, 0, "").await.expect(200);
        bed.app.settle().await;
        let books = (bed.earned(INR).await, bed.fees(INR).await, twin.effects());
        assert_eq!((status().await.as_str(), books), ("succeeded", (348, 87, 1)), "{kind} {amounts:?}");
    }
    assert_eq!(bed.count("pay.receipt").await, 1);
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn w4_a_word_of_cashfree_with_another_amount_ends_no_open_payment() {
    let (bed, twin) = at_cashfree("testsuccess@gocash").await;
    twin.inject(Fault::on(FaultKind::TimeoutBefore, "POST /pg/orders"));
    assert_eq!(paid(&bed, &bed.mandate_in(435, "INR").await).await.0, "unknown");
    let order = bed.sql("select id::text from pay.payment").await.remove(0);
    for amounts in [("9.99", "9.99", "INR"), ("4.35", "1.00", "INR"), ("4.35", "4.35", "USD")] {
        heard(&bed, &word(SUCCESS, &order, amounts, "SUCCESS"), SECRET, 0, "").await.expect(200);
        bed.app.settle().await;
        let books = (bed.earned(INR).await, bed.fees(INR).await, bed.count("pay.receipt").await);
        assert_eq!(books, (0, 0, 0), "{amounts:?}");
        assert_eq!(bed.sql("select status::text from pay.payment").await, ["unknown"], "{amounts:?}");
    }
    bed.holds().await;
    twin.shutdown().await;
}
