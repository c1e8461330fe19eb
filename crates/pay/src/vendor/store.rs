//! The SQL of vendors.

use super::{Status, Vendor, VendorId};
use crate::rail::Rail;
use base::{Cursor, Page, Result, TenantId, Time};
use db::Cx;
use std::collections::{BTreeMap, HashMap};

fn words(rails: &[Rail]) -> Vec<String> {
    rails.iter().map(|rail| rail.word().to_owned()).collect()
}

pub(super) async fn insert(cx: &mut Cx, tenant: TenantId, v: &Vendor) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into pay.vendor (id, tenant_id, name, x402_endpoint, rails, payout_account, status, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5::text[]::pay.rail[], $6, $7, $8, $9, $10)",
        v.id.uuid(),
        tenant.uuid(),
        v.name,
        v.x402_endpoint,
        &words(&v.rails),
        v.payout_account,
        v.status as Status,
        v.created_by,
        v.created_at as Time,
        v.updated_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(cx: &mut Cx, tenant: TenantId, v: &Vendor) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update pay.vendor set name = $3, x402_endpoint = $4, rails = $5::text[]::pay.rail[], payout_account = $6, status = $7, updated_at = $8
         where tenant_id = $1 and id = $2",
        tenant.uuid(),
        v.id.uuid(),
        v.name,
        v.x402_endpoint,
        &words(&v.rails),
        v.payout_account,
        v.status as Status,
        v.updated_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

struct Row {
    id: uuid::Uuid,
    name: String,
    x402_endpoint: Option<String>,
    rails: Vec<String>,
    payout_account: Option<String>,
    status: Status,
    created_by: String,
    created_at: Time,
    updated_at: Time,
}

impl Row {
    fn vendor(self) -> Result<Vendor> {
        Ok(Vendor {
            id: VendorId(self.id),
            name: self.name,
            x402_endpoint: self.x402_endpoint,
            rails: self.rails.iter().map(|word| word.parse()).collect::<Result<_>>()?,
            payout_account: self.payout_account,
            status: self.status,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) async fn get(cx: &mut Cx, id: VendorId, lock: bool) -> Result<Option<Vendor>> {
    let tenant = cx.tenant()?;
    if lock {
        sqlx::query!(
            "select from pay.vendor where tenant_id = $1 and id = $2 for update",
            tenant.uuid(),
            id.uuid()
        )
        .fetch_optional(cx.conn())
        .await?;
    }
    sqlx::query_as!(
        Row,
        r#"select id, name, x402_endpoint, rails::text[] as "rails!", payout_account, status as "status: Status", created_by, created_at, updated_at
           from pay.vendor where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::vendor)
    .transpose()
}

/// Vendors of several tenants.
pub(super) async fn many(
    cx: &mut Cx,
    ids: &[(TenantId, VendorId)],
) -> Result<HashMap<(TenantId, VendorId), Vendor>> {
    let rows = sqlx::query!(
        r#"select tenant_id, id, name, x402_endpoint, rails::text[] as "rails!", payout_account, status as "status: Status", created_by, created_at, updated_at
           from pay.vendor where id = any ($2) and tenant_id = any ($1)"#,
        &ids.iter().map(|(tenant, _)| tenant.uuid()).collect::<Vec<_>>(),
        &ids.iter().map(|(_, id)| id.uuid()).collect::<Vec<_>>(),
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let row = Row {
                id: r.id,
                name: r.name,
                x402_endpoint: r.x402_endpoint,
                rails: r.rails,
                payout_account: r.payout_account,
                status: r.status,
                created_by: r.created_by,
                created_at: r.created_at,
                updated_at: r.updated_at,
            };
            Ok(((TenantId(r.tenant_id), VendorId(r.id)), row.vendor()?))
        })
        .collect()
}

pub(super) async fn list(
    cx: &mut Cx,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Vendor>> {
    let tenant = cx.tenant()?;
    let (at, id) = crate::page::start(after)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id, name, x402_endpoint, rails::text[] as "rails!", payout_account, status as "status: Status", created_by, created_at, updated_at
           from pay.vendor
           where tenant_id = $1 and ($2::pay.vendor_status is null or status = $2) and (created_at, id) < ($3, $4)
           order by created_at desc, id desc limit $5"#,
        tenant.uuid(),
        status as Option<Status>,
        at as Time,
        id,
        crate::page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::vendor)
    .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |v| Cursor::after(&v.created_at.to_string(), v.id.uuid())))
}

/// What these are called.
pub(super) async fn names(cx: &mut Cx, ids: &[uuid::Uuid]) -> Result<BTreeMap<uuid::Uuid, String>> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        "select id, name from pay.vendor where tenant_id = $1 and id = any ($2)",
        tenant.uuid(),
        ids
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
