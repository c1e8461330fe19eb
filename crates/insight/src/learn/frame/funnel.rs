//! Meetings and deals: the frame of FUNNEL.

use super::super::dimension::Dimension;
use super::super::finding::{Counted, Note};
use super::{cell, rate};
use base::{Result, Time};
use db::Cx;

/// Days of deals that are learnt from: they take longer than messages.
const DAYS: i64 = 180;

/// Counts meetings that are over, what became of them, and closed deals.
pub(crate) async fn count(cx: &mut Cx, as_of: Time) -> Result<(Counted, Vec<Note>)> {
    let tenant = cx.tenant()?.uuid();
    let from = as_of.plus_days(-DAYS);
    let rows = sqlx::query!(
        r#"with over as (
             select m.id, m.status = 'held' as held, c.name as campaign, m.reschedules > 0 as moved,
                    jsonb_array_length(m.reminded) > 0 as reminded,
                    case when m.starts_at - m.created_at < interval '2 days' then 'less than 2 days ahead'
                         when m.starts_at - m.created_at < interval '7 days' then '2 to 7 days ahead'
                         else 'a week or more ahead' end as notice,
                    exists (select from outreach.deal d where d.tenant_id = $1 and d.meeting_id = m.id and d.deleted_at is null
                            and d.created_at < $3) as dealt
             from outreach.meeting m left join outreach.campaign c on c.tenant_id = $1 and c.id = m.campaign_id
             where m.tenant_id = $1 and m.starts_at >= $2 and m.starts_at < $3 and m.status in ('held', 'no_show')),
           closed as (
             select d.stage = 'won' as won, c.name as campaign
             from outreach.deal d left join outreach.campaign c on c.tenant_id = $1 and c.id = d.campaign_id
             where d.tenant_id = $1 and d.closed_at >= $2 and d.closed_at < $3 and d.stage in ('won', 'lost') and d.deleted_at is null)
           select 'stage' as "what!", 'shows' as "segment!", count(*) as "trials!", count(*) filter (where held) as "hits!" from over
           union all select 'stage', 'deals of held meetings', count(*), count(*) filter (where dealt) from over where held
           union all select 'stage', 'wins of closed deals', count(*), count(*) filter (where won) from closed
           union all select 'notice', notice, count(*), count(*) filter (where held) from over group by 2
           union all select 'move', case when moved then 'moved' else 'as booked' end, count(*), count(*) filter (where held) from over group by 2
           union all select 'reminder', case when reminded then 'reminded' else 'not reminded' end, count(*), count(*) filter (where held) from over group by 2
           union all select 'show', campaign, count(*), count(*) filter (where held) from over where campaign is not null group by 2
           union all select 'deal', campaign, count(*), count(*) filter (where dealt) from over where held and campaign is not null group by 2
           union all select 'win', campaign, count(*), count(*) filter (where won) from closed where campaign is not null group by 2"#,
        tenant,
        from as Time,
        as_of as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut counted = Counted::default();
    for row in rows {
        let dimension = match row.what.as_str() {
            "stage" => Dimension::Stage,
            "notice" => Dimension::ShowByNotice,
            "move" => Dimension::ShowByMove,
            "reminder" => Dimension::ShowByReminder,
            "show" => Dimension::ShowByCampaign,
            "deal" => Dimension::DealByCampaign,
            _ => Dimension::WinByCampaign,
        };
        if row.segment == "shows" && dimension == Dimension::Stage {
            counted.total = rate(row.trials, row.hits);
        }
        counted.cells.push(cell(dimension, row.segment, row.trials, row.hits));
    }
    Ok((counted, notes(cx, from, as_of).await?))
}

/// Why deals were lost, and how long things take.
async fn notes(cx: &mut Cx, from: Time, as_of: Time) -> Result<Vec<Note>> {
    let tenant = cx.tenant()?.uuid();
    let lost = sqlx::query!(
        r#"select coalesce(nullif(btrim(lost_reason), ''), 'no reason given') as "reason!", count(*) as "count!"
           from outreach.deal
           where tenant_id = $1 and stage = 'lost' and closed_at >= $2 and closed_at < $3 and deleted_at is null
           group by 1 order by 2 desc, 1 limit 8"#,
        tenant,
        from as Time,
        as_of as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let took = sqlx::query!(
        r#"select percentile_cont(0.5) within group (order by extract(epoch from d.created_at - m.created_at)::float8) as to_deal,
                  percentile_cont(0.5) within group (order by extract(epoch from d.closed_at - d.created_at)::float8)
                    filter (where d.closed_at is not null) as to_close
           from outreach.deal d left join outreach.meeting m on m.tenant_id = $1 and m.id = d.meeting_id
           where d.tenant_id = $1 and d.created_at >= $2 and d.created_at < $3 and d.deleted_at is null"#,
        tenant,
        from as Time,
        as_of as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    let days = |label: &str, seconds: Option<f64>| {
        seconds
            .filter(|seconds| *seconds >= 0.0)
            .map(|seconds| Note { label: label.to_owned(), value: ui::number::duration_s(seconds as i64) })
    };
    let reasons = lost.into_iter().map(|row| Note {
        label: format!("Lost: {}", row.reason),
        value: ui::number::counted(row.count, "deal", "deals"),
    });
    Ok(days("From booking to deal, median", took.to_deal)
        .into_iter()
        .chain(days("From deal to close, median", took.to_close))
        .chain(reasons)
        .collect())
}
