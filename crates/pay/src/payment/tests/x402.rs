//! Buying from a vendor over x402, at its twin: a network, a facilitator and a shop, over HTTP.

use super::bed::{Bed, text};
use crate::account::{Coin, Setup};
use base::{Currency, Random, Secret};
use ports::rail::Rails;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use testkit::TestDb;
use twins::rail::x402::{ASSET, CHAIN, DOMAIN, SELLER};
use twins::rail::{Fault, FaultKind, RailTwin};
use vendors::rail::{Line, x402::X402};

const PATIENCE: Duration = Duration::from_millis(600);
/// The wallet's key; it guards nothing.
const WALLET: &str = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
/// The call in which the money moves.
const PAID: &str = "PAID GET /shop/report";

/// One request over a connection of its own.
pub(super) async fn tell(twin: &RailTwin, what: &str, order: &Value) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (url, body) = (twin.url(), order.to_string());
    let at = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(at).await.unwrap();
    let head = format!(
        "POST /_twin/{what} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
}

/// A shop that asks `units` for its report, and a wallet that holds `holds`.
async fn at_shop(units: u64, holds: u64) -> (Bed, RailTwin) {
    let kit = TestDb::new().await;
    let twin = twins::rail::x402::start("127.0.0.1:0".parse().unwrap(), kit.clock.clone()).await.unwrap();
    let line = Line::new(kit.clock.clone(), Arc::new(Random::seeded(5)), PATIENCE).unwrap();
    let rail: Arc<dyn ports::rail::Rail> = Arc::new(X402::new(line, PATIENCE, true).unwrap());
    let endpoint = format!("{}/shop/report", twin.url());
    let bed = Bed::in_place(kit, Rails::of([rail]), &["x402"], Some(&endpoint)).await;
    bed.set_up(&Setup::X402 {
        key: WALLET.to_owned(),
        tokens: vec![Coin {
            network: format!("eip155:{CHAIN}"),
            asset: ASSET.to_owned(),
            name: DOMAIN.0.to_owned(),
            version: DOMAIN.1.to_owned(),
            decimals: 6,
            currency: Currency::Usd,
        }],
        rpc_url: format!("{}/rpc", twin.url()).parse().unwrap(),
        facilitator_url: Some(twin.url().parse().unwrap()),
        pay_to: Some(SELLER.to_owned()),
    })
    .await;
    let wallet = ::x402::PayerKey::read(&Secret::new(WALLET)).unwrap().address();
    tell(&twin, "price", &json!({"name": "report", "amount": units.to_string(), "required": true})).await;
    if holds > 0 {
        tell(&twin, "mint", &json!({"address": wallet, "amount": holds.to_string()})).await;
    }
    (bed, twin)
}

async fn delivery(bed: &Bed, answer: &Value) -> testkit::Answer {
    let path = format!("/api/v1/payments/{}/delivery", text(&answer["payment"]["id"]));
    bed.call(&bed.agent(), "GET", &path, &json!({})).await
}

