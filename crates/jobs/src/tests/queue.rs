use super::bed::{Bed, Diary, Note, Pack, registry, tenant};
use crate::control::{self, Halt};
use crate::store::{self, Batch, End, Turn};
use crate::{Job, JobId, NodeId, Options, Outcome, Priority, Run, due, enqueue, enqueue_many, enqueue_with};
use base::Result;
use db::Fact;

async fn node(bed: &Bed) -> NodeId {
    let mut cx = bed.system().await;
    let id: NodeId = cx.id();
    sqlx::query("insert into jobs.node (id, roles, version) values ($1, '{worker}', 'test')")
        .bind(id.uuid())
        .execute(cx.conn())
        .await
        .unwrap();
    cx.commit().await.unwrap();
    id
}

async fn claim(bed: &Bed, node: NodeId, wanted: i32, turn: &mut Turn) -> Batch {
    let mut cx = bed.system().await;
    let now = cx.now();
    let batch = store::claim(cx.conn(), node, wanted, turn, None, now).await.unwrap();
    cx.commit().await.unwrap();
    batch
}

async fn end(bed: &Bed, node: NodeId, id: JobId, attempt: i32) -> usize {
    let mut cx = bed.system().await;
    let now = cx.now();
    let ends = [End { id, attempt, outcome: Outcome::Succeeded, error: None }];
    let ours = store::end(cx.conn(), node, &ends, now).await.unwrap().len();
    cx.commit().await.unwrap();
    ours
}

async fn notes(bed: &Bed, tenant_no: u8, count: usize) -> Vec<JobId> {
    let mut cx = bed.tenant(tenant(tenant_no)).await;
    let jobs: Vec<Note> = (0..count).map(|n| Note(format!("{tenant_no}/{n}"))).collect();
    let ids = enqueue_many(&mut cx, &jobs, &Options::default()).await.unwrap();
    cx.commit().await.unwrap();
    ids
}

#[tokio::test]
async fn a_job_appears_and_vanishes_with_its_transaction() {
    let bed = Bed::real().await;
    let mut cx = bed.tenant(tenant(1)).await;
    enqueue(&mut cx, &Note("a".into())).await.unwrap();
    cx.rollback().await.unwrap();
    assert_eq!(bed.count("select count(*) from jobs.job").await, 0);
    notes(&bed, 1, 3).await;
    assert_eq!(bed.count("select count(*) from jobs.job where state = 'ready'").await, 3);
}

#[tokio::test]
async fn a_tenant_sees_only_its_own_jobs() {
    let bed = Bed::real().await;
    notes(&bed, 1, 2).await;
    let mut cx = bed.system().await;
    enqueue(&mut cx, &Note("ours".into())).await.unwrap();
    cx.commit().await.unwrap();
    let mut cx = bed.tenant(tenant(2)).await;
    assert!(control::jobs(&mut cx, &control::JobFilter::default(), None, 10).await.unwrap().rows.is_empty());
    let mut cx = bed.tenant(tenant(1)).await;
    assert_eq!(control::jobs(&mut cx, &control::JobFilter::default(), None, 10).await.unwrap().rows.len(), 2);
    let mut cx = bed.system().await;
    let first = control::jobs(&mut cx, &control::JobFilter::default(), None, 2).await.unwrap();
    let rest = control::jobs(&mut cx, &control::JobFilter::default(), first.next.as_ref(), 2).await.unwrap();
    assert_eq!((first.rows.len(), rest.rows.len(), rest.next), (2, 1, None));
}

#[tokio::test]
async fn a_unique_key_admits_one_live_job_for_each_tenant() {
    let bed = Bed::real().await;
    let keyed = || Options { unique_key: Some("k".into()), ..Options::default() };
    let mut cx = bed.tenant(tenant(1)).await;
    let first = enqueue_with(&mut cx, &Note("a".into()), keyed()).await.unwrap();
    let again = enqueue_with(&mut cx, &Note("b".into()), keyed()).await.unwrap();
    cx.commit().await.unwrap();
    assert_eq!(first, again);
    let mut cx = bed.tenant(tenant(2)).await;
    let other = enqueue_with(&mut cx, &Note("c".into()), keyed()).await.unwrap();
    cx.commit().await.unwrap();
    assert_ne!(first, other);
    let n = node(&bed).await;
    for job in claim(&bed, n, 10, &mut Turn::default()).await.jobs {
        assert_eq!(end(&bed, n, job.id, job.attempt).await, 1);
    }
    let mut cx = bed.tenant(tenant(1)).await;
    assert_ne!(enqueue_with(&mut cx, &Note("d".into()), keyed()).await.unwrap(), first);
}

