//! Calls about who pays, what they may and whom they pay.

use super::Call;
use super::body::{Amounts, Bad, amounts, bad, currencies, ids, lines, raw, without};
use super::scene::Scene;
use crate::payment::tests::bed::text;
use serde_json::{Value, json};
use web::RouteInfo;

/// The row of a call; none: it is not one of these.
pub(super) async fn row(scene: &Scene, route: &RouteInfo) -> Option<Call> {
    Some(match (route.method.as_str(), route.path) {
        ("POST", "/api/v1/principals") => principal(scene),
        ("PUT", "/api/v1/principals/{id}") => principal_changed(scene).await,
        ("DELETE", "/api/v1/principals/{id}") => {
            nothing("/api/v1/principals", &scene.principal().await, "", 200)
        }
        ("POST", "/api/v1/principals/{id}/keys") => {
            nothing("/api/v1/principals", &scene.principal().await, "/keys", 201)
        }
        ("POST", "/api/v1/principals/{id}/keys/rotate") => rotated(scene).await,
        ("DELETE", "/api/v1/principals/{id}/keys/{key}") => {
            let principal = scene.principal().await;
            let made = scene.made(&format!("/api/v1/principals/{principal}/keys"), json!({})).await;
            nothing("/api/v1/principals", &principal, &format!("/keys/{}", text(&made["id"])), 200)
        }
        ("POST", "/api/v1/principals/{id}/public-keys") => public_key(scene).await,
        ("DELETE", "/api/v1/principals/{id}/public-keys/{key}") => {
            let principal = scene.principal().await;
            let path = format!("/api/v1/principals/{principal}/public-keys");
            let made = scene.made(&path, json!({"jwk": jwk(scene)})).await;
            nothing("/api/v1/principals", &principal, &format!("/public-keys/{}", text(&made["id"])), 200)
        }
        ("POST", "/api/v1/vendors") => vendor(scene, "/api/v1/vendors".to_owned(), 201).others(None),
        ("PUT", "/api/v1/vendors/{id}") => {
            vendor(scene, format!("/api/v1/vendors/{}", scene.vendor().await), 200)
        }
        ("DELETE", "/api/v1/vendors/{id}") => nothing("/api/v1/vendors", &scene.vendor().await, "", 200),
        ("POST", "/api/v1/policies") => policy(scene),
        ("PUT", "/api/v1/policies/{id}") => policy_changed(scene).await,
        ("POST", "/api/v1/policies/{id}/test") => tried(scene).await,
        ("POST", "/api/v1/signing-keys/rotate") => signing_keys(),
        _ => return None,
    })
}

/// A call without a body.
pub(super) fn nothing(list: &str, id: &str, rest: &str, status: u16) -> Call {
    Call::new(format!("{list}/{id}{rest}"), json!({}), status)
}

fn principal(scene: &Scene) -> Call {
    let good = json!({"name": scene.name("Fresh"), "risk": "LOW"});
    Call::new("/api/v1/principals", good.clone(), 201)
        .others(None)
        .other(json!({"name": "Another", "risk": "LOW"}))
        .bad(named(&good))
        .bad([
            bad(&good, "/name", "BUYER".into(), 409, "principal.duplicate"),
            bad(&good, "/risk", "low".into(), 400, "body.invalid"),
            bad(&good, "/risk", Value::Null, 400, "body.invalid"),
            without(&good, "risk"),
        ])
}

fn named(good: &Value) -> Vec<Bad> {
    let mut list = lines(good, "/name", 200, "name.invalid");
    list.push(bad(good, "/name", "".into(), 400, "name.invalid"));
    list.push(bad(good, "/name", " ".into(), 400, "name.invalid"));
    list.push(without(good, "name"));
    list
}

async fn principal_changed(scene: &Scene) -> Call {
    let good = json!({"name": scene.name("Changed"), "risk": "HIGH", "status": "suspended"});
    Call::new(format!("/api/v1/principals/{}", scene.principal().await), good.clone(), 200)
        .other(json!({"name": "Another", "risk": "HIGH", "status": "active"}))
        .bad(named(&good))
        .bad([
            bad(&good, "/name", "buyer".into(), 409, "principal.duplicate"),
            bad(&good, "/status", "gone".into(), 400, "body.invalid"),
            without(&good, "status"),
        ])
}

