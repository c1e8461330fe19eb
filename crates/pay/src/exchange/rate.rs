//! Dated rates: what somebody who runs the installation wrote down, with where it comes from. There is no
//! other rate: a pair that nobody wrote down cannot be exchanged. The latest one of a pair counts, in
//! whichever direction it was written, so that going there and back never gains.

use crate::page;
use base::{Currency, Cursor, Error, Page, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

base::id_type!(
    /// A dated rate.
    RateId
);

/// Rates of one list at most.
pub const RATES_MAX: usize = 200;
/// Seconds that a rate may be valid at most: an older one says nothing about today.
pub const LIFE_S_MAX: i64 = 31 * 86_400;
/// The largest spread, in ten-thousandths.
pub const SPREAD_BPS_MAX: u16 = 2_000;
/// The longest name of a source, in characters.
const SOURCE_CHARS_MAX: usize = 200;

/// A rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rate {
    /// Which.
    pub id: RateId,
    /// One of this currency …
    pub base: Currency,
    /// … is worth so many of this one:
    pub quote: Currency,
    /// a decimal number, exact.
    pub rate: String,
    /// What the platform keeps of what is given, in ten-thousandths.
    pub spread_bps: u16,
    /// Where it comes from.
    pub source: String,
    /// From when on it counts.
    pub valid_from: Time,
    /// Until when.
    pub valid_until: Time,
    /// Who wrote it down, as `kind:name`.
    pub created_by: String,
    /// When.
    pub created_at: Time,
}

impl Rate {
    /// As the books take it, for who gives this currency.
    ///
    /// # Errors
    /// Internal when the row cannot be read.
    pub fn giving(&self, give: Currency, until: Time) -> Result<ledger::exchange::Rate> {
        let rate = ledger::exchange::Rate::parse(&self.rate, self.base, self.quote, until)
            .map_err(|cause| Error::internal("A kept rate cannot be read.").caused_by(cause))?;
        Ok(if give == self.base { rate } else { rate.inverse() })
    }

    /// Whether it counts at this instant, as far as it says itself.
    pub fn holds_at(&self, now: Time) -> bool {
        self.valid_from <= now && now < self.valid_until
    }

    /// As people write it: `1 AUD = 54.80 INR`.
    pub fn words(&self) -> String {
        format!("1 {} = {} {}", self.base.code(), self.rate, self.quote.code())
    }
}

/// One rate of a list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// One of this currency …
    pub base: Currency,
    /// … is worth so many of this one:
    pub quote: Currency,
    /// a decimal number of at most 15 digits, such as `83.2150`.
    pub rate: String,
}

/// Rates of one source and one time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// Where they come from, 1 to 200 characters.
    pub source: String,
    /// From when on they count; left out: from now on.
    #[serde(default)]
    pub valid_from: Option<Time>,
    /// Until when, at most 31 days later.
    pub valid_until: Time,
    /// What the platform keeps of what is given, in ten-thousandths, at most 2,000.
    #[serde(default)]
    pub spread_bps: u16,
    /// 1 to 200 rates, each pair once.
    pub rates: Vec<Pair>,
}

/// Writes rates down, all or none.
///
/// # Errors
/// Invalid: `exchange_rate.source`, `.span`, `.spread`, `.list`, `ledger_rate`.
pub async fn add(cx: &mut Cx, new: &New) -> Result<Vec<Rate>> {
    let now = cx.now();
    let (source, valid_from) = (source(&new.source)?, new.valid_from.unwrap_or(now));
    let life_s = new.valid_until.since_s(valid_from);
    if life_s <= 0 || life_s > LIFE_S_MAX || new.valid_until <= now {
        return Err(Error::invalid(
            "exchange_rate.span",
            "A rate ends after it begins, after now, and at most 31 days after it began.",
        ));
    }
    if new.spread_bps > SPREAD_BPS_MAX {
        return Err(Error::invalid("exchange_rate.spread", "The spread is 0 to 2,000 ten-thousandths."));
    }
    if new.rates.is_empty() || new.rates.len() > RATES_MAX {
        return Err(Error::invalid("exchange_rate.list", "A list has 1 to 200 rates."));
    }
    let mut added = Vec::with_capacity(new.rates.len());
    for (number, pair) in new.rates.iter().enumerate() {
        ledger::exchange::Rate::parse(&pair.rate, pair.base, pair.quote, new.valid_until)?;
        let same = |other: &Pair| {
            (other.base, other.quote) == (pair.base, pair.quote)
                || (other.base, other.quote) == (pair.quote, pair.base)
        };
        if new.rates.iter().take(number).any(same) {
            return Err(Error::invalid(
                "exchange_rate.list",
                format!("{} and {} stand twice in the list.", pair.base.code(), pair.quote.code()),
            ));
        }
        let rate = Rate {
            id: cx.id(),
            base: pair.base,
            quote: pair.quote,
            rate: pair.rate.clone(),
            spread_bps: new.spread_bps,
            source: source.clone(),
            valid_from,
            valid_until: new.valid_until,
            created_by: cx.actor().label(),
            created_at: now,
        };
        insert(cx, &rate).await?;
        let detail = json!({ "base": rate.base, "quote": rate.quote, "rate": rate.rate, "source": rate.source,
            "spread_bps": rate.spread_bps, "valid_from": rate.valid_from, "valid_until": rate.valid_until });
        cx.publish(Fact::about("pay.exchange_rate.added", rate.id.uuid()).with(detail)).await?;
        added.push(rate);
    }
    Ok(added)
}

