//! Pages and API over HTTP, as a signed-in member.

mod figures;
mod told;

use crate::{Parts, approval, budget, module, secret, switch};
use base::{Micros, Role};
use db::{Caller, Scope};
use serde_json::json;
use std::sync::Arc;
use testkit::{TestApp, TestDb};

struct House {
    db: TestDb,
    app: TestApp,
    _folder: tempfile::TempDir,
}

async fn house() -> House {
    let db = TestDb::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let keyring =
        secret::Keyring::load(&secret::Settings::default(), folder.path(), db.db.random()).expect("a key");
    let parts = Parts {
        effects: Arc::new(switch::NoEffects),
        renderers: approval::Renderers::default().with("test.letter", "Letters", |approval| {
            maud::html! { p { "Dear " (approval.content["to"].as_str().unwrap_or_default()) } }
        }),
        campaigns: |_, ids| {
            Box::pin(async move { Ok(ids.into_iter().map(|id| (id, "Spring & co".to_owned())).collect()) })
        },
        countries: |text| match text {
            "AU" => Some(("AU".to_owned(), "Australia")),
            "DE" | "Germany" => Some(("DE".to_owned(), "Germany")),
            _ => None,
        },
        keyring: Arc::new(keyring),
        state_dir: folder.path().to_owned(),
    };
    let app = TestApp::start(&db, vec![module(parts)]).await;
    House { db, app, _folder: folder }
}

fn wish(db: &TestDb, title: &str) -> approval::Request {
    approval::Request {
        kind: "outreach.draft",
        subject: db.db.random().uuid(db.clock_now()),
        campaign: None,
        lead: None,
        title: title.to_owned(),
        summary: String::new(),
        content: json!({"to": "p@harbour.example", "from": "a@agency.example", "subject": "Hi", "body": "<script>x</script>"}),
        evidence: json!([{"label": "hiring", "value": "two dentists", "source": "careers page"}]),
        provenance: json!({"writer": "built-in"}),
        cost_micros: 580,
        risk: approval::Risk::Normal,
        priority: 80,
        expires_at: None,
    }
}

#[tokio::test]
async fn every_page_of_control_answers_and_forms_come_back_to_one() {
    let h = house().await;
    let tenant = h.db.tenant("Harbour").await;
    let owner = h.db.member(&tenant, Role::Owner).await;
    let viewer = h.db.member(&tenant, Role::Viewer).await;
    let mut cx = h.db.cx(&owner).await;
    let id = approval::request(&mut cx, wish(&h.db, "First mail to Priya")).await.expect("asks");
    cx.commit().await.expect("commits");
    let browser = h.app.as_member(&owner);
    for path in [
        "/approvals",
        "/approvals?status=approved&kind=x&risk=high&deferred=1",
        "/stop",
        "/stop?scope=channel",
        "/stop?scope=client",
        "/switches",
        "/costs",
        "/costs?from=2026-11-01&until=2026-11-30&agent=writer",
        "/costs/spend",
        "/costs/spend.csv",
        "/audit",
        "/audit?table=control.approval&from=2026-01-01",
        "/audit.csv",
        "/audit.jsonl",
        "/notifications",
        "/notifications?unread=1",
        "/settings/notifications",
        "/settings/limits",
        "/api/v1/approvals",
        "/api/v1/switches",
        "/api/v1/budgets",
        "/api/v1/spend",
        "/api/v1/spend/summary?by=agent",
    ] {
        browser.get(path).await.expect(200);
    }
    let shown = browser.get(&format!("/approvals/{id}")).await.expect(200).shows("First mail to Priya");
    let shown = shown.hides("<script>x").text();
    let digest =
        shown.split("name=\"digest\" value=\"").nth(1).and_then(|rest| rest.get(..64)).expect("a digest");
    let here = format!("/approvals/{id}");
    h.app.as_member(&viewer).post(&format!("{here}/approve"), &[("digest", digest)]).await.expect(403);
    browser
        .post(
            &format!("{here}/edit"),
            &[("digest", digest), ("c.subject", "Hello"), ("c.to", "evil@x.example")],
        )
        .await
        .expect(303);
    browser.post(&format!("{here}/approve"), &[("digest", digest)]).await.expect(409);
    let mut cx = h.db.cx(&owner).await;
    let edited = approval::get(&mut cx, id).await.expect("reads");
    assert_eq!(
        (edited.content["subject"].as_str(), edited.content["to"].as_str()),
        (Some("Hello"), Some("p@harbour.example"))
    );
    drop(cx);
    browser.post(&format!("{here}/approve"), &[("digest", &edited.digest)]).await.expect(303);
    browser.get(&here).await.expect(200).shows("approved");
}

