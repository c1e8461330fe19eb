//! Every read of the day page. Each is bounded by an indexed range and by a number of rows.

use super::{Count, Figures, Funnel};
use crate::days::Days;
use base::{Result, Time};
use db::Cx;
use outreach::resource;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// What every look at the page reads anew, with one statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Look {
    /// Changes whenever a fact of the tenant becomes visible. Numbers are given before commits, so that the
    /// newest alone would miss one that commits late.
    pub mark: i64,
    /// The organisation's details are complete.
    pub organisation: bool,
    /// There is a mailbox to send from.
    pub mailbox: bool,
    /// There are leads.
    pub leads: bool,
    /// A campaign runs.
    pub campaign: bool,
}

/// Looks whether anything happened and whether the tenant can work.
pub(super) async fn look(cx: &mut Cx) -> Result<Look> {
    let tenant = cx.tenant()?.uuid();
    // The order makes an index serve the search for any lead: an empty tenant beside a large one would
    // otherwise read all of the other's.
    Ok(sqlx::query_as!(
        Look,
        r#"select (select coalesce(sum(id), 0)::bigint
                   from (select id from kernel.fact where tenant_id = $1 order by id desc limit 64) f) as "mark!",
                  coalesce((select legal_name <> '' and postal_address <> '' and offer <> '' from accounts.tenant where id = $1), false) as "organisation!",
                  exists (select from outreach.resource where tenant_id = $1 and status = 'active' and deleted_at is null) as "mailbox!",
                  exists (select from (select from leads.lead where tenant_id = $1 and deleted_at is null
                                       order by created_at desc, id desc limit 1) any_lead) as "leads!",
                  exists (select from outreach.campaign where tenant_id = $1 and status = 'active' and deleted_at is null) as "campaign!""#,
        tenant
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Counts everything.
pub(super) async fn figures(cx: &mut Cx, days: &Days) -> Result<Figures> {
    let tenant = cx.tenant()?.uuid();
    let (month, next_month) = days.month()?;
    let (midnight, tomorrow) = (days.since(0)?, days.since(-1)?);
    let noon = days.noon()?;
    let lapse = if days.now < noon { noon } else { tomorrow };
    let row = sqlx::query!(
        r#"select
             (select count(*) from outreach.meeting where tenant_id = $1 and starts_at >= $2 and starts_at < $3
                and status in ('booked', 'held')) as "month!",
             (select count(*) from outreach.meeting where tenant_id = $1 and starts_at >= $4 and starts_at < $5
                and status in ('booked', 'held')) as "today!",
             (select count(*) from (select from outreach.touch where tenant_id = $1 and sent_at >= $4
                order by sent_at desc limit $8) x) as "sent!",
             w.waiting as "waiting!", w.lapsing as "lapsing!"
           from (select count(*) as waiting, count(*) filter (where expires_at <= $7) as lapsing
                 from (select expires_at from control.approval where tenant_id = $1 and status = 'pending' and expires_at > $6
                         and (deferred_until is null or deferred_until <= $6) order by priority desc, id limit $8) x) w"#,
        tenant,
        month as Time,
        next_month as Time,
        midnight as Time,
        tomorrow as Time,
        days.now as Time,
        lapse as Time,
        Count::MAX + 1,
    )
    .fetch_one(cx.conn())
    .await?;
    let (positive, positive_before) = positive(cx, days).await?;
    Ok(Figures {
        meetings_month: Count(row.month),
        meetings_today: Count(row.today),
        positive,
        positive_before,
        sent_today: Count(row.sent),
        capacity: resource::capacity_today(cx).await?,
        waiting: Count(row.waiting),
        lapsing: Count(row.lapsing),
        funnel: funnel(cx, days.since(29)?).await?,
    })
}

/// Positive replies of this week and of the one before, by what they are taken for now.
async fn positive(cx: &mut Cx, days: &Days) -> Result<(Count, Count)> {
    let tenant = cx.tenant()?.uuid();
    let (week, before) = (days.since(6)?, days.since(13)?);
    // The message is looked up for each reply, not joined: a join reads every message that there is. What an
    // automatic verdict says counts when its message is not kept.
    let row = sqlx::query!(
        r#"select count(*) filter (where r.at >= $2) as "now!", count(*) filter (where r.at < $2) as "before!"
           from (select a.at, a.detail, (select m.intent::text from outreach.message m
                                         where m.tenant_id = $1 and m.id = (a.detail ->> 'message_id')::uuid) as intent
                 from outreach.activity a
                 where a.tenant_id = $1 and a.action = 'classified' and a.at >= $3
                 order by a.at desc limit $4) r
           where coalesce(r.intent, r.detail ->> 'intent') in ('meeting_request', 'interested')"#,
        tenant,
        week as Time,
        before as Time,
        Count::MAX + 1,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok((Count(row.now), Count(row.before)))
}

async fn funnel(cx: &mut Cx, since: Time) -> Result<Funnel> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select l.leads as "leads!", l.scored as "scored!", t.contacted as "contacted!", r.replied as "replied!",
                  m.meetings as "meetings!", w.won as "won!"
           from (select count(*) as leads, count(scored_at) as scored
                 from (select scored_at from leads.lead
                       where tenant_id = $1 and deleted_at is null and created_at >= $2
                       order by created_at desc limit $3) x) l,
                (select count(distinct lead_id) as contacted
                 from (select lead_id from outreach.touch where tenant_id = $1 and sent_at >= $2
                       order by sent_at desc limit $3) x) t,
                (select count(distinct lead_id) as replied
                 from (select lead_id from outreach.activity
                       where tenant_id = $1 and action = 'replied' and at >= $2 order by at desc limit $3) x) r,
                (select count(distinct lead_id) as meetings
                 from (select lead_id from outreach.activity
                       where tenant_id = $1 and action = 'meeting_booked' and at >= $2 order by at desc limit $3) x) m,
                (select count(*) as won
                 from (select from outreach.deal where tenant_id = $1 and stage = 'won' and deleted_at is null
                         and closed_at >= $2 order by closed_at desc limit $3) x) w"#,
        tenant,
        since as Time,
        Count::MAX + 1,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(Funnel {
        leads: Count(row.leads),
        scored: Count(row.scored),
        contacted: Count(row.contacted),
        replied: Count(row.replied),
        meetings: Count(row.meetings),
        won: Count(row.won),
    })
}

/// A fact as the feed reads it.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub kind: String,
    pub subject_id: Option<Uuid>,
    pub payload: Value,
    pub at: Time,
}

impl Fact {
    /// An id in the payload.
    pub(super) fn id(&self, name: &str) -> Option<Uuid> {
        self.payload.get(name)?.as_str()?.parse().ok()
    }

    /// A text in the payload; empty when there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.payload.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The latest facts.
pub(super) async fn facts(cx: &mut Cx, limit: i64) -> Result<Vec<Fact>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Fact,
        "select type as kind, subject_id, payload, at from kernel.fact where tenant_id = $1 order by id desc limit $2",
        tenant,
        limit
    )
    .fetch_all(cx.conn())
    .await?)
}

