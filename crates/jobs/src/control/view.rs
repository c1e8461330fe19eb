//! What the Operations page shows. A tenant's transaction sees its own rows; a system one sees all.

use super::HaltId;
use crate::job::{JobId, NodeId, Outcome, State};
use base::{Cursor, Page, Result, Time};
use db::Cx;
use serde::Serialize;
use uuid::Uuid;

/// A live job in a list.
#[derive(Clone, Debug, Serialize)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// Whose; none for the installation's own.
    pub tenant_id: Option<Uuid>,
    /// Its queue.
    pub queue: String,
    /// Its kind.
    pub kind: String,
    /// Where it stands.
    pub state: State,
    /// When it is due.
    pub run_at: Time,
    /// When it was enqueued.
    pub created_at: Time,
    /// When its present try began.
    pub started_at: Option<Time>,
    /// Claims so far.
    pub attempt: i32,
    /// Failed tries so far.
    pub failures: i32,
    /// Why the last try failed.
    pub error: Option<String>,
    /// How far it is.
    pub done_count: Option<i64>,
    /// Out of how much.
    pub done_total: Option<i64>,
    /// Whether its cancellation is under way.
    pub cancel_requested: bool,
}

/// Which live jobs to list.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// In this state.
    pub state: Option<State>,
    /// Of this queue.
    pub queue: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
}

fn after(cursor: Option<&Cursor>) -> Result<Option<Uuid>> {
    cursor.map(|c| c.parts().map(|(_, id)| id)).transpose()
}

