//! What people do to jobs: pause, cancel, retry, snooze, hurry; each leaves an audit entry.

mod view;

pub use view::{
    DoneFilter, DoneRow, HaltRow, JobFilter, JobRow, KindStats, NodeRow, QueueCount, ScheduleRow, StepRow,
    Timeline, WaitRow, done, halts, jobs, kinds, nodes, queues, schedules, timeline,
};

use crate::job::{JobId, NodeId, Priority, State};
use crate::{schedule, store};
use base::{Error, Result, Time};
use db::{Cx, Scope};
use serde_json::json;
use uuid::Uuid;

base::id_type!(
    /// A pause or an engaged switch.
    HaltId
);

/// What is not to be claimed. Empty fields mean all.
#[derive(Clone, Debug, Default)]
pub struct Halt {
    /// Of one tenant.
    pub tenant: Option<Uuid>,
    /// In one queue.
    pub queue: Option<String>,
    /// Of kinds that begin so.
    pub kind_prefix: Option<String>,
    /// Also stops what runs now.
    pub cancels: bool,
    /// Why.
    pub reason: String,
}

fn tenant_of(cx: &Cx) -> Option<Uuid> {
    match cx.scope() {
        Scope::Tenant(tenant) => Some(tenant.uuid()),
        Scope::System => None,
    }
}

