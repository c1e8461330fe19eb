//! R4: exactly one receipt for each end, whoever brings it and how often.

use super::Stage;
use crate::payment::tests::bed::text;
use futures::future::join_all;
use serde_json::{Value, json};
use twins::rail::{Fault, FaultKind};

const ROUNDS: usize = 6;

/// What each payment of the tenant has as proof, in the order in which it was given.
async fn kinds(stage: &Stage, payment: &str) -> Vec<String> {
    stage
        .bed
        .sql(&format!("select kind::text from pay.receipt where payment_id = '{payment}' order by sequence"))
        .await
}

fn taken(payment: &Value) -> Value {
    json!({"id": payment["provider_ref"], "object": "payment_intent", "amount": 430, "amount_received": 430,
           "currency": "aud", "status": "succeeded", "metadata": {"payment": payment["id"]}})
}

#[tokio::test]
async fn r4_each_end_has_exactly_one_receipt_though_webhooks_look_ups_and_retries_bring_it_at_once() {
    let stage = Stage::at_stripe().await;
    for round in 0..ROUNDS {
        let fault =
            [FaultKind::TimeoutAfter, FaultKind::ServerErrorAfter, FaultKind::TimeoutBefore][round % 3];
        stage.twin.inject(Fault::on(fault, "POST /v1/payment_intents"));
        let mandate = stage.bed.mandate(430).await;
        let begun = stage.bed.execute(&mandate).await.json()["payment"].clone();
        let id = text(&begun["id"]);
        // Everybody at once, several times: the caller again, look-ups, and the rail's own word.
        stage.bed.kit.clock.advance_s(400);
        let arrived = fault != FaultKind::TimeoutBefore;
        let word = stage
            .bed
            .sql(&format!("select coalesce(provider_ref, '') from pay.payment where id = '{id}'"))
            .await;
        let named = json!({"id": id, "provider_ref": if word[0].is_empty() { format!("pi_lost_{round}") } else { word[0].clone() }});
        let drive = || async {
            let caller = db::Caller::system("test", &stage.bed.kit.db);
            let id = id.parse().expect("an id");
            crate::payment::drive(&stage.bed.kit.db, stage.bed.tenant.id, caller, &stage.bed.desk, id)
                .await
                .map(|_| ())
        };
        let execute = || async { stage.bed.execute(&mandate).await };
        let event = format!("evt_{round}");
        let hear = || async {
            if arrived && !word[0].is_empty() {
                stage.hear(&event, "payment_intent.succeeded", taken(&named)).await.expect(200);
            }
        };
        let (driven, _, _) = tokio::join!(
            join_all((0..4).map(|_| drive())),
            join_all((0..4).map(|_| execute())),
            join_all((0..4).map(|_| hear()))
        );
        assert!(driven.iter().all(Result::is_ok), "{driven:?}");
        stage.later(3_600).await;
        assert_eq!(kinds(&stage, &id).await, [if arrived { "succeeded" } else { "failed" }], "{fault:?}");
    }
    let all = stage.bed.count("pay.receipt").await;
    assert_eq!((all, stage.bed.count("pay.payment").await), (ROUNDS as i64, ROUNDS as i64));
    stage.bed.holds().await;
}

#[tokio::test]
async fn r4_refunds_and_disputes_that_end_at_once_have_exactly_one_receipt_each() {
    let stage = Stage::at_stripe().await;
    let payment = stage.pay(430).await;
    let (id, theirs) = (text(&payment["id"]), payment["provider_ref"].clone());
    let path = format!("/api/v1/payments/{id}/refund");
    let (owner, body) = (stage.bed.owner(), json!({"amount_minor": 100}));
    // Refunds under two keys, each key several times at once; the answers are lost.
    for _ in 0..2 {
        stage.twin.inject(Fault::on(FaultKind::TimeoutAfter, "POST /v1/refunds"));
    }
    let keys = ["one", "one", "one", "two", "two"];
    join_all(keys.map(|key| stage.bed.keyed(&owner, "POST", &path, &body, key))).await;
    assert_eq!(stage.bed.count("pay.refund").await, 2);
    stage.later(60).await;
    let refunds = stage.bed.sql("select id::text from pay.refund").await;
    let drive = |refund: &str| {
        let (refund, stage) = (refund.parse().expect("an id"), &stage);
        async move {
            let caller = db::Caller::system("test", &stage.bed.kit.db);
            crate::refund::drive(&stage.bed.kit.db, stage.bed.tenant.id, caller, &stage.bed.desk, refund)
                .await
                .map(|_| ())
        }
    };
    let word = |n: usize, refund: &str| {
        let object = json!({"id": format!("re_{n}"), "object": "refund", "amount": 100, "currency": "aud", "status": "succeeded",
            "payment_intent": theirs, "metadata": {"refund": refund, "payment": id}});
        let stage = &stage;
        async move { stage.hear(&format!("evt_re_{n}"), "refund.created", object).await.expect(200) }
    };
    let twice: Vec<&String> = refunds.iter().chain(&refunds).collect();
    let (driven, _) = tokio::join!(
        join_all(twice.iter().map(|refund| drive(refund))),
        join_all(twice.iter().enumerate().map(|(n, refund)| word(n % 2, refund)))
    );
    assert!(driven.iter().all(Result::is_ok), "{driven:?}");
    stage.later(3_600).await;
    assert_eq!(kinds(&stage, &id).await, ["succeeded", "refunded", "refunded"]);

    // A dispute opens and is won, both said often, at once and in any order.
    let dispute = |n: usize| {
        let (kind, status) = if n.is_multiple_of(2) {
            ("charge.dispute.created", "needs_response")
        } else {
            ("charge.dispute.closed", "won")
        };
        let object = json!({"id": "dp_1", "object": "dispute", "amount": 230, "currency": "aud", "status": status,
            "payment_intent": theirs, "reason": "fraudulent", "metadata": {}});
        let stage = &stage;
        async move { stage.hear(&format!("evt_dp_{n}"), kind, object).await.expect(200) }
    };
    join_all((0..8).map(dispute)).await;
    stage.later(600).await;
    assert_eq!(kinds(&stage, &id).await, ["succeeded", "refunded", "refunded", "disputed", "dispute_won"]);
    assert_eq!(stage.bed.sql("select status::text from pay.payment").await, ["partially_refunded"]);
    assert_eq!(stage.twin.effects(), 3);
    stage.bed.holds().await;
}
