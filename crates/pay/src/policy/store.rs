//! The SQL of policies.

use super::{Policy, PolicyId, Rules};
use crate::principal::PrincipalId;
use base::{Cursor, Digest, Error, Page, Result, TenantId, Time};
use db::Cx;
use std::collections::HashMap;
use uuid::Uuid;

/// The next number of a principal's versions; whoever asks next waits until this transaction ends.
pub(super) async fn next_number(cx: &mut Cx, principal: PrincipalId) -> Result<i32> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "select from pay.principal where tenant_id = $1 and id = $2 for update",
        tenant.uuid(),
        principal.uuid()
    )
    .fetch_one(cx.conn())
    .await?;
    let last = sqlx::query_scalar!(
        r#"select coalesce(max(number), 0) as "last!" from pay.policy where tenant_id = $1 and principal_id = $2"#,
        tenant.uuid(),
        principal.uuid(),
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(last + 1)
}

pub(super) async fn insert(cx: &mut Cx, p: &Policy) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "insert into pay.policy (id, tenant_id, principal_id, number, rules, hash, valid_from, valid_until, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        p.id.uuid(),
        tenant.uuid(),
        p.principal_id.uuid(),
        p.version,
        serde_json::to_value(&p.rules)?,
        &p.hash.0[..],
        p.rules.valid_from as Time,
        p.rules.valid_until as Option<Time>,
        p.created_by,
        p.created_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(cx: &mut Cx, tenant: TenantId, p: &Policy) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update pay.policy set rules = $3, hash = $4, valid_from = $5, valid_until = $6 where tenant_id = $1 and id = $2",
        tenant.uuid(),
        p.id.uuid(),
        sqlx::types::Json(&p.rules) as _,
        &p.hash.0[..],
        p.rules.valid_from as Time,
        p.rules.valid_until as Option<Time>,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn mark_used(cx: &mut Cx, id: PolicyId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.policy set used_at = $3 where tenant_id = $1 and id = $2 and used_at is null",
        tenant.uuid(),
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// One of these that is no vendor of the tenant.
pub(super) async fn unknown_vendor(cx: &mut Cx, vendors: &[Uuid]) -> Result<Option<Uuid>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_scalar!(
        r#"select v.id as "id!" from unnest($2::uuid[]) as v (id)
           where not exists (select from pay.vendor x where x.tenant_id = $1 and x.id = v.id) limit 1"#,
        tenant.uuid(),
        vendors,
    )
    .fetch_optional(cx.conn())
    .await?)
}

struct Row {
    id: Uuid,
    principal_id: Uuid,
    number: i32,
    rules: serde_json::Value,
    hash: Vec<u8>,
    created_by: String,
    created_at: Time,
    used_at: Option<Time>,
}

impl Row {
    fn policy(self) -> Result<Policy> {
        let rules: Rules = serde_json::from_value(self.rules)?;
        let hash = Digest::from_slice(&self.hash)
            .filter(|hash| rules.hash().is_ok_and(|now| now == *hash))
            .ok_or_else(|| {
            Error::internal("The rules of a policy do not have the hash under which they were stored.")
        })?;
        Ok(Policy {
            id: PolicyId(self.id),
            principal_id: PrincipalId(self.principal_id),
            version: self.number,
            rules,
            hash,
            created_by: self.created_by,
            created_at: self.created_at,
            used_at: self.used_at,
        })
    }
}

pub(super) async fn get(cx: &mut Cx, id: PolicyId, lock: bool) -> Result<Option<Policy>> {
    let tenant = cx.tenant()?;
    if lock {
        sqlx::query!(
            "select from pay.policy where tenant_id = $1 and id = $2 for update",
            tenant.uuid(),
            id.uuid()
        )
        .fetch_optional(cx.conn())
        .await?;
    }
    sqlx::query_as!(
        Row,
        "select id, principal_id, number, rules, hash, created_by, created_at, used_at from pay.policy where tenant_id = $1 and id = $2",
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::policy)
    .transpose()
}

pub(super) async fn latest(cx: &mut Cx, principal: PrincipalId) -> Result<Option<Policy>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        "select id, principal_id, number, rules, hash, created_by, created_at, used_at from pay.policy
         where tenant_id = $1 and principal_id = $2 order by number desc limit 1",
        tenant.uuid(),
        principal.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::policy)
    .transpose()
}

/// The versions that count for principals of several tenants.
pub(super) async fn latest_of(
    cx: &mut Cx,
    principals: &[(TenantId, PrincipalId)],
) -> Result<HashMap<(TenantId, PrincipalId), Policy>> {
    let rows = sqlx::query!(
        r#"select w.tenant_id as "tenant_id!", p.id, p.principal_id, p.number, p.rules, p.hash, p.created_by, p.created_at, p.used_at
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, principal_id)
           cross join lateral (
             select x.id, x.principal_id, x.number, x.rules, x.hash, x.created_by, x.created_at, x.used_at
             from pay.policy x where x.tenant_id = w.tenant_id and x.principal_id = w.principal_id order by x.number desc limit 1
           ) p"#,
        &principals.iter().map(|(tenant, _)| tenant.uuid()).collect::<Vec<_>>(),
        &principals.iter().map(|(_, id)| id.uuid()).collect::<Vec<_>>(),
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let row = Row {
                id: r.id,
                principal_id: r.principal_id,
                number: r.number,
                rules: r.rules,
                hash: r.hash,
                created_by: r.created_by,
                created_at: r.created_at,
                used_at: r.used_at,
            };
            Ok(((TenantId(r.tenant_id), PrincipalId(r.principal_id)), row.policy()?))
        })
        .collect()
}

pub(super) async fn list(
    cx: &mut Cx,
    principal: Option<PrincipalId>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Policy>> {
    let tenant = cx.tenant()?;
    let (at, id) = crate::page::start(after)?;
    let rows = sqlx::query_as!(
        Row,
        "select id, principal_id, number, rules, hash, created_by, created_at, used_at from pay.policy
         where tenant_id = $1 and ($2::uuid is null or principal_id = $2) and (created_at, id) < ($3, $4)
         order by created_at desc, id desc limit $5",
        tenant.uuid(),
        principal.map(PrincipalId::uuid),
        at as Time,
        id,
        crate::page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::policy)
    .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |p| Cursor::after(&p.created_at.to_string(), p.id.uuid())))
}
