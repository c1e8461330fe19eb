//! The jobs that a worker holds: a queue in memory and the slots that run it down. Of a kind whose jobs run
//! together a slot takes those of one tenant that wait.

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
                let next = slots.next(&mut waiting);
                if next.is_empty() {
                    // Under the lock, so that no job arrives between the look and the leave.
                    slots.active.fetch_sub(1, Ordering::AcqRel);
                }
                next
            };
            let count = next.len();
            if count == 0 {
                return;
            }
            slots.run_together(next, &ends).await;
            let held = slots.held.fetch_sub(count, Ordering::AcqRel) - count;
            if held <= slots.low_mark.load(Ordering::Acquire) {
                slots.low.notify_one();
            }
        }
    }

    /// The job that waits longest, and those that run with it as one call: of its kind, its tenant and its
    /// caller.
    fn next(&self, waiting: &mut VecDeque<(Claimed, Instant)>) -> Vec<Claimed> {
        let Some((first, _)) = waiting.pop_front() else { return Vec::new() };
        let together = self.registry.together(&first.kind);
        let mut next = vec![first];
        if together > 1 {
            let mut rest = VecDeque::with_capacity(waiting.len());
            for (job, since) in waiting.drain(..) {
                let joins = next.len() < together
                    && next.first().is_some_and(|first| {
                        job.kind == first.kind
                            && job.tenant == first.tenant
                            && job.actor == first.actor
                            && job.cause == first.cause
                    });
                if joins { next.push(job) } else { rest.push_back((job, since)) }
            }
            *waiting = rest;
        }
        next
    }

    async fn run_together(&self, jobs: Vec<Claimed>, ends: &mpsc::Sender<Finished>) {
        if self.lost() {
            return;
        }
        let fences: Vec<Claimed> = jobs.iter().map(Claimed::head).collect();
        let brakes: Vec<Brake> = jobs.iter().map(|_| Brake::under(self.lease.clone())).collect();
        {
            let mut running = lock(&self.running);
            for (job, brake) in fences.iter().zip(&brakes) {
                let entry = Running {
                    brake: brake.clone(),
                    tenant: job.tenant,
                    queue: job.queue.clone(),
                    kind: job.kind.clone(),
                };
                running.insert(job.id, entry);
            }
        }
        let verdicts = exec::execute_all(&self.db, &self.registry, self.node, jobs, &brakes).await;
        {
            let mut running = lock(&self.running);
            for job in &fences {
                running.remove(&job.id);
            }
        }
        self.finished.fetch_add(fences.len() as u64, Ordering::Relaxed);
        let mut others = Vec::new();
        for (job, verdict) in fences.into_iter().zip(verdicts) {
            let end = |outcome, error| End { id: job.id, attempt: job.attempt, outcome, error };
            let quick = match verdict {
                Verdict::Ended(outcome @ (Outcome::Succeeded | Outcome::Cancelled), error) => {
                    Finished { end: end(outcome, error), inside: false }
                }
                Verdict::EndedInside => Finished { end: end(Outcome::Succeeded, None), inside: true },
                other @ (Verdict::Ended(..)
                | Verdict::Retry(..)
                | Verdict::Snooze(_)
                | Verdict::GiveBack
                | Verdict::Parked
                | Verdict::Lost) => {
                    others.push((job, other));
                    continue;
                }
            };
            if ends.send(quick).await.is_err() {
                self.late.fetch_add(1, Ordering::Relaxed);
            }
        }
        if !others.is_empty() {
            self.settle(others).await;
        }
    }

    /// Writes verdicts that are no plain successes; when the database is away, again until the lease ends.
    async fn settle(&self, verdicts: Vec<(Claimed, Verdict)>) {
        let count = verdicts.len();
        while !self.lost() {
            match exec::settle(&self.db, self.node, verdicts.clone()).await {
                Ok(ours) => {
                    self.count_late((count - ours.min(count)) as u64);
                    return self.room();
                }
                Err(error) => {
                    tracing::error!(
                        ?error,
                        count,
                        "the verdicts on jobs could not be written; it tries again"
                    );
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        }
        self.count_late(count as u64);
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
