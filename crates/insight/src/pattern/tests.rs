//! Patterns over their life, and what follows from them.

use super::{State, VALID_DAYS, health, jobs, roll_back};
use crate::generate::{self, Wanted};
use crate::learn::Detector;
use crate::suggestion::{self, Proposal, Sort, State as Stands, setting};
use crate::testing::{learn, module, owner};
use control::approval::{self, ApprovalId};
use leads::score::Weights;
use leads::score::weights::{self, Kind};
use serde_json::json;
use testkit::{Member, TestApp, TestDb};

async fn history(db: &TestDb, tenant: uuid::Uuid, people: i64) {
    let mut owner = owner(db).await;
    let wanted = Wanted { tenant, people, seed: 0.3, days_ago: 28, effects: true };
    generate::write(&mut owner, &wanted, db.clock_now()).await.unwrap();
}

/// The client's own weights, which look at the wrong things.
const OWN: [u16; 5] = [5_000, 500, 2_500, 500, 1_500];

/// Gives half of the people a profile and a phone number, which matter to nobody, and weights that go by them.
async fn own_weights(db: &TestDb, who: &Member) {
    let mut owner = owner(db).await;
    let halves = "update leads.lead set linkedin_url = 'https://linkedin.example/' || id, phone = '+61400000000', phone_verified = true
                  where get_byte(sha256(id::text::bytea), 0) % 2 = 0";
    sqlx::query(halves).execute(&mut owner).await.unwrap();
    let mut cx = db.cx(who).await;
    weights::set_custom(&mut cx, Some(&Weights::new(OWN).unwrap()), "ours").await.unwrap();
    cx.commit().await.unwrap();
}

#[tokio::test]
async fn a_suggestion_waits_for_a_person_is_applied_as_approved_and_can_be_taken_back() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    history(&db, ours.id.uuid(), 8_000).await;
    own_weights(&db, &ours.owner).await;
    let app = TestApp::start(&db, vec![module(&db)]).await;
    learn(&db, &ours.owner).await;
    let mut cx = db.cx(&ours.owner).await;
    let made = suggestion::list(&mut cx, 50).await.unwrap();
    let one = made.iter().find(|one| one.sort == Sort::Weights).unwrap_or_else(|| panic!("{made:?}"));
    let Proposal::Weights { points, present, .. } = &one.proposal else { panic!("{one:?}") };
    assert_eq!(*present, OWN);
    assert!(points[1] > 1_500, "authority was planted: {points:?}");
    // Nothing is done before somebody says yes.
    assert_eq!(weights::in_force(&mut cx).await.unwrap().kind, Some(Kind::Custom));
    approval::approve(&mut cx, ApprovalId(one.approval_id.unwrap()), None).await.unwrap();
    let audience = made.iter().find(|one| one.sort == Sort::Audience).unwrap();
    approval::reject(&mut cx, ApprovalId(audience.approval_id.unwrap()), "We know better.").await.unwrap();
    cx.commit().await.unwrap();
    app.settle().await;
    let mut cx = db.cx(&ours.owner).await;
    let applied = suggestion::get(&mut cx, one.id).await.unwrap();
    assert_eq!(applied.state, Stands::Applied, "{:?}", applied.problem);
    let counts = weights::in_force(&mut cx).await.unwrap();
    assert_eq!((counts.kind, <[u16; 5]>::from(counts.weights)), (Some(Kind::Learned), *points));
    let refused = suggestion::get(&mut cx, audience.id).await.unwrap();
    assert_eq!(refused.state, Stands::Rejected);
    assert!(leads::score::target(&mut cx).await.unwrap().industries.is_empty());
    drop(cx);
    // The same is not suggested again at once.
    learn(&db, &ours.owner).await;
    let mut cx = db.cx(&ours.owner).await;
    let later = suggestion::list(&mut cx, 50).await.unwrap();
    assert!(
        !later.iter().any(|one| one.sort == Sort::Audience && one.state == Stands::Proposed),
        "{later:?}"
    );
    suggestion::undo(&mut cx, one.id).await.unwrap();
    assert_eq!(weights::in_force(&mut cx).await.unwrap().kind, Some(Kind::Custom));
    assert!(suggestion::undo(&mut cx, one.id).await.is_err(), "only once");
}

