//! The SQL of invoices.

use super::{Buyer, Invoice, InvoiceId, Status};
use crate::settings::Seller;
use base::{Cursor, Error, Page, Result, TenantId, Time};
use db::Cx;
use ports::subscription::{Invoice as Seen, Line};
use sqlx::types::Json;

pub(super) struct New<'a> {
    pub(super) seen: &'a Seen,
    pub(super) status: Status,
    pub(super) seller: &'a Seller,
    pub(super) buyer: Buyer,
    pub(super) tax_name: String,
    pub(super) tax_basis_points: i32,
    pub(super) inclusive: bool,
}

/// Writes it under the next number.
///
/// # Errors
/// Unavailable when somebody else wrote it at the same moment: the caller's transaction is then given up,
/// and with it its number.
pub(super) async fn insert(cx: &mut Cx, new: &New<'_>) -> Result<InvoiceId> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<InvoiceId>());
    let seen = new.seen;
    // Whoever writes at the same moment waits here for this transaction.
    let number =
        sqlx::query_scalar!(r#"select billing.take_number() as "number!""#).fetch_one(cx.conn()).await?;
    let written = sqlx::query_scalar!(
        "insert into billing.invoice (id, tenant_id, number, provider_ref, subscription_ref, status, currency, net_minor, tax_minor,
                                      total_minor, paid_minor, tax_name, tax_basis_points, gst_inclusive, seller, buyer, lines,
                                      period_start, period_end, pay_url, issued_at, paid_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $21)
         on conflict (provider_ref) do nothing returning id",
        id.uuid(),
        tenant,
        number,
        seen.id,
        seen.subscription,
        new.status as Status,
        seen.currency.code(),
        seen.net_minor,
        seen.tax_minor,
        seen.total_minor,
        seen.paid_minor,
        new.tax_name,
        new.tax_basis_points,
        new.inclusive,
        Json(new.seller) as _,
        Json(&new.buyer) as _,
        Json(&seen.lines) as _,
        seen.period.start as Time,
        seen.period.end as Time,
        seen.pay_url,
        now as Time,
        seen.paid_at as Option<Time>,
    )
    .fetch_optional(cx.conn())
    .await?;
    written.map(InvoiceId).ok_or_else(|| {
        Error::unavailable("billing.invoice_busy", "The invoice is being written by somebody else right now.")
    })
}

pub(super) async fn by_ref(cx: &mut Cx, provider_ref: &str) -> Result<Option<(InvoiceId, Status)>> {
    let tenant = cx.tenant()?.uuid();
    let found = sqlx::query!(
        r#"select id as "id: InvoiceId", status as "status: Status" from billing.invoice
           where tenant_id = $1 and provider_ref = $2 for update"#,
        tenant,
        provider_ref
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(found.map(|row| (row.id, row.status)))
}

pub(super) async fn set_status(cx: &mut Cx, id: InvoiceId, status: Status, seen: &Seen) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update billing.invoice set status = $3, paid_minor = $4, pay_url = $5, paid_at = $6, updated_at = $7
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        status as Status,
        seen.paid_minor,
        seen.pay_url,
        seen.paid_at as Option<Time>,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// One invoice.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: InvoiceId) -> Result<Invoice> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Invoice,
        r#"select id as "id: InvoiceId", tenant_id as "tenant: TenantId", number, provider_ref, status as "status: Status", currency,
                  net_minor, tax_minor, total_minor, paid_minor, tax_name, tax_basis_points, gst_inclusive,
                  seller as "seller: Json<Seller>", buyer as "buyer: Json<Buyer>", lines as "lines: Json<Vec<Line>>",
                  period_start, period_end, pay_url, issued_at, paid_at
           from billing.invoice where tenant_id = $1 and id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("invoice"))
}

/// The invoice that is to be paid; the oldest of several.
pub async fn open(cx: &mut Cx) -> Result<Option<Invoice>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Invoice,
        r#"select id as "id: InvoiceId", tenant_id as "tenant: TenantId", number, provider_ref, status as "status: Status", currency,
                  net_minor, tax_minor, total_minor, paid_minor, tax_name, tax_basis_points, gst_inclusive,
                  seller as "seller: Json<Seller>", buyer as "buyer: Json<Buyer>", lines as "lines: Json<Vec<Line>>",
                  period_start, period_end, pay_url, issued_at, paid_at
           from billing.invoice where tenant_id = $1 and status = 'open' order by number limit 1"#,
        tenant,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// The invoices of a tenant, the latest first.
pub async fn list(cx: &mut Cx, after: Option<&Cursor>, limit: usize) -> Result<Page<Invoice>> {
    let tenant = cx.tenant()?.uuid();
    let before = match after.map(Cursor::parts).transpose()? {
        Some((key, _)) => Some(key.parse::<i64>().map_err(|_| {
            Error::invalid("cursor.invalid", "This page link is damaged. Start again from the first page.")
        })?),
        None => None,
    };
    let rows = sqlx::query_as!(
        Invoice,
        r#"select id as "id: InvoiceId", tenant_id as "tenant: TenantId", number, provider_ref, status as "status: Status", currency,
                  net_minor, tax_minor, total_minor, paid_minor, tax_name, tax_basis_points, gst_inclusive,
                  seller as "seller: Json<Seller>", buyer as "buyer: Json<Buyer>", lines as "lines: Json<Vec<Line>>",
                  period_start, period_end, pay_url, issued_at, paid_at
           from billing.invoice where tenant_id = $1 and ($2::bigint is null or number < $2) order by number desc limit $3"#,
        tenant,
        before,
        i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |invoice| Cursor::after(&invoice.number.to_string(), invoice.id.uuid())))
}

/// The invoices of a client that were paid in a span, oldest first. Runs across tenants; at most 500.
pub(crate) async fn of_month(cx: &mut Cx, tenant: TenantId, from: Time, until: Time) -> Result<Vec<Invoice>> {
    Ok(sqlx::query_as!(
        Invoice,
        r#"select id as "id: InvoiceId", tenant_id as "tenant: TenantId", number, provider_ref, status as "status: Status", currency,
                  net_minor, tax_minor, total_minor, paid_minor, tax_name, tax_basis_points, gst_inclusive,
                  seller as "seller: Json<Seller>", buyer as "buyer: Json<Buyer>", lines as "lines: Json<Vec<Line>>",
                  period_start, period_end, pay_url, issued_at, paid_at
           from billing.invoice where tenant_id = $1 and status = 'paid' and paid_at >= $2 and paid_at < $3
           order by number limit 500"#,
        tenant.uuid(),
        from as Time,
        until as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// What clients paid in a span without tax, in minor units of the currency, by client. Runs across tenants.
pub(crate) async fn sum_of_month(cx: &mut Cx, from: Time, until: Time) -> Result<Vec<(TenantId, i64)>> {
    let rows = sqlx::query!(
        r#"select tenant_id, sum(net_minor)::bigint as "net!" from billing.invoice
           where status = 'paid' and paid_at >= $1 and paid_at < $2 and currency = 'AUD' group by tenant_id"#,
        from as Time,
        until as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), row.net)).collect())
}