async fn rotated(scene: &Scene) -> Call {
    let good = json!({"overlap_s": 60});
    let wrong = (400, "principal_key.overlap");
    Call::new(format!("/api/v1/principals/{}/keys/rotate", scene.principal().await), good.clone(), 201)
        .other(json!({"overlap_s": 5}))
        .bad(amounts(&good, "/overlap_s", Amounts { negative: wrong, zero: None, large: wrong }))
        .bad([raw(&good, "/overlap_s", "604801", 400, "principal_key.overlap")])
}

fn jwk(scene: &Scene) -> Value {
    serde_json::to_value(ap2::MandateKey::generate(scene.bed.kit.db.random()).public().bare()).expect("a key")
}

async fn public_key(scene: &Scene) -> Call {
    let good = json!({"jwk": jwk(scene)});
    let wrong = |at: &str, value: Value| bad(&good, at, value, 400, "public_key.invalid");
    Call::new(format!("/api/v1/principals/{}/public-keys", scene.principal().await), good.clone(), 201)
        .other(json!({"jwk": jwk(scene)}))
        .bad([
            wrong("/jwk", json!({})),
            wrong("/jwk", Value::Null),
            wrong("/jwk", "x".into()),
            wrong("/jwk/kty", "RSA".into()),
            wrong("/jwk/crv", "P-384".into()),
            wrong("/jwk/x", "AAAA".into()),
            wrong("/jwk/y", good["jwk"]["x"].clone()),
            without(&good, "jwk"),
        ])
}

fn vendor(scene: &Scene, path: String, status: u16) -> Call {
    let good = json!({"name": scene.name("Fresh"), "rails": ["ledger"]});
    let endpoint = |text: &str| bad(&good, "/x402_endpoint", text.into(), 400, "vendor.x402_endpoint");
    Call::new(path, good.clone(), status)
        .other(json!({"name": "Another", "rails": ["ledger"]}))
        .bad(named(&good))
        .bad([
            bad(&good, "/name", "search ltd".into(), 409, "vendor.duplicate"),
            bad(&good, "/rails", json!([]), 400, "vendor.rails"),
            bad(&good, "/rails", json!(["cash"]), 400, "body.invalid"),
            bad(&good, "/rails", "ledger".into(), 400, "body.invalid"),
            bad(&good, "/rails", json!(["x402"]), 400, "vendor.x402_endpoint"),
            endpoint("file:///etc/passwd"),
            endpoint("https://user:pw@example.com/"),
            endpoint("example.com"),
            bad(&good, "/payout_account", "a\nb".into(), 400, "vendor.payout_account"),
        ])
}

fn rules(scene: &Scene) -> Value {
    json!({
        "skus": ["search"],
        "vendors": [scene.bed.vendor],
        "caps": {"AUD": {"per_transaction_minor": 1_000, "per_day_minor": 5_000, "per_month_minor": 20_000, "approval_above_minor": 900}},
        "velocity": {"count_max": 5, "window_s": 60},
        "zone": "Australia/Sydney",
        "rails": ["ledger"],
        "valid_from": "2026-03-01T00:00:00Z",
    })
}

