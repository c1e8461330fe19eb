//! The SQL of tenants.

use super::rules::{Details, TRIAL_DAYS};
use super::{Mode, New, Status, Tenant};
use base::{Result, TenantId, Time};
use db::Cx;

pub(super) async fn insert(cx: &mut Cx, id: TenantId, new: &New) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "insert into accounts.tenant (id, name, status, trial_ends_at, zone, country, currency, created_at, updated_at)
         values ($1, $2, 'trialing', $3, $4, $5, $6, $7, $7)",
        id.uuid(),
        new.name,
        now.plus_days(TRIAL_DAYS) as Time,
        new.zone,
        new.country,
        new.currency.code(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn get(cx: &mut Cx, id: TenantId) -> Result<Option<Tenant>> {
    let row = sqlx::query_as!(
        Tenant,
        r#"select id as "id: TenantId", name, status as "status: Status", trial_ends_at, mode as "mode: Mode", zone,
                  country, currency, legal_name, postal_address, website, offer, onboarded_at, created_at
           from accounts.tenant where id = $1 and deleted_at is null"#,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn lock(cx: &mut Cx, id: TenantId) -> Result<()> {
    sqlx::query!("select id from accounts.tenant where id = $1 and deleted_at is null for update", id.uuid())
        .fetch_optional(cx.conn())
        .await?;
    Ok(())
}

pub(super) async fn set_details(cx: &mut Cx, id: TenantId, details: &Details) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.tenant
         set name = $2, legal_name = $3, postal_address = $4, website = $5, zone = $6, country = $7, offer = $8,
             mode = $9, updated_at = $10
         where id = $1 and deleted_at is null",
        id.uuid(),
        details.name,
        details.legal_name,
        details.postal_address,
        details.website,
        details.zone,
        details.country,
        details.offer,
        details.mode as Mode,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Whether anything changed.
pub(super) async fn set_status(
    cx: &mut Cx,
    id: TenantId,
    status: Status,
    trial_ends_at: Option<Time>,
) -> Result<bool> {
    let now = cx.now();
    let done = sqlx::query!(
        "update accounts.tenant set status = $2, trial_ends_at = coalesce($3, trial_ends_at), updated_at = $4
         where id = $1 and deleted_at is null
           and (status <> $2 or trial_ends_at is distinct from coalesce($3, trial_ends_at))",
        id.uuid(),
        status as Status,
        trial_ends_at as Option<Time>,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn set_onboarded(cx: &mut Cx, id: TenantId) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update accounts.tenant set onboarded_at = $2, updated_at = $2 where id = $1 and onboarded_at is null",
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
