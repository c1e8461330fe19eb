//! Reserving: the pace of senders and the daily limits of their domains and campaigns, taken in the
//! transaction that records the hand-offs.
//!
//! A [`Book`] is opened for the touches of one transaction: it locks their senders, then the counters of
//! everything that bounds them, both in one order for everybody, so that books wait for each other and never
//! for good. Then it answers the touches one after the other from memory, each after what was taken before
//! it, and is written back by two statements. What it counts nobody else can change until the transaction
//! ends, so that no number of workers passes a limit.

use super::{
    Status,
    allow::{DomainUse, Limit, Of, UNUSED, allowance, domain_uses},
    room::client_zone,
    rules::Health,
};
use crate::{
    channel::{Channel, Form},
    limits::Limits,
    touch::Held,
    window::LocalWindow,
};
use base::{Error, Random, Result, Time, Zone};
use db::Cx;
use jiff::{ToSpan, civil::Date};
use std::collections::{BTreeMap, BTreeSet, HashMap};
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

/// A sender whose row is locked.
pub(super) struct Locked {
    pub channel: Channel,
    pub in_use_since: Option<String>,
    pub status: Status,
    pub status_reason: Option<String>,
    pub health: Health,
    pub paused_until: Option<Time>,
    pub domain: Option<String>,
    pub address: String,
    pub last_used_at: Option<Time>,
    pub next_free_at: Option<Time>,
}

/// Locks senders in the order of their ids.
pub(super) async fn lock(cx: &mut Cx, ids: &[Uuid]) -> Result<HashMap<Uuid, Locked>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select r.id, r.channel as "channel: Channel", r.domain_in_use_since::text as in_use_since, r.status as "status: Status",
                  r.status_reason, r.health as "health: Health", r.paused_until, r.domain, r.address, r.last_used_at, r.next_free_at
           from outreach.resource r
           where r.tenant_id = $1 and r.id = any($2) and r.deleted_at is null order by r.id for update of r"#,
        tenant,
        ids,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let locked = Locked {
                channel: row.channel,
                in_use_since: row.in_use_since,
                status: row.status,
                status_reason: row.status_reason,
                health: row.health,
                paused_until: row.paused_until,
                domain: row.domain,
                address: row.address,
                last_used_at: row.last_used_at,
                next_free_at: row.next_free_at,
            };
            (row.id, locked)
        })
        .collect())
}

pub(super) fn missing() -> Error {
    Error::not_found("sending identity")
}

/// How long a refusal that a person must lift waits before it is looked at again.
pub(super) const LOOK_AGAIN_S: i64 = 3_600;

/// Reserves for one touch the mailbox, its domain's and the campaign's capacity of today. On
/// [`Reserved::No`] nothing was taken; the other two answers are kept.
pub async fn reserve(cx: &mut Cx, limits: &Limits, ask: &Reserve<'_>) -> Result<Reserved> {
    let mut book = Book::open(cx, &[(limits, ask)]).await?;
    let answer = book.answer(cx.random(), limits, ask)?;
    book.keep(ask, &answer);
    book.close(cx).await?;
    Ok(answer.reserved)
}

/// What a book answers, to be [kept](Book::keep) or forgotten.
pub(crate) struct Answer {
    pub reserved: Reserved,
    /// When the sender is free after this one; none when it does not move on.
    free_at: Option<Time>,
}

impl Answer {
    fn plain(reserved: Reserved) -> Self {
        Self { reserved, free_at: None }
    }
}

/// A day's capacity: what was used before, and what this book took.
#[derive(Clone, Copy, Default)]
struct Counter {
    used: i32,
    taken: i32,
}

/// What one sender did in this book.
#[derive(Clone, Copy)]
pub(super) struct Move {
    pub resource: Uuid,
    pub free_at: Time,
    /// When it sent; none where it only gave a slot away.
    pub used_at: Option<Time>,
}

/// The senders and counters of one transaction, locked.
pub(crate) struct Book {
    now: Time,
    zone: Zone,
    today: Date,
    senders: HashMap<Uuid, Locked>,
    domains: HashMap<String, DomainUse>,
    counters: BTreeMap<(String, Date), Counter>,
    moves: BTreeMap<Uuid, Move>,
    /// Calls that run at this moment, where something that is asked for is bounded by them.
    calls: i64,
}

