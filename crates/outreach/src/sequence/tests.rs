//! Behaviour of sequences.

use super::{Step, check, current, dates, first_contact, save, steps, versions, warnings};
use crate::{
    campaign,
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
        (|s| s.channel = crate::channel::Channel::Sms, "sequence.channel"),
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
        dates(&first_contact(), &window, now, 2).into_iter().flatten().map(|t| t.to_string()).collect();
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
