//! Every statement of switches.

use super::{Engaged, HALTED_KINDS, Scope, Switch, SwitchId, Target, Targets};
use base::{Result, TenantId, Time};
use db::Cx;
use uuid::Uuid;

pub(super) async fn insert(
    cx: &mut Cx,
    id: SwitchId,
    target: &Target,
    reason: &str,
    at: Time,
) -> Result<(), sqlx::Error> {
    let tenant = cx.tenant().ok().map(TenantId::uuid);
    let by = cx.actor().label();
    sqlx::query!(
        "insert into control.switch (id, tenant_id, scope, target, reason, engaged_by, engaged_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id.uuid(),
        tenant,
        target.scope as Scope,
        target.name.as_deref().map(str::trim),
        reason,
        by,
        at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The rows of one switch in the queue's list of halts have ids made from the switch's.
fn halt_ids(id: SwitchId) -> Vec<Uuid> {
    (1..=HALTED_KINDS.len() as u128).map(|n| Uuid::from_u128(id.uuid().as_u128() ^ n)).collect()
}

pub(super) async fn halt(cx: &mut Cx, id: SwitchId, reason: &str, at: Time) -> Result<()> {
    let tenant = cx.tenant().ok().map(TenantId::uuid);
    let kinds: Vec<String> = HALTED_KINDS.iter().map(|&kind| kind.to_owned()).collect();
    sqlx::query!(
        "insert into jobs.halt (id, tenant_id, queue, kind_prefix, cancels, reason, at)
         select h.id, $2, null, h.kind, false, $4, $5 from unnest($1::uuid[], $3::text[]) as h (id, kind)",
        &halt_ids(id),
        tenant,
        &kinds,
        format!("Switch: {reason}"),
        at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn unhalt(cx: &mut Cx, id: SwitchId) -> Result<()> {
    sqlx::query!("delete from jobs.halt where id = any($1)", &halt_ids(id)).execute(cx.conn()).await?;
    Ok(())
}

pub(super) async fn notify(cx: &mut Cx, id: SwitchId) -> Result<()> {
    sqlx::query!("select pg_notify('switch', $1)", id.to_string()).fetch_one(cx.conn()).await?;
    Ok(())
}

pub(super) async fn release(cx: &mut Cx, id: SwitchId, reason: &str, at: Time) -> Result<bool> {
    let tenant = cx.tenant().ok().map(TenantId::uuid);
    let by = cx.actor().label();
    let done = sqlx::query!(
        "update control.switch set released_by = $3, released_at = $4, release_reason = $5
         where id = $1 and tenant_id is not distinct from $2 and released_at is null",
        id.uuid(),
        tenant,
        by,
        at as Time,
        reason,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

macro_rules! switch {
    ($r:expr) => {
        Switch {
            id: SwitchId($r.id),
            target: Target { scope: $r.scope, name: $r.target },
            reason: $r.reason,
            engaged_by: $r.engaged_by,
            engaged_at: $r.engaged_at,
            released_by: $r.released_by,
            released_at: $r.released_at,
            release_reason: $r.release_reason,
        }
    };
}

pub(super) async fn get(cx: &mut Cx, id: SwitchId) -> Result<Option<Switch>> {
    let tenant = cx.tenant().ok().map(TenantId::uuid);
    let row = sqlx::query!(
        r#"select id, scope as "scope: Scope", target, reason, engaged_by, engaged_at, released_by, released_at,
                  release_reason
           from control.switch where id = $1 and ($2::uuid is null or tenant_id = $2 or tenant_id is null)"#,
        id.uuid(),
        tenant,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map(|r| switch!(r)))
}

/// In a tenant: its own and the platform's. Across tenants: the platform's only.
pub(super) async fn list(cx: &mut Cx, engaged_only: bool, limit: i64) -> Result<Vec<Switch>> {
    let tenant = cx.tenant().ok().map(TenantId::uuid);
    let rows = sqlx::query!(
        r#"select id, scope as "scope: Scope", target, reason, engaged_by, engaged_at, released_by, released_at,
                  release_reason
           from control.switch
           where (tenant_id = $1 or tenant_id is null) and (not $2 or released_at is null)
           order by released_at is null desc, engaged_at desc limit $3"#,
        tenant,
        engaged_only,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| switch!(r)).collect())
}

/// The widest engaged switch that covers an effect of this tenant.
pub(super) async fn covering(cx: &mut Cx, tenant: Uuid, targets: &Targets<'_>) -> Result<Option<Engaged>> {
    let row = sqlx::query!(
        r#"select id, scope as "scope: Scope", target, reason, engaged_at
           from control.switch
           where released_at is null
             and (scope = 'platform'
                  or tenant_id = $1
                     and (scope = 'client'
                          or scope = 'campaign' and target = $2
                          or scope = 'channel' and target = $3
                          or scope = 'agent' and target = $4
                          or scope = 'provider' and target = $5
                          or scope = 'principal' and target = $6))
           order by scope limit 1"#,
        tenant,
        targets.campaign.map(|id| id.to_string()),
        targets.channel,
        targets.agent,
        targets.provider,
        targets.principal,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map(|r| Engaged {
        id: SwitchId(r.id),
        target: Target { scope: r.scope, name: r.target },
        reason: r.reason,
        at: r.engaged_at,
    }))
}

/// The engaged switches of these tenants and of the platform, the widest first.
pub(super) async fn engaged(cx: &mut Cx, tenants: &[TenantId]) -> Result<Vec<(Option<TenantId>, Engaged)>> {
    let tenants: Vec<Uuid> = tenants.iter().map(|tenant| tenant.uuid()).collect();
    let rows = sqlx::query!(
        r#"select id, tenant_id, scope as "scope: Scope", target, reason, engaged_at
           from control.switch where released_at is null and (scope = 'platform' or tenant_id = any ($1)) order by scope"#,
        &tenants,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let engaged = Engaged {
                id: SwitchId(r.id),
                target: Target { scope: r.scope, name: r.target },
                reason: r.reason,
                at: r.engaged_at,
            };
            (r.tenant_id.map(TenantId), engaged)
        })
        .collect())
}

/// Every engaged switch of every tenant, for the watch of a process.
pub(super) async fn all_engaged(cx: &mut Cx) -> Result<Vec<(Option<TenantId>, Engaged)>> {
    let rows = sqlx::query!(
        r#"select id, tenant_id, scope as "scope: Scope", target, reason, engaged_at
           from control.switch where released_at is null order by scope"#
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let engaged = Engaged {
                id: SwitchId(r.id),
                target: Target { scope: r.scope, name: r.target },
                reason: r.reason,
                at: r.engaged_at,
            };
            (r.tenant_id.map(TenantId), engaged)
        })
        .collect())
}
