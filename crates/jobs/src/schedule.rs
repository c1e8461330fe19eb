//! Schedules: jobs that come at times of a zone's wall clock, once across any number of nodes.

use crate::enqueue::{self, Row};
use crate::job::{Job, JobId, Priority, queue_of};
use base::{Error, Result, Time, Zone};
use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use db::Cx;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use uuid::Uuid;

/// What happens to firings that were missed because nothing ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misfire {
    /// They are dropped.
    Skip,
    /// One is made up for.
    Once,
    /// Each is made up for, at most a hundred.
    All,
}

impl Misfire {
    const fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

impl std::str::FromStr for Misfire {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "skip" => Ok(Self::Skip),
            "once" => Ok(Self::Once),
            "all" => Ok(Self::All),
            _ => Err(Error::invalid("schedule.misfire", format!("“{text}” is not a misfire policy."))),
        }
    }
}

/// A firing later than this counts as missed.
const MISSED_AFTER_S: i64 = 120;
/// Firings made up for at most, under [`Misfire::All`].
const MAKE_UP_MAX: usize = 100;

/// A job at times of the wall clock.
#[derive(Clone, Debug)]
pub struct Schedule {
    name: String,
    cron: String,
    zone: Zone,
    misfire: Misfire,
    kind: &'static str,
    queue: &'static str,
    priority: Priority,
    payload: String,
}

impl Schedule {
    /// A schedule by five cron fields on the wall clock of a zone. Errors when they cannot be read.
    pub fn new<J: Job>(name: &str, cron: &str, zone: Zone, misfire: Misfire, job: &J) -> Result<Self> {
        parse(cron)?;
        Ok(Self {
            name: name.to_owned(),
            cron: cron.to_owned(),
            zone,
            misfire,
            kind: J::KIND,
            queue: queue_of::<J>(),
            priority: Priority::Normal,
            payload: serde_json::to_string(job)?,
        })
    }

    /// With another priority class for its jobs.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }
}

fn parse(cron: &str) -> Result<Crontab> {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    cronexpr::parse_crontab_with(cron, options).map_err(|cause| {
        Error::invalid(
            "schedule.cron",
            format!("“{cron}” is not a schedule. It has five fields: minute, hour, day of month, month, day of week."),
        )
        .caused_by(cause.to_string())
    })
}

/// The first instant after `after` at which the wall clock of the zone shows a time of the cron
/// expression. A time that the clock skips (spring) comes at the end of the gap; one that it shows
/// twice (autumn) comes the first time only.
pub fn next_after(cron: &str, zone: &Zone, after: Time) -> Result<Time> {
    let crontab = parse(cron)?;
    let tz = zone.tz();
    // The expression is walked on the wall clock itself, as if it were UTC.
    let mut wall: DateTime = after.in_zone(zone).datetime();
    let never = || Error::invalid("schedule.cron", format!("“{cron}” never comes."));
    for _ in 0..1_000 {
        let here = wall.to_zoned(TimeZone::UTC).map_err(|e| never().caused_by(e))?;
        let next = crontab
            .find_next(here.timestamp().to_string().as_str())
            .map_err(|e| never().caused_by(e.to_string()))?;
        wall = next.datetime();
        let at = Time::new(on_clock(&tz, wall).map_err(|e| never().caused_by(e))?);
        if at > after {
            return Ok(at);
        }
    }
    Err(never())
}

fn on_clock(tz: &TimeZone, wall: DateTime) -> Result<Timestamp, jiff::Error> {
    let ambiguous = tz.to_ambiguous_timestamp(wall);
    match ambiguous.offset() {
        // The end of the gap is the instant at which the clock jumped.
        jiff::tz::AmbiguousOffset::Gap { before, .. } => {
            let inside = before.to_timestamp(wall)?;
            Ok(tz
                .preceding(inside.checked_add(jiff::SignedDuration::from_secs(1))?)
                .next()
                .map_or(inside, |t| t.timestamp()))
        }
        jiff::tz::AmbiguousOffset::Unambiguous { .. } | jiff::tz::AmbiguousOffset::Fold { .. } => {
            ambiguous.earlier()
        }
    }
}

/// Makes the built-in schedules of the database the same as the program's.
pub(crate) async fn sync(cx: &mut Cx, schedules: &[Schedule]) -> Result<()> {
    let names: Vec<String> = schedules.iter().map(|s| s.name.clone()).collect();
    sqlx::query!(
        "delete from jobs.schedule where built_in and tenant_id is null and name <> all($1)",
        &names
    )
    .execute(cx.conn())
    .await?;
    for schedule in schedules {
        write(cx, None, schedule, true).await?;
    }
    Ok(())
}

