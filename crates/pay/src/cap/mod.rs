//! What of the limits is used. A limit is one row that is locked before anybody decides by it: two callers
//! who race for the last of a cap wait for each other on the row, and the second one is refused.
//!
//! Day and month are those of the policy's zone. What a payment took is given back to the periods that it
//! took from, whenever that is. A payment that failed still counts as a try for the velocity rule.

mod counters;
mod store;

pub(crate) use counters::{Counters, Wanted};

use crate::refusal::Violation;
use base::{Currency, Error, Money, Result, Time, Zone};
use db::Cx;
use uuid::Uuid;

/// The periods of an instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Periods {
    /// `2026-11-21`.
    pub day: String,
    /// `2026-11`.
    pub month: String,
}

impl Periods {
    /// Day and month on the wall of this zone.
    pub fn at(at: Time, zone: &Zone) -> Self {
        let date = at.in_zone(zone).date();
        Self { day: date.to_string(), month: format!("{:04}-{:02}", date.year(), date.month()) }
    }
}

/// How much of the limits is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Minor units of the day.
    pub day_minor: i64,
    /// Minor units of the month.
    pub month_minor: i64,
    /// Payments in the window.
    pub count: i64,
}

/// The limits of one payment.
#[derive(Clone, Debug)]
pub struct Take<'a> {
    /// Whose counters: a principal's or a mandate's.
    pub subject: Uuid,
    /// How much.
    pub amount: Money,
    /// Of which day and month.
    pub periods: &'a Periods,
    /// The cap of the day, in minor units.
    pub per_day_minor: i64,
    /// The cap of the month, in minor units; none: no cap.
    pub per_month_minor: Option<i64>,
    /// At most so many payments within so many seconds; none: no limit.
    pub velocity: Option<(u32, u32)>,
}

/// What is used now. `window_s` is that of the velocity rule.
pub async fn usage(
    cx: &mut Cx,
    subject: Uuid,
    currency: Currency,
    periods: &Periods,
    window_s: Option<u32>,
) -> Result<Usage> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let cutoff = now.plus_s(-i64::from(window_s.unwrap_or(0)));
    let row = sqlx::query!(
        r#"select coalesce((select used_minor from pay.cap_use where tenant_id = $1 and subject = $2 and currency = $3 and period = $4), 0) as "day!",
                  coalesce((select used_minor from pay.cap_use where tenant_id = $1 and subject = $2 and currency = $3 and period = $5), 0) as "month!",
                  (select count(*) from pay.velocity v, unnest(v.stamps) s where v.tenant_id = $1 and v.subject = $2 and s > $6) as "count!""#,
        tenant.uuid(),
        subject,
        currency.code(),
        periods.day,
        periods.month,
        cutoff as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    let count = if window_s.is_some() { row.count } else { 0 };
    Ok(Usage { day_minor: row.day, month_minor: row.month, count })
}

/// Takes from the limits, all or nothing; returns every limit that would be passed. The transaction may go
/// on after a refusal: nothing was taken.
pub async fn take(cx: &mut Cx, take: &Take<'_>) -> Result<Vec<Violation>> {
    if take.amount.minor <= 0 {
        return Err(Error::invalid("amount.not_positive", "The amount is more than nothing."));
    }
    let tenant = cx.tenant()?;
    let mut counters = Counters::hold(cx, &[take.wanted(tenant)]).await?;
    let broken = counters.passed(tenant, take);
    if broken.is_empty() {
        counters.add(tenant, take);
        counters.write(cx).await?;
    }
    Ok(broken)
}

impl Take<'_> {
    /// The rows that it needs.
    pub(crate) fn wanted(&self, tenant: base::TenantId) -> Wanted {
        Wanted {
            tenant,
            subject: self.subject,
            currency: self.amount.currency,
            periods: vec![self.periods.day.clone(), self.periods.month.clone()],
            velocity: self.velocity.is_some(),
        }
    }
}

/// Gives back what [`take`] took, or a part of it.
pub async fn give_back(cx: &mut Cx, subject: Uuid, amount: Money, periods: &Periods) -> Result<()> {
    give_back_of(cx, subject, amount, &[periods.day.clone(), periods.month.clone()]).await
}

async fn give_back_of(cx: &mut Cx, subject: Uuid, amount: Money, periods: &[String]) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update pay.cap_use set used_minor = used_minor - $4
         where tenant_id = $1 and subject = $2 and currency = $3 and period = any ($5)",
        tenant.uuid(),
        subject,
        amount.currency.code(),
        amount.minor,
        periods,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
