//! Routes of campaigns, sequences and mailboxes.

use super::ready;
use control::{secret::Keyring, switch::Watch};
use serde_json::json;
use std::sync::Arc;
use testkit::{TestApp, TestDb, role};

async fn app(db: &TestDb) -> TestApp {
    app_with(db, Vec::new()).await
}

fn keyring() -> (Arc<Keyring>, std::path::PathBuf) {
    let folder = std::env::temp_dir().join(format!("outreach-pages-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let keyring = Keyring::load(&control::secret::Settings::default(), &folder, &base::Random::system());
    (Arc::new(keyring.expect("a key")), folder)
}

/// Control, given what the program gives it of outreach.
fn control_module() -> web::Module {
    let (keyring, state_dir) = keyring();
    control::module(control::Parts {
        effects: Arc::new(crate::stop::Messages),
        renderers: crate::preview::renderers(),
        campaigns: |cx, ids| Box::pin(crate::campaign::names(cx, ids)),
        countries: |text| leads::Country::parse(text).map(|c| (c.code().to_owned(), c.name())),
        keyring,
        state_dir,
    })
}

async fn app_with(db: &TestDb, more: Vec<web::Module>) -> TestApp {
    let (keyring, _) = keyring();
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
        offers: None,
    };
    TestApp::start(db, std::iter::once(crate::module(needs)).chain(more).collect()).await
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
async fn a_campaign_for_which_the_plan_has_no_room_is_refused_with_the_reason() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let ids = super::room::ready(&db, &tenant, 6).await;
    let app = app(&db).await;
    let us = app.as_member(&tenant.owner);
    for id in &ids[..5] {
        us.post(&format!("/campaigns/{id}/activate"), &[]).await.expect(303);
    }
    let sixth = ids[5];
    us.post(&format!("/campaigns/{sixth}/activate"), &[])
        .await
        .expect(422)
        .shows("Ignition allows 5 campaigns at once, and 5 are taken.")
        .shows("choose Velocity under Billing");
    us.get(&format!("/campaigns/{sixth}")).await.expect(200).shows("Draft");
    let moved = json!({"action": "activate"});
    let answer =
        us.json("POST", &format!("/api/v1/campaigns/{sixth}/moves"), &moved).await.expect(422).json();
    assert_eq!((&answer["code"], &answer["allowed"]), (&json!("plan.campaigns"), &json!(5)));
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
    let page = us.post(&at, &form("90", "")).await.expect(422).shows("add up to 90");
    assert_eq!(page.field("share_email").as_deref(), Some("90"), "what was typed stays");
    assert_eq!(page.field("name").as_deref(), Some("Autumn"));
    let page = us.post(&at, &form("100", "2026-03-01")).await.expect(422).shows("before it begins");
    assert_eq!(page.field("ends_on").as_deref(), Some("2026-03-01"));
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
    us.json("PATCH", &at, &json!({"allocation": {"sms": 90}})).await.expect(400);
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

#[tokio::test]
async fn leads_that_cannot_be_added_come_back_with_what_was_chosen() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let (id, _) = ready(&db, &tenant).await;
    let app = app(&db).await;
    let us = app.as_member(&tenant.owner);
    let at = format!("/campaigns/{id}/leads");
    let page = us.post(&at, &[("limit", "25")]).await.expect(422);
    let page = page.shows("Say which leads: some of them, a tier, a state or an import.").shows("Add leads");
    assert_eq!(page.field("limit").as_deref(), Some("25"), "what was typed stays");
    let wrong = |page: &testkit::Answer, name: &str| {
        let text = page.text();
        let tag = text
            .split('<')
            .find(|tag| tag.contains(&format!("name=\"{name}\"")))
            .expect("a field")
            .to_owned();
        assert!(tag.contains("aria-invalid=\"true\""), "{tag}");
    };
    wrong(&page, "tier");
    for limit in ["many", "0", "-5", "10001", "2.5"] {
        let page = us.post(&at, &[("tier", "hot"), ("limit", limit)]).await.expect(422);
        let page = page.shows("is not a whole number from 1 to 10,000");
        wrong(&page, "limit");
        assert_eq!(page.field("limit").as_deref(), Some(limit));
        assert!(page.text().contains("<option value=\"hot\" selected"), "the tier stays chosen");
    }
    wrong(&us.post(&at, &[("tier", "boiling")]).await.expect(422), "tier");
    wrong(&us.post(&at, &[("import_id", "x")]).await.expect(422), "import_id");
    us.post(&at, &[("leads", "one two")]).await.expect(422).shows("“one” is not the id of a lead.");
    us.post(&at, &[("tier", "hot"), ("limit", "5")]).await.expect(303);
    for step in ["activate", "complete"] {
        us.post(&format!("/campaigns/{id}/{step}"), &[]).await.expect(303);
    }
    us.post(&at, &[("tier", "hot")]).await.expect(422).shows("A completed campaign takes no leads.");
}

#[tokio::test]
async fn activities_and_timelines_name_who_acted() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let (id, lead) = ready(&db, &tenant).await;
    let needs = leads::Needs { ports: Arc::new(db.ports().ports()), extras: crate::lead_link::extras() };
    let app = app_with(&db, vec![leads::module(needs)]).await;
    let us = app.as_member(&tenant.owner);
    us.post(&format!("/campaigns/{id}/leads"), &[("tier", "hot")]).await.expect(303);
    for page in [format!("/campaigns/{id}/activity"), format!("/leads/{lead}")] {
        us.get(&page).await.expect(200).shows("Joined the campaign").shows("owner of Anchor").hides("user:");
    }
}

