//! Over balances that are held here: one transaction, no outside call.

use super::bed::{AUD, Bed, text};
use serde_json::json;

#[tokio::test]
async fn a_payment_over_the_ledger_divides_the_amount_settles_the_mandate_and_attests_it() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let mandate = bed.mandate(430).await;
    let answer = bed.execute(&mandate).await.expect(200).json();
    assert_eq!(answer["payment"]["status"], "succeeded");
    assert_eq!(
        (answer["payment"]["captured_minor"].as_i64(), answer["payment"]["fee_minor"].as_i64()),
        (Some(430), Some(86))
    );
    assert_eq!((bed.wallet().await, bed.earned(AUD).await, bed.fees(AUD).await), (570, 344, 86));
    let kept = bed.owner().get(&format!("/api/v1/mandates/{mandate}")).await.expect(200).json();
    assert_eq!(
        (kept["status"].as_str(), kept["used"]["spent_minor"].as_i64()),
        (Some("exhausted"), Some(430))
    );
    let receipt = &answer["receipt"];
    assert_eq!((receipt["sequence"].as_i64(), receipt["kind"].as_str()), (Some(1), Some("succeeded")));
    let keys = bed.ring.keys().await.expect("keys");
    let jwt =
        ap2::receipt::Receipt::verify(receipt["jwt"].as_str().expect("a JWT"), &|kid| keys.public(kid?))
            .expect("verifies");
    assert_eq!(jwt.outcome, ap2::receipt::Outcome::Success);
    let path = format!("/api/v1/payments/{}", text(&answer["payment"]["id"]));
    let shown = bed.agent().get(&path).await.expect(200).json();
    let kinds: Vec<_> =
        shown["events"].as_array().expect("events").iter().map(|e| text(&e["kind"])).collect();
    assert_eq!(kinds, ["reserved", "succeeded"]);
    bed.app.as_member(&bed.other.owner).get(&path).await.expect(404);
    bed.holds().await;
}

#[tokio::test]
async fn m7_the_same_mandate_executed_many_times_at_once_pays_once_and_answers_the_same() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let mandate = bed.mandate(430).await;
    let answers = futures::future::join_all((0..16).map(|_| bed.execute(&mandate))).await;
    let first = answers[0].json();
    assert_eq!(first["payment"]["status"], "succeeded");
    for answer in answers {
        assert_eq!(answer.expect(200).json(), first);
    }
    assert_eq!((bed.count("pay.payment").await, bed.count("pay.receipt").await), (1, 1));
    assert_eq!(bed.wallet().await, 9_570);
    bed.holds().await;
}

#[tokio::test]
async fn i1_to_i4_a_key_answers_again_refuses_another_body_and_is_demanded() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let (mandate, another) = (bed.mandate(100).await, bed.mandate(100).await);
    let agent = bed.agent();
    let ask = |mandate: &str| json!({"mandate_id": mandate});
    let first = bed.keyed(&agent, "POST", "/api/v1/execute", &ask(&mandate), "k1").await.expect(200);
    assert_eq!(first.header("idempotent-replayed"), None);
    let again = bed.keyed(&agent, "POST", "/api/v1/execute", &ask(&mandate), "k1").await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.json(), first.json());
    let other = bed.keyed(&agent, "POST", "/api/v1/execute", &ask(&another), "k1").await.expect(422);
    assert_eq!(other.json()["code"], "idempotency_conflict");
    let none = agent.json("POST", "/api/v1/execute", &ask(&another)).await.expect(400);
    assert_eq!(none.json()["code"], "idempotency_key_required");
    // Another caller's key is another key, and the mandate has still one payment.
    let owner = bed.keyed(&bed.owner(), "POST", "/api/v1/execute", &ask(&mandate), "k1").await.expect(200);
    assert_eq!(owner.json(), first.json());
    assert_eq!(bed.count("pay.payment").await, 1);
}

#[tokio::test]
async fn what_the_wallet_does_not_cover_is_refused_and_takes_nothing() {
    let bed = Bed::new().await;
    bed.top_up(429).await;
    let mandate = bed.mandate(430).await;
    assert_eq!(bed.execute(&mandate).await.expect(422).json()["code"], "insufficient_funds");
    assert_eq!(
        (bed.count("pay.payment").await, bed.count("pay.receipt").await, bed.wallet().await),
        (0, 0, 429)
    );
    bed.top_up(1).await;
    bed.execute(&mandate).await.expect(200);
    assert_eq!(bed.wallet().await, 0);
    bed.holds().await;
}

