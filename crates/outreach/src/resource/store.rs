//! Every statement about resources except those of reserving.

use super::{Resource, ResourceId, Settings, Status, check::Checks, rules::Health};
use crate::channel::Channel;
use base::{Error, Result, Time, error::constraint};
use db::Cx;
use std::collections::HashMap;
use uuid::Uuid;

/// A sender to be stored.
pub(super) struct NewRow<'a> {
    pub channel: Channel,
    pub name: &'a str,
    pub address: &'a str,
    pub domain: Option<&'a str>,
    pub display_name: &'a str,
    pub provider: &'a str,
    pub settings: &'a Settings,
    pub secret_name: Option<&'a str>,
    pub account: Option<Uuid>,
}

pub(super) async fn insert(cx: &mut Cx, id: ResourceId, new: &NewRow<'_>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "insert into outreach.resource (id, tenant_id, channel, name, address, domain, display_name, provider, settings, secret_id, account_id, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, (select s.id from control.secret s where s.tenant_id = $2 and s.name = $10), $11, $12, $12)",
        id.uuid(),
        tenant,
        new.channel as Channel,
        new.name,
        new.address,
        new.domain,
        new.display_name,
        new.provider,
        serde_json::to_value(new.settings)?,
        new.secret_name,
        new.account,
        now as Time,
    )
    .execute(cx.conn())
    .await;
    match done {
        Ok(_) => Ok(()),
        Err(cause) if constraint(&cause) == Some("resource_address") => {
            Err(Error::conflict("resource.taken", format!("{} is connected already.", new.address)))
        }
        Err(cause) => Err(cause.into()),
    }
}

struct Stored {
    id: Uuid,
    channel: Channel,
    name: String,
    address: String,
    domain: Option<String>,
    display_name: String,
    provider: String,
    account_id: Option<Uuid>,
    settings: serde_json::Value,
    status: Status,
    status_reason: Option<String>,
    health: Health,
    paused_until: Option<Time>,
    domain_in_use_since: Option<String>,
    last_used_at: Option<Time>,
    checked_at: Option<Time>,
    checks: serde_json::Value,
}

impl Stored {
    fn read(self) -> Result<Resource> {
        Ok(Resource {
            id: self.id.into(),
            channel: self.channel,
            name: self.name,
            address: self.address,
            domain: self.domain,
            display_name: self.display_name,
            provider: self.provider,
            account: self.account_id,
            settings: serde_json::from_value::<Settings>(self.settings)?,
            status: self.status,
            status_reason: self.status_reason,
            health: self.health,
            paused_until: self.paused_until,
            domain_in_use_since: self.domain_in_use_since,
            last_used_at: self.last_used_at,
            checked_at: self.checked_at,
            checks: serde_json::from_value::<Checks>(self.checks)?,
        })
    }
}

/// One resource.
pub async fn get(cx: &mut Cx, id: Uuid) -> Result<Resource> {
    find(cx, id).await?.ok_or_else(|| Error::not_found("sending identity"))
}

/// One resource, if it is there.
pub async fn find(cx: &mut Cx, id: Uuid) -> Result<Option<Resource>> {
    Ok(find_all(cx, &[id]).await?.remove(&id))
}

/// Those of some resources that are there, by id.
pub(crate) async fn find_all(cx: &mut Cx, ids: &[Uuid]) -> Result<HashMap<Uuid, Resource>> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Stored,
        r#"select id, channel as "channel: Channel", name, address, domain, display_name, provider, account_id, settings,
                  status as "status: Status", status_reason, health as "health: Health", paused_until,
                  domain_in_use_since::text, last_used_at, checked_at, checks
           from outreach.resource where tenant_id = $1 and id = any($2) and deleted_at is null"#,
        tenant,
        ids,
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(|stored| Ok((stored.id, stored.read()?)))
    .collect()
}

/// All resources of the tenant, by address.
pub async fn list(cx: &mut Cx) -> Result<Vec<Resource>> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Stored,
        r#"select id, channel as "channel: Channel", name, address, domain, display_name, provider, account_id, settings,
                  status as "status: Status", status_reason, health as "health: Health", paused_until,
                  domain_in_use_since::text, last_used_at, checked_at, checks
           from outreach.resource where tenant_id = $1 and deleted_at is null order by channel, address, id limit 1000"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Stored::read)
    .collect()
}

/// How many LinkedIn seats are in use: neither paused by a person nor given up.
pub async fn linkedin_seats(cx: &mut Cx) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from outreach.resource
           where tenant_id = $1 and channel = 'linkedin' and status in ('active', 'failed') and deleted_at is null"#,
        tenant,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// The resources that a campaign uses.
pub async fn assigned(cx: &mut Cx, campaign: Uuid) -> Result<Vec<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select r.id from outreach.campaign_resource a join outreach.resource r on r.id = a.resource_id
         where a.tenant_id = $1 and a.campaign_id = $2 and a.removed_at is null and r.deleted_at is null order by r.address",
        tenant,
        campaign,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The active mailbox that was used last, for mail that belongs to no campaign; None without an active one.