fn bad_rules(scene: &Scene, good: &Value) -> Vec<Bad> {
    let invalid = |at: &str, value: Value| bad(good, &format!("/rules/{at}"), value, 400, "policy.invalid");
    let unread = |at: &str, value: Value| bad(good, &format!("/rules/{at}"), value, 400, "body.invalid");
    let limit = Amounts { negative: (400, "policy.invalid"), zero: None, large: (400, "policy.invalid") };
    let mut list = Vec::new();
    for cap in ["per_transaction_minor", "per_day_minor", "per_month_minor", "approval_above_minor"] {
        list.extend(amounts(good, &format!("/rules/caps/AUD/{cap}"), limit));
    }
    let caps = good["rules"]["caps"]["AUD"].clone();
    list.extend([
        unread("more", json!(1)),
        unread("caps", json!({"XTS": caps})),
        unread("caps", json!({"aud": caps})),
        unread("caps/AUD/more", json!(1)),
        unread("velocity/count_max", json!(-1)),
        unread("velocity/count_max", json!(1.5)),
        invalid("velocity/count_max", json!(1_001)),
        invalid("velocity/window_s", json!(0)),
        invalid("velocity/window_s", json!(31 * 86_400 + 1)),
        invalid("vendors", json!([scene.foreign_vendor])),
        invalid("vendors", json!([uuid::Uuid::nil()])),
        unread("vendors", json!(["x"])),
        invalid("skus", json!([""])),
        invalid("skus", json!(["x".repeat(201)])),
        invalid("skus", json!((0..1_001).map(|n| n.to_string()).collect::<Vec<_>>())),
        unread("zone", "Mars/Olympus".into()),
        unread("ip_allow", json!(["10.0.0.0/33"])),
        unread("geo", json!({"allow": ["AUS"]})),
        unread("rails", json!(["cash"])),
        invalid("valid_until", "2026-01-01T00:00:00Z".into()),
        unread("valid_until", "tomorrow".into()),
        unread("valid_from", Value::Null),
    ]);
    list
}

fn policy(scene: &Scene) -> Call {
    let good = json!({"principal_id": scene.other, "rules": rules(scene)});
    let mut other = good.clone();
    other["rules"]["skus"] = json!(["another"]);
    Call::new("/api/v1/policies", good.clone(), 201)
        .other(other)
        .bad(ids(&good, "/principal_id", (404, "not_found")))
        .bad([bad(&good, "/principal_id", scene.foreign_principal.clone().into(), 404, "not_found")])
        .bad([without(&good, "principal_id"), without(&good, "rules")])
        .bad(bad_rules(scene, &good))
}

async fn policy_changed(scene: &Scene) -> Call {
    let made = json!({"principal_id": scene.principal().await, "rules": rules(scene)});
    let id = text(&scene.made("/api/v1/policies", made).await["id"]);
    let good = json!({"rules": rules(scene)});
    let mut other = good.clone();
    other["rules"]["skus"] = json!(["another"]);
    Call::new(format!("/api/v1/policies/{id}"), good.clone(), 200).other(other).bad(bad_rules(scene, &good))
}

async fn tried(scene: &Scene) -> Call {
    let made = json!({"principal_id": scene.principal().await, "rules": rules(scene)});
    let id = text(&scene.made("/api/v1/policies", made).await["id"]);
    let good = json!({"sku": "search", "vendor_id": scene.bed.vendor, "amount_minor": 1, "currency": "AUD", "country": "AU"});
    let low = (400, "amount.not_positive");
    let say = Amounts { negative: low, zero: Some(low), large: (400, "amount.too_large") };
    let call = Call::new(format!("/api/v1/policies/{id}/test"), good.clone(), 200)
        .bad(amounts(&good, "/amount_minor", say))
        .bad(currencies(&good, "/currency"))
        .bad([
            bad(&good, "/country", "AUS".into(), 400, "body.invalid"),
            bad(&good, "/ip", "10.0.0".into(), 400, "body.invalid"),
            bad(&good, "/at", "now".into(), 400, "body.invalid"),
            bad(&good, "/rail", "cash".into(), 400, "body.invalid"),
            bad(&good, "/vendor_id", "x".into(), 400, "body.invalid"),
            without(&good, "sku"),
        ]);
    Call { is_dry: true, ..call }
}

fn signing_keys() -> Call {
    let good = json!({"purpose": "checkpoint"});
    Call::new("/api/v1/signing-keys/rotate", good.clone(), 201)
        .other(json!({"purpose": "mandate"}))
        .bad([bad(&good, "/purpose", "x".into(), 400, "body.invalid"), without(&good, "purpose")])
}
