//! Behaviour of endpoints against PostgreSQL.

use super::{Change, ENDPOINTS_MAX, EndpointId, New, Status, create, edit, get, list, remove};
use crate::bed::Bed;
use serde_json::json;
use testkit::role;

fn new(url: &str) -> New {
    New { url: url.to_owned(), event_types: vec!["receipt.*".to_owned()], ..New::default() }
}

#[tokio::test]
async fn what_cannot_be_an_endpoint_is_refused_and_nothing_is_written() {
    let bed = Bed::new().await;
    let mut cx = bed.cx().await;
    for url in ["", "hooks.example/in", "http://hooks.example/in", "javascript:alert(1)"] {
        assert_eq!(create(&mut cx, &bed.desk, &new(url)).await.unwrap_err().code(), "webhook.url", "{url}");
    }
    let nothing = New { event_types: Vec::new(), ..new("https://hooks.example/in") };
    assert_eq!(create(&mut cx, &bed.desk, &nothing).await.unwrap_err().code(), "webhook.event_types");
    assert!(list(&mut cx).await.unwrap().is_empty());
    for _ in 0..ENDPOINTS_MAX {
        create(&mut cx, &bed.desk, &new("https://hooks.example/in")).await.unwrap();
    }
    let error = create(&mut cx, &bed.desk, &new("https://hooks.example/in")).await.unwrap_err();
    assert_eq!(error.code(), "webhook.too_many");
}

#[tokio::test]
async fn another_tenant_neither_sees_nor_changes_an_endpoint() {
    let bed = Bed::new().await;
    let (id, _) = bed.endpoint(&["*"]).await;
    let mut cx = bed.kit.cx(&bed.theirs.owner).await;
    assert!(list(&mut cx).await.unwrap().is_empty());
    let change = Change { status: Some(Status::Disabled), ..Change::default() };
    for error in [
        get(&mut cx, id).await.unwrap_err(),
        edit(&mut cx, &bed.desk, id, &change).await.unwrap_err(),
        super::rotate(&mut cx, &bed.desk, id).await.unwrap_err(),
        remove(&mut cx, &bed.desk, id).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), "not_found");
    }
    let mut cx = bed.cx().await;
    assert_eq!(get(&mut cx, id).await.unwrap().status, Status::Enabled);
}

#[tokio::test]
async fn a_removed_endpoint_is_told_nothing_more_and_its_secret_is_gone() {
    let bed = Bed::new().await;
    let (id, _) = bed.endpoint(&["*"]).await;
    bed.fact("pay.receipt.issued", json!({})).await;
    let mut cx = bed.cx().await;
    remove(&mut cx, &bed.desk, id).await.unwrap();
    assert!(get(&mut cx, id).await.is_err());
    assert!(super::signing(&mut cx, &bed.desk.ring, id, true).await.is_err());
    cx.commit().await.unwrap();
    bed.app.settle().await;
    bed.soon().await;
    assert!(bed.poster.calls().is_empty());
}

#[tokio::test]
async fn the_api_shows_a_secret_once_even_when_the_call_is_repeated() {
    let bed = Bed::new().await;
    let us = bed.app.as_member(&bed.ours.owner).with_header("idempotency-key", "one");
    let body = json!({"url": "https://hooks.example/in", "event_types": ["receipt.*"]});
    let made = us.json("POST", "/api/v1/webhook-endpoints", &body).await.expect(201).json();
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let repeated = us.json("POST", "/api/v1/webhook-endpoints", &body).await.expect(201);
    assert_eq!(repeated.header("idempotent-replayed"), Some("true"));
    assert_eq!((&repeated.json()["id"], repeated.json().get("secret")), (&made["id"], None));
    let path = format!("/api/v1/webhook-endpoints/{}", made["id"].as_str().unwrap());
    let us = bed.app.as_member(&bed.ours.owner);
    assert_eq!(us.get(&path).await.expect(200).json().get("secret"), None);
    let rotated = us.json("POST", &format!("{path}/rotate"), &json!({})).await.expect(200).json();
    assert_ne!(rotated["secret"], made["secret"]);
    assert!(rotated["previous_secret_until"].is_string());
    let changed = us.json("PATCH", &path, &json!({"event_types": ["lead.*"], "status": "disabled"})).await;
    let changed = changed.expect(200).json();
    assert_eq!((&changed["event_types"], &changed["status"]), (&json!(["lead.*"]), &json!("disabled")));
    us.json("POST", &format!("{path}/test"), &json!({})).await.expect(409).shows("webhook.disabled");
    us.json("PATCH", &path, &json!({"status": "enabled"})).await.expect(200);
    let sent = us.json("POST", &format!("{path}/test"), &json!({})).await.expect(202).json();
    bed.app.settle().await;
    let sent = format!("/api/v1/webhook-deliveries/{}", sent["id"].as_str().unwrap());
    let delivery = us.get(&sent).await.expect(200).json();
    assert_eq!((&delivery["state"], &delivery["attempts"][0]["answer"]), (&json!("succeeded"), &json!("ok")));
    us.json("POST", &format!("{sent}/redeliver"), &json!({})).await.expect(202);
    bed.app.settle().await;
    assert_eq!(us.get(&sent).await.json()["attempts"].as_array().unwrap().len(), 2);
    let log = us.get(&format!("{path}/deliveries?state=succeeded")).await.expect(200).json();
    assert_eq!(log["rows"][0]["webhook_id"], delivery["webhook_id"]);
    us.json("PATCH", &path, &json!({"secret": "mine"})).await.expect(400);
    us.json("DELETE", &path, &json!({})).await.expect(204);
    us.get(&path).await.expect(404);
}

