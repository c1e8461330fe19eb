//! What follows from what the provider says, or does not say; and from what people do meanwhile.

use super::world::{Act, World, opt_out};
use crate::{
    enrolment,
    touch::{Handed, Mode, Sender, TouchId, hand_off, load, resolve_unknown, store},
};
use base::Result;
use jobs::{Job, Run, enqueue};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

async fn enrolment_of(w: &World, lead: usize) -> Uuid {
    let mut cx = w.db.cx(&w.tenant.owner).await;
    sqlx::query_scalar!(
        "select id from outreach.enrolment where tenant_id = $1 and lead_id = $2",
        w.tenant.id.uuid(),
        w.leads[lead]
    )
    .fetch_one(cx.conn())
    .await
    .expect("an enrolment")
}

#[tokio::test]
async fn an_address_that_does_not_exist_ends_the_sequence_and_frees_the_capacity() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.provider.will(&[Act::NoSuchAddress]);
    w.run_s(3_600).await;
    let touch = w.touch(0).await;
    assert_eq!(
        (touch.state.as_str(), touch.lead.as_str(), touch.enrolment.as_str()),
        ("failed", "bounced", "stopped")
    );
    assert_eq!(w.used().await, 0);
    assert_eq!(w.count("select count(*) from leads.suppression where reason = 'bounced'").await, 1);
}

#[tokio::test]
async fn a_server_that_asks_to_come_back_gets_the_same_mail_once_later() {
    for act in [Act::Later, Act::Away] {
        let w = World::new(Mode::Autopilot, 1).await;
        w.provider.will(&[act, act]);
        w.settle().await;
        let touch = w.touch(0).await;
        assert_eq!(
            (touch.state.as_str(), touch.code.as_deref(), touch.tries),
            ("approved", Some("provider"), 1)
        );
        assert_eq!(touch.retry_at, Some(w.db.clock_now().plus_s(60)));
        assert_eq!(w.used().await, 0, "nothing left, so nothing is used");
        w.run_s(3_600).await;
        assert_eq!(
            (w.touch(0).await.state.as_str(), w.provider.kept().len(), w.used().await),
            ("sent", 1, 1),
            "{act:?}"
        );
        assert_eq!(
            w.provider.kept()[0].message_id.bracketed(),
            touch.message_id.expect("its id"),
            "the id is kept over tries"
        );
    }
}

#[tokio::test]
async fn a_password_that_is_not_accepted_waits_for_a_person() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.provider.will(&[Act::WrongPassword]);
    w.settle().await;
    let touch = w.touch(0).await;
    assert_eq!((touch.state.as_str(), touch.enrolment.as_str(), w.used().await), ("failed", "paused", 0));
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let id = enrolment_of(&w, 0).await;
    enrolment::resume(&mut cx, id).await.expect("resumes");
    cx.commit().await.expect("a commit");
    w.run_s(3_600).await;
    assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len()), ("sent", 1));
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_never_answered_by_a_second_mail() {
    for (act, mails) in [(Act::LostKept, 1), (Act::LostGone, 1)] {
        let w = World::new(Mode::Autopilot, 1).await;
        w.provider.will(&[act]);
        w.settle().await;
        assert_eq!(w.touch(0).await.state, "sending");
        w.run_s(3_600).await;
        assert_eq!(
            (w.touch(0).await.state.as_str(), w.provider.kept().len(), w.used().await),
            ("sent", mails, 1),
            "{act:?}"
        );
    }
}

#[tokio::test]
async fn where_nobody_can_tell_a_person_decides_and_nothing_is_sent_again_by_itself() {
    for was_sent in [true, false] {
        let w = World::new(Mode::Autopilot, 1).await;
        w.provider.will(&[Act::LostMute]);
        w.run_s(86_400).await;
        let touch = w.touch(0).await;
        assert_eq!(
            (touch.state.as_str(), touch.enrolment.as_str(), w.provider.kept().len()),
            ("unknown", "paused", 1)
        );
        assert_eq!(w.count("select count(*) from control.notification").await, 1);
        let mut cx = w.db.cx(&w.tenant.owner).await;
        resolve_unknown(&mut cx, touch.id, was_sent).await.expect("it waits for this");
        let twice = resolve_unknown(&mut cx, touch.id, was_sent).await.expect_err("settled");
        assert_eq!(twice.code(), "touch.settled");
        cx.commit().await.expect("a commit");
        let resolved = w.db.clock_now();
        let row = w.touch(0).await;
        if was_sent {
            assert_eq!((row.state.as_str(), row.enrolment.as_str()), ("sent", "active"));
            assert_eq!(row.next_due_at, Some(resolved.plus_days(3)), "the next step keeps its distance");
        }
        w.run_s(3_600).await;
        assert_eq!(
            (w.touch(0).await.state.as_str(), w.provider.kept().len()),
            ("sent", if was_sent { 1 } else { 2 })
        );
    }
}

