//! How long a worker surely holds what it claimed, by its own clock and without asking anybody.
//!
//! Another worker can get a job only after the scheduler has heard nothing from this one for the lease.
//! A heartbeat that came back was heard at the earliest when it was sent, and `self_stop_ms` is less than
//! the lease: until `self_stop_ms` after the sending of the last good heartbeat nobody else has the job.
//! A process that was frozen (SIGSTOP, a debugger, a stalled disk) finds on waking that this instant has
//! passed, before any heartbeat could tell it. The clock is the monotonic one: it goes on while a process
//! is stopped, but not while the whole machine sleeps; then PostgreSQL on the same machine slept too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The lease of one life of a node; shared by everything that runs in it.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    began: Instant,
    until_ms: Arc<AtomicU64>,
}

impl Lease {
    /// Held for `patience` from now on.
    pub fn new(patience: Duration) -> Self {
        let lease = Self { began: Instant::now(), until_ms: Arc::default() };
        lease.renew(lease.began, patience);
        lease
    }

    /// A heartbeat that was sent at this instant came back.
    pub fn renew(&self, sent: Instant, patience: Duration) {
        let until = (sent + patience).saturating_duration_since(self.began);
        self.until_ms.store(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Nothing is held any more.
    pub fn end(&self) {
        self.until_ms.store(0, Ordering::Release);
    }

    /// Whether nobody else can have the jobs of this node at this instant.
    pub fn is_held(&self) -> bool {
        self.began.elapsed() < Duration::from_millis(self.until_ms.load(Ordering::Acquire))
    }
}
