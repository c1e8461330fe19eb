//! Every statement of endpoints.

use super::{Endpoint, EndpointId, New, Status, Why};
use base::{Error, Result, TenantId, Time};
use db::Cx;

pub(super) async fn insert(cx: &mut Cx, id: EndpointId, new: &New) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into hooks.endpoint (id, tenant_id, url, description, event_types, enabled_at, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $6)",
        id.uuid(),
        tenant,
        new.url,
        new.description,
        &new.event_types,
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "insert into hooks.endpoint_health (endpoint_id, tenant_id) values ($1, $2)",
        id.uuid(),
        tenant
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn count(cx: &mut Cx) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from hooks.endpoint where tenant_id = $1 and deleted_at is null"#,
        tenant
    )
    .fetch_one(cx.conn())
    .await?)
}

/// One endpoint that was not removed.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: EndpointId) -> Result<Endpoint> {
    read(cx, Some(id)).await?.pop().ok_or_else(|| Error::not_found("webhook endpoint"))
}

/// Every endpoint that was not removed, the latest first.
pub async fn list(cx: &mut Cx) -> Result<Vec<Endpoint>> {
    read(cx, None).await
}

async fn read(cx: &mut Cx, id: Option<EndpointId>) -> Result<Vec<Endpoint>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Endpoint,
        r#"select e.id as "id: EndpointId", e.url, e.description, e.event_types, e.status as "status: Status",
                  e.disabled_why as "disabled_why: Why", e.previous_until, e.created_at,
                  coalesce(h.failures, 0) as "failures!", h.failing_since as "failing_since?", h.succeeded_at as "succeeded_at?",
                  h.failed_at as "failed_at?"
           from hooks.endpoint e left join hooks.endpoint_health h on h.tenant_id = e.tenant_id and h.endpoint_id = e.id
           where e.tenant_id = $1 and e.deleted_at is null and ($2::uuid is null or e.id = $2)
           order by e.created_at desc, e.id desc"#,
        tenant,
        id.map(EndpointId::uuid),
    )
    .fetch_all(cx.conn())
    .await?)
}

pub(super) async fn update(cx: &mut Cx, id: EndpointId, next: &New) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update hooks.endpoint set url = $3, description = $4, event_types = $5
         where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id.uuid(),
        next.url,
        next.description,
        &next.event_types,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Disables with a reason; enables without one.
pub(super) async fn set_status(cx: &mut Cx, id: EndpointId, disabled: Option<Why>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let status = if disabled.is_some() { Status::Disabled } else { Status::Enabled };
    sqlx::query!(
        "update hooks.endpoint set status = $3, disabled_why = $4,
                enabled_at = case when $3 = 'enabled'::hooks.endpoint_status then $5 else enabled_at end
         where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id.uuid(),
        status as Status,
        disabled as Option<Why>,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Forgets the failures of an endpoint: it begins anew, with what waited due at once.
pub(super) async fn well(cx: &mut Cx, id: EndpointId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update hooks.delivery set next_at = $3
         where tenant_id = $1 and endpoint_id = $2 and state = 'pending' and next_at > $3",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "update hooks.endpoint_health set failures = 0, failing_since = null, resting_until = null
         where tenant_id = $1 and endpoint_id = $2",
        tenant,
        id.uuid(),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_previous(cx: &mut Cx, id: EndpointId, until: Option<Time>) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update hooks.endpoint set previous_until = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        until as Option<Time>,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn remove(cx: &mut Cx, id: EndpointId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update hooks.endpoint set status = 'disabled', disabled_why = 'person', deleted_at = $3, previous_until = null
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Endpoints of all tenants whose former secret should sign no more, at most 500.
pub(super) async fn overlaps_over(cx: &mut Cx) -> Result<Vec<(TenantId, EndpointId)>> {
    let now = cx.now();
    let rows = sqlx::query!(
        "select tenant_id, id from hooks.endpoint where previous_until <= $1 order by previous_until limit 500",
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), EndpointId(row.id))).collect())
}
