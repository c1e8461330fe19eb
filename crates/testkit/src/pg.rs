//! A database for each test, cloned from a template that holds the migrated schema.

use base::{Clock, ManualClock, Random, Secret, SystemClock, Time};
use db::{Caller, Cx, Db, Scope};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// Monday, 2 March 2026, 11:00 in Sydney.
const START: &str = "2026-03-02T00:00:00Z";
/// The seed of every test's randomness.
const SEED: u64 = 7;
/// Databases of tests that were killed are dropped after this many seconds.
const LEFTOVER_S: i64 = 3_600;
/// Templates kept; those of older schemas are dropped.
const TEMPLATES_MAX: i64 = 4;
/// The advisory lock under which templates are made.
const LOCK: i64 = 0x7465_7374;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A database of one test, dropped with this value.
pub struct TestDb {
    /// The database, with the clock and randomness below.
    pub db: Db,
    /// Time, moved by hand.
    pub clock: Arc<ManualClock>,
    /// Randomness, seeded.
    pub random: Arc<Random>,
    name: String,
    url: String,
}

impl TestDb {
    /// A fresh database with the present schema.
    pub async fn new() -> Self {
        let mut server = maintenance().await;
        let template = template(&mut server).await;
        let name = fresh_name();
        run(&mut server, &format!("create database {name} template {template} strategy file_copy")).await;
        Self::open(name).await
    }

    /// A fresh database without any schema, for tests of the migrations.
    pub async fn empty() -> Self {
        let mut server = maintenance().await;
        let name = fresh_name();
        run(&mut server, &format!("create database {name} template template0")).await;
        run(&mut server, "do $$ begin create role agency_app nologin noinherit; exception when duplicate_object or unique_violation then null; end $$").await;
        run(&mut server, "do $$ begin execute format('grant agency_app to %I', current_user); exception when unique_violation then null; end $$").await;
        Self::open(name).await
    }

    async fn open(name: String) -> Self {
        let clock = Arc::new(ManualClock::at(start()));
        let random = Arc::new(Random::seeded(SEED));
        let url = url_of(&name);
        let db = Db::connect(&settings(&url), clock.clone(), random.clone())
            .await
            .expect("the test's database was created a moment ago");
        Self { db, clock, random, name, url }
    }

    /// The URL, for programs that a test starts.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Settings that reach this database.
    pub fn settings(&self) -> db::Settings {
        settings(&self.url)
    }

    /// The instant at which the clock stands.
    pub fn clock_now(&self) -> Time {
        self.clock.now()
    }

    /// A second handle with its own connections and the machine's clock and randomness, for tests
    /// that run real workers or race several processes.
    pub async fn live(&self) -> Db {
        Db::connect(&self.settings(), Arc::new(SystemClock), Arc::new(Random::system()))
            .await
            .expect("the test's database is there")
    }

    /// A unit of work of a member in their organisation.
    pub async fn cx(&self, who: &crate::Member) -> Cx {
        let caller = Caller { actor: who.actor(), request: self.random.id(self.clock.as_ref()) };
        self.db.begin(Scope::Tenant(who.tenant), caller).await.expect("a transaction begins")
    }

    /// A unit of work of the machine itself across organisations.
    pub async fn system(&self) -> Cx {
        self.db.system("test").await.expect("a transaction begins")
    }

    /// One number or text of the database, as text; empty when there is none.
    pub async fn one(&self, sql: &str) -> String {
        let mut cx = self.system().await;
        let got: Option<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select ({sql})::text")))
            .fetch_one(cx.conn())
            .await
            .expect("a readable statement");
        got.unwrap_or_default()
    }

    /// What no role of the program may do, as the owner of the schema.
    pub async fn tamper(&self, sql: &str) {
        let mut owner = PgConnection::connect(self.url()).await.expect("the test's database is there");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut owner).await.expect("a statement");
    }

    /// Every port in memory, on this test's clock and randomness.
    pub fn ports(&self) -> ports::InMemory {
        ports::InMemory::new(self.clock.clone(), self.random.clone())
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let name = self.name.clone();
        // The test's runtime may be about to end, so that the drop has one of its own.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    let mut server = maintenance().await;
                    run(&mut server, &format!("drop database if exists {name} with (force)")).await;
                });
            }
        });
        if dropped.join().is_err() && !std::thread::panicking() {
            panic!("the database {} could not be dropped", self.name);
        }
    }
}

