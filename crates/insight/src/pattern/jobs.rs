//! The weekly run, the daily check, and runs that somebody asks for.

use super::{health, store};
use crate::learn::{self, Cause, Window};
use crate::prior;
use base::{Error, Result, TenantId, Time, Zone};
use db::Cx;
use jobs::schedule::{Misfire, Schedule};
use jobs::{Job, JobId, Options, Priority, Registry, Run};
use serde::{Deserialize, Serialize};

/// Learns from one client's history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Learn {
    cause: Cause,
    /// As if it were then; none: now.
    as_of: Option<Time>,
}

impl Job for Learn {
    const KIND: &'static str = "insight.learn";
    const TIMEOUT_S: u64 = 900;
    const CONCURRENCY: Option<u32> = Some(1);
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let as_of = self.as_of.unwrap_or(run.db().clock().now());
        let read = learn::read(run.db(), &run.caller(), run.tenant()?, as_of).await?;
        let mut cx = run.begin().await?;
        learn::run(&mut cx, self.cause, as_of, read).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Asks for a run of the present; one that waits already is enough.
pub async fn ask(cx: &mut Cx) -> Result<JobId> {
    let options =
        Options { priority: Priority::High, unique_key: Some("present".to_owned()), ..Options::default() };
    jobs::enqueue_with(cx, &Learn { cause: Cause::Person, as_of: None }, options).await
}

/// Weeks of the past that can be learnt again at once.
pub const BACKFILL_WEEKS_MAX: i64 = 26;

/// Learns the past again, week by week from the oldest, for the history.
///
/// # Errors
/// Invalid, for a number of weeks outside 1 to 26.
pub async fn backfill(cx: &mut Cx, weeks: i64) -> Result<usize> {
    if !(1..=BACKFILL_WEEKS_MAX).contains(&weeks) {
        return Err(Error::invalid(
            "pattern.weeks",
            format!("Between 1 and {BACKFILL_WEEKS_MAX} weeks can be learnt again."),
        ));
    }
    let now = cx.now();
    let runs: Vec<Learn> = (1..=weeks)
        .rev()
        .map(|ago| Learn { cause: Cause::Backfill, as_of: Some(now.plus_days(-7 * ago)) })
        .collect();
    let options = Options { priority: Priority::Low, ..Options::default() };
    let key = |run: &Learn| format!("backfill:{}", run.as_of.map_or(0, |at| at.ms() / 86_400_000));
    jobs::enqueue_each(cx, &runs, key, &options).await?;
    Ok(runs.len())
}

/// Sunday's run: what clients together showed is summed up, then each client's run is enqueued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Weekly {}

impl Job for Weekly {
    const KIND: &'static str = "insight.weekly";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        prior::renew(&mut cx).await?;
        let from = Window { as_of: cx.now() }.from();
        let due: Vec<(TenantId, Learn)> = store::learners(&mut cx, from)
            .await?
            .into_iter()
            .map(|tenant| (TenantId(tenant), Learn { cause: Cause::Schedule, as_of: None }))
            .collect();
        jobs::enqueue_for(&mut cx, &due).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Checks one client's patterns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {}

impl Job for Health {
    const KIND: &'static str = "insight.health";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        health::check(&mut cx).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// The daily check of everyone's patterns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Daily {}

impl Job for Daily {
    const KIND: &'static str = "insight.daily";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        let tenants = store::tenants(&mut cx).await?;
        let due: Vec<(TenantId, Health)> =
            tenants.into_iter().map(|tenant| (TenantId(tenant), Health {})).collect();
        jobs::enqueue_for(&mut cx, &due).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Adds these kinds and their schedules.
pub(crate) fn register(registry: &mut Registry) {
    registry.register::<Learn>(()).register::<Weekly>(()).register::<Health>(()).register::<Daily>(());
    let weekly = Schedule::new("insight.weekly", "0 2 * * 0", Zone::utc(), Misfire::Once, &Weekly {});
    let daily = Schedule::new("insight.daily", "0 6 * * *", Zone::utc(), Misfire::Once, &Daily {});
    registry.schedule(weekly.expect("a fixed cron expression").priority(Priority::Low));
    registry.schedule(daily.expect("a fixed cron expression"));
}
