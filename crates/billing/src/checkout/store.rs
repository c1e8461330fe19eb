//! The SQL of checkouts.

use super::{Checkout, CheckoutId, State};
use crate::plan::{Plan, PlanId};
use base::{Error, Result, TenantId, Time};
use db::Cx;

pub(super) async fn insert(
    cx: &mut Cx,
    plan: &Plan,
    founding: bool,
    trial_end: Option<Time>,
    expires_at: Time,
) -> Result<CheckoutId> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<CheckoutId>());
    let by = cx.actor().label();
    sqlx::query!(
        "insert into billing.checkout (id, tenant_id, plan_id, founding, trial_end, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.uuid(),
        tenant,
        plan.id.uuid(),
        founding,
        trial_end as Option<Time>,
        by,
        now as Time,
        expires_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

/// One checkout.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: CheckoutId) -> Result<Checkout> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Checkout,
        r#"select id as "id: CheckoutId", plan_id as "plan: PlanId", founding, state as "state: State", provider_ref, url, error,
                  trial_end, created_at, expires_at
           from billing.checkout where tenant_id = $1 and id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("checkout"))
}

/// The latest checkouts, at most 20.
pub async fn list(cx: &mut Cx) -> Result<Vec<Checkout>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Checkout,
        r#"select id as "id: CheckoutId", plan_id as "plan: PlanId", founding, state as "state: State", provider_ref, url, error,
                  trial_end, created_at, expires_at
           from billing.checkout where tenant_id = $1 order by created_at desc, id desc limit 20"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The checkout that is under way, held until the transaction ends.
pub(crate) async fn open_one(cx: &mut Cx) -> Result<Option<Checkout>> {
    let tenant = cx.tenant()?.uuid();
    // Two beginnings at once wait for each other, also where there is no checkout yet.
    sqlx::query!("select id from accounts.tenant where id = $1 for update", tenant)
        .fetch_optional(cx.conn())
        .await?;
    Ok(sqlx::query_as!(
        Checkout,
        r#"select id as "id: CheckoutId", plan_id as "plan: PlanId", founding, state as "state: State", provider_ref, url, error,
                  trial_end, created_at, expires_at
           from billing.checkout where tenant_id = $1 and state in ('asked', 'open') order by created_at desc limit 1"#,
        tenant,
    )
    .fetch_optional(cx.conn())
    .await?)
}

pub(super) async fn set_open(cx: &mut Cx, id: CheckoutId, provider_ref: &str, url: &str) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update billing.checkout set state = 'open', provider_ref = $3, url = $4 where tenant_id = $1 and id = $2 and state = 'asked'",
        tenant,
        id.uuid(),
        provider_ref,
        url,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Whether it was under way until now.
pub(super) async fn end(cx: &mut Cx, id: CheckoutId, state: State, error: Option<&str>) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update billing.checkout set state = $3, error = $4, ended_at = $5
         where tenant_id = $1 and id = $2 and state in ('asked', 'open')",
        tenant,
        id.uuid(),
        state as State,
        error,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn by_ref(cx: &mut Cx, provider_ref: &str) -> Result<Option<CheckoutId>> {
    let tenant = cx.tenant()?.uuid();
    let found = sqlx::query_scalar!(
        "select id from billing.checkout where tenant_id = $1 and provider_ref = $2",
        tenant,
        provider_ref
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(found.map(CheckoutId))
}

/// Checkouts whose time is over. Runs across tenants; at most 500.
pub(crate) async fn overdue(cx: &mut Cx, now: Time) -> Result<Vec<(TenantId, CheckoutId)>> {
    let rows = sqlx::query!(
        "select tenant_id, id from billing.checkout where state in ('asked', 'open') and expires_at < $1 order by expires_at limit 500",
        now as Time
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), CheckoutId(row.id))).collect())
}