#[tokio::test]
async fn a_client_on_autopilot_gets_suggestions_applied_and_a_roll_back_undoes_them() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    history(&db, ours.id.uuid(), 8_000).await;
    own_weights(&db, &ours.owner).await;
    let mut cx = db.cx(&ours.owner).await;
    setting::set(&mut cx, setting::Setting { autopilot: true }).await.unwrap();
    cx.commit().await.unwrap();
    learn(&db, &ours.owner).await;
    let mut cx = db.cx(&ours.owner).await;
    assert_eq!(weights::in_force(&mut cx).await.unwrap().kind, Some(Kind::Learned));
    let who = super::active(&mut cx).await.unwrap();
    let who = who.into_iter().find(|one| one.detector == Detector::Who).unwrap();
    assert!(roll_back(&mut cx, who.id, " ").await.is_err(), "a reason is wanted");
    assert_eq!(roll_back(&mut cx, who.id, "It looks odd.").await.unwrap(), None);
    assert_eq!(
        weights::in_force(&mut cx).await.unwrap().kind,
        Some(Kind::Custom),
        "what it led to is undone"
    );
    assert_eq!(super::get(&mut cx, who.id).await.unwrap().state, State::RolledBack);
    assert!(roll_back(&mut cx, who.id, "Again.").await.is_err());
    cx.commit().await.unwrap();
    // The version before counts again, for fourteen days from now.
    learn(&db, &ours.owner).await;
    db.clock.advance_s(86_400);
    learn(&db, &ours.owner).await;
    let mut cx = db.cx(&ours.owner).await;
    let when = super::active(&mut cx).await.unwrap();
    let when = when.into_iter().find(|one| one.detector == Detector::When).unwrap();
    let before = super::before(&mut cx, &when).await.unwrap().unwrap();
    assert_eq!(roll_back(&mut cx, when.id, "It looks odd.").await.unwrap(), Some(before.id));
    let now = super::get(&mut cx, before.id).await.unwrap();
    assert_eq!((now.state, now.valid_until), (State::Active, cx.now().plus_days(VALID_DAYS)));
}

#[tokio::test]
async fn patterns_expire_the_past_is_learnt_again_and_health_is_told() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    history(&db, ours.id.uuid(), 1_500).await;
    let app = TestApp::start(&db, vec![module(&db)]).await;
    learn(&db, &ours.owner).await;
    let us = app.as_member(&ours.owner);
    us.post("/learning/backfill", &[("weeks", "2")]).await.expect(303);
    us.post("/learning/backfill", &[("weeks", "27")]).await.expect(400);
    app.settle().await;
    let mut cx = db.cx(&ours.owner).await;
    let all = super::history(&mut cx, Some(Detector::When), 10).await.unwrap();
    assert_eq!(
        all.iter().map(|one| one.state).collect::<Vec<_>>(),
        [State::Active, State::Superseded, State::Superseded]
    );
    assert_eq!(all[0].learned_at.since_s(all[2].learned_at), 14 * 86_400);
    assert_eq!(health::check(&mut cx).await.unwrap(), all.iter().filter(|one| one.sample < 30).count());
    cx.commit().await.unwrap();
    db.clock.advance_s(12 * 86_400);
    let mut cx = db.cx(&ours.owner).await;
    let count = super::active(&mut cx).await.unwrap().len();
    assert_eq!(health::check(&mut cx).await.unwrap(), count, "all are about to expire");
    let told = control::notification::list(&mut cx, None, true, None, 20).await.unwrap();
    assert!(told.rows.iter().any(|one| one.body.contains("expires within 3 days") && one.href.as_deref() == Some("/learning")));
    cx.commit().await.unwrap();
    db.clock.advance_s(3 * 86_400);
    let mut cx = db.cx(&ours.owner).await;
    health::check(&mut cx).await.unwrap();
    assert!(super::active(&mut cx).await.unwrap().is_empty());
    assert_eq!(super::history(&mut cx, Some(Detector::When), 1).await.unwrap()[0].state, State::Expired);
}

