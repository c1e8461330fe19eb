//! Migrations: one stream for the whole installation, embedded in the program. The schema's
//! version is checked at start; a mismatch refuses to run.

use crate::{Settings, pool::connect_options};
use base::Result;
use sqlx::{ConnectOptions, PgConnection, migrate::Migrator};
use std::collections::BTreeSet;

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// How the database's schema compares to this program's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SchemaState {
    /// They are the same.
    Current,
    /// The database lacks this many migrations: run `agency migrate`.
    Behind(usize),
    /// The database has migrations that this program does not know: run a newer program.
    Ahead(usize),
}

/// A digest of every migration: two programs with the same digest have the same schema.
pub fn schema_digest() -> base::Digest {
    MIGRATOR.iter().fold(base::Digest::ZERO, |digest, migration| digest.chain(&migration.checksum))
}

async fn owner_connection(settings: &Settings) -> Result<PgConnection> {
    Ok(connect_options(settings)?.options([("statement_timeout", "0")]).connect().await?)
}

/// Applies what is missing; returns how many migrations were applied. Safe to call from several
/// processes at once (PostgreSQL advisory lock).
pub async fn migrate(settings: &Settings) -> Result<usize> {
    let mut conn = owner_connection(settings).await?;
    let before = applied(&mut conn).await?.len();
    MIGRATOR.run(&mut conn).await.map_err(|cause| {
        base::Error::internal("A migration failed; nothing of it was kept. The cause names it.")
            .caused_by(cause)
    })?;
    Ok(applied(&mut conn).await?.len() - before)
}

/// Compares the database's schema to this program's.
pub async fn schema_state(settings: &Settings) -> Result<SchemaState> {
    let mut conn = owner_connection(settings).await?;
    let applied = applied(&mut conn).await?;
    let known: BTreeSet<i64> = MIGRATOR.iter().map(|m| m.version).collect();
    let missing = known.difference(&applied).count();
    let unknown = applied.difference(&known).count();
    Ok(match (missing, unknown) {
        (0, 0) => SchemaState::Current,
        (_, unknown) if unknown > 0 => SchemaState::Ahead(unknown),
        (missing, _) => SchemaState::Behind(missing),
    })
}

async fn applied(conn: &mut PgConnection) -> Result<BTreeSet<i64>> {
    let exists: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *conn)
        .await?;
    if !exists {
        return Ok(BTreeSet::new());
    }
    let versions: Vec<i64> = sqlx::query_scalar("select version from _sqlx_migrations where success")
        .fetch_all(&mut *conn)
        .await?;
    Ok(versions.into_iter().collect())
}
