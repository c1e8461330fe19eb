//! What time brings: scheduled jobs become ready, timers end, schedules fire, silent nodes lose their jobs.

use crate::flow::look_back;
use crate::schedule;
use base::{Result, Time};
use db::{Cx, Db};

/// Makes scheduled jobs ready whose time has come; returns how many.
pub(crate) async fn promote(cx: &mut Cx) -> Result<u64> {
    let now = cx.now();
    let row = sqlx::query!(
        r#"with due as (
             update jobs.job set state = 'ready'
             where ctid = any (array (select ctid from jobs.job where state = 'scheduled' and run_at <= $1
                                      order by run_at limit 5000 for update skip locked))
             returning 1)
           select count(*) as "count!", case when count(*) > 0 then pg_notify('jobs', '') end as woke from due"#,
        now as Time
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(u64::try_from(row.count).unwrap_or(0))
}

/// Ends timers, and waits whose patience is over; returns how many.
pub(crate) async fn timers(cx: &mut Cx) -> Result<usize> {
    let now = cx.now();
    Ok(sqlx::query!(
        "select jobs.resolve(w.flow, w.key, 'null', $1)
         from (select flow, key from jobs.wait where until <= $1 order by until, flow, key limit 1000) w",
        now as Time
    )
    .fetch_all(cx.conn())
    .await?
    .len())
}

/// Looks once more for facts that committed while a wait was being stored.
async fn recheck(cx: &mut Cx) -> Result<()> {
    let now = cx.now();
    let waits = sqlx::query!(
        "update jobs.wait set recheck_at = case when recheck_at < since + interval '60 s' then $1::timestamptz + interval '90 s' end
         where (flow, key) in (select flow, key from jobs.wait where recheck_at <= $1 order by recheck_at limit 200 for update skip locked)
         returning flow, key",
        now as Time
    )
    .fetch_all(cx.conn())
    .await?;
    for wait in waits {
        look_back(cx, wait.flow, &wait.key).await?;
    }
    Ok(())
}

/// Everything that the present instant brings, in one transaction each.
pub(crate) async fn bring(db: &Db) -> Result<()> {
    let mut cx = db.system("scheduler").await?;
    promote(&mut cx).await?;
    cx.commit().await?;
    let mut cx = db.system("scheduler").await?;
    timers(&mut cx).await?;
    cx.commit().await?;
    let mut cx = db.system("scheduler").await?;
    schedule::fire(&mut cx).await?;
    cx.commit().await
}

/// Everything that the present instant brings, in the caller's transaction, where nobody else works.
pub(crate) async fn bring_in(cx: &mut Cx) -> Result<()> {
    promote(cx).await?;
    timers(cx).await?;
    schedule::fire(cx).await?;
    Ok(())
}

/// The next instant at which [`bring`] has something to do.
pub(crate) async fn next(cx: &mut Cx) -> Result<Option<Time>> {
    Ok(sqlx::query_scalar!(
        r#"select least((select min(run_at) from jobs.job where state = 'scheduled'),
                        (select min(until) from jobs.wait where until is not null),
                        (select min(next_at) from jobs.schedule where not paused)) as "next: Time""#
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Attempts after which a job that keeps losing its worker is given up.
const LOSSES_MAX: i32 = 25;

/// Takes the jobs of nodes that were silent for `lease_s` seconds by the database's clock; returns how
/// many went back to their queues.
pub(crate) async fn reap(cx: &mut Cx, lease_s: i32) -> Result<u64> {
    sqlx::query!("delete from jobs.node where seen_at < now() - make_interval(secs => $1::int)", lease_s)
        .execute(cx.conn())
        .await?;
    let now = cx.now();
    // A second statement, so that claims which committed just before the deletion are seen.
    let row = sqlx::query!(
        r#"with lost as (
             select j.id, j.attempt from jobs.job j
             where j.state = 'running' and not exists (select from jobs.node n where n.id = j.node)
             for update skip locked),
           dead as (
             delete from jobs.job j using lost where j.id = lost.id and lost.attempt >= $1 returning j.*),
           kept as (
             insert into jobs.job_done (id, tenant_id, parent, node, run_at, created_at, started_at, finished_at, cause, outcome,
                                        attempt, failures, boost_s, flow_version, queue, kind, unique_key, actor, payload, error)
             select id, tenant_id, parent, node, run_at, created_at, started_at, $2, cause, 'dead',
                    attempt, failures, boost_s, flow_version, queue, kind, unique_key, actor, payload,
                    'Its worker was lost again and again.'
             from dead),
           back as (
             update jobs.job j set state = 'ready', node = null from lost
             where j.id = lost.id and lost.attempt < $1 returning 1)
           select (select count(*) from back) as "back!", (select array_agg(id) from dead) as dead,
                  case when exists (select from back) then pg_notify('jobs', '') end as woke"#,
        LOSSES_MAX,
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    if let Some(dead) = row.dead {
        for id in &dead {
            crate::store::report_death(cx.conn(), (*id).into(), now).await?;
        }
        crate::store::wake_parents(cx.conn(), &dead, now).await?;
    }
    Ok(u64::try_from(row.back).unwrap_or(0))
}

/// The slower duties of a scheduler.
pub(crate) async fn keep_house(db: &Db, lease_s: i32) -> Result<()> {
    let mut cx = db.system("scheduler").await?;
    let back = reap(&mut cx, lease_s).await?;
    cx.commit().await?;
    if back > 0 {
        tracing::warn!(jobs = back, "jobs of silent workers went back to their queues");
    }
    let mut cx = db.system("scheduler").await?;
    recheck(&mut cx).await?;
    cx.commit().await
}