#[tokio::test]
async fn a_step_that_was_not_sent_is_due_again_though_a_person_resumed_the_lead_first() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.provider.will(&[Act::LostMute]);
    w.run_s(3_600).await;
    let touch = w.touch(0).await;
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let id = enrolment_of(&w, 0).await;
    enrolment::resume(&mut cx, id).await.expect("resumes");
    cx.commit().await.expect("a commit");
    w.run_s(3_600).await;
    assert_eq!(
        (w.touch(0).await.state.as_str(), w.provider.kept().len()),
        ("unknown", 1),
        "never planned anew while open"
    );
    let mut cx = w.db.cx(&w.tenant.owner).await;
    resolve_unknown(&mut cx, touch.id, false).await.expect("settles");
    cx.commit().await.expect("a commit");
    w.run_s(3_600).await;
    assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len()), ("sent", 2));
}

#[tokio::test]
async fn after_an_opt_out_nothing_leaves_wherever_the_touch_stands() {
    // Waiting for its hour; waiting for a decision; decided, but not yet carried out; lapsed, but not yet swept.
    for stage in ["hour", "asked", "decided", "lapsed"] {
        let mode = if stage == "hour" { Mode::Autopilot } else { Mode::CoPilot };
        let w = World::new(mode, 1).await;
        w.evening();
        w.settle().await;
        match stage {
            "decided" => w.approve(0).await,
            "lapsed" => w.sql("update control.approval set expires_at = '2026-03-02T01:00:00Z'").await,
            _ => {}
        }
        w.opt_out(0).await;
        w.run_s(9 * 86_400).await;
        let touch = w.touch(0).await;
        assert_eq!(
            (touch.state.as_str(), touch.lead.as_str(), touch.enrolment.as_str()),
            ("cancelled", "unsubscribed", "stopped"),
            "{stage}"
        );
        assert!(w.provider.kept().is_empty(), "{stage}");
        assert_eq!(w.used().await, 0);
    }
}

#[tokio::test]
async fn an_opt_out_while_the_mail_is_on_its_way_keeps_every_later_one_from_leaving() {
    for act in [Act::Take, Act::LostGone, Act::Later, Act::Away, Act::LostKept] {
        let w = World::new(Mode::Autopilot, 1).await;
        w.provider.will(&[act]);
        let (db, tenant, lead) = (w.db.db.clone(), w.tenant.clone(), w.leads[0]);
        w.provider.during(Some(Arc::new(move |_| {
            let (db, tenant) = (db.clone(), tenant.clone());
            Box::pin(async move { opt_out(&db, &tenant, lead, 0).await.expect("stored at once") })
        })));
        w.settle().await;
        w.provider.during(None);
        w.run_s(9 * 86_400).await;
        let arrived = usize::from(matches!(act, Act::Take | Act::LostKept));
        let touch = w.touch(0).await;
        assert_eq!(
            (touch.state.as_str(), w.provider.kept().len()),
            (if arrived == 1 { "sent" } else { "cancelled" }, arrived),
            "{act:?}"
        );
        assert_eq!((touch.enrolment.as_str(), w.used().await), ("stopped", arrived as i64), "{act:?}");
    }
}

#[tokio::test]
async fn a_pause_while_the_mail_is_on_its_way_neither_stops_the_lead_nor_sends_twice() {
    for act in [Act::Take, Act::Away] {
        let w = World::new(Mode::Autopilot, 1).await;
        w.provider.will(&[act]);
        let id = enrolment_of(&w, 0).await;
        let (db, tenant) = (w.db.db.clone(), w.tenant.id);
        w.provider.during(Some(Arc::new(move |_| {
            let db = db.clone();
            Box::pin(async move {
                let mut cx = db
                    .begin(db::Scope::Tenant(tenant), db::Caller::system("test", &db))
                    .await
                    .expect("begins");
                enrolment::pause(&mut cx, id, "They are away.", None).await.expect("pauses");
                cx.commit().await.expect("a commit");
            })
        })));
        w.settle().await;
        w.provider.during(None);
        w.run_s(3_600).await;
        let touch = w.touch(0).await;
        assert_eq!(touch.enrolment, "paused", "{act:?}");
        let mut cx = w.db.cx(&w.tenant.owner).await;
        enrolment::resume(&mut cx, id).await.expect("resumes");
        cx.commit().await.expect("a commit");
        w.run_s(3_600).await;
        assert_eq!(w.provider.kept().len(), 1, "{act:?}");
        assert_eq!(w.touch(0).await.state, "sent", "{act:?}");
    }
}

