//! A span's outcomes, counted.

use base::{Currency, Money, Result, Time};
use db::Cx;

/// What a span brought.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcomes {
    /// Messages that left.
    pub sent: i64,
    /// People who answered; machines' answers are none.
    pub replied: i64,
    /// People whose answer was positive.
    pub positive: i64,
    /// Meetings that were booked.
    pub booked: i64,
    /// Meetings of the span that were held.
    pub held: i64,
    /// Meetings of the span to which nobody came.
    pub missed: i64,
    /// Deals that were won.
    pub won: i64,
    /// What they are worth, currency by currency, where a value is known.
    pub value: Vec<Money>,
    /// What was spent, in millionths of the budget currency.
    pub cost_micros: i64,
}

impl Outcomes {
    /// Held meetings among those whose time came; none before the first.
    pub fn show_rate(&self) -> Option<f64> {
        let over = self.held + self.missed;
        (over > 0).then(|| self.held as f64 / over as f64)
    }

    /// What a booked meeting cost, in millionths; none without a meeting.
    pub fn per_meeting(&self) -> Option<i64> {
        (self.booked > 0).then(|| self.cost_micros / self.booked)
    }
}

/// Counts a span.
pub async fn outcomes(cx: &mut Cx, from: Time, to: Time) -> Result<Outcomes> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select
             (select count(*) from outreach.touch where tenant_id = $1 and sent_at >= $2 and sent_at < $3) as "sent!",
             (select count(distinct lead_id) from insight.outcome
              where tenant_id = $1 and at >= $2 and at < $3 and rung in ('reply', 'positive')) as "replied!",
             (select count(distinct lead_id) from insight.outcome
              where tenant_id = $1 and at >= $2 and at < $3 and rung = 'positive') as "positive!",
             (select count(*) from outreach.activity
              where tenant_id = $1 and at >= $2 and at < $3 and action = 'meeting_booked') as "booked!",
             (select count(*) from outreach.meeting
              where tenant_id = $1 and starts_at >= $2 and starts_at < $3 and status = 'held') as "held!",
             (select count(*) from outreach.meeting
              where tenant_id = $1 and starts_at >= $2 and starts_at < $3 and status = 'no_show') as "missed!",
             (select coalesce(sum(cost_micros), 0)::bigint from control.spend
              where tenant_id = $1 and at >= $2 and at < $3 and state = 'settled') as "cost!""#,
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    let won = sqlx::query!(
        r#"select currency, count(*) as "count!", sum(value_minor)::bigint as value from outreach.deal
           where tenant_id = $1 and stage = 'won' and closed_at >= $2 and closed_at < $3 and deleted_at is null
           group by currency order by currency"#,
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut value = Vec::new();
    for row in &won {
        if let Some(minor) = row.value {
            value.push(Money { minor, currency: row.currency.parse::<Currency>()? });
        }
    }
    Ok(Outcomes {
        sent: row.sent,
        replied: row.replied,
        positive: row.positive,
        booked: row.booked,
        held: row.held,
        missed: row.missed,
        won: won.iter().map(|row| row.count).sum(),
        value,
        cost_micros: row.cost,
    })
}

/// Leads by tier, best first, those without a score last.
pub(super) async fn tiers(cx: &mut Cx) -> Result<Vec<(Option<leads::score::Tier>, i64)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select tier as "tier: leads::score::Tier", sum(leads)::bigint as "leads!" from leads.tally
           where tenant_id = $1 group by tier having sum(leads) > 0 order by tier desc nulls last"#,
        tenant
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.tier, row.leads)).collect())
}
