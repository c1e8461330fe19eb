//! Behaviour of deliveries against PostgreSQL.

use super::{DELAYS_S, State, TEST_TYPE, again, attempts, get, list, send, store, test, webhook_id};
use crate::bed::Bed;
use crate::endpoint::{self, Change, EndpointId, FAILURES_MAX, Status, Why};
use crate::stop::{CHANNEL, Webhooks};
use base::{Secret, Time};
use control::switch::{self, EffectSource, Scope, Target};
use ports::webhook::Came;
use serde_json::json;

fn answered(status: u16, head: &str) -> Came {
    Came::Answered { status, head: head.as_bytes().to_vec(), retry_after_s: None }
}

#[tokio::test]
async fn every_fact_that_was_asked_for_arrives_once_signed_and_with_public_data_only() {
    let bed = Bed::new().await;
    let (id, secret) = bed.endpoint(&["receipt.*", "lead.converted"]).await;
    let subject =
        bed.fact("pay.receipt.issued", json!({"sequence": 7, "client_secret": "do not tell"})).await;
    bed.fact("pay.principal.key_made", json!({})).await;
    bed.fact("leads.lead.created", json!({})).await;
    bed.fact("leads.lead.moved", json!({"from": "scored", "to": "in_sequence"})).await;
    bed.fact("leads.lead.moved", json!({"from": "meeting_booked", "to": "converted"})).await;
    bed.app.settle().await;
    bed.soon().await;
    let calls = bed.poster.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    let paid = calls.iter().find(|call| call.body.windows(8).any(|part| part == b"sequence")).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&paid.body).unwrap();
    let header = |name: &str| paid.headers.iter().find(|(n, _)| *n == name).unwrap().1.clone();
    assert_eq!(
        body,
        json!({"id": header("webhook-id"), "type": "receipt.issued", "created_at": body["created_at"],
               "tenant": bed.ours.id, "subject": subject, "data": {"sequence": 7, "kind": null, "payment_id": null}})
    );
    let won = calls.iter().find(|call| call.body != paid.body).unwrap();
    let won: serde_json::Value = serde_json::from_slice(&won.body).unwrap();
    assert_eq!((&won["type"], &won["data"]), (&json!("lead.converted"), &json!({"from": "meeting_booked"})));
    let timestamp: i64 = header("webhook-timestamp").parse().unwrap();
    let signed = crate::signature::sign(&[secret], &header("webhook-id"), timestamp, &paid.body).unwrap();
    assert_eq!(header("webhook-signature"), signed.standard);
    assert_eq!(header("x-agency-os-signature"), signed.plain);
    let mut cx = bed.cx().await;
    let rows = list(&mut cx, id, None, None, 10).await.unwrap().rows;
    assert!(
        rows.iter().all(|row| row.state == State::Succeeded && row.attempts == 1 && row.status == Some(200))
    );
}

#[tokio::test]
async fn who_listens_to_deals_hears_how_each_begins_moves_and_ends_once() {
    let bed = Bed::new().await;
    bed.endpoint(&["deal.*"]).await;
    let moved = |from: &str, to: &str, reason: Option<&str>| json!({"lead_id": "l", "from": from, "to": to, "reason": reason});
    bed.fact("outreach.deal.opened", json!({"lead_id": "l", "meeting_id": "m", "campaign_id": "c"})).await;
    bed.fact("outreach.deal.moved", moved("qualification", "proposal", None)).await;
    bed.fact("outreach.deal.moved", moved("proposal", "won", None)).await;
    bed.fact("outreach.deal.moved", moved("won", "contract", None)).await;
    bed.fact("outreach.deal.moved", moved("contract", "lost", Some("no_budget"))).await;
    bed.fact("outreach.meeting.booked", json!({"lead_id": "l"})).await;
    bed.app.settle().await;
    bed.soon().await;
    let calls = bed.poster.calls();
    let bodies: Vec<serde_json::Value> =
        calls.iter().map(|call| serde_json::from_slice(&call.body).unwrap()).collect();
    let heard = |kind: &str, data: serde_json::Value| {
        let told = bodies.iter().filter(|body| body["type"] == kind && body["data"] == data).count();
        assert_eq!(told, 1, "{kind} {data}: {bodies:?}");
    };
    heard("deal.opened", json!({"lead_id": "l", "campaign_id": "c", "meeting_id": "m"}));
    heard("deal.moved", json!({"lead_id": "l", "from": "qualification", "to": "proposal"}));
    heard("deal.won", json!({"lead_id": "l", "from": "proposal"}));
    heard("deal.moved", json!({"lead_id": "l", "from": "won", "to": "contract"}));
    heard("deal.lost", json!({"lead_id": "l", "from": "contract", "reason": "no_budget"}));
    assert_eq!(bodies.len(), 5, "{bodies:?}");
}