/// The server on which tests make their databases: `DATABASE_URL` from the environment, else from
/// the nearest `.env` above the crate under test.
pub fn server_url() -> String {
    if let Ok(url) = std::env::var("DATABASE_URL")
        && !url.is_empty()
    {
        return url;
    }
    let start = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    start
        .ancestors()
        .filter_map(|folder| std::fs::read_to_string(folder.join(".env")).ok())
        .find_map(|text| {
            text.lines().find_map(|line| line.trim().strip_prefix("DATABASE_URL=").map(str::to_owned))
        })
        .unwrap_or_else(|| {
            panic!("tests need a PostgreSQL server: set DATABASE_URL, or run ./dev test, which starts one")
        })
}

fn start() -> Time {
    Time::new(START.parse().expect("a fixed instant"))
}

fn settings(url: &str) -> db::Settings {
    db::Settings { url: Secret::new(url), connections_max: 10, ..db::Settings::default() }
}

/// The URL of another database of the same server; user, host and parameters stay.
fn url_of(database: &str) -> String {
    let url = server_url();
    let (before, parameters) = match url.split_once('?') {
        Some((before, parameters)) => (before.to_owned(), format!("?{parameters}")),
        None => (url, String::new()),
    };
    let after_scheme = before.find("://").map_or(0, |at| at + 3);
    let server = match before[after_scheme..].find('/') {
        Some(slash) => &before[..after_scheme + slash],
        None => before.as_str(),
    };
    format!("{server}/{database}{parameters}")
}

async fn maintenance() -> PgConnection {
    let url = url_of("postgres");
    let options = PgConnectOptions::from_str(&url).expect("DATABASE_URL is a PostgreSQL URL");
    PgConnection::connect_with(&options).await.unwrap_or_else(|cause| {
        panic!("the PostgreSQL server of DATABASE_URL does not answer: {cause}. Start it, or run ./dev test.")
    })
}

/// Runs a statement whose names were made here.
async fn run(server: &mut PgConnection, statement: &str) {
    sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(server)
        .await
        .unwrap_or_else(|cause| panic!("{statement}: {cause}"));
}

fn fresh_name() -> String {
    let seconds = SystemClock.now().ms() / 1_000;
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("agency_test_{seconds}_{}_{number}", std::process::id())
}

/// The template of the present schema; made by the first who asks, under a lock across processes.
async fn template(server: &mut PgConnection) -> String {
    let name = format!("agency_template_{}", &db::schema_digest().to_string()[..16]);
    if exists(server, &name).await {
        return name;
    }
    sqlx::query("select pg_advisory_lock($1)").bind(LOCK).execute(&mut *server).await.expect("a lock");
    if !exists(server, &name).await {
        let unfinished = format!("{name}_unfinished");
        run(server, &format!("drop database if exists {unfinished} with (force)")).await;
        run(server, &format!("create database {unfinished} template template0")).await;
        db::migrate(&settings(&url_of(&unfinished)))
            .await
            .expect("the migrations apply to an empty database");
        // Its name says that it is whole.
        run(server, &format!("alter database {unfinished} rename to {name}")).await;
        sweep(server).await;
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(LOCK).execute(&mut *server).await.expect("an unlock");
    name
}

async fn exists(server: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(server)
        .await
        .expect("the catalogue can be read")
}

/// Drops what killed tests and older schemas left.
async fn sweep(server: &mut PgConnection) {
    let tests: Vec<String> =
        sqlx::query_scalar("select datname::text from pg_database where datname like 'agency\\_test\\_%'")
            .fetch_all(&mut *server)
            .await
            .expect("the catalogue can be read");
    let now = SystemClock.now().ms() / 1_000;
    let mut gone: Vec<String> = tests
        .into_iter()
        .filter(|name| {
            let born = name.split('_').nth(2).and_then(|seconds| seconds.parse::<i64>().ok());
            born.is_none_or(|born| born + LEFTOVER_S < now)
        })
        .collect();
    let old: Vec<String> = sqlx::query_scalar(
        "select datname::text from pg_database where datname ~ '^agency_template_[0-9a-f]+$' order by oid desc offset $1",
    )
    .bind(TEMPLATES_MAX)
    .fetch_all(&mut *server)
    .await
    .expect("the catalogue can be read");
    gone.extend(old);
    for name in gone {
        // Another process may drop or use it at this moment; the next sweep comes.
        let statement = format!("drop database if exists {name}");
        if sqlx::query(AssertSqlSafe(statement)).execute(&mut *server).await.is_err() {
            continue;
        }
    }
}
