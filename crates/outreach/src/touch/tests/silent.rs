//! Calls and letters whose webhooks are lost, over the real clients against the services' twins.

use super::{
    channels::{over, report},
    world::World,
};
use crate::{
    channel::{Channel, Form},
    touch::Mode,
};
use ports::delivery::{CallEnd, Provider, What};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use twins::carrier::{CarrierTwin, Fault, FaultKind};
use uuid::Uuid;
use vendors::{delivery::Line, post::Posts, voice::Callers};

/// A call or a letter that was handed over to its twin, which sends no webhooks.
async fn handed_over(channel: Channel, form: Form, name: &str) -> (World, Uuid, CarrierTwin) {
    let w = World::with(Mode::Autopilot, 1, |db, ports| {
        let line = Line::new(db.clock.clone(), db.random.clone(), Duration::from_millis(500));
        let line = line.expect("a client");
        ports::Ports { voice: Arc::new(Callers::new(&line)), post: Arc::new(Posts::new(&line)), ..ports }
    })
    .await;
    let at = "127.0.0.1:0".parse().expect("an address");
    let twin = twins::carrier::start(name, at, w.db.clock.clone()).await.expect("a twin");
    let (w, account) = over(w, channel, form, false, Some(twin.url())).await;
    w.run_s(60).await;
    let touch = w.touch(0).await;
    assert_eq!((touch.state.as_str(), twin.reached()), ("sent", 1), "{:?}", touch.detail);
    (w, account, twin)
}

async fn call() -> (World, Uuid, CarrierTwin) {
    handed_over(Channel::Voice, Form::Plain, "vapi").await
}

fn of(twin: &CarrierTwin) -> String {
    twin.messages()[0]["id"].as_str().expect("a name").to_owned()
}

fn hang_up(twin: &CarrierTwin) {
    twin.happen(&json!({"event": "ended", "ref": of(twin)})).expect("it ends");
}

const ENDED: &str =
    "select count(*) from outreach.touch where ended_at is not null and outcome = 'completed'";
const CALLED: &str = "select count(*) from outreach.activity where action = 'called'";

/// How many rows there are of everything that a call's end writes.
async fn rows(w: &World) -> [i64; 6] {
    [
        w.count(ENDED).await,
        w.count(CALLED).await,
        w.count("select count(*) from control.spend where state::text = 'settled'").await,
        w.count("select count(*) from control.notification where dedupe_key like 'call:%'").await,
        w.count("select count(*) from outreach.activity").await,
        w.count("select count(*) from kernel.fact where type = 'outreach.call.ended'").await,
    ]
}

#[tokio::test]
async fn a_call_whose_webhook_is_lost_ends_by_the_look_with_the_effects_of_its_report() {
    let (w, _, twin) = call().await;
    hang_up(&twin);
    assert_eq!(w.count(ENDED).await, 0, "nothing was heard");
    w.run_s(3_600).await;
    assert_eq!(rows(&w).await[..4], [1, 1, 1, 1]);
    assert_eq!(w.count("select count(*) from outreach.activity where action = 'called' and detail -> 'data' ->> 'meeting' = 'true' and detail ->> 'summary' = 'A meeting on Tuesday.'").await, 1);
    let touch = w.touch(0).await;
    assert_eq!((touch.lead.as_str(), touch.enrolment.as_str()), ("replied", "stopped"));
    assert_eq!(
        w.count("select count(*) from hooks.inbox where source = 'vapi' and status = 'processed'").await,
        1
    );
    let calls = twin.calls();
    w.run_s(2 * 86_400).await;
    assert_eq!((twin.calls(), twin.reached()), (calls, 1), "what has ended is not asked for");
    twin.shutdown().await;
}

#[tokio::test]
async fn a_report_that_comes_after_the_look_changes_nothing() {
    let (w, account, twin) = call().await;
    hang_up(&twin);
    w.run_s(3_600).await;
    let before = rows(&w).await;
    let touch = w.touch(0).await.id.uuid();
    let end = CallEnd {
        transcript: Some("User: do not call me again".into()),
        ..CallEnd::new(ports::voice::Outcome::Voicemail, "voicemail")
    };
    report(&w, account, Provider::Vapi, "late", Some(touch), What::CallEnded(Box::new(end))).await;
    assert_eq!(rows(&w).await, before);
    assert_eq!(w.touch(0).await.lead, "replied");
    twin.shutdown().await;
}

