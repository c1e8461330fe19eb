//! Behaviour of sequences.

use super::{
    Arm, Reach, Step, check, choose_arm,
    condition::{Known, Test, What},
    current, dates, first_contact,
    path::{after, arrive, whole},
    save, save_for, steps, versions, warnings,
};
use crate::{
    campaign,
    channel::{Channel, Form},
    window::{LocalWindow, Window},
};
use base::{Time, Zone};
use jiff::civil::Weekday;
use testkit::TestDb;

#[test]
fn what_may_not_be_said_is_refused_with_the_step_that_says_it() {
    let with = |change: fn(&mut Step)| {
        let mut steps = first_contact();
        change(&mut steps[1]);
        check(&steps).map_err(|error| (error.code(), error.message().to_owned()))
    };
    assert!(with(|_| ()).is_ok());
    assert!(
        with(|s| s.body_template = "Hi {{first_name}}, would you talk about {{company}}? <p>ok</p>".into())
            .is_ok()
    );
    for (change, code) in [
        ((|s| s.delay_days = 91) as fn(&mut Step), "sequence.delay"),
        (|s| s.form = Form::Postcard, "sequence.form"),
        (|s| s.otherwise = Some(2), "sequence.jump"),
        (|s| s.then_step = Some(4), "sequence.jump"),
        (|s| (s.channel, s.body_template) = (Channel::Sms, "a".repeat(140)), "sequence.long"),
        (|s| (s.channel, s.body_template) = (Channel::Linkedin, "a".repeat(301)), "sequence.long"),
        (|s| s.arms = vec![Arm::default(); 4], "sequence.arms"),
        (
            |s| s.arms = vec![Arm { body_template: "{{nobody}}".into(), ..Arm::default() }],
            "sequence.placeholder",
        ),
        (|s| s.body_template = "Hi {{firstname}}".into(), "sequence.placeholder"),
        (|s| s.body_template = "Hi [NAME]".into(), "sequence.placeholder"),
        (|s| s.body_template = "Hi {{first_name".into(), "sequence.placeholder"),
        (|s| s.subject_template = "Free money for {{company}}".into(), "sequence.subject"),
        (|s| s.body_template = "One? Two?".into(), "sequence.questions"),
        (|s| s.body_template = "word ".repeat(150), "sequence.long"),
    ] {
        let (found, message) = with(change).expect_err(code);
        assert_eq!(found, code);
        assert!(message.starts_with("Step 2:"), "{message}");
    }
    assert!(check(&[]).is_err());
    assert_eq!(
        warnings(&[first_contact()[0].clone(), Step { delay_days: 1, ..first_contact()[1].clone() }], 2)
            .len(),
        1
    );
}

#[test]
fn steps_come_in_the_leads_hours_each_counted_from_the_one_before() {
    let week = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    let window = LocalWindow {
        window: Window::hours(&week, 9, 17),
        zone: Zone::named("Australia/Perth").expect("a zone"),
        holidays: ["2026-11-27".parse().expect("a date")].into(),
    };
    // Saturday noon in Perth; the Friday after is closed.
    let now: Time = "2026-11-21T04:00:00Z".parse().expect("an instant");
    let at: Vec<String> =
        dates(&first_contact(), &Known::default(), &[(Channel::Email, window)].into(), now, 2)
            .into_iter()
            .flatten()
            .map(|t| t.to_string())
            .collect();
    assert_eq!(at, ["2026-11-23T01:00:00Z", "2026-11-26T01:00:00Z", "2026-11-30T01:00:00Z"]);
}

#[tokio::test]
async fn saving_makes_a_version_and_leaves_the_others() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let mut cx = db.cx(&ours.owner).await;
    let new = campaign::New { name: "Spring".into(), with_template: true, ..Default::default() };
    let id = campaign::create(&mut cx, new).await.expect("made");
    let first = campaign::get(&mut cx, id).await.expect("there").sequence_id;
    assert_eq!(current(&mut cx, first).await.expect("steps"), first_contact());
    let two: Vec<Step> = first_contact().into_iter().take(2).collect();
    save(&mut cx, id, "shorter", two.clone()).await.expect("saved");
    let now = campaign::get(&mut cx, id).await.expect("there").sequence_id;
    assert_ne!(first, now);
    assert_eq!(current(&mut cx, now).await.expect("steps"), two);
    assert_eq!(steps(&mut cx, first.expect("one").into()).await.expect("steps").len(), 3);
    let all = versions(&mut cx, id).await.expect("versions");
    assert_eq!(
        all.iter().map(|v| (v.version, v.note.as_str())).collect::<Vec<_>>(),
        [(2, "shorter"), (1, "First contact, three e-mails")]
    );
    cx.commit().await.expect("a commit");
    let mut cx = db.cx(&theirs.owner).await;
    assert_eq!(save(&mut cx, id, "", two).await.expect_err("not theirs").code(), "not_found");
}

