//! Deliveries by real workers: each once while all live, each at least once when one dies.

use super::jobs as kinds;
use super::send::BUDGET;
use crate::Desk;
use crate::endpoint::{self, EndpointId, New};
use async_trait::async_trait;
use control::secret::{Keyring, Settings};
use db::{Caller, Fact, Scope};
use jobs::Registry;
use ports::webhook::{Call, Came, Poster};
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{Tenant, TestDb, Workers, until};
use url::Url;

/// Receivers that take a moment, or hang; keeps what came to each.
#[derive(Default)]
struct Slow {
    came: Mutex<HashMap<(String, String), usize>>,
    open: Mutex<HashMap<String, (i64, i64)>>,
    hangs: AtomicBool,
}

impl Slow {
    fn came(&self) -> HashMap<(String, String), usize> {
        self.came.lock().unwrap().clone()
    }

    fn begin(&self, host: &str) {
        let mut open = self.open.lock().unwrap();
        let (now, most) = open.entry(host.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
    }

    fn end(&self, host: &str) {
        self.open.lock().unwrap().entry(host.to_owned()).or_default().0 -= 1;
    }

    fn now_open(&self) -> i64 {
        self.open.lock().unwrap().values().map(|(now, _)| now).sum()
    }
}

#[async_trait]
impl Poster for Slow {
    fn check(&self, _: &Url) -> base::Result<()> {
        Ok(())
    }

    async fn post(&self, call: &Call) -> Came {
        let host = call.url.host_str().unwrap().to_owned();
        self.begin(&host);
        let id = call.headers.iter().find(|(name, _)| *name == "webhook-id").unwrap().1.clone();
        *self.came.lock().unwrap().entry((host.clone(), id)).or_default() += 1;
        if self.hangs.load(Ordering::SeqCst) || host == "hangs.example" {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        self.end(&host);
        Came::Answered { status: 204, head: Vec::new(), retry_after_s: None }
    }
}

struct Stage {
    workers: Workers,
    registry: Arc<Registry>,
    slow: Arc<Slow>,
    desk: Desk,
    ours: Tenant,
    kit: TestDb,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let kit = TestDb::new().await;
        let ours = kit.tenant("Ours").await;
        let workers = Workers::on(&kit).await;
        let folder = tempfile::tempdir().unwrap();
        let ring = Keyring::load(&Settings::default(), folder.path(), workers.db.random()).unwrap();
        let slow: Arc<Slow> = Arc::default();
        let desk = Desk { ring: Arc::new(ring), poster: slow.clone(), settings: crate::Settings::default() };
        let mut registry = Registry::new();
        kinds::register(&mut registry, desk.clone());
        registry.sync(&workers.db).await.unwrap();
        Self { workers, registry: Arc::new(registry), slow, desk, ours, kit, _folder: folder }
    }

    async fn cx(&self) -> db::Cx {
        self.workers
            .db
            .begin(Scope::Tenant(self.ours.id), Caller::system("test", &self.workers.db))
            .await
            .unwrap()
    }

    async fn endpoint(&self, host: &str, kind: &str) -> EndpointId {
        let new =
            New { url: format!("https://{host}/"), event_types: vec![kind.to_owned()], ..New::default() };
        let mut cx = self.cx().await;
        let id = endpoint::create(&mut cx, &self.desk, &new).await.unwrap().0.id;
        cx.commit().await.unwrap();
        id
    }

    async fn facts(&self, count: usize) {
        for _ in 0..count.div_ceil(10) {
            let mut cx = self.cx().await;
            let facts =
                (0..10).map(|n| Fact::about("pay.receipt.issued", self.ours.id.uuid()).with(json!({"n": n})));
            cx.publish_all(facts.collect()).await.unwrap();
            cx.commit().await.unwrap();
        }
    }

    async fn count(&self, what: &str) -> i64 {
        let mut cx = self.kit.system().await;
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from hooks.delivery where {what}")))
            .fetch_one(cx.conn())
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w6_two_workers_deliver_each_once_and_when_one_is_killed_each_at_least_once() {
    let stage = Stage::new().await;
    let hosts = ["one.example", "two.example", "three.example"];
    for host in hosts {
        stage.endpoint(host, "receipt.*").await;
    }
    let scheduler = stage.workers.scheduler();
    let (one, two) = (stage.workers.worker(&stage.registry), stage.workers.worker(&stage.registry));
    stage.facts(100).await;
    until("300 are delivered", async || stage.count("state = 'succeeded'").await == 300).await;
    let came = stage.slow.came();
    assert_eq!((came.len(), came.values().copied().max()), (300, Some(1)), "each once");
    let most = stage.slow.open.lock().unwrap().values().map(|(_, most)| *most).max();
    assert!(most.is_some_and(|most| most <= BUDGET), "{most:?} at once at one endpoint");

    // Both die in the middle of calls whose outcome nobody will ever record.
    stage.slow.hangs.store(true, Ordering::SeqCst);
    stage.facts(20).await;
    until("calls hang", async || stage.slow.now_open() >= 3 * BUDGET).await;
    one.0.abort();
    two.0.abort();
    let (dead, _) = (one.0.await.unwrap_err(), two.0.await.unwrap_err());
    assert!(dead.is_cancelled());
    stage.slow.hangs.store(false, Ordering::SeqCst);
    stage.workers.clock.advance_s(super::send::LOST_S + 1);
    let (three, stop) = stage.workers.worker(&stage.registry);
    until("360 are delivered", async || stage.count("state = 'succeeded'").await == 360).await;
    let came = stage.slow.came();
    let twice = came.values().filter(|times| **times == 2).count() as i64;
    assert_eq!((came.len(), came.values().copied().max()), (360, Some(2)));
    assert_eq!(twice, 3 * BUDGET, "only what was cut off was sent again, under its id");
    assert_eq!(stage.count("state <> 'succeeded'").await, 0);
    stop.cancel();
    three.await.unwrap();
    scheduler.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w6_an_endpoint_that_hangs_does_not_hold_up_another_one() {
    let stage = Stage::new().await;
    stage.endpoint("hangs.example", "receipt.*").await;
    stage.endpoint("fine.example", "receipt.*").await;
    let scheduler = stage.workers.scheduler();
    let (task, stop) = stage.workers.worker(&stage.registry);
    stage.facts(100).await;
    let fine = "state = 'succeeded'";
    until("100 are delivered to the other one", async || stage.count(fine).await == 100).await;
    assert_eq!(stage.count("state = 'sending'").await, BUDGET, "the other one holds its budget, no more");
    stop.cancel();
    task.abort();
    scheduler.cancel();
}
