//! Pushes by real workers: each thing is at the CRM once, also when workers die in the middle of making it.

use crate::Desk;
use crate::connection::{self, Typed};
use control::secret::Keyring;
use db::{Caller, Scope};
use jobs::Registry;
use leads::lead::{self, Fields};
use outreach::deal::{self, DealId, Stage};
use ports::crm::CrmKind;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use testkit::{Tenant, TestDb, Workers, until};
use twins::crm::{CrmTwin, Fault, FaultKind};

struct Scene {
    workers: Workers,
    registry: Arc<Registry>,
    ours: Tenant,
    twin: CrmTwin,
    kit: TestDb,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let kit = TestDb::new().await;
        let ours = kit.tenant("Ours").await;
        let workers = Workers::on(&kit).await;
        let folder = tempfile::tempdir().unwrap();
        let ring = Arc::new(Keyring::load(&Default::default(), folder.path(), workers.db.random()).unwrap());
        let twin = CrmTwin::start("127.0.0.1:0".parse().unwrap(), workers.clock.clone()).await.unwrap();
        let mut ports = kit.ports().ports();
        // Nobody gives up while a test looks.
        let line = vendors::crm::Line::new(workers.db.random().clone(), Duration::from_secs(120)).unwrap();
        ports.crms = vendors::crm::crms(&line);
        let desk = Desk { ports: Arc::new(ports), ring };
        let mut registry = Registry::new();
        crate::module(desk.clone()).register_jobs(&mut registry);
        registry.sync(&workers.db).await.unwrap();
        let stage = Self { workers, registry: Arc::new(registry), ours, twin, kit, _folder: folder };
        let typed = Typed { key: "key".into(), base_url: stage.twin.url("pipedrive"), ..Typed::default() };
        let mut cx = stage.cx().await;
        connection::connect(&mut cx, &desk, CrmKind::Pipedrive, &typed).await.unwrap();
        cx.commit().await.unwrap();
        stage
    }

    async fn cx(&self) -> db::Cx {
        self.workers
            .db
            .begin(Scope::Tenant(self.ours.id), Caller::system("test", &self.workers.db))
            .await
            .unwrap()
    }

    /// Deals of fresh leads, each told three times.
    async fn deals(&self, from: usize, to: usize) -> Vec<DealId> {
        let mut deals = Vec::new();
        for n in from..to {
            let mut cx = self.cx().await;
            let fields = Fields {
                email: Some(format!("p{n}@c{n}.example")),
                first_name: Some(format!("Pat{n}")),
                ..Fields::default()
            };
            let lead = lead::create(&mut cx, fields, "test", None).await.unwrap();
            let id = deal::open(&mut cx, lead.uuid(), None, None, "A deal").await.unwrap().unwrap();
            cx.commit().await.unwrap();
            deals.push(id);
        }
        for stage in [Stage::Proposal, Stage::Won] {
            for deal in &deals {
                let mut cx = self.cx().await;
                deal::move_to(&mut cx, *deal, stage, None).await.unwrap();
                cx.commit().await.unwrap();
            }
        }
        deals
    }

    async fn done(&self) -> i64 {
        let mut cx = self.kit.system().await;
        sqlx::query_scalar("select count(*) from crm.push where state = 'done' and pushed = wanted")
            .fetch_one(cx.conn())
            .await
            .unwrap()
    }

    /// How often each address and each deal is there: all must be once.
    fn once(&self, count: usize) {
        let (contacts, deals) = (self.twin.contacts("pipedrive"), self.twin.deals("pipedrive"));
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for one in
            contacts.iter().map(|one| one.email.clone()).chain(deals.iter().map(|one| one.name.clone()))
        {
            *times.entry(one).or_default() += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "there more than once: {twice:?}");
        assert_eq!((contacts.len(), deals.len()), (count, count));
        assert!(deals.iter().all(|deal| deal.status == "won"), "{deals:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_push_each_thing_once_and_so_they_do_when_they_are_killed() {
    let stage = Scene::new().await;
    let scheduler = stage.workers.scheduler();
    let (one, two) = (stage.workers.worker(&stage.registry), stage.workers.worker(&stage.registry));
    until("the connection works", async || {
        let mut cx = stage.kit.system().await;
        sqlx::query_scalar::<_, bool>("select exists (select from crm.connection where state = 'active')")
            .fetch_one(cx.conn())
            .await
            .unwrap()
    })
    .await;
    stage.deals(0, 20).await;
    // A deal looks for its contact every quarter of a minute.
    stage.workers.clock.advance_s(30);
    until("20 contacts and deals are there", async || stage.done().await == 40).await;
    stage.once(20);

    // The CRM makes these and never answers; both workers die while they wait.
    for on in ["POST /pipedrive/api/v2/persons", "POST /pipedrive/api/v2/persons"] {
        stage.twin.inject(Fault::on(FaultKind::TimeoutAfter, on));
    }
    stage.deals(20, 26).await;
    until("contacts hang", async || stage.twin.contacts("pipedrive").len() == 26).await;
    stage.twin.inject(Fault::on(FaultKind::TimeoutAfter, "POST /pipedrive/api/v2/deals"));
    stage.workers.clock.advance_s(30);
    until("a deal hangs", async || stage.twin.deals("pipedrive").len() >= 24).await;
    one.0.abort();
    two.0.abort();
    assert!(one.0.await.unwrap_err().is_cancelled() && two.0.await.unwrap_err().is_cancelled());
    stage.twin.forget_faults();
    stage.workers.clock.advance_s(540);
    let (three, stop) = stage.workers.worker(&stage.registry);
    until("all are there", async || {
        // Time passes quickly for what waits.
        stage.workers.clock.advance_s(5);
        stage.done().await == 52
    })
    .await;
    stage.once(26);
    stop.cancel();
    three.await.unwrap();
    scheduler.cancel();
}
