//! Every statement about campaigns.

use super::{
    Campaign, CampaignId, Counts, New,
    rules::{self, Move, Status},
};
use crate::{channel::Channel, touch::Mode};
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) async fn insert(cx: &mut Cx, id: CampaignId, new: &New, daily_limit: i32) -> Result<()> {
    let (tenant, now, actor) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into outreach.campaign (id, tenant_id, name, goal, offer, allocation, daily_limit, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        id.uuid(),
        tenant,
        new.name.trim(),
        new.goal.trim(),
        new.offer.trim(),
        serde_json::to_value(rules::all_email())?,
        daily_limit,
        actor,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

struct Stored {
    id: Uuid,
    name: String,
    goal: String,
    offer: String,
    status: Status,
    mode: Option<Mode>,
    allocation: serde_json::Value,
    daily_limit: i32,
    tracking: bool,
    sequence_id: Option<Uuid>,
    starts_on: Option<String>,
    ends_on: Option<String>,
    paused_reason: Option<String>,
    created_at: Time,
    activated_at: Option<Time>,
}

impl Stored {
    fn read(self) -> Result<Campaign> {
        Ok(Campaign {
            id: self.id.into(),
            name: self.name,
            goal: self.goal,
            offer: self.offer,
            status: self.status,
            mode: self.mode,
            allocation: serde_json::from_value(self.allocation)?,
            daily_limit: self.daily_limit,
            tracking: self.tracking,
            sequence_id: self.sequence_id,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            paused_reason: self.paused_reason,
            created_at: self.created_at,
            activated_at: self.activated_at,
        })
    }
}

/// One campaign.
pub async fn get(cx: &mut Cx, id: CampaignId) -> Result<Campaign> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Stored,
        r#"select id, name, goal, offer, status as "status: Status", mode as "mode: Mode", allocation, daily_limit, tracking, sequence_id,
                  starts_on::text, ends_on::text, paused_reason, created_at, activated_at
           from outreach.campaign where tenant_id = $1 and id = $2 and deleted_at is null"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("campaign"))?
    .read()
}

/// Campaigns, the latest first, of one state or all.
pub async fn list(
    cx: &mut Cx,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<Page<Campaign>> {
    let tenant = cx.tenant()?.uuid();
    let (at, last) = match after {
        Some(cursor) => {
            let (key, id) = cursor.parts()?;
            let at = key.parse::<i64>().map_err(|cause| {
                Error::invalid("cursor.invalid", "This page link is damaged.").caused_by(cause)
            })?;
            (Some(Time::from_us(at)), id)
        }
        None => (None, Uuid::nil()),
    };
    let rows = sqlx::query_as!(
        Stored,
        r#"select id, name, goal, offer, status as "status: Status", mode as "mode: Mode", allocation, daily_limit, tracking, sequence_id,
                  starts_on::text, ends_on::text, paused_reason, created_at, activated_at
           from outreach.campaign
           where tenant_id = $1 and deleted_at is null and ($2::outreach.campaign_status is null or status = $2)
             and ($3::timestamptz is null or (created_at, id) < ($3, $4))
           order by created_at desc, id desc limit $5"#,
        tenant,
        status as Option<Status>,
        at as Option<Time>,
        last,
        limit + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let rows = rows.into_iter().map(Stored::read).collect::<Result<Vec<_>>>()?;
    let most = usize::try_from(limit).unwrap_or(0);
    Ok(Page::cut(rows, most, |c| Cursor::after(&c.created_at.us().to_string(), c.id.uuid())))
}

/// How many campaigns run now.
pub async fn active(cx: &mut Cx) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from outreach.campaign where tenant_id = $1 and status = 'active' and deleted_at is null"#,
        tenant,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// The numbers of some campaigns.
pub async fn counts(cx: &mut Cx, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Counts>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select c.id as "id!",
             (select count(*) from outreach.enrolment e where e.tenant_id = $1 and e.campaign_id = c.id) as "leads!",
             (select count(distinct t.lead_id) from outreach.touch t where t.tenant_id = $1 and t.campaign_id = c.id and t.sent_at is not null) as "contacted!",
             (select count(distinct a.lead_id) from outreach.activity a where a.tenant_id = $1 and a.campaign_id = c.id and a.action = 'replied') as "replied!",
             (select count(distinct h.lead_id) from outreach.thread h join outreach.message m on m.thread_id = h.id
               where h.tenant_id = $1 and h.campaign_id = c.id and m.direction = 'inbound' and m.intent in ('meeting_request', 'interested')) as "positive!",
             (select count(distinct m.lead_id) from outreach.meeting m where m.tenant_id = $1 and m.campaign_id = c.id and m.status <> 'cancelled') as "meetings!"
           from unnest($2::uuid[]) as c (id)"#,
        tenant,
        ids,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let counts = Counts {
                leads: r.leads,
                contacted: r.contacted,
                replied: r.replied,
                positive: r.positive,
                meetings: r.meetings,
            };
            (r.id, counts)
        })
        .collect())
}

