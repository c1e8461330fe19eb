//! The SQL of intents. A pending one whose quote ended reads as expired.

use super::{Filter, Intent, IntentId, Quote, Quoted, Status};
use crate::policy::PolicyId;
use crate::principal::PrincipalId;
use crate::vendor::VendorId;
use base::{Cursor, Page, Result, TenantId, Time};
use db::Cx;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// How many one step of the sweep ends.
const BATCH: i64 = 500;

pub(super) async fn insert(cx: &mut Cx, i: &Intent) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "insert into pay.intent (id, tenant_id, principal_id, vendor_id, sku, amount_minor, currency, description, meta, status, policy_id,
                                 fee_version, fee_bps, fee_minor, expires_at, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)",
        i.id.uuid(),
        tenant.uuid(),
        i.principal_id.uuid(),
        i.vendor_id.uuid(),
        i.sku,
        i.amount_minor,
        i.currency.code(),
        i.description,
        Value::Object(i.meta.clone()),
        i.status as Status,
        i.policy_id.uuid(),
        i.quote.fee_version,
        i.quote.fee_bps,
        i.quote.fee_minor,
        i.quote.expires_at as Time,
        i.created_by,
        i.created_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn end(cx: &mut Cx, i: &Intent) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update pay.intent set status = $3, reason = $4, updated_at = $5 where tenant_id = $1 and id = $2 and status = 'pending'",
        tenant.uuid(),
        i.id.uuid(),
        i.status as Status,
        i.reason,
        i.updated_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

struct Row {
    id: Uuid,
    principal_id: Uuid,
    vendor_id: Uuid,
    sku: String,
    amount_minor: i64,
    currency: String,
    description: String,
    meta: Value,
    status: Status,
    reason: Option<String>,
    policy_id: Uuid,
    fee_version: i32,
    fee_bps: i32,
    fee_minor: i64,
    expires_at: Time,
    created_by: String,
    created_at: Time,
    updated_at: Time,
}

impl Row {
    fn intent(self) -> Result<Intent> {
        Ok(Intent {
            id: IntentId(self.id),
            principal_id: PrincipalId(self.principal_id),
            vendor_id: VendorId(self.vendor_id),
            sku: self.sku,
            amount_minor: self.amount_minor,
            currency: self.currency.parse()?,
            description: self.description,
            meta: serde_json::from_value(self.meta)?,
            status: self.status,
            reason: self.reason,
            policy_id: PolicyId(self.policy_id),
            quote: Quote {
                fee_version: self.fee_version,
                fee_bps: self.fee_bps,
                fee_minor: self.fee_minor,
                expires_at: self.expires_at,
            },
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) async fn get(cx: &mut Cx, id: IntentId, lock: bool) -> Result<Option<Intent>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    if lock {
        sqlx::query!(
            "select from pay.intent where tenant_id = $1 and id = $2 for update",
            tenant.uuid(),
            id.uuid()
        )
        .fetch_optional(cx.conn())
        .await?;
    }
    sqlx::query_as!(
        Row,
        r#"select id, principal_id, vendor_id, sku, amount_minor, currency, description, meta,
                  case when status = 'pending' and expires_at <= $3 then 'expired' else status end as "status!: Status",
                  reason, policy_id, fee_version, fee_bps, fee_minor, expires_at, created_by, created_at, updated_at
           from pay.intent where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::intent)
    .transpose()
}

/// What intents of several tenants ask, and under which quote.
pub(super) async fn quoted(
    cx: &mut Cx,
    ids: &[(TenantId, IntentId)],
) -> Result<HashMap<(TenantId, IntentId), Quoted>> {
    let rows = sqlx::query!(
        "select tenant_id, id, amount_minor, fee_version, fee_bps from pay.intent where id = any ($2) and tenant_id = any ($1)",
        &ids.iter().map(|(tenant, _)| tenant.uuid()).collect::<Vec<_>>(),
        &ids.iter().map(|(_, id)| id.uuid()).collect::<Vec<_>>(),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let quoted =
                Quoted { amount_minor: r.amount_minor, fee_version: r.fee_version, fee_bps: r.fee_bps };
            ((TenantId(r.tenant_id), IntentId(r.id)), quoted)
        })
        .collect())
}

pub(super) async fn list(
    cx: &mut Cx,
    filter: Filter,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Intent>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let (at, id) = crate::page::start(after)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id, principal_id, vendor_id, sku, amount_minor, currency, description, meta,
                  case when status = 'pending' and expires_at <= $2 then 'expired' else status end as "status!: Status",
                  reason, policy_id, fee_version, fee_bps, fee_minor, expires_at, created_by, created_at, updated_at
           from pay.intent
           where tenant_id = $1 and (created_at, id) < ($3, $4)
             and ($5::uuid is null or principal_id = $5) and ($6::uuid is null or vendor_id = $6)
             and ($7::pay.intent_status is null
                  or status = $7 and (status <> 'pending' or expires_at > $2)
                  or $7 = 'expired' and status = 'pending' and expires_at <= $2)
           order by created_at desc, id desc limit $8"#,
        tenant.uuid(),
        now as Time,
        at as Time,
        id,
        filter.principal.map(PrincipalId::uuid),
        filter.vendor.map(VendorId::uuid),
        filter.status as Option<Status>,
        crate::page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::intent)
    .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |i| Cursor::after(&i.created_at.to_string(), i.id.uuid())))
}

pub(super) async fn waiting(cx: &mut Cx) -> Result<i64> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from pay.intent where tenant_id = $1 and status = 'pending' and expires_at > $2"#,
        tenant.uuid(),
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Runs across tenants; rows that somebody works on are left for the next time.
pub(super) async fn expire(cx: &mut Cx) -> Result<Vec<(TenantId, IntentId)>> {
    let now = cx.now();
    let rows = sqlx::query!(
        "update pay.intent set status = 'expired', updated_at = $1
         where id in (select id from pay.intent where status = 'pending' and expires_at <= $1 order by expires_at limit $2 for update skip locked)
         returning tenant_id, id",
        now as Time,
        BATCH,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), IntentId(row.id))).collect())
}