fn source(text: &str) -> Result<String> {
    let text = text.trim();
    let sound = (1..=SOURCE_CHARS_MAX).contains(&text.chars().count()) && !text.contains(char::is_control);
    sound.then(|| text.to_owned()).ok_or_else(|| {
        Error::invalid("exchange_rate.source", "Say where the rates come from, in 1 to 200 characters.")
    })
}

async fn insert(cx: &mut Cx, r: &Rate) -> Result<()> {
    sqlx::query!(
        "select pay.add_exchange_rate($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        r.id.uuid(),
        r.base.code(),
        r.quote.code(),
        r.rate,
        i32::from(r.spread_bps),
        r.source,
        r.valid_from as Time,
        r.valid_until as Time,
        r.created_by,
        r.created_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

struct Row {
    id: RateId,
    base: String,
    quote: String,
    rate: String,
    spread_bps: i32,
    source: String,
    valid_from: Time,
    valid_until: Time,
    created_by: String,
    created_at: Time,
}

impl Row {
    fn rate(self) -> Result<Rate> {
        Ok(Rate {
            id: self.id,
            base: self.base.parse()?,
            quote: self.quote.parse()?,
            rate: self.rate,
            spread_bps: u16::try_from(self.spread_bps)
                .map_err(|cause| Error::internal("A spread above its whole.").caused_by(cause))?,
            source: self.source,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            created_by: self.created_by,
            created_at: self.created_at,
        })
    }
}

macro_rules! rates {
    ($rest:literal, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id as "id: RateId", base, quote, rate, spread_bps, source, valid_from, valid_until, created_by, created_at
               from pay.exchange_rate where "# + $rest,
            $($value),+
        )
    };
}

/// The rate of this id.
///
/// # Errors
/// Not found.
pub(super) async fn get(cx: &mut Cx, id: RateId) -> Result<Rate> {
    rates!("id = $1", id.uuid())
        .fetch_optional(cx.conn())
        .await?
        .ok_or_else(|| Error::not_found("exchange rate"))?
        .rate()
}

/// The rate that counts for a pair at this instant; none when nobody wrote one down, or it ended.
pub async fn at(cx: &mut Cx, one: Currency, two: Currency, now: Time) -> Result<Option<Rate>> {
    let (low, high) = if one.code() < two.code() { (one, two) } else { (two, one) };
    rates!(
        "least(base, quote) = $1 and greatest(base, quote) = $2 and valid_from <= $3
         order by valid_from desc, id desc limit 1",
        low.code(),
        high.code(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::rate)
    .transpose()
    .map(|rate| rate.filter(|rate| rate.holds_at(now)))
}

/// Rates, the latest first; of one currency, if one is named.
pub async fn list(
    cx: &mut Cx,
    currency: Option<Currency>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Rate>> {
    let (at, id) = page::start(after)?;
    let rows = rates!(
        "(valid_from, id) < ($1, $2) and ($3::text is null or base = $3 or quote = $3)
         order by valid_from desc, id desc limit $4",
        at as Time,
        id,
        currency.map(Currency::code),
        page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::rate)
    .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |r| Cursor::after(&r.valid_from.to_string(), r.id.uuid())))
}
