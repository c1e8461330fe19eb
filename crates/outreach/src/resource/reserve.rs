//! Reserving: the pace of a mailbox and the daily limits of its domain and campaign, taken in the
//! transaction that records the hand-off. Each limit is one conditional statement on one row, so that
//! no number of workers passes it.

use super::{
    Status,
    allow::{Limit, Of, allowance},
    rules,
    rules::Health,
};
use crate::{
    channel::{Channel, Form},
    limits::Limits,
    touch::Held,
    window::LocalWindow,
};
use base::{Error, Result, Time, Zone};
use db::Cx;
use jiff::{ToSpan, civil::Date};
use uuid::Uuid;

/// The code of a touch that holds a slot of a mailbox.
pub const PACED: &str = "paced";

/// What a touch asks for.
pub struct Reserve<'a> {
    /// The mailbox.
    pub resource: Uuid,
    /// For which campaign.
    pub campaign: Uuid,
    /// Messages that the campaign may send in a day.
    pub campaign_daily: i32,
    /// The slot that the touch was given before.
    pub slot_at: Option<Time>,
    /// When the lead may be written to.
    pub window: &'a LocalWindow,
    /// Which kind of message of the sender's channel.
    pub form: Form,
    /// Of the campaign's messages of a day, those that this channel may have.
    pub channel_daily: i32,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reserved {
    /// Send now; this is held and goes back if nothing leaves.
    Yes(Vec<Held>),
    /// The mailbox keeps this moment for the touch.
    Slot(Time),
    /// Not now: a stable code, why, and when there may be room.
    No(&'static str, String, Option<Time>),
}

struct Locked {
    channel: Channel,
    in_use_since: Option<String>,
    status: Status,
    status_reason: Option<String>,
    health: Health,
    paused_until: Option<Time>,
    domain: Option<String>,
    address: String,
    last_used_at: Option<Time>,
    next_free_at: Option<Time>,
    zone: String,
}

async fn lock(cx: &mut Cx, id: Uuid) -> Result<Locked> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Locked,
        r#"select r.channel as "channel: Channel", r.domain_in_use_since::text as in_use_since, r.status as "status: Status", r.status_reason, r.health as "health: Health", r.paused_until, r.domain, r.address,
                  r.last_used_at, r.next_free_at,
                  coalesce((select n.zone from accounts.tenant n where n.id = $1), 'Australia/Sydney') as "zone!"
           from outreach.resource r
           where r.tenant_id = $1 and r.id = $2 and r.deleted_at is null for update of r"#,
        tenant,
        id,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("sending identity"))
}

/// How long a refusal that a person must lift waits before it is looked at again.
const LOOK_AGAIN_S: i64 = 3_600;