impl Book {
    /// Locks what these touches need.
    pub async fn open(cx: &mut Cx, asks: &[(&Limits, &Reserve<'_>)]) -> Result<Self> {
        let ids: BTreeSet<Uuid> = asks.iter().map(|(_, ask)| ask.resource).collect();
        let senders = lock(cx, &ids.into_iter().collect::<Vec<_>>()).await?;
        // Read behind the locks: whoever held them before us began their use before this instant.
        let now = cx.clock().now();
        let zone = client_zone(cx).await?;
        let domains: BTreeSet<String> = senders.values().filter_map(|row| row.domain.clone()).collect();
        let domains = if domains.is_empty() {
            HashMap::new()
        } else {
            domain_uses(cx, &domains.into_iter().collect::<Vec<_>>()).await?
        };
        let today = now.in_zone(&zone).date();
        let mut book = Self {
            now,
            zone,
            today,
            senders,
            domains,
            counters: BTreeMap::new(),
            moves: BTreeMap::new(),
            calls: 0,
        };
        let mut asks_calls = false;
        for (limits, ask) in asks {
            let Some(row) = book.senders.get(&ask.resource) else { continue };
            let may = book.may(limits, ask, row)?;
            asks_calls |= may.at_once.is_some();
            let own = campaign_limits(ask, row.channel, today);
            for limit in may.limits.into_iter().chain(own) {
                book.counters.insert((limit.key, limit.day), Counter::default());
            }
        }
        book.count(cx).await?;
        if asks_calls {
            book.calls = running_calls(cx, now).await?;
        }
        Ok(book)
    }

    /// Locks the counters, each from its first use on, in the order of their keys.
    async fn count(&mut self, cx: &mut Cx) -> Result<()> {
        let tenant = cx.tenant()?.uuid();
        let keys: Vec<String> = self.counters.keys().map(|(key, _)| key.clone()).collect();
        let days: Vec<String> = self.counters.keys().map(|(_, day)| day.to_string()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "insert into outreach.capacity (tenant_id, key, day, used)
             select $1, n.key, n.day::date, 0 from unnest($2::text[], $3::text[]) as n (key, day) order by n.key, n.day
             on conflict (tenant_id, key, day) do nothing",
            tenant,
            &keys,
            &days,
        )
        .execute(cx.conn())
        .await?;
        let rows = sqlx::query!(
            r#"select c.key, c.day::text as "day!", c.used
               from unnest($2::text[], $3::text[]) as n (key, day)
               join outreach.capacity c on c.tenant_id = $1 and c.key = n.key and c.day = n.day::date
               order by c.key, c.day for update of c"#,
            tenant,
            &keys,
            &days,
        )
        .fetch_all(cx.conn())
        .await?;
        for row in rows {
            let day = row.day.parse().map_err(|cause: jiff::Error| {
                Error::internal("A day of the capacity cannot be read.").caused_by(cause)
            })?;
            self.counters.insert((row.key, day), Counter { used: row.used, taken: 0 });
        }
        Ok(())
    }

    fn may(&self, limits: &Limits, ask: &Reserve<'_>, row: &Locked) -> Result<super::allow::Allowance> {
        let of = Of {
            id: ask.resource,
            channel: row.channel,
            address: &row.address,
            domain: row.domain.as_deref(),
            in_use_since: row.in_use_since.as_deref(),
            health: row.health,
            domain_use: row.domain.as_ref().and_then(|name| self.domains.get(name)).unwrap_or(&UNUSED),
        };
        allowance(limits, &of, ask.form, self.today)
    }

    fn used(&self, limit: &Limit) -> i32 {
        let counter = self.counters.get(&(limit.key.clone(), limit.day)).copied().unwrap_or_default();
        counter.used.saturating_add(counter.taken)
    }

    /// What a touch gets after those that were kept before it. Changes nothing.
    pub fn answer(&self, random: &Random, limits: &Limits, ask: &Reserve<'_>) -> Result<Answer> {
        let now = self.now;
        let row = self.senders.get(&ask.resource).ok_or_else(missing)?;
        if let Some(no) = unusable(row, ask, now) {
            return Ok(Answer::plain(no));
        }
        let may = self.may(limits, ask, row)?;
        let (low, high) = may.pacing_s;
        if let Some(most) = may.at_once.filter(|most| self.calls >= *most) {
            let detail = format!("{} calls run at this moment; at most {most} may.", self.calls);
            let again = ask.window.next_open(now.plus_s(CALL_LOOK_AGAIN_S));
            return Ok(Answer::plain(Reserved::No("at_once", detail, again)));
        }
        let take = match pace(row, ask.slot_at, now, (low, high)) {
            Pace::Now => true,
            Pace::Keep(slot) => return Ok(Answer::plain(Reserved::Slot(slot))),
            Pace::Next(slot) if !ask.window.is_open(slot) => {
                let detail = format!("The sender {} is free only after the hours of this lead.", row.address);
                return Ok(Answer::plain(Reserved::No("busy", detail, ask.window.next_open(slot))));
            }
            Pace::Next(_) => false,
        };
        // A slot asks the sender's own limits; a message the campaign's, too.
        let own = if take { campaign_limits(ask, row.channel, self.today) } else { Vec::new() };
        let all: Vec<Limit> = may.limits.into_iter().chain(own).collect();
        if let Some(full) = all.iter().find(|limit| limit.allowed <= 0 || self.used(limit) >= limit.allowed) {
            return Ok(Answer::plain(self.full(full, ask)));
        }
        let jitter = random.between(low, high);
        if !take {
            let slot = row.next_free_at.unwrap_or(now).max(now);
            return Ok(Answer { reserved: Reserved::Slot(slot), free_at: Some(slot.plus_s(jitter)) });
        }
        let held = all.into_iter().map(|limit| Held { key: limit.key, day: limit.day.to_string() });
        // Slots that were given to others stay theirs.
        let free_at = row.next_free_at.unwrap_or(now).max(now.plus_s(jitter));
        Ok(Answer { reserved: Reserved::Yes(held.collect()), free_at: Some(free_at) })
    }

    fn full(&self, limit: &Limit, ask: &Reserve<'_>) -> Reserved {
        let is_day = limit.day == self.today;
        let week = if is_day { "today" } else { "this week" };
        let detail = format!("{} sent its {} messages of {week}.", limit.what, limit.allowed);
        let after = if is_day { self.today } else { limit.day.checked_add(6.days()).unwrap_or(self.today) };
        Reserved::No("used_up", detail, opening_after(after, &self.zone, ask.window))
    }

    /// Takes what was answered.
    pub fn keep(&mut self, ask: &Reserve<'_>, answer: &Answer) {
        let used_at = match &answer.reserved {
            Reserved::No(..) => return,
            Reserved::Slot(_) => None,
            Reserved::Yes(held) => {
                for Held { key, day } in held {
                    let day = day.parse().ok();
                    if let Some(counter) = day.and_then(|day| self.counters.get_mut(&(key.clone(), day))) {
                        counter.taken += 1;
                    }
                }
                Some(self.now)
            }
        };
        let (Some(free_at), Some(row)) = (answer.free_at, self.senders.get_mut(&ask.resource)) else {
            return;
        };
        row.next_free_at = Some(free_at);
        row.last_used_at = used_at.or(row.last_used_at);
        self.calls += i64::from(used_at.is_some() && row.channel == Channel::Voice);
        let before = self.moves.get(&ask.resource).and_then(|before| before.used_at);
        let moved = Move { resource: ask.resource, free_at, used_at: used_at.or(before) };
        self.moves.insert(ask.resource, moved);
    }

    /// Writes what was kept.
    pub async fn close(self, cx: &mut Cx) -> Result<()> {
        let moves: Vec<Move> = self.moves.into_values().collect();
        if !moves.is_empty() {
            move_on(cx, &moves, self.today).await?;
        }
        let tenant = cx.tenant()?.uuid();
        let taken: Vec<_> = self.counters.into_iter().filter(|(_, counter)| counter.taken > 0).collect();
        if taken.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> = taken.iter().map(|((key, _), _)| key.clone()).collect();
        let days: Vec<String> = taken.iter().map(|((_, day), _)| day.to_string()).collect();
        let counts: Vec<i32> = taken.iter().map(|(_, counter)| counter.taken).collect();
        sqlx::query!(
            "update outreach.capacity c set used = c.used + n.taken
             from unnest($2::text[], $3::text[], $4::int[]) as n (key, day, taken)
             where c.tenant_id = $1 and c.key = n.key and c.day = n.day::date",
            tenant,
            &keys,
            &days,
            &counts,
        )
        .execute(cx.conn())
        .await?;
        Ok(())
    }
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

/// Calls that run count against what may run at once. The row of the number is locked, so that no two count
/// at the same time.
async fn running_calls(cx: &mut Cx, now: Time) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from outreach.touch
           where tenant_id = $1 and channel = 'voice' and ended_at is null and intent_at > $2 and state in ('sending', 'sent', 'unknown')"#,
        tenant,
        now.plus_s(-CALL_FORGOTTEN_S) as Time,
    )
    .fetch_one(cx.conn())
    .await?)
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

/// Stores when senders are free next and, for a send, that they were used; a domain's first send begins its
/// ramp.
pub(super) async fn move_on(cx: &mut Cx, moves: &[Move], today: Date) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<Uuid> = moves.iter().map(|one| one.resource).collect();
    let free_at: Vec<Time> = moves.iter().map(|one| one.free_at).collect();
    let used_at: Vec<Option<Time>> = moves.iter().map(|one| one.used_at).collect();
    sqlx::query!(
        "update outreach.resource r set next_free_at = m.free_at, last_used_at = coalesce(m.used_at, r.last_used_at), updated_at = $6,
                domain_in_use_since = case when m.used_at is null then r.domain_in_use_since
                  else coalesce(r.domain_in_use_since,
                    (select min(o.domain_in_use_since) from outreach.resource o where o.tenant_id = $1 and o.domain = r.domain),
                    $5::text::date) end
         from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) as m (id, free_at, used_at)
         where r.tenant_id = $1 and r.id = m.id",
        tenant,
        &ids,
        &free_at as &[Time],
        &used_at as &[Option<Time>],
        today.to_string(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
