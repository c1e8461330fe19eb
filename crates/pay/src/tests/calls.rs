//! What the calls do.

use super::{House, codes, rules, text};
use serde_json::json;

#[tokio::test]
async fn an_agent_makes_an_intent_with_a_quote_and_takes_it_back() {
    let house = House::new().await;
    let shop = house.shop().await;
    let agent = house.agent(&shop.key);
    let made =
        house.call(&agent, "POST", "/api/v1/purchase-intents", &shop.intent()).await.expect(201).json();
    assert_eq!(made["status"], "pending");
    assert_eq!(made["principal_id"], shop.principal.as_str());
    assert_eq!(made["policy_id"], shop.policy.as_str());
    // 20 % of 4.30, as the product says.
    assert_eq!(made["quote"]["fee_minor"], 86);
    assert_eq!(made["quote"]["fee_version"], 1);
    assert_eq!(made["quote"]["expires_at"], "2026-03-02T00:15:00Z");
    assert_eq!(made["created_by"], format!("principal:{}", shop.principal));
    let path = format!("/api/v1/purchase-intents/{}", text(&made["id"]));
    assert_eq!(agent.get(&path).await.expect(200).json(), made);
    let rows = agent.get("/api/v1/purchase-intents?status=pending").await.expect(200).json();
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(1));
    let gone = house.call(&agent, "POST", &format!("{path}/cancel"), &json!({})).await.expect(200).json();
    assert_eq!(gone["status"], "cancelled");
    let again = house.call(&agent, "POST", &format!("{path}/cancel"), &json!({})).await.expect(409).json();
    assert_eq!(again["code"], "intent.not_pending");
}

