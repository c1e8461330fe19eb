//! The jobs that a worker holds: a queue in memory and the slots that run it down.

use crate::exec::{self, Brake, Stop, Verdict};
use crate::job::{JobId, NodeId, Outcome};
use crate::lease::Lease;
use crate::registry::Registry;
use crate::store::{self, Claimed, End};
use crate::worker::Tally;
use db::Db;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// A job that runs now.
pub(super) struct Running {
    pub brake: Brake,
    pub tenant: Option<Uuid>,
    pub queue: String,
    pub kind: String,
}

/// An end on its way to the database; `inside` when the body wrote it already.
pub(super) struct Finished {
    pub end: End,
    pub inside: bool,
}

pub(super) struct Slots {
    pub node: NodeId,
    pub lease: Lease,
    db: Db,
    registry: Arc<Registry>,
    waiting: Mutex<VecDeque<(Claimed, Instant)>>,
    running: Mutex<HashMap<JobId, Running>>,
    tasks: Mutex<JoinSet<()>>,
    /// Taken away when the node closes, which ends the finisher.
    ends: Mutex<Option<mpsc::Sender<Finished>>>,
    held: AtomicUsize,
    active: AtomicUsize,
    low_mark: AtomicUsize,
    woken: Notify,
    low: Notify,
    lost: AtomicBool,
    pinched: AtomicBool,
    draining: AtomicBool,
    claimed: AtomicU64,
    finished: AtomicU64,
    late: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slots {
    pub fn new(
        db: Db,
        registry: Arc<Registry>,
        node: NodeId,
        lease: Lease,
        ends: mpsc::Sender<Finished>,
    ) -> Self {
        Self {
            node,
            lease,
            db,
            registry,
            waiting: Mutex::default(),
            running: Mutex::default(),
            tasks: Mutex::default(),
            ends: Mutex::new(Some(ends)),
            held: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            low_mark: AtomicUsize::new(0),
            woken: Notify::new(),
            low: Notify::new(),
            lost: AtomicBool::new(false),
            pinched: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            claimed: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }

    /// Takes claimed jobs in and starts slots for them.
    pub fn accept(slots: &Arc<Self>, jobs: Vec<Claimed>, concurrency: usize) {
        let (count, now) = (jobs.len(), Instant::now());
        slots.claimed.fetch_add(count as u64, Ordering::Relaxed);
        slots.held.fetch_add(count, Ordering::AcqRel);
        lock(&slots.waiting).extend(jobs.into_iter().map(|job| (job, now)));
        let Some(ends) = lock(&slots.ends).clone() else { return };
        let mut tasks = lock(&slots.tasks);
        while tasks.try_join_next().is_some() {}
        let free = concurrency.saturating_sub(slots.active.load(Ordering::Acquire));
        for _ in 0..free.min(count) {
            slots.active.fetch_add(1, Ordering::AcqRel);
            tasks.spawn(Self::run_down(Arc::downgrade(slots), ends.clone()));
        }
    }

    /// One slot: runs waiting jobs until there are none.
    async fn run_down(slots: std::sync::Weak<Self>, ends: mpsc::Sender<Finished>) {
        let Some(slots) = slots.upgrade() else { return };
        loop {
            let next = {
                let mut waiting = lock(&slots.waiting);
                let next = waiting.pop_front();
                if next.is_none() {
                    // Under the lock, so that no job arrives between the look and the leave.
                    slots.active.fetch_sub(1, Ordering::AcqRel);
                }
                next
            };
            let Some((job, _)) = next else { return };
            slots.run_one(job, &ends).await;
            let held = slots.held.fetch_sub(1, Ordering::AcqRel) - 1;
            if held <= slots.low_mark.load(Ordering::Acquire) {
                slots.low.notify_one();
            }
        }
    }

    async fn run_one(&self, job: Claimed, ends: &mpsc::Sender<Finished>) {
        let brake = Brake::under(self.lease.clone());
        if self.lost() {
            return;
        }
        let entry = Running {
            brake: brake.clone(),
            tenant: job.tenant,
            queue: job.queue.clone(),
            kind: job.kind.clone(),
        };
        let (id, attempt) = (job.id, job.attempt);
        lock(&self.running).insert(id, entry);
        let fence = job.head();
        let verdict = exec::execute(&self.db, &self.registry, self.node, job, &brake).await;
        lock(&self.running).remove(&id);
        self.finished.fetch_add(1, Ordering::Relaxed);
        let quick = |outcome, error, inside| Finished { end: End { id, attempt, outcome, error }, inside };
        let sent = match verdict {
            Verdict::Ended(outcome @ (Outcome::Succeeded | Outcome::Cancelled), error) => {
                ends.send(quick(outcome, error, false)).await
            }
            Verdict::EndedInside => ends.send(quick(Outcome::Succeeded, None, true)).await,
            other @ (Verdict::Ended(..)
            | Verdict::Retry(..)
            | Verdict::Snooze(_)
            | Verdict::GiveBack
            | Verdict::Parked
            | Verdict::Lost) => {
                self.settle(&fence, other).await;
                Ok(())
            }
        };
        if sent.is_err() {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes a verdict that is not a plain success; when the database is away, again until the lease ends.
    async fn settle(&self, job: &Claimed, verdict: Verdict) {
        let mut pending = Some(verdict);
        while let Some(verdict) = pending.take() {
            if self.lost() {
                break;
            }
            let again = verdict.clone();
            match exec::settle(&self.db, self.node, job, verdict).await {
                Ok(true) => return self.room(),
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(?error, job = %job.id, "the verdict on a job could not be written; it tries again");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    pending = Some(again);
                }
            }
        }
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts answers that came after the lease was lost.
    pub fn count_late(&self, count: u64) {
        self.late.fetch_add(count, Ordering::Relaxed);
    }

    pub fn tally(&self) -> Tally {
        Tally {
            claimed: self.claimed.load(Ordering::Relaxed),
            finished: self.finished.load(Ordering::Relaxed),
            lost: self.late.load(Ordering::Relaxed),
        }
    }

    pub fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }

    pub fn running_count(&self) -> usize {
        lock(&self.running).len()
    }

    pub fn low_mark(&self, mark: usize) {
        self.low_mark.store(mark, Ordering::Release);
    }

    pub async fn low(&self) {
        self.low.notified().await;
    }

    pub async fn woken(&self) {
        self.woken.notified().await;
    }

    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Says whether the last claim was kept back by a bound.
    pub fn set_pinched(&self, pinched: bool) {
        self.pinched.store(pinched, Ordering::Release);
    }

    /// A job ended: when a bound kept others back, there is room for one now.
    pub fn room(&self) {
        if self.pinched.load(Ordering::Acquire) {
            self.wake();
        }
    }

    pub fn lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub fn set_draining(&self, draining: bool) {
        self.draining.store(draining, Ordering::Release);
    }

    /// The lease is gone: nothing that runs here may have an effect any more.
    pub fn lose(&self) {
        self.lease.end();
        self.lost.store(true, Ordering::Release);
        lock(&self.waiting).clear();
        for running in lock(&self.running).values() {
            running.brake.pull(Stop::LeaseLost);
        }
        lock(&self.tasks).abort_all();
        self.wake();
        self.low.notify_one();
    }

    /// Stops one running job.
    pub fn cancel(&self, id: JobId) {
        if let Some(running) = lock(&self.running).get(&id) {
            running.brake.pull(Stop::Cancelled);
        }
    }

    /// Stops the running jobs that `halted` names.
    pub fn halt(&self, halted: impl Fn(&Running) -> bool) {
        for running in lock(&self.running).values().filter(|r| halted(r)) {
            running.brake.pull(Stop::Halted);
        }
    }

    /// Gives back waiting jobs, all of them or those that `stale` names, unharmed.
    pub async fn give_back(&self, stale: impl Fn(&Claimed, Duration) -> bool) {
        let back: Vec<_> = {
            let mut waiting = lock(&self.waiting);
            let (back, keep): (VecDeque<_>, VecDeque<_>) =
                waiting.drain(..).partition(|(job, since)| stale(job, since.elapsed()));
            *waiting = keep;
            back.into_iter().map(|(job, _)| (job.id, job.attempt)).collect()
        };
        if back.is_empty() {
            return;
        }
        self.held.fetch_sub(back.len(), Ordering::AcqRel);
        let given = async {
            let mut cx = self.db.system("worker").await?;
            store::give_back(cx.conn(), self.node, &back).await?;
            cx.commit().await
        };
        if let Err(error) = given.await {
            tracing::error!(?error, "waiting jobs could not be given back; they return with the lease");
        }
    }

    /// Lets running jobs end within the limit, then stops them.
    pub async fn drain(&self, limit: Duration) {
        self.give_back(|_, _| true).await;
        let until = Instant::now() + limit;
        let mut pulled = false;
        while self.active.load(Ordering::Acquire) > 0 && !self.lost() {
            if Instant::now() >= until && !pulled {
                pulled = true;
                for running in lock(&self.running).values() {
                    running.brake.pull(Stop::Draining);
                }
            }
            if Instant::now() >= until + Duration::from_secs(8) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Drops everything at once, as if the process had been killed.
    pub fn kill(&self) {
        lock(&self.waiting).clear();
        lock(&self.tasks).abort_all();
    }

    /// Ends the finisher once what was sent is written.
    pub fn close(&self) {
        lock(&self.tasks).abort_all();
        *lock(&self.ends) = None;
    }
}