/// Reserves the mailbox, its domain's and the campaign's capacity of today. On [`Reserved::No`] the
/// caller rolls back; the other two answers are kept.
pub async fn reserve(cx: &mut Cx, limits: &Limits, ask: &Reserve<'_>) -> Result<Reserved> {
    let now = cx.now();
    let row = lock(cx, ask.resource).await?;
    if let Some(no) = unusable(&row, ask, now) {
        return Ok(no);
    }
    let zone = Zone::named(&row.zone)?;
    let today = now.in_zone(&zone).date();
    let of = Of {
        id: ask.resource,
        channel: row.channel,
        address: &row.address,
        domain: row.domain.as_deref(),
        in_use_since: row.in_use_since.as_deref(),
        health: row.health,
    };
    let may = allowance(cx, limits, &of, ask.form, today).await?;
    let (low, high) = may.pacing_s;
    if let Some(busy) = at_once(cx, ask, may.at_once, now).await? {
        return Ok(busy);
    }
    let take = match pace(&row, ask.slot_at, now, (low, high)) {
        Pace::Now => true,
        Pace::Keep(slot) => return Ok(Reserved::Slot(slot)),
        Pace::Next(slot) if !ask.window.is_open(slot) => {
            let detail = format!("The sender {} is free only after the hours of this lead.", row.address);
            return Ok(Reserved::No("busy", detail, ask.window.next_open(slot)));
        }
        Pace::Next(_) => false,
    };
    let full = |what: &str, limit: i32, day: Date| {
        let week = if day == today { "today" } else { "this week" };
        let detail = format!("{what} sent its {limit} messages of {week}.");
        let after = if day == today { today } else { day.checked_add(6.days()).unwrap_or(today) };
        Reserved::No("used_up", detail, opening_after(after, &zone, ask.window))
    };
    let slot = row.next_free_at.unwrap_or(now).max(now);
    let jitter = cx.random().between(low, high);
    if !take {
        for limit in &may.limits {
            if used(cx, &limit.key, limit.day).await? >= limit.allowed {
                return Ok(full(&limit.what, limit.allowed, limit.day));
            }
        }
        move_on(cx, ask.resource, slot.plus_s(jitter), None, today).await?;
        return Ok(Reserved::Slot(slot));
    }
    let mut held = Vec::new();
    for Limit { key, day, allowed, what } in
        may.limits.into_iter().chain(campaign_limits(ask, row.channel, today))
    {
        if !take_one(cx, &key, day, allowed).await? {
            return Ok(full(&what, allowed, day));
        }
        held.push(Held { key, day: day.to_string() });
    }
    // Slots that were given to others stay theirs.
    let free_at = row.next_free_at.unwrap_or(now).max(now.plus_s(jitter));
    move_on(cx, ask.resource, free_at, Some(now), today).await?;
    Ok(Reserved::Yes(held))
}

/// The campaign's day, and of it the channel's share where it has not all.
fn campaign_limits(ask: &Reserve<'_>, channel: Channel, today: Date) -> Vec<Limit> {
    let own =
        |key: String, allowed: i32, what: &str| Limit { key, day: today, allowed, what: what.to_owned() };
    let mut all = vec![own(format!("campaign:{}", ask.campaign), ask.campaign_daily, "The campaign")];
    if ask.channel_daily < ask.campaign_daily {
        let key = format!("campaign:{}:{}", ask.campaign, channel.word());
        all.push(own(key, ask.channel_daily, "The campaign over this channel"));
    }
    all
}

/// Calls that run over this number count against what it may do at once. Its row is locked, so that no two
/// count at the same time.
async fn at_once(cx: &mut Cx, ask: &Reserve<'_>, most: Option<i64>, now: Time) -> Result<Option<Reserved>> {
    let Some(most) = most else { return Ok(None) };
    let tenant = cx.tenant()?.uuid();
    let running = sqlx::query_scalar!(
        r#"select count(*) as "count!" from outreach.touch
           where tenant_id = $1 and channel = 'voice' and ended_at is null and intent_at > $2 and state in ('sending', 'sent', 'unknown')"#,
        tenant,
        now.plus_s(-CALL_FORGOTTEN_S) as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok((running >= most).then(|| {
        let detail = format!("{running} calls run at this moment; at most {most} may.");
        Reserved::No("at_once", detail, ask.window.next_open(now.plus_s(CALL_LOOK_AGAIN_S)))
    }))
}

/// A call of which nothing was heard for so long does not run any more.
const CALL_FORGOTTEN_S: i64 = 900;
/// How soon a call that found no free line is tried again.
const CALL_LOOK_AGAIN_S: i64 = 120;

fn unusable(row: &Locked, ask: &Reserve<'_>, now: Time) -> Option<Reserved> {
    let again = ask.window.next_open(now.plus_s(LOOK_AGAIN_S));
    let why = |word: &str| match &row.status_reason {
        Some(reason) => format!("The sender {} is {word}: {reason}", row.address),
        None => format!("The sender {} is {word}.", row.address),
    };
    match row.status {
        Status::Active => {}
        Status::Paused => return Some(Reserved::No("paused", why("paused"), again)),
        Status::Failed => return Some(Reserved::No("paused", why("out of order"), again)),
        Status::Retired => return Some(Reserved::No("unhealthy", why("retired"), None)),
    }
    if let Some(until) = row.paused_until.filter(|until| *until > now) {
        return Some(Reserved::No("paused", why("paused"), ask.window.next_open(until)));
    }
    (row.health == Health::Critical).then(|| {
        let detail = format!(
            "Too many messages of {} bounced or drew complaints; nothing is sent from it.",
            row.address
        );
        Reserved::No("unhealthy", detail, again)
    })
}

/// When a mailbox takes a touch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pace {
    Now,
    /// The slot that it has already.
    Keep(Time),
    /// The next free moment.
    Next(Time),
}

