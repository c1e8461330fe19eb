//! What the jobs crate does not read: percentiles over the latest ends, one job, names of tenants. Row
//! security decides whose rows are seen: a member's transaction shows the organisation's, a wide one all.

use base::{Error, Result, Time};
use db::{Cx, Scope};
use jobs::JobId;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Ends from which rates and percentiles are taken, at most.
pub(super) const SAMPLE: i64 = 5_000;

/// How a queue or a kind did of late.
#[derive(Clone, Debug)]
pub(super) struct Doing {
    /// The queue; none in the line of a kind.
    pub queue: Option<String>,
    /// The kind; none in the line of a queue.
    pub kind: Option<String>,
    pub ended: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub last_minutes: i64,
    pub wait_p50_ms: Option<f64>,
    pub wait_p99_ms: Option<f64>,
    pub run_p50_ms: Option<f64>,
    pub run_p99_ms: Option<f64>,
}

/// Minutes over which throughput is taken.
pub(super) const THROUGHPUT_MIN: i64 = 5;

/// The latest ends of 24 hours, by queue and by kind.
pub(super) async fn doing(cx: &mut Cx) -> Result<Vec<Doing>> {
    let now = cx.now();
    Ok(sqlx::query_as!(
        Doing,
        r#"with recent as (
             select queue, kind, outcome, finished_at, extract(epoch from started_at - run_at)::float8 * 1000 as wait,
                    extract(epoch from finished_at - started_at)::float8 * 1000 as run
             from (select queue, kind, outcome, run_at, started_at, finished_at from jobs.job_done order by id desc limit $1) d where finished_at >= $2)
           select queue as "queue?", kind as "kind?", count(*) as "ended!", count(*) filter (where outcome = 'succeeded') as "succeeded!",
                  count(*) filter (where outcome in ('failed', 'dead')) as "failed!",
                  count(*) filter (where finished_at >= $3) as "last_minutes!",
                  percentile_cont(0.5) within group (order by wait) as wait_p50_ms,
                  percentile_cont(0.99) within group (order by wait) as wait_p99_ms,
                  percentile_cont(0.5) within group (order by run) as run_p50_ms,
                  percentile_cont(0.99) within group (order by run) as run_p99_ms
           from recent group by grouping sets ((queue), (kind)) order by queue, kind"#,
        SAMPLE,
        now.plus_days(-1) as Time,
        now.plus_s(-60 * THROUGHPUT_MIN) as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Names of tenants.
pub(super) type Tenants = HashMap<Uuid, String>;

/// The names of these tenants, as far as the transaction sees them.
pub(super) async fn tenants(cx: &mut Cx, ids: impl IntoIterator<Item = Option<Uuid>>) -> Result<Tenants> {
    let ids: BTreeSet<Uuid> = ids.into_iter().flatten().collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let rows = sqlx::query!("select id, name from accounts.tenant where id = any($1)", &ids)
        .fetch_all(cx.conn())
        .await?;
    Ok(rows.into_iter().map(|r| (r.id, r.name)).collect())
}

/// One job, live or ended.
#[derive(Clone, Debug)]
pub(super) struct One {
    pub id: Uuid,
    pub tenant_id: Option<Uuid>,
    pub parent: Option<Uuid>,
    pub queue: String,
    pub kind: String,
    /// A state while it lives, an outcome afterwards.
    pub stands: String,
    pub live: bool,
    pub run_at: Time,
    pub created_at: Time,
    pub started_at: Option<Time>,
    pub finished_at: Option<Time>,
    pub deadline: Option<Time>,
    pub attempt: i32,
    pub failures: i32,
    pub boost_s: i32,
    pub is_flow: bool,
    pub cause: Option<i64>,
    pub unique_key: Option<String>,
    pub done_count: Option<i64>,
    pub done_total: Option<i64>,
    /// Who had it done; none when the program did by itself.
    pub actor: Option<Value>,
    pub payload: Value,
    pub error: Option<String>,
}

/// One job; not found when another tenant has it.
pub(super) async fn one(cx: &mut Cx, id: JobId) -> Result<One> {
    let tenant = match cx.scope() {
        Scope::Tenant(tenant) => Some(tenant.uuid()),
        Scope::System => None,
    };
    sqlx::query_as!(
        One,
        r#"select id as "id!", tenant_id, parent, queue as "queue!", kind as "kind!", state::text as "stands!", true as "live!", run_at as "run_at!: Time",
                  created_at as "created_at!: Time", started_at as "started_at: Time", null::timestamptz as "finished_at: Time",
                  deadline as "deadline: Time", attempt as "attempt!", failures as "failures!", boost_s as "boost_s!",
                  flow_version is not null as "is_flow!", cause, unique_key, done_count, done_total, actor, payload as "payload!", error
           from jobs.job where id = $1 and ($2::uuid is null or tenant_id = $2)
           union all
           select id, tenant_id, parent, queue, kind, outcome::text, false, run_at, created_at, started_at, finished_at, null,
                  attempt, failures, boost_s, flow_version is not null, cause, unique_key, null, null, actor, payload, error
           from jobs.job_done where id = $1 and ($2::uuid is null or tenant_id = $2)
           limit 1"#,
        id.uuid(),
        tenant,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("job"))
}
