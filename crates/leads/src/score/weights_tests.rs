use super::weights::{self, Evidence, HeldOut, Kind};
use super::{
    Boost, BoostKind, Icp, Input, Points, Tier, Weights, boost, counterfactual, preview, rescore, score,
};
use crate::lead::LeadId;
use crate::tests::{World, id_of};
use base::Time;
use proptest::prelude::*;

fn evidence(outcomes: u32, confidence: f64, loss: f64) -> Evidence {
    let week = |week: &str| HeldOut { week: week.to_owned(), outcomes: 10, loss, baseline: 0.5 };
    Evidence {
        outcomes,
        confidence,
        held_out: vec![week("2026-09-07"), week("2026-09-14")],
        method: "logistic regression".to_owned(),
    }
}

#[test]
fn learned_weights_count_only_when_every_bar_is_met() {
    for (given, sound) in [
        (evidence(50, 0.71, 0.4), true),
        (evidence(49, 0.9, 0.4), false),
        (evidence(500, 0.7, 0.4), false),
        (evidence(500, f64::NAN, 0.4), false),
        (evidence(500, 0.9, 0.5), false),
        (Evidence { held_out: Vec::new(), ..evidence(500, 0.9, 0.4) }, false),
    ] {
        assert_eq!(weights::verdict(&given).0, sound, "{given:?}");
    }
}

#[tokio::test]
async fn learned_go_before_own_before_usual_weights_and_history_brings_them_back() {
    let world = World::new().await;
    let at = world.add(&[("email", "a@b.example"), ("title", "Owner")]).await;
    world.app.settle().await;
    let own = Weights::new([1000, 5000, 2000, 1000, 1000]).expect("sum to 1");
    let better = Weights::new([0, 10_000, 0, 0, 0]).expect("sum to 1");
    let mut cx = world.db.cx(&world.ours.owner).await;
    weights::set_custom(&mut cx, Some(&own), "we know better").await.expect("saved");
    let weak = weights::learn(&mut cx, &better, &evidence(20, 0.9, 0.4)).await.expect("kept");
    assert!(!weak.sound);
    assert_eq!(weights::adopt(&mut cx, weak.id).await.err().map(|e| e.code()), Some("weights.unsound"));
    let sound = weights::learn(&mut cx, &better, &evidence(80, 0.9, 0.4)).await.expect("kept");
    assert_eq!(weights::in_force(&mut cx).await.expect("weights").weights, own, "proposed does not count");
    weights::adopt(&mut cx, sound.id).await.expect("switched on");
    assert_eq!(weights::in_force(&mut cx).await.expect("weights").kind, Some(Kind::Learned));
    cx.commit().await.expect("a commit");
    world.app.settle().await;
    assert_eq!(world.one("select score from leads.lead").await, "100", "an owner under authority alone");
    world.us().get(&at).await.expect(200).shows("25 of 25");
    world
        .us()
        .get("/settings/scoring")
        .await
        .expect(200)
        .shows("Learned")
        .shows("not good enough")
        .shows("counts");
    let mut cx = world.db.cx(&world.ours.owner).await;
    weights::switch_off(&mut cx, Kind::Learned).await.expect("off");
    let now = weights::in_force(&mut cx).await.expect("weights");
    assert_eq!((now.kind, now.weights), (Some(Kind::Custom), own));
    weights::restore(&mut cx, sound.id).await.expect("restored");
    assert_eq!(weights::in_force(&mut cx).await.expect("weights").weights, better);
    weights::switch_off(&mut cx, Kind::Learned).await.expect("off");
    weights::set_custom(&mut cx, None, "").await.expect("gone");
    assert_eq!(weights::in_force(&mut cx).await.expect("weights").kind, None);
    cx.commit().await.expect("a commit");
    assert_eq!(world.one("select count(*) from leads.weight").await, "4", "nothing is lost");
    let mut theirs = world.db.cx(&world.theirs.owner).await;
    assert!(weights::adopt(&mut theirs, sound.id).await.is_err());
    assert!(weights::history(&mut theirs, 10).await.expect("rows").is_empty());
}

