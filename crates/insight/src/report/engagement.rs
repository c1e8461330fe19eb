//! How far the people of a span are engaged.

use base::{Result, Time};
use db::Cx;
use uuid::Uuid;

/// One person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Person {
    pub(super) lead_id: Uuid,
    pub(super) name: String,
    pub(super) company: Option<String>,
    pub(super) tier: Option<leads::score::Tier>,
    pub(super) touches: i64,
    pub(super) replies: i64,
    pub(super) positive: i64,
    pub(super) meetings: i64,
    pub(super) last_touch_at: Time,
}

/// People who were written to in a span, those who did most first.
pub(super) async fn people(cx: &mut Cx, from: Time, to: Time, limit: i64) -> Result<Vec<Person>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Person,
        r#"with wrote as (
             select lead_id, count(*) as touches, max(sent_at) as last_at from outreach.touch
             where tenant_id = $1 and sent_at >= $2 and sent_at < $3 group by lead_id),
           did as (
             select lead_id, count(*) filter (where rung in ('reply', 'positive')) as replies,
                    count(*) filter (where rung = 'positive') as positive, count(*) filter (where rung = 'meeting') as meetings
             from insight.outcome where tenant_id = $1 and at >= $2 and at < $3 group by lead_id)
           select w.lead_id, coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email, '') as "name!",
                  l.company_name as company, l.tier as "tier: leads::score::Tier", w.touches as "touches!",
                  coalesce(d.replies, 0) as "replies!", coalesce(d.positive, 0) as "positive!",
                  coalesce(d.meetings, 0) as "meetings!", w.last_at as "last_touch_at!"
           from wrote w join leads.lead l on l.tenant_id = $1 and l.id = w.lead_id and l.deleted_at is null
           left join did d on d.lead_id = w.lead_id
           order by coalesce(d.meetings, 0) desc, coalesce(d.positive, 0) desc, coalesce(d.replies, 0) desc, w.touches desc, w.last_at desc, w.lead_id
           limit $4"#,
        tenant,
        from as Time,
        to as Time,
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}