#[tokio::test]
async fn tenants_take_turns_whatever_the_length_of_their_queues() {
    let bed = Bed::real().await;
    notes(&bed, 1, 500).await;
    notes(&bed, 2, 30).await;
    notes(&bed, 3, 5).await;
    let n = node(&bed).await;
    let mut turn = Turn::default();
    let batch = claim(&bed, n, 30, &mut turn).await.jobs;
    let of = |t: u8| batch.iter().filter(|j| j.tenant == Some(tenant(t).uuid())).count();
    assert_eq!((of(1), of(2), of(3)), (10, 10, 5));
    // One at a time, the turn goes round.
    let mut turn = Turn::default();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.extend(
            claim(&bed, n, 1, &mut turn).await.jobs.into_iter().map(|j| j.tenant.unwrap().as_bytes()[0]),
        );
    }
    seen.sort_unstable();
    assert!(seen.contains(&1) && seen.contains(&2), "{seen:?}");
}

#[tokio::test]
async fn an_urgent_job_goes_first_and_a_low_one_is_not_starved_for_ever() {
    let bed = Bed::virtual_clock().await;
    let put = async |name: &str, priority| {
        let mut cx = bed.tenant(tenant(1)).await;
        enqueue_with(&mut cx, &Note(name.into()), Options { priority, ..Options::default() }).await.unwrap();
        cx.commit().await.unwrap();
    };
    put("low", Priority::Low).await;
    put("normal", Priority::Normal).await;
    put("urgent", Priority::Urgent).await;
    bed.clock.advance_s(2 * 3_600);
    put("much later", Priority::Normal).await;
    let n = node(&bed).await;
    let order: Vec<String> =
        claim(&bed, n, 10, &mut Turn::default()).await.jobs.into_iter().map(|j| j.payload).collect();
    assert_eq!(order, ["\"urgent\"", "\"normal\"", "\"low\"", "\"much later\""]);
}

#[tokio::test]
async fn a_late_answer_of_a_lost_lease_changes_nothing() {
    let bed = Bed::real().await;
    let id = notes(&bed, 1, 1).await[0];
    let (one, two) = (node(&bed).await, node(&bed).await);
    let held = claim(&bed, one, 1, &mut Turn::default()).await.jobs.remove(0);
    let mut cx = bed.system().await;
    sqlx::query("update jobs.node set seen_at = now() - interval '16 s' where id = $1")
        .bind(one.uuid())
        .execute(cx.conn())
        .await
        .unwrap();
    assert_eq!(due::reap(&mut cx, 15).await.unwrap(), 1);
    cx.commit().await.unwrap();
    assert_eq!(end(&bed, one, id, held.attempt).await, 0, "lost and not yet taken again");
    let again = claim(&bed, two, 1, &mut Turn::default()).await.jobs.remove(0);
    assert_eq!((again.id, again.attempt), (id, held.attempt + 1));
    assert_eq!(end(&bed, one, id, held.attempt).await, 0, "another node has it");
    assert_eq!(end(&bed, one, id, again.attempt).await, 0, "the attempt alone is not enough");
    let run = Run::new(bed.db.clone(), one, held.clone(), &crate::exec::Brake::default());
    let mut cx = run.begin().await.unwrap();
    assert_eq!(run.complete_in(&mut cx).await.unwrap_err().code(), "job.lease_lost");
    assert_eq!(bed.count("select count(*) from jobs.job_done").await, 0);
    assert_eq!(end(&bed, two, id, again.attempt).await, 1);
    assert_eq!(end(&bed, two, id, again.attempt).await, 0, "ends once");
}

#[tokio::test]
async fn what_is_paused_is_not_claimed_until_it_is_resumed() {
    let bed = Bed::real().await;
    notes(&bed, 1, 2).await;
    notes(&bed, 2, 2).await;
    let n = node(&bed).await;
    let halted = [
        (Halt { tenant: Some(tenant(1).uuid()), reason: "r".into(), ..Halt::default() }, 2),
        (Halt { queue: Some("default".into()), reason: "r".into(), ..Halt::default() }, 0),
        (Halt { kind_prefix: Some("test.".into()), reason: "r".into(), ..Halt::default() }, 0),
        (Halt { kind_prefix: Some("other.".into()), reason: "r".into(), ..Halt::default() }, 4),
        (Halt { reason: "all".into(), ..Halt::default() }, 0),
    ];
    for (halt, expected) in halted {
        let text = format!("{halt:?}");
        let mut cx = bed.system().await;
        let id = control::halt(&mut cx, halt).await.unwrap();
        cx.commit().await.unwrap();
        let jobs = claim(&bed, n, 10, &mut Turn::default()).await.jobs;
        assert_eq!(jobs.len(), expected, "{text}");
        let mut cx = bed.system().await;
        let held: Vec<_> = jobs.iter().map(|j| (j.id, j.attempt)).collect();
        store::give_back(cx.conn(), n, &held).await.unwrap();
        control::resume(&mut cx, id).await.unwrap();
        cx.commit().await.unwrap();
    }
    assert_eq!(claim(&bed, n, 10, &mut Turn::default()).await.jobs.len(), 4);
    assert!(bed.count("select count(*) from audit.entry where subject_table = 'jobs.halt'").await >= 10);
}

