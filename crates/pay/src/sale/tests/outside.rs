//! At a facilitator outside, whose answers get lost.

use super::stall::{PRICE, Stall, UNITS, nonce, settled, wallet};
use base::{ManualClock, Random};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use testkit::TestDb;
use twins::rail::{Fault, FaultKind, RailTwin};
use vendors::rail::Line;
use vendors::rail::x402::Outside;
use x402::{Fate, PayerKey};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(600);

async fn at_twin() -> (Stall, RailTwin, String, PayerKey) {
    let kit = TestDb::new().await;
    let clock: Arc<ManualClock> = kit.clock.clone();
    let twin = twins::rail::x402::start("127.0.0.1:0".parse().unwrap(), clock.clone()).await.unwrap();
    let line = Line::new(clock, Arc::new(Random::seeded(3)), PATIENCE).unwrap();
    let (base, rpc) = (twin.url().parse().unwrap(), format!("{}/rpc", twin.url()).parse().unwrap());
    let outside = Outside::shared(&line, &base, &rpc).unwrap();
    let stall = Stall::settled_by(kit, outside).await;
    // The twin's token is one that is settled on a network: ours to take, as there is no sandbox here.
    stall.sql("update pay.coin set simulated = false returning name").await;
    let mut ware = Stall::ware("Answer");
    ware["network"] = Value::from(format!("eip155:{}", twins::rail::x402::CHAIN));
    let path = stall.sells(&ware).await;
    let buyer = wallet(1);
    mint(&twin, &buyer, UNITS * 10).await;
    (stall, twin, path, buyer)
}

async fn mint(twin: &RailTwin, wallet: &PayerKey, units: u64) {
    let order = json!({"address": wallet.address(), "amount": units.to_string()});
    let sent = reqwest_less(&twin.url(), "/_twin/mint", &order).await;
    assert!(sent.starts_with("HTTP/1.1 2"), "{sent}");
}

/// One request over a connection of its own.
async fn reqwest_less(base: &str, path: &str, body: &Value) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let at = base.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(at).await.unwrap();
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_sale_is_settled_by_the_facilitator_outside() {
    let (stall, twin, path, buyer) = at_twin().await;
    let answer = stall.buys(&path, &buyer, "payment-number-one").await.expect(200);
    assert_eq!(answer.header("agency-facilitator"), Some("outside"));
    assert!(settled(&answer).success);
    assert_eq!((twin.effects(), stall.earned().await), (1, (PRICE, 0)));
    // There is no sandbox to give tokens away in.
    let gift = json!({"holder": buyer.address(), "units": "1"});
    stall.call(&stall.owner(), "POST", "/api/v1/x402/mint", &gift).await.expect(422);
    stall.books_hold().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn x2_a_settlement_lost_after_the_broadcast_is_unknown_keeps_its_claim_and_is_delivered_once() {
    let (stall, twin, path, buyer) = at_twin().await;
    for fault in [FaultKind::TimeoutAfter, FaultKind::ServerErrorAfter] {
        let name = format!("payment-{fault:?}");
        let (runs, effects) = (stall.work.runs.load(Ordering::SeqCst), twin.effects());
        let asked = stall.asked(&path).await;
        let payment = stall.signed(&asked, &buyer, nonce(&name), Some(&name));
        twin.inject(Fault::on(fault, "POST /settle"));
        let answer = stall.pay(&path, &payment).await.expect(503);
        let said = settled(&answer);
        assert_eq!((said.success, said.error_reason.as_deref()), (false, Some("settlement_pending")));
        assert_eq!(stall.sales().await[0]["status"], "unknown");
        assert!(!answer.text().contains("forty-two"));
        // The claim is kept: the same authorization under another name gets nowhere.
        stall
            .pay(&path, &stall.signed(&asked, &buyer, nonce(&name), Some(&format!("{name}-2"))))
            .await
            .expect(402);
        // Nobody asks; the job finds what the network has.
        stall.app.run_until(stall.kit.clock_now().plus_s(10)).await;
        let sale = stall.sales().await[0].clone();
        assert_eq!((sale["status"].as_str(), sale["runs"].as_i64()), (Some("delivered"), Some(1)));
        let answer = stall.pay(&path, &payment).await.expect(200);
        assert!(answer.text().contains("forty-two"));
        assert_eq!(settled(&answer).transaction, sale["transaction"].as_str().unwrap());
        assert_eq!(
            (stall.work.runs.load(Ordering::SeqCst), twin.effects()),
            (runs + 1, effects + 1),
            "{fault:?}"
        );
    }
    assert_eq!(stall.earned().await, (PRICE * 2, 0));
    stall.books_hold().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn x2_a_repeated_request_finds_a_lost_settlement_by_itself() {
    let (stall, twin, path, buyer) = at_twin().await;
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("one"), Some("payment-number-one"));
    twin.inject(Fault::on(FaultKind::TimeoutAfter, "POST /settle"));
    stall.pay(&path, &payment).await.expect(503);
    stall.pay(&path, &payment).await.expect(200);
    assert_eq!((stall.work.runs.load(Ordering::SeqCst), twin.effects()), (1, 1));
    twin.shutdown().await;
}

#[tokio::test]
async fn x3_a_settlement_that_never_happened_is_found_out_once_it_cannot_happen_any_more() {
    let (stall, twin, path, buyer) = at_twin().await;
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("one"), Some("payment-number-one"));
    twin.inject(Fault::on(FaultKind::TimeoutBefore, "POST /settle"));
    stall.pay(&path, &payment).await.expect(503);
    // Until the authorization ends, the network could still take it.
    stall.pay(&path, &payment).await.expect(503);
    assert_eq!((stall.sales().await[0]["status"].as_str(), stall.readable().await), (Some("unknown"), 0));
    stall.app.run_until(stall.kit.clock_now().plus_s(600)).await;
    let sale = stall.sales().await[0].clone();
    assert_eq!(sale["status"], "failed", "{sale}");
    let answer = stall.pay(&path, &payment).await.expect(402);
    assert!(!answer.text().contains("forty-two"));
    assert_eq!((twin.effects(), stall.readable().await, stall.earned().await), (0, 0, (0, 0)));
    stall.books_hold().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn x3_money_that_went_elsewhere_under_the_same_name_pays_for_nothing() {
    let (stall, twin, path, buyer) = at_twin().await;
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("one"), Some("payment-number-one"));
    twin.inject(Fault::on(FaultKind::TimeoutBefore, "POST /settle"));
    stall.pay(&path, &payment).await.expect(503);
    // The buyer signs a second authorization of the same name, to another wallet, and has it settled.
    let mut other = asked.clone();
    other.accepts[0].pay_to = wallet(9).address().to_string();
    let other = stall.signed(&other, &buyer, nonce("one"), None);
    let body = json!({
        "x402Version": 2, "paymentPayload": other, "paymentRequirements": other.accepted,
    });
    let moved = reqwest_less(&twin.url(), "/settle", &body).await;
    assert!(moved.contains("\"success\":true"), "{moved}");
    let answer = stall.pay(&path, &payment).await.expect(402);
    assert!(!answer.text().contains("forty-two"));
    assert_eq!((stall.sales().await[0]["status"].as_str(), stall.readable().await), (Some("failed"), 0));
    assert_eq!(stall.earned().await, (0, 0));
    twin.shutdown().await;
}