#[tokio::test]
async fn pages_and_api_show_what_was_learnt_to_members_only_of_their_own() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    history(&db, ours.id.uuid(), 4_000).await;
    let app = TestApp::start(&db, vec![module(&db)]).await;
    let us = app.as_member(&ours.owner);
    us.post("/learning/run", &[]).await.expect(303);
    app.settle().await;
    let page =
        us.get("/learning").await.expect(200).shows("Who answers").shows("When it works").shows("Last run");
    let href =
        page.attributes("href").into_iter().find(|href| href.starts_with("/learning/patterns/")).unwrap();
    us.get(&href).await.expect(200).shows("Seniority").shows("95 % interval").shows("Weights of the score");
    let json = us.json("GET", "/api/v1/patterns", &json!({})).await.expect(200).json();
    let first = &json["patterns"][0];
    assert_eq!(first["detector"], "who");
    assert!(
        first["confidence"].as_f64().unwrap() > 0.8
            && first["content"]["tables"][0]["findings"][0]["range"]["low"].is_number()
    );
    us.json("GET", "/api/v1/patterns/when", &json!({})).await.expect(200);
    us.json("GET", "/api/v1/patterns/nonsense", &json!({})).await.expect(400);
    let tips = us.json("GET", "/api/v1/patterns/recommendations", &json!({})).await.expect(200).json();
    assert!(tips["hours"].is_array());
    let back = us
        .json("POST", "/api/v1/patterns/when/roll-back", &json!({"reason": "a try"}))
        .await
        .expect(200)
        .json();
    assert!(back["restored"].is_null());
    us.json("GET", "/api/v1/patterns/when", &json!({})).await.expect(404);
    let them = app.as_member(&theirs.owner);
    them.get("/learning").await.expect(200).shows("No patterns count now");
    them.get(&href).await.expect(404);
    let none = them.json("GET", "/api/v1/patterns/history", &json!({})).await.expect(200).json();
    assert_eq!(none["patterns"], json!([]));
    let viewer = db.member(&ours, testkit::role::VIEWER).await;
    app.as_member(&viewer).post("/learning/run", &[]).await.expect(403);
}

#[tokio::test]
async fn a_run_that_ends_while_the_page_is_made_is_not_shown_without_its_patterns() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    history(&db, ours.id.uuid(), 4_000).await;
    let app = TestApp::start(&db, vec![module(&db)]).await;
    learn(&db, &ours.owner).await;
    // What the run stored is taken out and stored once more, behind a lock at which the page waits.
    let mut ending = owner(&db).await;
    let out = "set session_replication_role = replica;
               create table public.runs as table insight.run; create table public.patterns as table insight.pattern;
               delete from insight.pattern; delete from insight.run";
    sqlx::raw_sql(out).execute(&mut ending).await.unwrap();
    let again = "begin; lock table insight.run in access exclusive mode;
                 insert into insight.run table public.runs; insert into insight.pattern table public.patterns";
    sqlx::raw_sql(again).execute(&mut ending).await.unwrap();
    let us = app.as_member(&ours.owner);
    let end = async {
        let waits =
            "select exists (select from pg_locks where relation = 'insight.run'::regclass and not granted)";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut ending).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        sqlx::raw_sql("commit").execute(&mut ending).await.unwrap();
    };
    let (page, ()) = tokio::join!(us.get("/learning"), end);
    page.expect(200).shows("Last run").hides("No patterns count now").hides("No history yet");
}

#[tokio::test]
async fn on_sunday_every_client_who_wrote_to_somebody_learns() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    history(&db, ours.id.uuid(), 600).await;
    let app = TestApp::start(&db, vec![module(&db)]).await;
    // Monday, 2 March 2026, 11:00 in Sydney; Sunday 02:00 UTC is the 8th.
    app.run_until(db.clock_now().plus_days(7)).await;
    let mut cx = db.system().await;
    let runs: Vec<(uuid::Uuid, String)> =
        sqlx::query_as("select tenant_id, cause from insight.run order by at")
            .fetch_all(cx.conn())
            .await
            .unwrap();
    assert_eq!(runs, [(ours.id.uuid(), "schedule".to_owned())], "{:?}", theirs.id);
    let mut registry = ::jobs::Registry::new();
    jobs::register(&mut registry);
    assert!(registry.kinds().contains(&"insight.weekly"));
}
