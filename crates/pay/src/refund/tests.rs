//! Refunds over balances and over a rail.

use crate::payment::tests::bed::{AUD, Bed, only, stripe, text};
use ports::rail::{Fault, MemoryRail, RailKind};
use serde_json::json;
use std::sync::Arc;

async fn pay(bed: &Bed, minor: i64) -> String {
    let mandate = bed.mandate(minor).await;
    text(&bed.execute(&mandate).await.expect(200).json()["payment"]["id"])
}

#[tokio::test]
async fn refunds_in_parts_reverse_both_shares_never_pass_the_payment_and_are_attested() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let payment = pay(&bed, 500).await;
    let path = format!("/api/v1/payments/{payment}/refund");
    let owner = bed.owner();
    let part = bed
        .call(&owner, "POST", &path, &json!({"amount_minor": 100, "reason": "late"}))
        .await
        .expect(201)
        .json();
    assert_eq!((part["status"].as_str(), part["amount_minor"].as_i64()), (Some("succeeded"), Some(100)));
    assert_eq!((bed.wallet().await, bed.earned(AUD).await, bed.fees(AUD).await), (600, 320, 80));
    for (body, status, code) in [
        (json!({"amount_minor": 401}), 422, "refund.exceeds"),
        (json!({"amount_minor": 0}), 400, "amount.not_positive"),
        (json!({"amount_minor": -1}), 400, "amount.not_positive"),
        (json!({"amount_minor": 1.5}), 400, "body.invalid"),
        (json!({"reason": "x".repeat(501)}), 400, "refund.reason"),
        (json!({"what": 1}), 400, "body.invalid"),
    ] {
        let answer = bed.call(&owner, "POST", &path, &body).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{body}");
    }
    bed.call(&bed.agent(), "POST", &path, &json!({})).await.expect(403);
    bed.call(&bed.app.as_member(&bed.other.owner), "POST", &path, &json!({})).await.expect(404);
    bed.call(&owner, "POST", &path, &json!({})).await.expect(201);
    assert_eq!((bed.wallet().await, bed.earned(AUD).await, bed.fees(AUD).await), (1_000, 0, 0));
    let shown = owner.get(&format!("/api/v1/payments/{payment}")).await.expect(200).json();
    assert_eq!((shown["status"].as_str(), shown["refunded_minor"].as_i64()), (Some("refunded"), Some(500)));
    let kinds: Vec<_> =
        shown["receipts"].as_array().expect("receipts").iter().map(|r| text(&r["kind"])).collect();
    assert_eq!(kinds, ["succeeded", "refunded", "refunded"]);
    assert_eq!(
        bed.call(&owner, "POST", &path, &json!({})).await.expect(422).json()["code"],
        "refund.exceeds"
    );
    bed.holds().await;
}

#[tokio::test]
async fn refunds_at_once_never_give_back_more_than_was_taken() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let path = format!("/api/v1/payments/{}/refund", pay(&bed, 500).await);
    let (owner, body) = (bed.owner(), json!({"amount_minor": 100}));
    let answers = futures::future::join_all((0..8).map(|_| bed.call(&owner, "POST", &path, &body))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    assert_eq!(bed.wallet().await, 1_000);
    bed.holds().await;
}

#[tokio::test]
async fn a_refund_over_a_rail_is_asked_by_its_job_and_a_lost_answer_gives_back_once() {
    for fault in [None, Some(Fault::LostAfter), Some(Fault::LostBefore)] {
        let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
        let bed = Bed::with(only(&rail), &["stripe"]).await;
        bed.set_up(&stripe()).await;
        let path = format!("/api/v1/payments/{}/refund", pay(&bed, 500).await);
        if let Some(fault) = fault {
            rail.inject(fault);
        }
        let begun =
            bed.call(&bed.owner(), "POST", &path, &json!({"amount_minor": 300})).await.expect(202).json();
        assert_eq!(begun["status"], "initiated");
        // What is on its way counts.
        let more =
            bed.call(&bed.owner(), "POST", &path, &json!({"amount_minor": 201})).await.expect(422).json();
        assert_eq!(more["code"], "refund.exceeds");
        bed.app.run_until(bed.kit.clock_now().plus_s(1_800)).await;
        assert_eq!(bed.sql("select status::text from pay.refund").await, ["succeeded"], "{fault:?}");
        assert_eq!((rail.effects(), bed.earned(AUD).await), (2, 160), "{fault:?}");
        bed.holds().await;
    }
}
