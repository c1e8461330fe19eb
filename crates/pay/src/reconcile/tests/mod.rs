//! Comparisons, sweeps, the books that look after themselves, and what all of it leaves as proof.

mod agreement;
mod books;
mod compared;
mod proofs;
mod swept;

use crate::account::Setup;
use crate::payment::tests::bed::Bed;
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
use twins::rail::RailTwin;
use vendors::rail::{Line, cashfree::Cashfree, stripe::Stripe};

const SECRET: &str = "whsec_test";
/// How long the rails wait for an answer.
const PATIENCE: Duration = Duration::from_millis(400);

/// A tenant that pays at a twin.
struct Stage {
    bed: Bed,
    twin: RailTwin,
}

impl Stage {
    async fn at_stripe() -> Self {
        let kit = TestDb::new().await;
        let at = "127.0.0.1:0".parse().expect("an address");
        let twin = twins::rail::stripe::start(at, kit.clock.clone()).await.expect("a twin");
        let rails = Rails::of([Arc::new(Stripe::new(line(&kit))) as Arc<dyn Rail>]);
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

    /// The payer's app is at this UPI address.
    async fn at_cashfree(upi: &str) -> Self {
        let kit = TestDb::new().await;
        let at = "127.0.0.1:0".parse().expect("an address");
        let twin = twins::rail::cashfree::start(at, kit.clock.clone()).await.expect("a twin");
        let rails = Rails::of([Arc::new(Cashfree::new(line(&kit))) as Arc<dyn Rail>]);
        let bed = Bed::in_place(kit, rails, &["cashfree"], None).await;
        bed.set_up(&Setup::Cashfree {
            base_url: Some(format!("{}/pg", twin.url()).parse().expect("a URL")),
            client_id: "app".to_owned(),
            client_secrets: vec![SECRET.to_owned()],
            notify_url: None,
            phone: "9999999999".to_owned(),
            upi: upi.to_owned(),
        })
        .await;
        Self { bed, twin }
    }

    async fn pay(&self, minor: i64) -> Value {
        let mandate = self.bed.mandate(minor).await;
        self.bed.execute(&mandate).await.json()["payment"].clone()
    }

    /// Lets this much time pass, with everything that falls due in it.
    async fn later(&self, seconds: i64) {
        self.bed.app.run_until(self.bed.kit.clock_now().plus_s(seconds)).await;
    }

    /// A signed word of Stripe.
    async fn hear(&self, id: &str, kind: &str, object: Value) -> Answer {
        let body = json!({"id": id, "type": kind, "created": 1, "data": {"object": object}}).to_string();
        let at = self.bed.kit.clock_now().ms() / 1_000;
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(SECRET.as_bytes()).expect("any key");
        mac.update(format!("{at}.{body}").as_bytes());
        let signature = format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()));
        let request = Request::post("/webhooks/stripe").header("stripe-signature", signature);
        self.bed.app.stranger().send(request.body(Body::from(body)).expect("a request")).await
    }
}

fn line(kit: &TestDb) -> Line {
    Line::new(kit.clock.clone(), Arc::new(Random::seeded(7)), PATIENCE).expect("a line")
}