/// Adds or changes a schedule of the tenant of `cx`.
pub async fn put(cx: &mut Cx, schedule: &Schedule) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    write(cx, Some(tenant), schedule, false).await?;
    cx.note(
        "schedule.put",
        "jobs.schedule",
        Some(schedule.name.clone()),
        serde_json::json!({"cron": schedule.cron, "zone": schedule.zone}),
    )
    .await
}

/// Removes a schedule of the tenant of `cx`.
pub async fn remove(cx: &mut Cx, name: &str) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!("delete from jobs.schedule where tenant_id = $1 and name = $2", tenant, name)
        .execute(cx.conn())
        .await?;
    cx.note("schedule.remove", "jobs.schedule", Some(name.to_owned()), serde_json::json!({})).await
}

async fn write(cx: &mut Cx, tenant: Option<Uuid>, s: &Schedule, built_in: bool) -> Result<()> {
    let next = next_after(&s.cron, &s.zone, cx.now())?;
    sqlx::query!(
        "insert into jobs.schedule (name, tenant_id, cron, zone, misfire, queue, kind, payload, boost_s, built_in, next_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9, $10, $11)
         on conflict (tenant_id, name) do update
         set cron = excluded.cron, zone = excluded.zone, misfire = excluded.misfire, queue = excluded.queue, kind = excluded.kind,
             payload = excluded.payload, boost_s = excluded.boost_s, built_in = excluded.built_in,
             next_at = case when (schedule.cron, schedule.zone) = (excluded.cron, excluded.zone) then schedule.next_at
                            else excluded.next_at end",
        s.name,
        tenant,
        s.cron,
        s.zone.name(),
        s.misfire.word(),
        s.queue,
        s.kind,
        s.payload,
        s.priority.boost_s(),
        built_in,
        next as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Fires what is due, in the transaction of `cx`; returns how many jobs were enqueued. Schedules that
/// another node is firing are left to it.
pub(crate) async fn fire(cx: &mut Cx) -> Result<usize> {
    let now = cx.now();
    let due = sqlx::query!(
        r#"select name, tenant_id, cron, zone, misfire, queue, kind, payload::text as "payload!", boost_s, next_at
           from jobs.schedule where not paused and next_at <= $1 order by next_at, name limit 100
           for update skip locked"#,
        now as Time
    )
    .fetch_all(cx.conn())
    .await?;
    let mut fired = 0;
    for s in due {
        let zone = Zone::named(&s.zone)?;
        let mut times = Vec::new();
        let mut next = s.next_at;
        while next <= now {
            times.push(next);
            next = next_after(&s.cron, &zone, next)?;
            if times.len() > MAKE_UP_MAX {
                next = next_after(&s.cron, &zone, now)?;
            }
        }
        let missed = |at: &Time| now.since_s(*at) > MISSED_AFTER_S;
        let times = match s.misfire.parse()? {
            Misfire::Skip => times.into_iter().filter(|at| !missed(at)).collect(),
            Misfire::Once => times.into_iter().next_back().into_iter().collect(),
            Misfire::All => times,
        };
        for at in &times {
            let row = Row {
                id: cx.id(),
                tenant: s.tenant_id,
                parent: None,
                run_at: *at,
                now,
                deadline: None,
                cause: None,
                boost_s: s.boost_s,
                queue: s.queue.clone(),
                kind: s.kind.clone(),
                unique_key: Some(format!("schedule:{}:{at}", s.name)),
                actor: None,
                payload: s.payload.clone(),
            };
            enqueue::insert_one(cx, row).await?;
            fired += 1;
        }
        sqlx::query!(
            "update jobs.schedule set next_at = $3, last_at = coalesce($4, last_at) where tenant_id is not distinct from $1 and name = $2",
            s.tenant_id,
            s.name,
            next as Time,
            times.last().copied() as Option<Time>,
        )
        .execute(cx.conn())
        .await?;
    }
    Ok(fired)
}

/// Enqueues a schedule's job at once, beside its times.
pub(crate) async fn run_now(cx: &mut Cx, tenant: Option<Uuid>, name: &str) -> Result<JobId> {
    let s = sqlx::query!(
        r#"select queue, kind, payload::text as "payload!", boost_s from jobs.schedule
           where tenant_id is not distinct from $1 and name = $2"#,
        tenant,
        name
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("schedule"))?;
    let row = Row {
        id: cx.id(),
        tenant,
        parent: None,
        run_at: cx.now(),
        now: cx.now(),
        deadline: None,
        cause: None,
        boost_s: s.boost_s,
        queue: s.queue,
        kind: s.kind,
        unique_key: None,
        actor: None,
        payload: s.payload,
    };
    enqueue::insert_one(cx, row).await
}
