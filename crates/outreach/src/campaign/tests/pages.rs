//! Routes of campaigns, sequences and mailboxes.

use super::ready;
use control::{secret::Keyring, switch::Watch};
use serde_json::json;
use std::sync::Arc;
use testkit::{TestApp, TestDb, role};

async fn app(db: &TestDb) -> TestApp {
    let folder = std::env::temp_dir().join(format!("outreach-pages-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let keyring = Arc::new(
        Keyring::load(&control::secret::Settings::default(), &folder, &base::Random::system())
            .expect("a key"),
    );
    let needs = crate::Needs {
        ports: Arc::new(db.ports().ports()),
        keyring,
        switches: Watch::default(),
        llm: None,
        origin: "http://127.0.0.1:8080".into(),
        sink: Some(crate::resource::SinkSettings {
            host: "127.0.0.1".into(),
            port: 2525,
            lookup: "http://127.0.0.1:2526/".parse().expect("a URL"),
        }),
    };
    TestApp::start(db, vec![crate::module(needs)]).await
}

#[tokio::test]
async fn a_person_makes_a_campaign_adds_leads_previews_and_activates_it() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let app = app(&db).await;
    let us = app.as_member(&tenant.owner);
    us.get("/campaigns").await.expect(200).shows("No campaigns yet");
    us.get("/settings/sending").await.expect(200).shows("Add the built-in mail sink");
    us.post("/settings/sending/sink", &[("address", "alex@anchor.example"), ("display_name", "Alex Morgan")])
        .await
        .expect(303);
    us.get("/settings/sending")
        .await
        .expect(200)
        .shows("alex@anchor.example")
        .hides("Add the built-in mail sink");
    us.post("/campaigns", &[("name", " "), ("start", "template")])
        .await
        .expect(422)
        .shows("Give the campaign a name");
    let (id, _) = {
        let mut cx = db.cx(&tenant.owner).await;
        let lead = super::lead(&mut cx, "priya@harbour.example", 90, true).await;
        cx.commit().await.expect("a commit");
        us.post("/campaigns", &[("name", "Spring & co"), ("start", "template")]).await.expect(303);
        let mut cx = db.cx(&tenant.owner).await;
        let all = crate::campaign::list(&mut cx, None, None, 10).await.expect("a page");
        (all.rows[0].id, lead)
    };
    let at = |tab: &str| format!("/campaigns/{id}{tab}");
    let list = us.get("/campaigns").await.expect(200).shows("Spring & co");
    let behind = format!("/campaigns/{id}/leads?stage=replied");
    assert!(list.attributes("href").contains(&behind), "each number leads to its rows");
    for tab in ["", "/sequence", "/leads", "/activity", "/resources", "/settings", "/preview"] {
        us.get(&at(tab)).await.expect(200).shows("Spring & co");
    }
    us.get(&at("/preview"))
        .await
        .expect(200)
        .shows("Hi Priya,")
        .shows("Bookkeeping for builders")
        .shows("Rests on")
        .shows("Step 3");
    us.post(&at("/leads"), &[("tier", "hot")]).await.expect(303);
    us.get(&at("/leads")).await.expect(200).shows("Harbour Dental");
    us.post(&at("/activate"), &[]).await.expect(303);
    us.get(&at("")).await.expect(200).shows("Active");
    us.post(&at("/pause"), &[("reason", "a <b>holiday</b>")]).await.expect(303);
    us.get(&at("")).await.expect(200).shows("Paused: a <b>holiday");
    us.get(&at("/activity")).await.expect(200).shows("Joined the campaign");
}

#[tokio::test]
async fn the_editor_saves_versions_and_says_what_is_wrong() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let (id, _) = ready(&db, &tenant).await;
    let app = app(&db).await;
    let us = app.as_member(&tenant.owner);
    let at = format!("/campaigns/{id}/sequence");
    let good = [
        ("use_1", "1"),
        ("delay_1", "0"),
        ("purpose_1", "Say hello"),
        ("subject_1", ""),
        ("body_1", "Hi {{first_name}},\r\n\r\n{{SMART_PROMPT}}"),
        ("note", "one step"),
    ];
    us.post(&at, &good).await.expect(303);
    us.get(&at).await.expect(200).shows("Version 2").shows("one step");
    assert_eq!(us.get(&at).await.field("purpose_1").as_deref(), Some("Say hello"));
    let bad = [("use_1", "1"), ("delay_1", "0"), ("body_1", "Hi {{frist_name}}"), ("note", "")];
    us.post(&at, &bad).await.expect(422).shows("is not a placeholder").shows("{{frist_name}}");
    us.get(&at).await.expect(200).hides("Version 3");
}

