//! Mandates over HTTP, and M9: every broken rule at once, of policy and mandate.

use super::{World, listed, micro, used};
use crate::mandate::{Status, verify};
use crate::policy::words::{Geo, Velocity};
use crate::signing::Purpose;
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

#[tokio::test]
async fn an_agent_asks_for_a_mandate_and_gets_a_token_that_others_verify() {
    let w = World::new().await;
    let intent = w.intent(430).await;
    let body = json!({"intent_id": intent, "template": "micro_task"});
    let made = w.call(&w.agent(), "POST", "/api/v1/mandates", &body).await.expect(201).json();
    assert_eq!(made["status"], "active");
    assert_eq!((made["caps"]["total_minor"].as_i64(), made["mode"].as_str()), (Some(430), Some("direct")));
    assert_eq!(made["expires_at"], "2026-03-02T01:00:00Z");
    // Somebody else has only the token, the signature and the published keys.
    let jwks = w.app.stranger().get("/.well-known/jwks.json").await.expect(200).json();
    let jwks: ap2::Jwks = serde_json::from_value(jwks).expect("a set of keys");
    let token = made["token"].as_str().expect("a token");
    let hash = ap2::signed::mandate_hash(token);
    assert_eq!(made["hash"].as_str(), Some(hash.to_string().as_str()));
    let signature = made["signature"].as_str().expect("a signature");
    let by = |jwk: &ap2::Jwk| {
        ap2::signed::verify_mandate_hash(hash, signature, &jwk.key().expect("a key")).is_ok()
    };
    assert_eq!(jwks.keys.iter().filter(|jwk| by(jwk)).count(), 1);
    let root_key = |kid: Option<&str>| kid.and_then(|kid| jwks.find(kid));
    let check = |text: &str| {
        let check =
            ap2::sdjwt::Check { root_key: &root_key, bindings: &[], now: w.kit.clock_now(), skew_s: 0 };
        ap2::sdjwt::Chain::verify(text, &check)
    };
    let payment = ap2::mandate::PaymentChain::read(&check(token).expect("a chain")).expect("a payment");
    let shop = check(made["checkout_token"].as_str().expect("a token")).expect("a chain");
    let shop = ap2::mandate::CheckoutChain::read(&shop).expect("a checkout");
    let jwt = shop.closed.checkout_jwt.clone().expect("disclosed");
    let checkout = ap2::mandate::Checkout::verify(&jwt, &root_key).expect("signed for the vendor");
    let link = shop.link(&checkout).expect("a total");
    assert_eq!(payment.evaluate(&[], w.kit.clock_now(), Some(&link)).expect("judged"), []);
    assert_eq!((payment.closed.amount.minor, checkout.id), (430, intent.to_string()));
    // One changed character anywhere, and it is refused.
    for at in (0..token.len()).step_by(97) {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(check(&String::from_utf8(bytes).expect("text")).is_err(), "byte {at}");
    }
    let path = format!("/api/v1/mandates/{}", made["id"].as_str().expect("an id"));
    let read = w.agent().get(&path).await.expect(200).json();
    assert_eq!(read["token"], made["token"]);
    w.app.as_member(&w.other.owner).get(&path).await.expect(404);
    w.app.stranger().get(&path).await.expect(401);
    let listed = w.agent().get("/api/v1/mandates").await.expect(200).json();
    assert_eq!(listed["rows"].as_array().map(Vec::len), Some(1));
    // An intent has one mandate.
    w.call(&w.agent(), "POST", "/api/v1/mandates", &body).await.expect(409);
}

