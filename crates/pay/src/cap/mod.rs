//! What of the limits is used. A limit is one row that one conditional update hits: two callers who race
//! for the last of a cap wait for each other on the row, and the second one is refused.
//!
//! Day and month are those of the policy's zone. What a payment took is given back to the periods that it
//! took from, whenever that is. A payment that failed still counts as a try for the velocity rule.

use crate::refusal::{Code, Violation};
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
    let mut broken = Vec::new();
    let wanted = [
        (take.periods.day.as_str(), Some(take.per_day_minor)),
        (take.periods.month.as_str(), take.per_month_minor),
    ];
    let (periods, caps): (Vec<String>, Vec<i64>) =
        wanted.iter().map(|(period, cap)| ((*period).to_owned(), cap.unwrap_or(i64::MAX))).unzip();
    let taken = add(cx, take, &periods, &caps).await?;
    if !taken.contains(&take.periods.day) {
        broken.push(Violation::new(
            Code::DailyLimitExceeded,
            format!("More than {} of a day.", Money { minor: take.per_day_minor, ..take.amount }),
        ));
    }
    if !taken.contains(&take.periods.month) {
        // Without a cap the sum must still fit.
        let cap = take.per_month_minor.unwrap_or(i64::MAX);
        broken.push(Violation::new(
            Code::MonthlyLimitExceeded,
            format!("More than {} of a month.", Money { minor: cap, ..take.amount }),
        ));
    }
    if let Some((count, window_s)) = take.velocity
        && (!broken.is_empty() && crowded(cx, take.subject, count, window_s).await?
            || broken.is_empty() && !stamp(cx, take.subject, count, window_s).await?)
    {
        broken.push(Violation::new(
            Code::VelocityExceeded,
            format!("More than {count} payments within {window_s} seconds."),
        ));
    }
    if !broken.is_empty() && !taken.is_empty() {
        give_back_of(cx, take.subject, take.amount, &taken).await?;
    }
    Ok(broken)
}

/// Gives back what [`take`] took, or a part of it.
pub async fn give_back(cx: &mut Cx, subject: Uuid, amount: Money, periods: &Periods) -> Result<()> {
    give_back_of(cx, subject, amount, &[periods.day.clone(), periods.month.clone()]).await
}

/// Adds to the counters whose cap allows it; returns the periods of those.
async fn add(cx: &mut Cx, take: &Take<'_>, periods: &[String], caps: &[i64]) -> Result<Vec<String>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_scalar!(
        "insert into pay.cap_use as u (tenant_id, subject, currency, period, used_minor)
         select $1, $2, $3, w.period, $4 from unnest($5::text[], $6::bigint[]) as w (period, cap) where $4::bigint <= w.cap
         on conflict (tenant_id, subject, currency, period) do update set used_minor = u.used_minor + excluded.used_minor
         where u.used_minor <= (select w.cap from unnest($5::text[], $6::bigint[]) as w (period, cap) where w.period = u.period) - excluded.used_minor
         returning period",
        tenant.uuid(),
        take.subject,
        take.amount.currency.code(),
        take.amount.minor,
        periods,
        caps,
    )
    .fetch_all(cx.conn())
    .await?)
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

/// Writes down a payment if the window has room. What fell out of the window is forgotten.
async fn stamp(cx: &mut Cx, subject: Uuid, count: u32, window_s: u32) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let cutoff = now.plus_s(-i64::from(window_s));
    let done = sqlx::query!(
        "insert into pay.velocity as v (tenant_id, subject, stamps) select $1, $2, array[$3::timestamptz] where $5::bigint > 0
         on conflict (tenant_id, subject) do update
         set stamps = array(select s from unnest(v.stamps) s where s > $4) || $3::timestamptz
         where (select count(*) from unnest(v.stamps) s where s > $4) < $5::bigint",
        tenant.uuid(),
        subject,
        now as Time,
        cutoff as Time,
        i64::from(count),
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn crowded(cx: &mut Cx, subject: Uuid, count: u32, window_s: u32) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let seen = sqlx::query_scalar!(
        r#"select count(*) as "count!" from pay.velocity v, unnest(v.stamps) s where v.tenant_id = $1 and v.subject = $2 and s > $3"#,
        tenant.uuid(),
        subject,
        now.plus_s(-i64::from(window_s)) as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(seen >= i64::from(count))
}
