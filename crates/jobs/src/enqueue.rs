//! Adding jobs, in the transaction of the change that asks for them.

use crate::job::{Job, JobId, Options, queue_of};
use base::{Actor, Error, Result, TenantId, Time};
use db::{Cx, Scope};
use uuid::Uuid;

/// Enqueues a job for now. It exists only if, and when, the transaction commits.
pub async fn enqueue<J: Job>(cx: &mut Cx, job: &J) -> Result<JobId> {
    enqueue_with(cx, job, Options::default()).await
}

/// Enqueues a job with options. When a live job holds its unique key, the id of that one is returned.
pub async fn enqueue_with<J: Job>(cx: &mut Cx, job: &J, options: Options) -> Result<JobId> {
    let row = Row::of::<J>(cx, serde_json::to_string(job)?, options);
    insert_one(cx, row).await
}

/// Enqueues many jobs of one kind with one statement, in the given order. No unique keys.
pub async fn enqueue_many<J: Job>(cx: &mut Cx, jobs: &[J], options: &Options) -> Result<Vec<JobId>> {
    let keys = vec![None; jobs.len()];
    insert_many(cx, jobs, &keys, options).await
}

/// Enqueues many jobs of one kind with one statement, each under its own unique key: what lives already
/// under its key is left as it is.
pub async fn enqueue_each<J: Job>(
    cx: &mut Cx,
    jobs: &[J],
    key: impl Fn(&J) -> String,
    options: &Options,
) -> Result<()> {
    let keys: Vec<Option<String>> = jobs.iter().map(|job| Some(key(job))).collect();
    insert_many(cx, jobs, &keys, options).await?;
    Ok(())
}

/// Enqueues jobs of several tenants from work across tenants, with one statement, for now. Errors in one
/// tenant's work, which cannot speak for another.
pub async fn enqueue_for<J: Job>(cx: &mut Cx, jobs: &[(TenantId, J)]) -> Result<()> {
    if cx.tenant().is_ok() {
        return Err(Error::internal("This work belongs to one tenant and cannot enqueue for others."));
    }
    let (mut ids, mut tenants, mut payloads) = (Vec::new(), Vec::new(), Vec::new());
    for (tenant, job) in jobs {
        ids.push(cx.id::<JobId>().uuid());
        tenants.push(tenant.uuid());
        payloads.push(serde_json::to_string(job)?);
    }
    let row = Row::of::<J>(cx, String::new(), Options::default());
    sqlx::query!(
        r#"with added as (
             insert into jobs.job (id, tenant_id, run_at, rank, created_at, state, boost_s, queue, kind, payload)
             select n.id, n.tenant, $4, $4, $4, 'ready', 0, $5, $6, n.payload::jsonb
             from unnest($1::uuid[], $2::uuid[], $3::text[]) as n (id, tenant, payload))
           select pg_notify('jobs', $5)"#,
        &ids,
        &tenants,
        &payloads,
        row.now as Time,
        row.queue,
        row.kind,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(())
}

async fn insert_many<J: Job>(
    cx: &mut Cx,
    jobs: &[J],
    keys: &[Option<String>],
    options: &Options,
) -> Result<Vec<JobId>> {
    let (mut ids, mut payloads) = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
    for job in jobs {
        ids.push(cx.id::<JobId>().uuid());
        payloads.push(serde_json::to_string(job)?);
    }
    let row = Row::of::<J>(cx, String::new(), Options { unique_key: None, ..options.clone() });
    sqlx::query!(
        r#"with added as (
             insert into jobs.job (id, tenant_id, parent, run_at, rank, created_at, deadline, cause, state, boost_s, queue, kind, unique_key, actor, payload)
             select n.id, $3, $4, $5, $5::timestamptz - make_interval(secs => $6::int), $7, $8, $9,
                    case when $5::timestamptz <= $7 then 'ready' else 'scheduled' end::jobs.state, $6, $10, $11, n.key, $12, n.payload::jsonb
             from unnest($1::uuid[], $2::text[], $13::text[]) as n (id, payload, key)
             on conflict (tenant_id, kind, unique_key) where unique_key is not null do nothing)
           select pg_notify('jobs', $10)"#,
        &ids,
        &payloads,
        row.tenant,
        row.parent,
        row.run_at as Time,
        row.boost_s,
        row.now as Time,
        row.deadline as Option<Time>,
        row.cause,
        row.queue,
        row.kind,
        row.actor,
        keys as &[Option<String>],
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(ids.into_iter().map(JobId).collect())
}

