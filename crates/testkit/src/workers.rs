//! Real workers and a real scheduler on the machine's clock, which a test may put forward: for what happens when
//! several run and some die.

use crate::TestDb;
use base::{Clock, Random, SystemClock, Time};
use db::Db;
use jobs::scheduler::Scheduler;
use jobs::{Registry, worker};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The machine's clock, put forward by hand.
#[derive(Default)]
pub struct Ahead(AtomicI64);

impl Ahead {
    /// Puts it forward.
    pub fn advance_s(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Time {
        SystemClock.now().plus_s(self.0.load(Ordering::SeqCst))
    }
}

/// Where workers run.
pub struct Workers {
    /// Their connections, apart from the test's.
    pub db: Db,
    /// Their clock.
    pub clock: Arc<Ahead>,
}

impl Workers {
    /// On the database of a test.
    pub async fn on(kit: &TestDb) -> Self {
        let clock: Arc<Ahead> = Arc::default();
        let db = Db::connect(&kit.settings(), clock.clone(), Arc::new(Random::system())).await;
        Self { db: db.expect("the test's server answers"), clock }
    }

    /// Starts a worker. Abort the task and it is a worker that died; cancel the token and it ends its jobs first.
    pub fn worker(&self, registry: &Arc<Registry>) -> (JoinHandle<()>, CancellationToken) {
        let (db, registry, stop) = (self.db.clone(), registry.clone(), CancellationToken::new());
        let told = stop.clone();
        let settings = worker::Settings { poll_ms: 100, ..worker::Settings::default() };
        let task = tokio::spawn(async move {
            worker::Worker { settings }.run(&db, &registry, &told).await.expect("a worker that can run");
        });
        (task, stop)
    }

    /// Starts a scheduler; its leases are short, so that the jobs of the dead come back while a test waits.
    pub fn scheduler(&self) -> CancellationToken {
        let (db, stop) = (self.db.clone(), CancellationToken::new());
        let told = stop.clone();
        let scheduler = Scheduler { tick_ms: 50, lease_s: 6, ..Scheduler::default() };
        tokio::spawn(async move { scheduler.run(&db, &told).await });
        stop
    }
}

/// Looks every 100 ms until it is so.
///
/// # Panics
/// After 90 s.
pub async fn until(what: &str, is: impl AsyncFn() -> bool) {
    for _ in 0..900 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("after 90 s still not: {what}");
}
