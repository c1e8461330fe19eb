//! Parking a flow: its waits are stored and its worker let go, in one transaction.

use super::steps::{Steps, Wish};
use crate::run::{Run, lease_lost};
use base::{Result, Time};
use db::Cx;

/// Stores what a stuck flow waits for. The flow's row is changed first and the steps are looked at last:
/// see `jobs.resolve`, which does it the other way round.
pub(crate) async fn park(run: &Run, steps: &Steps<'_>) -> Result<()> {
    let flow = run.id().uuid();
    let mut cx = run.begin().await?;
    let parked = sqlx::query!(
        "update jobs.job set state = 'waiting', node = null where id = $1 and attempt = $2 and node = $3 and state = 'running'",
        flow,
        run.job.attempt,
        run.node.uuid(),
    )
    .execute(cx.conn())
    .await?;
    if parked.rows_affected() == 0 {
        return Err(lease_lost());
    }
    let wishes = steps.wishes();
    for (key, wish) in &wishes {
        store(&mut cx, run, key, wish).await?;
    }
    let keys: Vec<String> = wishes.into_iter().map(|(key, _)| key).collect();
    let now = cx.now();
    sqlx::query!(
        "with woken as (
           update jobs.job set state = 'ready', run_at = $3, rank = $3::timestamptz - make_interval(secs => boost_s)
           where id = $1 and state = 'waiting'
             and exists (select from jobs.step where flow = $1 and (key = any($2) or key = '$failed')) returning queue)
         select pg_notify('jobs', queue) from woken",
        flow,
        &keys,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    cx.commit().await
}

async fn store(cx: &mut Cx, run: &Run, key: &str, wish: &Wish) -> Result<()> {
    let (flow, tenant, now) = (run.id().uuid(), run.job.tenant, cx.now());
    match wish {
        Wish::Stored => {}
        Wish::Timer(at) => {
            sqlx::query!(
                "insert into jobs.wait (flow, key, tenant_id, kind, since, until) values ($1, $2, $3, 'timer', $4, $5)
                 on conflict do nothing",
                flow,
                key,
                tenant,
                now as Time,
                *at as Time,
            )
            .execute(cx.conn())
            .await?;
        }
        Wish::Fact { kind, subject, after, until } => {
            sqlx::query!(
                "insert into jobs.wait (flow, key, tenant_id, kind, fact_type, subject_id, after_fact, since, until, recheck_at)
                 values ($1, $2, $3, 'fact', $4, $5, $6, $7, $8, $9) on conflict do nothing",
                flow,
                key,
                tenant,
                kind,
                *subject,
                after,
                run.job.created_at as Time,
                *until as Option<Time>,
                now.plus_s(5) as Time,
            )
            .execute(cx.conn())
            .await?;
            look_back(cx, flow, key).await?;
        }
    }
    Ok(())
}

/// Ends a wait whose fact happened before the wait was stored.
pub(crate) async fn look_back(cx: &mut Cx, flow: uuid::Uuid, key: &str) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "select jobs.resolve(w.flow, w.key, jobs.fact_output(f), $3)
         from jobs.wait w
         join kernel.fact f on f.id = (
           select e.id from kernel.fact e
           where e.tenant_id = w.tenant_id and e.type = w.fact_type and e.at >= w.since and e.id > w.after_fact
             and (w.subject_id is null or e.subject_id = w.subject_id)
           order by e.id limit 1)
         where w.flow = $1 and w.key = $2 and w.kind = 'fact'",
        flow,
        key,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(())
}
