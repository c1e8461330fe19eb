//! How much room there is: of a sender, of a campaign, of the client's domains. Reads only.

use super::{
    Status,
    allow::{DomainUse, Of, UNUSED, allowance, day_in_use, domain_use},
    rules,
    rules::Health,
};
use crate::{
    channel::{Channel, Form},
    limits::Limits,
};
use base::{Result, Time, Zone};
use db::Cx;
use jiff::{ToSpan, civil::Date};
use uuid::Uuid;

async fn used(cx: &mut Cx, key: &str, day: Date) -> Result<i32> {
    let tenant = cx.tenant()?.uuid();
    let used = sqlx::query_scalar!(
        "select used from outreach.capacity where tenant_id = $1 and key = $2 and day = $3::text::date",
        tenant,
        key,
        day.to_string(),
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(used.unwrap_or(0))
}

/// Room of a sender today; of a mailbox: of its domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Room {
    /// Messages that may leave today outside of replies.
    pub allowed: i32,
    /// Messages that did, or hold a place.
    pub used: i32,
    /// Which day of the domain's use it is.
    pub day_in_use: u32,
}

impl Room {
    /// What is left.
    pub fn left(&self) -> i32 {
        (self.allowed - self.used).max(0)
    }
}

/// What is left of today for a sender: of its domain if it is a mailbox, zero while it is not in use.
/// Reads only.
pub async fn room(cx: &mut Cx, limits: &Limits, resource: &super::Resource, zone: &Zone) -> Result<Room> {
    let now = cx.now();
    let today = now.in_zone(zone).date();
    let since = in_use_since(cx, resource).await?;
    let domain_use = use_of(cx, resource).await?;
    let of = of_resource(resource, since.as_deref(), &domain_use);
    let may = allowance(limits, &of, Form::read(resource.channel, ""), today)?;
    let mut room = Room { allowed: 0, used: 0, day_in_use: day_in_use(since.as_deref(), today) };
    if let Some(limit) = may.limits.first() {
        room.allowed = limit.allowed;
        room.used = used(cx, &limit.key, limit.day).await?;
    }
    if resource.status != Status::Active || resource.paused_until.is_some_and(|until| until > now) {
        room.allowed = 0;
    }
    Ok(room)
}

/// What a sender may carry today and on the days after, if its health stays as it is. Reads only.
pub async fn ahead(
    cx: &mut Cx,
    limits: &Limits,
    resource: &super::Resource,
    zone: &Zone,
    days: i64,
) -> Result<Vec<i32>> {
    let today = cx.now().in_zone(zone).date();
    let since = in_use_since(cx, resource).await?.unwrap_or_else(|| today.to_string());
    let domain_use = use_of(cx, resource).await?;
    let of = of_resource(resource, Some(&since), &domain_use);
    let mut all = Vec::new();
    for ahead in 0..days {
        let day = today.checked_add(ahead.days()).unwrap_or(today);
        let may = allowance(limits, &of, Form::read(resource.channel, ""), day)?;
        let in_use = resource.status == Status::Active;
        all.push(may.limits.first().filter(|_| in_use).map_or(0, |limit| limit.allowed));
    }
    Ok(all)
}

async fn use_of(cx: &mut Cx, resource: &super::Resource) -> Result<DomainUse> {
    match &resource.domain {
        Some(domain) => domain_use(cx, domain).await,
        None => Ok(UNUSED),
    }
}

fn of_resource<'a>(
    resource: &'a super::Resource,
    since: Option<&'a str>,
    domain_use: &'a DomainUse,
) -> Of<'a> {
    Of {
        id: resource.id.uuid(),
        channel: resource.channel,
        address: &resource.address,
        domain: resource.domain.as_deref(),
        in_use_since: since,
        health: resource.health,
        domain_use,
    }
}

