//! Every call with what it must not take: the code that is promised, and nothing written.

use super::{House, Shop, rules};
use serde_json::{Value, json};
use web::RouteKind;

/// A good body with some members replaced; null removes.
fn with(good: &Value, members: &[(&str, Value)]) -> String {
    let mut body = good.clone();
    for (name, value) in members {
        match (value, body.as_object_mut()) {
            (Value::Null, Some(object)) => drop(object.shift_remove(*name)),
            (value, Some(object)) => drop(object.insert((*name).to_owned(), value.clone())),
            (_, None) => {}
        }
    }
    body.to_string()
}

struct Case {
    method: &'static str,
    path: String,
    good: Value,
    bad: Vec<(String, u16, &'static str)>,
}

/// What no call takes, whatever it is.
fn for_all(good: &Value) -> Vec<(String, u16, &'static str)> {
    vec![
        (with(good, &[("more", json!(1))]), 400, "body.invalid"),
        ("{".to_owned(), 400, "body.not_json"),
        ("[]".to_owned(), 400, "body.invalid"),
        ("\"\\ud800\"".to_owned(), 400, "body.not_json"),
        (format!("{{\"more\":\"{}\"}}", "x".repeat(3 * 1024 * 1024)), 413, "too_large"),
    ]
}

fn intents(shop: &Shop, foreign_vendor: &str) -> Case {
    let good = shop.intent();
    let amount = |text: &str| good.to_string().replace(":430", &format!(":{text}"));
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let mut bad = for_all(&good);
    bad.extend([
        (amount("4.3"), 400, "body.invalid"),
        (amount("430.0"), 400, "body.invalid"),
        (amount("4.3e2"), 400, "body.invalid"),
        (amount("\"430\""), 400, "body.invalid"),
        (amount("-1"), 400, "amount.not_positive"),
        (amount("0"), 400, "amount.not_positive"),
        (amount("-0"), 400, "body.invalid"),
        (amount("9007199254740992"), 400, "amount.too_large"),
        (amount("9223372036854775807"), 400, "amount.too_large"),
        (amount("9223372036854775808"), 400, "body.invalid"),
        (amount("1e400"), 400, "body.not_json"),
        (amount("NaN"), 400, "body.not_json"),
        (with(&good, &[("currency", json!("XTS"))]), 400, "body.invalid"),
        (with(&good, &[("currency", json!("aud"))]), 400, "body.invalid"),
        (with(&good, &[("currency", Value::Null)]), 400, "body.invalid"),
        (with(&good, &[("sku", json!(""))]), 400, "sku.invalid"),
        (with(&good, &[("sku", json!(" search"))]), 400, "sku.invalid"),
        (with(&good, &[("sku", json!("a\u{0}b"))]), 400, "sku.invalid"),
        (with(&good, &[("sku", json!("x".repeat(201)))]), 400, "sku.invalid"),
        (with(&good, &[("description", json!("x".repeat(501)))]), 400, "description.too_long"),
        (with(&good, &[("meta", json!({"a": "x".repeat(4_096)}))]), 400, "meta.too_large"),
        (with(&good, &[("meta", json!({"a": "\u{0}"}))]), 400, "meta.too_large"),
        (with(&good, &[("meta", json!([1]))]), 400, "body.invalid"),
        (with(&good, &[("meta", json!({ "a": deep }))]), 400, "body.not_json"),
        (with(&good, &[("vendor_id", json!("x"))]), 400, "body.invalid"),
        (with(&good, &[("vendor_id", json!(foreign_vendor))]), 422, "vendor_not_allowed"),
        (with(&good, &[("principal_id", json!(foreign_vendor))]), 404, "not_found"),
    ]);
    Case { method: "POST", path: "/api/v1/purchase-intents".to_owned(), good, bad }
}

fn management(shop: &Shop, foreign_vendor: &str) -> Vec<Case> {
    let principal = json!({"name": "Fresh", "risk": "LOW"});
    let mut bad = for_all(&principal);
    bad.extend([
        (with(&principal, &[("name", json!(" "))]), 400, "name.invalid"),
        (with(&principal, &[("name", json!("a\nb"))]), 400, "name.invalid"),
        (with(&principal, &[("name", json!("x".repeat(201)))]), 400, "name.invalid"),
        (with(&principal, &[("name", json!("BUYER"))]), 409, "principal.duplicate"),
        (with(&principal, &[("risk", json!("low"))]), 400, "body.invalid"),
        (with(&principal, &[("risk", Value::Null)]), 400, "body.invalid"),
    ]);
    let principals = Case { method: "POST", path: "/api/v1/principals".to_owned(), good: principal, bad };

    let vendor = json!({"name": "Fresh", "rails": ["ledger"]});
    let mut bad = for_all(&vendor);
    bad.extend([
        (with(&vendor, &[("rails", json!([]))]), 400, "vendor.rails"),
        (with(&vendor, &[("rails", json!(["cash"]))]), 400, "body.invalid"),
        (with(&vendor, &[("rails", json!(["x402"]))]), 400, "vendor.x402_endpoint"),
        (with(&vendor, &[("x402_endpoint", json!("file:///etc/passwd"))]), 400, "vendor.x402_endpoint"),
        (
            with(&vendor, &[("x402_endpoint", json!("https://user:pw@example.com/"))]),
            400,
            "vendor.x402_endpoint",
        ),
        (with(&vendor, &[("payout_account", json!("a\nb"))]), 400, "vendor.payout_account"),
        (with(&vendor, &[("name", json!("search ltd"))]), 409, "vendor.duplicate"),
    ]);
    let vendors = Case { method: "POST", path: "/api/v1/vendors".to_owned(), good: vendor, bad };

    let policy = json!({"principal_id": shop.principal, "rules": rules(&[&shop.vendor])});
    let in_rules = |name: &str, value: Value| {
        let mut body = policy.clone();
        body["rules"][name] = value;
        body.to_string()
    };
    let caps =
        |one: Value| json!({"AUD": {"per_transaction_minor": one, "per_day_minor": 1, "per_month_minor": 1}});
    let mut bad = for_all(&policy);
    bad.extend([
        (in_rules("more", json!(1)), 400, "body.invalid"),
        (in_rules("caps", caps(json!(1.5))), 400, "body.invalid"),
        (in_rules("caps", caps(json!(-1))), 400, "policy.invalid"),
        (in_rules("caps", caps(json!(9_007_199_254_740_992_i64))), 400, "policy.invalid"),
        (in_rules("vendors", json!([foreign_vendor])), 400, "policy.invalid"),
        (in_rules("zone", json!("Mars/Olympus")), 400, "body.invalid"),
        (in_rules("ip_allow", json!(["10.0.0.0/33"])), 400, "body.invalid"),
        (in_rules("valid_until", json!("2026-01-01T00:00:00Z")), 400, "policy.invalid"),
        (with(&policy, &[("principal_id", json!(foreign_vendor))]), 404, "not_found"),
    ]);
    let policies = Case { method: "POST", path: "/api/v1/policies".to_owned(), good: policy.clone(), bad };

    let change = json!({"rules": policy["rules"]});
    let changes = Case {
        method: "PUT",
        path: format!("/api/v1/policies/{}", shop.policy),
        bad: for_all(&change),
        good: change,
    };
    let trial = json!({"sku": "search", "vendor_id": shop.vendor, "amount_minor": 1, "currency": "AUD"});
    let mut bad = for_all(&trial);
    bad.extend([
        (with(&trial, &[("amount_minor", json!(0))]), 400, "amount.not_positive"),
        (with(&trial, &[("amount_minor", json!(1.5))]), 400, "body.invalid"),
        (with(&trial, &[("country", json!("AUS"))]), 400, "body.invalid"),
        (with(&trial, &[("ip", json!("10.0.0"))]), 400, "body.invalid"),
    ]);
    let trials =
        Case { method: "POST", path: format!("/api/v1/policies/{}/test", shop.policy), good: trial, bad };
    let rotate = json!({"overlap_s": 60});
    let mut bad = for_all(&rotate);
    bad.extend([
        (with(&rotate, &[("overlap_s", json!(-1))]), 400, "principal_key.overlap"),
        (with(&rotate, &[("overlap_s", json!(604_801))]), 400, "principal_key.overlap"),
        (with(&rotate, &[("overlap_s", json!(0.5))]), 400, "body.invalid"),
    ]);
    let path = format!("/api/v1/principals/{}/keys/rotate", shop.principal);
    let rotations = Case { method: "POST", path, good: rotate, bad };
    vec![principals, vendors, policies, changes, trials, rotations]
}

#[tokio::test]
async fn bad_bodies_get_their_code_and_write_nothing() {
    let house = House::new().await;
    let shop = house.shop().await;
    let outside = house.member(&house.other.owner);
    let body = json!({"name": "Theirs", "rails": ["ledger"]});
    let foreign =
        super::text(&house.call(&outside, "POST", "/api/v1/vendors", &body).await.expect(201).json()["id"]);
    let mut cases = management(&shop, &foreign);
    cases.push(intents(&shop, &foreign));
    let mut tried = 0;
    for case in &cases {
        let who = if case.path.contains("intents") { house.agent(&shop.key) } else { house.owner() };
        let before = house.state().await;
        for (number, (body, status, code)) in case.bad.iter().enumerate() {
            let key = format!("bad-{number}-{}", case.path);
            let key = &key[..key.len().min(255)];
            let answer = house.call_with(&who, case.method, &case.path, body, Some(key)).await;
            let shown = &body[..body.len().min(200)];
            assert_eq!(answer.status, *status, "{} {} {shown}: {}", case.method, case.path, answer.text());
            assert_eq!(answer.json()["code"], *code, "{} {} {shown}", case.method, case.path);
            tried += 1;
        }
        assert_eq!(house.state().await, before, "{} {} wrote something", case.method, case.path);
        // The good body is good: what was refused was refused for what is bad in it. A key that a
        // refused call carried is still free.
        let key = format!("bad-0-{}", case.path);
        let answer = house.call_with(&who, case.method, &case.path, &case.good.to_string(), Some(&key)).await;
        assert!(answer.status < 300, "{} {}: {}", case.method, case.path, answer.text());
    }
    assert!(tried > 80, "{tried}");
}

#[tokio::test]
async fn every_call_that_changes_something_needs_an_idempotency_key() {
    let house = House::new().await;
    let shop = house.shop().await;
    let before = house.state().await;
    let mut tried = 0;
    for route in
        house.app.app.routes().iter().filter(|route| route.kind == RouteKind::Api && route.method != "GET")
    {
        let path = route.path.replace("{id}", &shop.principal).replace("{key}", &shop.policy);
        let long = "k".repeat(256);
        for (key, code) in [
            (None, "idempotency_key_required"),
            (Some(""), "idempotency_key_invalid"),
            (Some(long.as_str()), "idempotency_key_invalid"),
        ] {
            let answer = house.call_with(&house.owner(), route.method.as_str(), &path, "{}", key).await;
            assert_eq!(answer.status, 400, "{} {}: {}", route.method, route.path, answer.text());
            assert_eq!(answer.json()["code"], code, "{} {}", route.method, route.path);
        }
        tried += 1;
    }
    assert!(tried >= 15, "{tried}");
    assert_eq!(house.state().await, before);
}

#[tokio::test]
async fn a_key_that_was_used_with_another_body_is_refused_on_every_call() {
    let house = House::new().await;
    let shop = house.shop().await;
    let mut cases = management(&shop, &shop.vendor);
    cases.push(intents(&shop, &shop.vendor));
    for case in cases.iter().filter(|case| !case.path.ends_with("/test")) {
        let who = if case.path.contains("intents") { house.agent(&shop.key) } else { house.owner() };
        let first =
            house.call_with(&who, case.method, &case.path, &case.good.to_string(), Some("same")).await;
        assert!(first.status < 300, "{} {}: {}", case.method, case.path, first.text());
        let before = house.state().await;
        let again =
            house.call_with(&who, case.method, &case.path, &case.good.to_string(), Some("same")).await;
        assert_eq!(
            (again.status, again.header("idempotent-replayed")),
            (first.status, Some("true")),
            "{}",
            case.path
        );
        let mut other = case.good.clone();
        for (name, value) in [("name", json!("Another")), ("amount_minor", json!(1)), ("overlap_s", json!(5))]
        {
            if other.get(name).is_some() {
                other[name] = value;
            }
        }
        if let Some(rules) = other.get_mut("rules") {
            rules["skus"] = json!(["another"]);
        }
        let refused = house
            .call_with(&who, case.method, &case.path, &other.to_string(), Some("same"))
            .await
            .expect(422);
        assert_eq!(refused.json()["code"], "idempotency_conflict", "{}", case.path);
        assert_eq!(house.state().await, before, "{}", case.path);
    }
}
