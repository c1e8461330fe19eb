//! The SQL of payments.

use super::{Event, Filter, Payment, PaymentId, Status};
use crate::cap::Periods;
use crate::page;
use crate::rail::Rail;
use base::{Cursor, Page, Result, Time};
use db::Cx;
use ledger::TransferId;
use ports::rail::Authorise;
use serde_json::Value;
use uuid::Uuid;

/// What the machinery of a payment needs beside the payment.
#[derive(Clone, Debug)]
pub(crate) struct Locked {
    /// The payment.
    pub payment: Payment,
    /// Where a crash goes on from.
    pub point: Point,
    /// What the rail is asked.
    pub request: Option<Authorise>,
    /// When it was last asked.
    pub sent_at: Option<Time>,
    /// How often the rail was asked what became of it.
    pub checks: i32,
    /// The periods whose caps hold it.
    pub periods: Periods,
}

/// Where a crash goes on from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Point {
    /// Set aside; the rail was not asked.
    Reserved,
    /// The rail is being asked, or was: nobody may assume that it has nothing.
    Sent,
    /// It has ended.
    Done,
}

impl Point {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Sent => "sent",
            Self::Done => "done",
        }
    }

    fn named(word: &str) -> Self {
        match word {
            "reserved" => Self::Reserved,
            "done" => Self::Done,
            // What is not known may have been sent.
            _ => Self::Sent,
        }
    }
}

struct Row {
    id: Uuid,
    mandate_id: Uuid,
    intent_id: Uuid,
    principal_id: Uuid,
    vendor_id: Uuid,
    rail: Rail,
    provider_ref: Option<String>,
    amount_minor: i64,
    currency: String,
    captured_minor: i64,
    refunded_minor: i64,
    fee_version: i32,
    fee_minor: i64,
    status: Status,
    reason: Option<String>,
    created_at: Time,
    updated_at: Time,
}

