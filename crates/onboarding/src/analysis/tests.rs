//! From a website to what holds, against PostgreSQL.

use super::confirm::{country, employees};
use super::{Field, field};
use crate::{Needs, module};
use base::Time;
use outreach::content::LlmSettings;
use ports::fetch::WebPage;
use ports::{InMemory, llm::MemoryLlm};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use testkit::{Client, Tenant, TestApp, TestDb, role};

struct World {
    db: TestDb,
    app: TestApp,
    tenant: Tenant,
    ports: InMemory,
}

fn sites() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sites")
}

impl World {
    async fn new(with_model: bool) -> Self {
        let db = TestDb::new().await;
        let tenant = db.tenant("Anchor Agency").await;
        let ports = db.ports();
        let account = MemoryLlm::account();
        let llm = with_model.then_some(LlmSettings { account, critic: None });
        let needs = Needs { ports: Arc::new(ports.ports()), llm };
        let app = TestApp::start(&db, vec![module(needs)]).await;
        Self { db, app, tenant, ports }
    }

    /// Puts a fixture's pages onto the web, as they would be fetched.
    fn publish(&self, site: &str) {
        let pages = discovery::folder::read(&sites().join(site)).expect("a fixture");
        for page in pages {
            let html = std::fs::read_to_string(sites().join(site).join(page.url.trim_start_matches('/')))
                .expect("a page");
            self.ports.fetcher.publish(WebPage {
                url: format!("https://{site}.com{}", page.url).parse().expect("an address"),
                title: page.title.clone(),
                text: page.text(),
                html,
                facts: Vec::new(),
                fetched_at: Time::from_us(0),
                cut: false,
            });
        }
    }

    fn us(&self) -> Client {
        self.app.as_member(&self.tenant.owner)
    }

    async fn analyse(&self, site: &str) -> String {
        let at = self.us().post("/onboarding", &[("website_url", &format!("{site}.com"))]).await.expect(303);
        let at = at.location().to_owned();
        self.app.settle().await;
        at
    }

    async fn read(&self, at: &str) -> Value {
        let id = at.rsplit('/').next().expect("an id");
        self.us().get(&format!("/api/v1/onboarding/analyses/{id}")).await.expect(200).json()
    }

    async fn count(&self, what: &str) -> i64 {
        let mut cx = self.db.system().await;
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {what}")))
            .fetch_one(cx.conn())
            .await
            .expect("a count")
    }
}

#[tokio::test]
async fn each_fixture_is_found_as_the_skills_find_it_and_every_value_cites_its_page() {
    for site in std::fs::read_dir(sites()).expect("the fixtures").filter_map(Result::ok) {
        let site = site.file_name().to_string_lossy().into_owned();
        if !sites().join(&site).is_dir() {
            continue;
        }
        let world = World::new(false).await;
        world.publish(&site);
        let at = world.analyse(&site).await;
        let read = world.read(&at).await;
        assert_eq!(read["status"], "ready", "{site}: {read}");
        assert_eq!(read["steps"].as_array().map(Vec::len), Some(9), "{site}: fetch and eight skills");
        let pages = discovery::folder::read(&sites().join(&site)).expect("a fixture");
        let expected = field::of_profile(&discovery::discover(&pages));
        let found = read["findings"].as_array().expect("findings");
        assert_eq!(found.len(), expected.len(), "{site}");
        for one in found {
            let stands = one["sources"].as_array().is_some_and(|sources| {
                sources
                    .iter()
                    .any(|s| s["page"].as_str().is_some_and(|p| p.contains(&site)) && s["quote"] != "")
            });
            assert!(stands && one["confidence"].as_f64() >= Some(0.5), "{site}: {one}");
        }
        world.us().get(&at).await.expect(200).shows("What your website says");
    }
}