/// One row to be.
pub(crate) struct Row {
    pub id: JobId,
    pub tenant: Option<Uuid>,
    pub parent: Option<Uuid>,
    pub run_at: Time,
    pub now: Time,
    pub deadline: Option<Time>,
    pub cause: Option<i64>,
    pub boost_s: i32,
    pub queue: String,
    pub kind: String,
    pub unique_key: Option<String>,
    pub actor: Option<serde_json::Value>,
    pub payload: String,
}

impl Row {
    fn of<J: Job>(cx: &Cx, payload: String, options: Options) -> Self {
        let tenant = match cx.scope() {
            Scope::Tenant(tenant) => Some(tenant.uuid()),
            Scope::System => None,
        };
        Self {
            id: cx.id(),
            tenant,
            parent: options.parent.map(JobId::uuid),
            run_at: options.at.unwrap_or(cx.now()),
            now: cx.now(),
            deadline: options.deadline,
            cause: None,
            boost_s: options.priority.boost_s(),
            queue: queue_of::<J>().to_owned(),
            kind: J::KIND.to_owned(),
            unique_key: options.unique_key,
            actor: actor_column(cx.actor()),
            payload,
        }
    }
}

/// The system itself is not stored: a job without an actor acts as the system, as its kind.
fn actor_column(actor: &Actor) -> Option<serde_json::Value> {
    match actor {
        Actor::System { .. } => None,
        Actor::User { .. }
        | Actor::ApiKey { .. }
        | Actor::Principal { .. }
        | Actor::Agent { .. }
        | Actor::Prospect
        | Actor::Anonymous => serde_json::to_value(actor).ok(),
    }
}

pub(crate) async fn insert_one(cx: &mut Cx, row: Row) -> Result<JobId> {
    loop {
        let added = sqlx::query!(
            r#"with added as (
                 insert into jobs.job (id, tenant_id, parent, run_at, rank, created_at, deadline, cause, state, boost_s, queue, kind, unique_key, actor, payload)
                 values ($1, $2, $3, $4, $4::timestamptz - make_interval(secs => $5::int), $6, $7, $8,
                         case when $4::timestamptz <= $6 then 'ready' else 'scheduled' end::jobs.state, $5, $9, $10, $11, $12, $13::text::jsonb)
                 on conflict (tenant_id, kind, unique_key) where unique_key is not null do nothing
                 returning queue)
               select pg_notify('jobs', queue) as woke from added"#,
            row.id.uuid(),
            row.tenant,
            row.parent,
            row.run_at as Time,
            row.boost_s,
            row.now as Time,
            row.deadline as Option<Time>,
            row.cause,
            row.queue,
            row.kind,
            row.unique_key,
            row.actor,
            row.payload,
        )
        .fetch_optional(cx.conn())
        .await?;
        if added.is_some() {
            return Ok(row.id);
        }
        let holder = sqlx::query_scalar!(
            "select id from jobs.job where tenant_id is not distinct from $1 and kind = $2 and unique_key = $3",
            row.tenant,
            row.kind,
            row.unique_key,
        )
        .fetch_optional(cx.conn())
        .await?;
        // It may have ended between the two statements; then there is room again.
        if let Some(id) = holder {
            return Ok(JobId(id));
        }
    }
}
