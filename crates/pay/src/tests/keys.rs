//! Who may call what.

use super::{House, text};
use serde_json::json;
use testkit::role;
use web::{Access, RouteKind};

#[tokio::test]
async fn an_agents_key_reaches_machine_calls_and_nothing_else() {
    let house = House::new().await;
    let shop = house.shop().await;
    let agent = house.agent(&shop.key);
    let (mut open, mut shut) = (0, 0);
    for route in house.app.app.routes() {
        let path = route.path.replace("{id}", &shop.principal).replace("{key}", &shop.policy);
        let answer = house.call(&agent, route.method.as_str(), &path, &json!({})).await;
        match route.access {
            Access::Machine(_) => {
                assert_ne!(answer.status, 403, "{} {}", route.method, route.path);
                open += 1;
            }
            Access::Role(_) | Access::Platform => {
                assert_eq!(answer.status, 403, "{} {}: {}", route.method, route.path, answer.text());
                shut += 1;
            }
            Access::Open | Access::Public => {}
        }
    }
    assert!(open >= 4 && shut > 40, "{open} {shut}");
}

#[tokio::test]
async fn an_agent_sees_its_own_intents_only() {
    let house = House::new().await;
    let shop = house.shop().await;
    let rival = house.principal("Rival").await;
    let rival_key = house.key(&rival).await;
    house.policy(&rival, &[&shop.vendor]).await;
    let (agent, rival_agent) = (house.agent(&shop.key), house.agent(&rival_key));
    let made =
        house.call(&agent, "POST", "/api/v1/purchase-intents", &shop.intent()).await.expect(201).json();
    let path = format!("/api/v1/purchase-intents/{}", text(&made["id"]));
    let before = house.state().await;
    rival_agent.get(&path).await.expect(404);
    house.call(&rival_agent, "POST", &format!("{path}/cancel"), &json!({})).await.expect(404);
    assert_eq!(rival_agent.get("/api/v1/purchase-intents").await.expect(200).json()["rows"], json!([]));
    rival_agent.get(&format!("/api/v1/purchase-intents?principal={}", shop.principal)).await.expect(404);
    let mut as_other = shop.intent();
    as_other["principal_id"] = json!(shop.principal);
    house.call(&rival_agent, "POST", "/api/v1/purchase-intents", &as_other).await.expect(404);
    // Nor does another organisation see it, or make one there.
    let outside = house.member(&house.other.owner);
    outside.get(&path).await.expect(404);
    house.call(&outside, "POST", "/api/v1/purchase-intents", &as_other).await.expect(404);
    for path in [
        format!("/api/v1/principals/{}", shop.principal),
        format!("/api/v1/policies/{}", shop.policy),
        format!("/api/v1/vendors/{}", shop.vendor),
        format!("/api/v1/principals/{}/keys", shop.principal),
    ] {
        outside.get(&path).await.expect(404);
    }
    assert_eq!(house.state().await, before);
}

#[tokio::test]
async fn a_key_is_shown_once_and_kept_nowhere() {
    let house = House::new().await;
    let principal = house.principal("Buyer").await;
    let path = format!("/api/v1/principals/{principal}/keys");
    let first = house.call_with(&house.owner(), "POST", &path, "{}", Some("once")).await.expect(201).json();
    let key = text(&first["key"]);
    let again = house.call_with(&house.owner(), "POST", &path, "", Some("once")).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    again.hides(&key);
    house.owner().get(&path).await.expect(200).hides(&key);
    let secret = key.rsplit('_').next().expect("a secret").to_owned();
    let mut cx = house.kit.system().await;
    for query in [
        "select coalesce(string_agg(t::text, ''), '') from pay.principal_key t",
        "select coalesce(string_agg(convert_from(body, 'utf8'), ''), '') from kernel.idempotency",
        "select coalesce(string_agg(t::text, ''), '') from kernel.fact t",
        "select coalesce(string_agg(t::text, ''), '') from audit.entry t",
    ] {
        let all: String = sqlx::query_scalar(query).fetch_one(cx.conn()).await.expect("texts");
        assert!(!all.is_empty() && !all.contains(&secret), "{query}");
    }
}