#[tokio::test]
async fn x4_a_facilitator_that_is_away_costs_nothing() {
    let (stall, twin, path, buyer) = at_twin().await;
    // Away before anything is claimed.
    for _ in 0..8 {
        twin.inject(Fault::on(FaultKind::ServerError, "POST /verify"));
    }
    let answer = stall.buys(&path, &buyer, "payment-number-one").await.expect(503);
    assert_eq!(answer.json()["code"], "facilitator_unavailable");
    assert_eq!(
        (stall.work.runs.load(Ordering::SeqCst), stall.sales().await.len(), twin.effects()),
        (0, 0, 0)
    );
    twin.shutdown().await;
    // Away for good.
    let again = stall.get(&path, &[]).await;
    assert_eq!(again.status, 402);
    let answer = stall.buys(&path, &buyer, "payment-number-two").await;
    assert_eq!((answer.status, stall.sales().await.len()), (503, 0));
}

#[tokio::test]
async fn a_settlement_of_another_amount_is_not_believed() {
    let (stall, twin, path, buyer) = at_twin().await;
    twin.inject(Fault::on(FaultKind::WrongAmount, "POST /settle"));
    let answer = stall.buys(&path, &buyer, "payment-number-one").await;
    // The network says what really moved: the right amount.
    assert_eq!((answer.status, twin.effects(), stall.earned().await), (200, 1, (PRICE, 0)));
    twin.shutdown().await;
}

#[tokio::test]
async fn the_network_tells_three_fates_apart() {
    let (stall, twin, path, buyer) = at_twin().await;
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("one"), None);
    let now_s = u64::try_from(stall.kit.clock_now().ms() / 1_000).unwrap();
    let claim = x402::exact::check(&payment, &asked.accepts[0], now_s).unwrap();
    let found = async |claim: &x402::exact::Claim| stall.facilitator.look_up(claim).await.unwrap();
    assert_eq!(found(&claim).await, Fate::Unused);
    stall.pay(&path, &payment).await.expect(200);
    let Fate::Settled { transaction } = found(&claim).await else { panic!("not settled") };
    assert_eq!(transaction, stall.sales().await[0]["transaction"].as_str().unwrap());
    let other = x402::exact::Claim { to: wallet(9).address(), ..claim.clone() };
    assert_eq!(found(&other).await, Fate::Elsewhere);
    let more = x402::exact::Claim { value: x402::Uint::from(UNITS + 1), ..claim };
    assert_eq!(found(&more).await, Fate::Elsewhere);
    twin.shutdown().await;
}
