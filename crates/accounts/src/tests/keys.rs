use super::House;
use serde_json::json;
use testkit::Client;

fn program(house: &House, key: &str) -> Client {
    house.browser().with_header("authorization", &format!("Bearer {key}")).with_header("origin", "null")
}

async fn make(owner: &Client, body: &serde_json::Value) -> (String, String) {
    let made = owner.json("POST", "/api/v1/api-keys", body).await.expect(201).json();
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("id"), text("key"))
}

#[tokio::test]
async fn a_key_works_within_its_role_until_it_is_revoked() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let (id, key) = make(&owner, &json!({"name": "Sync", "role": "viewer"})).await;
    assert!(key.starts_with("aos_") && key.len() == 4 + 10 + 1 + 43, "{key}");
    let sync = program(&house, &key);
    assert_eq!(sync.get("/api/v1/client").await.expect(200).json()["name"], "Byte");
    sync.json("PATCH", "/api/v1/client", &json!({"name": "Bit"})).await.expect(403);
    sync.get("/api/v1/api-keys").await.expect(403);
    owner.get("/settings/api-keys").await.expect(200).shows("Sync").hides(&key);
    owner.get("/api/v1/api-keys").await.expect(200).hides(&key);
    owner.json("DELETE", &format!("/api/v1/api-keys/{id}"), &json!({})).await.expect(204);
    assert_eq!(sync.get("/api/v1/client").await.expect(401).json()["code"], "api_key.invalid");
}

#[tokio::test]
async fn an_expired_damaged_or_foreign_key_is_refused() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let end = house.db.clock_now().plus_s(60);
    let (_, key) = make(&owner, &json!({"name": "Short", "role": "viewer", "expires_at": end})).await;
    program(&house, &key).get("/api/v1/client").await.expect(200);
    let mut damaged = key.clone();
    let last = if damaged.pop() == Some('A') { 'B' } else { 'A' };
    damaged.push(last);
    program(&house, &damaged).get("/api/v1/client").await.expect(401);
    program(&house, "sk_live_whatever").get("/api/v1/client").await.expect(401);
    house.browser().with_header("authorization", "Basic YTpi").get("/api/v1/client").await.expect(401);
    house.db.clock.advance_s(60);
    program(&house, &key).get("/api/v1/client").await.expect(401);
    let past = json!({"name": "Past", "role": "viewer", "expires_at": end});
    owner.json("POST", "/api/v1/api-keys", &past).await.expect(400);
}

#[tokio::test]
async fn nobody_makes_a_key_above_their_own_role() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let admin = house.joined(&owner, "adam@byte.example", "admin").await;
    let member = house.joined(&owner, "meg@byte.example", "member").await;
    admin.json("POST", "/api/v1/api-keys", &json!({"name": "k", "role": "owner"})).await.expect(403);
    member.json("POST", "/api/v1/api-keys", &json!({"name": "k", "role": "viewer"})).await.expect(403);
    let (id, key) = make(&owner, &json!({"name": "k", "role": "owner"})).await;
    admin.json("DELETE", &format!("/api/v1/api-keys/{id}"), &json!({})).await.expect(403);
    program(&house, &key).get("/api/v1/client").await.expect(200);
}

#[tokio::test]
async fn a_key_never_does_more_than_whoever_made_it_may_do_now() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let admin = house.joined(&owner, "adam@byte.example", "admin").await;
    let (_, first) = make(&admin, &json!({"name": "First", "role": "admin"})).await;
    let (_, second) = make(&program(&house, &first), &json!({"name": "Second", "role": "admin"})).await;
    for key in [&first, &second] {
        program(&house, key).get("/api/v1/api-keys").await.expect(200);
    }
    let adam = house.person("adam@byte.example").await;
    let role = format!("/settings/team/{adam}/role");
    owner.post(&role, &[("role", "viewer")]).await.expect(303);
    for key in [&first, &second] {
        let program = program(&house, key);
        program.get("/api/v1/client").await.expect(200);
        program.get("/api/v1/api-keys").await.expect(403);
        program.json("PATCH", "/api/v1/client", &json!({"name": "Bit"})).await.expect(403);
    }
    let page = owner.get("/settings/api-keys").await.expect(200);
    page.shows("now Viewer as its maker")
        .shows("Guest Person")
        .shows("First (API key)")
        .shows("never does more");
    let listed = owner.get("/api/v1/api-keys").await.expect(200).json();
    assert_eq!(
        (&listed["rows"][0]["role"], &listed["rows"][0]["power"]),
        (&json!("admin"), &json!("viewer"))
    );
    owner.post(&role, &[("role", "admin")]).await.expect(303);
    program(&house, &second).get("/api/v1/api-keys").await.expect(200);
    owner.post(&format!("/settings/team/{adam}/remove"), &[]).await.expect(303);
    for key in [&first, &second] {
        let refused = program(&house, key).get("/api/v1/client").await.expect(401).json();
        assert_eq!(refused["code"], "api_key.maker_gone");
    }
    owner.get("/settings/api-keys").await.expect(200).shows("its maker may do nothing here any more");
}

