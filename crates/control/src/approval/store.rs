//! Every statement of approvals.

use super::{Approval, ApprovalId, Filter, Request, Risk, Status};
use base::{Cursor, Digest, Result, TenantId, Time};
use db::Cx;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

struct Row {
    id: Uuid,
    kind: String,
    subject_id: Uuid,
    campaign_id: Option<Uuid>,
    lead_id: Option<Uuid>,
    title: String,
    summary: String,
    content: Value,
    digest: Vec<u8>,
    evidence: Value,
    provenance: Value,
    cost_micros: i64,
    risk: String,
    priority: i32,
    status: Status,
    edited: bool,
    deferred_until: Option<Time>,
    expires_at: Time,
    decided_by: Option<String>,
    decided_at: Option<Time>,
    reason: Option<String>,
    created_at: Time,
}

fn hex(bytes: &[u8]) -> Result<String> {
    let digest = Digest::from_slice(bytes)
        .ok_or_else(|| base::Error::internal("The digest of an approval does not have 32 bytes."))?;
    Ok(digest.to_string())
}

impl Row {
    fn approval(self) -> Result<Approval> {
        let risk: Risk = self.risk.parse()?;
        Ok(Approval {
            id: ApprovalId(self.id),
            kind: self.kind,
            subject_id: self.subject_id,
            campaign_id: self.campaign_id,
            lead_id: self.lead_id,
            title: self.title,
            summary: self.summary,
            content: self.content,
            digest: hex(&self.digest)?,
            evidence: self.evidence,
            provenance: self.provenance,
            cost_micros: self.cost_micros,
            risk,
            priority: self.priority,
            status: self.status,
            edited: self.edited,
            deferred_until: self.deferred_until,
            expires_at: self.expires_at,
            decided_by: self.decided_by,
            decided_at: self.decided_at,
            reason: self.reason,
            created_at: self.created_at,
        })
    }
}

pub(super) async fn insert(
    cx: &mut Cx,
    id: ApprovalId,
    request: &Request,
    digest: &Digest,
    expires_at: Time,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (cx.tenant().map_err(|cause| sqlx::Error::Configuration(cause.into()))?, cx.now());
    sqlx::query!(
        "insert into control.approval (id, tenant_id, kind, subject_id, campaign_id, lead_id, title, summary, content,
                                       digest, evidence, provenance, cost_micros, risk, priority, expires_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        id.uuid(),
        tenant.uuid(),
        request.kind,
        request.subject,
        request.campaign,
        request.lead,
        request.title,
        request.summary,
        request.content,
        &digest.0[..],
        request.evidence,
        request.provenance,
        request.cost_micros,
        request.risk.word(),
        request.priority,
        expires_at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn get(cx: &mut Cx, id: ApprovalId) -> Result<Option<Approval>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, kind, subject_id, campaign_id, lead_id, title, summary, content, digest, evidence, provenance,
                  cost_micros, risk, priority, status as "status: Status", edited, deferred_until, expires_at,
                  decided_by, decided_at, reason, created_at
           from control.approval where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::approval)
    .transpose()
}

/// The row, held until the transaction ends, so that two people cannot decide at once.
pub(super) async fn lock(cx: &mut Cx, id: ApprovalId) -> Result<Option<Approval>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, kind, subject_id, campaign_id, lead_id, title, summary, content, digest, evidence, provenance,
                  cost_micros, risk, priority, status as "status: Status", edited, deferred_until, expires_at,
                  decided_by, decided_at, reason, created_at
           from control.approval where tenant_id = $1 and id = $2 for update"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::approval)
    .transpose()
}

/// Holds the waiting rows that match, the best first; rows that somebody else decides now are left out.
pub(super) async fn lock_many(
    cx: &mut Cx,
    filter: &Filter,
    ids: Option<&[Uuid]>,
    limit: i64,
) -> Result<Vec<Approval>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query_as!(
        Row,
        r#"select id, kind, subject_id, campaign_id, lead_id, title, summary, content, digest, evidence, provenance,
                  cost_micros, risk, priority, status as "status: Status", edited, deferred_until, expires_at,
                  decided_by, decided_at, reason, created_at
           from control.approval
           where tenant_id = $1 and status = 'pending' and expires_at > $2
             and ($3::uuid[] is null or id = any($3))
             and ($4::text is null or kind = $4) and ($5::uuid is null or campaign_id = $5)
             and ($6::text is null or risk = $6)
             and ($3 is not null or coalesce(deferred_until > $2, false) = $7)
           order by priority desc, id limit $8 for update skip locked"#,
        tenant.uuid(),
        now as Time,
        ids,
        filter.kind,
        filter.campaign,
        filter.risk.map(Risk::word),
        filter.deferred,
        limit,
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::approval)
    .collect()
}