#[tokio::test]
async fn a_service_that_is_down_or_knows_nothing_leaves_a_call_for_the_next_look() {
    let (w, _, twin) = call().await;
    hang_up(&twin);
    // Each look tries four times.
    for _ in 0..4 {
        twin.inject(Fault { kind: FaultKind::ServerError, on: Some("GET /call".to_owned()), ms: 0 });
    }
    w.run_s(1_200).await;
    assert_eq!(w.count(ENDED).await, 0);
    assert_eq!(
        w.count(
            "select count(*) from jobs.job_done where kind = 'outreach.ask_silent' and outcome <> 'succeeded'"
        )
        .await,
        0
    );
    w.run_s(3_600).await;
    assert_eq!(w.count(ENDED).await, 1);
    twin.shutdown().await;
}

#[tokio::test]
async fn a_call_that_goes_on_is_asked_for_after_each_silence_and_given_up_after_a_day() {
    let (w, _, twin) = call().await;
    let calls = twin.calls();
    w.run_s(3 * 3_600).await;
    assert!((4..=13).contains(&(twin.calls() - calls)), "{}", twin.calls() - calls);
    assert_eq!(w.count("select count(*) from outreach.delivery").await, 1, "that it was answered, once");
    w.run_s(86_400).await;
    let calls = twin.calls();
    hang_up(&twin);
    w.run_s(86_400).await;
    assert_eq!((twin.calls(), w.count(ENDED).await), (calls, 0));
    twin.shutdown().await;
}

#[tokio::test]
async fn a_letter_whose_webhooks_are_lost_moves_by_the_looks_and_never_back() {
    let (w, account, twin) = handed_over(Channel::Mail, Form::Postcard, "lob").await;
    let outcome = |word: &str| format!("select count(*) from outreach.touch where outcome = '{word}'");
    twin.happen(&json!({"event": "mailed", "ref": of(&twin)})).expect("it is posted");
    w.run_s(3_600).await;
    assert_eq!(w.count(&outcome("mailed")).await, 0, "a day's silence is nothing with the post");
    w.run_s(86_400).await;
    assert_eq!(w.count(&outcome("mailed")).await, 1);
    twin.happen(&json!({"event": "returned_to_sender", "ref": of(&twin)})).expect("it comes back");
    w.run_s(2 * 86_400).await;
    assert_eq!(w.count(&outcome("returned_to_sender")).await, 1);
    assert_eq!(
        w.count("select count(*) from outreach.postal_address where verdict = 'undeliverable'").await,
        1
    );
    let (history, touch) =
        (w.count("select count(*) from outreach.activity").await, w.touch(0).await.id.uuid());
    report(&w, account, Provider::Lob, "evt_late", Some(touch), What::Mailed).await;
    report(&w, account, Provider::Lob, "evt_later", Some(touch), What::ReturnedToSender).await;
    assert_eq!(w.count("select count(*) from outreach.activity").await, history);
    let calls = twin.calls();
    w.run_s(10 * 86_400).await;
    assert_eq!(twin.calls(), calls);
    twin.shutdown().await;
}

#[tokio::test]
async fn an_end_of_which_a_line_says_no_more_claims_nothing() {
    let (w, account, twin) = call().await;
    let touch = w.touch(0).await.id.uuid();
    let end = CallEnd::new(ports::voice::Outcome::Unknown, "not alive");
    report(&w, account, Provider::Vapi, "gone", Some(touch), What::CallEnded(Box::new(end))).await;
    let after = w.touch(0).await;
    assert_eq!((after.lead.as_str(), after.enrolment.as_str()), ("in_sequence", "active"));
    assert_eq!(w.count("select count(*) from outreach.activity where action = 'called' and detail ->> 'answered' = 'false'").await, 1);
    twin.shutdown().await;
}
