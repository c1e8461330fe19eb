//! What the tests share: two clients, the twins of every CRM, connections there.

use crate::Desk;
use control::secret::Keyring;
use db::Cx;
use leads::lead::LeadId;
use outreach::deal::{self, DealId, Stage};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Client, Tenant, TestApp, TestDb};
use twins::crm::{CrmTwin, Person};

pub(crate) struct Bed {
    pub db: TestDb,
    pub app: TestApp,
    pub ours: Tenant,
    pub theirs: Tenant,
    pub twin: CrmTwin,
    _folder: tempfile::TempDir,
}

pub(crate) const KINDS: [&str; 3] = ["hubspot", "pipedrive", "close"];

impl Bed {
    pub async fn new() -> Self {
        let db = TestDb::new().await;
        let (ours, theirs) = db.two_tenants().await;
        let any = "127.0.0.1:0".parse().expect("an address");
        let twin = CrmTwin::start(any, db.clock.clone()).await.expect("the twins start");
        let folder = tempfile::tempdir().expect("a scratch folder");
        let mut ports = db.ports().ports();
        let line = vendors::crm::Line::new(db.random.clone(), Duration::from_millis(400)).expect("a client");
        ports.crms = vendors::crm::crms(&line);
        let ports = Arc::new(ports);
        let ring = Arc::new(Keyring::load(&Default::default(), folder.path(), &db.random).expect("a key"));
        let desk = Desk { ports: ports.clone(), ring };
        let needs = leads::Needs { ports, extras: leads::Extras::default() };
        let app = TestApp::start(&db, vec![leads::module(needs), crate::module(desk)]).await;
        Self { db, app, ours, theirs, twin, _folder: folder }
    }

    pub fn us(&self) -> Client {
        self.app.as_member(&self.ours.owner)
    }

    pub async fn cx(&self) -> Cx {
        self.db.cx(&self.ours.owner).await
    }

    /// A connection that was tried; its path.
    pub async fn connect(&self, kind: &str) -> String {
        let url = self.twin.url(kind);
        let form = [("kind", kind), ("name", ""), ("key", "test-key-1"), ("base_url", url.as_str())];
        let at = self.us().post("/crm/connections", &form).await.expect(303).location().to_owned();
        self.app.settle().await;
        at
    }

    /// A connection whose contacts are taken in.
    pub async fn taking(&self, kind: &str, taken_as: &str) -> String {
        let at = self.connect(kind).await;
        let form = [
            ("taken_as", taken_as),
            ("consent", "inferred_relationship"),
            ("consent_source", "They asked for an offer."),
        ];
        self.us().post(&format!("{at}/contacts"), &form).await.expect(303);
        at
    }

    /// Starts a run; its path.
    pub async fn start(&self, connection: &str) -> String {
        self.us().post(&format!("{connection}/import"), &[]).await.expect(303).location().to_owned()
    }

    /// Runs what is due within so many seconds.
    pub async fn later(&self, seconds: i64) {
        self.app.run_until(self.db.clock_now().plus_s(seconds)).await;
    }

    /// People whom a CRM has: `p0@c0.example` and so on.
    pub fn people(&self, kind: &str, from: usize, to: usize) {
        for n in from..to {
            self.twin.know(Person {
                service: kind.to_owned(),
                email: format!("p{n}@c{n}.example"),
                first_name: format!("Pat{n}"),
                last_name: "Jones".to_owned(),
                company: format!("Company {n}"),
                phone: format!("+61 2 9374 {:04}", 4_000 + n),
                country: "Australia".to_owned(),
                ..Person::default()
            });
        }
    }

    pub async fn lead(&self, email: &str) -> LeadId {
        let form =
            [("email", email), ("first_name", "Ana"), ("last_name", "Silva"), ("company", "Harbour Dental")];
        let answer = self.us().post("/leads", &form).await.expect(303);
        LeadId(answer.location().rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id"))
    }

    /// A deal of a lead, worth 12,000.50.
    pub async fn deal(&self, lead: LeadId) -> DealId {
        let mut cx = self.cx().await;
        let id = deal::open(&mut cx, lead.uuid(), None, None, "Intro call with Ana").await;
        let id = id.expect("a deal").expect("none is open");
        deal::set_value(&mut cx, id, Some(1_200_050)).await.expect("a value");
        cx.commit().await.expect("a commit");
        id
    }

    pub async fn move_to(&self, deal: DealId, stage: Stage) {
        let mut cx = self.cx().await;
        let why = (stage == Stage::Lost).then_some("no_budget");
        deal::move_to(&mut cx, deal, stage, why).await.expect("moves");
        cx.commit().await.expect("a commit");
    }

    /// One number or text of the database.
    pub async fn one(&self, sql: &str) -> String {
        self.db.one(sql).await
    }

    /// What no role of the program may do.
    pub async fn tamper(&self, sql: &str) {
        self.db.tamper(sql).await;
    }

    /// The newest run: state and counts.
    pub async fn run(&self) -> String {
        self.one(
            "select state || ' seen ' || seen || ' made ' || made || ' merged ' || merged || ' suppressed ' || suppressed || ' unchanged ' || unchanged || ' rejected ' || rejected
             from crm.import order by created_at desc, id desc limit 1",
        )
        .await
    }

    /// Sort and state of every push, in order.
    pub async fn pushes(&self) -> String {
        self.one("select string_agg(sort || ':' || state, ' ' order by sort, state) from crm.push").await
    }
}