fn pace(row: &Locked, slot_at: Option<Time>, now: Time, (low, high): (i64, i64)) -> Pace {
    let rested = row.last_used_at.is_none_or(|last| last.plus_s(low) <= now);
    let free_at = row.next_free_at.unwrap_or(now);
    match slot_at {
        Some(slot) if slot > now => Pace::Keep(slot),
        // A slot lapses when it was not used: else everything that waited through a stop leaves at once.
        Some(slot) if rested && slot.plus_s(high) >= now => Pace::Now,
        Some(_) | None if rested && free_at <= now => Pace::Now,
        Some(_) | None => Pace::Next(free_at.max(now)),
    }
}

/// The first opening of the lead's window on a later day of the client.
fn opening_after(today: Date, zone: &Zone, window: &LocalWindow) -> Option<Time> {
    let tomorrow = today.checked_add(1.day()).ok()?;
    let midnight = tomorrow.to_zoned(zone.tz()).ok()?;
    window.next_open(Time::new(midnight.timestamp()))
}

/// Messages that a domain may send today in all: its ramp, its worst health.
pub(super) async fn domain_daily(cx: &mut Cx, limits: &Limits, domain: &str, today: Date) -> Result<i32> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select min(domain_in_use_since)::text as since, max(health) as "health: Health"
           from outreach.resource where tenant_id = $1 and domain = $2 and deleted_at is null and status <> 'retired'"#,
        tenant,
        domain,
    )
    .fetch_one(cx.conn())
    .await?;
    let daily = rules::daily_limit(
        &limits.email()?,
        day_in_use(row.since.as_deref(), today),
        row.health.unwrap_or(Health::Good),
    );
    Ok(i32::try_from(daily).unwrap_or(i32::MAX))
}

/// Which day of a domain's use it is; 1 is the first.
pub(super) fn day_in_use(since: Option<&str>, today: Date) -> u32 {
    let since: Option<Date> = since.and_then(|text| text.parse().ok());
    let days = since.and_then(|since| since.until(today).ok()).map_or(0, |span| span.get_days());
    u32::try_from(days).unwrap_or(0) + 1
}

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

