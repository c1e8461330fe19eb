//! What the behaviour tests of this crate share: the module over a fresh database with a state folder.

use leads::Extras;
use leads::lead::{Asked, LeadId};
use std::sync::Arc;
use testkit::{Answer, Client, Member, Tenant, TestApp, TestDb};
use uuid::Uuid;

pub(crate) struct World {
    pub db: TestDb,
    pub app: TestApp,
    pub ours: Tenant,
    pub theirs: Tenant,
    pub folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Extras::default()).await
    }

    pub async fn with(extras: Extras) -> Self {
        let db = TestDb::new().await;
        let (ours, theirs) = db.two_tenants().await;
        let folder = tempfile::tempdir().expect("a scratch folder");
        let outside = db.ports();
        let needs = leads::Needs { ports: Arc::new(outside.ports()), extras: extras.clone() };
        let own = crate::Needs { state_dir: folder.path().to_owned(), extras };
        let app = TestApp::start(&db, vec![crate::module(own), leads::module(needs)]).await;
        Self { db, app, ours, theirs, folder }
    }

    pub fn us(&self) -> Client {
        self.app.as_member(&self.ours.owner)
    }

    pub fn them(&self) -> Client {
        self.app.as_member(&self.theirs.owner)
    }

    /// Uploads a file and starts it; returns where its page is.
    pub async fn import(&self, name: &str, bytes: &[u8], more: &[(&str, &str)]) -> String {
        let at = self.upload(name, bytes).await;
        let mut form = vec![
            ("act", "start"),
            ("country", "AU"),
            ("consent", "inferred_published"),
            ("consent_source", "the trade register"),
        ];
        form.extend(more);
        self.us().post(&at, &form).await.expect(303);
        at
    }

    pub async fn upload(&self, name: &str, bytes: &[u8]) -> String {
        let answer = self.us().upload("/leads/import", &[("file", name, bytes)]).await.expect(303);
        answer.location().to_owned()
    }

    /// One number or text of the database, as the owner of the schema.
    pub async fn one(&self, sql: &str) -> String {
        self.db.one(sql).await
    }

    pub async fn ids(&self, who: &Member, query: &str) -> Vec<LeadId> {
        let mut cx = self.db.cx(who).await;
        let now = cx.now();
        let filter = Asked::from_query(query).filter().expect("a filter");
        leads::lead::ids(&mut cx, &filter, None, now, 10_000).await.expect("ids")
    }

    pub async fn add(&self, fields: &[(&str, &str)]) -> String {
        let answer = self.us().post("/leads", fields).await.expect(303);
        answer.location().to_owned()
    }
}

/// The numbers of an import's page: accepted, rejected, duplicates, merged, suppressed.
pub(crate) async fn counts(world: &World, at: &str) -> [i64; 5] {
    let id = at.rsplit('/').next().expect("an id");
    let mut out = [0; 5];
    for (slot, column) in out.iter_mut().zip(["accepted", "rejected", "duplicates", "merged", "suppressed"]) {
        *slot = world
            .one(&format!("select {column} from leads.import where id = '{id}'"))
            .await
            .parse()
            .expect("a number");
    }
    out
}

pub(crate) fn id_of(at: &str) -> Uuid {
    at.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id at the end")
}

pub(crate) fn rows_of(answer: &Answer) -> Vec<Vec<String>> {
    let text = answer.text();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}