#[tokio::test]
async fn settings_are_checked_and_kept() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let (id, _) = ready(&db, &tenant).await;
    let app = app(&db).await;
    let us = app.as_member(&tenant.owner);
    let at = format!("/campaigns/{id}/settings");
    let form = |share: &'static str, until: &'static str| {
        [
            ("name", "Autumn"),
            ("mode", "manual"),
            ("share_email", share),
            ("daily_limit", "20"),
            ("starts_on", "2026-03-10"),
            ("ends_on", until),
        ]
    };
    us.post(&at, &form("90", "")).await.expect(422).shows("add up to 90");
    us.post(&at, &form("100", "2026-03-01")).await.expect(422).shows("before it begins");
    us.post(&at, &form("100", "2026-04-01")).await.expect(303);
    let page = us.get(&at).await.expect(200).shows("Autumn");
    assert_eq!(page.field("ends_on").as_deref(), Some("2026-04-01"));
    us.get(&format!("/campaigns/{id}"))
        .await
        .expect(200)
        .shows("Manual: a person does it")
        .shows("20 messages");
}

#[tokio::test]
async fn nobody_sees_or_moves_a_campaign_of_others_and_viewers_change_nothing() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let (id, _) = ready(&db, &ours).await;
    let viewer = db.member(&ours, role::VIEWER).await;
    let app = app(&db).await;
    let them = app.as_member(&theirs.owner);
    them.get("/campaigns").await.expect(200).hides("Spring");
    for tab in ["", "/sequence", "/leads", "/activity", "/resources", "/settings", "/preview"] {
        them.get(&format!("/campaigns/{id}{tab}")).await.expect(404);
    }
    for act in ["/activate", "/resume", "/complete", "/leads", "/resources", "/sequence"] {
        them.post(&format!("/campaigns/{id}{act}"), &[("tier", "hot"), ("use_1", "1"), ("delay_1", "0")])
            .await
            .expect(404);
    }
    let reader = app.as_member(&viewer);
    reader.get(&format!("/campaigns/{id}")).await.expect(200);
    reader.post(&format!("/campaigns/{id}/activate"), &[]).await.expect(403);
    reader
        .post("/settings/sending/sink", &[("address", "a@b.example"), ("display_name", "A")])
        .await
        .expect(403);
    app.stranger().get("/campaigns").await.expect(303);
}

#[tokio::test]
async fn the_api_makes_moves_and_reads_campaigns() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    ready(&db, &tenant).await;
    let app = app(&db).await;
    let us = app.as_member(&tenant.owner);
    let made = us
        .json("POST", "/api/v1/campaigns", &json!({"name": "By program", "with_template": true}))
        .await
        .expect(201);
    assert_eq!(made.json()["status"], "draft");
    us.json("POST", "/api/v1/campaigns", &json!({"name": "x", "typo": 1})).await.expect(400);
    let at = format!("/api/v1/campaigns/{}", made.json()["id"].as_str().expect("an id"));
    us.get(&at).await.expect(200).shows("By program").shows("\"missing\"");
    us.json("PATCH", &at, &json!({"daily_limit": 7, "mode": "autopilot"}))
        .await
        .expect(200)
        .shows("\"daily_limit\":7")
        .shows("autopilot");
    us.json("PATCH", &at, &json!({"allocation": {"sms": 100}})).await.expect(400);
    us.json("POST", &format!("{at}/leads"), &json!({"tier": "hot"})).await.expect(200).shows("\"joined\":1");
    us.json("POST", &format!("{at}/moves"), &json!({"action": "pause"})).await.expect(400);
    us.json("POST", &format!("{at}/moves"), &json!({"action": "activate"}))
        .await
        .expect(200)
        .shows("\"active\"");
    us.json("POST", &format!("{at}/moves"), &json!({"action": "activate"})).await.expect(409);
    us.get(&format!("{at}/leads")).await.expect(200).shows("Harbour Dental");
    us.get(&format!("{at}/sequence")).await.expect(200).shows("\"version\":1");
    us.get("/api/v1/campaigns?status=active").await.expect(200).shows("By program").hides("Spring");
}

#[tokio::test]
async fn a_mailbox_is_tested_and_its_records_are_explained() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let app = app(&db).await;
    let us = app.as_member(&tenant.owner);
    let typed = [
        ("address", "alex@anchor.example"),
        ("display_name", "Alex Morgan"),
        ("smtp_host", "smtp.anchor.example"),
        ("smtp_port", "587"),
        ("smtp_security", "start_tls"),
        ("password", "hush-hush"),
    ];
    let mut bad = typed;
    bad[3] = ("smtp_port", "many");
    us.post("/settings/sending", &bad).await.expect(422).shows("is not a port").hides("hush-hush");
    us.post("/settings/sending", &typed).await.expect(303);
    let mut cx = db.cx(&tenant.owner).await;
    let id = crate::resource::list(&mut cx).await.expect("a list")[0].id;
    drop(cx);
    let at = format!("/settings/sending/{id}");
    us.get(&at).await.expect(200).shows("Not looked up yet").hides("hush-hush");
    us.post(&format!("{at}/check"), &[]).await.expect(303);
    us.get(&at).await.expect(200).shows("SPF wrong").shows("v=spf1").shows("_dmarc.anchor.example");
    us.post(&format!("{at}/test"), &[]).await.expect(303);
    us.get(&at).await.expect(200).shows("Kept in memory");
    us.post(&format!("{at}/pause"), &[("reason", "")]).await.expect(400);
    us.post(&format!("{at}/pause"), &[("reason", "moving house")]).await.expect(303);
    us.get(&at).await.expect(200).shows("moving house");
    us.post(&format!("{at}/resume"), &[]).await.expect(303);
}
