//! Stripe at its twin: the whole way over HTTP, signed webhooks, and never a step backwards.

use crate::account::Setup;
use crate::payment::tests::bed::{AUD, Bed, text};
use axum::body::Body;
use axum::http::Request;
use base::Random;
use hmac::{Hmac, Mac};
use ports::rail::{Rail, Rails};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use testkit::{Answer, TestDb};
use twins::rail::{Fault, FaultKind, RailTwin};
use vendors::rail::{Line, stripe::Stripe};

const SECRET: &str = "whsec_test";

struct Stage {
    bed: Bed,
    twin: RailTwin,
}

impl Stage {
    async fn new() -> Self {
        let kit = TestDb::new().await;
        let twin = twins::rail::stripe::start("127.0.0.1:0".parse().expect("an address"), kit.clock.clone())
            .await
            .expect("a twin");
        let line = Line::new(kit.clock.clone(), Arc::new(Random::seeded(7)), Duration::from_millis(600))
            .expect("a line");
        let rails = Rails::of([Arc::new(Stripe::new(line)) as Arc<dyn Rail>]);
        let bed = Bed::in_place(kit, rails, &["stripe"], None).await;
        bed.set_up(&Setup::Stripe {
            base_url: Some(twin.url().parse().expect("a URL")),
            secret_key: "sk_test_twin".to_owned(),
            webhook_secrets: vec![SECRET.to_owned()],
            connected: None,
            customer: None,
            payment_method: "pm_card_visa".to_owned(),
        })
        .await;
        Self { bed, twin }
    }

    async fn pay(&self, minor: i64) -> Value {
        let mandate = self.bed.mandate(minor).await;
        self.bed.execute(&mandate).await.json()["payment"].clone()
    }

    async fn send(&self, event: &Value, secret: &str, off_s: i64, query: &str) -> Answer {
        let body = event.to_string();
        let at = self.bed.kit.clock_now().ms() / 1_000 + off_s;
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()).expect("any key");
        mac.update(format!("{at}.{body}").as_bytes());
        let signature = format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()));
        let request = Request::post(format!("/webhooks/stripe{query}")).header("stripe-signature", signature);
        self.bed.app.stranger().send(request.body(Body::from(body)).expect("a request")).await
    }

    async fn status(&self) -> String {
        self.bed.sql("select status::text from pay.payment").await.join(",")
    }
}

fn event(id: &str, kind: &str, object: Value) -> Value {
    json!({"id": id, "type": kind, "created": 1, "data": {"object": object}})
}

fn intent(payment: &Value, status: &str, minor: i64) -> Value {
    let taken = if status == "succeeded" { minor } else { 0 };
    json!({"id": payment["provider_ref"], "object": "payment_intent", "amount": minor, "amount_received": taken,
           "currency": "aud", "status": status})
}

#[tokio::test]
async fn a_lost_answer_of_stripe_is_found_and_money_moves_once() {
    for (fault, end, effects) in [
        (FaultKind::TimeoutAfter, "succeeded", 1),
        (FaultKind::TimeoutBefore, "failed", 0),
        (FaultKind::ServerErrorAfter, "succeeded", 1),
    ] {
        let stage = Stage::new().await;
        stage.twin.inject(Fault::on(fault, "POST /v1/payment_intents"));
        let before = stage.pay(430).await;
        assert!(["unknown", "succeeded"].contains(&text(&before["status"]).as_str()), "{before}");
        stage.bed.app.run_until(stage.bed.kit.clock_now().plus_s(3_600)).await;
        assert_eq!((stage.status().await.as_str(), stage.twin.effects()), (end, effects), "{fault:?}");
        stage.bed.holds().await;
    }
}

