//! A test's database with one tenant's person, and whoever tampers with it.

use base::{Actor, Clock, ManualClock, RequestId, TenantId, Time, UserId};
use db::{Caller, Cx, Db, Scope};
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use testkit::TestDb;

/// A test's database, its clock and one tenant.
pub(crate) struct World {
    pub db: Db,
    pub clock: Arc<ManualClock>,
    pub tenant: TenantId,
    pub person: UserId,
    pub url: String,
    kit: TestDb,
}

impl World {
    /// A fresh database whose clock stands at a Tuesday morning in Sydney.
    pub async fn new() -> Self {
        Self::with_connections(10).await
    }

    /// With another number of connections.
    pub async fn with_connections(connections_max: u32) -> Self {
        let kit = TestDb::new().await;
        kit.clock.advance_to("2026-11-24T00:00:00Z".parse().expect("a time"));
        let settings = db::Settings { connections_max, ..kit.settings() };
        let db = Db::connect(&settings, kit.clock.clone(), kit.random.clone()).await.expect("connects");
        let (tenant, person) = (kit.random.id(kit.clock.as_ref()), kit.random.id(kit.clock.as_ref()));
        Self { db, clock: kit.clock.clone(), tenant, person, url: kit.url().to_owned(), kit }
    }

    /// The present instant of the test's clock.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    fn caller(&self) -> Caller {
        let request: RequestId = self.db.random().id(self.clock.as_ref());
        Caller { actor: Actor::User { id: self.person }, request }
    }

    /// A transaction of the tenant's person.
    pub async fn cx(&self) -> Cx {
        self.of(self.tenant).await
    }

    /// A transaction in another tenant.
    pub async fn of(&self, tenant: TenantId) -> Cx {
        self.db.begin(Scope::Tenant(tenant), self.caller()).await.expect("begins")
    }

    /// A transaction across tenants.
    pub async fn system(&self) -> Cx {
        self.db.begin(Scope::System, self.caller()).await.expect("begins")
    }

    /// A connection of a superuser: whoever tampers.
    pub async fn intruder(&self) -> PgConnection {
        let mut conn = PgConnection::connect(&self.url).await.expect("connects");
        sqlx::query("set session_replication_role = replica").execute(&mut conn).await.expect("superuser");
        conn
    }

    /// Ends the test: its database goes with it.
    pub async fn drop(self) {
        drop(self.kit);
    }
}
