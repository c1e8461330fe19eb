//! Touches whose job died: found, taken up again, and in the end told to a person.

use super::world::World;
use crate::touch::Mode;

#[tokio::test]
async fn a_planned_or_approved_touch_whose_job_died_is_taken_up_again_and_leaves_once() {
    for state in ["planned", "approved"] {
        let w = World::new(Mode::Autopilot, 1).await;
        w.evening();
        w.settle().await;
        assert_eq!(w.touch(0).await.state, "approved");
        if state == "planned" {
            w.sql("update outreach.touch set state = 'planned', written_at = null").await;
        }
        // As after the last try: nothing lives that would write or send it, and nothing says when.
        w.sql("update outreach.touch set retry_at = null").await;
        w.sql("delete from jobs.job where kind in ('outreach.write', 'outreach.send')").await;
        w.next_day().await;
        assert_eq!((w.touch(0).await.state.as_str(), w.provider.kept().len()), ("sent", 1), "{state}");
        assert_eq!(w.used().await, 1);
    }
}

#[tokio::test]
async fn a_touch_that_waits_for_its_own_time_gets_no_second_job() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.evening();
    w.settle().await;
    w.run_s(8 * 3_600).await;
    assert_eq!(w.count("select revived::bigint from outreach.touch").await, 0);
    assert_eq!(w.count("select count(*) from jobs.job where kind = 'outreach.send'").await, 1);
}

#[tokio::test]
async fn a_touch_that_cannot_be_written_however_often_ends_with_the_reason_and_is_told() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.evening();
    w.settle().await;
    // What it needs for writing is gone, so that each job fails for good.
    w.sql(
        "update outreach.touch set state = 'planned', written_at = null, retry_at = null, step_number = 20",
    )
    .await;
    w.sql("delete from jobs.job where kind in ('outreach.write', 'outreach.send')").await;
    w.run_s(6 * 3_600).await;
    let touch = w.touch(0).await;
    assert_eq!(
        (touch.state.as_str(), touch.code.as_deref(), touch.enrolment.as_str()),
        ("failed", Some("stranded"), "paused")
    );
    let why = touch.detail.expect("a reason");
    assert!(why.contains("could not be written") && why.contains("The last try said: "), "{why}");
    assert_eq!(w.count("select revived::bigint from outreach.touch").await, 4);
    assert_eq!(w.count("select count(*) from outreach.activity where action = 'send_failed'").await, 1);
    let told =
        "select count(*) from control.notification where kind = 'failure' and dedupe_key like 'touch:%'";
    assert_eq!(w.count(told).await, 1);
    assert!(w.provider.kept().is_empty());
}

#[tokio::test]
async fn what_left_around_a_stop_is_read_by_an_index() {
    let w = World::new(Mode::Autopilot, 1).await;
    w.sql(
        "do $$ declare line text; begin
           set local enable_seqscan = off; set local enable_sort = off;
           for line in explain select intent_at from outreach.touch
               where ($T::uuid is null or tenant_id = $T) and (null::uuid is null or campaign_id = null)
                 and intent_at <= now() order by intent_at desc limit 1 loop
             if line like '%touch_intent_time%' then return; end if;
           end loop;
           raise exception 'no index';
         end $$",
    )
    .await;
}
