//! Our rails and our twins against software of other makers.

#[cfg(test)]
mod node;
#[cfg(test)]
mod python;

use base::{Clock, Currency, Money, Random, Secret, SystemClock};
use node::Node;
use ports::rail::{
    Account, Asked, Authorise, Capture, Credentials, Found, Rail, RailError, Refund, Source, Status,
    StripeAccount, Sync, Timing,
};
use python::Python;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;
use uuid::Uuid;
use vendors::rail::{Line, stripe::Stripe};
use x402::{SettleResponse, header};

const ANY: &str = "127.0.0.1:0";

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_sdk_drives_our_twin_unchanged() {
    let twin = twins::rail::stripe::start(ANY.parse().unwrap(), clock()).await.unwrap();
    let printed = Python::ready().await.run("stripe_sdk.py", &[&twin.url()]).await;
    // Hold, capture, refund, transfer, and the one payment that the SDK asked for twice.
    assert_eq!((printed.trim(), twin.effects()), ("5", 5));
    twin.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_sdk_for_node_drives_our_twin_unchanged() {
    let twin = twins::rail::stripe::start(ANY.parse().unwrap(), clock()).await.unwrap();
    let printed = Node::ready().await.run("stripe_sdk.mjs", &[&twin.url()]).await;
    // As with the other SDK.
    assert_eq!((printed.trim(), twin.effects()), ("5", 5));
    twin.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_sdk_for_node_drives_billing_of_our_twin_unchanged() {
    let twin = twins::rail::stripe::start(ANY.parse().unwrap(), clock()).await.unwrap();
    let printed = Node::ready().await.run("stripe_billing.mjs", &[&twin.url()]).await;
    // The first payment, the difference to the larger plan, and the renewal that was paid late.
    assert_eq!((printed.trim(), twin.effects()), ("3", 3));
    twin.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cashfrees_sdk_reads_our_twin_and_accepts_its_signatures() {
    let twin = twins::rail::cashfree::start(ANY.parse().unwrap(), clock()).await.unwrap();
    let printed = Python::ready().await.run("cashfree_sdk.py", &[&twin.url()]).await;
    assert_eq!(printed.trim(), "2");
    twin.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_x402_client_of_others_buys_from_the_twins_shop() {
    let twin = twins::rail::x402::start(ANY.parse().unwrap(), clock()).await.unwrap();
    let http = reqwest::Client::new();
    let tell = async |what: &str, body: String| {
        let request =
            http.post(format!("{}/_twin/{what}", twin.url())).header("content-type", "application/json");
        assert!(request.body(body).send().await.unwrap().status().is_success());
    };
    tell("price", r#"{"name":"report","amount":"10000"}"#.to_owned()).await;
    let wallet = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
    tell("mint", format!(r#"{{"address":"{wallet}","amount":"10000"}}"#)).await;
    let key = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    let printed = Python::ready().await.run("x402_client.py", &[&twin.url(), key]).await;
    let words: Vec<&str> = printed.split_whitespace().collect();
    assert_eq!(words[..2], ["200", r#"{"resource":"report","worked":1}"#]);
    let settled: SettleResponse = header::decode(words[2]).unwrap();
    assert_eq!((settled.success, settled.payer.as_deref()), (true, Some(wallet)));
    // The wallet is empty now: the next one is asked to pay and cannot.
    let printed = Python::ready().await.run("x402_client.py", &[&twin.url(), key]).await;
    assert!(printed.starts_with("402"), "{printed}");
    assert_eq!(twin.effects(), 1);
    twin.shutdown().await;
}

/// Each with how many people its package's calls would have reached.
#[tokio::test(flavor = "multi_thread")]
async fn the_carriers_own_packages_drive_our_twins_and_accept_what_they_sign() {
    let node = Node::ready().await;
    for (carrier, reached) in [
        ("resend", 1),
        ("postmark", 1),
        ("twilio", 1),
        ("telnyx", 2),
        ("vapi", 1),
        ("elevenlabs", 0),
        ("deepgram", 0),
        ("lob", 1),
    ] {
        let twin = twins::carrier::start(carrier, ANY.parse().unwrap(), clock()).await.unwrap();
        let printed = node.run("carriers_sdk.mjs", &[carrier, &twin.url()]).await;
        assert_eq!((printed.trim(), twin.reached()), (reached.to_string().as_str(), reached), "{carrier}");
        twin.shutdown().await;
    }
}

fn usd(minor: i64) -> Money {
    Money { minor, currency: Currency::Usd }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_stripe_rail_drives_localstripe() {
    let python = Python::ready().await;
    let port = std::net::TcpListener::bind(ANY).unwrap().local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let mut server = Command::new(python.program())
        .args(["-m", "localstripe", "--from-scratch", "--port", &port.to_string()])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let keys =
        StripeAccount { secret_key: Secret::new("sk_test_12345"), webhook_secrets: vec![], connected: None };
    let account = Account {
        base_url: Some(format!("http://127.0.0.1:{port}").parse().unwrap()),
        credentials: Credentials::Stripe(keys),
    };
    let line = Line::new(clock(), Arc::new(Random::seeded(1)), Duration::from_secs(20)).unwrap();
    let rail = Stripe::new(line);
    let now = SystemClock.now();
    let ask = |id: u128, timing, method: &str| Authorise {
        payment: Uuid::from_u128(id),
        amount: usd(500),
        source: Source::Saved { customer: None, method: method.to_owned() },
        timing,
        // localstripe knows no description.
        description: String::new(),
        at: now,
    };
    let mut up = false;
    for _ in 0..100 {
        up = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        if up {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(up, "localstripe does not listen");

    let paid = rail.authorise(&account, &ask(1, Timing::Now, "pm_card_visa")).await.unwrap();
    assert_eq!((paid.status, paid.captured), (Status::Captured, usd(500)));
    let held = rail.authorise(&account, &ask(2, Timing::Later, "pm_card_visa")).await.unwrap();
    assert_eq!((&held.status, held.captured), (&Status::Authorised, usd(0)));
    let capture = Capture {
        payment: Uuid::from_u128(2),
        provider_ref: held.provider_ref.clone(),
        held: usd(500),
        amount: usd(500),
    };
    assert_eq!(rail.capture(&account, &capture).await.unwrap().status, Status::Captured);
    let refund = Refund {
        refund: Uuid::from_u128(3),
        payment: Uuid::from_u128(1),
        provider_ref: paid.provider_ref.clone(),
        amount: usd(200),
        note: String::new(),
        at: now,
    };
    assert_eq!(rail.refund(&account, &refund).await.unwrap().amount, usd(200));
    let sync = Sync {
        of: Asked::Payment(ask(1, Timing::Now, "pm_card_visa")),
        provider_ref: Some(paid.provider_ref),
        last_asked_at: now,
    };
    let Found::Payment(found) = rail.sync(&account, &sync).await.unwrap() else { panic!("not found") };
    assert_eq!((found.status, found.amount), (Status::Captured, usd(500)));
    let declined =
        rail.authorise(&account, &ask(4, Timing::Now, "pm_card_chargeCustomerFail")).await.unwrap_err();
    assert!(matches!(declined, RailError::Declined { .. }), "{declined:?}");
    server.kill().await.unwrap();
}