#[tokio::test]
async fn facts_of_another_tenant_and_from_before_never_arrive() {
    let bed = Bed::new().await;
    bed.fact("pay.receipt.issued", json!({"kind": "before"})).await;
    bed.kit.clock.advance_s(1);
    bed.endpoint(&["*"]).await;
    let mut cx = bed.kit.cx(&bed.theirs.owner).await;
    cx.publish(db::Fact::about("pay.receipt.issued", bed.theirs.id.uuid()).with(json!({"kind": "theirs"})))
        .await
        .unwrap();
    cx.commit().await.unwrap();
    bed.fact("pay.receipt.issued", json!({"kind": "ours"})).await;
    bed.app.settle().await;
    bed.soon().await;
    let bodies: Vec<String> =
        bed.poster.calls().iter().map(|call| String::from_utf8_lossy(&call.body).into_owned()).collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(bodies[0].contains(r#""kind":"ours""#) && bodies[0].contains(&bed.ours.id.to_string()));
}

#[tokio::test]
async fn a_fact_that_commits_late_is_not_lost() {
    let bed = Bed::new().await;
    bed.endpoint(&["receipt.*"]).await;
    bed.app.settle().await;
    let mut late = bed.cx().await;
    late.publish(db::Fact::about("pay.receipt.issued", bed.ours.id.uuid()).with(json!({"kind": "late"})))
        .await
        .unwrap();
    bed.tell("pay.receipt.issued", json!({"kind": "early"})).await;
    bed.soon().await;
    late.commit().await.unwrap();
    bed.visible().await;
    bed.soon().await;
    let bodies: String =
        bed.poster.calls().iter().map(|call| String::from_utf8_lossy(&call.body).into_owned()).collect();
    assert_eq!(bed.poster.calls().len(), 2, "{bodies}");
    assert!(bodies.contains("late") && bodies.contains("early"));
}

#[tokio::test]
async fn w6_failures_are_tried_again_with_jitter_under_the_same_id_and_then_given_up() {
    let bed = Bed::new().await;
    bed.poster.always(Some(answered(500, "<b>down</b>")));
    let (id, _) = bed.endpoint(&["receipt.*"]).await;
    bed.fact("pay.receipt.issued", json!({})).await;
    bed.app.settle().await;
    bed.only_what_waits().await;
    // Other deliveries succeed meanwhile, or ten failures in a row would end it sooner.
    for _ in 0..30 {
        bed.app.run_until(bed.kit.clock_now().plus_s(3_600)).await;
        let mut cx = bed.cx().await;
        let now = cx.now();
        store::health(&mut cx, id, true, now).await.unwrap();
        cx.commit().await.unwrap();
    }
    let mut cx = bed.cx().await;
    let rows = list(&mut cx, id, None, None, 10).await.unwrap().rows;
    assert_eq!(rows.len(), 1);
    let tries = attempts(&mut cx, rows[0].id).await.unwrap();
    let mut times: Vec<Time> = tries.iter().map(|one| one.started_at).collect();
    times.reverse();
    let total = DELAYS_S.len() + 1;
    assert_eq!((rows[0].state, times.len()), (State::Dead, total));
    for (n, pair) in times.windows(2).enumerate() {
        let (waited, delay) = (pair[1].since_s(pair[0]), DELAYS_S[n]);
        // A resting endpoint may put a try off by a minute; the queue adds at most two seconds.
        assert!(waited >= delay && waited <= delay + delay / 5 + 63, "try {n} after {waited} s, not {delay}");
    }
    let calls = bed.poster.calls();
    let told = |name: &str| -> Vec<String> {
        calls.iter().map(|c| c.headers.iter().find(|(n, _)| *n == name).unwrap().1.clone()).collect()
    };
    let ids = told("webhook-id");
    assert!(ids.iter().all(|one| *one == webhook_id(rows[0].message)), "{ids:?}");
    assert!(calls.iter().all(|call| call.body == calls[0].body));
    let mut stamps = told("webhook-timestamp");
    stamps.dedup();
    assert_eq!(stamps.len(), total, "each attempt is signed at its own instant");
    let said = tries[0].answer.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert_eq!(said.as_deref(), Some("<b>down</b>"));
    let told = control::notification::list(&mut cx, None, true, None, 10).await.unwrap().rows;
    assert!(told.iter().any(|one| one.title == "A webhook could not be delivered"), "{told:?}");
}

#[tokio::test]
async fn w6_redelivery_keeps_the_id_and_the_bytes() {
    let bed = Bed::new().await;
    let (id, _) = bed.endpoint(&["receipt.*"]).await;
    bed.fact("pay.receipt.issued", json!({"n": 1})).await;
    bed.app.settle().await;
    bed.soon().await;
    let mut cx = bed.cx().await;
    let delivery = list(&mut cx, id, None, None, 10).await.unwrap().rows[0].id;
    again(&mut cx, delivery).await.unwrap();
    cx.commit().await.unwrap();
    bed.app.settle().await;
    let calls = bed.poster.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!((&calls[0].headers[0], &calls[0].body), (&calls[1].headers[0], &calls[1].body));
    assert_eq!(calls[0].headers[0].0, "webhook-id");
    let mut cx = bed.cx().await;
    let now = get(&mut cx, delivery).await.unwrap();
    assert_eq!((now.state, now.attempts), (State::Succeeded, 2));
    let mut theirs = bed.kit.cx(&bed.theirs.owner).await;
    assert_eq!(again(&mut theirs, delivery).await.unwrap_err().code(), "not_found");
}

/// What the bell says to this person.
async fn told(bed: &Bed) -> Vec<String> {
    let mut cx = bed.cx().await;
    let rows = control::notification::list(&mut cx, None, true, None, 10).await.unwrap().rows;
    rows.into_iter().map(|one| one.title).collect()
}

async fn standing(bed: &Bed, id: EndpointId) -> (Status, Option<Why>, i32) {
    let mut cx = bed.cx().await;
    let now = endpoint::get(&mut cx, id).await.unwrap();
    (now.status, now.disabled_why, now.failures)
}

#[tokio::test]
async fn after_ten_failures_in_a_row_an_endpoint_is_disabled_with_a_notice() {
    let bed = Bed::new().await;
    let (id, _) = bed.endpoint(&["receipt.*"]).await;
    let fails = || Came::Failed("the name is not known".to_owned());
    let most = i32::try_from(FAILURES_MAX).unwrap();
    // Nine, then one that is taken: the count begins anew.
    for _ in 1..FAILURES_MAX {
        bed.poster.next(fails());
    }
    bed.fact("pay.receipt.issued", json!({})).await;
    bed.app.settle().await;
    bed.only_what_waits().await;
    bed.app.run_until(bed.kit.clock_now().plus_days(1)).await;
    assert_eq!(standing(&bed, id).await, (Status::Enabled, None, 0));
    assert_eq!(bed.poster.calls().len(), FAILURES_MAX);
    bed.poster.always(Some(fails()));
    for n in 1..=most {
        assert_eq!(standing(&bed, id).await, (Status::Enabled, None, n - 1));
        let mut cx = bed.cx().await;
        test(&mut cx, id).await.unwrap();
        cx.commit().await.unwrap();
        bed.app.settle().await;
    }
    assert_eq!(standing(&bed, id).await, (Status::Disabled, Some(Why::Failing), most));
    assert_eq!(told(&bed).await, ["A webhook endpoint was disabled"]);
    let before = bed.poster.calls().len();
    bed.fact("pay.receipt.issued", json!({})).await;
    bed.app.run_until(bed.kit.clock_now().plus_s(7_200)).await;
    assert_eq!(bed.poster.calls().len(), before, "a disabled endpoint is told nothing");
    // Enabled again it begins anew with what still waited.
    bed.poster.always(None);
    let mut cx = bed.cx().await;
    endpoint::set(&mut cx, id, Status::Enabled).await.unwrap();
    cx.commit().await.unwrap();
    bed.app.settle().await;
    assert_eq!(bed.poster.calls().len(), before + FAILURES_MAX, "what waited, not what happened meanwhile");
    assert_eq!(standing(&bed, id).await, (Status::Enabled, None, 0));
    let mut cx = bed.cx().await;
    let open = list(&mut cx, id, Some(State::Pending), None, 50).await.unwrap().rows;
    assert!(open.is_empty(), "{open:?}");
}

#[tokio::test]
async fn an_outage_of_an_hour_disables_no_endpoint_however_much_there_is_to_tell() {
    let bed = Bed::new().await;
    let (id, _) = bed.endpoint(&["receipt.*"]).await;
    bed.poster.always(Some(answered(503, "")));
    for _ in 0..30 {
        bed.tell("pay.receipt.issued", json!({})).await;
    }
    bed.visible().await;
    bed.app.settle().await;
    bed.only_what_waits().await;
    bed.app.run_until(bed.kit.clock_now().plus_s(3_600)).await;
    assert_eq!(standing(&bed, id).await.0, Status::Enabled);
    bed.poster.always(None);
    bed.app.run_until(bed.kit.clock_now().plus_s(4 * 3_600)).await;
    let mut cx = bed.cx().await;
    let taken = list(&mut cx, id, Some(State::Succeeded), None, 50).await.unwrap().rows;
    assert_eq!(taken.len(), 30);
}

#[tokio::test]
async fn what_ended_long_ago_is_removed_every_night_and_what_waits_is_not() {
    let bed = Bed::new().await;
    let (id, _) = bed.endpoint(&["receipt.*"]).await;
    let (off, _) = bed.endpoint(&["receipt.*"]).await;
    let mut cx = bed.cx().await;
    endpoint::set(&mut cx, off, Status::Disabled).await.unwrap();
    cx.commit().await.unwrap();
    bed.fact("pay.receipt.issued", json!({})).await;
    bed.app.settle().await;
    bed.soon().await;
    let left = async |of: &'static str| -> i64 {
        let mut cx = bed.kit.system().await;
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from hooks.{of}"));
        sqlx::query_scalar(statement).fetch_one(cx.conn()).await.unwrap()
    };
    let all = async || [left("message").await, left("delivery").await, left("attempt").await];
    assert_eq!(all().await, [1, 1, 1]);
    // Two that still wait: for an endpoint that works, and for one that is disabled.
    let mut cx = bed.cx().await;
    endpoint::set(&mut cx, off, Status::Enabled).await.unwrap();
    let (kept, stuck) = (test(&mut cx, id).await.unwrap(), test(&mut cx, off).await.unwrap());
    endpoint::set(&mut cx, off, Status::Disabled).await.unwrap();
    let stop = switch::engage(&mut cx, &Target::client(), "a long stop").await.unwrap();
    cx.commit().await.unwrap();
    bed.app.settle().await;
    let prune = async |days: i64| {
        let mut cx = bed.kit.system().await;
        let before = cx.now().plus_days(-days);
        let gone = store::prune(&mut cx, before).await.unwrap();
        cx.commit().await.unwrap();
        gone
    };
    bed.kit.clock.advance_s(29 * 86_400);
    assert_eq!((prune(30).await, all().await), (0, [3, 3, 1]));
    bed.kit.clock.advance_s(2 * 86_400);
    assert_eq!((prune(30).await, all().await), (2, [1, 1, 0]));
    let mut cx = bed.cx().await;
    assert_eq!(get(&mut cx, stuck).await.unwrap_err().code(), "not_found");
    assert_eq!(get(&mut cx, kept).await.unwrap().state, State::Pending, "nothing is lost behind a stop");
    switch::release(&mut cx, stop.id, "go on").await.unwrap();
    cx.commit().await.unwrap();
}

#[tokio::test]
async fn the_log_is_pruned_every_night() {
    let bed = Bed::new().await;
    bed.endpoint(&["receipt.*"]).await;
    bed.fact("pay.receipt.issued", json!({})).await;
    bed.app.settle().await;
    bed.soon().await;
    assert_eq!(bed.poster.calls().len(), 1);
    bed.kit.clock.advance_s(31 * 86_400);
    bed.soon().await;
    bed.app.run_until(bed.kit.clock_now().plus_days(1)).await;
    let mut cx = bed.kit.system().await;
    let left: i64 =
        sqlx::query_scalar("select count(*) from hooks.message").fetch_one(cx.conn()).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_endpoint_that_says_gone_is_disabled_at_once() {
    let bed = Bed::new().await;
    bed.poster.next(answered(410, ""));
    let (id, _) = bed.endpoint(&["receipt.*"]).await;
    bed.fact("pay.receipt.issued", json!({})).await;
    bed.app.settle().await;
    bed.soon().await;
    let mut cx = bed.cx().await;
    assert_eq!(endpoint::get(&mut cx, id).await.unwrap().disabled_why, Some(Why::Gone));
}

#[tokio::test]
async fn a_rotated_secret_signs_with_both_for_a_day_and_then_alone() {
    let bed = Bed::new().await;
    let (id, old) = bed.endpoint(&["receipt.*"]).await;
    let mut cx = bed.cx().await;
    let (_, fresh) = endpoint::rotate(&mut cx, &bed.desk, id).await.unwrap();
    cx.commit().await.unwrap();
    let signed = async |secrets: &[Secret]| {
        bed.fact("pay.receipt.issued", json!({})).await;
        bed.soon().await;
        let call = bed.poster.calls().pop().unwrap();
        let header = |name: &str| call.headers.iter().find(|(n, _)| *n == name).unwrap().1.clone();
        let at: i64 = header("webhook-timestamp").parse().unwrap();
        let ours = crate::signature::sign(secrets, &header("webhook-id"), at, &call.body).unwrap();
        assert_eq!(header("webhook-signature"), ours.standard);
    };
    signed(&[fresh.clone(), old]).await;
    bed.app.run_until(bed.kit.clock_now().plus_s(25 * 3_600)).await;
    signed(&[fresh]).await;
    let mut cx = bed.cx().await;
    assert_eq!(endpoint::get(&mut cx, id).await.unwrap().previous_until, None, "the old one is overwritten");
}

#[tokio::test]
async fn behind_a_switch_nothing_is_sent_and_nothing_is_lost() {
    for target in [Target::client(), Target::named(Scope::Channel, CHANNEL)] {
        let bed = Bed::new().await;
        bed.endpoint(&["receipt.*"]).await;
        bed.app.settle().await;
        let mut cx = bed.cx().await;
        let stop = switch::engage(&mut cx, &target, "stop it").await.unwrap();
        cx.commit().await.unwrap();
        bed.fact("pay.receipt.issued", json!({})).await;
        bed.soon().await;
        assert!(bed.poster.calls().is_empty(), "{target:?}");
        let mut cx = bed.cx().await;
        let frozen = Webhooks.frozen(&mut cx, &target).await.unwrap();
        assert_eq!(frozen.iter().map(|one| one.count).collect::<Vec<_>>(), [1]);
        let mail = Target::named(Scope::Channel, "email");
        assert!(Webhooks.frozen(&mut cx, &mail).await.unwrap().is_empty());
        switch::release(&mut cx, stop.id, "go on").await.unwrap();
        cx.commit().await.unwrap();
        bed.soon().await;
        assert_eq!(bed.poster.calls().len(), 1, "{target:?}");
        let mut cx = bed.cx().await;
        let proof = switch::proof(&mut cx, &Webhooks, stop.id).await.unwrap();
        assert_eq!((proof.effects.after, proof.stopped_after_ms), (0, 0), "{proof:?}");
        let now = cx.now();
        let all = Webhooks.effects(&mut cx, &target, now, None).await.unwrap();
        assert!(all.last_intent.is_some() && all.last_done.is_some() && all.after == 0, "{all:?}");
    }
}

#[tokio::test]
async fn a_test_event_goes_to_its_endpoint_only_and_a_disabled_one_refuses_it() {
    let bed = Bed::new().await;
    let (id, _) = bed.endpoint(&["lead.*"]).await;
    bed.endpoint(&["*"]).await;
    let mut cx = bed.cx().await;
    let sent = test(&mut cx, id).await.unwrap();
    cx.commit().await.unwrap();
    bed.app.settle().await;
    let calls = bed.poster.calls();
    assert_eq!(calls.len(), 1);
    assert!(String::from_utf8_lossy(&calls[0].body).contains(TEST_TYPE));
    bed.soon().await;
    assert_eq!(bed.poster.calls().len(), 1, "deliveries are no events");
    let mut cx = bed.cx().await;
    endpoint::set(&mut cx, id, Status::Disabled).await.unwrap();
    assert_eq!(test(&mut cx, id).await.unwrap_err().code(), "webhook.disabled");
    assert_eq!(again(&mut cx, sent).await.unwrap_err().code(), "webhook.disabled");
}

#[tokio::test]
async fn a_failing_endpoint_rests_and_another_one_does_not_wait_for_it() {
    let bed = Bed::new().await;
    let (bad, _) = bed.endpoint(&["receipt.*"]).await;
    let mut cx = bed.cx().await;
    let change = Change { url: Some("https://bad.example/".to_owned()), ..Change::default() };
    endpoint::edit(&mut cx, &bed.desk, bad, &change).await.unwrap();
    cx.commit().await.unwrap();
    bed.poster.always(Some(answered(500, "")));
    for _ in 0..30 {
        bed.tell("pay.receipt.issued", json!({})).await;
    }
    bed.visible().await;
    bed.app.settle().await;
    let tried = bed.poster.calls().len();
    assert_eq!(tried as i64, send::BUDGET + 1, "tries of an endpoint that fails, before it rests");
    bed.poster.always(None);
    let (good, _) = bed.endpoint(&["lead.*"]).await;
    let mut cx = bed.cx().await;
    test(&mut cx, good).await.unwrap();
    cx.commit().await.unwrap();
    bed.app.settle().await;
    assert_eq!(bed.poster.calls().len(), tried + 1);
}

#[tokio::test]
async fn a_claim_never_passes_the_budget_and_a_cut_off_call_is_made_again() {
    let bed = Bed::new().await;
    let (id, _) = bed.endpoint(&["receipt.*"]).await;
    for _ in 0..6 {
        let mut cx = bed.cx().await;
        test(&mut cx, id).await.unwrap();
        cx.commit().await.unwrap();
    }
    let claim = async || {
        let mut cx = bed.cx().await;
        let claim = store::claim(&mut cx, id).await.unwrap();
        cx.commit().await.unwrap();
        claim
    };
    let store::Claim::Some(first) = claim().await else { panic!("nothing was claimed") };
    assert_eq!(first.rows.len() as i64, send::BUDGET);
    let store::Claim::Later(Some(then)) = claim().await else { panic!("the budget was passed") };
    assert_eq!(then.since_s(bed.kit.clock_now()), send::LOST_S);
    // Its process dies here: nobody records an outcome.
    bed.kit.clock.advance_s(send::LOST_S + 2);
    bed.app.settle().await;
    let calls = bed.poster.calls();
    assert_eq!(calls.len(), 6);
    let mut cx = bed.cx().await;
    let row = get(&mut cx, first.rows[0].id).await.unwrap();
    assert_eq!((row.state, row.attempts), (State::Succeeded, 2));
    let cut = attempts(&mut cx, row.id).await.unwrap().pop().unwrap();
    assert!(cut.error.unwrap().contains("cut off") && cut.duration_ms.is_none());
    // The dead process wakes up and reports: nothing changes.
    let now = cx.now();
    assert!(!store::end(&mut cx, &first.rows[0], State::Dead, now).await.unwrap());
}
