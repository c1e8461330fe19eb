//! Sums over a range of days. Activities carry the time index; the range is at most a quarter.

use base::{Result, Time};
use db::Cx;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What was done and what came back, of one campaign or one channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub campaign: Option<Uuid>,
    pub channel: Option<String>,
    pub sent: i64,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
    pub opted_out: i64,
    pub replied: i64,
    pub meetings: i64,
}

/// Sums by campaign and by channel; a line has one of the two.
pub(super) async fn sums(cx: &mut Cx, from: Time, to: Time) -> Result<Vec<Sums>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Sums,
        r#"select campaign_id as campaign, channel::text as channel,
                  count(*) filter (where action = 'sent') as "sent!", count(*) filter (where action = 'delivered') as "delivered!",
                  count(*) filter (where action = 'bounced') as "bounced!", count(*) filter (where action = 'complained') as "complained!",
                  count(*) filter (where action = 'opted_out') as "opted_out!", count(*) filter (where action = 'replied') as "replied!",
                  count(*) filter (where action = 'meeting_booked') as "meetings!"
           from outreach.activity
           where tenant_id = $1 and at >= $2 and at < $3
             and action in ('sent', 'delivered', 'bounced', 'complained', 'opted_out', 'replied', 'meeting_booked')
           group by grouping sets ((campaign_id), (channel))
           having campaign_id is not null or channel is not null"#,
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Replies by what they are taken for now.
#[derive(Clone, Debug)]
pub(super) struct Replies {
    pub campaign: Option<Uuid>,
    pub channel: Option<String>,
    pub intent: String,
    pub count: i64,
}

/// Replies by campaign, channel and intent.
pub(super) async fn replies(cx: &mut Cx, from: Time, to: Time) -> Result<Vec<Replies>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Replies,
        r#"select a.campaign_id as campaign, a.channel::text as channel, coalesce(m.intent::text, a.detail ->> 'intent', 'unclear') as "intent!",
                  count(*) as "count!"
           from outreach.activity a
           left join outreach.message m on m.tenant_id = $1 and m.id = (a.detail ->> 'message_id')::uuid
           where a.tenant_id = $1 and a.action = 'classified' and a.at >= $2 and a.at < $3
           group by 1, 2, 3"#,
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// What was spent for each campaign, in millionths of the budget currency.
pub(super) async fn costs(cx: &mut Cx, from: Time, to: Time) -> Result<BTreeMap<Uuid, i64>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select campaign_id as "campaign!", sum(cost_micros)::bigint as "cost!" from control.spend
           where tenant_id = $1 and at >= $2 and at < $3 and campaign_id is not null and state = 'settled' group by campaign_id"#,
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (r.campaign, r.cost)).collect())
}

/// Names of campaigns, deleted ones too.
pub(super) async fn campaigns(cx: &mut Cx) -> Result<BTreeMap<Uuid, String>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select id, name from outreach.campaign where tenant_id = $1 order by created_at desc, id limit 1000",
        tenant
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (r.id, r.name)).collect())
}

/// One day's counts.
#[derive(Clone, Debug)]
pub(super) struct Day {
    pub day: String,
    pub sent: i64,
    pub replied: i64,
    pub meetings: i64,
}

/// Days of a zone that have something.
pub(super) async fn days(cx: &mut Cx, from: Time, to: Time, zone: &str) -> Result<Vec<Day>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Day,
        r#"select (at at time zone $4)::date::text as "day!", count(*) filter (where action = 'sent') as "sent!",
                  count(*) filter (where action = 'replied') as "replied!", count(*) filter (where action = 'meeting_booked') as "meetings!"
           from outreach.activity
           where tenant_id = $1 and at >= $2 and at < $3 and action in ('sent', 'replied', 'meeting_booked') group by 1"#,
        tenant,
        from as Time,
        to as Time,
        zone,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// How many of a group answered.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub what: String,
    pub contacted: i64,
    pub replied: i64,
}

/// People who were written to by the tier that they have now, and how many of them answered.
pub(super) async fn tiers(cx: &mut Cx, from: Time, to: Time) -> Result<Vec<Answered>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Answered,
        r#"select coalesce(l.tier::text, 'no score') as "what!", count(*) as "contacted!", count(r.lead_id) as "replied!"
           from (select distinct lead_id from outreach.touch where tenant_id = $1 and sent_at >= $2 and sent_at < $3) t
           join leads.lead l on l.tenant_id = $1 and l.id = t.lead_id
           left join (select distinct lead_id from outreach.activity
                      where tenant_id = $1 and action = 'replied' and at >= $2) r on r.lead_id = t.lead_id
           group by l.tier order by l.tier desc nulls last"#,
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// First messages by the template of their subject (their own subject where there is none), and how many
/// of the people answered; the most used first.
pub(super) async fn subjects(cx: &mut Cx, from: Time, to: Time) -> Result<Vec<Answered>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Answered,
        r#"select coalesce(nullif(s.subject_template, ''), t.subject) as "what!", count(distinct t.lead_id) as "contacted!",
                  count(distinct r.lead_id) as "replied!"
           from outreach.touch t
           join outreach.enrolment e on e.tenant_id = $1 and e.id = t.enrolment_id
           left join outreach.step s on s.tenant_id = $1 and s.sequence_id = e.sequence_id and s.number = t.step_number
           left join (select distinct lead_id from outreach.activity
                      where tenant_id = $1 and action = 'replied' and at >= $2) r on r.lead_id = t.lead_id
           where t.tenant_id = $1 and t.sent_at >= $2 and t.sent_at < $3
             and coalesce(nullif(s.subject_template, ''), t.subject, '') <> ''
           group by 1 order by 2 desc, 1 limit 12"#,
        tenant,
        from as Time,
        to as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}
