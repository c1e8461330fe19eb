//! Channels of people in their order: the frame of HOW.

use super::super::dimension::Dimension;
use super::super::finding::Counted;
use super::{Window, cell, rate};
use base::{Result, Time};
use db::Cx;

/// Counts people by the channels of their messages. Whoever answers early gets fewer messages, so that orders
/// are compared among those only who got three, and success counts from the third on.
pub(crate) async fn count(cx: &mut Cx, window: Window) -> Result<Counted> {
    let tenant = cx.tenant()?.uuid();
    let (from, to) = window.people();
    let rows = sqlx::query!(
        r#"with person as (
             select lead_id, min(sent_at) as first_at, (array_agg(channel order by sent_at))[1:3] as channels,
                    (array_agg(sent_at order by sent_at))[3] as third_at
             from insight.sent where tenant_id = $1 group by lead_id),
           success as (
             select lead_id, min(at) as at from insight.outcome
             where tenant_id = $1 and at >= $2 and at < $4 and rung in ('positive', 'meeting') group by lead_id),
           known as (
             select p.channels[1]::text as first_channel, p.third_at is not null as three,
                    p.channels[1]::text || '>' || p.channels[2]::text || '>' || p.channels[3]::text as trio,
                    (select count(distinct c) from unnest(p.channels) c)::text as many,
                    s.at >= p.first_at and s.at < p.first_at + interval '28 days' as won,
                    s.at < p.third_at as early
             from person p left join success s on s.lead_id = p.lead_id
             where p.first_at >= $2 and p.first_at < $3)
           select 'all' as "what!", '' as "segment!", count(*) as "trials!", count(*) filter (where won) as "hits!" from known
           union all select 'first', first_channel, count(*), count(*) filter (where won) from known group by 2
           union all select 'order', trio, count(*), count(*) filter (where won) from known
             where three and early is not true group by 2
           union all select 'channels', many, count(*), count(*) filter (where won) from known
             where three and early is not true group by 2"#,
        tenant,
        from as Time,
        to as Time,
        window.as_of as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut counted = Counted::default();
    for row in rows {
        let dimension = match row.what.as_str() {
            "first" => Dimension::FirstChannel,
            "order" => Dimension::Order,
            "channels" => Dimension::Channels,
            _ => {
                counted.total = rate(row.trials, row.hits);
                continue;
            }
        };
        counted.cells.push(cell(dimension, row.segment, row.trials, row.hits));
    }
    Ok(counted)
}
