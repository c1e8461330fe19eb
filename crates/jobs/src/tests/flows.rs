use super::bed::{Bed, Diary, Note, monday, registry, tenant};
use crate::flow::{self, APPROVAL_DECIDED, Flow, Steps};
use crate::worker::{Settings, Worker};
use crate::{JobId, Options, Outcome, Retry, control, due, simulate};
use base::{Error, Result};
use db::Fact;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Two steps; the second hangs the first time.
#[derive(Serialize, Deserialize)]
struct Crash;

impl Flow for Crash {
    const KIND: &'static str = "test.crash";
    const VERSION: i32 = 1;
    type State = Diary;
    async fn run(&self, steps: &Steps<'_>, diary: &Diary) -> Result<()> {
        let n: u32 = steps
            .step("one", || async {
                diary.write("one");
                Ok(41)
            })
            .await?;
        steps
            .step("two", || async {
                diary.write("two");
                if diary.count("two") == 1 {
                    std::future::pending::<()>().await;
                }
                Ok(())
            })
            .await?;
        diary.write(format!("end {}", n + 1));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_a_flow_goes_on_behind_its_last_remembered_step() {
    let bed = Bed::real().await;
    let diary = Diary::default();
    let mut registry = registry(&diary);
    registry.register_flow::<Crash>(diary.clone());
    let registry = Arc::new(registry);
    let mut cx = bed.tenant(tenant(1)).await;
    flow::start(&mut cx, Crash, Options::default()).await.unwrap();
    cx.commit().await.unwrap();
    let spawn = |settings: Settings| {
        let (db, registry) = (bed.db.clone(), Arc::clone(&registry));
        tokio::spawn(async move { Worker { settings }.run(&db, &registry, &CancellationToken::new()).await })
    };
    let first = spawn(Settings::default());
    diary.until("two").await;
    first.abort();
    let _aborted = first.await;
    let mut cx = bed.system().await;
    sqlx::query("update jobs.node set seen_at = now() - interval '1 h'").execute(cx.conn()).await.unwrap();
    assert_eq!(due::reap(&mut cx, 15).await.unwrap(), 1);
    cx.commit().await.unwrap();
    let second = spawn(Settings::default());
    diary.until("end 42").await;
    assert!(simulate::settled(&bed.db, Duration::from_secs(5)).await.unwrap());
    assert_eq!(diary.lines(), ["one", "two", "two", "end 42"]);
    second.abort();
}

/// Sleeps, waits for two replies and an approval, runs children side by side.
#[derive(Serialize, Deserialize)]
struct Long {
    about: uuid::Uuid,
}

impl Flow for Long {
    const KIND: &'static str = "test.long";
    const VERSION: i32 = 1;
    type State = Diary;
    async fn run(&self, steps: &Steps<'_>, diary: &Diary) -> Result<()> {
        steps.sleep_until("three days", monday().plus_days(3)).await?;
        let first = steps.wait_fact("first", "reply", Some(self.about), None).await?.map(|f| f.payload);
        let second = steps.wait_fact("second", "reply", Some(self.about), None).await?.map(|f| f.payload);
        let late = steps.wait_approval("approval", self.about, Some(monday().plus_days(5))).await?;
        let ends = steps
            .all(
                [("a", "child a"), ("b", "child b")]
                    .map(|(key, name)| async move { steps.child(key, &Note(name.to_owned())).await }),
            )
            .await?;
        assert_eq!(ends, [Outcome::Succeeded, Outcome::Succeeded]);
        steps
            .step("tell", || async {
                diary.write(format!("{first:?} {second:?} {}", late.is_none()));
                Ok(())
            })
            .await
    }
}

#[tokio::test]
async fn a_flow_waits_for_days_facts_and_children_without_a_worker() {
    let bed = Bed::virtual_clock().await;
    let diary = Diary::default();
    let mut registry = registry(&diary);
    registry.register_flow::<Long>(diary.clone());
    let about = tenant(9).uuid();
    let publish = async |kind, n: i64| {
        let mut cx = bed.tenant(tenant(1)).await;
        cx.publish(Fact::about(kind, about).with(serde_json::json!(n))).await.unwrap();
        cx.commit().await.unwrap();
    };
    publish("reply", 0).await; // before the flow: not its business
    bed.clock.advance_s(1);
    let mut cx = bed.tenant(tenant(1)).await;
    let id = flow::start(&mut cx, Long { about }, Options::default()).await.unwrap();
    cx.commit().await.unwrap();
    simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_days(1), |_| true).await.unwrap();
    assert_eq!(bed.count("select count(*) from jobs.job where state = 'waiting' and node is null").await, 1);
    publish("reply", 1).await; // before the wait is stored, but the flow's own
    simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_days(4), |_| true).await.unwrap();
    let mut cx = bed.tenant(tenant(1)).await;
    let timeline = control::timeline(&mut cx, id).await.unwrap();
    assert_eq!(timeline.steps.iter().map(|s| s.key.as_str()).collect::<Vec<_>>(), ["three days", "first"]);
    assert_eq!(timeline.waits[0].key, "second");
    drop(cx);
    publish("reply", 2).await;
    simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_days(6), |_| true).await.unwrap();
    assert_eq!(diary.lines().last().unwrap(), "Some(Number(1)) Some(Number(2)) true");
    assert_eq!(diary.lines().len(), 3, "{:?}", diary.lines());
    assert_eq!(bed.count("select count(*) from jobs.job_done where outcome = 'succeeded'").await, 3);
    assert_eq!(bed.count("select count(*) from jobs.wait").await, 0);
}