/// The first day of use: of the domain if it has one.
async fn in_use_since(cx: &mut Cx, resource: &super::Resource) -> Result<Option<String>> {
    let Some(domain) = &resource.domain else {
        return Ok(resource.domain_in_use_since.clone());
    };
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select min(domain_in_use_since)::text from outreach.resource where tenant_id = $1 and domain = $2 and deleted_at is null",
        tenant,
        domain,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// What may leave today from all mailboxes of the client: the allowance of each domain, once, that has a mailbox in
/// use; none without any mailbox. Reads only, the domains with one statement.
pub async fn capacity_today(cx: &mut Cx) -> Result<Option<i64>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let zone = client_zone(cx).await?;
    let limits = Limits::load(cx, "AU", None).await?.email()?;
    let today = now.in_zone(&zone).date();
    let domains = sqlx::query!(
        r#"select min(domain_in_use_since) filter (where status <> 'retired')::text as since,
                  max(health) filter (where status <> 'retired') as "health: Health",
                  bool_or(status = 'active' and channel = 'email' and (paused_until is null or paused_until <= $2)) as "in_use!"
           from outreach.resource where tenant_id = $1 and deleted_at is null and channel = 'email' group by coalesce(domain, address)"#,
        tenant,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    if domains.is_empty() {
        return Ok(None);
    }
    let allowed = domains.iter().filter(|domain| domain.in_use).map(|domain| {
        let day = day_in_use(domain.since.as_deref(), today);
        let daily = rules::daily_limit(&limits, day, domain.health.unwrap_or(Health::Good));
        i64::from(rules::outreach_share(&limits, daily))
    });
    Ok(Some(allowed.sum()))
}

/// Messages of a channel that a campaign may still send today: its own limit and the channel's share of it,
/// and the rooms of its senders that are in use, each domain once. Reads only.
pub async fn remaining_today(
    cx: &mut Cx,
    campaign: Uuid,
    campaign_daily: i32,
    channel: Channel,
    channel_daily: i32,
) -> Result<i64> {
    let zone = client_zone(cx).await?;
    let limits = Limits::load(cx, "AU", None).await?;
    let now = cx.now();
    let today = now.in_zone(&zone).date();
    let assigned = super::assigned(cx, campaign).await?;
    let usable = |r: &super::Resource| {
        r.channel == channel
            && r.status == Status::Active
            && r.paused_until.is_none_or(|until| until <= now)
            && assigned.contains(&r.id.uuid())
    };
    let mut keys = std::collections::BTreeSet::new();
    let mut room = 0;
    for resource in super::list(cx).await?.into_iter().filter(usable) {
        let since = in_use_since(cx, &resource).await?;
        let domain_use = use_of(cx, &resource).await?;
        let of = of_resource(&resource, since.as_deref(), &domain_use);
        // Of the forms of a channel the roomiest: the gate asks for the one that is meant.
        let mut best = 0;
        for form in Form::of_channel(channel) {
            let may = allowance(&limits, &of, *form, today)?;
            let mut least = i32::MAX;
            for limit in &may.limits {
                least = least.min((limit.allowed - used(cx, &limit.key, limit.day).await?).max(0));
            }
            let fresh = may.limits.first().is_some_and(|limit| keys.insert(limit.key.clone()));
            best += if fresh { least } else { 0 };
        }
        room += best;
    }
    let left = |limit: i32, used: i32| (limit - used).max(0);
    let own = left(campaign_daily, used(cx, &format!("campaign:{campaign}"), today).await?);
    let share = if channel_daily < campaign_daily {
        left(channel_daily, used(cx, &format!("campaign:{campaign}:{}", channel.word()), today).await?)
    } else {
        own
    };
    Ok(i64::from(room.min(own).min(share)))
}

/// The client's zone, in which its days begin and end.
pub(crate) async fn client_zone(cx: &mut Cx) -> Result<Zone> {
    let tenant = cx.tenant()?.uuid();
    let zone = sqlx::query_scalar!("select zone from accounts.tenant where id = $1", tenant)
        .fetch_optional(cx.conn())
        .await?;
    Zone::named(zone.as_deref().unwrap_or("Australia/Sydney"))
}
