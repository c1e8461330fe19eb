//! The connection pool and what every process shares: clock and randomness.

use crate::{Caller, Cx, Scope};
use base::{Clock, Error, Random, Result, Secret};
use serde::Deserialize;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How to reach PostgreSQL.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Connection URL. Empty: `agency up` runs a private cluster in the state directory.
    pub url: Secret,
    /// Connections at most, for each process.
    pub connections_max: u32,
    /// How long a request waits for a free connection, in milliseconds.
    pub acquire_timeout_ms: u64,
    /// How long one statement may run, in milliseconds.
    pub statement_timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            connections_max: 20,
            acquire_timeout_ms: 5_000,
            statement_timeout_ms: 30_000,
        }
    }
}

/// The database of this process, with the injected clock and randomness. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: PgPool,
    options: PgConnectOptions,
    clock: Arc<dyn Clock>,
    random: Arc<Random>,
    away: Arc<AtomicBool>,
}

impl Db {
    /// A handle that has not connected yet and never needs to, for work on routes and types alone.
    pub fn unconnected(settings: &Settings, clock: Arc<dyn Clock>, random: Arc<Random>) -> Result<Self> {
        let options = connect_options(settings)?;
        Ok(Self {
            pool: PgPoolOptions::new().connect_lazy_with(options.clone()),
            options,
            clock,
            random,
            away: Arc::default(),
        })
    }

    /// Connects. Errors say where the server was looked for and what to do.
    pub async fn connect(settings: &Settings, clock: Arc<dyn Clock>, random: Arc<Random>) -> Result<Self> {
        let options = connect_options(settings)?;
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections_max)
            .min_connections(1)
            .acquire_timeout(Duration::from_millis(settings.acquire_timeout_ms))
            // Connections are tested when they are given back; only one that lay idle may have died since.
            .test_before_acquire(false)
            .before_acquire(|conn, seen| {
                Box::pin(async move {
                    if seen.idle_for > TRUSTED_IDLE {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|conn, _| {
                Box::pin(async move {
                    sqlx::query("set role agency_app").execute(conn).await?;
                    Ok(())
                })
            })
            .connect_with(options.clone())
            .await
            .map_err(|cause| unreachable_server(&options, cause))?;
        Ok(Self { pool, options, clock, random, away: Arc::default() })
    }

    /// Opens a transaction for a caller in a scope. Nothing is kept unless [`Cx::commit`] is called.
    pub async fn begin(&self, scope: Scope, caller: Caller) -> Result<Cx> {
        Cx::open(self, scope, caller).await
    }

    /// Opens a transaction of the machine itself across tenants.
    pub async fn system(&self, part: &str) -> Result<Cx> {
        self.begin(Scope::System, Caller::system(part, self)).await
    }

    /// The pool, for code that runs one statement without a tenant (health, metrics).
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection of its own that listens on channels and reconnects by itself.
    pub async fn listen(&self, channels: &[&str]) -> Result<PgListener> {
        // Between two tries sqlx waits up to a fifth of this, so that a server that is back is found soon.
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(LISTEN_PATIENCE);
        let pool = pool.connect_with(self.options.clone()).await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen_all(channels.iter().copied()).await?;
        Ok(listener)
    }

    /// Watches over the server for this process, until dropped: says in one line that it went away and in
    /// one that it answers again. Everything that needs the database meanwhile waits and tries again.
    pub async fn watch(&self) {
        loop {
            let connected = self.listen(&["presence"]).await;
            let Ok(mut listener) = connected else {
                self.gone();
                tokio::time::sleep(Duration::from_millis(250)).await;
                continue;
            };
            if self.away.swap(false, Ordering::AcqRel) {
                tracing::info!("PostgreSQL answers again; this process goes on by itself");
            }
            // Nobody speaks on this channel: the wait ends when the connection does.
            while let Ok(Some(_)) = listener.try_recv().await {}
            self.gone();
        }
    }

    fn gone(&self) {
        if !self.away.swap(true, Ordering::AcqRel) {
            tracing::warn!(
                "PostgreSQL went away; this process waits for it and tries again by itself. Nothing that was recorded is lost"
            );
        }
    }

    /// Whether [`Db::watch`] has said that the server is away: what fails then needs no line of its own.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// Options for a connection outside the pool.
    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The injected clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The injected source of randomness and ids.
    pub fn random(&self) -> &Arc<Random> {
        &self.random
    }

    /// Closes every connection, waiting for running statements.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// How long one try to get a listening connection lasts.
const LISTEN_PATIENCE: Duration = Duration::from_secs(2);

/// A connection that was tested this recently is taken without asking the server again.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// How long a transaction may do nothing: longer than any pause between two statements, and no longer than
/// others can wait for the rows of a process that was frozen inside one.
const IDLE_MS_MAX: &str = "20000";

/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 500;

/// Options from the settings, with time limits on every statement.
pub(crate) fn connect_options(settings: &Settings) -> Result<PgConnectOptions> {
    let options: PgConnectOptions = settings.url.expose().parse().map_err(|cause| {
        Error::invalid(
            "database.url",
            "The database URL (DATABASE_URL or [database] url) cannot be read. It looks like postgres://user:password@host:5432/name.",
        )
        .caused_by(sqlx::Error::Configuration(Box::new(cause)))
    })?;
    Ok(options
        .options([
            ("statement_timeout", settings.statement_timeout_ms.to_string()),
            ("lock_timeout", settings.statement_timeout_ms.to_string()),
            ("idle_in_transaction_session_timeout", IDLE_MS_MAX.to_owned()),
            ("timezone", "UTC".to_owned()),
            ("jit", "off".to_owned()),
            ("standard_conforming_strings", "on".to_owned()),
        ])
        // The program has more statements than sqlx keeps prepared by itself.
        .statement_cache_capacity(STATEMENTS_KEPT)
        .application_name("agency"))
}

fn unreachable_server(options: &PgConnectOptions, cause: sqlx::Error) -> Error {
    let place = match options.get_socket() {
        Some(folder) => format!("socket folder {}", folder.display()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let name = options.get_database().unwrap_or("(default)");
    Error::unavailable(
        "database.unreachable",
        format!("PostgreSQL at {place}, database {name}, does not answer. Check that it runs and that DATABASE_URL is right; `agency doctor` tells more."),
    )
    .caused_by(cause)
}
