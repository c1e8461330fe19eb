//! What each client pays and costs in a month: paid invoices without tax against the ledger of metered
//! units. Read across tenants by whoever runs the installation. Months are those of Sydney, as in the costs.

use crate::invoice;
use base::{Error, Micros, Result, TenantId, Time, Zone};
use db::Cx;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// A calendar month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Month {
    first: Date,
}

impl Month {
    /// The month in which an instant lies.
    pub(crate) fn of(at: Time) -> Self {
        Self { first: at.in_zone(&Zone::sydney()).date().first_of_month() }
    }

    /// Out of `2026-11`.
    ///
    /// # Errors
    /// Invalid `month`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        format!("{text}-01").parse().map(|first| Self { first }).map_err(|cause: jiff::Error| {
            Error::invalid("month", format!("“{text}” is not a month like 2026-11.")).caused_by(cause)
        })
    }

    /// `2026-11`.
    pub(crate) fn word(self) -> String {
        self.first.strftime("%Y-%m").to_string()
    }

    /// `November 2026`.
    pub(crate) fn label(self) -> String {
        self.first.strftime("%B %Y").to_string()
    }

    /// The month before.
    pub(crate) fn before(self) -> Self {
        let last = self.first.yesterday().unwrap_or(self.first);
        Self { first: last.first_of_month() }
    }

    /// Its first instant and the first one after it.
    pub(crate) fn span(self) -> Result<(Time, Time)> {
        let next = self.first.last_of_month().tomorrow().unwrap_or(self.first);
        let at = |day: Date| {
            day.to_zoned(Zone::sydney().tz())
                .map(|zoned| Time::new(zoned.timestamp()))
                .map_err(|cause| Error::invalid("month", "This month has no beginning.").caused_by(cause))
        };
        Ok((at(self.first)?, at(next)?))
    }
}

/// A client's month.
#[derive(Clone, Debug)]
pub(crate) struct Margin {
    /// Whose.
    pub tenant: TenantId,
    /// What the client is called.
    pub name: String,
    /// Paid without tax, in minor units.
    pub revenue_minor: i64,
    /// Metered, reserved amounts at their estimate.
    pub cost: Micros,
}

impl Margin {
    /// What is left.
    pub(crate) fn left(&self) -> Micros {
        Micros(Micros::from_minor(self.revenue_minor).0 - self.cost.0)
    }

    /// Of what was paid; none where nothing was.
    pub(crate) fn share(&self) -> Option<f64> {
        let revenue = Micros::from_minor(self.revenue_minor).0;
        (revenue > 0).then(|| self.left().0 as f64 / revenue as f64)
    }
}

/// Every client's month, those with the least left first. Runs across tenants; at most 500.
pub(crate) async fn of_month(cx: &mut Cx, month: Month) -> Result<Vec<Margin>> {
    let (from, until) = month.span()?;
    let revenue: BTreeMap<TenantId, i64> =
        invoice::sum_of_month(cx, from, until).await?.into_iter().collect();
    let rows = sqlx::query!(
        r#"select t.id, t.name,
                  coalesce((select sum(case s.state when 'reserved' then s.estimate_micros else s.cost_micros end)
                            from control.spend s
                            where s.tenant_id = t.id and s.at >= $1 and s.at < $2 and s.state <> 'released'), 0)::bigint as "cost!"
           from accounts.tenant t where t.deleted_at is null order by t.name, t.id limit 500"#,
        from as Time,
        until as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut all: Vec<Margin> = rows
        .into_iter()
        .map(|row| {
            let tenant = TenantId(row.id);
            Margin {
                tenant,
                name: row.name,
                revenue_minor: revenue.get(&tenant).copied().unwrap_or(0),
                cost: Micros(row.cost),
            }
        })
        .collect();
    all.sort_by_key(|one| one.left().0);
    Ok(all)
}

/// Metered units of a client, of one provider and task.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    /// Whose units.
    pub provider: String,
    /// For what.
    pub task: String,
    /// How many calls.
    pub calls: i64,
    /// What they cost.
    pub cost: Micros,
}

/// What a client cost in a month, the dearest first. Runs across tenants; at most 200.
pub(crate) async fn costs(cx: &mut Cx, tenant: TenantId, month: Month) -> Result<Vec<Cost>> {
    let (from, until) = month.span()?;
    let rows = sqlx::query!(
        r#"select provider, task, count(*) as "calls!",
                  sum(case state when 'reserved' then estimate_micros else cost_micros end)::bigint as "cost!"
           from control.spend where tenant_id = $1 and at >= $2 and at < $3 and state <> 'released'
           group by provider, task order by 4 desc, 1, 2 limit 200"#,
        tenant.uuid(),
        from as Time,
        until as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Cost { provider: row.provider, task: row.task, calls: row.calls, cost: Micros(row.cost) })
        .collect())
}

/// One metered unit.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// When.
    pub at: Time,
    /// Which agent.
    pub agent: String,
    /// For what.
    pub task: String,
    /// Whose.
    pub provider: String,
    /// What is counted.
    pub unit: String,
    /// How many.
    pub units: i64,
    /// What it cost.
    pub cost: Micros,
}

/// The units behind a client's cost of a provider and task in a month, the latest first. Runs across tenants;
/// at most 500.
pub(crate) async fn units(
    cx: &mut Cx,
    tenant: TenantId,
    month: Month,
    provider: &str,
    task: &str,
) -> Result<Vec<Unit>> {
    let (from, until) = month.span()?;
    let rows = sqlx::query!(
        r#"select at as "at: Time", agent, task, provider, unit, units,
                  case state when 'reserved' then estimate_micros else cost_micros end as "cost!"
           from control.spend
           where tenant_id = $1 and at >= $2 and at < $3 and state <> 'released' and provider = $4 and task = $5
           order by at desc, id desc limit 500"#,
        tenant.uuid(),
        from as Time,
        until as Time,
        provider,
        task,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Unit {
            at: row.at,
            agent: row.agent,
            task: row.task,
            provider: row.provider,
            unit: row.unit,
            units: row.units,
            cost: Micros(row.cost),
        })
        .collect())
}