#[tokio::test]
async fn what_left_after_its_try_was_taken_back_is_counted_all_the_same() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.evening();
    w.settle().await;
    let (db, tenant, touch) = (w.db.db.clone(), w.tenant.id, w.touch(0).await.id);
    w.provider.during(Some(Arc::new(move |_| {
        let db = db.clone();
        Box::pin(async move {
            let caller = db::Caller::system("test", &db);
            let mut cx = db.begin(db::Scope::Tenant(tenant), caller).await.expect("begins");
            load::lock(&mut cx, touch).await.expect("held");
            store::take_back(&mut cx, touch, "nobody answered").await.expect("taken back");
            cx.commit().await.expect("a commit");
        })
    })));
    w.db.clock.advance_s(15 * 3_600);
    w.settle().await;
    w.provider.during(None);
    w.run_s(3_600).await;
    assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len(), w.used().await), ("sent", 1, 1));
}

/// Hands one touch off several times at once.
#[derive(Serialize, Deserialize)]
pub struct Race {
    touch: TouchId,
}

impl Job for Race {
    const KIND: &'static str = "test.race";
    type State = Sender;

    async fn run(self, run: &Run, sender: &Sender) -> Result<()> {
        let (a, b, c) = tokio::join!(
            hand_off(run, sender, self.touch),
            hand_off(run, sender, self.touch),
            hand_off(run, sender, self.touch)
        );
        let sent = [a?, b?, c?].into_iter().filter(|handed| *handed == Handed::Sent).count();
        assert!(sent <= 2, "sent {sent} times"); // once by itself, once found when it was looked up
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_touch_that_is_handed_off_several_times_at_once_leaves_once() {
    for _ in 0..4 {
        let w = World::new(Mode::Autopilot, 1).await;
        w.evening();
        w.settle().await;
        let touch = w.touch(0).await;
        w.db.clock.advance_s(15 * 3_600);
        let mut cx = w.db.cx(&w.tenant.owner).await;
        sqlx::query!("delete from jobs.job where tenant_id = $1", w.tenant.id.uuid())
            .execute(cx.conn())
            .await
            .expect("only the race");
        enqueue(&mut cx, &Race { touch: touch.id }).await.expect("enqueued");
        cx.commit().await.expect("a commit");
        w.settle().await;
        w.run_s(3_600).await;
        assert_eq!(
            (w.touch(0).await.state.as_str(), w.provider.kept().len(), w.used().await),
            ("sent", 1, 1)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opt_outs_and_hand_offs_at_once_never_block_each_other_for_good() {
    let w = World::new(Mode::Autopilot, 4).await;
    w.sql("update outreach.resource set next_free_at = null").await;
    w.evening();
    w.settle().await;
    w.db.clock.advance_s(15 * 3_600);
    let mut cx = w.db.cx(&w.tenant.owner).await;
    sqlx::query!("delete from jobs.job where tenant_id = $1", w.tenant.id.uuid())
        .execute(cx.conn())
        .await
        .expect("only the race");
    for lead in 0..4 {
        let touch = w.touch(lead).await.id;
        enqueue(&mut cx, &Race { touch }).await.expect("enqueued");
    }
    cx.commit().await.expect("a commit");
    let out = async {
        for lead in 0..4 {
            tokio::time::sleep(std::time::Duration::from_millis(7)).await;
            w.opt_out(lead).await;
        }
    };
    tokio::join!(w.settle(), out);
    let at_opt_out = w.provider.kept().len();
    w.run_s(86_400).await;
    assert_eq!(w.provider.kept().len(), at_opt_out, "nothing begins after an opt-out");
    assert_eq!(w.count("select count(*) from outreach.enrolment where status = 'stopped'").await, 4);
}