#[tokio::test]
async fn many_payments_at_once_never_overspend_and_leave_no_credit_unused() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let mut mandates = Vec::new();
    for _ in 0..14 {
        mandates.push(bed.mandate(100).await);
    }
    let answers = futures::future::join_all(mandates.iter().map(|mandate| bed.execute(mandate))).await;
    let paid = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(paid, 10, "{:?}", answers.iter().map(|a| a.status).collect::<Vec<_>>());
    assert_eq!((bed.wallet().await, bed.earned(AUD).await, bed.fees(AUD).await), (0, 800, 200));
    // r1: the chain has no gaps, r4: a receipt for each payment.
    assert_eq!(
        bed.sql("select string_agg(sequence::text, ',' order by sequence) from pay.receipt").await,
        ["1,2,3,4,5,6,7,8,9,10"]
    );
    bed.holds().await;
}

#[tokio::test]
async fn m8_m11_a_revoked_mandate_a_suspended_payer_and_a_switch_stop_a_payment() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let revoked = bed.mandate(100).await;
    bed.call(&bed.owner(), "POST", &format!("/api/v1/mandates/{revoked}/revoke"), &json!({"reason": "no"}))
        .await
        .expect(200);
    assert_eq!(bed.execute(&revoked).await.expect(403).json()["code"], "mandate_revoked");
    let stopped = bed.mandate(100).await;
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    control::switch::engage(&mut cx, &control::switch::Target::client(), "drill").await.expect("engages");
    cx.commit().await.expect("commits");
    assert_eq!(bed.execute(&stopped).await.expect(422).json()["code"], "switch.engaged");
    assert_eq!((bed.count("pay.payment").await, bed.wallet().await), (0, 1_000));
}

#[tokio::test]
async fn bad_executions_are_named_and_change_nothing() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let mandate = bed.mandate(100).await;
    let nobody = "01970000-0000-7000-8000-000000000001";
    for (body, status, code) in [
        (json!({}), 400, "body.invalid"),
        (json!([]), 400, "body.invalid"),
        (json!({"mandate_id": "x"}), 400, "body.invalid"),
        (json!({"mandate_id": nobody}), 404, "not_found"),
        (json!({"mandate_id": mandate, "extra": 1}), 400, "body.invalid"),
        (json!({"mandate_id": mandate, "amount_minor": 0}), 400, "amount.not_positive"),
        (json!({"mandate_id": mandate, "amount_minor": -1}), 400, "amount.not_positive"),
        (json!({"mandate_id": mandate, "amount_minor": 101}), 422, "amount_exceeds_cap"),
        (json!({"mandate_id": mandate, "amount_minor": 1.5}), 400, "body.invalid"),
        (json!({"mandate_id": mandate, "amount_minor": "1"}), 400, "body.invalid"),
        (
            json!({"mandate_id": mandate, "amount_minor": 9_223_372_036_854_775_807_i64}),
            400,
            "amount.too_large",
        ),
        (json!({"mandate_id": mandate, "rail": "cash"}), 400, "body.invalid"),
        (json!({"mandate_id": mandate, "rail": "stripe"}), 422, "rail_not_allowed"),
        (json!({"mandate_id": mandate, "closed": {"payment": "a", "nonce": "b"}}), 400, "mandate.closed"),
    ] {
        let answer = bed.call(&bed.agent(), "POST", "/api/v1/execute", &body).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (status, Some(code)),
            "{body}: {}",
            answer.text()
        );
    }
    bed.call(
        &bed.app.as_member(&bed.other.owner),
        "POST",
        "/api/v1/execute",
        &json!({"mandate_id": mandate}),
    )
    .await
    .expect(404);
    bed.call(&bed.app.stranger(), "POST", "/api/v1/execute", &json!({"mandate_id": mandate}))
        .await
        .expect(401);
    assert_eq!((bed.count("pay.payment").await, bed.wallet().await), (0, 1_000));
    bed.execute(&mandate).await.expect(200);
}