#[tokio::test]
async fn a_small_purchase_is_paid_over_x402_and_what_was_bought_is_handed_over() {
    let (bed, twin) = at_shop(500_000, 5_000_000).await;
    let mandate = bed.mandate_in(50, "USD").await;
    let answer = bed.execute(&mandate).await.expect(200).json();
    assert_eq!(
        (answer["payment"]["rail"].as_str(), answer["payment"]["status"].as_str()),
        (Some("x402"), Some("succeeded"))
    );
    assert_eq!(answer["receipt"]["rail"], "x402");
    let came = delivery(&bed, &answer).await.expect(200).json();
    assert_eq!(came["status"], 200);
    assert_eq!(
        serde_json::from_str::<Value>(came["text"].as_str().unwrap()).unwrap(),
        json!({"resource": "report", "worked": 1})
    );
    // The price is the vendor's, paid to its own wallet: it earned it and has it.
    assert_eq!((twin.effects(), bed.earned(Currency::Usd).await, bed.fees(Currency::Usd).await), (1, 0, 0));
    // One mandate, one authorization: again is the same payment, and the shop worked once.
    let again = bed.execute(&mandate).await.expect(200).json();
    assert_eq!((&again["payment"]["id"], twin.effects()), (&answer["payment"]["id"], 1));
    let stranger = bed.app.as_member(&bed.other.owner);
    let path = format!("/api/v1/payments/{}/delivery", text(&answer["payment"]["id"]));
    bed.call(&stranger, "GET", &path, &json!({})).await.expect(404);
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn x1_many_executions_of_one_mandate_at_once_pay_the_shop_once() {
    let (bed, twin) = at_shop(500_000, 5_000_000).await;
    let mandate = bed.mandate_in(50, "USD").await;
    let answers = futures::future::join_all((0..5).map(|_| bed.execute(&mandate))).await;
    for answer in answers {
        assert_eq!(answer.expect(200).json()["payment"]["status"], "succeeded");
    }
    assert_eq!((twin.effects(), bed.count("pay.payment").await, bed.count("pay.receipt").await), (1, 1, 1));
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn x2_a_lost_answer_of_a_shop_is_unknown_is_found_on_the_network_and_delivered() {
    for fault in [FaultKind::TimeoutAfter, FaultKind::ServerErrorAfter] {
        let (bed, twin) = at_shop(500_000, 5_000_000).await;
        let mandate = bed.mandate_in(50, "USD").await;
        twin.inject(Fault::on(fault, PAID));
        let answer = bed.execute(&mandate).await.expect(202).json();
        assert_eq!(answer["payment"]["status"], "unknown", "{fault:?}");
        delivery(&bed, &answer).await.expect(404);
        bed.app.run_until(bed.kit.clock_now().plus_s(300)).await;
        let answer = bed.execute(&mandate).await.expect(200).json();
        assert_eq!(answer["payment"]["status"], "succeeded", "{fault:?}");
        // It was paid once, and what was bought came after all: the shop knows the payment's name.
        assert!(delivery(&bed, &answer).await.expect(200).text().contains("worked"), "{fault:?}");
        assert_eq!((twin.effects(), bed.count("pay.receipt").await), (1, 1), "{fault:?}");
        bed.holds().await;
        twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_signature_that_nobody_took_is_given_up_only_when_it_cannot_be_taken_any_more() {
    for fault in [FaultKind::TimeoutBefore, FaultKind::ServerError] {
        let (bed, twin) = at_shop(500_000, 5_000_000).await;
        let mandate = bed.mandate_in(50, "USD").await;
        twin.inject(Fault::on(fault, PAID));
        bed.execute(&mandate).await.expect(202);
        bed.app.run_until(bed.kit.clock_now().plus_s(240)).await;
        let answer = bed.execute(&mandate).await.expect(202).json();
        assert_eq!(answer["payment"]["status"], "unknown", "{fault:?}: it could still be taken");
        bed.app.run_until(bed.kit.clock_now().plus_s(3_600)).await;
        let answer = bed.execute(&mandate).await.expect(200).json();
        assert_eq!(
            (answer["payment"]["status"].as_str(), answer["payment"]["reason"].as_str()),
            (Some("failed"), Some("rail_never_got_it")),
            "{fault:?}"
        );
        assert_eq!(twin.effects(), 0, "{fault:?}");
        assert_eq!(bed.sql("select reserved_minor::text from pay.mandate").await, ["0"]);
        bed.holds().await;
        twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_shop_that_is_away_before_anything_is_signed_costs_nothing() {
    let (bed, twin) = at_shop(500_000, 5_000_000).await;
    let mandate = bed.mandate_in(50, "USD").await;
    twin.inject(Fault::on(FaultKind::TimeoutBefore, "GET /shop/report"));
    let answer = bed.execute(&mandate).await.expect(200).json();
    assert_eq!(
        (answer["payment"]["status"].as_str(), answer["payment"]["reason"].as_str()),
        (Some("failed"), Some("rail_unavailable"))
    );
    assert_eq!(twin.effects(), 0);
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn another_price_another_wallet_and_an_empty_one_are_refused_before_anything_is_signed() {
    for (units, holds, reason) in [
        (510_000_u64, 5_000_000_u64, "too_dear"),
        (490_000, 5_000_000, "price_changed"),
        (500_000, 499_999, "invalid_exact_evm_insufficient_balance"),
    ] {
        let (bed, twin) = at_shop(units, holds).await;
        let answer = bed.execute(&bed.mandate_in(50, "USD").await).await.expect(200).json();
        assert_eq!(
            (answer["payment"]["status"].as_str(), answer["payment"]["reason"].as_str()),
            (Some("failed"), Some(reason))
        );
        assert_eq!(twin.effects(), 0, "{reason}");
        delivery(&bed, &answer).await.expect(404);
        bed.holds().await;
        twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_settlement_that_names_another_amount_is_looked_up_on_the_network() {
    let (bed, twin) = at_shop(500_000, 5_000_000).await;
    let mandate = bed.mandate_in(50, "USD").await;
    twin.inject(Fault::on(FaultKind::WrongAmount, PAID));
    assert_eq!(bed.execute(&mandate).await.expect(202).json()["payment"]["status"], "unknown");
    bed.app.run_until(bed.kit.clock_now().plus_s(300)).await;
    assert_eq!(bed.execute(&mandate).await.expect(200).json()["payment"]["status"], "succeeded");
    assert_eq!(twin.effects(), 1);
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn w3_w4_w5_nothing_that_is_sent_about_x402_is_believed_because_x402_signs_no_events() {
    let (bed, twin) = at_shop(500_000, 5_000_000).await;
    let paid = bed.execute(&bed.mandate_in(50, "USD").await).await.expect(200).json();
    let reference = text(&paid["payment"]["provider_ref"]);
    let before = (bed.earned(Currency::Usd).await, bed.count("pay.receipt").await);
    for (vendor, status) in
        [(bed.vendor.as_str(), 404), (uuid::Uuid::nil().to_string().as_str(), 404), ("x", 400)]
    {
        for body in [
            json!({"type": "payment.failed", "payment": reference}),
            json!({"type": "payment.succeeded", "payment": reference, "amount": "999"}),
            json!({"pad": "x".repeat(900_000)}),
        ] {
            let request = axum::http::Request::post(format!("/webhooks/x402/{vendor}"))
                .header("x-webhook-signature", "c2lnbmVk")
                .header("webhook-signature", "v1,c2lnbmVk")
                .body(axum::body::Body::from(body.to_string()));
            bed.app.stranger().send(request.unwrap()).await.expect(status);
        }
    }
    let large = axum::http::Request::post(format!("/webhooks/x402/{}", bed.vendor))
        .body(axum::body::Body::from("x".repeat(1_100_000)));
    bed.app.stranger().send(large.unwrap()).await.expect(413);
    bed.app.settle().await;
    assert_eq!(bed.count("hooks.inbox").await, 0);
    assert_eq!(bed.sql("select status::text from pay.payment").await, ["succeeded"]);
    assert_eq!((bed.earned(Currency::Usd).await, bed.count("pay.receipt").await), before);
    bed.holds().await;
    twin.shutdown().await;
}