/// Stops claims at once, and running jobs too if it says so. In a tenant's transaction it can only
/// name that tenant.
pub async fn halt(cx: &mut Cx, halt: Halt) -> Result<HaltId> {
    let (id, now) = (cx.id::<HaltId>(), cx.now());
    cx.because(&halt.reason).await?;
    sqlx::query!(
        "insert into jobs.halt (id, tenant_id, queue, kind_prefix, cancels, reason, at) values ($1, $2, $3, $4, $5, $6, $7)",
        id.uuid(),
        tenant_of(cx).or(halt.tenant),
        halt.queue,
        halt.kind_prefix,
        halt.cancels,
        halt.reason,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

/// Ends a halt; what it held back goes on.
pub async fn resume(cx: &mut Cx, id: HaltId) -> Result<()> {
    let gone = sqlx::query!("delete from jobs.halt where id = $1", id.uuid()).execute(cx.conn()).await?;
    if gone.rows_affected() == 0 { Err(Error::not_found("pause")) } else { Ok(()) }
}

/// Bounds how many jobs of a queue run at once for a tenant (None: for each tenant without a bound of
/// its own).
pub async fn bound_lane(cx: &mut Cx, queue: &str, tenant: Option<Uuid>, max_running: u32) -> Result<()> {
    sqlx::query!(
        "insert into jobs.lane (queue, tenant_id, max_running) values ($1, $2, $3)
         on conflict (queue, tenant_id) do update set max_running = excluded.max_running",
        queue,
        tenant,
        i32::try_from(max_running).unwrap_or(i32::MAX),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The state of a live job that stays as it is until the transaction ends.
async fn locked(cx: &mut Cx, id: JobId) -> Result<State> {
    sqlx::query_scalar!(r#"select state::text as "state!" from jobs.job where id = $1 for update"#, id.uuid())
        .fetch_optional(cx.conn())
        .await?
        .ok_or_else(|| Error::not_found("live job"))?
        .parse()
}

/// Cancels a job: at once when nobody runs it, otherwise by its cancel token. A parked flow runs its
/// compensations first.
pub async fn cancel(cx: &mut Cx, id: JobId, reason: &str) -> Result<()> {
    let now = cx.now();
    match locked(cx, id).await? {
        State::Scheduled | State::Ready if flow_began(cx, id).await? => fail_flow(cx, id, reason).await?,
        State::Scheduled | State::Ready => {
            sqlx::query!(
                "with gone as (delete from jobs.job where id = $1 returning *)
                 insert into jobs.job_done (id, tenant_id, parent, node, run_at, created_at, started_at, finished_at, cause, outcome,
                                            attempt, failures, boost_s, flow_version, queue, kind, unique_key, actor, payload, error)
                 select id, tenant_id, parent, null, run_at, created_at, started_at, $2, cause, 'cancelled',
                        attempt, failures, boost_s, flow_version, queue, kind, unique_key, actor, payload, $3
                 from gone",
                id.uuid(),
                now as Time,
                reason,
            )
            .execute(cx.conn())
            .await?;
            store::wake_parents(cx.conn(), &[id.uuid()], now).await?;
        }
        State::Running => {
            sqlx::query!("update jobs.job set cancel_requested = true where id = $1", id.uuid())
                .execute(cx.conn())
                .await?;
            sqlx::query!("select pg_notify('jobs_cancel', $1)", id.to_string()).fetch_one(cx.conn()).await?;
        }
        State::Waiting => fail_flow(cx, id, reason).await?,
    }
    cx.note("job.cancel", "jobs.job", Some(id.to_string()), json!({ "reason": reason })).await
}

async fn flow_began(cx: &mut Cx, id: JobId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select flow_version is not null as "began!" from jobs.job where id = $1"#,
        id.uuid()
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Marks a flow as cancelled and lets it run, which undoes what it did.
async fn fail_flow(cx: &mut Cx, id: JobId, reason: &str) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "insert into jobs.step (flow, key, tenant_id, output, at)
         select id, '$failed', tenant_id, jsonb_build_object('cancelled', true, 'error', $2::text), $3 from jobs.job where id = $1
         on conflict do nothing",
        id.uuid(),
        reason,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    wake(cx, id).await
}

async fn wake(cx: &mut Cx, id: JobId) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "with woken as (
           update jobs.job set state = 'ready', run_at = $2, rank = $2::timestamptz - make_interval(secs => boost_s)
           where id = $1 returning queue)
         select pg_notify('jobs', queue) from woken",
        id.uuid(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(())
}

/// Gives a finished job that did not succeed its tries again.
pub async fn retry(cx: &mut Cx, id: JobId) -> Result<()> {
    let now = cx.now();
    let back = sqlx::query!(
        "with dead as (
           delete from jobs.job_done where id = $1 and outcome <> 'succeeded' returning *)
         insert into jobs.job (id, tenant_id, parent, run_at, rank, created_at, cause, state, attempt, boost_s, flow_version,
                               queue, kind, unique_key, actor, payload, error)
         select id, tenant_id, parent, $2, $2::timestamptz - make_interval(secs => boost_s), created_at, cause, 'ready', attempt, boost_s,
                flow_version, queue, kind, unique_key, actor, payload, error
         from dead returning pg_notify('jobs', queue) as woke",
        id.uuid(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await
    .map_err(|cause| match base::error::constraint(&cause) {
        Some("job_unique") => {
            Error::conflict("job.unique", "Another job with the same unique key lives now; this one cannot run beside it.")
        }
        _ => cause.into(),
    })?;
    if back.is_none() {
        return Err(Error::not_found("failed job"));
    }
    // A flow that was undone starts from where it failed.
    sqlx::query!("delete from jobs.step where flow = $1 and key = '$failed'", id.uuid())
        .execute(cx.conn())
        .await?;
    cx.note("job.retry", "jobs.job", Some(id.to_string()), json!({})).await
}

/// Moves a job that has not begun to a later instant.
pub async fn snooze(cx: &mut Cx, id: JobId, until: Time) -> Result<()> {
    match locked(cx, id).await? {
        State::Scheduled | State::Ready => {}
        State::Running | State::Waiting => {
            return Err(Error::conflict("job.begun", "Only a job that has not begun can be put off."));
        }
    }
    sqlx::query!(
        "update jobs.job set state = 'scheduled', run_at = $2, rank = $2::timestamptz - make_interval(secs => boost_s) where id = $1",
        id.uuid(),
        until as Time,
    )
    .execute(cx.conn())
    .await?;
    cx.note("job.snooze", "jobs.job", Some(id.to_string()), json!({ "until": until })).await
}

/// Makes a scheduled job ready now.
pub async fn run_now(cx: &mut Cx, id: JobId) -> Result<()> {
    match locked(cx, id).await? {
        State::Scheduled | State::Ready => wake(cx, id).await?,
        State::Running | State::Waiting => {
            return Err(Error::conflict("job.begun", "This job has begun already."));
        }
    }
    cx.note("job.run_now", "jobs.job", Some(id.to_string()), json!({})).await
}

/// Changes the class of a job that has not begun.
pub async fn set_priority(cx: &mut Cx, id: JobId, priority: Priority) -> Result<()> {
    locked(cx, id).await?;
    sqlx::query!(
        "update jobs.job set boost_s = $2, rank = run_at - make_interval(secs => $2::int) where id = $1",
        id.uuid(),
        priority.boost_s(),
    )
    .execute(cx.conn())
    .await?;
    cx.note("job.priority", "jobs.job", Some(id.to_string()), json!({ "priority": priority.word() })).await
}

/// Lets a node finish what it runs and take nothing more (or take work again).
pub async fn drain(cx: &mut Cx, node: NodeId, draining: bool) -> Result<()> {
    let hit = sqlx::query!("update jobs.node set draining = $2 where id = $1", node.uuid(), draining)
        .execute(cx.conn())
        .await?;
    if hit.rows_affected() == 0 {
        return Err(Error::not_found("node"));
    }
    cx.note("node.drain", "jobs.node", Some(node.to_string()), json!({ "draining": draining })).await
}

/// Pauses a schedule or lets it go on; times that pass while it is paused are not made up for.
pub async fn pause_schedule(cx: &mut Cx, tenant: Option<Uuid>, name: &str, paused: bool) -> Result<()> {
    let now = cx.now();
    let row = sqlx::query!(
        "select cron, zone from jobs.schedule where tenant_id is not distinct from $1 and name = $2 for update",
        tenant,
        name
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("schedule"))?;
    let next = schedule::next_after(&row.cron, &base::Zone::named(&row.zone)?, now)?;
    sqlx::query!(
        "update jobs.schedule set paused = $3, next_at = $4 where tenant_id is not distinct from $1 and name = $2",
        tenant,
        name,
        paused,
        next as Time,
    )
    .execute(cx.conn())
    .await?;
    cx.note("schedule.pause", "jobs.schedule", Some(name.to_owned()), json!({ "paused": paused })).await
}

/// Runs a schedule's job at once, beside its times.
pub async fn run_schedule(cx: &mut Cx, tenant: Option<Uuid>, name: &str) -> Result<JobId> {
    let id = schedule::run_now(cx, tenant, name).await?;
    cx.note("schedule.run_now", "jobs.schedule", Some(name.to_owned()), json!({ "job": id })).await?;
    Ok(id)
}
