use super::bed::{Bad, Bed, Diary, Note, monday, registry, tenant};
use crate::schedule::{Misfire, Schedule};
use crate::{Job, Options, Registry, Run, control, enqueue, enqueue_many, enqueue_with, simulate};
use base::{Error, Result, Zone};
use serde::{Deserialize, Serialize};

#[tokio::test]
async fn a_job_that_keeps_failing_is_tried_four_times_then_dead_and_can_be_retried() {
    let bed = Bed::virtual_clock().await;
    let diary = Diary::default();
    let registry = registry(&diary);
    let mut cx = bed.tenant(tenant(1)).await;
    let id = enqueue(&mut cx, &Bad::Outside).await.unwrap();
    cx.commit().await.unwrap();
    let until = monday().plus_s(60);
    simulate::run_until(&bed.db, &registry, &bed.clock, until, |_| true).await.unwrap();
    simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_s(3_600), |_| true).await.unwrap();
    assert_eq!(diary.lines(), ["try 0", "try 1", "try 2", "try 3"]);
    assert_eq!(bed.text("select outcome::text from jobs.job_done").await.unwrap(), "dead");
    let span =
        bed.count("select extract(epoch from finished_at - created_at)::bigint from jobs.job_done").await;
    assert!((1_260..=1_386).contains(&span), "{span} s from the first try to the last");
    assert_eq!(bed.count("select count(*) from kernel.fact where type = 'jobs.job.died'").await, 1);
    let mut cx = bed.tenant(tenant(1)).await;
    control::retry(&mut cx, id).await.unwrap();
    cx.commit().await.unwrap();
    simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_s(3_601), |_| true).await.unwrap();
    assert_eq!(diary.count("try 0"), 2);
}

#[tokio::test]
async fn a_week_passes_at_once_and_the_same_seed_gives_the_same_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let bed = Bed::virtual_seeded(42).await;
        let diary = Diary::default();
        let mut registry = registry(&diary);
        registry.schedule(
            Schedule::new("six", "0 6 * * *", Zone::sydney(), Misfire::Once, &Note("six".into())).unwrap(),
        );
        registry.on_fact::<Note>("lead.added", |f| Some(Note(format!("fact {}", f.payload["n"]))));
        registry.sync(&bed.db).await.unwrap();
        for t in 1..=3 {
            let mut cx = bed.tenant(tenant(t)).await;
            for n in 0..20 {
                let at = Some(monday().plus_s(i64::from(n) * 1_000));
                enqueue_with(&mut cx, &Note(format!("{t}/{n}")), Options { at, ..Options::default() })
                    .await
                    .unwrap();
            }
            let facts = (0..3).map(|n| db::Fact {
                kind: "lead.added",
                subject: None,
                payload: serde_json::json!({"n": n}),
            });
            cx.publish_all(facts.collect()).await.unwrap();
            cx.commit().await.unwrap();
        }
        let p = simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_days(7), |_| true)
            .await
            .unwrap();
        assert_eq!((p.ran, p.now), (60 + 9 + 7, monday().plus_days(7)));
        let mut sorted = diary.lines();
        sorted.sort_by_key(|l| l.split(' ').next().unwrap().to_owned());
        assert_eq!(sorted, diary.lines(), "in the order of virtual time");
        runs.push(diary.lines());
    }
    assert_eq!(runs[0], runs[1]);
}

/// Engages a halt on everything.
#[derive(Serialize, Deserialize)]
struct Pull;

impl Job for Pull {
    const KIND: &'static str = "test.pull";
    type State = ();
    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        control::halt(&mut cx, control::Halt { reason: "pulled".into(), ..Default::default() }).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

#[tokio::test]
async fn a_switch_pulled_by_a_simulated_job_stops_those_claimed_behind_it() {
    let bed = Bed::virtual_clock().await;
    let diary = Diary::default();
    let mut registry = registry(&diary);
    registry.register::<Pull>(());
    let mut cx = bed.tenant(tenant(1)).await;
    enqueue_with(&mut cx, &Pull, Options { priority: crate::Priority::Urgent, ..Options::default() })
        .await
        .unwrap();
    enqueue_many(&mut cx, &vec![Note("x".into()); 5], &Options::default()).await.unwrap();
    cx.commit().await.unwrap();
    simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_s(10), |_| true).await.unwrap();
    assert_eq!(diary.lines(), Vec::<String>::new());
    assert_eq!(bed.count("select count(*) from jobs.job where state = 'ready'").await, 5);
    assert_eq!(
        bed.count("select count(*) from jobs.job_done").await,
        1,
        "the job itself ended in its transaction"
    );
}

#[derive(Serialize, Deserialize)]
struct Later;

impl Job for Later {
    const KIND: &'static str = "test.later";
    type State = Diary;
    async fn run(self, run: &Run, diary: &Diary) -> Result<()> {
        diary.write("looked");
        if diary.count("looked") < 3 {
            run.snooze(run.db().clock().now().plus_s(600));
            return Ok(());
        }
        if run.failures() > 0 {
            return Err(Error::internal("A snooze was counted as a failure."));
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_job_may_put_itself_off_without_failing_and_a_deadline_cancels() {
    let bed = Bed::virtual_clock().await;
    let diary = Diary::default();
    let mut registry = Registry::new();
    registry.register::<Later>(diary.clone()).register::<Note>(diary.clone());
    let mut cx = bed.tenant(tenant(1)).await;
    enqueue(&mut cx, &Later).await.unwrap();
    let (at, deadline) = (Some(monday().plus_s(50)), Some(monday().plus_s(40)));
    enqueue_with(&mut cx, &Note("late".into()), Options { at, deadline, ..Options::default() })
        .await
        .unwrap();
    cx.commit().await.unwrap();
    simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_s(3_600), |_| true).await.unwrap();
    assert_eq!(diary.lines(), ["looked", "looked", "looked"]);
    assert_eq!(bed.count("select count(*) from jobs.job_done where outcome = 'cancelled'").await, 1);
    assert_eq!(bed.count("select count(*) from jobs.job_done where outcome = 'succeeded' and finished_at = created_at + interval '20 min'").await, 1);
}
