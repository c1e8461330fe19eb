//! A database for one test, cloned from a template, and the jobs that tests run.

use crate::{Job, Registry, Retry, Run};
use base::{Actor, Clock, Error, ManualClock, Random, RequestId, Result, SystemClock, TenantId, Time};
use db::{Caller, Cx, Db, Scope};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{Connection, Executor, PgConnection};
use std::sync::{Arc, Mutex};

const MIGRATIONS: [&str; 4] = [
    include_str!("../../../../migrations/20261121000100_kernel_roles.sql"),
    include_str!("../../../../migrations/20261121000200_kernel_audit.sql"),
    include_str!("../../../../migrations/20261121000300_kernel_facts.sql"),
    include_str!("../../../../migrations/20261121000400_jobs.sql"),
];

fn server() -> String {
    let url = std::env::var("DATABASE_URL").ok().or_else(|| {
        let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.env")).ok()?;
        file.lines().find_map(|line| line.strip_prefix("DATABASE_URL=").map(str::to_owned))
    });
    let url = url.expect("DATABASE_URL names a PostgreSQL server for tests");
    url.rsplit_once('/').expect("a database URL has a path").0.to_owned()
}

async fn admin() -> PgConnection {
    PgConnection::connect(&format!("{}/postgres", server())).await.unwrap()
}

/// A test's database; dropped with it.
pub struct Bed {
    pub db: Db,
    pub clock: Arc<ManualClock>,
    name: String,
}

impl Drop for Bed {
    fn drop(&mut self) {
        let name = self.name.clone();
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let sql = format!("drop database if exists {name} with (force)");
                admin().await.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
            });
        });
        dropped.join().unwrap();
    }
}

async fn clone_database() -> String {
    let hash = hex::encode(Sha256::digest(MIGRATIONS.concat()));
    let template = format!("jobs_template_{}", &hash[..12]);
    let mut conn = admin().await;
    conn.execute("select pg_advisory_lock(764001)").await.unwrap();
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)")
            .bind(&template)
            .fetch_one(&mut conn)
            .await
            .unwrap();
    if !exists {
        conn.execute(sqlx::AssertSqlSafe(format!("drop database if exists {template} with (force)")))
            .await
            .unwrap();
        conn.execute(sqlx::AssertSqlSafe(format!("create database {template}"))).await.unwrap();
        let mut inside = PgConnection::connect(&format!("{}/{template}", server())).await.unwrap();
        for sql in MIGRATIONS {
            sqlx::raw_sql(sql).execute(&mut inside).await.unwrap();
        }
        inside.close().await.unwrap();
        conn.execute(sqlx::AssertSqlSafe(format!("alter database {template} with is_template true")))
            .await
            .unwrap();
    }
    let id = Random::system().uuid(SystemClock.now()).simple().to_string();
    let name = format!("jobs_test_{}", &id[20..]);
    conn.execute(sqlx::AssertSqlSafe(format!(
        "create database {name} template {template} strategy file_copy"
    )))
    .await
    .unwrap();
    conn.close().await.unwrap();
    name
}

fn settings(name: &str) -> db::Settings {
    db::Settings { url: base::Secret::new(format!("{}/{name}", server())), ..db::Settings::default() }
}

/// 2026-03-02 00:00 UTC, a Monday.
pub fn monday() -> Time {
    "2026-03-02T00:00:00Z".parse().unwrap()
}

impl Bed {
    /// With the machine's clock.
    pub async fn real() -> Self {
        let name = clone_database().await;
        let db =
            Db::connect(&settings(&name), Arc::new(SystemClock), Arc::new(Random::seeded(1))).await.unwrap();
        Self { db, clock: Arc::new(ManualClock::at(monday())), name }
    }

    /// With a clock that stands at [`monday`] until it is moved.
    pub async fn virtual_clock() -> Self {
        Self::virtual_seeded(1).await
    }

    pub async fn virtual_seeded(seed: u64) -> Self {
        let name = clone_database().await;
        let clock = Arc::new(ManualClock::at(monday()));
        let db = Db::connect(&settings(&name), clock.clone(), Arc::new(Random::seeded(seed))).await.unwrap();
        Self { db, clock, name }
    }

    pub async fn tenant(&self, tenant: TenantId) -> Cx {
        let caller =
            Caller { actor: Actor::system("test"), request: RequestId(self.db.random().uuid(monday())) };
        self.db.begin(Scope::Tenant(tenant), caller).await.unwrap()
    }

    pub async fn system(&self) -> Cx {
        self.db.system("test").await.unwrap()
    }

    /// One number out of the database, seen by the system.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let mut cx = self.system().await;
        let n = sqlx::query_scalar::<_, i64>(sql).fetch_one(cx.conn()).await.unwrap();
        cx.rollback().await.unwrap();
        n
    }

    pub async fn text(&self, sql: &'static str) -> Option<String> {
        let mut cx = self.system().await;
        let t = sqlx::query_scalar::<_, Option<String>>(sql).fetch_optional(cx.conn()).await.unwrap();
        cx.rollback().await.unwrap();
        t.flatten()
    }
}