#[tokio::test]
async fn an_approval_shows_the_mail_as_it_will_leave_and_its_campaign_by_name() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let (id, lead) = ready(&db, &tenant).await;
    let app = app_with(&db, vec![control_module()]).await;
    let us = app.as_member(&tenant.owner);
    let mail = crate::touch::Content {
        to: "priya@harbour.example".to_owned(),
        from: "Alex Morgan <alex@anchor.example>".to_owned(),
        subject: "Two <b>clinics</b>".to_owned(),
        body: "Hi Priya,\n\nOne question.\n\nhttp://127.0.0.1/u/token".to_owned(),
    };
    let mut cx = db.cx(&tenant.owner).await;
    let asked = control::approval::Request {
        kind: "outreach.draft",
        subject: cx.id(),
        campaign: Some(id),
        lead: Some(lead),
        title: "First e-mail to Priya".to_owned(),
        summary: String::new(),
        content: serde_json::to_value(&mail).expect("json"),
        evidence: json!([]),
        provenance: json!({}),
        cost_micros: 0,
        risk: control::approval::Risk::Normal,
        priority: 1,
        expires_at: None,
    };
    let approval = control::approval::request(&mut cx, asked).await.expect("asks");
    let name = crate::campaign::get(&mut cx, id.into()).await.expect("a campaign").name;
    cx.commit().await.expect("a commit");
    let queue = us.get("/approvals").await.expect(200);
    let queue = queue.shows(&format!("{name} (1)")).shows("First e-mails and follow-ups (1)");
    assert!(!queue.visible().contains(&id.to_string()), "{}", queue.visible());
    let page = us.get(&format!("/approvals/{approval}")).await.expect(200);
    page.shows("From Alex Morgan <alex@anchor.example> To priya@harbour.example Subject Two <b>clinics</b>")
        .shows("5 words with greeting and footer")
        .hides("<a href=\"http://127.0.0.1/u/token")
        .hides("<b>clinics");
    let stranger = db.tenant("Stranger").await;
    app.as_member(&stranger.owner).get("/approvals").await.expect(200).hides(&name);
}

#[tokio::test]
async fn a_day_that_the_client_closed_is_closed_to_its_messages() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let app = app_with(&db, vec![control_module()]).await;
    let us = app.as_member(&tenant.owner);
    // A Tuesday, at ten in the morning of Sydney.
    let at: base::Time = "2027-02-01T23:00:00Z".parse().expect("an instant");
    let open = async |member: &testkit::Member, region: Option<&'static str>| {
        let mut cx = db.cx(member).await;
        let limits = crate::limits::Limits::load(&mut cx, "AU", region).await.expect("limits");
        let window = limits.window(crate::channel::Channel::Email, base::Zone::sydney()).expect("a window");
        (window.is_open(at), window.next_open(at))
    };
    assert_eq!(open(&tenant.owner, Some("NSW")).await, (true, Some(at)));
    let day = [("calendar", "AU-NSW"), ("date", "2027-02-02"), ("name", "Founders’ Day")];
    us.post("/settings/limits/holidays", &day).await.expect(303);
    let next: base::Time = "2027-02-02T22:00:00Z".parse().expect("an instant");
    assert_eq!(open(&tenant.owner, Some("NSW")).await, (false, Some(next)));
    assert_eq!(open(&tenant.owner, Some("VIC")).await, (true, Some(at)), "another state works");
    let stranger = db.tenant("Stranger").await;
    assert_eq!(open(&stranger.owner, Some("NSW")).await, (true, Some(at)), "another client works");
}