async fn many(world: &World, count: i32) {
    let mut cx = world.db.cx(&world.ours.owner).await;
    sqlx::query(
        "insert into leads.lead (id, tenant_id, email, email_state, title, industry, country, headcount, hiring, role_started_on, source, created_at, updated_at)
         select gen_random_uuid(), $1, 'p' || n || '@c.example', (enum_range(null::leads.email_state))[1 + n % 3],
           (array['CEO', 'Head of Sales', 'Clerk', 'Assistant to the CEO', null])[1 + n % 5], case n % 2 when 0 then 'Dental' end,
           (array['AU', 'US', 'FR', null])[1 + n % 4], n % 300, n % 3 = 0, date '2025-01-01' + n % 700, 'test', $2, $2 from generate_series(1, $3) n",
    )
    .bind(world.ours.id.uuid())
    .bind(world.db.clock_now())
    .bind(count)
    .execute(cx.conn())
    .await
    .expect("leads are added");
    cx.commit().await.expect("a commit");
}

/// The score of every lead, again from its stored points and weights, in the database's own arithmetic.
const SUMS: &str = "select count(*) filter (where score <> least(100, (least(10000 * 300,
      score_points[1] * score_points[7]::int * 15 + score_points[2] * score_points[8]::int * 12 + score_points[3] * score_points[9]::int * 12
    + score_points[4] * score_points[10]::int * 20 + score_points[5] * score_points[11]::int * 20 + score_points[6] * 100 * 300) + 50 * 300) / (100 * 300)))
    || ' of ' || count(*) from leads.lead where score is not null";

#[tokio::test]
async fn a_run_over_everyone_goes_on_behind_its_last_batch_and_every_sum_is_the_score() {
    let world = World::new().await;
    many(&world, 1_200).await;
    let mut cx = world.db.cx(&world.ours.owner).await;
    let first: LeadId = world.ids(&world.ours.owner, "").await[0];
    let given = Boost { kind: BoostKind::Funnel, points: 7, text: "leads like this booked".to_owned() };
    boost::give(&mut cx, first, &given, "learning", None).await.expect("given");
    assert!(boost::give(&mut cx, first, &Boost { points: 13, ..given }, "learning", None).await.is_err());
    let run = rescore::begin(&mut cx, "a test").await.expect("begun");
    cx.commit().await.expect("a commit");
    for expected in [500, 1_000] {
        let mut cx = world.db.cx(&world.ours.owner).await;
        assert_eq!(rescore::step(&mut cx, run, 500).await.expect("a batch"), Some((expected, 1_200)));
        cx.commit().await.expect("a commit");
    }
    // A worker that dies before its commit leaves nothing behind.
    let mut dying = world.db.cx(&world.ours.owner).await;
    rescore::step(&mut dying, run, 500).await.expect("a batch");
    dying.rollback().await.expect("dies");
    world.app.settle().await;
    assert_eq!(
        world.one("select done || ' ' || total || ' ' || status from leads.rescore").await,
        "1200 1200 done"
    );
    assert_eq!(world.one(SUMS).await, "0 of 1200");
    assert_eq!(world.one("select score_points[6] from leads.lead where score_points[6] > 0").await, "7");
    let moved: i64 = world
        .one("select sum(v::int) from leads.rescore, jsonb_each_text(moved) e (k, v)")
        .await
        .parse()
        .expect("a number");
    assert_eq!(moved, 1_200, "everyone got a tier");
    // Nothing changed, so a second run writes nothing.
    let before = world.one("select string_agg(xmin::text, ',' order by id) from leads.lead").await;
    let mut cx = world.db.cx(&world.ours.owner).await;
    rescore::begin(&mut cx, "again").await.expect("begun");
    cx.commit().await.expect("a commit");
    world.app.settle().await;
    let after = world.one("select string_agg(xmin::text, ',' order by id) from leads.lead").await;
    let (a, b): (Vec<_>, Vec<_>) = (before.split(',').collect(), after.split(',').collect());
    let written = a.iter().zip(&b).filter(|(a, b)| a != b).count();
    assert!(written <= 1, "{written} rows were written");
}

