//! Pages and API, and who sees what.

use super::bed::Bed;
use serde_json::json;

#[tokio::test]
async fn a_connection_is_checked_guessed_and_mapped_and_its_key_is_never_shown() {
    let bed = Bed::new().await;
    let (us, at) = (bed.us(), bed.connect("hubspot").await);
    let page = us.get(&at).await.expect(200).shows("Active").shows("Account 4021").shows("Sales pipeline");
    assert!(!page.text().contains("test-key-1"));
    assert_eq!(
        bed.one("select stages->>'qualification' || ' ' || (stages->>'won') || ' ' || (stages->>'lost') from crm.connection").await,
        "qualifiedtobuy closedwon closedlost"
    );
    us.post(
        &format!("{at}/stages"),
        &[("pushes", "1"), ("pipeline", "default"), ("stage.proposal", "contractsent")],
    )
    .await
    .expect(303);
    assert_eq!(bed.one("select stages->>'proposal' from crm.connection").await, "contractsent");
    // A check keeps what a person chose.
    us.post(&format!("{at}/check"), &[]).await.expect(303);
    bed.app.settle().await;
    assert_eq!(bed.one("select stages->>'proposal' from crm.connection").await, "contractsent");
    let bad = [("pipeline", "default"), ("stage.proposal", "nowhere")];
    us.post(&format!("{at}/stages"), &bad).await.expect(400);
    us.post(&format!("{at}/stages"), &[("pipeline", "nowhere")]).await.expect(400);
    us.post(&format!("{at}/contacts"), &[("taken_as", "friends")]).await.expect(400);
    us.post(&format!("{at}/contacts"), &[("taken_as", "leads"), ("consent", "express")]).await.expect(400);
    us.get("/crm").await.expect(200).shows("HubSpot").shows("Active").shows("Connect Close");
}

#[tokio::test]
async fn a_bad_key_or_address_says_so() {
    let bed = Bed::new().await;
    let us = bed.us();
    for (key, base_url, status) in
        [("", "", 400), ("two words", "", 400), ("k", "nonsense", 400), ("k", "ftp://x", 400)]
    {
        let form = [("kind", "close"), ("key", key), ("base_url", base_url)];
        us.post("/crm/connections", &form).await.expect(status);
    }
    us.post("/crm/connections", &[("kind", "salesforce"), ("key", "k")]).await.expect(400);
    let url = bed.twin.url("close");
    let form = [("kind", "close"), ("key", "wrong"), ("base_url", url.as_str())];
    let at = us.post("/crm/connections", &form).await.expect(303).location().to_owned();
    us.get(&at).await.expect(200).shows("Checking");
    bed.app.settle().await;
    us.get(&at).await.expect(200).shows("Failed").shows("The API key is not valid.");
    // A better key mends it.
    us.post(&at, &[("name", "Ours"), ("key", "good"), ("base_url", url.as_str())]).await.expect(303);
    bed.app.settle().await;
    us.get(&at).await.expect(200).shows("Active").shows("Ours").shows("Bright Agency");
}

#[tokio::test]
async fn programs_do_the_same_and_nobody_elses_rows_are_there() {
    let bed = Bed::new().await;
    let (us, them) = (bed.us(), bed.app.as_member(&bed.theirs.owner));
    let body =
        json!({"kind": "close", "name": "Ours", "key": "test-key-1", "base_url": bed.twin.url("close")});
    let made = us.json("POST", "/api/v1/crm/connections", &body).await.expect(201).hides("test-key-1").json();
    let at = format!("/api/v1/crm/connections/{}", made["id"].as_str().expect("an id"));
    bed.app.settle().await;
    assert_eq!(us.get(&at).await.expect(200).json()["state"], json!("active"));
    let pipelines = us.get(&format!("{at}/pipelines")).await.expect(200).json();
    assert_eq!(pipelines["rows"][0]["stages"].as_array().map(Vec::len), Some(5));
    us.json("PUT", &format!("{at}/contacts"), &json!({"taken_as": "leads"})).await.expect(200);
    let bad =
        us.json("PUT", &format!("{at}/contacts"), &json!({"taken_as": "friends"})).await.expect(400).json();
    assert_eq!(bad["code"], json!("crm.taken_as"));
    us.json(
        "PUT",
        &format!("{at}/stages"),
        &json!({"pushes": true, "pipeline": "pipe_1", "stages": {"proposal": "stat_demo"}}),
    )
    .await
    .expect(200);
    bed.people("close", 0, 3);
    let run = us.json("POST", &format!("{at}/import"), &json!({})).await.expect(201).json();
    bed.app.settle().await;
    let run = format!("/api/v1/crm/imports/{}", run["id"].as_str().expect("an id"));
    assert_eq!(us.get(&run).await.expect(200).json()["made"], json!(3));
    let lead = bed.lead("ana@harbour.example").await;
    bed.deal(lead).await;
    bed.later(60).await;
    let pushes = us.get("/api/v1/crm/pushes?state=done").await.expect(200).json();
    assert_eq!(pushes["rows"].as_array().map(Vec::len), Some(2), "{pushes}");
    let push = format!("/crm/pushes/{}", pushes["rows"][0]["id"].as_str().expect("an id"));
    us.json("POST", &format!("/api/v1{push}/retry"), &json!({})).await.expect(202);

    for path in [
        at.as_str(),
        run.as_str(),
        &push,
        at.trim_start_matches("/api/v1"),
        run.trim_start_matches("/api/v1"),
    ] {
        them.get(path).await.expect(404);
    }
    them.json("POST", &format!("{at}/import"), &json!({})).await.expect(404);
    them.json("DELETE", &at, &json!({})).await.expect(404);
    assert_eq!(them.get("/api/v1/crm/connections").await.expect(200).json()["rows"], json!([]));
    them.get("/crm").await.expect(200).hides("Ours");
    them.get("/crm/pushes").await.expect(200).hides("Ana Silva");
    us.json("DELETE", &at, &json!({})).await.expect(204);
    us.get(&at).await.expect(404);
}
