//! Founding members: a fixed number of spots, each a row, so that there can never be one more. A checkout
//! holds a spot; a subscription makes it the tenant's for life; a checkout that comes to nothing gives it back.

#[cfg(test)]
mod tests;

use base::{Result, Time};
use db::{Cx, Fact};
use serde_json::json;

/// A tenant's spot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// 1 is the first.
    pub number: i32,
    /// The discount.
    pub percent_off: i32,
    /// Until when a checkout holds it; none once it is the tenant's for life.
    pub held_until: Option<Time>,
}

/// How many spots there are and how many are free, as a tenant sees them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left {
    /// Free.
    pub free: i64,
    /// The discount of the next one.
    pub percent_off: Option<i32>,
}

/// The spot of this tenant.
pub async fn own(cx: &mut Cx) -> Result<Option<Spot>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Spot,
        r#"select number, percent_off, held_until as "held_until: Time" from billing.founding_spot where tenant_id = $1"#,
        tenant
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// What is left.
pub async fn left(cx: &mut Cx) -> Result<Left> {
    let row = sqlx::query!(
        r#"select count(*) as "free!", (array_agg(percent_off order by number))[1] as percent_off
           from billing.founding_spot where tenant_id is null"#
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(Left { free: row.free, percent_off: row.percent_off })
}

/// Takes the first free spot until `until`, or renews the one that is held; none when all are taken. Whoever
/// comes at the same moment waits for this transaction, so that one that is rolled back costs nobody a spot.
pub async fn hold(cx: &mut Cx, until: Time) -> Result<Option<Spot>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    if let Some(spot) = own(cx).await? {
        if spot.held_until.is_some() {
            sqlx::query!(
                "update billing.founding_spot set held_until = $2 where tenant_id = $1 and held_until is not null",
                tenant,
                until as Time
            )
            .execute(cx.conn())
            .await?;
        }
        return Ok(Some(spot));
    }
    let taken = sqlx::query_as!(
        Spot,
        r#"update billing.founding_spot set tenant_id = $1, held_until = $2, taken_at = $3
           where id = (select id from billing.founding_spot where tenant_id is null order by number limit 1 for update)
           returning number, percent_off, held_until as "held_until: Time""#,
        tenant,
        until as Time,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    if let Some(spot) = &taken {
        tell(cx, "billing.founding.held", spot.number).await?;
    }
    Ok(taken)
}

/// The held spot is the tenant's for life.
pub async fn keep(cx: &mut Cx) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    let kept = sqlx::query_scalar!(
        "update billing.founding_spot set held_until = null where tenant_id = $1 and held_until is not null returning number",
        tenant
    )
    .fetch_optional(cx.conn())
    .await?;
    match kept {
        Some(number) => tell(cx, "billing.founding.taken", number).await,
        None => Ok(()),
    }
}

/// A spot that is only held is free again.
pub async fn give_back(cx: &mut Cx) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    let freed = sqlx::query_scalar!(
        "update billing.founding_spot set tenant_id = null, held_until = null, taken_at = null
         where tenant_id = $1 and held_until is not null returning number",
        tenant
    )
    .fetch_optional(cx.conn())
    .await?;
    match freed {
        Some(number) => tell(cx, "billing.founding.freed", number).await,
        None => Ok(()),
    }
}

async fn tell(cx: &mut Cx, kind: &'static str, number: i32) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    cx.publish(Fact::about(kind, tenant).with(json!({ "number": number }))).await
}
