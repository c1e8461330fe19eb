//! The pages, by forms and links alone.

use super::{House, text};
use serde_json::json;
use testkit::role;

#[tokio::test]
async fn an_admin_sets_up_an_agent_by_forms_and_the_key_is_shown_once() {
    let house = House::new().await;
    let owner = house.owner();
    owner.get("/pay/principals").await.expect(200).shows("No paying agents");
    let made = owner.post("/pay/principals", &[("name", "Buyer"), ("risk", "LOW")]).await.expect(303);
    let agent = made.location().to_owned();
    owner.get(&agent).await.expect(200).shows("none: it may pay nothing").shows("No keys");
    let shown = owner.post(&format!("{agent}/keys"), &[]).await.expect(200).shows("shown only this once");
    let body = shown.text();
    let start = body.find("aop_").expect("the key");
    let key: String =
        body[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect();
    house.agent(&key).get("/api/v1/purchase-intents").await.expect(200);
    owner.get(&agent).await.expect(200).hides(&key).shows("Replace the keys");
    owner.post(&format!("{agent}/keys/rotate"), &[("overlap_s", "0")]).await.expect(200).hides(&key);
    house.agent(&key).get("/api/v1/purchase-intents").await.expect(401);
    owner.post(&format!("{agent}/status"), &[("status", "suspended")]).await.expect(303);
    owner.get(&agent).await.expect(200).shows("Suspended").shows("Take up again");
    let bad = owner.post(&format!("{agent}/public-keys"), &[("jwk", "{}")]).await.expect(422);
    bad.shows("not a JWK");
    owner.post("/pay/principals", &[("name", ""), ("risk", "LOW")]).await.expect(422);
    owner
        .post("/pay/principals", &[("name", "buyer"), ("risk", "LOW")])
        .await
        .expect(422)
        .shows("There is a principal");
}

#[tokio::test]
async fn a_policy_is_written_read_and_tried_by_forms() {
    let house = House::new().await;
    let owner = house.owner();
    let principal = house.principal("Buyer").await;
    let listed = owner
        .post(
            "/pay/vendors",
            &[("name", "Search Ltd"), ("rails", "ledger"), ("rails", "stripe"), ("x402_endpoint", "")],
        )
        .await
        .expect(303);
    let vendor = listed.location().rsplit('/').next().expect("an id").to_owned();
    owner
        .get(&format!("/pay/policies/write?principal={principal}"))
        .await
        .expect(200)
        .shows("Who may be paid")
        .shows("Search Ltd");
    let fields = [
        ("principal_id", principal.as_str()),
        ("skus", "search\r\nsummary\r\n"),
        ("vendors", vendor.as_str()),
        ("currency0", "AUD"),
        ("one0", "10.00"),
        ("day0", "50"),
        ("month0", "200"),
        ("approval0", "5.00"),
        ("count_max", "5"),
        ("window_s", "3600"),
        ("geo", "allow"),
        ("countries", "au, nz"),
        ("zone", "Australia/Sydney"),
        ("hours", "1"),
        ("weekdays", "mon"),
        ("weekdays", "tue"),
        ("from", "09:00"),
        ("until", "17:00"),
        ("rails", "ledger"),
        ("valid_from", "2026-03-02T09:00"),
        ("valid_until", ""),
    ];
    let saved = owner.post("/pay/policies", &fields).await.expect(303);
    let page = saved.location().to_owned();
    let shown = owner.get(&page).await.expect(200);
    for words in [
        "Buyer, version 1",
        "search, summary",
        "A$10.00 a payment, A$50.00 a day",
        "only from AU, NZ",
        "Monday, Tuesday, 09:00 to 17:00",
    ] {
        assert!(shown.visible().contains(words), "{words}: {}", shown.visible());
    }
    // Read back into the editor and saved again it is the same policy.
    let api =
        owner.get(&format!("/api/v1/policies/{}", page.rsplit('/').next().expect("an id"))).await.json();
    assert_eq!(api["rules"]["caps"]["AUD"]["approval_above_minor"], 500);
    assert_eq!(api["rules"]["valid_from"], "2026-03-01T22:00:00Z");
    let editor = owner.get(&format!("/pay/policies/write?principal={principal}")).await.expect(200);
    assert_eq!(editor.field("one0").as_deref(), Some("10.00"));
    assert_eq!(editor.field("valid_from").as_deref(), Some("2026-03-02T09:00"));

    let trial = [
        ("sku", "search"),
        ("vendor", vendor.as_str()),
        ("amount", "4.30"),
        ("currency", "AUD"),
        ("country", "AU"),
    ];
    owner
        .post(&format!("{page}/test"), &trial)
        .await
        .expect(200)
        .shows("It would pass")
        .shows("No rule is broken");
    let trial = [
        ("sku", "search"),
        ("vendor", vendor.as_str()),
        ("amount", "6"),
        ("currency", "AUD"),
        ("country", "AU"),
    ];
    owner.post(&format!("{page}/test"), &trial).await.expect(200).shows("It would wait for a person");
    let trial = [
        ("sku", "x"),
        ("vendor", vendor.as_str()),
        ("amount", "60"),
        ("currency", "AUD"),
        ("at", "2026-03-08T10:00"),
    ];
    let refused = owner.post(&format!("{page}/test"), &trial).await.expect(200).shows("It would be refused");
    for code in [
        "sku_not_allowed",
        "amount_exceeds_cap",
        "daily_limit_exceeded",
        "geo_denied",
        "outside_time_window",
        "approval_required",
    ] {
        assert!(refused.visible().contains(code), "{code}: {}", refused.visible());
    }
    owner
        .post(&format!("{page}/test"), &[("amount", "x"), ("currency", "AUD")])
        .await
        .expect(422)
        .shows("not an amount");

    let mut wrong = fields;
    wrong[4] = ("one0", "10.005");
    let again = owner.post("/pay/policies", &wrong).await.expect(422).shows("10.005");
    assert_eq!(again.field("month0").as_deref(), Some("200"), "what was typed stays");
}

#[tokio::test]
async fn intents_are_listed_filtered_and_cancelled() {
    let house = House::new().await;
    let shop = house.shop().await;
    let owner = house.owner();
    owner.get("/pay/intents").await.expect(200).shows("No intents yet");
    let mut body = shop.intent();
    body["description"] = json!("<b>for the report</b>");
    body["meta"] = json!({"run": "r-7"});
    let made = house
        .call(&house.agent(&shop.key), "POST", "/api/v1/purchase-intents", &body)
        .await
        .expect(201)
        .json();
    let page = format!("/pay/intents/{}", text(&made["id"]));
    owner.get("/pay/intents").await.expect(200).shows("A$4.30").shows("Search Ltd").shows("Buyer");
    owner.get("/pay/intents?status=rejected").await.expect(200).shows("No such intents");
    let shown =
        owner.get(&page).await.expect(200).shows("A$0.86").shows("<b>for the report</b>").shows("r-7");
    shown.hides("<b>for");
    let viewer = house.member(&house.kit.member(&house.tenant, role::VIEWER).await);
    viewer.get(&page).await.expect(200).hides("Cancel the intent");
    viewer.post(&format!("{page}/cancel"), &[]).await.expect(403);
    owner.post(&format!("{page}/cancel"), &[]).await.expect(303);
    owner.get(&page).await.expect(200).shows("Cancelled").hides("Cancel the intent");
    house.member(&house.other.owner).get(&page).await.expect(404);
}

#[tokio::test]
async fn lists_go_on_over_pages_without_losing_a_row() {
    let house = House::new().await;
    let shop = house.shop().await;
    for _ in 0..60 {
        house
            .call(&house.agent(&shop.key), "POST", "/api/v1/purchase-intents", &shop.intent())
            .await
            .expect(201);
    }
    let first = house.owner().get("/api/v1/purchase-intents").await.expect(200).json();
    let after = text(&first["next"]);
    let second =
        house.owner().get(&format!("/api/v1/purchase-intents?after={after}")).await.expect(200).json();
    let ids: std::collections::BTreeSet<String> = [&first, &second]
        .iter()
        .flat_map(|page| page["rows"].as_array().cloned().unwrap_or_default())
        .map(|row| text(&row["id"]))
        .collect();
    assert_eq!((ids.len(), second["next"].is_null()), (60, true));
    house.owner().get(&format!("/pay/intents?after={after}")).await.expect(200).shows("A$4.30");
    house.owner().get("/api/v1/purchase-intents?after=zz").await.expect(400);
}