#[tokio::test]
async fn a_key_that_a_revoked_key_made_is_refused() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let (id, first) = make(&owner, &json!({"name": "First", "role": "admin"})).await;
    let (_, second) = make(&program(&house, &first), &json!({"name": "Second", "role": "viewer"})).await;
    program(&house, &second).get("/api/v1/client").await.expect(200);
    owner.json("DELETE", &format!("/api/v1/api-keys/{id}"), &json!({})).await.expect(204);
    program(&house, &second).get("/api/v1/client").await.expect(401);
}

#[tokio::test]
async fn the_use_of_a_key_is_written_down_once_a_minute() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let (_, key) = make(&owner, &json!({"name": "k", "role": "viewer"})).await;
    let sync = program(&house, &key);
    let used = "select coalesce((extract(epoch from max(used_at) - max(created_at)))::bigint, -1) from accounts.api_key";
    assert_eq!(house.count(used).await, -1);
    sync.get("/api/v1/client").await.expect(200);
    house.db.clock.advance_s(59);
    sync.get("/api/v1/client").await.expect(200);
    assert_eq!(house.count(used).await, 0);
    house.db.clock.advance_s(1);
    sync.get("/api/v1/client").await.expect(200);
    assert_eq!(house.count(used).await, 60);
}

#[tokio::test]
async fn a_repeated_creation_makes_one_key_and_never_repeats_its_secret() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await.with_header("idempotency-key", "one");
    let body = json!({"name": "Sync", "role": "viewer"});
    let (id, key) = make(&owner, &body).await;
    let again = owner.json("POST", "/api/v1/api-keys", &body).await.expect(201).hides(&key).json();
    assert_eq!(again["id"].as_str(), Some(id.as_str()));
    assert_eq!(house.count("select count(*) from accounts.api_key").await, 1);
}

#[tokio::test]
async fn the_page_shows_a_key_once() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    owner
        .post("/settings/api-keys", &[("name", ""), ("role", "member"), ("days", "90")])
        .await
        .expect(422)
        .shows("Fill this in");
    owner.post("/settings/api-keys", &[("name", "x"), ("role", "member"), ("days", "12")]).await.expect(422);
    let fields = [("name", "Sync"), ("role", "member"), ("days", "90")];
    let page = owner.post("/settings/api-keys", &fields).await.expect(200).shows("only this once");
    let text = page.visible();
    let key = text
        .split_whitespace()
        .find(|word| word.len() == 58 && word.starts_with("aos_"))
        .expect("a key")
        .to_owned();
    program(&house, &key).get("/api/v1/client").await.expect(200);
    owner.get("/settings/api-keys").await.expect(200).shows("Sync").hides(&key);
}

#[tokio::test]
async fn the_client_is_patched_field_by_field() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let (_, key) = make(&owner, &json!({"name": "Sync", "role": "admin"})).await;
    let sync = program(&house, &key);
    let change = json!({"postal_address": "1 Pitt St, Sydney 2000", "permission_mode": "autopilot"});
    let client = sync.json("PATCH", "/api/v1/client", &change).await.expect(200).json();
    assert_eq!(client["name"], "Byte");
    assert_eq!(client["permission_mode"], "autopilot");
    sync.json("PATCH", "/api/v1/client", &json!({"nickname": "B"})).await.expect(400);
    let wrong =
        sync.json("PATCH", "/api/v1/client", &json!({"zone": "Mars/Olympus"})).await.expect(400).json();
    assert!(wrong["detail"].as_str().is_some_and(|d| d.starts_with("zone:")), "{wrong}");
    let emptied =
        sync.json("PATCH", "/api/v1/client", &json!({"postal_address": ""})).await.expect(200).json();
    assert_eq!(emptied["postal_address"], serde_json::Value::Null);
    let document = owner.get("/api/openapi.json").await.expect(200).json();
    for path in ["/api/v1/client", "/api/v1/members/{id}", "/api/v1/invitations", "/api/v1/api-keys"] {
        assert!(document["paths"][path].is_object(), "{path} is not described");
    }
}