/// Live jobs, newest first.
pub async fn jobs(
    cx: &mut Cx,
    filter: &JobFilter,
    cursor: Option<&Cursor>,
    limit: u16,
) -> Result<Page<JobRow>> {
    let rows = sqlx::query!(
        r#"select id, tenant_id, queue, kind, state::text as "state!", run_at, created_at, started_at, attempt, failures, error,
                  done_count, done_total, cancel_requested
           from jobs.job
           where ($1::uuid is null or id < $1) and ($2::text is null or state = $2::text::jobs.state)
             and ($3::text is null or queue = $3) and ($4::text is null or kind = $4)
           order by id desc limit $5"#,
        after(cursor)?,
        filter.state.map(State::word),
        filter.queue,
        filter.kind,
        i64::from(limit) + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let rows = rows
        .into_iter()
        .map(|r| {
            Ok(JobRow {
                id: JobId(r.id),
                tenant_id: r.tenant_id,
                queue: r.queue,
                kind: r.kind,
                state: r.state.parse()?,
                run_at: r.run_at,
                created_at: r.created_at,
                started_at: r.started_at,
                attempt: r.attempt,
                failures: r.failures,
                error: r.error,
                done_count: r.done_count,
                done_total: r.done_total,
                cancel_requested: r.cancel_requested,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, usize::from(limit), |r| Cursor::after("", r.id.uuid())))
}

/// A finished job in a list.
#[derive(Clone, Debug, Serialize)]
pub struct DoneRow {
    /// Its id.
    pub id: JobId,
    /// Whose; none for the installation's own.
    pub tenant_id: Option<Uuid>,
    /// Its queue.
    pub queue: String,
    /// Its kind.
    pub kind: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, when it did not succeed.
    pub error: Option<String>,
    /// Claims that it took.
    pub attempt: i32,
    /// When it was enqueued.
    pub created_at: Time,
    /// When its last try began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Time,
}

/// Which finished jobs to list.
#[derive(Clone, Debug, Default)]
pub struct DoneFilter {
    /// That ended so.
    pub outcome: Option<Outcome>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Only those that did not succeed.
    pub trouble: bool,
}

/// Finished jobs, latest enqueued first.
pub async fn done(
    cx: &mut Cx,
    filter: &DoneFilter,
    cursor: Option<&Cursor>,
    limit: u16,
) -> Result<Page<DoneRow>> {
    let rows = sqlx::query!(
        r#"select id, tenant_id, queue, kind, outcome::text as "outcome!", error, attempt, created_at, started_at, finished_at
           from jobs.job_done
           where ($1::uuid is null or id < $1) and ($2::text is null or outcome = $2::text::jobs.outcome)
             and ($3::text is null or kind = $3) and (not $4 or outcome <> 'succeeded')
           order by id desc limit $5"#,
        after(cursor)?,
        filter.outcome.map(Outcome::word),
        filter.kind,
        filter.trouble,
        i64::from(limit) + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let rows = rows
        .into_iter()
        .map(|r| {
            Ok(DoneRow {
                id: JobId(r.id),
                tenant_id: r.tenant_id,
                queue: r.queue,
                kind: r.kind,
                outcome: r.outcome.parse()?,
                error: r.error,
                attempt: r.attempt,
                created_at: r.created_at,
                started_at: r.started_at,
                finished_at: r.finished_at,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, usize::from(limit), |r| Cursor::after("", r.id.uuid())))
}

/// One queue at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct QueueCount {
    /// The queue.
    pub queue: String,
    /// Jobs whose time has not come.
    pub scheduled: i64,
    /// Jobs that could run.
    pub ready: i64,
    /// Jobs that run.
    pub running: i64,
    /// Parked flows.
    pub waiting: i64,
    /// When the longest-waiting ready job was due.
    pub oldest_ready: Option<Time>,
}

/// Live counts of each queue.
pub async fn queues(cx: &mut Cx) -> Result<Vec<QueueCount>> {
    Ok(sqlx::query_as!(
        QueueCount,
        r#"select queue, count(*) filter (where state = 'scheduled') as "scheduled!", count(*) filter (where state = 'ready') as "ready!",
                  count(*) filter (where state = 'running') as "running!", count(*) filter (where state = 'waiting') as "waiting!",
                  min(run_at) filter (where state = 'ready') as "oldest_ready: Time"
           from jobs.job group by queue order by queue"#
    )
    .fetch_all(cx.conn())
    .await?)
}

/// How a kind did in a period.
#[derive(Clone, Debug, Serialize)]
pub struct KindStats {
    /// The kind.
    pub kind: String,
    /// Jobs that ended.
    pub ended: i64,
    /// Of those, jobs that succeeded.
    pub succeeded: i64,
    /// Of those, jobs that failed or died.
    pub failed: i64,
    /// Median from due to start of the last try, in milliseconds.
    pub wait_p50_ms: Option<f64>,
    /// The 95th percentile of the same.
    pub wait_p95_ms: Option<f64>,
    /// Median run time of the last try, in milliseconds.
    pub run_p50_ms: Option<f64>,
    /// The 95th percentile of the same.
    pub run_p95_ms: Option<f64>,
}

/// Success, waiting and running times of each kind since an instant.
pub async fn kinds(cx: &mut Cx, since: Time) -> Result<Vec<KindStats>> {
    Ok(sqlx::query_as!(
        KindStats,
        r#"select kind, count(*) as "ended!", count(*) filter (where outcome = 'succeeded') as "succeeded!",
                  count(*) filter (where outcome in ('failed', 'dead')) as "failed!",
                  percentile_cont(0.5) within group (order by extract(epoch from started_at - run_at)::float8 * 1000) as wait_p50_ms,
                  percentile_cont(0.95) within group (order by extract(epoch from started_at - run_at)::float8 * 1000) as wait_p95_ms,
                  percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at)::float8 * 1000) as run_p50_ms,
                  percentile_cont(0.95) within group (order by extract(epoch from finished_at - started_at)::float8 * 1000) as run_p95_ms
           from jobs.job_done where finished_at >= $1 group by kind order by kind"#,
        since as Time
    )
    .fetch_all(cx.conn())
    .await?)
}

/// A remembered step.
#[derive(Clone, Debug, Serialize)]
pub struct StepRow {
    /// Its key.
    pub key: String,
    /// What it gave.
    pub output: serde_json::Value,
    /// When it was done.
    pub at: Time,
}

/// Something that a flow waits for.
#[derive(Clone, Debug, Serialize)]
pub struct WaitRow {
    /// The step's key.
    pub key: String,
    /// timer, fact or child.
    pub kind: String,
    /// The type of fact.
    pub fact_type: Option<String>,
    /// About what.
    pub subject_id: Option<Uuid>,
    /// The child job.
    pub child: Option<Uuid>,
    /// Until when.
    pub until: Option<Time>,
}

/// A flow's past and what it waits for.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// Steps in the order in which they were done.
    pub steps: Vec<StepRow>,
    /// Waits.
    pub waits: Vec<WaitRow>,
}

/// The timeline of a flow, live or finished.
pub async fn timeline(cx: &mut Cx, flow: JobId) -> Result<Timeline> {
    let steps = sqlx::query_as!(
        StepRow,
        "select key, output, at from jobs.step where flow = $1 order by n",
        flow.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    let waits = sqlx::query_as!(
        WaitRow,
        "select key, kind, fact_type, subject_id, child, until from jobs.wait where flow = $1 order by key",
        flow.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Timeline { steps, waits })
}

/// A worker.
#[derive(Clone, Debug, Serialize)]
pub struct NodeRow {
    /// Its id.
    pub id: NodeId,
    /// What it does.
    pub roles: Vec<String>,
    /// Its program's version.
    pub version: String,
    /// Seconds since it started, by the database's clock.
    pub up_s: i64,
    /// Seconds since its last heartbeat, by the database's clock, which is not this machine's.
    pub silent_s: i64,
    /// Whether it takes no more work.
    pub draining: bool,
    /// Jobs that it runs.
    pub running: i32,
}

/// The workers that are alive. System scope only.
pub async fn nodes(cx: &mut Cx) -> Result<Vec<NodeRow>> {
    Ok(sqlx::query_as!(
        NodeRow,
        r#"select id, roles, version, extract(epoch from now() - started_at)::bigint as "up_s!",
                  extract(epoch from now() - seen_at)::bigint as "silent_s!", draining, running
           from jobs.node order by id"#
    )
    .fetch_all(cx.conn())
    .await?)
}

/// A schedule in a list.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// Whose; none for the installation's own.
    pub tenant_id: Option<Uuid>,
    /// Its five fields.
    pub cron: String,
    /// Its zone.
    pub zone: String,
    /// skip, once or all.
    pub misfire: String,
    /// The kind of its job.
    pub kind: String,
    /// Whether it is paused.
    pub paused: bool,
    /// When it fires next.
    pub next_at: Time,
    /// The time that it fired for last.
    pub last_at: Option<Time>,
}

/// Every schedule, the next to fire first.
pub async fn schedules(cx: &mut Cx) -> Result<Vec<ScheduleRow>> {
    Ok(sqlx::query_as!(
        ScheduleRow,
        "select name, tenant_id, cron, zone, misfire, kind, paused, next_at, last_at from jobs.schedule order by next_at, name"
    )
    .fetch_all(cx.conn())
    .await?)
}

/// A pause or an engaged switch.
#[derive(Clone, Debug, Serialize)]
pub struct HaltRow {
    /// Its id, for [`super::resume`].
    pub id: HaltId,
    /// Of one tenant.
    pub tenant_id: Option<Uuid>,
    /// In one queue.
    pub queue: Option<String>,
    /// Of kinds that begin so.
    pub kind_prefix: Option<String>,
    /// Whether it also stops what runs.
    pub cancels: bool,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Time,
}

/// What is held back now.
pub async fn halts(cx: &mut Cx) -> Result<Vec<HaltRow>> {
    Ok(sqlx::query_as!(
        HaltRow,
        "select id, tenant_id, queue, kind_prefix, cancels, reason, at from jobs.halt order by at, id"
    )
    .fetch_all(cx.conn())
    .await?)
}
