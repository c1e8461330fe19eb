//! People by what was known of them: the frame of WHO, and the leads that weights are learnt from.

use super::super::dimension::Dimension;
use super::super::finding::{Cell, Counted};
use super::super::weights::Known;
use super::{Window, cell, rate};
use base::{Result, Time};
use db::Cx;
use leads::score::{ComponentKind, Input, Points, title};
use std::collections::BTreeMap;

/// Leads that weights are learnt from at most, the latest of the window.
const LEADS_MAX: i64 = 20_000;
/// Leads that are read at once.
const BATCH: usize = 2_000;

/// Counts people of the window, dimension by dimension.
pub(crate) async fn count(cx: &mut Cx, window: Window) -> Result<Counted> {
    let tenant = cx.tenant()?.uuid();
    let (from, to) = window.people();
    let rows = sqlx::query!(
        r#"with person as (
             select lead_id, min(sent_at) as first_at from insight.sent where tenant_id = $1 group by lead_id),
           success as (
             select lead_id, min(at) as at from insight.outcome
             where tenant_id = $1 and at >= $2 and at < $4 and rung in ('positive', 'meeting') group by lead_id),
           known as (
             select coalesce(s.at >= p.first_at and s.at < p.first_at + interval '28 days', false) as won,
                    lower(btrim(l.title)) as title, l.industry_key as industry, l.tier::text as tier,
                    case when l.headcount <= 5 then '1-5' when l.headcount <= 15 then '6-15' when l.headcount <= 30 then '16-30'
                         when l.headcount <= 50 then '31-50' when l.headcount <= 100 then '51-100'
                         when l.headcount <= 250 then '101-250' when l.headcount <= 500 then '251-500'
                         when l.headcount > 500 then '501+' end as size,
                    l.hiring is true as hiring,
                    coalesce(l.role_started_on > p.first_at::date - 183, false) as role,
                    coalesce(l.funded_on > p.first_at::date - 365, false) as funded
             from person p join leads.lead l on l.tenant_id = $1 and l.id = p.lead_id
             left join success s on s.lead_id = p.lead_id
             where p.first_at >= $2 and p.first_at < $3)
           select grouping(title, industry, tier, size, hiring, role, funded) as "set!", title, industry, tier, size,
                  hiring, role, funded, count(*) as "trials!", count(*) filter (where won) as "hits!"
           from known
           group by grouping sets ((), (title), (industry), (tier), (size), (hiring), (role), (funded))"#,
        tenant,
        from as Time,
        to as Time,
        window.as_of as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut counted = Counted::default();
    let mut titles: BTreeMap<&'static str, (i64, i64)> = BTreeMap::new();
    for row in &rows {
        // A set bit means that the column is summed over; the first column is the highest bit.
        let found = match row.set {
            0b1_111_111 => {
                counted.total = rate(row.trials, row.hits);
                continue;
            }
            0b0_111_111 => {
                if let Some(text) = &row.title {
                    let sums = titles.entry(title::read(text).seniority.label()).or_default();
                    sums.0 += row.trials;
                    sums.1 += row.hits;
                }
                continue;
            }
            0b1_011_111 => row.industry.clone().map(|segment| (Dimension::Industry, segment)),
            0b1_101_111 => row.tier.clone().map(|segment| (Dimension::Tier, segment)),
            0b1_110_111 => row.size.clone().map(|segment| (Dimension::Size, segment)),
            0b1_111_011 => flag(row.hiring, "hiring"),
            0b1_111_101 => flag(row.role, "role of less than six months"),
            0b1_111_110 => flag(row.funded, "funded within a year"),
            _ => None,
        };
        if let Some((dimension, segment)) = found {
            counted.cells.push(cell(dimension, segment, row.trials, row.hits));
        }
    }
    let of_titles =
        titles.into_iter().map(|(word, (trials, hits))| cell(Dimension::Title, word, trials, hits));
    counted.cells.extend(of_titles.collect::<Vec<Cell>>());
    Ok(counted)
}

fn flag(there: Option<bool>, word: &str) -> Option<(Dimension, String)> {
    (there == Some(true)).then(|| (Dimension::Timing, word.to_owned()))
}

/// The latest people of the window with the components of their score as they were when they were first
/// written to: the moment counts, what an answer changed later (opted out, bounced) does not.
pub(crate) async fn known(cx: &mut Cx, window: Window) -> Result<Vec<Known>> {
    let tenant = cx.tenant()?.uuid();
    let (from, to) = window.people();
    let people = sqlx::query!(
        r#"with person as (
             select lead_id, min(sent_at) as at from insight.sent where tenant_id = $1 group by lead_id),
           success as (
             select lead_id, min(at) as at from insight.outcome
             where tenant_id = $1 and at >= $2 and at < $4 and rung in ('positive', 'meeting') group by lead_id)
           select p.lead_id as "lead!", p.at as "at!",
                  coalesce(s.at >= p.at and s.at < p.at + interval '28 days', false) as "won!"
           from person p left join success s on s.lead_id = p.lead_id
           where p.at >= $2 and p.at < $3 order by p.at desc, p.lead_id limit $5"#,
        tenant,
        from as Time,
        to as Time,
        window.as_of as Time,
        LEADS_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    let (icp, _) = leads::score::target(cx).await?.scorer()?;
    let mut known = Vec::with_capacity(people.len());
    for batch in people.chunks(BATCH) {
        let inputs =
            leads::score::jobs::inputs(cx, &batch.iter().map(|person| (person.lead, person.at)).collect())
                .await?;
        for person in batch {
            let Some(input) = inputs.get(&person.lead) else { continue };
            let input = Input { bounced: false, unsubscribed: false, ..input.clone() };
            let points = Points::of(&input, &icp).components;
            let parts =
                std::array::from_fn(|at| f64::from(points[at]) / f64::from(ComponentKind::ALL[at].max()));
            known.push(Known { at: person.at.us() / 1_000_000, parts, won: person.won });
        }
    }
    Ok(known)
}
