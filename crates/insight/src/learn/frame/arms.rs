//! Arms of steps, day by day.

use super::super::arms::{Trial, race};
use super::{Window, rate};
use base::{Result, Time};
use db::Cx;
use evidence::rate::Rate;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Races that are run at most, the largest first.
const RACES_MAX: usize = 50;

/// Runs the race of every step that has arms, over the days on which its messages left. A day's outcomes are
/// those of its messages within 14 days, so that the sizes of a block never depend on its outcomes.
pub(crate) async fn trials(cx: &mut Cx, window: Window) -> Result<Vec<Trial>> {
    let tenant = cx.tenant()?.uuid();
    let (from, to) = window.messages();
    let rows = sqlx::query!(
        r#"with first as (
             select lead_id, min(at) as at from insight.outcome
             where tenant_id = $1 and at >= $2 and at < $4 and rung in ('positive', 'meeting') group by lead_id)
           select t.campaign_id, t.step_number, t.arm as "arm!", (t.sent_at at time zone 'UTC')::date::text as "day!",
                  count(*) as "trials!",
                  count(*) filter (where f.at >= t.sent_at and f.at < t.sent_at + interval '14 days'
                    and not exists (select from insight.sent n where n.tenant_id = $1 and n.lead_id = t.lead_id
                                    and n.sent_at > t.sent_at and n.sent_at <= f.at)) as "hits!"
           from outreach.touch t left join first f on f.lead_id = t.lead_id
           where t.tenant_id = $1 and t.arm is not null and t.sent_at >= $2 and t.sent_at < $3
           group by 1, 2, 3, 4"#,
        tenant,
        from as Time,
        to as Time,
        window.as_of as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    type Days = BTreeMap<String, BTreeMap<String, Rate>>;
    let mut steps: BTreeMap<(Uuid, i16), (i64, Days)> = BTreeMap::new();
    for row in rows {
        let (sum, days) = steps.entry((row.campaign_id, row.step_number)).or_default();
        *sum += row.trials;
        days.entry(row.day).or_default().insert(row.arm, rate(row.trials, row.hits));
    }
    let mut steps: Vec<_> = steps.into_iter().collect();
    steps.sort_by_key(|(_, (sum, _))| std::cmp::Reverse(*sum));
    let races = steps.into_iter().filter_map(|((campaign, step), (_, days))| {
        let names: BTreeSet<String> = days.values().flat_map(|arms| arms.keys().cloned()).collect();
        let names: Vec<String> = names.into_iter().collect();
        let blocks: Vec<Vec<Rate>> = days
            .values()
            .map(|arms| names.iter().map(|name| arms.get(name).copied().unwrap_or_default()).collect())
            .collect();
        (names.len() > 1).then(|| race(campaign, step, &names, &blocks))
    });
    Ok(races.take(RACES_MAX).collect())
}
