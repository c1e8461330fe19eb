//! Reading the ledger: rows behind every figure, and sums by day, agent, campaign, model, provider.

use super::{SpendId, State};
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which calls are meant; each field narrows them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpendFilter {
    /// From this day on, ISO, in Australia/Sydney.
    pub from: Option<String>,
    /// Up to and with this day, ISO, in Australia/Sydney.
    pub until: Option<String>,
    /// One agent.
    pub agent: Option<String>,
    /// One campaign.
    pub campaign: Option<Uuid>,
    /// One provider.
    pub provider: Option<String>,
    /// One model.
    pub model: Option<String>,
    /// One task.
    pub task: Option<String>,
}

impl SpendFilter {
    /// The days must be dates. Errors: `spend.day`.
    pub fn check(&self) -> Result<()> {
        for day in [&self.from, &self.until].into_iter().flatten() {
            day.parse::<jiff::civil::Date>().map_err(|cause| {
                Error::invalid("spend.day", format!("“{day}” is not a day like 2026-11-21.")).caused_by(cause)
            })?;
        }
        Ok(())
    }
}

/// One call in the ledger.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct SpendRow {
    /// Its id.
    pub id: SpendId,
    /// When.
    pub at: Time,
    /// The agent that acted.
    pub agent: String,
    /// What for.
    pub task: String,
    /// The campaign for which.
    pub campaign_id: Option<Uuid>,
    /// The lead whom it concerned.
    pub lead_id: Option<Uuid>,
    /// The outside service.
    pub provider: String,
    /// The model.
    pub model: Option<String>,
    /// What is metered.
    pub unit: String,
    /// How many.
    pub units: i64,
    /// What it was expected to cost at most, in millionths.
    pub estimate_micros: i64,
    /// What it cost, in millionths.
    pub cost_micros: i64,
    /// Where it stands.
    pub state: State,
}

/// What to group by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Calendar day in Australia/Sydney.
    Day,
    /// Agent.
    Agent,
    /// Campaign.
    Campaign,
    /// Model.
    Model,
    /// Provider.
    Provider,
}

impl Group {
    /// Every grouping.
    pub const ALL: [Self; 5] = [Self::Day, Self::Agent, Self::Campaign, Self::Model, Self::Provider];

    /// The word in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Agent => "agent",
            Self::Campaign => "campaign",
            Self::Model => "model",
            Self::Provider => "provider",
        }
    }
}

/// What was spent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Spent {
    /// Calls.
    pub calls: i64,
    /// Settled cost, in millionths.
    pub cost_micros: i64,
    /// Set aside for calls under way, in millionths.
    pub reserved_micros: i64,
}

/// One line of a grouping.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Line {
    /// The day, agent, campaign, model or provider; none where there is none.
    pub key: Option<String>,
    /// What was spent on it.
    #[serde(flatten)]
    pub spent: Spent,
}

/// Sums by one thing, the largest first (days: the latest first), at most 200 lines.
pub async fn grouped(cx: &mut Cx, filter: &SpendFilter, by: Group) -> Result<Vec<Line>> {
    filter.check()?;
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        r#"select case $8::text when 'day' then (at at time zone 'Australia/Sydney')::date::text
                                when 'agent' then agent when 'campaign' then campaign_id::text
                                when 'model' then model else provider end as key,
                  count(*) as "calls!",
                  sum(cost_micros)::bigint as "cost!",
                  coalesce(sum(estimate_micros) filter (where state = 'reserved'), 0)::bigint as "reserved!"
           from control.spend
           where tenant_id = $1 and state <> 'released'
             and ($2::text is null or at >= $2::text::date::timestamp at time zone 'Australia/Sydney')
             and ($3::text is null or at < ($3::text::date + 1)::timestamp at time zone 'Australia/Sydney')
             and ($4::text is null or agent = $4) and ($5::uuid is null or campaign_id = $5)
             and ($6::text is null or provider = $6) and ($7::text is null or model = $7)
             and ($9::text is null or task = $9)
           group by 1
           order by case when $8 = 'day' then 1 end desc, case when $8 <> 'day' then sum(cost_micros) end desc, 1 desc
           limit 200"#,
        tenant.uuid(),
        filter.from,
        filter.until,
        filter.agent,
        filter.campaign,
        filter.provider,
        filter.model,
        by.word(),
        filter.task,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| Line {
            key: r.key,
            spent: Spent { calls: r.calls, cost_micros: r.cost, reserved_micros: r.reserved },
        })
        .collect())
}

/// The rows behind a figure, the latest first; a page of them. Released reservations cost nothing and
/// are left out.
pub async fn rows(
    cx: &mut Cx,
    filter: &SpendFilter,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<Page<SpendRow>> {
    filter.check()?;
    let tenant = cx.tenant()?;
    let (at, id) = match after.map(Cursor::parts).transpose()? {
        Some((key, id)) => (key.parse::<Time>().ok(), Some(id)),
        None => (None, None),
    };
    let found = sqlx::query_as!(
        SpendRow,
        r#"select id as "id: SpendId", at, agent, task, campaign_id, lead_id, provider, model, unit, units,
                  estimate_micros, cost_micros, state as "state: State"
           from control.spend
           where tenant_id = $1 and state <> 'released'
             and ($2::text is null or at >= $2::text::date::timestamp at time zone 'Australia/Sydney')
             and ($3::text is null or at < ($3::text::date + 1)::timestamp at time zone 'Australia/Sydney')
             and ($4::text is null or agent = $4) and ($5::uuid is null or campaign_id = $5)
             and ($6::text is null or provider = $6) and ($7::text is null or model = $7)
             and ($8::text is null or task = $8)
             and ($9::timestamptz is null or (at, id) < ($9, $10))
           order by at desc, id desc limit $11"#,
        tenant.uuid(),
        filter.from,
        filter.until,
        filter.agent,
        filter.campaign,
        filter.provider,
        filter.model,
        filter.task,
        at as Option<Time>,
        id,
        limit + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(found, usize::try_from(limit).unwrap_or(0), |r| {
        Cursor::after(&r.at.to_string(), r.id.uuid())
    }))
}