pub async fn mailbox_used_last(cx: &mut Cx) -> Result<Option<Resource>> {
    let tenant = cx.tenant()?.uuid();
    let id = sqlx::query_scalar!(
        "select id from outreach.resource where tenant_id = $1 and channel = 'email' and status = 'active' and deleted_at is null
         order by last_used_at desc nulls last, created_at limit 1",
        tenant
    )
    .fetch_optional(cx.conn())
    .await?;
    match id {
        Some(id) => get(cx, id).await.map(Some),
        None => Ok(None),
    }
}

/// The resource that a campaign's next message of a channel goes through: of the active, healthy
/// ones the least recently used. A lead that was written to before keeps its sender while that one
/// is in use, so that a thread has one voice.
pub async fn pick(cx: &mut Cx, campaign: Uuid, channel: Channel, lead: Uuid) -> Result<Option<Resource>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let id = sqlx::query_scalar!(
        "select r.id from outreach.campaign_resource a join outreach.resource r on r.id = a.resource_id
         where a.tenant_id = $1 and a.campaign_id = $2 and a.removed_at is null and r.deleted_at is null
           and r.channel = $3 and r.status = 'active' and r.health <> 'critical' and (r.paused_until is null or r.paused_until <= $5)
         order by exists (select from outreach.touch t where t.tenant_id = $1 and t.lead_id = $4 and t.resource_id = r.id and t.sent_at is not null) desc,
                  r.last_used_at nulls first, r.id
         limit 1",
        tenant,
        campaign,
        channel as Channel,
        lead,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    match id {
        Some(id) => get(cx, id).await.map(Some),
        None => Ok(None),
    }
}

/// Moves a resource from one of some states to another. Errors: `resource.state` when it is in none of them.
pub async fn set_status(cx: &mut Cx, id: Uuid, from: &[Status], to: Status, why: Option<&str>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update outreach.resource set status = $4, status_reason = $5, updated_at = $6
         where tenant_id = $1 and id = $2 and status = any($3) and deleted_at is null",
        tenant,
        id,
        from as &[Status],
        to as Status,
        why,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed == 0 {
        let found = get(cx, id).await?;
        return Err(Error::conflict(
            "resource.state",
            format!("The mailbox {} is {}; that cannot be done now.", found.address, found.status.word()),
        ));
    }
    Ok(())
}

pub(super) async fn set_paused_until(
    cx: &mut Cx,
    id: Uuid,
    until: Option<Time>,
    why: Option<&str>,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.resource set paused_until = $3, status_reason = coalesce($4, status_reason), updated_at = $5 where tenant_id = $1 and id = $2",
        tenant,
        id,
        until as Option<Time>,
        why,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_checks(cx: &mut Cx, id: Uuid, checks: &Checks) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.resource set checks = $3, checked_at = $4, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        id,
        serde_json::to_value(checks)?,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Messages that left a resource since an instant, and what came of them; apart those since its last rest.
pub(super) struct Outcomes {
    pub resource: Uuid,
    pub sent: i64,
    pub bounced: i64,
    pub complained: i64,
    pub sent_fresh: i64,
    pub bounced_fresh: i64,
}

pub(super) async fn outcomes(cx: &mut Cx, since: Time) -> Result<Vec<Outcomes>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Outcomes,
        r#"select s.resource_id as "resource!", count(*) as "sent!", count(*) filter (where s.bounced) as "bounced!",
                  count(*) filter (where s.complained) as "complained!", count(*) filter (where s.fresh) as "sent_fresh!",
                  count(*) filter (where s.fresh and s.bounced) as "bounced_fresh!"
           from (
             select t.resource_id, (r.checks ->> 'rested_until' is null or t.sent_at > (r.checks ->> 'rested_until')::timestamptz) as fresh,
                    exists (select from outreach.activity a where a.tenant_id = $1 and a.touch_id = t.id and a.action = 'bounced') as bounced,
                    exists (select from outreach.activity a where a.tenant_id = $1 and a.touch_id = t.id and a.action = 'complained') as complained
             from outreach.touch t join outreach.resource r on r.id = t.resource_id
             where t.tenant_id = $1 and t.sent_at >= $2) s
           group by 1"#,
        tenant,
        since as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Notes that a mailbox rests until an instant, or that a person ended its rest then.
pub(super) async fn set_rested(cx: &mut Cx, id: Uuid, until: Time) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update outreach.resource set checks = jsonb_set(checks, '{rested_until}', to_jsonb($3::text)) where tenant_id = $1 and id = $2",
        tenant,
        id,
        until.to_string(),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_health(cx: &mut Cx, id: Uuid, health: Health, checks: &Checks) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.resource set health = $3, checks = $4, updated_at = $5 where tenant_id = $1 and id = $2",
        tenant,
        id,
        health as Health,
        serde_json::to_value(checks)?,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Tenants that have sending identities, for the schedule that looks after all of them.
pub(super) async fn tenants(cx: &mut Cx) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select distinct tenant_id from outreach.resource where deleted_at is null order by 1"
    )
    .fetch_all(cx.conn())
    .await?)
}