#[tokio::test]
async fn a_waiting_job_can_be_cancelled_put_off_and_hurried() {
    let bed = Bed::real().await;
    let ids = notes(&bed, 1, 3).await;
    let mut cx = bed.tenant(tenant(1)).await;
    control::cancel(&mut cx, ids[0], "not wanted").await.unwrap();
    let later = cx.now().plus_days(1);
    control::snooze(&mut cx, ids[1], later).await.unwrap();
    control::set_priority(&mut cx, ids[2], Priority::Urgent).await.unwrap();
    assert!(control::cancel(&mut cx, ids[0], "twice").await.is_err());
    cx.commit().await.unwrap();
    assert_eq!(
        bed.text("select outcome::text || ' ' || error from jobs.job_done").await.unwrap(),
        "cancelled not wanted"
    );
    let n = node(&bed).await;
    assert_eq!(claim(&bed, n, 10, &mut Turn::default()).await.jobs.len(), 1);
    let mut cx = bed.tenant(tenant(1)).await;
    control::run_now(&mut cx, ids[1]).await.unwrap();
    cx.commit().await.unwrap();
    assert_eq!(claim(&bed, n, 10, &mut Turn::default()).await.jobs[0].id, ids[1]);
    let mut cx = bed.tenant(tenant(1)).await;
    control::retry(&mut cx, ids[0]).await.unwrap();
    cx.commit().await.unwrap();
    assert_eq!(claim(&bed, n, 10, &mut Turn::default()).await.jobs[0].id, ids[0]);
    assert_eq!(bed.count("select count(*) from audit.entry where action like 'job.%'").await, 5);
}

#[tokio::test]
async fn a_lane_never_runs_more_than_its_bound() {
    let bed = Bed::real().await;
    let mut cx = bed.system().await;
    control::bound_lane(&mut cx, "default", None, 3).await.unwrap();
    control::bound_lane(&mut cx, "default", Some(tenant(2).uuid()), 1).await.unwrap();
    cx.commit().await.unwrap();
    notes(&bed, 1, 10).await;
    notes(&bed, 2, 10).await;
    let n = node(&bed).await;
    let batch = claim(&bed, n, 20, &mut Turn::default()).await.jobs;
    let of = |t: u8| batch.iter().filter(|j| j.tenant == Some(tenant(t).uuid())).count();
    assert_eq!((of(1), of(2)), (3, 1));
    assert!(claim(&bed, n, 20, &mut Turn::default()).await.jobs.is_empty());
    end(&bed, n, batch[0].id, batch[0].attempt).await;
    assert_eq!(claim(&bed, n, 20, &mut Turn::default()).await.jobs.len(), 1);
}

#[tokio::test]
async fn a_fact_starts_its_job_in_its_own_transaction() {
    let bed = Bed::real().await;
    let diary = Diary::default();
    let mut registry = registry(&diary);
    registry.on_fact::<Note>("lead.*", |fact| Some(Note(format!("{} {}", fact.kind, fact.payload["n"]))));
    registry.sync(&bed.db).await.unwrap();
    let publish = async |kind| {
        let mut cx = bed.tenant(tenant(1)).await;
        let subject: uuid::Uuid = cx.id();
        cx.publish(Fact::about(kind, subject).with(serde_json::json!({"n": 7}))).await.unwrap();
        cx
    };
    publish("lead.added").await.rollback().await.unwrap();
    assert_eq!(bed.count("select count(*) from jobs.job").await, 0);
    publish("mail.sent").await.commit().await.unwrap();
    assert_eq!(bed.count("select count(*) from jobs.job").await, 0);
    publish("lead.added").await.commit().await.unwrap();
    assert_eq!(
        bed.count("select count(*) from jobs.job where cause = (select max(id) from kernel.fact)").await,
        1
    );
    let n = node(&bed).await;
    let job = claim(&bed, n, 1, &mut Turn::default()).await.jobs.remove(0);
    assert_eq!(job.tenant, Some(tenant(1).uuid()));
    let input = registry.input(Note::KIND, job.payload).unwrap().unwrap();
    assert_eq!(input, "\"lead.added 7\"");
}