pub(super) async fn decide(cx: &mut Cx, ids: &[Uuid], status: Status, reason: Option<&str>) -> Result<u64> {
    let (tenant, now, by) = (cx.tenant()?, cx.now(), cx.actor().label());
    let done = sqlx::query!(
        "update control.approval set status = $3, decided_by = $4, decided_at = $5, reason = $6
         where tenant_id = $1 and id = any($2) and status = 'pending'",
        tenant.uuid(),
        ids,
        status as Status,
        by,
        now as Time,
        reason,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn statuses(cx: &mut Cx, ids: &[Uuid]) -> Result<HashMap<Uuid, Status>> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        r#"select id, status as "status: Status" from control.approval where tenant_id = $1 and id = any($2)"#,
        tenant.uuid(),
        ids,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (r.id, r.status)).collect())
}

pub(super) async fn change(cx: &mut Cx, id: ApprovalId, content: &Value, digest: &Digest) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update control.approval set content = $3, digest = $4, edited = true where tenant_id = $1 and id = $2",
        tenant.uuid(),
        id.uuid(),
        content,
        &digest.0[..],
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn defer(cx: &mut Cx, id: ApprovalId, until: Time, expires_at: Time) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update control.approval set deferred_until = $3, expires_at = $4 where tenant_id = $1 and id = $2",
        tenant.uuid(),
        id.uuid(),
        until as Time,
        expires_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Ends lapsed rows, some thousand at a time.
pub(super) async fn expire(cx: &mut Cx) -> Result<Vec<Approval>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query_as!(
        Row,
        r#"update control.approval set status = 'expired', decided_by = 'system:approvals', decided_at = $2
           where tenant_id = $1 and id in (
             select id from control.approval where tenant_id = $1 and status = 'pending' and expires_at <= $2
             order by expires_at limit 5000 for update skip locked)
           returning id, kind, subject_id, campaign_id, lead_id, title, summary, content, digest, evidence, provenance,
                     cost_micros, risk, priority, status as "status: Status", edited, deferred_until, expires_at,
                     decided_by, decided_at, reason, created_at"#,
        tenant.uuid(),
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::approval)
    .collect()
}

pub(super) async fn tenants_with_lapsed(cx: &mut Cx) -> Result<Vec<TenantId>> {
    let now = cx.now();
    let rows = sqlx::query_scalar!(
        "select distinct tenant_id from control.approval where status = 'pending' and expires_at <= $1",
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}

/// The best of what waits now, for the day page: the one list that is read all the time. Said without
/// parameters of an enum, so that the index of what waits serves it.
pub(super) async fn best(cx: &mut Cx, limit: i64) -> Result<Vec<Approval>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query_as!(
        Row,
        r#"select id, kind, subject_id, campaign_id, lead_id, title, summary, content, digest, evidence, provenance,
                  cost_micros, risk, priority, status as "status: Status", edited, deferred_until, expires_at,
                  decided_by, decided_at, reason, created_at
           from control.approval
           where tenant_id = $1 and status = 'pending' and coalesce(deferred_until > $2, false) = false
           order by priority desc, id limit $3"#,
        tenant.uuid(),
        now as Time,
        limit,
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::approval)
    .collect()
}

pub(super) async fn list(
    cx: &mut Cx,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<Approval>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let (priority, last) = match after.map(Cursor::parts).transpose()? {
        Some((key, id)) => (key.parse::<i32>().ok(), Some(id)),
        None => (None, None),
    };
    sqlx::query_as!(
        Row,
        r#"select id, kind, subject_id, campaign_id, lead_id, title, summary, content, digest, evidence, provenance,
                  cost_micros, risk, priority, status as "status: Status", edited, deferred_until, expires_at,
                  decided_by, decided_at, reason, created_at
           from control.approval
           where tenant_id = $1 and status = $2
             and ($3::text is null or kind = $3) and ($4::uuid is null or campaign_id = $4)
             and ($5::text is null or risk = $5)
             and ($2 <> 'pending' or coalesce(deferred_until > $6, false) = $7)
             and ($8::int is null or priority < $8 or priority = $8 and id > $9)
           order by priority desc, id limit $10"#,
        tenant.uuid(),
        filter.status as Status,
        filter.kind,
        filter.campaign,
        filter.risk.map(Risk::word),
        now as Time,
        filter.deferred,
        priority,
        last,
        limit,
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::approval)
    .collect()
}

pub(super) async fn count(cx: &mut Cx, filter: &Filter) -> Result<i64> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from control.approval
           where tenant_id = $1 and status = $2
             and ($3::text is null or kind = $3) and ($4::uuid is null or campaign_id = $4)
             and ($5::text is null or risk = $5)
             and ($2 <> 'pending' or coalesce(deferred_until > $6, false) = $7)"#,
        tenant.uuid(),
        filter.status as Status,
        filter.kind,
        filter.campaign,
        filter.risk.map(Risk::word),
        now as Time,
        filter.deferred,
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn facets(cx: &mut Cx) -> Result<Vec<(String, Option<Uuid>, i64)>> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        r#"select kind, campaign_id, count(*) as "count!" from control.approval
           where tenant_id = $1 and status = 'pending' group by kind, campaign_id order by kind, campaign_id limit 200"#,
        tenant.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (r.kind, r.campaign_id, r.count)).collect())
}
