//! The SQL of refunds.

use super::{Refund, RefundId, Status};
use crate::payment::PaymentId;
use base::{Error, Result, Time};
use db::Cx;
use ledger::TransferId;
use uuid::Uuid;

struct Row {
    id: Uuid,
    payment_id: Uuid,
    provider_ref: Option<String>,
    amount_minor: i64,
    currency: String,
    status: Status,
    reason: String,
    created_by: String,
    created_at: Time,
    updated_at: Time,
}

impl Row {
    fn refund(self) -> Result<Refund> {
        Ok(Refund {
            id: self.id.into(),
            payment_id: self.payment_id.into(),
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
    pub refund: Refund,
    /// When the rail was last asked.
    pub sent_at: Option<Time>,
}

pub(super) async fn insert(cx: &mut Cx, r: &Refund) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "insert into pay.refund (id, tenant_id, payment_id, provider_key, amount_minor, currency, status, reason, check_at, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7::text::pay.refund_status, $8, $9, $10, $9, $9)",
        r.id.uuid(),
        tenant.uuid(),
        r.payment_id.uuid(),
        r.id.to_string(),
        r.amount_minor,
        r.currency.code(),
        r.status.word(),
        r.reason,
        r.created_at as Time,
        r.created_by,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The refund.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: RefundId) -> Result<Refund> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, payment_id, provider_ref, amount_minor, currency, status::text as "status!: Status", reason, created_by, created_at, updated_at
           from pay.refund where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("refund"))?
    .refund()
}

pub(super) async fn lock(cx: &mut Cx, id: RefundId) -> Result<Option<Locked>> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        "select sent_at from pay.refund where tenant_id = $1 and id = $2 for update",
        tenant.uuid(),
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?;
    match row {
        Some(row) => Ok(Some(Locked { refund: get(cx, id).await?, sent_at: row.sent_at })),
        None => Ok(None),
    }
}

/// The refunds of a payment, oldest first.
pub async fn by_payment(cx: &mut Cx, payment: PaymentId) -> Result<Vec<Refund>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, payment_id, provider_ref, amount_minor, currency, status::text as "status!: Status", reason, created_by, created_at, updated_at
           from pay.refund where tenant_id = $1 and payment_id = $2 order by created_at, id limit 200"#,
        tenant.uuid(),
        payment.uuid(),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::refund)
    .collect()
}

/// What of a payment is on its way back, in minor units.
pub(super) async fn open_minor(cx: &mut Cx, payment: PaymentId) -> Result<i64> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_scalar!(
        r#"select coalesce(sum(amount_minor), 0)::bigint as "sum!" from pay.refund
           where tenant_id = $1 and payment_id = $2 and status in ('initiated', 'pending', 'unknown')"#,
        tenant.uuid(),
        payment.uuid(),
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn set_sent(cx: &mut Cx, id: RefundId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.refund set sent_at = $3, check_at = $4, updated_at = $3 where tenant_id = $1 and id = $2",
        tenant.uuid(),
        id.uuid(),
        now as Time,
        now.plus_s(super::CHECK_S) as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn save(
    cx: &mut Cx,
    r: &Refund,
    check_at: Option<Time>,
    transfer: Option<TransferId>,
) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update pay.refund set status = $3::text::pay.refund_status, provider_ref = coalesce($4, provider_ref), check_at = $5, transfer = coalesce($6, transfer), updated_at = $7
         where tenant_id = $1 and id = $2",
        tenant.uuid(),
        r.id.uuid(),
        r.status.word(),
        r.provider_ref,
        check_at as Option<Time>,
        transfer.map(|id| id.uuid()),
        r.updated_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The open refund that a rail's word is about: by our id, or by the rail's name.
pub(crate) async fn find(cx: &mut Cx, ours: Option<Uuid>, provider_ref: &str) -> Result<Option<RefundId>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_scalar!(
        r#"select id as "id: RefundId" from pay.refund where tenant_id = $1 and (id = $2 or provider_ref = $3) order by id = $2 desc limit 1"#,
        tenant.uuid(),
        ours,
        provider_ref,
    )
    .fetch_optional(cx.conn())
    .await?)
}
