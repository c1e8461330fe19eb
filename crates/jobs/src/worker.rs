//! A worker: claims jobs, runs them side by side, writes their ends in batches, and lets go of
//! everything before its lease ends.

mod finish;
mod pulse;
mod slots;

use crate::job::NodeId;
use crate::lease::Lease;
use crate::registry::Registry;
use crate::store::{self, Turn};
use base::Result;
use db::Db;
use serde::Deserialize;
use slots::Slots;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How a worker behaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The queues that it serves; empty means every queue.
    pub queues: Vec<String>,
    /// Jobs that run at once.
    pub concurrency: usize,
    /// Jobs that may wait in memory at most; the actual number follows the rate.
    pub prefetch_max: usize,
    /// Without a NOTIFY the queue is looked at so often, in milliseconds.
    pub poll_ms: u64,
    /// Between two heartbeats, in milliseconds.
    pub heartbeat_ms: u64,
    /// Without a heartbeat for so long the worker drops all its work, in milliseconds; less than the
    /// scheduler's lease.
    pub self_stop_ms: u64,
    /// On shutdown, how long running jobs may go on, in milliseconds.
    pub drain_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queues: Vec::new(),
            concurrency: 32,
            prefetch_max: 2_000,
            poll_ms: 1_000,
            heartbeat_ms: 2_500,
            self_stop_ms: 10_000,
            drain_ms: 20_000,
        }
    }
}

/// What a worker did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Jobs that it claimed.
    pub claimed: u64,
    /// Jobs that it brought to a verdict.
    pub finished: u64,
    /// Late answers of lost leases, which changed nothing.
    pub lost: u64,
}

/// A worker process's part of the queue.
#[derive(Clone, Debug, Default)]
pub struct Worker {
    /// How it behaves.
    pub settings: Settings,
}

/// Why one life of a node ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// The process goes away.
    Shutdown,
    /// The lease was lost; a fresh node takes over.
    LeaseLost,
}

impl Worker {
    /// Runs until `shutdown` fires, then drains. Dropped in the middle, it behaves like a killed process.
    pub async fn run(
        &self,
        db: &Db,
        registry: &Arc<Registry>,
        shutdown: &CancellationToken,
    ) -> Result<Tally> {
        let mut total = Tally::default();
        loop {
            let node: NodeId = db.random().id(db.clock().as_ref());
            let (fate, tally) = self.live(db, registry, node, shutdown).await;
            total.claimed += tally.claimed;
            total.finished += tally.finished;
            total.lost += tally.lost;
            match fate {
                Fate::Shutdown => return Ok(total),
                Fate::LeaseLost => {
                    tracing::warn!(%node, "the worker lost its lease and starts again as another node")
                }
            }
        }
    }

    /// One life of a node: from its registration to shutdown or the loss of its lease.
    async fn live(
        &self,
        db: &Db,
        registry: &Arc<Registry>,
        node: NodeId,
        shutdown: &CancellationToken,
    ) -> (Fate, Tally) {
        let mut lease = Lease::new(Duration::from_millis(self.settings.self_stop_ms));
        while let Err(error) = pulse::register(db, node).await {
            tracing::error!(?error, "the worker cannot register; it tries again");
            tokio::time::sleep(Duration::from_millis(500)).await;
            if shutdown.is_cancelled() {
                return (Fate::Shutdown, Tally::default());
            }
            lease = Lease::new(Duration::from_millis(self.settings.self_stop_ms));
        }
        let (ends, ended) = tokio::sync::mpsc::channel(8_192);
        let slots = Arc::new(Slots::new(db.clone(), Arc::clone(registry), node, lease, ends));
        let _kill = Kill(Arc::clone(&slots));
        let finisher =
            AbortOnDropHandle::new(tokio::spawn(finish::run(db.clone(), node, ended, Arc::clone(&slots))));
        let heart = AbortOnDropHandle::new(tokio::spawn(pulse::beat(
            db.clone(),
            Arc::clone(&slots),
            self.settings.clone(),
        )));
        let ear = AbortOnDropHandle::new(tokio::spawn(pulse::hear(db.clone(), Arc::clone(&slots))));
        let mut claims =
            Claims { db, slots: &slots, settings: &self.settings, turn: Turn::default(), pace: Pace::new() };
        let fate = claims.run(shutdown).await;
        if fate == Fate::Shutdown {
            slots.drain(Duration::from_millis(self.settings.drain_ms)).await;
        }
        slots.close();
        let waited = tokio::time::timeout(Duration::from_secs(10), finisher).await;
        if waited.is_err() {
            tracing::error!("ends of jobs could not be written in time; those jobs run again");
        }
        drop((heart, ear));
        if let Err(error) = pulse::unregister(db, node).await {
            tracing::warn!(?error, "the worker could not sign off; its node row ends with its lease");
        }
        (fate, slots.tally())
    }
}