#[tokio::test]
async fn the_claim_reads_by_index_only_however_long_the_history_is() -> Result<()> {
    let bed = Bed::real().await;
    notes(&bed, 1, 20_000).await;
    notes(&bed, 2, 20_000).await;
    let n = node(&bed).await;
    let mut cx = bed.system().await;
    sqlx::query("insert into jobs.job_done (id, tenant_id, run_at, created_at, finished_at, outcome, attempt, failures, boost_s, queue, kind, payload)
                 select gen_random_uuid(), null, now(), now(), now(), 'succeeded', 1, 0, 0, 'default', 'test.note', '{}' from generate_series(1, 100000)")
        .execute(cx.conn())
        .await?;
    cx.commit().await?;
    let scans = "select (seq_scan + coalesce(seq_tup_read, 0))::bigint from pg_stat_xact_user_tables where relid = 'jobs.job'::regclass";
    let mut cx = bed.system().await;
    let now = cx.now();
    let batch = store::claim(cx.conn(), n, 100, &mut Turn::default(), None, now).await?;
    assert_eq!(batch.jobs.len(), 100);
    let scanned: i64 = sqlx::query_scalar(scans).fetch_one(cx.conn()).await?;
    assert_eq!(scanned, 0, "the claim scanned the table");
    let ends: Vec<End> = batch
        .jobs
        .iter()
        .map(|j| End { id: j.id, attempt: j.attempt, outcome: Outcome::Succeeded, error: None })
        .collect();
    assert_eq!(store::end(cx.conn(), n, &ends, now).await?.len(), 100);
    let read: i64 = sqlx::query_scalar(
        "select idx_tup_fetch::bigint from pg_stat_xact_user_tables where relid = 'jobs.job'::regclass",
    )
    .fetch_one(cx.conn())
    .await?;
    assert!(read < 2_000, "{read} rows were read for a hundred jobs");
    assert_eq!(
        sqlx::query_scalar::<_, i64>(scans).fetch_one(cx.conn()).await?,
        0,
        "the end scanned the table"
    );
    Ok(())
}

#[tokio::test]
async fn an_effect_goes_no_further_once_the_lease_is_over_by_the_workers_own_clock() {
    let bed = Bed::real().await;
    notes(&bed, 1, 1).await;
    let lease = crate::lease::Lease::new(std::time::Duration::from_millis(120));
    let brake = crate::exec::Brake::under(lease.clone());
    let n = node(&bed).await;
    let claimed = claim(&bed, n, 1, &mut Turn::default()).await.jobs.remove(0);
    let run = Run::new(bed.db.clone(), n, claimed, &brake);
    let steps = std::sync::atomic::AtomicUsize::new(0);
    let effect = || async {
        for _ in 0..2 {
            steps.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            // As a process that is stopped: no task of it runs, and its clock goes on.
            std::thread::sleep(std::time::Duration::from_millis(150));
            tokio::task::yield_now().await;
        }
    };
    let error = run.fenced(effect()).await.expect_err("the lease passed between the steps");
    assert_eq!((error.code(), steps.load(std::sync::atomic::Ordering::Relaxed)), ("job.lease_lost", 1));
    lease.renew(tokio::time::Instant::now(), std::time::Duration::from_secs(60));
    run.fenced(effect()).await.expect("it is held");
    lease.end();
    assert!(run.fenced(async {}).await.is_err());
}

#[tokio::test]
async fn a_batch_ends_only_the_jobs_that_it_still_holds() {
    let bed = Bed::real().await;
    let mut cx = bed.tenant(tenant(1)).await;
    enqueue_many(&mut cx, &[Pack::Fine, Pack::Fine, Pack::Fine], &Options::default()).await.unwrap();
    cx.commit().await.unwrap();
    let (one, two) = (node(&bed).await, node(&bed).await);
    let claimed = claim(&bed, one, 3, &mut Turn::default()).await.jobs;
    // The second job's worker was thought dead, and another one has it now.
    let mut cx = bed.system().await;
    store::give_back(cx.conn(), one, &[(claimed[1].id, claimed[1].attempt)]).await.unwrap();
    cx.commit().await.unwrap();
    assert_eq!(claim(&bed, two, 3, &mut Turn::default()).await.jobs.len(), 1);
    let runs: Vec<Run> = claimed
        .iter()
        .map(|job| Run::new(bed.db.clone(), one, job.clone(), &crate::exec::Brake::default()))
        .collect();
    let all: Vec<&Run> = runs.iter().collect();
    let mut cx = bed.system().await;
    let held = Run::hold_all(&mut cx, &all).await.unwrap();
    assert_eq!(held, [claimed[0].id, claimed[2].id].into());
    assert_eq!(Run::complete_all(&mut cx, &all).await.unwrap(), 2);
    cx.commit().await.unwrap();
    assert_eq!(runs.iter().map(Run::ended_inside).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(bed.count("select count(*) from jobs.job where state = 'running'").await, 1);
}
