//! A database for one measurement, on the server of the settings or on a private one made for it.

use crate::{cluster::Cluster, settings::Settings};
use base::{Error, Random, Result, Secret, SystemClock};
use db::Db;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use std::{path::PathBuf, str::FromStr, sync::Arc};

/// A scratch database, to be [dropped](Scratch::drop).
pub(super) struct Scratch {
    /// Settings that reach it.
    pub(super) settings: Settings,
    server: Secret,
    name: String,
    cluster: Option<Cluster>,
    state: PathBuf,
}

impl Scratch {
    /// Makes an empty, migrated database.
    pub(super) async fn make(mut settings: Settings) -> Result<Self> {
        let state = std::env::temp_dir().join(format!("agency-bench-{}", std::process::id()));
        std::fs::create_dir_all(&state).map_err(|cause| {
            Error::unavailable("bench.folder", format!("{} cannot be made.", state.display()))
                .caused_by(cause)
        })?;
        let mut cluster = None;
        if settings.database.url.is_empty() {
            let started = Cluster::start(&state)?;
            settings.database.url = Secret::new(started.url());
            cluster = Some(started);
        }
        let server = settings.database.url.clone();
        let name = format!("agency_bench_{}", std::process::id());
        let mut conn = connect(&server).await?;
        sqlx::query(AssertSqlSafe(format!("create database {name} template template0")))
            .execute(&mut conn)
            .await?;
        settings.database.url = Secret::new(other_database(server.expose(), &name));
        settings.state_dir.clone_from(&state);
        let scratch = Self { settings, server, name, cluster, state };
        match db::migrate(&scratch.settings.database).await {
            Ok(_) => Ok(scratch),
            Err(error) => {
                scratch.drop().await?;
                Err(error)
            }
        }
    }

    /// A handle to it.
    pub(super) async fn connect(&self) -> Result<Db> {
        Db::connect(&self.settings.database, Arc::new(SystemClock), Arc::new(Random::system())).await
    }

    /// A connection as its owner, past row security.
    pub(super) async fn owner(&self) -> Result<PgConnection> {
        connect(&self.settings.database.url).await
    }

    /// Drops the database and everything made for it.
    pub(super) async fn drop(self) -> Result<()> {
        let mut conn = connect(&self.server).await?;
        sqlx::query(AssertSqlSafe(format!("drop database if exists {} with (force)", self.name)))
            .execute(&mut conn)
            .await?;
        drop(conn);
        if let Some(cluster) = self.cluster {
            cluster.stop()?;
        }
        std::fs::remove_dir_all(&self.state).map_err(|cause| {
            Error::unavailable("bench.folder", format!("{} cannot be removed.", self.state.display()))
                .caused_by(cause)
        })
    }
}

async fn connect(url: &Secret) -> Result<PgConnection> {
    let options = PgConnectOptions::from_str(url.expose())?;
    Ok(PgConnection::connect_with(&options).await?)
}

/// The URL of another database of the same server.
fn other_database(url: &str, name: &str) -> String {
    let (before, parameters) =
        url.split_once('?').map_or((url, None), |(before, after)| (before, Some(after)));
    let after_scheme = before.find("://").map_or(0, |at| at + 3);
    let server = before[after_scheme..].find('/').map_or(before, |slash| &before[..after_scheme + slash]);
    match parameters {
        Some(parameters) => format!("{server}/{name}?{parameters}"),
        None => format!("{server}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::other_database;

    #[test]
    fn only_the_name_of_the_database_changes() {
        for (url, expected) in [
            ("postgres://a:b@h:1/x", "postgres://a:b@h:1/y"),
            ("postgres://h", "postgres://h/y"),
            ("postgres://a@localhost/x?host=%2Ftmp", "postgres://a@localhost/y?host=%2Ftmp"),
        ] {
            assert_eq!(other_database(url, "y"), expected);
        }
    }
}