/// Dropped with its worker: what runs then is gone, as with a killed process.
struct Kill(Arc<Slots>);

impl Drop for Kill {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// How fast jobs end, for the size of the prefetch.
struct Pace {
    at: Instant,
    finished: u64,
    per_s: f64,
}

impl Pace {
    fn new() -> Self {
        Self { at: Instant::now(), finished: 0, per_s: 0.0 }
    }

    /// Jobs that the slots run in a fifth of a second.
    fn window(&mut self, finished: u64, most: usize) -> usize {
        let elapsed = self.at.elapsed().as_secs_f64();
        if elapsed > 0.005 {
            let now = (finished - self.finished) as f64 / elapsed;
            let weight = (elapsed / 0.2).clamp(0.3, 1.0);
            self.per_s += weight * (now - self.per_s);
            self.at = Instant::now();
            self.finished = finished;
        }
        ((self.per_s * 0.2) as usize).min(most)
    }
}

/// The claiming loop of one node.
struct Claims<'a> {
    db: &'a Db,
    slots: &'a Arc<Slots>,
    settings: &'a Settings,
    turn: Turn,
    pace: Pace,
}

impl Claims<'_> {
    async fn run(&mut self, shutdown: &CancellationToken) -> Fate {
        loop {
            if self.slots.lost() {
                return Fate::LeaseLost;
            }
            let window = self.settings.concurrency
                + self.pace.window(self.slots.tally().finished, self.settings.prefetch_max);
            let held = self.slots.held();
            self.slots.low_mark(window / 2);
            // When full, wait until half the window is free before asking again.
            let look = !self.slots.draining() && held <= window / 2;
            let more = if look { self.claim(window - held).await } else { false };
            let ready = !look && self.slots.held() <= window / 2;
            if more || ready && !self.slots.draining() {
                if shutdown.is_cancelled() {
                    return Fate::Shutdown;
                }
                continue;
            }
            tokio::select! {
                () = shutdown.cancelled() => return Fate::Shutdown,
                () = self.slots.woken(), if look => {}
                () = self.slots.low(), if !look => {}
                () = tokio::time::sleep(Duration::from_millis(self.settings.poll_ms)) => {}
            }
        }
    }

    /// Claims once; true when there may be more to claim at once.
    async fn claim(&mut self, wanted: usize) -> bool {
        let claimed = async {
            let mut cx = self.db.system("worker").await?;
            let now = cx.now();
            store::by_index(cx.conn()).await?;
            let wanted = i32::try_from(wanted).unwrap_or(i32::MAX);
            let queues = Some(self.settings.queues.as_slice()).filter(|q| !q.is_empty());
            let claimed =
                store::claim(cx.conn(), self.slots.node, wanted, &mut self.turn, queues, now).await?;
            cx.commit().await?;
            Ok::<_, base::Error>(claimed)
        };
        match claimed.await {
            Ok(batch) => {
                let any = !batch.jobs.is_empty();
                self.slots.set_pinched(batch.pinched);
                if any {
                    Slots::accept(self.slots, batch.jobs, self.settings.concurrency);
                }
                any || batch.more
            }
            Err(error) => {
                if self.db.is_away() {
                    tracing::debug!(?error, "the worker waits for the database");
                } else {
                    tracing::error!(?error, "the worker could not claim; it tries again");
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
                false
            }
        }
    }
}
