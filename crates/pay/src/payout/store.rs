//! The SQL of payouts.

use super::{Payee, Payout, PayoutId, Status};
use crate::page;
use crate::rail::Rail;
use base::{Currency, Cursor, Error, Page, Result, Time};
use db::Cx;
use ledger::TransferId;
use uuid::Uuid;

struct Row {
    id: Uuid,
    developer_id: Uuid,
    rail: Rail,
    destination: String,
    provider_ref: Option<String>,
    amount_minor: i64,
    currency: String,
    status: Status,
    reason: Option<String>,
    created_by: String,
    created_at: Time,
    updated_at: Time,
}

impl Row {
    fn payout(self) -> Result<Payout> {
        Ok(Payout {
            id: self.id.into(),
            developer_id: self.developer_id,
            rail: self.rail,
            destination: self.destination,
            provider_ref: self.provider_ref,
            amount_minor: self.amount_minor,
            currency: self.currency.parse()?,
            status: self.status,
            reason: self.reason,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) struct Locked {
    pub payout: Payout,
    /// When the rail was last asked.
    pub sent_at: Option<Time>,
}

/// To whom somebody's earnings go.
pub async fn payee(cx: &mut Cx, developer: Uuid) -> Result<Option<Payee>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_as!(
        Payee,
        r#"select developer_id, rail as "rail: Rail", destination, kyc_at, updated_at from pay.payee where tenant_id = $1 and developer_id = $2"#,
        tenant.uuid(),
        developer,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Those of these to whom payouts go.
pub(crate) async fn payees(cx: &mut Cx, developers: &[Uuid]) -> Result<Vec<Payee>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_as!(
        Payee,
        r#"select developer_id, rail as "rail: Rail", destination, kyc_at, updated_at from pay.payee where tenant_id = $1 and developer_id = any ($2)"#,
        tenant.uuid(),
        developers,
    )
    .fetch_all(cx.conn())
    .await?)
}

pub(super) async fn put_payee(cx: &mut Cx, developer: Uuid, rail: Rail, destination: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "insert into pay.payee as p (tenant_id, developer_id, rail, destination, updated_at) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, developer_id) do update set rail = excluded.rail, destination = excluded.destination, updated_at = excluded.updated_at,
           kyc_at = case when (p.rail, p.destination) = (excluded.rail, excluded.destination) then p.kyc_at end,
           kyc_by = case when (p.rail, p.destination) = (excluded.rail, excluded.destination) then p.kyc_by end",
        tenant.uuid(),
        developer,
        rail as Rail,
        destination,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_kyc(cx: &mut Cx, developer: Uuid, good: bool) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?, cx.now(), cx.actor().label());
    sqlx::query!(
        "update pay.payee set kyc_at = case when $3 then coalesce(kyc_at, $4) end, kyc_by = case when $3 then coalesce(kyc_by, $5) end, updated_at = $4
         where tenant_id = $1 and developer_id = $2",
        tenant.uuid(),
        developer,
        good,
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_kyc_of(cx: &mut Cx, rail: Rail, destination: &str, good: bool) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?, cx.now(), cx.actor().label());
    sqlx::query!(
        "update pay.payee set kyc_at = case when $4 then coalesce(kyc_at, $5) end, kyc_by = case when $4 then coalesce(kyc_by, $6) end, updated_at = $5
         where tenant_id = $1 and rail = $2 and destination = $3",
        tenant.uuid(),
        rail as Rail,
        destination,
        good,
        now as Time,
        by,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert(cx: &mut Cx, p: &Payout, transfer: TransferId) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "insert into pay.payout (id, tenant_id, developer_id, rail, destination, provider_key, amount_minor, currency, status, transfer, check_at, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::pay.payout_status, $10, $11, $12, $11, $11)",
        p.id.uuid(),
        tenant.uuid(),
        p.developer_id,
        p.rail as Rail,
        p.destination,
        p.id.to_string(),
        p.amount_minor,
        p.currency.code(),
        p.status.word(),
        transfer.uuid(),
        p.created_at as Time,
        p.created_by,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The payout.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: PayoutId) -> Result<Payout> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, developer_id, rail as "rail: Rail", destination, provider_ref, amount_minor, currency, status::text as "status!: Status", reason,
                  created_by, created_at, updated_at
           from pay.payout where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("payout"))?
    .payout()
}

pub(super) async fn lock(cx: &mut Cx, id: PayoutId) -> Result<Option<Locked>> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        "select sent_at from pay.payout where tenant_id = $1 and id = $2 for update",
        tenant.uuid(),
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?;
    match row {
        Some(row) => Ok(Some(Locked { payout: get(cx, id).await?, sent_at: row.sent_at })),
        None => Ok(None),
    }
}

/// Payouts, the latest first.
pub async fn list(
    cx: &mut Cx,
    developer: Option<Uuid>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Payout>> {
    let tenant = cx.tenant()?;
    let (at, id) = page::start(after)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id, developer_id, rail as "rail: Rail", destination, provider_ref, amount_minor, currency, status::text as "status!: Status", reason,
                  created_by, created_at, updated_at
           from pay.payout where tenant_id = $1 and ($2::uuid is null or developer_id = $2) and (created_at, id) < ($3, $4)
           order by created_at desc, id desc limit $5"#,
        tenant.uuid(),
        developer,
        at as Time,
        id,
        page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?;
    let rows: Vec<Payout> = rows.into_iter().map(Row::payout).collect::<Result<_>>()?;
    Ok(Page::cut(rows, limit, |p| Cursor::after(&p.created_at.to_string(), p.id.uuid())))
}

pub(super) async fn set_sent(cx: &mut Cx, id: PayoutId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.payout set sent_at = $3, check_at = $4, updated_at = $3 where tenant_id = $1 and id = $2",
        tenant.uuid(),
        id.uuid(),
        now as Time,
        now.plus_s(super::CHECK_S) as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn save(cx: &mut Cx, p: &Payout, check_at: Option<Time>) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update pay.payout set status = $3::text::pay.payout_status, provider_ref = coalesce($4, provider_ref), reason = $5, check_at = $6, updated_at = $7
         where tenant_id = $1 and id = $2",
        tenant.uuid(),
        p.id.uuid(),
        p.status.word(),
        p.provider_ref,
        p.reason,
        check_at as Option<Time>,
        p.updated_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The payout that a rail's word is about: by our id, or by the rail's name.
pub(crate) async fn find(
    cx: &mut Cx,
    rail: Rail,
    ours: Option<Uuid>,
    provider_ref: &str,
) -> Result<Option<PayoutId>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_scalar!(
        r#"select id as "id: PayoutId" from pay.payout where tenant_id = $1 and rail = $2 and (id = $3 or provider_ref = $4) order by id = $3 desc limit 1"#,
        tenant.uuid(),
        rail as Rail,
        ours,
        provider_ref,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// The organisation's own currency.
pub(crate) async fn home_currency(cx: &mut Cx) -> Result<Currency> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_scalar!("select currency from accounts.tenant where id = $1", tenant)
        .fetch_one(cx.conn())
        .await?
        .parse()
}
