//! What a rail charges a tenant for a dispute, as its contract says it: dated, with a source. It counts
//! where the rail's own word about a dispute does not say the fee; a rail's word goes before it.

use crate::page;
use crate::rail::Rail;
use base::{Currency, Cursor, Error, Money, Page, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

base::id_type!(
    /// A dated fee of disputes.
    FeeId
);

/// The largest fee, in minor units.
pub const FEE_MINOR_MAX: i64 = 100_000_000;
/// The longest name of a source, in characters.
const SOURCE_CHARS_MAX: usize = 200;

/// A dated fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fee {
    /// Which.
    pub id: FeeId,
    /// Of which rail.
    pub rail: Rail,
    /// How much, in minor units.
    pub fee_minor: i64,
    /// Of disputes in this currency.
    pub currency: Currency,
    /// Where that stands.
    pub source: String,
    /// Of disputes that are opened from here on.
    pub valid_from: Time,
    /// Who wrote it down, as `kind:name`.
    pub created_by: String,
    /// When.
    pub created_at: Time,
}

impl Fee {
    /// How much.
    pub fn amount(&self) -> Money {
        Money { minor: self.fee_minor, currency: self.currency }
    }
}

/// A fee to be written down.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// Of which rail: `stripe`, `cashfree` or `x402`.
    pub rail: Rail,
    /// How much, in minor units; 0: nothing.
    pub fee_minor: i64,
    /// Of disputes in this currency.
    pub currency: Currency,
    /// Where that stands, 1 to 200 characters.
    pub source: String,
    /// Of disputes that are opened from here on; left out: from now on.
    #[serde(default)]
    pub valid_from: Option<Time>,
}

/// Writes a fee down.
///
/// # Errors
/// Invalid: `dispute_fee.rail`, `dispute_fee.amount`, `dispute_fee.source`.
pub async fn add(cx: &mut Cx, new: &New) -> Result<Fee> {
    if new.rail == Rail::Ledger {
        return Err(Error::invalid(
            "dispute_fee.rail",
            "Nobody disputes at a bank what is paid over the ledger.",
        ));
    }
    if !(0..=FEE_MINOR_MAX).contains(&new.fee_minor) {
        return Err(Error::invalid("dispute_fee.amount", "A fee is 0 to 100,000,000 minor units."));
    }
    let source = new.source.trim();
    if !(1..=SOURCE_CHARS_MAX).contains(&source.chars().count()) || source.contains(char::is_control) {
        return Err(Error::invalid(
            "dispute_fee.source",
            "Say where the fee stands, in 1 to 200 characters.",
        ));
    }
    let fee = Fee {
        id: cx.id(),
        rail: new.rail,
        fee_minor: new.fee_minor,
        currency: new.currency,
        source: source.to_owned(),
        valid_from: new.valid_from.unwrap_or(cx.now()),
        created_by: cx.actor().label(),
        created_at: cx.now(),
    };
    let tenant = cx.tenant()?;
    sqlx::query!(
        "insert into pay.dispute_fee (id, tenant_id, rail, currency, fee_minor, source, valid_from, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        fee.id.uuid(),
        tenant.uuid(),
        fee.rail as Rail,
        fee.currency.code(),
        fee.fee_minor,
        fee.source,
        fee.valid_from as Time,
        fee.created_by,
        fee.created_at as Time,
    )
    .execute(cx.conn())
    .await?;
    let detail = json!({ "rail": fee.rail, "fee_minor": fee.fee_minor, "currency": fee.currency, "source": fee.source, "valid_from": fee.valid_from });
    cx.publish(Fact::about("pay.dispute_fee.added", fee.id.uuid()).with(detail)).await?;
    Ok(fee)
}

struct Row {
    id: FeeId,
    rail: Rail,
    fee_minor: i64,
    currency: String,
    source: String,
    valid_from: Time,
    created_by: String,
    created_at: Time,
}

impl Row {
    fn fee(self) -> Result<Fee> {
        Ok(Fee {
            id: self.id,
            rail: self.rail,
            fee_minor: self.fee_minor,
            currency: self.currency.parse()?,
            source: self.source,
            valid_from: self.valid_from,
            created_by: self.created_by,
            created_at: self.created_at,
        })
    }
}

macro_rules! fees {
    ($rest:literal, $($value:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select id as "id: FeeId", rail as "rail: Rail", fee_minor, currency, source, valid_from, created_by, created_at
               from pay.dispute_fee where tenant_id = $1 and "# + $rest,
            $($value),+
        )
    };
}

/// The fee that counts for a dispute that is opened at this instant; none: nobody wrote one down.
pub(super) async fn at(cx: &mut Cx, rail: Rail, currency: Currency, now: Time) -> Result<Option<Fee>> {
    let tenant = cx.tenant()?;
    fees!(
        "rail = $2 and currency = $3 and valid_from <= $4 order by valid_from desc, id desc limit 1",
        tenant.uuid(),
        rail as Rail,
        currency.code(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .map(Row::fee)
    .transpose()
}

/// Fees, the latest first; of one rail, if one is named.
///
/// # Errors
/// `cursor.invalid`.
pub async fn list(
    cx: &mut Cx,
    rail: Option<Rail>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Fee>> {
    let tenant = cx.tenant()?;
    let (at, id) = page::start(after)?;
    let rows = fees!(
        "(valid_from, id) < ($2, $3) and ($4::pay.rail is null or rail = $4) order by valid_from desc, id desc limit $5",
        tenant.uuid(),
        at as Time,
        id,
        rail as Option<Rail>,
        page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Row::fee)
    .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |fee| Cursor::after(&fee.valid_from.to_string(), fee.id.uuid())))
}
