//! What the behaviour tests of this crate share: the module over a fresh database with a state folder.

use crate::lead::{Asked, LeadId};
use crate::{Extras, Needs, module};
use std::sync::Arc;
use testkit::{Client, Member, Tenant, TestApp, TestDb};
use uuid::Uuid;

pub(crate) struct World {
    pub db: TestDb,
    pub app: TestApp,
    pub ours: Tenant,
    pub theirs: Tenant,
    pub outside: ports::InMemory,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Extras::default()).await
    }

    pub async fn with(extras: Extras) -> Self {
        let db = TestDb::new().await;
        let (ours, theirs) = db.two_tenants().await;
        let outside = db.ports();
        let needs = Needs { ports: Arc::new(outside.ports()), extras };
        let app = TestApp::start(&db, vec![module(needs)]).await;
        Self { db, app, ours, theirs, outside }
    }

    pub fn us(&self) -> Client {
        self.app.as_member(&self.ours.owner)
    }

    pub fn them(&self) -> Client {
        self.app.as_member(&self.theirs.owner)
    }

    /// One number or text of the database, as the owner of the schema.
    pub async fn one(&self, sql: &str) -> String {
        self.db.one(sql).await
    }

    pub async fn ids(&self, who: &Member, query: &str) -> Vec<LeadId> {
        let mut cx = self.db.cx(who).await;
        let now = cx.now();
        let filter = Asked::from_query(query).filter().expect("a filter");
        crate::lead::ids(&mut cx, &filter, None, now, 10_000).await.expect("ids")
    }

    pub async fn add(&self, fields: &[(&str, &str)]) -> String {
        let answer = self.us().post("/leads", fields).await.expect(303);
        answer.location().to_owned()
    }
}

pub(crate) fn id_of(at: &str) -> Uuid {
    at.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id at the end")
}
