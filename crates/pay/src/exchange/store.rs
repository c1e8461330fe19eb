//! The SQL of exchanges.

use super::rate::RateId;
use super::{Exchange, ExchangeId, Status};
use crate::page;
use base::{Cursor, Page, Result, Time};
use db::Cx;

struct Row {
    id: ExchangeId,
    rate_id: RateId,
    base: String,
    quote: String,
    rate: String,
    source: String,
    give_minor: i64,
    give_currency: String,
    spread_minor: i64,
    get_minor: i64,
    get_currency: String,
    status: Status,
    expires_at: Time,
    created_by: String,
    created_at: Time,
    executed_by: Option<String>,
    executed_at: Option<Time>,
}

impl Row {
    fn exchange(self) -> Result<Exchange> {
        Ok(Exchange {
            id: self.id,
            rate_id: self.rate_id,
            rate: format!("1 {} = {} {}", self.base, self.rate, self.quote),
            source: self.source,
            give_minor: self.give_minor,
            give_currency: self.give_currency.parse()?,
            spread_minor: self.spread_minor,
            get_minor: self.get_minor,
            get_currency: self.get_currency.parse()?,
            status: self.status,
            expires_at: self.expires_at,
            created_by: self.created_by,
            created_at: self.created_at,
            executed_by: self.executed_by,
            executed_at: self.executed_at,
        })
    }
}

macro_rules! exchanges {
    ($rest:literal, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select x.id as "id: ExchangeId", x.rate_id as "rate_id: RateId", r.base, r.quote, r.rate, r.source, x.give_minor,
                      x.give_currency, x.spread_minor, x.get_minor, x.get_currency, x.status as "status: Status", x.expires_at,
                      x.created_by, x.created_at, x.executed_by, x.executed_at
               from pay.exchange x join pay.exchange_rate r on r.id = x.rate_id where "# + $rest,
            $($value),+
        )
    };
}

pub(super) async fn insert(cx: &mut Cx, x: &Exchange) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "insert into pay.exchange (id, tenant_id, rate_id, give_minor, give_currency, spread_minor, get_minor, get_currency, expires_at,
                                   created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        x.id.uuid(),
        tenant.uuid(),
        x.rate_id.uuid(),
        x.give_minor,
        x.give_currency.code(),
        x.spread_minor,
        x.get_minor,
        x.get_currency.code(),
        x.expires_at as Time,
        x.created_by,
        x.created_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Writes that a quote was executed.
pub(super) async fn execute(cx: &mut Cx, x: &Exchange) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update pay.exchange set status = $3, executed_by = $4, executed_at = $5 where tenant_id = $1 and id = $2 and status = 'quoted'",
        tenant.uuid(),
        x.id.uuid(),
        x.status as Status,
        x.executed_by,
        x.executed_at as Option<Time>,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The exchange; with `lock` for this transaction alone.
pub(super) async fn get(cx: &mut Cx, id: ExchangeId, lock: bool) -> Result<Option<Exchange>> {
    let tenant = cx.tenant()?;
    if lock {
        sqlx::query!(
            "select from pay.exchange where tenant_id = $1 and id = $2 for update",
            tenant.uuid(),
            id.uuid()
        )
        .fetch_optional(cx.conn())
        .await?;
    }
    exchanges!("x.tenant_id = $1 and x.id = $2", tenant.uuid(), id.uuid())
        .fetch_optional(cx.conn())
        .await?
        .map(Row::exchange)
        .transpose()
}

/// Exchanges, the latest first; quotes that were never executed among them.
pub async fn list(
    cx: &mut Cx,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Exchange>> {
    let tenant = cx.tenant()?;
    let (at, id) = page::start(after)?;
    let rows = exchanges!(
        "x.tenant_id = $1 and (x.created_at, x.id) < ($2, $3) and ($4::pay.exchange_status is null or x.status = $4)
         order by x.created_at desc, x.id desc limit $5",
        tenant.uuid(),
        at as Time,
        id,
        status as Option<Status>,
        page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::exchange)
    .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |x| Cursor::after(&x.created_at.to_string(), x.id.uuid())))
}
