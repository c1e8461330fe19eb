//! Background work on leads: acts on many, and folding the tally.

use super::{Act, Asked, bulk, find, tally};
use base::{Result, Time, Zone};
use jobs::schedule::{Misfire, Schedule};
use jobs::{Job, Registry, Run};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An act on everything that matched when it was asked for.
#[derive(Serialize, Deserialize)]
pub(super) struct BulkJob {
    /// The filter, as the list's query.
    pub query: String,
    /// What is done.
    pub act: Act,
    /// Leads that came later are left alone.
    pub asked_at: Time,
    /// Where to begin: behind this lead.
    pub after: Option<Uuid>,
}

/// Leads of one transaction.
const BATCH: i64 = 1_000;

impl Job for BulkJob {
    const KIND: &'static str = "leads.bulk";
    const TIMEOUT_S: u64 = 3_600;
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let filter = Asked::from_query(&self.query).filter()?;
        let (mut after, mut done) = (self.after, 0_i64);
        loop {
            let mut cx = run.begin().await?;
            run.hold(&mut cx).await?;
            let ids = find::ids(&mut cx, &filter, after, self.asked_at, BATCH).await?;
            let Some(last) = ids.last() else {
                cx.commit().await?;
                return Ok(());
            };
            after = Some(last.uuid());
            bulk::apply(&mut cx, &ids, &self.act).await?;
            cx.commit().await?;
            done += i64::try_from(ids.len()).unwrap_or(0);
            run.progress(done, done).await?;
            if run.cancel().is_cancelled() {
                return Err(base::Error::unavailable(
                    "job.stopped",
                    "The work was stopped; what is done stays done.",
                ));
            }
        }
    }
}

/// Folds the differences of the tally.
#[derive(Serialize, Deserialize)]
struct FoldTally {}

impl Job for FoldTally {
    const KIND: &'static str = "leads.tally";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        tally::fold(&mut cx).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry) {
    registry.register::<BulkJob>(());
    registry.register::<FoldTally>(());
    match Schedule::new("leads.tally", "17 * * * *", Zone::utc(), Misfire::Skip, &FoldTally {}) {
        Ok(schedule) => drop(registry.schedule(schedule)),
        Err(error) => tracing::error!(%error, "the tally will not be folded"),
    }
}