/// What the things are called that facts speak of.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub leads: HashMap<Uuid, String>,
    pub campaigns: HashMap<Uuid, String>,
    pub approvals: HashMap<Uuid, String>,
    pub deals: HashMap<Uuid, String>,
}

/// Looks the names up, with one statement.
pub(super) async fn names(cx: &mut Cx, facts: &[Fact]) -> Result<Names> {
    let tenant = cx.tenant()?.uuid();
    let ids: BTreeSet<Uuid> =
        facts.iter().flat_map(|f| [f.subject_id, f.id("lead_id"), f.id("campaign_id")]).flatten().collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let rows = sqlx::query!(
        r#"select 'lead' as "what!", id as "id!",
                  coalesce(nullif(concat_ws(' ', first_name, last_name), ''), email, company_name, 'a lead') as "name!"
           from leads.lead where tenant_id = $1 and id = any($2)
           union all select 'campaign', id, name from outreach.campaign where tenant_id = $1 and id = any($2)
           union all select 'approval', id, title from control.approval where tenant_id = $1 and id = any($2)
           union all select 'deal', id, name from outreach.deal where tenant_id = $1 and id = any($2)"#,
        tenant,
        &ids
    )
    .fetch_all(cx.conn())
    .await?;
    let mut names = Names::default();
    for row in rows {
        let map = match row.what.as_str() {
            "lead" => &mut names.leads,
            "campaign" => &mut names.campaigns,
            "approval" => &mut names.approvals,
            _ => &mut names.deals,
        };
        map.insert(row.id, row.name);
    }
    Ok(names)
}

/// Something that comes today.
#[derive(Clone, Debug)]
pub(super) struct Coming {
    pub at: Time,
    pub what: String,
    pub detail: String,
    pub href: String,
}

/// Meetings of today and schedules that fire before midnight, by time.
pub(super) async fn coming(cx: &mut Cx, days: &Days) -> Result<Vec<Coming>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select meeting as "meeting?", at as "at!", what as "what!", detail as "detail!"
           from ((select id as meeting, starts_at as at, guest_name as what, title as detail from outreach.meeting
                  where tenant_id = $1 and starts_at >= $2 and starts_at < $3 and status in ('booked', 'held')
                  order by starts_at limit 20)
                 union all
                 (select null, next_at, name, kind from jobs.schedule
                  where tenant_id = $1 and not paused and next_at < $3 order by next_at limit 10)) coming
           order by at"#,
        tenant,
        days.since(0)? as Time,
        days.since(-1)? as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Coming {
            at: row.at,
            what: row.what,
            detail: row.detail,
            href: row
                .meeting
                .map_or_else(|| "/operations/schedules".to_owned(), |id| format!("/meetings/{id}")),
        })
        .collect())
}

/// Something that a person was told and has not read.
#[derive(Clone, Debug)]
pub(super) struct Alert {
    pub id: Uuid,
    pub severity: String,
    pub title: String,
    pub body: String,
    pub href: Option<String>,
    pub created_at: Time,
}

/// Unread notifications for this person, the most urgent first; kinds that they turned off are left out.
pub(super) async fn alerts(cx: &mut Cx, person: Option<Uuid>) -> Result<Vec<Alert>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Alert,
        r#"select id, severity::text as "severity!", title, body, href, created_at from control.notification n
           where tenant_id = $1 and read_at is null and (person_id is null or person_id = $2)
             and not exists (select from control.notification_preference p
                             where p.tenant_id = $1 and p.person_id = $2 and p.kind = n.kind and not p.in_app)
           order by n.severity desc, created_at desc, id limit 5"#,
        tenant,
        person
    )
    .fetch_all(cx.conn())
    .await?)
}