#[tokio::test]
async fn a_repeated_call_is_answered_with_the_first_mandate_and_signs_no_second() {
    let w = World::new().await;
    let body = json!({"intent_id": w.intent(430).await, "template": "micro_task"}).to_string();
    let agent = w.agent();
    let again = || {
        let request = Request::post("/api/v1/mandates")
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .header("idempotency-key", "same")
            .body(Body::from(body.clone()))
            .expect("a request");
        agent.send(request)
    };
    let (first, second) = (again().await.expect(201), again().await.expect(201));
    assert_eq!(first.json(), second.json());
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn m9_every_broken_rule_is_listed_in_one_answer() {
    let w = World::new().await;
    let intent = w.intent(900).await;
    w.rule(|rules| {
        rules.skus.clear();
        rules.vendors.clear();
        rules.rails.clear();
        let caps = rules.caps.values_mut().next().expect("caps");
        (caps.per_transaction_minor, caps.per_day_minor, caps.per_month_minor) = (10, 20, 30);
        caps.approval_above_minor = Some(5);
        rules.velocity = Some(Velocity { count_max: 0, window_s: 60 });
        rules.geo = Some(Geo::Allow(["AU".parse().expect("a country")].into()));
        rules.ip_allow = Some(vec!["10.0.0.0/8".parse().expect("a network")]);
        rules.hours = Some(
            serde_json::from_value(json!({"weekdays": ["sun"], "from": "09:00", "until": "10:00"}))
                .expect("hours"),
        );
    })
    .await;
    let body = json!({"intent_id": intent, "template": "micro_task"});
    let problem = w.call(&w.agent(), "POST", "/api/v1/mandates", &body).await.expect(422).json();
    let mut found = listed(&problem);
    found.sort();
    assert_eq!(
        found,
        [
            "amount_exceeds_cap",
            "approval_required",
            "daily_limit_exceeded",
            "geo_denied",
            "ip_denied",
            "monthly_limit_exceeded",
            "outside_time_window",
            "rail_not_allowed",
            "sku_not_allowed",
            "velocity_exceeded",
            "vendor_not_allowed",
        ]
    );
    let listed = w.agent().get("/api/v1/mandates").await.expect(200).json();
    assert_eq!(listed["rows"], json!([]));
}

#[tokio::test]
async fn a_country_is_believed_from_the_proxy_of_this_machine() {
    let w = World::new().await;
    w.rule(|rules| rules.geo = Some(Geo::Allow(["AU".parse().expect("a country")].into()))).await;
    let body = json!({"intent_id": w.intent(100).await, "template": "micro_task"});
    let there = w.agent().with_header("x-client-country", "nz");
    let refused = w.call(&there, "POST", "/api/v1/mandates", &body).await.expect(422).json();
    assert_eq!(listed(&refused), ["geo_denied"]);
    let here = w.agent().with_header("x-client-country", "au");
    w.call(&here, "POST", "/api/v1/mandates", &body).await.expect(201);
}

#[tokio::test]
async fn m9_the_stricter_of_policy_and_mandate_wins_when_it_is_used() {
    let w = World::new().await;
    let mandate = w.budget(500, 5_000, 10).await;
    w.hold(mandate.id, &used(500)).await.expect("both allow it");
    let mandates_say = w.hold(mandate.id, &used(501)).await.expect_err("above the mandate's");
    assert_eq!(super::codes(&mandates_say), ["amount_exceeds_cap"]);
    w.rule(|rules| {
        let caps = rules.caps.values_mut().next().expect("caps");
        (caps.per_transaction_minor, caps.approval_above_minor) = (300, Some(100));
    })
    .await;
    let policy_says = w.hold(mandate.id, &used(400)).await.expect_err("above the policy's");
    assert_eq!(super::codes(&policy_says), ["amount_exceeds_cap", "approval_required"]);
    let both = w.hold(mandate.id, &used(600)).await.expect_err("above both");
    assert_eq!(super::codes(&both), ["amount_exceeds_cap", "approval_required", "amount_exceeds_cap"]);
    assert_eq!(w.read(mandate.id).await.used.reserved_minor, 500);
}

#[tokio::test]
async fn an_agent_revokes_its_own_mandate_and_nobody_elses() {
    let w = World::new().await;
    let mandate = w.signed(micro(w.intent(100).await)).await;
    let path = format!("/api/v1/mandates/{}/revoke", mandate.id);
    let why = json!({"reason": "not needed any more"});
    w.call(&w.app.as_member(&w.other.owner), "POST", &path, &why).await.expect(404);
    let gone = w.call(&w.agent(), "POST", &path, &why).await.expect(200).json();
    assert_eq!(
        (gone["status"].as_str(), gone["reason"].as_str()),
        (Some("revoked"), Some("not needed any more"))
    );
    w.call(&w.agent(), "POST", &path, &why).await.expect(409);
    assert_eq!(w.read(mandate.id).await.status, Status::Revoked);
}

#[tokio::test]
async fn retired_keys_stay_public_and_what_they_signed_verifies() {
    let w = World::new().await;
    let old = w.signed(micro(w.intent(100).await)).await;
    let keys = w.ring.rotate(Purpose::Mandate).await.expect("rotated");
    let fresh = w.signed(micro(w.intent(100).await)).await;
    assert_ne!(old.kid, fresh.kid);
    let mut cx = w.cx().await;
    for mandate in [&old, &fresh] {
        verify(&mut cx, &keys, mandate).await.expect("it verifies");
    }
    let jwks = w.app.stranger().get("/.well-known/jwks.json").await.expect(200);
    let text = jwks.text();
    assert!(text.contains(&old.kid) && text.contains(&fresh.kid));
    assert!(!text.contains("\"d\""), "no private part is published");
    assert_eq!(jwks.json()["keys"].as_array().map(Vec::len), Some(8));
}
