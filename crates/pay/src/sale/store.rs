//! The SQL of sales.

use super::{Dialect, Flow, Output, Sale, SaleId, Status};
use crate::resource::ResourceId;
use base::{Cursor, Page, Result, Time};
use db::Cx;
use uuid::Uuid;

struct Row {
    id: SaleId,
    resource_id: ResourceId,
    payer: String,
    payee: String,
    network: String,
    asset: String,
    units: String,
    amount_minor: i64,
    currency: String,
    dialect: Dialect,
    payment_name: Option<String>,
    simulated: bool,
    flow: Flow,
    status: Status,
    reason: Option<String>,
    runs: i32,
    transaction: Option<String>,
    created_at: Time,
    updated_at: Time,
    nonce: Vec<u8>,
    fingerprint: Vec<u8>,
    valid_before: Time,
    checks: i32,
}

impl Row {
    fn sale(self) -> Result<Sale> {
        Ok(Sale {
            id: self.id,
            resource_id: self.resource_id,
            payer: self.payer,
            payee: self.payee,
            network: self.network,
            asset: self.asset,
            units: self.units,
            amount_minor: self.amount_minor,
            currency: self.currency.parse()?,
            dialect: self.dialect,
            payment_name: self.payment_name,
            simulated: self.simulated,
            flow: self.flow,
            status: self.status,
            reason: self.reason,
            runs: self.runs,
            transaction: self.transaction,
            created_at: self.created_at,
            updated_at: self.updated_at,
            nonce: self.nonce,
            fingerprint: self.fingerprint,
            valid_before: self.valid_before,
            checks: self.checks,
        })
    }
}

/// Claims the payment of a sale; false when it, or its name, is taken.
pub(super) async fn claim(cx: &mut Cx, s: &Sale, check_at: Time) -> Result<bool> {
    let tenant = cx.tenant()?;
    let done = sqlx::query!(
        "insert into pay.sale (id, tenant_id, resource_id, network, asset, payer, nonce, payee, units, valid_before, amount_minor, currency,
                               dialect, payment_name, fingerprint, simulated, check_at, created_at, updated_at, flow)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::numeric, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19)
         on conflict do nothing",
        s.id.uuid(),
        tenant.uuid(),
        s.resource_id.uuid(),
        s.network,
        s.asset,
        s.payer,
        s.nonce,
        s.payee,
        s.units,
        s.valid_before as Time,
        s.amount_minor,
        s.currency.code(),
        s.dialect as Dialect,
        s.payment_name,
        s.fingerprint,
        s.simulated,
        check_at as Time,
        s.created_at as Time,
        s.flow as Flow,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a payment be settled before the work; false when the sale has ended.
