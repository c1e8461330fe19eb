//! The queue under a virtual clock, in one process: runs what is due, then jumps to the next instant at
//! which something is. One job at a time by rank and id, so that the same seed gives the same run.

use crate::due;
use crate::exec::{self, Brake, Verdict};
use crate::job::{NodeId, Outcome};
use crate::registry::Registry;
use crate::store::{self, Claimed, End};
use base::{Clock, Error, ManualClock, Result, Time};
use db::Db;
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How a run is going.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The virtual instant.
    pub now: Time,
    /// Tries so far.
    pub ran: u64,
    /// Jumps of the clock so far.
    pub jumps: u64,
}

/// Jobs taken at once; they run one after the other.
const BATCH: i64 = 256;

/// Runs everything that is due until the clock would pass `until`, then sets it there. `db` must hold the
/// same clock. Calls `on_progress` before each jump; return false there to stop early.
pub async fn run_until(
    db: &Db,
    registry: &Registry,
    clock: &Arc<ManualClock>,
    until: Time,
    on_progress: impl FnMut(Progress) -> bool,
) -> Result<Progress> {
    if !db.clock().is_virtual() {
        return Err(Error::internal("A simulation needs a database handle with a virtual clock."));
    }
    // What an earlier, interrupted run held goes back first.
    let mut cx = db.system("simulation").await?;
    due::reap(&mut cx, 0).await?;
    cx.commit().await?;
    let mut stops = Stops { db, conn: None };
    let passed = pass(db, registry, clock, until, &mut stops, on_progress).await;
    stops.close().await?;
    passed
}

async fn pass(
    db: &Db,
    registry: &Registry,
    clock: &Arc<ManualClock>,
    until: Time,
    stops: &mut Stops<'_>,
    mut on_progress: impl FnMut(Progress) -> bool,
) -> Result<Progress> {
    let node: NodeId = db.random().id(db.clock().as_ref());
    let mut progress = Progress { now: clock.now(), ran: 0, jumps: 0 };
    let mut months = String::new();
    loop {
        ensure_months(db, &mut months).await?;
        // What this instant brings, and the work of it. Few and short transactions: there are as many
        // instants as messages.
        let next = loop {
            let (jobs, next) = bring_and_claim(db, node).await?;
            if jobs.is_empty() {
                break next;
            }
            progress.ran += run_all(db, registry, node, jobs, stops).await?;
        };
        progress.now = clock.now();
        if !on_progress(progress) {
            return Ok(progress);
        }
        match next {
            Some(next) if next <= until => {
                // Work that became due meanwhile is brought by the next turn without a jump.
                if next > progress.now {
                    clock.advance_to(next);
                    progress.jumps += 1;
                }
            }
            Some(_) | None => {
                clock.advance_to(until);
                progress.now = clock.now();
                return Ok(progress);
            }
        }
    }
}

/// What the present instant brings, and the ready jobs in their order; when there are none, the next
/// instant at which something is due.
async fn bring_and_claim(db: &Db, node: NodeId) -> Result<(Vec<Claimed>, Option<Time>)> {
    let mut cx = db.system("simulation").await?;
    let now = cx.now();
    due::bring_in(&mut cx).await?;
    let jobs = store::claim_in_order(cx.conn(), node, BATCH, now).await?;
    let next = if jobs.is_empty() { due::next(&mut cx).await? } else { None };
    cx.commit().await?;
    Ok((jobs, next))
}

async fn ensure_months(db: &Db, known: &mut String) -> Result<()> {
    let month: String = db.clock().now().to_string().chars().take(7).collect();
    if month != *known {
        let mut cx = db.system("simulation").await?;
        let now = cx.now();
        sqlx::query!("select jobs.ensure_months($1) as made", now as Time).fetch_one(cx.conn()).await?;
        cx.commit().await?;
        *known = month;
    }
    Ok(())
}

/// Runs claimed jobs one after the other; returns how many tries there were.
async fn run_all(
    db: &Db,
    registry: &Registry,
    node: NodeId,
    jobs: Vec<Claimed>,
    stops: &mut Stops<'_>,
) -> Result<u64> {
    let mut ran = 0;
    let mut ends = Vec::with_capacity(jobs.len());
    for (turn, job) in jobs.into_iter().enumerate() {
        // The first was looked at by the claim itself; those behind it may have been stopped since.
        let stop = if turn == 0 { None } else { stops.of(&job).await? };
        ran += u64::from(stop.is_none());
        let verdict = match stop {
            Some(verdict) => verdict,
            None => run_one(db, registry, node, &job).await,
        };
        match verdict {
            Verdict::Ended(Outcome::Succeeded, None) => {
                ends.push(End { id: job.id, attempt: job.attempt, outcome: Outcome::Succeeded, error: None });
            }
            other @ (Verdict::Ended(..)
            | Verdict::EndedInside
            | Verdict::Retry(..)
            | Verdict::Snooze(_)
            | Verdict::GiveBack
            | Verdict::Parked
            | Verdict::Lost) => {
                exec::settle(db, node, vec![(job, other)]).await?;
            }
        }
    }
    if !ends.is_empty() {
        let mut cx = db.system("simulation").await?;
        let now = cx.now();
        store::end(cx.conn(), node, &ends, now).await?;
        cx.commit().await?;
    }
    Ok(ran)
}

async fn run_one(db: &Db, registry: &Registry, node: NodeId, job: &Claimed) -> Verdict {
    exec::execute(db, registry, node, job.clone(), &Brake::default()).await
}

/// Tells whether a job was stopped between its claim and its turn. It has a connection of its own,
/// outside of the pool, because it is asked for nearly every job.
struct Stops<'a> {
    db: &'a Db,
    conn: Option<PgConnection>,
}

impl Stops<'_> {
    async fn close(self) -> Result<()> {
        if let Some(conn) = self.conn {
            conn.close().await?;
        }
        Ok(())
    }

    async fn of(&mut self, job: &Claimed) -> Result<Option<Verdict>> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            closed @ None => {
                let mut conn = self.db.pool().acquire().await?.detach();
                // It never goes back to the pool, so that the role stays with it.
                sqlx::query("set role agency_system").execute(&mut conn).await?;
                closed.insert(conn)
            }
        };
        let row = sqlx::query!(
            r#"select jobs.halted($1, $2, $3) as "halted!",
                      exists (select from jobs.job where id = $4 and cancel_requested) as "cancelled!""#,
            job.tenant,
            job.queue,
            job.kind,
            job.id.uuid(),
        )
        .fetch_one(conn)
        .await?;
        Ok(match (row.cancelled, row.halted) {
            (true, _) => Some(Verdict::Ended(Outcome::Cancelled, None)),
            (false, true) => Some(Verdict::GiveBack),
            (false, false) => None,
        })
    }
}

/// Waits until the queue is empty of work that is due now, under a real clock; for tests and commands.
/// False: time ran out.
pub async fn settled(db: &Db, limit: Duration) -> Result<bool> {
    let until = Instant::now() + limit;
    loop {
        let mut cx = db.system("jobs").await?;
        let busy = sqlx::query_scalar!(
            r#"select exists (select from jobs.job where state in ('ready', 'running')) as "busy!""#
        )
        .fetch_one(cx.conn())
        .await?;
        cx.rollback().await?;
        if !busy {
            return Ok(true);
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