#[tokio::test]
async fn only_administrators_come_near_endpoints() {
    let bed = Bed::new().await;
    let (id, _) = bed.endpoint(&["*"]).await;
    for role in [role::VIEWER, role::MEMBER] {
        let member = bed.kit.member(&bed.ours, role).await;
        let them = bed.app.as_member(&member);
        them.get("/settings/webhooks").await.expect(403);
        them.get(&format!("/settings/webhooks/{id}")).await.expect(403);
        them.post(&format!("/settings/webhooks/{id}/test"), &[]).await.expect(403);
        them.get("/api/v1/webhook-endpoints").await.expect(403);
    }
    assert!(bed.poster.calls().is_empty());
}

#[tokio::test]
async fn pages_add_show_try_and_deliver_again() {
    let bed = Bed::new().await;
    let us = bed.app.as_member(&bed.ours.owner);
    us.get("/settings/webhooks").await.expect(200).shows("No endpoints");
    us.get("/settings/webhooks/new").await.expect(200).shows("Add endpoint").shows("meeting.booked");
    let bad =
        us.post("/settings/webhooks", &[("url", "http://x.example/"), ("event_types", "receipt.*")]).await;
    let bad = bad.expect(422).shows("does not begin with https://");
    assert_eq!(bad.field("url").as_deref(), Some("http://x.example/"));
    let typed = [
        ("url", "https://hooks.example/in?token=t"),
        ("description", "Books <b>"),
        ("event_types", "receipt.*\r\nlead.created"),
    ];
    us.post("/settings/webhooks", &typed).await.expect(200).shows("whsec_").shows("only this once");
    us.get("/settings/webhooks").await.expect(200).shows("Books <b>").hides("token=t").hides("whsec_");
    let mut cx = bed.cx().await;
    let id: EndpointId = list(&mut cx).await.unwrap()[0].id;
    drop(cx);
    let path = format!("/settings/webhooks/{id}");
    us.get(&path).await.expect(200).shows("Nothing here").hides("whsec_");
    us.post(&format!("{path}/test"), &[]).await.expect(303);
    bed.app.settle().await;
    let page = us.get(&path).await.expect(200).shows("webhook.test").shows("Delivered");
    let link = page.attributes("href").into_iter().find(|href| href.contains("webhook-deliveries")).unwrap();
    us.get(&link).await.expect(200).shows("msg_").shows("Attempt 1").shows("The beginning of the answer:");
    us.post(&format!("{link}/again"), &[]).await.expect(303);
    bed.app.settle().await;
    us.get(&link).await.expect(200).shows("Attempt 2");
    us.get(&format!("{path}?state=dead")).await.expect(200).shows("Nothing here");
    us.post(&format!("{path}/rotate"), &[])
        .await
        .expect(200)
        .shows("whsec_")
        .shows("Both secrets sign until");
    us.post(&format!("{path}/disable"), &[]).await.expect(303);
    us.get(&path).await.expect(200).shows("switched off by hand");
    us.post(&format!("{path}/enable"), &[]).await.expect(303);
    us.post(&path, &[("url", "https://other.example/"), ("event_types", "")]).await.expect(422);
    us.post(&path, &[("url", "https://other.example/"), ("event_types", "*")]).await.expect(303);
    us.get(&path).await.expect(200).shows("https://other.example/");
    let them = bed.app.as_member(&bed.theirs.owner);
    them.get(&path).await.expect(404);
    them.get(&link).await.expect(404);
    them.post(&format!("{link}/again"), &[]).await.expect(404);
    us.post(&format!("{path}/delete"), &[]).await.expect(303);
    us.get(&path).await.expect(404);
}

#[tokio::test]
async fn every_change_of_an_endpoint_is_audited_without_its_secret() {
    let bed = Bed::new().await;
    let (id, secret) = bed.endpoint(&["receipt.*"]).await;
    let mut cx = bed.cx().await;
    super::rotate(&mut cx, &bed.desk, id).await.unwrap();
    super::set(&mut cx, id, Status::Disabled).await.unwrap();
    remove(&mut cx, &bed.desk, id).await.unwrap();
    cx.commit().await.unwrap();
    let mut cx = bed.kit.system().await;
    let entries: Vec<String> = sqlx::query_scalar(
        "select action || ' ' || coalesce(after::text, '') from audit.entry where subject_table = 'hooks.endpoint' order by id",
    )
    .fetch_all(cx.conn())
    .await
    .unwrap();
    assert_eq!(entries.len(), 4, "{entries:?}");
    let all = entries.join("\n");
    assert!(all.contains("previous_until") && all.contains("deleted_at") && all.contains("disabled"));
    assert!(!all.contains(secret.expose()));
}