#[tokio::test]
async fn what_a_person_confirms_becomes_the_ideal_customer_the_portfolio_and_drafts_and_nothing_is_active() {
    let world = World::new(false).await;
    world.publish("rich-dental");
    let at = world.analyse("rich-dental").await;
    let read = world.read(&at).await;
    let of = |field: &str| -> Vec<&Value> {
        read["findings"].as_array().into_iter().flatten().filter(|one| one["field"] == field).collect()
    };
    assert!(!of("icp_industries").is_empty() && !of("portfolio").is_empty(), "{read}");
    assert_eq!(world.count("leads.icp").await, 0, "nothing holds before it is confirmed");
    assert_eq!(world.count("outreach.campaign").await, 0);
    let first = of("portfolio")[0];
    let industry = of("icp_industries")[0];
    let accept: Vec<&Value> =
        read["proposals"].as_array().expect("suggestions").iter().map(|one| &one["id"]).collect();
    assert!(accept.len() >= 2, "weights and a campaign: {read}");
    let confirm = json!({
        "edits": [{"finding": first["id"], "drop": true}, {"finding": industry["id"], "value": "Dental practices"}],
        "add": [{"field": "icp_titles", "value": "Principal Dentist"}],
        "accept": accept,
    });
    let id = at.rsplit('/').next().expect("an id");
    let path = format!("/api/v1/onboarding/analyses/{id}/confirm");
    let held = world.us().json("POST", &path, &confirm).await.expect(200).json();
    assert_eq!(held["status"], "confirmed");
    let kept = held["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["id"] == industry["id"])
        .expect("it");
    assert_eq!(
        (kept["value"].clone(), kept["edited"].as_str()),
        (industry["value"].clone(), Some("Dental practices"))
    );
    let mut cx = world.db.cx(&world.tenant.owner).await;
    let target = leads::score::target(&mut cx).await.expect("a target");
    assert!(target.industries.iter().any(|one| one == "Dental practices"), "{target:?}");
    assert!(
        target.titles.iter().any(|one| one == "Principal Dentist") && target.weights.is_some(),
        "{target:?}"
    );
    drop(cx);
    let others = of("portfolio").len() - 1;
    assert_eq!(
        world.count("onboarding.portfolio where quote is not null").await,
        i64::try_from(others).expect("few")
    );
    assert!(world.count("outreach.campaign where status = 'draft'").await >= 1);
    assert_eq!(world.count("outreach.campaign where status <> 'draft'").await, 0);
    world.us().json("POST", &path, &json!({})).await.expect(409);
    world
        .us()
        .get(&at)
        .await
        .expect(200)
        .shows("What holds")
        .shows("Dental practices")
        .shows("a draft campaign");
    world.us().get("/onboarding").await.expect(200).shows("Portfolio");
}

#[tokio::test]
async fn a_form_keeps_edits_beside_what_was_read_and_drops_what_is_not_ticked() {
    let world = World::new(false).await;
    world.publish("rich-saas");
    let at = world.analyse("rich-saas").await;
    let read = world.read(&at).await;
    let all = read["findings"].as_array().expect("findings");
    let changed = all.iter().find(|one| one["field"] == "services").expect("a service");
    let mut form: Vec<(String, String)> =
        vec![("act".into(), "save".into()), ("add.services".into(), "Board reports\nPitch decks".into())];
    for one in all.iter().skip(1) {
        let id = one["id"].as_str().expect("an id");
        form.push((format!("keep.{id}"), "yes".into()));
        let value =
            if one["id"] == changed["id"] { "Paid search" } else { one["value"].as_str().expect("a value") };
        form.push((format!("value.{id}"), value.into()));
    }
    let fields: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    world.us().post(&at, &fields).await.expect(303);
    assert_eq!(world.count("onboarding.finding where dropped").await, 1);
    assert_eq!(
        world.count("onboarding.finding where edited is not null and read_by = 'rules'").await,
        i64::from(all[0]["id"] != changed["id"])
    );
    assert_eq!(world.count("onboarding.finding where read_by = 'person' and value is null").await, 2);
    assert_eq!(world.count("leads.icp").await, 0);
    world.us().get(&at).await.expect(200).shows("Pitch decks");
    let viewer = world.db.member(&world.tenant, role::VIEWER).await;
    world.app.as_member(&viewer).get(&at).await.expect(200).hides("Keep my changes");
    world.app.as_member(&viewer).post(&at, &fields).await.expect(403);
    let other = world.db.tenant("Beacon").await;
    world.app.as_member(&other.owner).get(&at).await.expect(404);
    world.app.as_member(&other.owner).post(&at, &fields).await.expect(404);
}

#[tokio::test]
async fn a_model_adds_only_what_stands_on_a_page_and_is_paid_for() {
    let world = World::new(true).await;
    world.publish("thin");
    let pages = discovery::folder::read(&sites().join("thin")).expect("a fixture");
    let text = pages[0].text();
    let line = text.lines().find(|line| line.split(' ').count() >= 4).expect("a line").to_owned();
    let value: String = line.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let page = format!("https://thin.com{}", pages[0].url);
    world.ports.llm.respond_with(move |_| {
        json!({"values": [
            {"field": "differentiators", "value": value, "page": page, "quote": line},
            {"field": "team_size", "value": "400", "page": page, "quote": "a team of 400 people"},
        ]})
        .to_string()
    });
    let at = world.analyse("thin").await;
    let read = world.read(&at).await;
    assert_eq!(read["status"], "ready", "{read}");
    assert_eq!(
        world.count("onboarding.finding where read_by = 'model' and field = 'differentiators'").await,
        1,
        "{read}"
    );
    assert_eq!(world.count("onboarding.finding where value = '400'").await, 0);
    assert_eq!(read["model"], "house-model");
    assert!(read["cost_micros"].as_i64() > Some(0), "{read}");
    assert_eq!(world.count("control.spend where agent = 'onboarding' and state = 'settled'").await, 1);
}

#[tokio::test]
async fn a_site_that_does_not_answer_is_said_to_and_a_bad_address_is_refused() {
    let world = World::new(false).await;
    world.us().post("/onboarding", &[("website_url", "not a site")]).await.expect(400);
    let at = world.analyse("nowhere").await;
    world.app.run_until(world.db.clock_now().plus_s(3_600)).await;
    world.us().get(&at).await.expect(200).shows("could not be read").shows("Read it");
}

#[tokio::test]
async fn a_reading_that_was_interrupted_goes_on_without_a_second_visit() {
    let world = World::new(false).await;
    world.publish("one-page");
    let at = world
        .us()
        .post("/onboarding", &[("website_url", "one-page.com")])
        .await
        .expect(303)
        .location()
        .to_owned();
    world.us().post("/onboarding", &[("website_url", "one-page.com")]).await.expect(409);
    world.app.settle().await;
    let before = world.read(&at).await;
    // As if its worker had died after the third skill.
    // The product's roles delete nothing; the owner of the test's database does.
    let mut owner =
        <sqlx::PgConnection as sqlx::Connection>::connect(world.db.url()).await.expect("a connection");
    for statement in [
        "delete from onboarding.proposal",
        "delete from onboarding.finding where skill in ('extract_portfolio', 'classify_industries', 'estimate_company_size', 'derive_icp')",
        "update onboarding.analysis set status = 'reading', steps = jsonb_path_query_array(steps, '$[0 to 3]')",
        "update onboarding.page set title = 'kept'",
    ] {
        sqlx::query(statement).execute(&mut owner).await.expect("a statement of the test");
    }
    let id: super::AnalysisId = at.rsplit('/').next().expect("an id").parse().expect("an id");
    let mut cx = world.db.cx(&world.tenant.owner).await;
    super::jobs::enqueue(&mut cx, id).await.expect("a job");
    cx.commit().await.expect("a commit");
    world.app.settle().await;
    let after = world.read(&at).await;
    assert_eq!(after["status"], "ready");
    let values = |read: &Value| -> Vec<Value> {
        read["findings"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| json!([one["field"], one["value"]]))
            .collect()
    };
    assert_eq!(values(&before), values(&after));
    assert_eq!(world.count("onboarding.page where title <> 'kept'").await, 0);
}

#[test]
fn sizes_and_places_become_what_the_score_wants() {
    for (band, range) in [
        ("5-50", Some((5, 50))),
        ("201+", Some((201, 1_000_000))),
        ("12", Some((12, 12))),
        ("many", None),
        ("9-3", None),
    ] {
        assert_eq!(employees(band), range, "{band}");
    }
    for (place, code) in
        [("Perth", Some("AU")), ("New Zealand", Some("NZ")), ("Victoria", Some("AU")), ("Mars", None)]
    {
        assert_eq!(country(place).as_deref(), code, "{place}");
    }
    assert!(
        Field::ALL.into_iter().all(|field| field.word().parse::<Field>().is_ok_and(|same| same == field))
    );
}
