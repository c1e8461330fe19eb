//! What the tests share: two clients, the twins of every service, accounts there, and counted credits.

use crate::account::{self, Typed};
use crate::{Credits, Desk, run};
use base::{Micros, Result};
use control::secret::Keyring;
use db::Cx;
use futures::future::BoxFuture;
use leads::lead::LeadId;
use ports::provider::ProviderKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use testkit::{Client, Tenant, TestApp, TestDb};
use twins::data::{Company, DataTwin, Person};
use uuid::Uuid;

/// Credits that are counted.
#[derive(Default)]
pub(crate) struct Counted {
    pub left: AtomicI64,
    pub used: AtomicI64,
    pub back: AtomicI64,
}

impl Credits for Counted {
    fn reserve<'a>(&'a self, _: &'a mut Cx, run: Uuid, _: LeadId) -> BoxFuture<'a, Result<Uuid>> {
        Box::pin(async move {
            if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
                return Err(base::Error::refused("credits.short", "No credit is left."));
            }
            Ok(run)
        })
    }

    fn settle<'a>(&'a self, _: &'a mut Cx, _: Uuid) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.used.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }

    fn release<'a>(&'a self, _: &'a mut Cx, _: Uuid) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.back.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

pub(crate) struct Bed {
    pub db: TestDb,
    pub app: TestApp,
    pub ours: Tenant,
    pub theirs: Tenant,
    pub twin: DataTwin,
    pub desk: Desk,
    pub credits: Arc<Counted>,
    _folder: tempfile::TempDir,
}

impl Bed {
    pub async fn new() -> Self {
        let db = TestDb::new().await;
        let (ours, theirs) = db.two_tenants().await;
        let twin =
            DataTwin::start("127.0.0.1:0".parse().expect("an address")).await.expect("the twins start");
        let folder = tempfile::tempdir().expect("a scratch folder");
        let mut ports = db.ports().ports();
        let line = vendors::data::Line::new(db.random.clone(), Duration::from_millis(400)).expect("a client");
        ports.providers = vendors::data::providers(&line, ports.enricher.clone());
        let ports = Arc::new(ports);
        let ring = Arc::new(Keyring::load(&Default::default(), folder.path(), &db.random).expect("a key"));
        let credits = Arc::new(Counted { left: AtomicI64::new(1_000), ..Counted::default() });
        let desk = Desk {
            ports: ports.clone(),
            ring,
            origin: "http://127.0.0.1:1".to_owned(),
            credits: Some(credits.clone()),
        };
        let needs = leads::Needs { ports, extras: leads::Extras::default() };
        let modules = vec![leads::module(needs), hooks::module(), crate::module(desk.clone())];
        let app = TestApp::start(&db, modules).await;
        let bed = Self { db, app, ours, theirs, twin, desk, credits, _folder: folder };
        bed.accounts().await;
        bed.known();
        bed
    }

    async fn accounts(&self) {
        let mut cx = self.cx().await;
        for kind in ProviderKind::ALL.iter().copied().filter(|kind| !account::is_free(*kind)) {
            let typed = Typed {
                key: "test-key".to_owned(),
                base_url: self.twin.url(kind.word()),
                actor: if kind == ProviderKind::Apify { "twin/places".to_owned() } else { String::new() },
                bare_key: String::new(),
            };
            account::set(&mut cx, &self.desk, kind, &typed).await.expect("an account");
        }
        cx.commit().await.expect("a commit");
    }

    /// A dentist whom every service knows.
    fn known(&self) {
        self.twin.know_company(Company {
            name: "Harbour Dental".into(),
            domain: "harbourdental.com.au".into(),
            abn: "51824753556".into(),
            region: "NSW".into(),
            city: "Sydney".into(),
            phone: "+61 2 9374 4000".into(),
            industry: "Dentist".into(),
            employees: 12,
        });
        self.twin.know(Person {
            first_name: "Priya".into(),
            last_name: "Nair".into(),
            domain: "harbourdental.com.au".into(),
            email: "priya@harbourdental.com.au".into(),
            email_status: "valid".into(),
            title: "Owner".into(),
            linkedin_url: "https://www.linkedin.com/in/priya-nair".into(),
            mobile: "+61491570156".into(),
            restricted: false,
        });
    }

    pub async fn cx(&self) -> Cx {
        self.db.cx(&self.ours.owner).await
    }

    pub fn us(&self) -> Client {
        self.app.as_member(&self.ours.owner)
    }

    pub async fn add(&self, fields: &[(&str, &str)]) -> LeadId {
        let answer = self.us().post("/leads", fields).await.expect(303);
        let id = answer.location().rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
        LeadId(id)
    }

    /// Priya with what a list would say of her.
    pub async fn priya(&self) -> LeadId {
        self.add(&[
            ("first_name", "Priya"),
            ("last_name", "Nair"),
            ("company", "Harbour Dental"),
            ("website", "harbourdental.com.au"),
            ("phone", "02 9374 4000"),
            ("country", "AU"),
        ])
        .await
    }

    /// Carries leads through in one batch.
    pub async fn run(&self, leads: &[LeadId]) -> Uuid {
        let id = self.start(leads).await;
        self.settle().await;
        id
    }

    pub async fn start(&self, leads: &[LeadId]) -> Uuid {
        let mut cx = self.cx().await;
        let id = run::start(&mut cx, "A batch", leads).await.expect("a batch");
        cx.commit().await.expect("a commit");
        id
    }

    /// Runs what is due within two hours: every retry of 60, 300 and 900 s.
    pub async fn settle(&self) {
        self.app.run_until(self.db.clock_now().plus_s(7_200)).await;
    }

    /// One number or text of the database, as the owner of the schema.
    pub async fn one(&self, sql: &str) -> String {
        self.db.one(sql).await
    }

    /// What no role of the program may do.
    pub async fn tamper(&self, sql: &str) {
        self.db.tamper(sql).await;
    }

    /// `outcome` of each step of a lead, as `provider.purpose:outcome`.
    pub async fn steps(&self, lead: LeadId) -> Vec<String> {
        let text = self
            .one(&format!(
                "select string_agg(provider || '.' || purpose || ':' || outcome, ' ' order by at, tier, id) from enrich.step where lead_id = '{lead}'"
            ))
            .await;
        text.split(' ').map(str::to_owned).collect()
    }

    /// What the ledger of spends, the look-ups and the steps say was spent; they must be one number.
    pub async fn spent(&self) -> Micros {
        let ledger = self
            .one("select coalesce(sum(cost_micros), 0) from control.spend where task = 'enrich.lookup'")
            .await;
        let calls = self.one("select coalesce(sum(cost_micros), 0) from enrich.call").await;
        let steps = self.one("select coalesce(sum(cost_micros), 0) from enrich.step").await;
        assert_eq!((&ledger, &calls), (&calls, &steps), "ledger, look-ups and steps say the same");
        Micros(calls.parse().expect("a number"))
    }
}
