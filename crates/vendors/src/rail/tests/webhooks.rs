//! Webhooks of the twins, received over loopback.

use super::stage::{PRICE, SECRET, Stage};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base::Clock;
use ports::rail::{About, DisputeStage, Event, Inbound, RailKind, Status, Timing, WebhookError, agree};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use twins::rail::Hook;

type Letters = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver that refuses the first webhook, as if its database were away.
async fn receiver() -> (String, Letters) {
    let letters: Letters = Arc::default();
    let app = Router::new().route("/hook", post(take)).with_state(letters.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, letters)
}

async fn take(State(letters): State<Letters>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut letters = letters.lock().unwrap();
    let first = letters.is_empty();
    letters.push((headers, body));
    if first { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

async fn wait_for(letters: &Letters, count: usize) {
    for _ in 0..100 {
        if letters.lock().unwrap().len() >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} of {count} webhooks came", letters.lock().unwrap().len());
}

fn inbound(stage: &Stage, letter: &(HeaderMap, Bytes)) -> Inbound {
    let headers = letter.0.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
    Inbound { headers, body: letter.1.clone(), received_at: stage.clock.now() }
}

fn events(stage: &Stage, letters: &Letters) -> Vec<Event> {
    let letters = letters.lock().unwrap();
    letters
        .iter()
        .map(|letter| stage.rail.parse_webhook(&stage.account, &inbound(stage, letter)).unwrap())
        .collect()
}

fn hook(url: &str) -> Hook {
    Hook { url: Some(url.parse().unwrap()), secret: SECRET.to_owned(), ..Hook::default() }
}

#[tokio::test]
async fn a_payment_and_its_refund_are_told_with_our_ids_and_a_refused_webhook_comes_again() {
    for (kind, paid_kind, refund_kind) in [
        (RailKind::Stripe, "payment_intent.succeeded", "refund.created"),
        (RailKind::Cashfree, "PAYMENT_SUCCESS_WEBHOOK", "REFUND_STATUS_WEBHOOK"),
    ] {
        let stage = Stage::of(kind).await;
        let (url, letters) = receiver().await;
        stage.twin.send_webhooks(hook(&url));
        let asked = stage.ask(1, Timing::Now);
        let paid = stage.rail.authorise(&stage.account, &asked).await.unwrap();
        stage.rail.refund(&stage.account, &stage.refund(2, &asked, &paid.provider_ref, 100)).await.unwrap();
        wait_for(&letters, if kind == RailKind::Stripe { 5 } else { 3 }).await;
        let events = events(&stage, &letters);
        assert_eq!(events[0].id, events[1].id, "{kind}: the refused one came again under its name");
        let told = events.iter().find(|e| e.kind == paid_kind).unwrap();
        let About::Payment { ours, payment } = &told.about else { panic!("{kind}: {told:?}") };
        assert_eq!(
            (*ours, &payment.status, payment.captured),
            (Some(asked.payment), &Status::Captured, asked.amount)
        );
        assert_eq!(payment.provider_ref, paid.provider_ref, "{kind}");
        let told = events.iter().find(|e| e.kind == refund_kind).unwrap();
        let About::Refund { ours, payment_ref, refund } = &told.about else { panic!("{kind}: {told:?}") };
        assert_eq!((ours.unwrap().as_u128(), refund.amount), (2, stage.money(100)), "{kind}");
        assert_eq!(payment_ref.as_deref(), Some(paid.provider_ref.as_str()), "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn duplicates_keep_their_name_the_order_changes_and_a_wrong_amount_is_seen() {
    for kind in [RailKind::Stripe, RailKind::Cashfree] {
        let stage = Stage::of(kind).await;
        let (url, letters) = receiver().await;
        letters.lock().unwrap().push((HeaderMap::new(), Bytes::new()));
        stage.twin.send_webhooks(Hook { duplicate: true, reorder: true, wrong_amount: true, ..hook(&url) });
        let asked = stage.ask(1, Timing::Now);
        let paid = stage.rail.authorise(&stage.account, &asked).await.unwrap();
        if kind == RailKind::Cashfree {
            stage
                .rail
                .refund(&stage.account, &stage.refund(2, &asked, &paid.provider_ref, 100))
                .await
                .unwrap();
        }
        wait_for(&letters, 5).await;
        letters.lock().unwrap().remove(0);
        let events = events(&stage, &letters);
        let ids: Vec<&str> = events.iter().map(|e| e.id.as_str()).collect();
        assert!(ids[0] == ids[1] && ids[2] == ids[3] && ids[1] != ids[2], "{kind}: {ids:?}");
        let kinds: Vec<&str> = events.iter().map(|e| e.kind.as_str()).collect();
        let (late, early) = match kind {
            RailKind::Stripe => ("payment_intent.succeeded", "payment_intent.created"),
            RailKind::Cashfree | RailKind::X402 | RailKind::Ledger => {
                ("REFUND_STATUS_WEBHOOK", "PAYMENT_SUCCESS_WEBHOOK")
            }
        };
        assert_eq!((kinds[0], kinds[2]), (late, early), "{kind}");
        let amount = events.iter().find_map(|e| match &e.about {
            About::Payment { payment, .. } => Some(payment.amount),
            About::Refund { .. }
            | About::Payout { .. }
            | About::Dispute(_)
            | About::Payee { .. }
            | About::Other => None,
        });
        assert!(agree(asked.amount, amount.unwrap()).is_err(), "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_webhook_that_is_changed_late_early_or_of_another_secret_is_refused() {
    for (kind, window_s) in [(RailKind::Stripe, 300), (RailKind::Cashfree, 600)] {
        let stage = Stage::of(kind).await;
        let (url, letters) = receiver().await;
        stage.twin.send_webhooks(hook(&url));
        stage.rail.authorise(&stage.account, &stage.ask(1, Timing::Now)).await.unwrap();
        wait_for(&letters, 1).await;
        let good = inbound(&stage, &letters.lock().unwrap()[0]);
        let parse = |changed: Inbound| stage.rail.parse_webhook(&stage.account, &changed);
        assert!(parse(good.clone()).is_ok(), "{kind}");
        let mut bytes = good.body.to_vec();
        bytes[10] ^= 1;
        assert_eq!(
            parse(Inbound { body: bytes.into(), ..good.clone() }),
            Err(WebhookError::BadSignature),
            "{kind}"
        );
        for off in [window_s + 1, -window_s - 1] {
            let moved = Inbound { received_at: good.received_at.plus_s(off), ..good.clone() };
            assert_eq!(parse(moved), Err(WebhookError::Stale { off_s: off, window_s }), "{kind}");
        }
        let unsigned = Inbound { headers: Vec::new(), ..good.clone() };
        assert_eq!(parse(unsigned), Err(WebhookError::Unsigned), "{kind}");
        let mut stranger = stage.account.clone();
        match &mut stranger.credentials {
            ports::rail::Credentials::Stripe(keys) => keys.webhook_secrets.truncate(1),
            ports::rail::Credentials::Cashfree(keys) => {
                keys.client_secrets = vec![base::Secret::new("other")]
            }
            ports::rail::Credentials::X402(_) | ports::rail::Credentials::Memory(_) => {}
        }
        assert_eq!(stage.rail.parse_webhook(&stranger, &good), Err(WebhookError::BadSignature), "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn disputes_failures_payouts_and_identity_checks_are_told() {
    let stage = Stage::of(RailKind::Stripe).await;
    let (url, letters) = receiver().await;
    stage.twin.send_webhooks(hook(&url));
    let paid = stage.rail.authorise(&stage.account, &stage.ask(1, Timing::Now)).await.unwrap();
    stage.rail.authorise(&stage.account, &stage.ask_declined(2)).await.unwrap_err();
    for status in ["needs_response", "lost"] {
        stage.order("disputes", json!({"payment_intent": paid.provider_ref, "status": status})).await;
    }
    // 2 of the payment, 1 of them again, 2 of the declined one, 2 of the dispute.
    wait_for(&letters, 7).await;
    let events = events(&stage, &letters);
    let dispute = |kind: &str| {
        let event = events.iter().find(|e| e.kind == kind).unwrap();
        let About::Dispute(dispute) = &event.about else { panic!("{event:?}") };
        dispute.clone()
    };
    let opened = dispute("charge.dispute.created");
    assert_eq!(
        (opened.stage, opened.amount, opened.payment_ref, opened.fee_minor),
        (DisputeStage::Open, stage.money(PRICE), Some(paid.provider_ref), Some(2_500))
    );
    assert_eq!(dispute("charge.dispute.closed").stage, DisputeStage::Lost);
    let failed = events.iter().find(|e| e.kind == "payment_intent.payment_failed").unwrap();
    let About::Payment { payment, .. } = &failed.about else { panic!() };
    assert!(matches!(&payment.status, Status::Failed { code, .. } if code == "insufficient_funds"));
    stage.twin.shutdown().await;
}