#[tokio::test]
async fn stop_works_by_plain_forms_and_shows_its_proof() {
    let h = house().await;
    let tenant = h.db.tenant("Harbour").await;
    let browser = h.app.as_member(&h.db.member(&tenant, Role::Admin).await);
    browser.post("/stop", &[("scope", "client"), ("reason", "")]).await.expect(400);
    browser.post("/stop", &[("scope", "platform"), ("reason", "x")]).await.expect(403);
    let answer = browser
        .post("/stop", &[("scope", "channel"), ("target", "email"), ("reason", "bounces")])
        .await
        .expect(303);
    let proof = answer.location().to_owned();
    browser.get(&proof).await.expect(200).shows("Effects after the stop").shows("bounces");
    browser.get("/switches").await.expect(200).shows("Channel email");
    browser.post(&format!("{proof}/release"), &[("reason", "list cleaned")]).await.expect(303);
    browser.get(&proof).await.expect(200).shows("list cleaned");
    let other = h.db.tenant("Stranger").await;
    let stranger = h.app.as_member(&h.db.member(&other, Role::Owner).await);
    stranger.get(&proof).await.expect(404);
    stranger.post(&format!("{proof}/release"), &[("reason", "mine")]).await.expect(404);
}

#[tokio::test]
async fn the_figures_on_costs_are_those_of_the_rows_and_the_export_is_harmless() {
    let h = house().await;
    let tenant = h.db.tenant("Harbour").await;
    let owner = h.db.member(&tenant, Role::Owner).await;
    let mut cx = h.db.cx(&owner).await;
    let call = budget::Estimate {
        agent: "=writer",
        task: "outreach.write",
        provider: "anthropic",
        model: None,
        unit: "tokens",
        units: 10,
        micros: Micros(2_500_000),
        campaign: None,
        lead: None,
    };
    let held = budget::reserve(&mut cx, &call).await.expect("fits");
    budget::settle(&mut cx, held.id, 10, Micros(2_340_000)).await.expect("settles");
    cx.commit().await.expect("commits");
    let browser = h.app.as_member(&owner);
    browser.get("/costs").await.expect(200).shows("A$2.34");
    browser.get("/costs/spend?agent=%3Dwriter").await.expect(200).shows("A$2.34");
    browser.get("/costs/spend?agent=other").await.expect(200).shows("No calls match");
    let file = browser.get("/costs/spend.csv").await.expect(200).text();
    assert!(file.contains(",'=writer,") && file.lines().count() == 2, "{file}");
    let cap =
        [("scope", "client"), ("target", ""), ("period", "day"), ("cap", "12.50"), ("reason", "careful")];
    browser.post("/costs/budgets", &cap).await.expect(303);
    browser.get("/costs").await.expect(200).shows("A$12.50");
}

#[tokio::test]
async fn the_chain_is_verified_from_the_page_and_jobs_of_control_run() {
    let h = house().await;
    let tenant = h.db.tenant("Harbour").await;
    let owner = h.db.member(&tenant, Role::Owner).await;
    let mut cx = h.db.cx(&owner).await;
    let id = approval::request(&mut cx, wish(&h.db, "Late")).await.expect("asks");
    cx.commit().await.expect("commits");
    let browser = h.app.as_member(&owner);
    browser.post("/audit/verify", &[]).await.expect(303);
    browser.get("/audit").await.expect(200).shows("The chain is whole");
    h.app.run_until(h.db.clock_now().plus_s(25 * 3_600)).await;
    let caller = Caller::system("test", &h.db.db);
    let mut cx = h.db.db.begin(Scope::Tenant(tenant.id), caller).await.expect("begins");
    assert_eq!(approval::get(&mut cx, id).await.expect("reads").status, approval::Status::Expired);
}