/// Books and pays, then fails or waits for an approval.
#[derive(Serialize, Deserialize)]
struct Saga {
    wait: bool,
}

impl Flow for Saga {
    const KIND: &'static str = "test.saga";
    const VERSION: i32 = 1;
    type State = Diary;
    fn retry() -> Retry {
        Retry::after_s(&[10])
    }
    async fn run(&self, steps: &Steps<'_>, diary: &Diary) -> Result<()> {
        for act in ["book", "pay"] {
            steps
                .step(act, || async {
                    diary.write(act);
                    Ok(())
                })
                .await?;
            let diary = diary.clone();
            steps.on_failure(act, move || async move {
                diary.write(format!("undo {act}"));
                Ok(())
            });
        }
        if self.wait {
            steps.wait_fact("ok", APPROVAL_DECIDED, None, None).await?;
        }
        steps
            .step("ship", || async {
                diary.write("ship");
                Err::<(), _>(Error::unavailable("test.away", "No lorry."))
            })
            .await
    }
}

async fn saga(wait: bool) -> (Bed, Diary, crate::Registry, JobId) {
    let bed = Bed::virtual_clock().await;
    let diary = Diary::default();
    let mut registry = registry(&diary);
    registry.register_flow::<Saga>(diary.clone());
    let mut cx = bed.tenant(tenant(1)).await;
    let id = flow::start(&mut cx, Saga { wait }, Options::default()).await.unwrap();
    cx.commit().await.unwrap();
    simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_s(100), |_| true).await.unwrap();
    (bed, diary, registry, id)
}

#[tokio::test]
async fn a_flow_that_fails_for_good_undoes_its_steps_in_reverse() {
    let (bed, diary, _, _) = saga(false).await;
    assert_eq!(diary.lines(), ["book", "pay", "ship", "ship", "undo pay", "undo book"]);
    assert_eq!(bed.text("select outcome::text from jobs.job_done").await.unwrap(), "dead");
}

#[tokio::test]
async fn a_cancelled_parked_flow_is_undone_and_ends_as_cancelled() {
    let (bed, diary, registry, id) = saga(true).await;
    assert_eq!(diary.lines(), ["book", "pay"]);
    let mut cx = bed.tenant(tenant(1)).await;
    control::cancel(&mut cx, id, "changed my mind").await.unwrap();
    cx.commit().await.unwrap();
    simulate::run_until(&bed.db, &registry, &bed.clock, monday().plus_s(200), |_| true).await.unwrap();
    assert_eq!(diary.lines(), ["book", "pay", "undo pay", "undo book"]);
    assert_eq!(bed.text("select outcome::text from jobs.job_done").await.unwrap(), "cancelled");
}

macro_rules! versions {
    ($name:ident, $version:literal, $first:literal) => {
        #[derive(Serialize, Deserialize)]
        struct $name;
        impl Flow for $name {
            const KIND: &'static str = "test.versions";
            const VERSION: i32 = $version;
            type State = Diary;
            async fn run(&self, steps: &Steps<'_>, diary: &Diary) -> Result<()> {
                steps.step($first, || async { Ok(()) }).await?;
                steps.sleep_until("nap", monday().plus_s(60)).await?;
                diary.write(concat!("ended ", $first));
                Ok(())
            }
        }
    };
}
versions!(One, 1, "a");
versions!(Changed, 1, "b");
versions!(Two, 2, "b");

#[tokio::test]
async fn a_flow_stays_on_its_version_and_a_changed_one_fails_loudly() {
    for (changed, line, outcome) in [(false, Some("ended a"), "succeeded"), (true, None, "failed")] {
        let bed = Bed::virtual_clock().await;
        let diary = Diary::default();
        let mut before = crate::Registry::new();
        before.register_flow::<One>(diary.clone());
        let mut cx = bed.tenant(tenant(1)).await;
        flow::start(&mut cx, One, Options::default()).await.unwrap();
        cx.commit().await.unwrap();
        simulate::run_until(&bed.db, &before, &bed.clock, monday().plus_s(10), |_| true).await.unwrap();
        let mut after = crate::Registry::new();
        if changed {
            after.register_flow::<Changed>(diary.clone());
        } else {
            after.register_flow::<One>(diary.clone()).register_flow::<Two>(diary.clone());
        }
        simulate::run_until(&bed.db, &after, &bed.clock, monday().plus_s(100), |_| true).await.unwrap();
        assert_eq!(diary.lines().last().map(String::as_str), line);
        assert_eq!(bed.text("select outcome::text from jobs.job_done").await.unwrap(), outcome);
    }
}