pub(super) async fn update(cx: &mut Cx, c: &Campaign) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.campaign set name = $3, goal = $4, offer = $5, mode = $6, allocation = $7, daily_limit = $8,
                starts_on = $9::text::date, ends_on = $10::text::date, updated_at = $11, tracking = $12
         where tenant_id = $1 and id = $2",
        tenant,
        c.id.uuid(),
        c.name,
        c.goal,
        c.offer,
        c.mode as Option<Mode>,
        serde_json::to_value(&c.allocation)?,
        c.daily_limit,
        c.starts_on,
        c.ends_on,
        now as Time,
        c.tracking,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Makes a move; false when the campaign is not in a state from which it is allowed.
pub(super) async fn shift(cx: &mut Cx, id: CampaignId, step: Move, reason: Option<&str>) -> Result<bool> {
    let sources = step.sources();
    let Some(to) = sources.first().and_then(|from| step.after(*from)) else {
        return Ok(false);
    };
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update outreach.campaign set status = $4, paused_reason = $5, updated_at = $6,
                activated_at = case when $4 = 'active'::outreach.campaign_status then coalesce(activated_at, $6) else activated_at end,
                completed_at = case when $4 = 'completed'::outreach.campaign_status then $6 else completed_at end
         where tenant_id = $1 and id = $2 and status = any($3) and deleted_at is null",
        tenant,
        id.uuid(),
        &sources as &[Status],
        to as Status,
        reason,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    Ok(changed > 0)
}

pub(super) struct Readiness {
    pub steps: i64,
    pub channels: Vec<Channel>,
    pub resources: Vec<Channel>,
    pub any_resource: bool,
    pub legal_name: bool,
    pub postal_address: bool,
}

pub(super) async fn readiness(cx: &mut Cx, id: CampaignId) -> Result<Readiness> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Readiness,
        r#"select (select count(*) from outreach.step s where s.tenant_id = $1 and s.sequence_id = c.sequence_id) as "steps!",
                  (select coalesce(array_agg(distinct s.channel order by s.channel), '{}') from outreach.step s
                    where s.tenant_id = $1 and s.sequence_id = c.sequence_id and not s.manual) as "channels!: Vec<Channel>",
                  (select coalesce(array_agg(distinct r.channel), '{}') from outreach.campaign_resource a join outreach.resource r on r.id = a.resource_id
                    where a.tenant_id = $1 and a.campaign_id = c.id and a.removed_at is null and r.deleted_at is null
                      and r.status = 'active') as "resources!: Vec<Channel>",
                  exists (select from outreach.resource r where r.tenant_id = $1 and r.deleted_at is null and r.status = 'active') as "any_resource!",
                  coalesce(trim(n.legal_name), '') <> '' as "legal_name!", coalesce(trim(n.postal_address), '') <> '' as "postal_address!"
           from outreach.campaign c join accounts.tenant n on n.id = c.tenant_id
           where c.tenant_id = $1 and c.id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn without_consent(cx: &mut Cx, id: CampaignId) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from outreach.enrolment e join leads.lead l on l.id = e.lead_id
           where e.tenant_id = $1 and e.campaign_id = $2 and e.status in ('active', 'paused') and l.consent is null"#,
        tenant,
        id.uuid(),
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(count)
}

/// Enrolments that have not ended.
pub(super) async fn running(cx: &mut Cx, id: CampaignId) -> Result<Vec<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select id from outreach.enrolment where tenant_id = $1 and campaign_id = $2 and status in ('active', 'paused')",
        tenant,
        id.uuid(),
    )
    .fetch_all(cx.conn())
    .await?)
}

pub(super) async fn assign(cx: &mut Cx, id: CampaignId, resources: &[Uuid]) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.campaign_resource set removed_at = $4
         where tenant_id = $1 and campaign_id = $2 and removed_at is null and resource_id <> all($3)",
        tenant,
        id.uuid(),
        resources,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "insert into outreach.campaign_resource (id, tenant_id, campaign_id, resource_id, created_at)
         select gen_random_uuid(), $1, c.id, r.id, $4 from outreach.campaign c, outreach.resource r
         where c.tenant_id = $1 and c.id = $2 and r.tenant_id = $1 and r.id = any($3) and r.deleted_at is null
         on conflict (campaign_id, resource_id) where removed_at is null do nothing",
        tenant,
        id.uuid(),
        resources,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What campaigns of this client are called, finished and removed ones too; others are left out.
pub async fn names(cx: &mut Cx, ids: Vec<Uuid>) -> Result<BTreeMap<Uuid, String>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select id, name from outreach.campaign where tenant_id = $1 and id = any($2)",
        tenant,
        &ids
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
