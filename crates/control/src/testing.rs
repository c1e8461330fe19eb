//! A database of its own for each test, cloned from a template that has the migrations.

use base::{Actor, Clock, ManualClock, Random, RequestId, Secret, TenantId, Time, UserId};
use db::{Caller, Cx, Db, Scope};
use sqlx::{Connection, PgConnection};
use std::{path::Path, sync::Arc};

/// A test's database, its clock and one tenant.
pub(crate) struct World {
    pub db: Db,
    pub clock: Arc<ManualClock>,
    pub tenant: TenantId,
    pub person: UserId,
    pub url: String,
}

fn server() -> String {
    std::env::var("DATABASE_URL").unwrap_or_else(|_| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.env");
        let text = std::fs::read_to_string(file).expect("DATABASE_URL or a file .env at the root");
        let line = text.lines().find_map(|line| line.strip_prefix("DATABASE_URL="));
        line.expect("DATABASE_URL in .env").to_owned()
    })
}

fn named(url: &str, name: &str) -> String {
    let (front, _) = url.rsplit_once('/').expect("a database URL ends in a name");
    format!("{front}/{name}")
}

/// The template is named after its migrations, so that a changed one makes another template.
async fn template(admin: &mut PgConnection, url: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("migrations").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let all: Vec<u8> = files.iter().flat_map(|f| std::fs::read(f).expect("a migration")).collect();
    let name = format!("control_template_{}", base::Digest::of(&all).short());
    sqlx::query("select pg_advisory_lock(774411)").execute(&mut *admin).await.expect("lock");
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(&name)
        .fetch_one(&mut *admin)
        .await
        .expect("catalogue");
    if !exists {
        let making = format!("{name}_making");
        for sql in [format!("drop database if exists {making}"), format!("create database {making}")] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *admin).await.expect("template");
        }
        let settings = db::Settings { url: Secret::new(named(url, &making)), ..db::Settings::default() };
        db::migrate(&settings).await.expect("migrations apply");
        let sql = format!("alter database {making} rename to {name}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *admin).await.expect("template");
    }
    sqlx::query("select pg_advisory_unlock(774411)").execute(&mut *admin).await.expect("unlock");
    name
}

impl World {
    /// A fresh database whose clock stands at a Tuesday morning in Sydney.
    pub async fn new() -> Self {
        Self::with_connections(20).await
    }

    /// With another number of connections.
    pub async fn with_connections(connections_max: u32) -> Self {
        let url = server();
        let mut admin = PgConnection::connect(&url).await.expect("the server answers");
        let template = template(&mut admin, &url).await;
        let name =
            format!("control_test_{}_{}", std::process::id(), Random::system().between(0, i64::MAX - 1));
        let sql = format!("create database {name} template {template}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.expect("a clone");
        let clock = Arc::new(ManualClock::at("2026-11-24T00:00:00Z".parse().expect("a time")));
        let settings =
            db::Settings { url: Secret::new(named(&url, &name)), connections_max, ..db::Settings::default() };
        let random = Arc::new(Random::system());
        let db = Db::connect(&settings, clock.clone(), random.clone()).await.expect("connects");
        let tenant = random.id(clock.as_ref());
        let person = random.id(clock.as_ref());
        Self { db, clock, tenant, person, url: named(&url, &name) }
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

    /// Drops the database, whoever still uses it. A test that panics leaves its database behind.
    pub async fn drop(self) {
        let (_, name) = self.url.rsplit_once('/').expect("a name");
        let mut admin = PgConnection::connect(&server()).await.expect("the server answers");
        let sql = format!("drop database if exists {name} with (force)");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.expect("drops");
    }
}