#[tokio::test]
async fn a_preview_says_who_moves_and_saving_moves_exactly_them() {
    let world = World::new().await;
    many(&world, 600).await;
    let mut cx = world.db.cx(&world.ours.owner).await;
    rescore::begin(&mut cx, "a test").await.expect("begun");
    cx.commit().await.expect("a commit");
    world.app.settle().await;
    let wanted = Weights::new([500, 7000, 500, 500, 1500]).expect("sum to 1");
    let mut cx = world.db.cx(&world.ours.owner).await;
    let found = preview::of_weights(&mut cx, &wanted).await.expect("a preview");
    assert!(found.all && found.leads == 600 && found.moving() > 0);
    weights::set_custom(&mut cx, Some(&wanted), "").await.expect("saved");
    cx.commit().await.expect("a commit");
    world.app.settle().await;
    for tier in Tier::ALL {
        let there =
            world.one(&format!("select count(*) from leads.lead where tier = '{}'", tier.word())).await;
        assert_eq!(there, found.tier(tier).1.to_string(), "{tier:?}");
    }
    for mover in &found.movers {
        let now = world.one(&format!("select score from leads.lead where id = '{}'", mover.id)).await;
        assert_eq!(now, mover.after.0.to_string());
    }
    let page = world
        .us()
        .post(
            "/settings/scoring",
            &[
                ("data_quality", "20"),
                ("authority", "25"),
                ("company_fit", "25"),
                ("timing", "15"),
                ("risk", "15"),
                ("act", "preview"),
            ],
        )
        .await
        .expect(200);
    page.shows("Who moves").shows("All 600 leads");
    world
        .us()
        .post(
            "/settings/scoring",
            &[
                ("data_quality", "20"),
                ("authority", "25"),
                ("company_fit", "25"),
                ("timing", "15"),
                ("risk", "14"),
                ("act", "save"),
            ],
        )
        .await
        .expect(400)
        .shows("must sum to 1");
    assert!(id_of("/leads/019d6e4b-8a00-7000-8000-000000000000") != uuid::Uuid::nil());
}

fn inputs() -> impl Strategy<Value = Input> {
    let titles = prop::sample::select(vec![
        None,
        Some("Owner"),
        Some("Clerk"),
        Some("Head of Sales"),
        Some("Assistant to the CEO"),
    ]);
    (
        titles,
        any::<(bool, bool, bool, bool, bool)>(),
        prop::option::of(0_u32..400),
        prop::option::of(any::<bool>()),
    )
        .prop_map(|(title, (email, linkedin, personal, bounced, industry), headcount, hiring)| Input {
            title: title.map(str::to_owned),
            email: email.then_some(super::EmailState::Unverified),
            linkedin,
            personal_email: personal,
            bounced,
            industry: industry.then(|| "Dental".to_owned()),
            headcount,
            hiring,
            ..Input::unknown(Time::from_us(1_790_000_000_000_000))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_would_make_a_lead_hot_does_and_nothing_smaller_would(input in inputs()) {
        let icp = Icp { industries: vec!["Dental".to_owned()], countries: vec![crate::Country::AU], ..Icp::default() };
        let weights = Weights::default();
        prop_assert_eq!(Points::of(&input, &icp).total(&weights), score(&input, &icp, &weights).total);
        if let Some(change) = counterfactual(&input, &icp, &weights, Tier::Hot) {
            prop_assert!(change.total >= 85 && change.tier == Tier::Hot);
            let smaller = super::counterfactual(&input, &icp, &weights, Tier::Warm);
            prop_assert!(smaller.is_none_or(|warm| warm.texts.len() <= change.texts.len()));
        }
    }
}