pub(super) async fn settling(cx: &mut Cx, id: SaleId, check_at: Time) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let done = sqlx::query!(
        "update pay.sale set status = 'settling', check_at = $3, updated_at = $4
         where tenant_id = $1 and id = $2 and status = 'claimed' and flow = 'upfront'",
        tenant.uuid(),
        id.uuid(),
        check_at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the work for a sale that was paid upfront and that nobody works on any more; false: somebody does.
pub(super) async fn take_over(cx: &mut Cx, id: SaleId, check_at: Time) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let done = sqlx::query!(
        "update pay.sale set check_at = $3, updated_at = $4 where tenant_id = $1 and id = $2 and status = 'paid' and check_at <= $4",
        tenant.uuid(),
        id.uuid(),
        check_at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts the output of a sale that was paid upfront beside it, which delivers it; false when it has ended.
pub(super) async fn delivered(cx: &mut Cx, id: SaleId, output: &Output) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let done = sqlx::query!(
        "update pay.sale set status = 'delivered', runs = runs + 1, check_at = null, updated_at = $3
         where tenant_id = $1 and id = $2 and status = 'paid'",
        tenant.uuid(),
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if done.rows_affected() == 1 {
        put_away(cx, id, output).await?;
    }
    Ok(done.rows_affected() == 1)
}

async fn put_away(cx: &mut Cx, id: SaleId, output: &Output) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "insert into pay.sale_output (sale_id, tenant_id, content_type, body, created_at) values ($1, $2, $3, $4, $5)",
        id.uuid(),
        tenant.uuid(),
        output.content_type,
        output.body,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Puts the output of the work away and lets the payment be settled; false when the sale has ended.
pub(super) async fn made(cx: &mut Cx, id: SaleId, output: &Output, check_at: Time) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let done = sqlx::query!(
        "update pay.sale set status = 'settling', runs = runs + 1, check_at = $3, updated_at = $4
         where tenant_id = $1 and id = $2 and status = 'claimed'",
        tenant.uuid(),
        id.uuid(),
        check_at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    put_away(cx, id, output).await?;
    Ok(true)
}

/// Writes how far a sale is.
pub(super) async fn save(cx: &mut Cx, s: &Sale, check_at: Option<Time>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.sale set status = $3, reason = $4, transaction = $5, check_at = $6, checks = $7, updated_at = $8
         where tenant_id = $1 and id = $2",
        tenant.uuid(),
        s.id.uuid(),
        s.status as Status,
        s.reason,
        s.transaction,
        check_at as Option<Time>,
        s.checks,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What was made for a sale; the table shows nothing of one that is not paid.
pub(super) async fn output(cx: &mut Cx, id: SaleId) -> Result<Option<Output>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_as!(
        Output,
        "select content_type, body from pay.sale_output where tenant_id = $1 and sale_id = $2",
        tenant.uuid(),
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?)
}

macro_rules! sales {
    ($rest:literal, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id as "id: SaleId", resource_id as "resource_id: ResourceId", payer, payee, network, asset, units::text as "units!",
                      amount_minor, currency, dialect as "dialect: Dialect", payment_name, simulated, flow as "flow: Flow", status as "status: Status", reason, runs,
                      transaction, created_at, updated_at, nonce, fingerprint, valid_before, checks
               from pay.sale where "# + $rest,
            $($value),+
        )
    };
}

pub(super) async fn get(cx: &mut Cx, id: SaleId) -> Result<Option<Sale>> {
    let tenant = cx.tenant()?;
    sales!("tenant_id = $1 and id = $2", tenant.uuid(), id.uuid())
        .fetch_optional(cx.conn())
        .await?
        .map(Row::sale)
        .transpose()
}

/// The sale, for this transaction alone.
pub(super) async fn lock(cx: &mut Cx, id: SaleId) -> Result<Option<Sale>> {
    let tenant = cx.tenant()?;
    sales!("tenant_id = $1 and id = $2 for update", tenant.uuid(), id.uuid())
        .fetch_optional(cx.conn())
        .await?
        .map(Row::sale)
        .transpose()
}

/// The sale that has the buyer's name of a payment.
pub(super) async fn by_name(cx: &mut Cx, resource: ResourceId, name: &str) -> Result<Option<Sale>> {
    let tenant = cx.tenant()?;
    sales!("tenant_id = $1 and resource_id = $2 and payment_name = $3", tenant.uuid(), resource.uuid(), name)
        .fetch_optional(cx.conn())
        .await?
        .map(Row::sale)
        .transpose()
}

/// Sales, the latest first.
pub async fn list(
    cx: &mut Cx,
    resource: Option<ResourceId>,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Sale>> {
    let tenant = cx.tenant()?;
    let (at, id) = crate::page::start(after)?;
    let rows = sales!(
        "tenant_id = $1 and ($2::uuid is null or resource_id = $2) and ($3::pay.sale_status is null or status = $3)
           and (created_at, id) < ($4, $5) order by created_at desc, id desc limit $6",
        tenant.uuid(),
        resource.map(|id| id.uuid()),
        status as Option<Status>,
        at as Time,
        id,
        crate::page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::sale)
    .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |s| Cursor::after(&s.created_at.to_string(), s.id.uuid())))
}

/// Sales, across tenants, that somebody should look at.
pub(super) async fn overdue(cx: &mut Cx, limit: i64) -> Result<Vec<(Uuid, SaleId)>> {
    let now = cx.now();
    let rows = sqlx::query!(
        r#"select tenant_id, id as "id: SaleId" from pay.sale
           where check_at is not null and check_at <= $1 order by check_at limit $2"#,
        now as Time,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}
