//! Messages by their traits: the frame of WHAT and WHEN.

use super::super::dimension::{Detector, Trait};
use super::super::finding::{Cell, Counted};
use super::{Window, cell, rate};
use base::{Result, Time};
use db::Cx;

/// Counts every trait of the messages of the window at once. A message succeeds when it is the last one
/// before its person's first success, within 14 days.
pub(crate) async fn count(cx: &mut Cx, window: Window) -> Result<[Counted; 2]> {
    let tenant = cx.tenant()?.uuid();
    let (from, to) = window.messages();
    let rows = sqlx::query!(
        r#"with first as (
             select lead_id, min(at) as at from insight.outcome
             where tenant_id = $1 and at >= $2 and at < $4 and rung in ('positive', 'meeting') group by lead_id),
           won as (
             select distinct m.touch_id from first f
             join lateral (select s.touch_id from insight.sent s
                           where s.tenant_id = $1 and s.lead_id = f.lead_id and s.sent_at <= f.at
                             and s.sent_at > f.at - interval '14 days'
                           order by s.sent_at desc limit 1) m on true)
           -- No code stands for the message itself, so that one pass counts both.
           select t.code, count(*) as "trials!", count(w.touch_id) as "hits!"
           from insight.sent s left join won w on w.touch_id = s.touch_id
           cross join unnest(array_append(s.traits, null)) as t (code)
           where s.tenant_id = $1 and s.sent_at >= $2 and s.sent_at < $3
           group by t.code"#,
        tenant,
        from as Time,
        to as Time,
        window.as_of as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let total = rows
        .iter()
        .find(|row| row.code.is_none())
        .map_or_else(Default::default, |row| rate(row.trials, row.hits));
    let cells: Vec<Cell> = rows
        .iter()
        .filter_map(|row| {
            let one = Trait::of(row.code?)?;
            Some(cell(one.dimension, one.segment(), row.trials, row.hits))
        })
        .collect();
    Ok([Detector::What, Detector::When].map(|detector| Counted {
        total,
        cells: cells.iter().filter(|cell| cell.dimension.detector() == detector).cloned().collect(),
    }))
}