impl Row {
    fn payment(self) -> Result<Payment> {
        Ok(Payment {
            id: self.id.into(),
            mandate_id: self.mandate_id.into(),
            intent_id: self.intent_id.into(),
            principal_id: self.principal_id.into(),
            vendor_id: self.vendor_id.into(),
            rail: self.rail,
            provider_ref: self.provider_ref,
            amount_minor: self.amount_minor,
            currency: self.currency.parse()?,
            captured_minor: self.captured_minor,
            refunded_minor: self.refunded_minor,
            fee_version: self.fee_version,
            fee_minor: self.fee_minor,
            status: self.status,
            reason: self.reason,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) async fn insert(cx: &mut Cx, p: &Payment, new: &New<'_>) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "insert into pay.payment (id, tenant_id, mandate_id, intent_id, principal_id, vendor_id, rail, provider_key, amount_minor, currency,
                                  fee_version, fee_minor, cap_day, cap_month, status, recovery_point, request, check_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19)",
        p.id.uuid(),
        tenant.uuid(),
        p.mandate_id.uuid(),
        p.intent_id.uuid(),
        p.principal_id.uuid(),
        p.vendor_id.uuid(),
        p.rail as Rail,
        p.id.to_string(),
        p.amount_minor,
        p.currency.code(),
        p.fee_version,
        p.fee_minor,
        new.periods.day,
        new.periods.month,
        p.status as Status,
        Point::Reserved.word(),
        new.request,
        new.check_at as Option<Time>,
        p.created_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What a payment has in its row and not in its face.
pub(super) struct New<'a> {
    pub periods: &'a Periods,
    pub request: Option<Value>,
    pub check_at: Option<Time>,
}

pub(super) async fn get(cx: &mut Cx, id: PaymentId) -> Result<Option<Payment>> {
    let tenant = cx.tenant()?;
    sqlx::query_as!(
        Row,
        r#"select id, mandate_id, intent_id, principal_id, vendor_id, rail as "rail: Rail", provider_ref, amount_minor, currency, captured_minor,
                  refunded_minor, fee_version, fee_minor, status as "status: Status", reason, created_at, updated_at
           from pay.payment where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::payment)
    .transpose()
}

/// Takes the payment for this transaction alone.
pub(crate) async fn lock(cx: &mut Cx, id: PaymentId) -> Result<Option<Locked>> {
    let tenant = cx.tenant()?;
    let Some(rest) = sqlx::query!(
        "select recovery_point, request, sent_at, checks, cap_day, cap_month from pay.payment where tenant_id = $1 and id = $2 for update",
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    else {
        return Ok(None);
    };
    let Some(payment) = get(cx, id).await? else { return Ok(None) };
    Ok(Some(Locked {
        payment,
        point: Point::named(&rest.recovery_point),
        request: rest.request.map(serde_json::from_value).transpose()?,
        sent_at: rest.sent_at,
        checks: rest.checks,
        periods: Periods { day: rest.cap_day, month: rest.cap_month },
    }))
}

/// The payment that a rail knows by this name.
pub async fn by_provider_ref(cx: &mut Cx, rail: Rail, provider_ref: &str) -> Result<Option<PaymentId>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_scalar!(
        r#"select id as "id: PaymentId" from pay.payment where tenant_id = $1 and rail = $2 and provider_ref = $3"#,
        tenant.uuid(),
        rail as Rail,
        provider_ref,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// The rail is asked from now on: a crash goes on by looking the request up.
pub(super) async fn set_sent(cx: &mut Cx, id: PaymentId, check_at: Time) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.payment set recovery_point = 'sent', sent_at = $3, check_at = $4, updated_at = $3 where tenant_id = $1 and id = $2",
        tenant.uuid(),
        id.uuid(),
        now as Time,
        check_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The request goes over another rail: the first one surely has nothing of it.
pub(super) async fn set_rail(cx: &mut Cx, p: &Payment, request: Option<Value>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.payment set rail = $3, request = $4, fee_minor = $5, recovery_point = 'reserved', sent_at = null,
                provider_ref = null, check_at = $6, updated_at = $6
         where tenant_id = $1 and id = $2",
        tenant.uuid(),
        p.id.uuid(),
        p.rail as Rail,
        request,
        p.fee_minor,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Writes state and figures; `check_at` none: the rail is asked no more.
pub(super) async fn save(
    cx: &mut Cx,
    p: &Payment,
    check_at: Option<Time>,
    capture: Option<TransferId>,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let point = if p.status.is_open() { Point::Sent } else { Point::Done };
    sqlx::query!(
        "update pay.payment set status = $3, reason = $4, provider_ref = coalesce($5, provider_ref), captured_minor = $6, check_at = $7,
                checks = checks + $8, capture = coalesce($9, capture), recovery_point = $10, updated_at = $11
         where tenant_id = $1 and id = $2",
        tenant.uuid(),
        p.id.uuid(),
        p.status as Status,
        p.reason,
        p.provider_ref,
        p.captured_minor,
        check_at as Option<Time>,
        i32::from(check_at.is_some()),
        capture.map(|id| id.uuid()),
        point.word(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Writes what refunds and disputes change.
pub(crate) async fn set_corrected(cx: &mut Cx, p: &Payment) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.payment set status = $3, refunded_minor = $4, updated_at = $5 where tenant_id = $1 and id = $2",
        tenant.uuid(),
        p.id.uuid(),
        p.status as Status,
        p.refunded_minor,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn event(
    cx: &mut Cx,
    id: PaymentId,
    kind: &str,
    status: Status,
    detail: Value,
) -> Result<()> {
    let (tenant, row, actor, now) = (cx.tenant()?, cx.id::<Uuid>(), cx.actor().label(), cx.clock().now());
    sqlx::query!(
        "insert into pay.payment_event (id, tenant_id, payment_id, kind, status, detail, actor, at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        row,
        tenant.uuid(),
        id.uuid(),
        kind,
        status as Status,
        detail,
        actor,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The timeline, oldest first.
pub async fn events(cx: &mut Cx, id: PaymentId) -> Result<Vec<Event>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_as!(
        Event,
        r#"select kind, status as "status: Status", detail, actor, at from pay.payment_event
           where tenant_id = $1 and payment_id = $2 order by at, id limit 500"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Payments, the latest first.
pub async fn list(
    cx: &mut Cx,
    filter: Filter,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Payment>> {
    let tenant = cx.tenant()?;
    let (at, id) = page::start(after)?;
    let rows = sqlx::query_as!(
        Row,
        r#"select id, mandate_id, intent_id, principal_id, vendor_id, rail as "rail: Rail", provider_ref, amount_minor, currency, captured_minor,
                  refunded_minor, fee_version, fee_minor, status as "status: Status", reason, created_at, updated_at
           from pay.payment
           where tenant_id = $1 and ($2::uuid is null or principal_id = $2) and ($3::uuid is null or vendor_id = $3)
             and ($4::uuid is null or mandate_id = $4) and ($5::pay.payment_status is null or status = $5)
             and ($6::pay.rail is null or rail = $6) and (created_at, id) < ($7, $8)
           order by created_at desc, id desc limit $9"#,
        tenant.uuid(),
        filter.principal.map(|id| id.uuid()),
        filter.vendor.map(|id| id.uuid()),
        filter.mandate.map(|id| id.uuid()),
        filter.status as Option<Status>,
        filter.rail as Option<Rail>,
        at as Time,
        id,
        page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?;
    let rows: Vec<Payment> = rows.into_iter().map(Row::payment).collect::<Result<_>>()?;
    Ok(Page::cut(rows, limit, |p| Cursor::after(&p.created_at.to_string(), p.id.uuid())))
}

/// How many payments there are of each status.
pub async fn counts(cx: &mut Cx) -> Result<Vec<(Status, i64)>> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        r#"select status as "status: Status", count(*) as "count!" from pay.payment where tenant_id = $1 group by status order by status"#,
        tenant.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.status, row.count)).collect())
}