/// Takes one unit of a day's capacity; false when it is used up.
pub(super) async fn take_one(cx: &mut Cx, key: &str, day: Date, limit: i32) -> Result<bool> {
    if limit <= 0 {
        return Ok(false);
    }
    let tenant = cx.tenant()?.uuid();
    let taken = sqlx::query_scalar!(
        "insert into outreach.capacity as c (tenant_id, key, day, used) values ($1, $2, $3::text::date, 1)
         on conflict (tenant_id, key, day) do update set used = c.used + 1 where c.used < $4
         returning used",
        tenant,
        key,
        day.to_string(),
        limit,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(taken.is_some())
}

/// Stores when the mailbox is free next and, for a send, that it was used; the domain's first send
/// begins its ramp.
async fn move_on(cx: &mut Cx, id: Uuid, free_at: Time, used_at: Option<Time>, today: Date) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.resource r set next_free_at = $3, last_used_at = coalesce($4, r.last_used_at), updated_at = $6,
                domain_in_use_since = case when $4::timestamptz is null then r.domain_in_use_since
                  else coalesce(r.domain_in_use_since,
                    (select min(o.domain_in_use_since) from outreach.resource o where o.tenant_id = $1 and o.domain = r.domain),
                    $5::text::date) end
         where r.tenant_id = $1 and r.id = $2",
        tenant,
        id,
        free_at as Time,
        used_at as Option<Time>,
        today.to_string(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Takes room for an answer to somebody who wrote to us: it may use the whole day of the domain, the
/// part kept for replies included, and does not wait for the pace. No: a stable code, why, and when
/// there may be room; the caller then rolls back.
pub async fn reserve_reply(cx: &mut Cx, limits: &Limits, resource: Uuid) -> Result<Reserved> {
    let now = cx.now();
    let row = lock(cx, resource).await?;
    let why = |word: &str| {
        format!("The sender {} is {word}. {}", row.address, row.status_reason.as_deref().unwrap_or(""))
    };
    let later = Some(now.plus_s(LOOK_AGAIN_S));
    match row.status {
        Status::Active => {}
        Status::Paused => return Ok(Reserved::No("paused", why("paused"), later)),
        Status::Failed => return Ok(Reserved::No("paused", why("out of order"), later)),
        Status::Retired => return Ok(Reserved::No("unhealthy", why("retired"), None)),
    }
    if let Some(until) = row.paused_until.filter(|until| *until > now) {
        return Ok(Reserved::No("paused", why("paused"), Some(until)));
    }
    let zone = Zone::named(&row.zone)?;
    let today = now.in_zone(&zone).date();
    let (key, allowed) = reply_limit(cx, limits, &row, resource, today).await?;
    if !take_one(cx, &key, today, allowed).await? {
        let tomorrow = today.checked_add(1.day()).ok().and_then(|day| day.to_zoned(zone.tz()).ok());
        let retry_at = tomorrow.map(|midnight| Time::new(midnight.timestamp()));
        return Ok(Reserved::No(
            "used_up",
            format!("The sender {} sent its {allowed} messages of today.", row.address),
            retry_at,
        ));
    }
    let free_at = row.next_free_at.unwrap_or(now).max(now);
    move_on(cx, resource, free_at, Some(now), today).await?;
    Ok(Reserved::Yes(vec![Held { key, day: today.to_string() }]))
}

/// The whole day of a sender, the part that is kept for replies included.
async fn reply_limit(
    cx: &mut Cx,
    limits: &Limits,
    row: &Locked,
    id: Uuid,
    today: Date,
) -> Result<(String, i32)> {
    let whole = |of: rules::OtherLimits| {
        let day = day_in_use(row.in_use_since.as_deref(), today);
        let of = rules::OtherLimits { reply_reserve_percent: 0, ..of };
        i32::try_from(rules::other_daily(&of, day, Health::Good)).unwrap_or(i32::MAX)
    };
    Ok(match row.channel {
        Channel::Email => {
            let domain = row.domain.clone().unwrap_or_else(|| row.address.clone());
            let allowed = domain_daily(cx, limits, &domain, today).await?;
            (format!("domain:{domain}"), allowed)
        }
        Channel::Sms => (format!("sms:{id}"), whole(limits.sms()?)),
        Channel::Voice => (format!("voice:{id}"), whole(limits.voice()?)),
        Channel::Linkedin => (format!("seat-messages:{id}"), whole(limits.linkedin_messages()?)),
        Channel::Mail => (format!("post:{id}"), whole(limits.mail()?)),
    })
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
    let of = of_resource(resource, since.as_deref());
    let may = allowance(cx, limits, &of, Form::read(resource.channel, ""), today).await?;
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
    let mut all = Vec::new();
    for ahead in 0..days {
        let day = today.checked_add(ahead.days()).unwrap_or(today);
        let of = of_resource(resource, Some(&since));
        let may = allowance(cx, limits, &of, Form::read(resource.channel, ""), day).await?;
        let in_use = resource.status == Status::Active;
        all.push(may.limits.first().filter(|_| in_use).map_or(0, |limit| limit.allowed));
    }
    Ok(all)
}

fn of_resource<'a>(resource: &'a super::Resource, since: Option<&'a str>) -> Of<'a> {
    Of {
        id: resource.id.uuid(),
        channel: resource.channel,
        address: &resource.address,
        domain: resource.domain.as_deref(),
        in_use_since: since,
        health: resource.health,
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
        let of = of_resource(&resource, since.as_deref());
        // Of the forms of a channel the roomiest: the gate asks for the one that is meant.
        let mut best = 0;
        for form in Form::of_channel(channel) {
            let may = allowance(cx, &limits, &of, *form, today).await?;
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
