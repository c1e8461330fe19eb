//! The SQL of principals.

use super::{Principal, PrincipalId, Risk, Status};
use base::{Cursor, Page, Result, TenantId, Time};
use db::Cx;
use std::collections::{BTreeMap, HashMap};

pub(super) async fn insert(cx: &mut Cx, tenant: TenantId, p: &Principal) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into pay.principal (id, tenant_id, name, status, risk, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        p.id.uuid(),
        tenant.uuid(),
        p.name,
        p.status as Status,
        p.risk as Risk,
        p.created_by,
        p.created_at as Time,
        p.updated_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(cx: &mut Cx, tenant: TenantId, p: &Principal) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update pay.principal set name = $3, status = $4, risk = $5, updated_at = $6 where tenant_id = $1 and id = $2",
        tenant.uuid(),
        p.id.uuid(),
        p.name,
        p.status as Status,
        p.risk as Risk,
        p.updated_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn get(cx: &mut Cx, id: PrincipalId, lock: bool) -> Result<Option<Principal>> {
    let tenant = cx.tenant()?;
    if lock {
        sqlx::query!(
            "select from pay.principal where tenant_id = $1 and id = $2 for update",
            tenant.uuid(),
            id.uuid()
        )
        .fetch_optional(cx.conn())
        .await?;
    }
    Ok(sqlx::query_as!(
        Principal,
        r#"select id, name, status as "status: Status", risk as "risk: Risk", created_by, created_at, updated_at
           from pay.principal where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Principals of several tenants.
pub(super) async fn many(
    cx: &mut Cx,
    ids: &[(TenantId, PrincipalId)],
) -> Result<HashMap<(TenantId, PrincipalId), Principal>> {
    let rows = sqlx::query!(
        r#"select tenant_id, id as "id: PrincipalId", name, status as "status: Status", risk as "risk: Risk", created_by, created_at, updated_at
           from pay.principal where id = any ($2) and tenant_id = any ($1)"#,
        &ids.iter().map(|(tenant, _)| tenant.uuid()).collect::<Vec<_>>(),
        &ids.iter().map(|(_, id)| id.uuid()).collect::<Vec<_>>(),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let principal = Principal {
                id: r.id,
                name: r.name,
                status: r.status,
                risk: r.risk,
                created_by: r.created_by,
                created_at: r.created_at,
                updated_at: r.updated_at,
            };
            ((TenantId(r.tenant_id), r.id), principal)
        })
        .collect())
}

pub(super) async fn list(
    cx: &mut Cx,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Principal>> {
    let tenant = cx.tenant()?;
    let (at, id) = crate::page::start(after)?;
    let rows = sqlx::query_as!(
        Principal,
        r#"select id, name, status as "status: Status", risk as "risk: Risk", created_by, created_at, updated_at
           from pay.principal
           where tenant_id = $1 and ($2::pay.principal_status is null or status = $2)
             and (created_at, id) < ($3, $4)
           order by created_at desc, id desc limit $5"#,
        tenant.uuid(),
        status as Option<Status>,
        at as Time,
        id,
        crate::page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |p| Cursor::after(&p.created_at.to_string(), p.id.uuid())))
}

/// What these are called.
pub(super) async fn names(cx: &mut Cx, ids: &[uuid::Uuid]) -> Result<BTreeMap<uuid::Uuid, String>> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        "select id, name from pay.principal where tenant_id = $1 and id = any ($2)",
        tenant.uuid(),
        ids
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
