use super::bed::{Bad, Bed, Diary, Endless, Narrow, Note, Pack, registry, tenant};
use crate::control::{self, Halt};
use crate::worker::{Settings, Tally, Worker};
use crate::{Options, Registry, enqueue, enqueue_many, simulate};
use base::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

fn start(
    bed: &Bed,
    registry: Registry,
    settings: Settings,
) -> (JoinHandle<Result<Tally>>, CancellationToken) {
    let (db, registry, stop) = (bed.db.clone(), Arc::new(registry), CancellationToken::new());
    let shutdown = stop.clone();
    (tokio::spawn(async move { Worker { settings }.run(&db, &registry, &shutdown).await }), stop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_wakes_runs_everything_once_and_drains() {
    let bed = Bed::real().await;
    let diary = Diary::default();
    let (worker, stop) = start(&bed, registry(&diary), Settings::default());
    for t in 1..=5 {
        let mut cx = bed.tenant(tenant(t)).await;
        let jobs: Vec<Note> = (0..200).map(|n| Note(format!("{t}/{n}"))).collect();
        enqueue_many(&mut cx, &jobs, &Options::default()).await.unwrap();
        cx.commit().await.unwrap();
    }
    assert!(simulate::settled(&bed.db, Duration::from_secs(10)).await.unwrap());
    stop.cancel();
    let tally = worker.await.unwrap().unwrap();
    assert_eq!((tally.claimed, tally.finished, tally.lost), (1_000, 1_000, 0));
    let mut lines = diary.lines();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 1_000);
    assert_eq!(bed.count("select count(*) from jobs.job_done where outcome = 'succeeded'").await, 1_000);
    assert_eq!(bed.count("select count(*) from jobs.node").await, 0, "it signed off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_a_panic_and_bad_input_are_told_apart() {
    let bed = Bed::real().await;
    let (worker, stop) = start(&bed, registry(&Diary::default()), Settings::default());
    let mut cx = bed.tenant(tenant(1)).await;
    for bad in [Bad::Outside, Bad::Input, Bad::Panic] {
        enqueue(&mut cx, &bad).await.unwrap();
    }
    cx.commit().await.unwrap();
    assert!(simulate::settled(&bed.db, Duration::from_secs(10)).await.unwrap());
    stop.cancel();
    worker.await.unwrap().unwrap();
    assert_eq!(bed.count("select count(*) from jobs.job where state = 'scheduled' and failures = 1 and run_at > now() + interval '50 s'").await, 2);
    assert!(
        bed.text("select error from jobs.job where payload = '\"Panic\"'")
            .await
            .unwrap()
            .contains("a defect")
    );
    assert_eq!(bed.text("select outcome::text from jobs.job_done").await.unwrap(), "failed");
    assert_eq!(bed.count("select count(*) from kernel.fact where type = 'jobs.job.died'").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_a_running_job_brakes_it() {
    let bed = Bed::real().await;
    let diary = Diary::default();
    let (worker, stop) = start(&bed, registry(&diary), Settings::default());
    let mut cx = bed.tenant(tenant(1)).await;
    let id = enqueue(&mut cx, &Endless).await.unwrap();
    cx.commit().await.unwrap();
    diary.until("began").await;
    let mut cx = bed.tenant(tenant(1)).await;
    control::cancel(&mut cx, id, "enough").await.unwrap();
    cx.commit().await.unwrap();
    diary.until("braked").await;
    assert!(simulate::settled(&bed.db, Duration::from_secs(5)).await.unwrap());
    assert_eq!(bed.text("select outcome::text from jobs.job_done").await.unwrap(), "cancelled");
    stop.cancel();
    worker.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_switch_brakes_what_runs_within_a_second_and_holds_the_rest() {
    let bed = Bed::real().await;
    let diary = Diary::default();
    let (worker, stop) = start(&bed, registry(&diary), Settings::default());
    let mut cx = bed.tenant(tenant(1)).await;
    enqueue(&mut cx, &Endless).await.unwrap();
    cx.commit().await.unwrap();
    diary.until("began").await;
    let engaged = tokio::time::Instant::now();
    let mut cx = bed.system().await;
    let id = control::halt(&mut cx, Halt { cancels: true, reason: "stop".into(), ..Halt::default() })
        .await
        .unwrap();
    cx.commit().await.unwrap();
    diary.until("braked").await;
    assert!(engaged.elapsed() < Duration::from_secs(1), "{:?}", engaged.elapsed());
    let mut cx = bed.tenant(tenant(1)).await;
    enqueue(&mut cx, &Note("held".into())).await.unwrap();
    cx.commit().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(diary.count("held"), 0);
    assert_eq!(bed.count("select count(*) from jobs.job where state = 'ready' and failures = 0").await, 2);
    let mut cx = bed.system().await;
    control::resume(&mut cx, id).await.unwrap();
    cx.commit().await.unwrap();
    diary.until("held").await;
    stop.cancel();
    worker.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bounded_kind_keeps_its_bound_and_its_pace() {
    let bed = Bed::real().await;
    let diary = Diary::default();
    let registry = registry(&diary);
    registry.sync(&bed.db).await.unwrap();
    let mut cx = bed.tenant(tenant(1)).await;
    enqueue_many(&mut cx, &vec![Narrow; 10], &Options::default()).await.unwrap();
    cx.commit().await.unwrap();
    let began = tokio::time::Instant::now();
    let (worker, stop) = start(&bed, registry, Settings::default());
    assert!(simulate::settled(&bed.db, Duration::from_secs(10)).await.unwrap());
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "the end of a job wakes the next: {:?}",
        began.elapsed()
    );
    stop.cancel();
    worker.await.unwrap().unwrap();
    let (mut inside, mut most) = (0_i32, 0_i32);
    for line in diary.lines() {
        inside += if line == "in" { 1 } else { -1 };
        most = most.max(inside);
    }
    assert_eq!((most, diary.count("out")), (2, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_declared_dead_drops_its_work_and_comes_back_as_another() {
    let bed = Bed::real().await;
    let diary = Diary::default();
    let (worker, stop) = start(&bed, registry(&diary), Settings { heartbeat_ms: 50, ..Settings::default() });
    let mut cx = bed.tenant(tenant(1)).await;
    enqueue(&mut cx, &Endless).await.unwrap();
    cx.commit().await.unwrap();
    diary.until("began").await;
    let before = bed.text("select id::text from jobs.node").await.unwrap();
    let mut cx = bed.system().await;
    sqlx::query("delete from jobs.node").execute(cx.conn()).await.unwrap();
    crate::due::reap(&mut cx, 15).await.unwrap();
    cx.commit().await.unwrap();
    for _ in 0..300 {
        if diary.count("began") == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(diary.count("began"), 2, "the fresh node took it again");
    assert_ne!(bed.text("select id::text from jobs.node").await.unwrap(), before);
    stop.cancel();
    worker.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_one_tenant_run_as_one_call_and_each_has_an_end_of_its_own() {
    let bed = Bed::real().await;
    let diary = Diary::default();
    for t in 1..=2 {
        let mut cx = bed.tenant(tenant(t)).await;
        let all = [Pack::Fine, Pack::Inside, Pack::Later, Pack::Wrong, Pack::Away];
        let jobs: Vec<Pack> = all.iter().cycle().take(20).cloned().collect();
        enqueue_many(&mut cx, &jobs, &Options::default()).await.unwrap();
        cx.commit().await.unwrap();
    }
    let settings = Settings { concurrency: 64, ..Settings::default() };
    let (worker, stop) = start(&bed, registry(&diary), settings);
    assert!(simulate::settled(&bed.db, Duration::from_secs(10)).await.unwrap());
    stop.cancel();
    let tally = worker.await.unwrap().unwrap();
    assert_eq!((tally.claimed, tally.finished, tally.lost), (40, 40, 0));
    assert!(diary.lines().iter().all(|line| line.ends_with("of 1 tenants")), "{:?}", diary.lines());
    assert!(diary.count("8 of 1 tenants") >= 4, "{:?}", diary.lines());
    let ended = "select string_agg(outcome || ' ' || payload || ' ' || n, ', ' order by outcome, payload) from (
                   select outcome::text, payload #>> '{}' as payload, count(*) as n from jobs.job_done group by 1, 2) x";
    let ended = bed.text(ended).await.unwrap();
    assert_eq!(ended, "failed Wrong 8, succeeded Fine 8, succeeded Inside 8");
    let waits = "select string_agg(payload || ' ' || failures || ' ' || n, ', ' order by payload) from (
                   select payload #>> '{}' as payload, failures, count(*) as n from jobs.job where state = 'scheduled' group by 1, 2) x";
    assert_eq!(bed.text(waits).await.unwrap(), "Away 1 8, Later 0 8");
    assert_eq!(bed.count("select count(*) from kernel.fact where type = 'jobs.job.died'").await, 8);
}
