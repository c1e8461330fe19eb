//! The SQL of credits.

use super::{Ask, Balance, Kind, Reservation, ReservationId, State};
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use ports::subscription::Span;
use serde::Serialize;
use uuid::Uuid;

/// One entry of a tenant's credits.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// Its place, 1 is the first.
    pub sequence: i64,
    /// What it is.
    pub kind: Kind,
    /// By how much the available credits changed.
    pub available_delta: i32,
    /// By how much the reserved ones changed.
    pub reserved_delta: i32,
    /// What was available then.
    pub available_after: i32,
    /// What was reserved then.
    pub reserved_after: i32,
    /// About what: the lead.
    pub subject_id: Option<Uuid>,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// A change of the account.
pub(super) struct Move {
    pub(super) kind: Kind,
    pub(super) available: i32,
    pub(super) reserved: i32,
    pub(super) reservation: Option<ReservationId>,
    pub(super) subject: Option<Uuid>,
    pub(super) period_start: Time,
    pub(super) key: Option<String>,
    pub(super) reason: String,
}

/// The account of this transaction's tenant, opened where there is none, and kept from others until the
/// transaction ends.
pub(super) async fn lock(cx: &mut Cx) -> Result<Balance> {
    let tenant = cx.tenant()?.uuid();
    if let Some(held) = locked(cx, tenant).await? {
        return Ok(held);
    }
    sqlx::query!("insert into billing.credit_account (tenant_id) values ($1) on conflict do nothing", tenant)
        .execute(cx.conn())
        .await?;
    locked(cx, tenant).await?.ok_or_else(|| Error::internal("The account of credits could not be opened."))
}

async fn locked(cx: &mut Cx, tenant: Uuid) -> Result<Option<Balance>> {
    Ok(sqlx::query_as!(
        Balance,
        r#"select available, reserved, quota, period_start, period_end
           from billing.credit_account where tenant_id = $1 for update"#,
        tenant
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// The account as it stands.
pub async fn balance(cx: &mut Cx) -> Result<Balance> {
    let tenant = cx.tenant()?.uuid();
    let held = sqlx::query_as!(
        Balance,
        "select available, reserved, quota, period_start, period_end from billing.credit_account where tenant_id = $1",
        tenant
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(held.unwrap_or(Balance { available: 0, reserved: 0, quota: 0, period_start: None, period_end: None }))
}

/// Whether a credit was ever used for a subject: a lead that was enriched is paid for, whatever is left now.
pub async fn was_used_for(cx: &mut Cx, subject: Uuid) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from billing.credit_reservation where tenant_id = $1 and subject_id = $2 and used > 0) as "is!""#,
        tenant,
        subject
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Changes the account and writes the entry; false, and nothing, when a part would fall below zero.
pub(super) async fn write(cx: &mut Cx, step: &Move) -> Result<bool> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let written = sqlx::query_scalar!(
        r#"with a as (
             update billing.credit_account set available = available + $4, reserved = reserved + $5, entries = entries + 1
             where tenant_id = $2 and available + $4 >= 0 and reserved + $5 >= 0
             returning available, reserved, entries)
           insert into billing.credit_entry (id, tenant_id, sequence, kind, available_delta, reserved_delta, available_after,
                                             reserved_after, reservation_id, subject_id, period_start, key, reason, at)
           select $1, $2, a.entries, $3, $4, $5, a.available, a.reserved, $6, $7, $8, $9, $10, $11 from a
           returning sequence"#,
        id,
        tenant,
        step.kind as Kind,
        step.available,
        step.reserved,
        step.reservation.map(ReservationId::uuid),
        step.subject,
        step.period_start as Time,
        step.key,
        step.reason,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(written.is_some())
}

pub(super) async fn is_written(cx: &mut Cx, key: &str) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from billing.credit_entry where tenant_id = $1 and key = $2) as "is!""#,
        tenant,
        key
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn set_period(cx: &mut Cx, span: Span, quota: i32) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update billing.credit_account set period_start = $2, period_end = $3, quota = $4 where tenant_id = $1",
        tenant,
        span.start as Time,
        span.end as Time,
        quota
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn raise_quota(cx: &mut Cx, by: i32) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!("update billing.credit_account set quota = quota + $2 where tenant_id = $1", tenant, by)
        .execute(cx.conn())
        .await?;
    Ok(())
}

pub(super) async fn by_key(cx: &mut Cx, key: &str) -> Result<Option<ReservationId>> {
    let tenant = cx.tenant()?.uuid();
    let found = sqlx::query_scalar!(
        "select id from billing.credit_reservation where tenant_id = $1 and key = $2",
        tenant,
        key
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(found.map(ReservationId))
}

pub(super) async fn insert_reservation(cx: &mut Cx, ask: &Ask, period_start: Time) -> Result<ReservationId> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<ReservationId>());
    sqlx::query!(
        "insert into billing.credit_reservation (id, tenant_id, credits, period_start, purpose, subject_id, key, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.uuid(),
        tenant,
        ask.credits,
        period_start as Time,
        ask.purpose,
        ask.subject,
        ask.key,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn end(cx: &mut Cx, id: ReservationId, state: State, used: i32) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update billing.credit_reservation set state = $3, used = $4, ended_at = $5 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        state as State,
        used,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// One reservation.
///
/// # Errors
/// Not found.
pub async fn reservation(cx: &mut Cx, id: ReservationId) -> Result<Reservation> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Reservation,
        r#"select id as "id: ReservationId", credits, used, state as "state: State", period_start, subject_id as subject
           from billing.credit_reservation where tenant_id = $1 and id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("reservation of credits"))
}

/// The entries, the latest first.
pub async fn entries(cx: &mut Cx, after: Option<&Cursor>, limit: usize) -> Result<Page<Entry>> {
    let tenant = cx.tenant()?.uuid();
    let before = match after.map(Cursor::parts).transpose()? {
        Some((key, _)) => Some(key.parse::<i64>().map_err(|_| {
            Error::invalid("cursor.invalid", "This page link is damaged. Start again from the first page.")
        })?),
        None => None,
    };
    let rows = sqlx::query_as!(
        Entry,
        r#"select id, sequence, kind as "kind: Kind", available_delta, reserved_delta, available_after, reserved_after,
                  subject_id, reason, at
           from billing.credit_entry where tenant_id = $1 and ($2::bigint is null or sequence < $2)
           order by sequence desc limit $3"#,
        tenant,
        before,
        i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |entry| Cursor::after(&entry.sequence.to_string(), entry.id)))
}

/// Every entry in order, for the check.
pub(super) async fn every(cx: &mut Cx) -> Result<Vec<Entry>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Entry,
        r#"select id, sequence, kind as "kind: Kind", available_delta, reserved_delta, available_after, reserved_after,
                  subject_id, reason, at
           from billing.credit_entry where tenant_id = $1 order by sequence"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?)
}
