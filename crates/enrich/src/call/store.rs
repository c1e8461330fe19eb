//! Every statement of look-ups.

use super::{Asked, Call, State};
use crate::subject;
use base::{Result, Time};
use db::Cx;
use leads::lead::LeadId;
use ports::provider::{Finding, ProviderKind, Purpose};
use uuid::Uuid;

struct Row {
    id: Uuid,
    provider: String,
    purpose: String,
    state: State,
    run_id: Uuid,
    lead_id: Uuid,
    ask: serde_json::Value,
    job_id: Uuid,
    attempt: i32,
    ticket: Option<String>,
    poll_at: Option<Time>,
    spend_id: Option<Uuid>,
    estimate_micros: i64,
    cost_micros: i64,
    findings: Option<serde_json::Value>,
    error: Option<String>,
    asked_at: Time,
    expires_at: Option<Time>,
}

impl Row {
    fn read(self) -> Result<Call> {
        Ok(Call {
            id: self.id,
            provider: self.provider.parse()?,
            purpose: self.purpose.parse()?,
            state: self.state,
            run_id: self.run_id,
            lead_id: LeadId(self.lead_id),
            asked: serde_json::from_value::<Asked>(self.ask)?,
            job_id: self.job_id,
            attempt: self.attempt,
            ticket: self.ticket,
            poll_at: self.poll_at,
            spend_id: self.spend_id,
            estimate_micros: self.estimate_micros,
            cost_micros: self.cost_micros,
            // What cannot be read any more is not there: it is looked up anew.
            findings: self.findings.and_then(|kept| serde_json::from_value::<Vec<Finding>>(kept).ok()),
            error: self.error,
            asked_at: self.asked_at,
            expires_at: self.expires_at,
        })
    }
}

/// The row that stands for a subject, locked.
pub async fn current(
    cx: &mut Cx,
    provider: ProviderKind,
    purpose: Purpose,
    key: &str,
) -> Result<Option<Call>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query_as!(
        Row,
        r#"select id, provider, purpose, state as "state: State", run_id, lead_id, ask, job_id, attempt, ticket, poll_at as "poll_at: Time", spend_id,
                  estimate_micros, cost_micros, findings, error, asked_at as "asked_at: Time", expires_at as "expires_at: Time"
           from enrich.call where tenant_id = $1 and provider = $2 and purpose = $3 and key_version = $4 and subject = $5 and current for update"#,
        tenant,
        provider.word(),
        purpose.word(),
        subject::VERSION,
        key,
    )
    .fetch_optional(cx.conn())
    .await?;
    row.map(Row::read).transpose()
}

/// One look-up, locked.
pub async fn get(cx: &mut Cx, id: Uuid) -> Result<Option<Call>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query_as!(
        Row,
        r#"select id, provider, purpose, state as "state: State", run_id, lead_id, ask, job_id, attempt, ticket, poll_at as "poll_at: Time", spend_id,
                  estimate_micros, cost_micros, findings, error, asked_at as "asked_at: Time", expires_at as "expires_at: Time"
           from enrich.call where tenant_id = $1 and id = $2 for update"#,
        tenant,
        id,
    )
    .fetch_optional(cx.conn())
    .await?;
    row.map(Row::read).transpose()
}

/// Claims a subject: none when somebody was quicker. Only who has the row may ask.
pub async fn claim(cx: &mut Cx, call: &Call, key: &str) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let inserted = sqlx::query!(
        "insert into enrich.call (id, tenant_id, provider, purpose, key_version, subject, run_id, lead_id, ask, job_id, attempt, spend_id, estimate_micros, asked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         on conflict (tenant_id, provider, purpose, key_version, subject) where current do nothing",
        call.id,
        tenant,
        call.provider.word(),
        call.purpose.word(),
        subject::VERSION,
        key,
        call.run_id,
        call.lead_id.uuid(),
        serde_json::to_value(&call.asked)?,
        call.job_id,
        call.attempt,
        call.spend_id,
        call.estimate_micros,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    Ok(inserted == 1)
}

/// A row stands no longer: its subject may be asked about again.
pub async fn retire(cx: &mut Cx, id: Uuid) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!("update enrich.call set current = false where tenant_id = $1 and id = $2", tenant, id)
        .execute(cx.conn())
        .await?;
    Ok(())
}

/// An answer, also a late one.
pub(super) async fn done(
    cx: &mut Cx,
    id: Uuid,
    findings: &[Finding],
    cost: i64,
    until: Time,
) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update enrich.call set state = 'done', findings = $3, cost_micros = $4, done_at = $5, expires_at = $6, poll_at = null, error = null
         where tenant_id = $1 and id = $2 and state in ('asked', 'waiting', 'unknown')",
        tenant,
        id,
        serde_json::to_value(findings)?,
        cost,
        now as Time,
        until as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    Ok(changed == 1)
}

/// The answer comes later.
pub(super) async fn waiting(cx: &mut Cx, id: Uuid, ticket: &str, poll_at: Time) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    let changed = sqlx::query!(
        "update enrich.call set state = 'waiting', ticket = $3, poll_at = $4 where tenant_id = $1 and id = $2 and state in ('asked', 'waiting')",
        tenant,
        id,
        ticket,
        poll_at as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    Ok(changed == 1)
}

/// There is no answer. What did not happen stands no longer; what may have been charged, or is forbidden, does.
pub(super) async fn ended(
    cx: &mut Cx,
    id: Uuid,
    state: State,
    cost: i64,
    why: &str,
    until: Option<Time>,
) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let why: String = why.chars().take(500).collect();
    let changed = sqlx::query!(
        "update enrich.call set state = $3, cost_micros = $4, error = $5, done_at = $6, expires_at = $7, poll_at = null, current = $8
         where tenant_id = $1 and id = $2 and state in ('asked', 'waiting')",
        tenant,
        id,
        state as State,
        cost,
        why,
        now as Time,
        until as Option<Time>,
        state != State::Failed,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    Ok(changed == 1)
}

/// What a service did so far.
#[derive(Clone, Debug)]
pub struct Total {
    /// Which service.
    pub provider: String,
    /// What for.
    pub purpose: String,
    /// Look-ups that ended.
    pub calls: i64,
    /// Those that brought something.
    pub hits: i64,
    /// Those whose answer was lost.
    pub unknown: i64,
    /// What they cost.
    pub cost_micros: i64,
}

/// Sums by service and purpose.
pub async fn totals(cx: &mut Cx) -> Result<Vec<Total>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Total,
        r#"select provider, purpose, count(*) filter (where state in ('done', 'unknown', 'restricted')) as "calls!",
                  count(*) filter (where state = 'done' and jsonb_array_length(findings) > 0) as "hits!",
                  count(*) filter (where state = 'unknown') as "unknown!", coalesce(sum(cost_micros), 0)::bigint as "cost_micros!"
           from enrich.call where tenant_id = $1 group by 1, 2 order by 1, 2"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The look-ups of a batch, newest first.
pub async fn of_run(cx: &mut Cx, run: Uuid, limit: i64) -> Result<Vec<Call>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query_as!(
        Row,
        r#"select id, provider, purpose, state as "state: State", run_id, lead_id, ask, job_id, attempt, ticket, poll_at as "poll_at: Time", spend_id,
                  estimate_micros, cost_micros, findings, error, asked_at as "asked_at: Time", expires_at as "expires_at: Time"
           from enrich.call where tenant_id = $1 and run_id = $2 order by asked_at desc, id desc limit $3"#,
        tenant,
        run,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter().map(Row::read).collect()
}