#[tokio::test]
async fn w1_w5_what_is_unsigned_stale_of_another_tenant_or_too_large_leaves_no_row() {
    let stage = Stage::new().await;
    let payment = stage.pay(430).await;
    let word = event("evt_1", "payment_intent.succeeded", intent(&payment, "succeeded", 430));
    let theirs = format!("?tenant={}", stage.bed.other.id);
    for (secret, off_s, query, status) in [
        ("wrong", 0, "", 401),
        (SECRET, -301, "", 401),
        (SECRET, 301, "", 401),
        (SECRET, 0, theirs.as_str(), 404),
        (SECRET, 0, "?tenant=x", 400),
    ] {
        let answer = stage.send(&word, secret, off_s, query).await;
        assert_eq!(answer.status, status, "{secret} {off_s} {query}: {}", answer.text());
    }
    let unsigned = Request::post("/webhooks/stripe").body(Body::from("{}")).expect("a request");
    stage.bed.app.stranger().send(unsigned).await.expect(401);
    let mut large = word.clone();
    large["pad"] = "x".repeat(1_100_000).into();
    stage.send(&large, SECRET, 0, "").await.expect(413);
    assert_eq!(stage.bed.count("hooks.inbox").await, 0);
    stage.send(&word, SECRET, 0, "").await.expect(200);
    assert_eq!(stage.bed.count("hooks.inbox").await, 1);
    for _ in 0..100 {
        stage.send(&word, SECRET, 0, "").await;
    }
    stage.send(&word, SECRET, 0, "").await.expect(429);
}

#[tokio::test]
async fn w2_the_same_event_fifty_times_at_once_has_one_effect() {
    let stage = Stage::new().await;
    let payment = stage.pay(430).await;
    let refund = json!({"id": "re_1", "object": "refund", "amount": 130, "currency": "aud", "status": "succeeded", "payment_intent": payment["provider_ref"]});
    let word = event("evt_2", "refund.created", refund);
    let answers = futures::future::join_all((0..50).map(|_| stage.send(&word, SECRET, 0, ""))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    stage.bed.app.settle().await;
    assert_eq!(
        (
            stage.bed.count("hooks.inbox").await,
            stage.bed.count("pay.refund").await,
            stage.bed.earned(AUD).await
        ),
        (1, 1, 240)
    );
    assert_eq!(stage.status().await, "partially_refunded");
    stage.bed.holds().await;
}

#[tokio::test]
async fn w3_w4_events_in_any_order_never_move_a_payment_back_and_other_amounts_book_nothing() {
    let stage = Stage::new().await;
    // The answer is lost; a stale failure comes before the success: the rail is asked and knows better.
    stage.twin.inject(Fault::on(FaultKind::TimeoutAfter, "POST /v1/payment_intents"));
    stage.pay(430).await;
    assert_eq!(stage.status().await, "unknown");
    let id = stage.bed.sql("select id::text from pay.payment").await[0].clone();
    let stale = json!({"provider_ref": "pi_stale"});
    let mut failed = intent(&stale, "canceled", 430);
    failed["metadata"] = json!({"agency_payment": id, "payment": id, "agency_id": id, "ours": id});
    stage.send(&event("evt_3", "payment_intent.canceled", failed), SECRET, 0, "").await.expect(200);
    stage.bed.app.run_until(stage.bed.kit.clock_now().plus_s(3_600)).await;
    assert_eq!(stage.status().await, "succeeded");
    let known = json!({"provider_ref": stage.bed.sql("select provider_ref from pay.payment").await[0]});
    for (number, status, minor) in
        [(4, "processing", 430), (5, "canceled", 430), (6, "succeeded", 999), (7, "succeeded", 430)]
    {
        let kind = format!("payment_intent.{status}");
        stage
            .send(&event(&format!("evt_{number}"), &kind, intent(&known, status, minor)), SECRET, 0, "")
            .await
            .expect(200);
    }
    stage.bed.app.settle().await;
    assert_eq!(
        (stage.status().await.as_str(), stage.bed.earned(AUD).await, stage.twin.effects()),
        ("succeeded", 344, 1)
    );
    assert_eq!(stage.bed.count("pay.receipt").await, 1);
    stage.bed.holds().await;
}