pub fn tenant(n: u8) -> TenantId {
    TenantId(uuid::Uuid::from_bytes([n; 16]))
}

/// What test jobs did, in order.
#[derive(Clone, Default)]
pub struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    pub fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
    pub fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|l| *l == line).count()
    }
    /// Waits until a line is there.
    pub async fn until(&self, line: &str) {
        for _ in 0..1_000 {
            if self.count(line) > 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("“{line}” was never written: {:?}", self.lines());
    }
}

/// Writes its name into the diary.
#[derive(Serialize, Deserialize, Clone)]
pub struct Note(pub String);

impl Job for Note {
    const KIND: &'static str = "test.note";
    type State = Diary;
    async fn run(self, run: &Run, diary: &Diary) -> Result<()> {
        let at = run.db().clock().now();
        diary.write(if run.db().clock().is_virtual() { format!("{at} {}", self.0) } else { self.0 });
        Ok(())
    }
}

/// Fails as it is told.
#[derive(Serialize, Deserialize)]
pub enum Bad {
    Outside,
    Input,
    Panic,
}

impl Job for Bad {
    const KIND: &'static str = "test.bad";
    type State = Diary;
    fn retry() -> Retry {
        Retry::seeds()
    }
    async fn run(self, run: &Run, diary: &Diary) -> Result<()> {
        diary.write(format!("try {}", run.failures()));
        match self {
            Self::Outside => Err(Error::unavailable("test.away", "The provider is away.")),
            Self::Input => Err(Error::invalid("test.input", "This can never work.")),
            Self::Panic => panic!("a defect"),
        }
    }
}

/// Runs until its brake is pulled.
#[derive(Serialize, Deserialize)]
pub struct Endless;

impl Job for Endless {
    const KIND: &'static str = "test.endless";
    type State = Diary;
    async fn run(self, run: &Run, diary: &Diary) -> Result<()> {
        diary.write("began");
        run.cancel().cancelled().await;
        diary.write("braked");
        Err(Error::unavailable("test.braked", "Stopped."))
    }
}

/// At most two at once for one tenant.
#[derive(Serialize, Deserialize, Clone)]
pub struct Narrow;

impl Job for Narrow {
    const KIND: &'static str = "test.narrow";
    const CONCURRENCY: Option<u32> = Some(2);
    type State = Diary;
    async fn run(self, _: &Run, diary: &Diary) -> Result<()> {
        diary.write("in");
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        diary.write("out");
        Ok(())
    }
}

/// Runs in batches of at most eight; each answers what it is told.
#[derive(Serialize, Deserialize, Clone)]
pub enum Pack {
    Fine,
    Inside,
    Later,
    Wrong,
    Away,
}

impl Job for Pack {
    const KIND: &'static str = "test.pack";
    const TOGETHER: usize = 8;
    type State = Diary;

    async fn run(self, run: &Run, diary: &Diary) -> Result<()> {
        Self::run_all(vec![(self, run)], diary).await.pop().unwrap()
    }

    async fn run_all(jobs: Vec<(Self, &Run)>, diary: &Diary) -> Vec<Result<()>> {
        let runs: Vec<&Run> = jobs.iter().map(|(_, run)| *run).collect();
        let tenants: std::collections::BTreeSet<_> = runs.iter().map(|run| run.tenant().unwrap()).collect();
        diary.write(format!("{} of {} tenants", jobs.len(), tenants.len()));
        let mut cx = runs[0].begin().await.unwrap();
        assert_eq!(Run::hold_all(&mut cx, &runs).await.unwrap().len(), runs.len());
        let inside: Vec<&Run> =
            jobs.iter().filter(|(job, _)| matches!(job, Self::Inside)).map(|(_, run)| *run).collect();
        assert_eq!(Run::complete_all(&mut cx, &inside).await.unwrap(), inside.len());
        cx.commit().await.unwrap();
        let answer = |(job, run): (Self, &Run)| match job {
            Self::Fine | Self::Inside => Ok(()),
            Self::Later => {
                run.snooze(run.db().clock().now().plus_s(3_600));
                Ok(())
            }
            Self::Wrong => Err(Error::invalid("test.input", "This can never work.")),
            Self::Away => Err(Error::unavailable("test.away", "The provider is away.")),
        };
        jobs.into_iter().map(answer).collect()
    }
}

/// A registry with every test job.
pub fn registry(diary: &Diary) -> Registry {
    let mut registry = Registry::new();
    registry
        .register::<Note>(diary.clone())
        .register::<Bad>(diary.clone())
        .register::<Endless>(diary.clone())
        .register::<Narrow>(diary.clone())
        .register::<Pack>(diary.clone());
    registry
}
