//! Exchanges: a tenant's paid credit in one currency for credit in another, at a dated rate with a source.
//! First a **quote** says what is given, kept as spread and got, and until when; then the quote is
//! **executed**, once, as two linked legs and the spread in the books.
//!
//! What always holds: nothing is ever exchanged without somebody asking for that very quote; a quote that
//! ended is refused and moves nothing; executing it again answers as the first time; the books get what the
//! quote says, to the minor unit.

pub(crate) mod api;
pub(crate) mod pages;
pub mod rate;
mod store;
#[cfg(test)]
mod tests;

pub use rate::{Rate, RateId};
pub use store::list;

use crate::intent;
use base::{Currency, Error, Money, Result, Time};
use control::switch::gate;
use db::{Cx, Fact};
use ledger::TransferId;
use ledger::account::Key;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

base::id_type!(
    /// A quote, and the exchange that it becomes.
    ExchangeId
);

/// Seconds in which a quote may be executed; it ends earlier where its rate does.
pub const QUOTE_S: i64 = 120;

/// How far an exchange is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.exchange_status", rename_all = "snake_case")]
pub enum Status {
    /// It may be executed until its end.
    Quoted,
    /// It was.
    Executed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Quoted, Self::Executed];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::Executed => "executed",
        }
    }
}

/// An exchange, or the quote of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exchange {
    /// Which; its transfer in the books has the same id.
    pub id: ExchangeId,
    /// At which rate, as it was written down.
    pub rate_id: RateId,
    /// The rate in words, such as `1 AUD = 54.80 INR`.
    pub rate: String,
    /// Where the rate comes from.
    pub source: String,
    /// What is given, spread included, in minor units.
    pub give_minor: i64,
    /// Of this currency.
    pub give_currency: Currency,
    /// What of it the platform keeps.
    pub spread_minor: i64,
    /// What is got, in minor units.
    pub get_minor: i64,
    /// Of this currency.
    pub get_currency: Currency,
    /// How far it is.
    pub status: Status,
    /// Until when the quote may be executed.
    pub expires_at: Time,
    /// Who asked for it, as `kind:name`.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// Who executed it.
    pub executed_by: Option<String>,
    /// When.
    pub executed_at: Option<Time>,
}

impl Exchange {
    /// What is given.
    pub fn give(&self) -> Money {
        Money { minor: self.give_minor, currency: self.give_currency }
    }

    /// What is got.
    pub fn get(&self) -> Money {
        Money { minor: self.get_minor, currency: self.get_currency }
    }

    /// What the platform keeps.
    pub fn spread(&self) -> Money {
        Money { minor: self.spread_minor, currency: self.give_currency }
    }

    /// Whether it can be executed at this instant.
    pub fn is_open_at(&self, now: Time) -> bool {
        self.status == Status::Quoted && now < self.expires_at
    }
}

/// A quote to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// What is given: a whole number of minor units, above 0.
    pub give_minor: i64,
    /// Of this currency.
    pub give_currency: Currency,
    /// Which currency is wanted.
    pub get_currency: Currency,
}

/// Says what an exchange would come to now. Nothing moves.
///
/// # Errors
/// Invalid amount; `exchange.same_currency`; refused (`exchange.no_rate`) when nobody wrote a rate down that
/// counts now, `ledger_exchange_small`; `switch.engaged`.
pub async fn quote(cx: &mut Cx, new: &New) -> Result<Exchange> {
    let give = intent::amount(new.give_minor, new.give_currency)?;
    if new.give_currency == new.get_currency {
        return Err(Error::invalid("exchange.same_currency", "Name two currencies."));
    }
    pass(cx).await?;
    let now = cx.now();
    let rate = rate::at(cx, new.give_currency, new.get_currency, now).await?.ok_or_else(|| {
        Error::refused(
            "exchange.no_rate",
            format!(
                "No rate of {} and {} counts now. Whoever runs this installation writes rates down.",
                new.give_currency.code(),
                new.get_currency.code()
            ),
        )
    })?;
    let expires_at = now.plus_s(QUOTE_S).min(rate.valid_until);
    let quoted = rate.giving(give.currency, expires_at)?.quote(give, rate.spread_bps)?;
    let exchange = Exchange {
        id: cx.id(),
        rate_id: rate.id,
        rate: rate.words(),
        source: rate.source.clone(),
        give_minor: give.minor,
        give_currency: give.currency,
        spread_minor: quoted.spread.minor,
        get_minor: quoted.get.minor,
        get_currency: quoted.get.currency,
        status: Status::Quoted,
        expires_at,
        created_by: cx.actor().label(),
        created_at: now,
        executed_by: None,
        executed_at: None,
    };
    store::insert(cx, &exchange).await?;
    Ok(exchange)
}

/// Executes a quote, once; executing it again answers as the first time.
///
/// # Errors
/// Not found; refused (`exchange.quote_expired`); `insufficient_funds`; `switch.engaged`.
pub async fn execute(cx: &mut Cx, id: ExchangeId) -> Result<Exchange> {
    pass(cx).await?;
    let mut exchange = store::get(cx, id, true).await?.ok_or_else(|| Error::not_found("exchange"))?;
    if exchange.status == Status::Executed {
        return Ok(exchange);
    }
    let now = cx.now();
    if now >= exchange.expires_at {
        return Err(Error::refused(
            "exchange.quote_expired",
            format!("This quote ended at {}; nothing moved. Ask for another one.", exchange.expires_at),
        ));
    }
    let rate = rate::get(cx, exchange.rate_id).await?;
    let at = rate.giving(exchange.give_currency, exchange.expires_at)?;
    let quoted = at.quote(exchange.give(), rate.spread_bps)?;
    if (quoted.spread, quoted.get) != (exchange.spread(), exchange.get()) {
        return Err(Error::internal("A quote does not come to what its rate says."));
    }
    let tenant = cx.tenant()?;
    let (from, to) =
        (Key::wallet(tenant, exchange.give_currency), Key::wallet(tenant, exchange.get_currency));
    for currency in [exchange.give_currency, exchange.get_currency] {
        ledger::account::open_platform(cx, currency).await?;
    }
    ledger::account::open(cx, &[from, to]).await?;
    let swap = ledger::exchange::Exchange {
        id: TransferId(id.uuid()),
        from: from.id(),
        to: to.id(),
        give: exchange.give(),
        rate: at,
        spread_bps: rate.spread_bps,
    };
    ledger::exchange::exchange(cx, &swap).await?;
    exchange.status = Status::Executed;
    exchange.executed_by = Some(cx.actor().label());
    exchange.executed_at = Some(now);
    store::execute(cx, &exchange).await?;
    let detail = json!({
        "give_minor": exchange.give_minor, "give_currency": exchange.give_currency, "spread_minor": exchange.spread_minor,
        "get_minor": exchange.get_minor, "get_currency": exchange.get_currency, "rate": exchange.rate, "source": exchange.source,
    });
    cx.publish(Fact::about("pay.exchange.executed", id.uuid()).with(detail)).await?;
    Ok(exchange)
}

/// No switch stops the organisation's money.
async fn pass(cx: &mut Cx) -> Result<()> {
    Ok(gate::hold(cx, &gate::Targets::default()).await?)
}

/// The exchange.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: ExchangeId) -> Result<Exchange> {
    store::get(cx, id, false).await?.ok_or_else(|| Error::not_found("exchange"))
}
