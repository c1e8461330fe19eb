//! The SQL of disputes.

use super::fee::FeeId;
use super::{Dispute, DisputeId, Status};
use crate::page;
use crate::payment::PaymentId;
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use ledger::TransferId;
use uuid::Uuid;

struct Row {
    id: Uuid,
    payment_id: Uuid,
    provider_ref: String,
    amount_minor: i64,
    currency: String,
    fee_minor: i64,
    fee_rule: Option<FeeId>,
    status: Status,
    reason: String,
    opened_at: Time,
    ended_at: Option<Time>,
}

impl Row {
    fn dispute(self) -> Result<Dispute> {
        Ok(Dispute {
            id: self.id.into(),
            payment_id: self.payment_id.into(),
            provider_ref: self.provider_ref,
            amount_minor: self.amount_minor,
            currency: self.currency.parse()?,
            fee_minor: self.fee_minor,
            fee_rule: self.fee_rule,
            status: self.status,
            reason: self.reason,
            opened_at: self.opened_at,
            ended_at: self.ended_at,
        })
    }
}

pub(super) async fn insert(cx: &mut Cx, d: &Dispute, hold: TransferId) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "insert into pay.dispute (id, tenant_id, payment_id, provider_ref, amount_minor, currency, fee_minor, status, reason, hold, opened_at, fee_rule)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        d.id.uuid(),
        tenant.uuid(),
        d.payment_id.uuid(),
        d.provider_ref,
        d.amount_minor,
        d.currency.code(),
        d.fee_minor,
        d.status as Status,
        d.reason,
        hold.uuid(),
        d.opened_at as Time,
        d.fee_rule.map(FeeId::uuid),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn end(cx: &mut Cx, d: &Dispute) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update pay.dispute set status = $3, ended_at = $4 where tenant_id = $1 and id = $2 and status = 'open'",
        tenant.uuid(),
        d.id.uuid(),
        d.status as Status,
        d.ended_at as Option<Time>,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What the provider charges, as long as the dispute is open.
pub(super) async fn set_fee(cx: &mut Cx, d: &Dispute) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update pay.dispute set fee_minor = $3, fee_rule = $4 where tenant_id = $1 and id = $2 and status = 'open'",
        tenant.uuid(),
        d.id.uuid(),
        d.fee_minor,
        d.fee_rule.map(FeeId::uuid),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn find(cx: &mut Cx, payment: PaymentId, provider_ref: &str) -> Result<Option<Dispute>> {
    let all = by_payment(cx, payment).await?;
    Ok(all.into_iter().find(|dispute| dispute.provider_ref == provider_ref))
}

/// The disputes about a payment, oldest first.
pub async fn by_payment(cx: &mut Cx, payment: PaymentId) -> Result<Vec<Dispute>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, payment_id, provider_ref, amount_minor, currency, fee_minor, fee_rule as "fee_rule: FeeId", status as "status: Status", reason, opened_at, ended_at
           from pay.dispute where tenant_id = $1 and payment_id = $2 order by opened_at, id limit 200"#,
        tenant.uuid(),
        payment.uuid(),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::dispute)
    .collect()
}

/// The dispute.
///
/// # Errors
/// Not found.
pub(super) async fn get(cx: &mut Cx, id: DisputeId) -> Result<Dispute> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, payment_id, provider_ref, amount_minor, currency, fee_minor, fee_rule as "fee_rule: FeeId", status as "status: Status", reason, opened_at, ended_at
           from pay.dispute where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("dispute"))?
    .dispute()
}

/// How many are open.
pub(super) async fn open_count(cx: &mut Cx) -> Result<i64> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from pay.dispute where tenant_id = $1 and status = 'open'"#,
        tenant.uuid(),
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Disputes, the latest first.
pub async fn list(cx: &mut Cx, after: Option<&Cursor>, limit: usize) -> Result<Page<Dispute>> {
    list_of(cx, None, after, limit).await
}

/// Disputes of a status, the latest first.
pub(super) async fn list_of(
    cx: &mut Cx,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Dispute>> {
    let tenant = cx.tenant()?;
    let (at, id) = page::start(after)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id, payment_id, provider_ref, amount_minor, currency, fee_minor, fee_rule as "fee_rule: FeeId", status as "status: Status", reason, opened_at, ended_at
           from pay.dispute where tenant_id = $1 and (opened_at, id) < ($2, $3) and ($5::pay.dispute_status is null or status = $5)
           order by opened_at desc, id desc limit $4"#,
        tenant.uuid(),
        at as Time,
        id,
        page::fetched(limit),
        status as Option<Status>,
    )
    .fetch_all(cx.conn())
    .await?;
    let rows: Vec<Dispute> = rows.into_iter().map(Row::dispute).collect::<Result<_>>()?;
    Ok(Page::cut(rows, limit, |d| Cursor::after(&d.opened_at.to_string(), d.id.uuid())))
}

/// Whether a dispute about the payment was lost.
pub(crate) async fn any_lost(cx: &mut Cx, payment: PaymentId) -> Result<bool> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_scalar!(
        r#"select exists (select from pay.dispute where tenant_id = $1 and payment_id = $2 and status = 'lost') as "lost!""#,
        tenant.uuid(),
        payment.uuid(),
    )
    .fetch_one(cx.conn())
    .await?)
}