fn branching() -> Vec<Step> {
    let step = |channel| Step { channel, delay_days: 2, ..Step::default() };
    vec![
        step(Channel::Email),
        Step { condition: vec![Test::is(What::HasPhone)], otherwise: Some(4), ..step(Channel::Sms) },
        Step { then_step: Some(0), ..step(Channel::Email) },
        Step {
            condition: vec![Test::is(What::HasLinkedin)],
            otherwise: Some(0),
            form: Form::Invitation,
            ..step(Channel::Linkedin)
        },
        step(Channel::Email),
    ]
}

#[test]
fn a_lead_goes_the_way_that_its_conditions_and_jumps_lead_and_every_way_ends() {
    let steps = branching();
    assert!(check(&steps).is_ok());
    let phone = Known { phone: true, ..Known::default() };
    let linkedin = Known { linkedin: true, ..Known::default() };
    assert_eq!(whole(&steps, &phone), [1, 2, 3]);
    assert_eq!(whole(&steps, &linkedin), [1, 4, 5]);
    assert_eq!(whole(&steps, &Known::default()), [1]);
    let way = arrive(&steps, 2, &linkedin);
    assert_eq!((way.step, way.passed.len()), (Some(4), 1));
    assert_eq!((after(&steps, 3), after(&steps, 4), after(&steps, 5)), (None, Some(5), None));
}

#[test]
fn of_what_is_not_known_neither_the_test_nor_its_opposite_holds() {
    let tier = Test::read("tier:warm", "").expect("read").expect("a test");
    let not = Test { not: true, ..tier.clone() };
    assert!(!tier.holds(&Known::default()) && !not.holds(&Known::default()));
    let cool = Known { tier: Some(leads::score::Tier::Cool), ..Known::default() };
    assert!(!tier.holds(&cool) && not.holds(&cool));
    for (word, _) in Test::choices() {
        assert_eq!(Test::read(&word, "dent").expect("read").map(|test| test.word()), Some(word));
    }
    let json = serde_json::json!([{"what": "field", "field": "industry", "contains": "Dent"}, {"what": "opened", "not": true}]);
    let tests: Vec<Test> = serde_json::from_value(json.clone()).expect("tests");
    assert_eq!(serde_json::to_value(&tests).expect("json"), json);
}

#[test]
fn wordings_are_spread_evenly_and_a_lead_keeps_its_own() {
    let mut counts = std::collections::BTreeMap::new();
    for n in 0..3_000_u128 {
        let id = uuid::Uuid::from_u128(n * 7_919);
        let arm = choose_arm(id, 1, 2).expect("three arms");
        assert_eq!(choose_arm(id, 1, 2), Some(arm));
        *counts.entry(arm).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 3);
    assert!(counts.values().all(|n| (850..1_150).contains(n)), "{counts:?}");
    assert_eq!(choose_arm(uuid::Uuid::nil(), 1, 0), None);
}

#[tokio::test]
async fn steps_read_back_as_they_were_saved_and_those_on_their_way_move_only_when_asked() {
    let w = crate::touch::tests::world::World::new(crate::touch::Mode::CoPilot, 2).await;
    w.settle().await;
    assert_eq!(w.touch(0).await.state, "awaiting_approval");
    let mut all = branching();
    all[0].arms = vec![Arm { subject_template: "About {{company}}".into(), ..Arm::default() }];
    all[4].manual = true;
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let id = save(&mut cx, w.campaign.into(), "branches", all.clone()).await.expect("saved");
    assert_eq!(steps(&mut cx, id).await.expect("steps"), all);
    cx.commit().await.expect("a commit");
    assert_eq!(versions_of(&w).await, [(2, 0), (1, 2)]);
    let mut cx = w.db.cx(&w.tenant.owner).await;
    save_for(&mut cx, w.campaign.into(), "for all", all, Reach::InFlightToo).await.expect("saved");
    cx.commit().await.expect("a commit");
    assert_eq!(versions_of(&w).await, [(3, 2), (2, 0), (1, 0)]);
    assert_eq!(w.touch(0).await.state, "cancelled", "the draft of the version before is withdrawn");
    w.run_s(3_600).await;
    let again = w.touch(0).await;
    assert_eq!(again.state, "awaiting_approval", "and written anew");
    assert_eq!(w.count("select count(*) from outreach.touch where arm is not null").await, 2);
}

async fn versions_of(w: &crate::touch::tests::world::World) -> Vec<(i32, i64)> {
    let mut cx = w.db.cx(&w.tenant.owner).await;
    versions(&mut cx, w.campaign.into())
        .await
        .expect("versions")
        .iter()
        .map(|v| (v.version, v.running))
        .collect()
}
