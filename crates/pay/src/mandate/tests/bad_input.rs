//! Every call with what it must not take: the code that is promised, and nothing written.

use super::{World, micro};
use serde_json::{Value, json};

async fn told(w: &World, path: &str, body: &str) -> (u16, String) {
    let answer = w.call_text(&w.agent(), "POST", path, body).await;
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code)
}

#[tokio::test]
async fn a_mandate_that_cannot_be_is_refused_by_its_code() {
    let w = World::new().await;
    let intent = w.intent(430).await;
    let good = json!({"intent_id": intent, "template": "micro_task"});
    let with = |more: Value| {
        let mut body = good.clone();
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        body.to_string()
    };
    let caps = |caps: Value| with(json!({"template": "recurring_budget", "caps": caps}));
    let cases: Vec<(String, u16, &str)> = vec![
        ("{".into(), 400, "body.not_json"),
        ("[]".into(), 400, "body.invalid"),
        ("{}".into(), 400, "body.invalid"),
        (with(json!({"more": 1})), 400, "body.invalid"),
        (with(json!({"intent_id": "x"})), 400, "body.invalid"),
        (with(json!({"intent_id": uuid::Uuid::nil()})), 404, "not_found"),
        (with(json!({"template": "anything"})), 400, "body.invalid"),
        (with(json!({"mode": "sideways"})), 400, "body.invalid"),
        (with(json!({"parent_id": uuid::Uuid::nil()})), 404, "not_found"),
        (with(json!({"holder": "nobody"})), 400, "mandate.holder"),
        (with(json!({"expires_in_s": 0})), 400, "mandate.caps"),
        (with(json!({"expires_in_s": -1})), 400, "mandate.caps"),
        (with(json!({"expires_in_s": 86_401})), 400, "mandate.caps"),
        (with(json!({"expires_in_s": i64::MAX})), 400, "mandate.caps"),
        (with(json!({"caps": {"executions_max": 2}})), 400, "mandate.caps"),
        (with(json!({"template": "recurring_budget", "mode": "direct"})), 400, "mandate.mode"),
        (caps(json!({"total_minor": 0})), 400, "mandate.caps"),
        (caps(json!({"total_minor": -5})), 400, "mandate.caps"),
        (caps(json!({"total_minor": 4.5})), 400, "body.invalid"),
        (caps(json!({"total_minor": "430"})), 400, "body.invalid"),
        (caps(json!({"total_minor": 9_007_199_254_740_992_i64})), 400, "mandate.caps"),
        (caps(json!({"total_minor": 429})), 400, "mandate.caps"),
        (caps(json!({"per_transaction_minor": 429})), 400, "mandate.caps"),
        (caps(json!({"per_transaction_minor": 1_000, "total_minor": 999})), 400, "mandate.caps"),
        (caps(json!({"per_day_minor": 0})), 400, "mandate.caps"),
        (caps(json!({"executions_max": 0})), 400, "mandate.caps"),
        (caps(json!({"executions_max": 100_001})), 400, "mandate.caps"),
        (caps(json!({"executions_max": 3_000_000_000_i64})), 400, "body.invalid"),
        (caps(json!({"frequency": "HOURLY"})), 400, "body.invalid"),
        (caps(json!({"velocity": {"count_max": 0, "window_s": 60}})), 400, "mandate.caps"),
        (caps(json!({"velocity": {"count_max": 1, "window_s": 0}})), 400, "mandate.caps"),
        (caps(json!({"per_transaction_minor": 1_001})), 422, "amount_exceeds_cap"),
        (caps(json!({"per_day_minor": 50_001, "total_minor": 60_000})), 422, "daily_limit_exceeded"),
        (with(json!({"wallet": {}})), 400, "body.invalid"),
        (with(json!({"wallet": {"payment": "x"}})), 422, "signature_invalid"),
        (with(json!({"wallet": {"payment": "~~~~~~"}})), 422, "signature_invalid"),
        (with(json!({"wallet": {"payment": "a.b.c~"}})), 422, "signature_invalid"),
        (with(json!({"wallet": {"payment": "x"}, "mode": "direct"})), 400, "mandate.wallet"),
        (with(json!({"wallet": {"payment": "x"}, "caps": {"total_minor": 1}})), 400, "mandate.wallet"),
        (with(json!({"wallet": {"payment": "x".repeat(300 * 1024)}})), 422, "signature_invalid"),
        (format!("{{\"more\":\"{}\"}}", "x".repeat(3 * 1024 * 1024)), 413, "too_large"),
    ];
    for (body, status, code) in cases {
        let shown: String = body.chars().take(200).collect();
        assert_eq!(told(&w, "/api/v1/mandates", &body).await, (status, code.to_owned()), "{shown}");
    }
    let without_key = w.agent().json("POST", "/api/v1/mandates", &good).await.expect(400).json();
    assert_eq!(without_key["code"], "idempotency_key_required");
    let listed = w.agent().get("/api/v1/mandates").await.expect(200).json();
    assert_eq!(listed["rows"], json!([]), "nothing was signed");
    assert_eq!(
        told(&w, "/api/v1/mandates", &good.to_string()).await.0,
        201,
        "the intent waited through all that"
    );
}

#[tokio::test]
async fn other_calls_refuse_what_they_cannot_take() {
    let w = World::new().await;
    let mandate = w.signed(micro(w.intent(430).await)).await;
    let path = format!("/api/v1/mandates/{}/revoke", mandate.id);
    for (body, code) in [
        ("{}".to_owned(), "body.invalid"),
        (json!({"reason": ""}).to_string(), "mandate.reason"),
        (json!({"reason": "  "}).to_string(), "mandate.reason"),
        (json!({"reason": "x".repeat(501)}).to_string(), "mandate.reason"),
        (json!({"reason": "a\0b"}).to_string(), "mandate.reason"),
        (json!({"reason": 1}).to_string(), "body.invalid"),
        (json!({"reason": "x", "more": 1}).to_string(), "body.invalid"),
    ] {
        assert_eq!(told(&w, &path, &body).await, (400, code.to_owned()), "{body}");
    }
    let nobody = format!("/api/v1/mandates/{}/revoke", uuid::Uuid::nil());
    assert_eq!(told(&w, &nobody, &json!({"reason": "x"}).to_string()).await, (404, "not_found".to_owned()));
    for path in [
        "/api/v1/mandates/x",
        "/api/v1/mandates?status=x",
        "/api/v1/mandates?principal=x",
        "/api/v1/mandates?after=x",
        "/api/v1/mandates?more=1",
    ] {
        assert_eq!(w.agent().get(path).await.status, 400, "{path}");
    }
    w.agent().get(&format!("/api/v1/mandates/{}", uuid::Uuid::nil())).await.expect(404);
    w.agent().get(&format!("/api/v1/purchase-intents/{}/checkout", uuid::Uuid::nil())).await.expect(404);
    w.agent().get(&format!("/api/v1/purchase-intents/{}/checkout", mandate.intent_id)).await.expect(409);
    let rotate = json!({"purpose": "mandate"});
    w.owner().json("POST", "/api/v1/signing-keys/rotate", &rotate).await.expect(403);
    w.agent().json("POST", "/api/v1/signing-keys/rotate", &rotate).await.expect(403);
    let mut chief = w.tenant.owner.clone();
    chief.platform = true;
    let chief = w.app.as_member(&chief);
    w.call(&chief, "POST", "/api/v1/signing-keys/rotate", &rotate).await.expect(201);
    w.call(&chief, "POST", "/api/v1/signing-keys/rotate", &json!({"purpose": "x"})).await.expect(400);
}
