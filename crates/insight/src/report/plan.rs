//! What the client plans to reach in a month, from a month on.

use base::{Error, Result, Time};
use db::Cx;
use jiff::civil::Date;
use uuid::Uuid;

/// A month's plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Meetings to be booked.
    pub meetings: i32,
    /// Positive replies.
    pub positive: i32,
    /// Meetings that are held, of those whose time came, in percent.
    pub show_percent: i16,
}

/// The plan that counts in a month; none before the first.
pub async fn of(cx: &mut Cx, month: Date) -> Result<Option<Plan>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Plan,
        "select meetings, positive, show_percent from insight.goal
         where tenant_id = $1 and from_month <= $2::text::date order by from_month desc limit 1",
        tenant,
        month.first_of_month().to_string(),
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Sets the plan from a month on.
///
/// # Errors
/// Invalid, for numbers that no month can have.
pub async fn set(cx: &mut Cx, month: Date, plan: Plan) -> Result<()> {
    if !(0..=10_000).contains(&plan.meetings)
        || !(0..=100_000).contains(&plan.positive)
        || !(0..=100).contains(&plan.show_percent)
    {
        return Err(Error::invalid(
            "plan.numbers",
            "A plan has up to 10,000 meetings, 100,000 positive replies and a show rate of 0 to 100.",
        ));
    }
    let (tenant, now, by, id) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into insight.goal (id, tenant_id, from_month, meetings, positive, show_percent, set_by, set_at)
         values ($1, $2, $3::text::date, $4, $5, $6, $7, $8)
         on conflict (tenant_id, from_month) do update set meetings = excluded.meetings, positive = excluded.positive,
           show_percent = excluded.show_percent, set_by = excluded.set_by, set_at = excluded.set_at",
        id,
        tenant,
        month.first_of_month().to_string(),
        plan.meetings,
        plan.positive,
        plan.show_percent,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