#[tokio::test]
async fn a_call_that_is_repeated_is_done_once_and_answered_alike() {
    let house = House::new().await;
    let shop = house.shop().await;
    let agent = house.agent(&shop.key);
    let (path, body) = ("/api/v1/purchase-intents", shop.intent().to_string());
    let first = house.call_with(&agent, "POST", path, &body, Some("k1")).await.expect(201);
    assert_eq!(first.header("idempotent-replayed"), None);
    let before = house.state().await;
    // The same JSON in another order is the same body.
    let turned =
        format!(r#"{{"currency":"AUD", "amount_minor":430,"sku":"search","vendor_id":"{}"}}"#, shop.vendor);
    for body in [&body, &turned] {
        let again = house.call_with(&agent, "POST", path, body, Some("k1")).await.expect(201);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!(again.json(), first.json());
    }
    let mut other = shop.intent();
    other["amount_minor"] = json!(431);
    let refused = house.call_with(&agent, "POST", path, &other.to_string(), Some("k1")).await.expect(422);
    assert_eq!(refused.json()["code"], "idempotency_conflict");
    assert_eq!(house.state().await, before);
    // Another caller's key is another key, and so is the same after a rotation: the agent stays the same.
    let rotated = house
        .call(
            &house.owner(),
            "POST",
            &format!("/api/v1/principals/{}/keys/rotate", shop.principal),
            &json!({"overlap_s": 60}),
        )
        .await
        .expect(201)
        .json();
    let fresh = house.agent(&text(&rotated["key"]));
    let again = house.call_with(&fresh, "POST", path, &body, Some("k1")).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn twins_that_race_make_one_intent() {
    let house = std::sync::Arc::new(House::new().await);
    let shop = house.shop().await;
    let body = shop.intent().to_string();
    let mut running = Vec::new();
    for _ in 0..8 {
        let (house, key, body) = (house.clone(), shop.key.clone(), body.clone());
        running.push(tokio::spawn(async move {
            let agent = house.agent(&key);
            house.call_with(&agent, "POST", "/api/v1/purchase-intents", &body, Some("race")).await
        }));
    }
    let mut ids = std::collections::BTreeSet::new();
    for run in running {
        let answer = run.await.expect("it ends");
        assert!(answer.status == 201 || answer.status == 409, "{}", answer.text());
        if answer.status == 201 {
            ids.insert(text(&answer.json()["id"]));
        }
    }
    assert_eq!(ids.len(), 1);
    let rows = house.owner().get("/api/v1/purchase-intents").await.expect(200).json();
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_intent_is_refused_with_every_rule_that_it_breaks_and_leaves_nothing() {
    let house = House::new().await;
    let shop = house.shop().await;
    let agent = house.agent(&shop.key);
    let stranger = house.vendor("Unlisted").await;
    let before = house.state().await;
    let path = "/api/v1/purchase-intents";
    let mut both = shop.intent();
    both["sku"] = json!("mine");
    both["vendor_id"] = json!(stranger);
    let problem = house.call(&agent, "POST", path, &both).await.expect(422).json();
    assert_eq!(problem["code"], "sku_not_allowed");
    assert_eq!(codes(&problem), ["sku_not_allowed", "vendor_not_allowed"]);
    assert_eq!(problem["type"], "urn:agency-os:problem:sku_not_allowed");
    assert_eq!(house.state().await, before);

    let poor = house.principal("No policy").await;
    let key = house.key(&poor).await;
    let problem = house.call(&house.agent(&key), "POST", path, &shop.intent()).await.expect(422).json();
    assert_eq!(codes(&problem), ["policy_not_found"]);

    let mut past = rules(&[&shop.vendor]);
    past["valid_until"] = json!("2026-03-01T12:00:00Z");
    house
        .call(&house.owner(), "POST", "/api/v1/policies", &json!({"principal_id": poor, "rules": past}))
        .await
        .expect(201);
    let problem = house.call(&house.agent(&key), "POST", path, &shop.intent()).await.expect(422).json();
    assert_eq!(codes(&problem), ["policy_expired"]);

    let retired = format!("/api/v1/vendors/{}", shop.vendor);
    house.call(&house.owner(), "DELETE", &retired, &json!({})).await.expect(200);
    let problem = house.call(&agent, "POST", path, &shop.intent()).await.expect(422).json();
    assert_eq!(codes(&problem), ["vendor_not_allowed"]);

    let suspend = json!({"name": "Buyer", "risk": "LOW", "status": "suspended"});
    house
        .call(&house.owner(), "PUT", &format!("/api/v1/principals/{}", shop.principal), &suspend)
        .await
        .expect(200);
    let problem = house.call(&agent, "POST", path, &shop.intent()).await.expect(403).json();
    assert_eq!(codes(&problem), ["principal_not_active"]);
}

#[tokio::test]
async fn the_version_with_the_highest_number_counts_and_a_used_one_is_never_changed() {
    let house = House::new().await;
    let shop = house.shop().await;
    let owner = house.owner();
    let path = format!("/api/v1/policies/{}", shop.policy);
    let wider = |sku: &str| {
        let mut rules = rules(&[&shop.vendor]);
        rules["skus"] = json!([sku]);
        json!({ "rules": rules })
    };
    let before = owner.get(&path).await.expect(200).json();
    let changed = house.call(&owner, "PUT", &path, &wider("search")).await.expect(200).json();
    assert_eq!(changed["hash"], before["hash"], "the same rules have the same hash");
    let agent = house.agent(&shop.key);
    house.call(&agent, "POST", "/api/v1/purchase-intents", &shop.intent()).await.expect(201);
    let refused = house.call(&owner, "PUT", &path, &wider("other")).await.expect(409).json();
    assert_eq!(refused["code"], "policy.used");
    let mut cx = house.kit.cx(&house.tenant.owner).await;
    let direct = sqlx::query("update pay.policy set rules = '{}'").execute(cx.conn()).await;
    assert_eq!(direct.err().as_ref().and_then(base::error::constraint), Some("policy_used"));
    drop(cx);

    let mut second = wider("other");
    second["principal_id"] = json!(shop.principal);
    let added = house.call(&owner, "POST", "/api/v1/policies", &second).await.expect(201).json();
    assert_eq!(added["version"], 2);
    let problem =
        house.call(&agent, "POST", "/api/v1/purchase-intents", &shop.intent()).await.expect(422).json();
    assert_eq!(codes(&problem), ["sku_not_allowed"]);
}

#[tokio::test]
async fn a_policy_can_be_tried_and_names_every_broken_rule() {
    let house = House::new().await;
    let shop = house.shop().await;
    let mut tight = rules(&[&shop.vendor]);
    tight["velocity"] = json!({"count_max": 0, "window_s": 60});
    tight["geo"] = json!({"allow": ["AU"]});
    // It is Monday, 11:00 in Sydney.
    tight["hours"] = json!({"weekdays": ["mon"], "from": "12:00", "until": "13:00"});
    tight["ip_allow"] = json!(["10.0.0.0/8"]);
    tight["caps"]["AUD"]["approval_above_minor"] = json!(100);
    let body = json!({"principal_id": shop.principal, "rules": tight});
    let added = house.call(&house.owner(), "POST", "/api/v1/policies", &body).await.expect(201).json();
    let path = format!("/api/v1/policies/{}/test", text(&added["id"]));
    let all = json!({
        "sku": "mine", "vendor_id": house.vendor("Unlisted").await, "amount_minor": 30_000, "currency": "AUD",
        "rail": "stripe", "country": "NZ", "ip": "192.0.2.1",
    });
    let said = house.call(&house.owner(), "POST", &path, &all).await.expect(200).json();
    assert_eq!(said["verdict"], "deny");
    assert_eq!(
        codes(&said),
        [
            "sku_not_allowed",
            "vendor_not_allowed",
            "amount_exceeds_cap",
            "daily_limit_exceeded",
            "monthly_limit_exceeded",
            "velocity_exceeded",
            "geo_denied",
            "outside_time_window",
            "ip_denied",
            "rail_not_allowed",
            "approval_required",
        ]
    );
    let first = format!("/api/v1/policies/{}/test", shop.policy);
    let fine = json!({"sku": "search", "vendor_id": shop.vendor, "amount_minor": 1_000, "currency": "AUD"});
    let said = house.call(&house.owner(), "POST", &first, &fine).await.expect(200).json();
    assert_eq!((said["verdict"].as_str(), codes(&said).len()), (Some("pass"), 0));
    let dollars = json!({"sku": "search", "vendor_id": shop.vendor, "amount_minor": 1, "currency": "USD"});
    let said = house.call(&house.owner(), "POST", &first, &dollars).await.expect(200).json();
    assert_eq!(codes(&said), ["currency_not_allowed"]);
}

#[tokio::test]
async fn a_quote_that_ended_takes_its_intent_with_it() {
    let house = House::new().await;
    let shop = house.shop().await;
    let agent = house.agent(&shop.key);
    let made =
        house.call(&agent, "POST", "/api/v1/purchase-intents", &shop.intent()).await.expect(201).json();
    let path = format!("/api/v1/purchase-intents/{}", text(&made["id"]));
    house.kit.clock.advance_s(899);
    assert_eq!(agent.get(&path).await.json()["status"], "pending");
    house.kit.clock.advance_s(1);
    // Before the sweep wrote it down, and after.
    assert_eq!(agent.get(&path).await.json()["status"], "expired");
    let late = house.call(&agent, "POST", &format!("{path}/cancel"), &json!({})).await.expect(409).json();
    assert_eq!(late["code"], "intent.not_pending");
    assert_eq!(agent.get("/api/v1/purchase-intents?status=pending").await.json()["rows"], json!([]));
    assert_eq!(
        agent.get("/api/v1/purchase-intents?status=expired").await.json()["rows"].as_array().map(Vec::len),
        Some(1)
    );
    let until = base::Clock::now(house.kit.clock.as_ref()).plus_s(90);
    house.app.run_until(until).await;
    let mut cx = house.kit.system().await;
    let stored: String =
        sqlx::query_scalar("select status::text from pay.intent").fetch_one(cx.conn()).await.expect("a row");
    assert_eq!(stored, "expired");
    let told: i64 = sqlx::query_scalar("select count(*) from kernel.fact where type = 'pay.intent.expired'")
        .fetch_one(cx.conn())
        .await
        .expect("a count");
    assert_eq!(told, 1);
}