#[tokio::test]
async fn a_rotated_key_goes_on_for_its_overlap_and_a_revoked_one_stops_at_once() {
    let house = House::new().await;
    let shop = house.shop().await;
    let base = format!("/api/v1/principals/{}/keys", shop.principal);
    let list = "/api/v1/purchase-intents";
    let rotated =
        house.call(&house.owner(), "POST", &format!("{base}/rotate"), &json!({"overlap_s": 3_600})).await;
    let rotated = rotated.expect(201).json();
    let (old, fresh) = (house.agent(&shop.key), house.agent(&text(&rotated["key"])));
    old.get(list).await.expect(200);
    fresh.get(list).await.expect(200);
    house.kit.clock.advance_s(3_600);
    assert_eq!(old.get(list).await.expect(401).json()["code"], "principal_key.invalid");
    fresh.get(list).await.expect(200);
    house
        .call(&house.owner(), "DELETE", &format!("{base}/{}", text(&rotated["id"])), &json!({}))
        .await
        .expect(200);
    fresh.get(list).await.expect(401);

    let last = house.agent(&house.key(&shop.principal).await);
    last.get(list).await.expect(200);
    house
        .call(&house.owner(), "DELETE", &format!("/api/v1/principals/{}", shop.principal), &json!({}))
        .await
        .expect(200);
    last.get(list).await.expect(401);
    let closed = house.call(&house.owner(), "POST", &base, &json!({})).await.expect(409).json();
    assert_eq!(closed["code"], "principal.closed");
}

#[tokio::test]
async fn no_text_but_the_key_itself_signs_in() {
    let house = House::new().await;
    let shop = house.shop().await;
    let swapped = format!("{}A{}", &shop.key[..20], &shop.key[21..]);
    let swapped =
        if swapped == shop.key { format!("{}B{}", &shop.key[..20], &shop.key[21..]) } else { swapped };
    for bad in
        [swapped.as_str(), &shop.key[..shop.key.len() - 1], "aop_", "aop_00_x", "aop_000000000000_", "other"]
    {
        let answer = house.agent(bad).get("/api/v1/purchase-intents").await;
        assert_eq!(answer.status, 401, "{bad}");
    }
    house.app.stranger().get("/api/v1/purchase-intents").await.expect(401);
}

#[tokio::test]
async fn roles_below_admin_read_and_change_nothing() {
    let house = House::new().await;
    let viewer = house.member(&house.kit.member(&house.tenant, role::VIEWER).await);
    let member = house.member(&house.kit.member(&house.tenant, role::MEMBER).await);
    for route in
        house.app.app.routes().iter().filter(|route| route.kind == RouteKind::Api && route.method != "GET")
    {
        let path = route
            .path
            .replace("{id}", &house.tenant.id.to_string())
            .replace("{key}", &house.tenant.id.to_string());
        let trial = route.path.ends_with("/test");
        let seen = house.call(&viewer, route.method.as_str(), &path, &json!({})).await.status;
        assert_eq!(seen == 403, !trial, "a viewer: {} {} {seen}", route.method, route.path);
        let intents = route.path.contains("/purchase-intents");
        let seen = house.call(&member, route.method.as_str(), &path, &json!({})).await.status;
        assert_eq!(seen == 403, !trial && !intents, "a member: {} {} {seen}", route.method, route.path);
    }
}

#[tokio::test]
async fn public_keys_are_checked_before_they_are_believed() {
    let house = House::new().await;
    let principal = house.principal("Buyer").await;
    let path = format!("/api/v1/principals/{principal}/public-keys");
    let random = base::Random::seeded(5);
    let mandate = serde_json::to_value(ap2::MandateKey::generate(&random).public().jwk()).expect("JSON");
    let identity = serde_json::to_value(ap2::IdentityKey::generate(&random).public().jwk()).expect("JSON");
    for (jwk, algorithm) in [(&mandate, "es256"), (&identity, "ed25519")] {
        let row = house.call(&house.owner(), "POST", &path, &json!({ "jwk": jwk })).await.expect(201).json();
        assert_eq!(row["algorithm"], algorithm);
    }
    let twice =
        house.call(&house.owner(), "POST", &path, &json!({ "jwk": mandate })).await.expect(409).json();
    assert_eq!(twice["code"], "public_key.duplicate");
    let before = house.state().await;
    let mut off_curve = mandate.clone();
    off_curve["y"] = mandate["x"].clone();
    let mut private = mandate.clone();
    private["d"] = mandate["x"].clone();
    for jwk in [off_curve, private, json!({"kty": "RSA"}), json!("text"), json!(null)] {
        let refused =
            house.call(&house.owner(), "POST", &path, &json!({ "jwk": jwk })).await.expect(400).json();
        assert_eq!(refused["code"], "public_key.invalid");
    }
    assert_eq!(house.state().await, before);
    let rows = house.owner().get(&path).await.expect(200).json();
    let id = text(&rows["rows"][0]["id"]);
    house.call(&house.owner(), "DELETE", &format!("{path}/{id}"), &json!({})).await.expect(200);
    house.call(&house.owner(), "DELETE", &format!("{path}/{id}"), &json!({})).await.expect(404);
}
