//! Applies `migrations/` to a database through `psql`, and records them as sqlx's migrator does,
//! so that `agency migrate` finds nothing left to do.

use crate::run;
use std::path::PathBuf;

/// The bookkeeping table of sqlx 0.9 (sqlx-postgres, `src/migrate.rs`).
const TABLE: &str = "create table if not exists _sqlx_migrations (version bigint primary key, \
description text not null, installed_on timestamptz not null default now(), success boolean not null, \
checksum bytea not null, execution_time bigint not null)";

/// A PostgreSQL address split into server and database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// Everything before the database name, with the last `/`.
    base: String,
    /// The database that the address names.
    pub(crate) database: String,
    /// `?…`, or nothing.
    options: String,
}

impl Server {
    /// Reads an address such as `postgres://user@host:5432/name?options`.
    pub(crate) fn parse(address: &str) -> Result<Server, String> {
        let wrong = || format!("'{address}' is no address of the form postgres://user@host:port/database");
        let rest = address.strip_prefix("postgres://").or_else(|| address.strip_prefix("postgresql://"));
        let rest = rest.ok_or_else(wrong)?;
        let (host, name) = rest.split_once('/').ok_or_else(wrong)?;
        let (name, options) = match name.split_once('?') {
            Some((name, options)) => (name, format!("?{options}")),
            None => (name, String::new()),
        };
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if host.is_empty() || !plain {
            return Err(wrong());
        }
        Ok(Server { base: format!("postgres://{host}/"), database: name.to_owned(), options })
    }

    /// The server that the developer uses: `DATABASE_URL`, else the line in `.env`.
    pub(crate) fn of_environment() -> Result<Server, String> {
        if let Ok(address) = std::env::var("DATABASE_URL") {
            return Server::parse(&address);
        }
        let file = std::fs::read_to_string(run::root().join(".env")).unwrap_or_default();
        let line = file.lines().find_map(|line| line.trim().strip_prefix("DATABASE_URL="));
        let address = line.ok_or(
            "set DATABASE_URL (or put it into .env) to a PostgreSQL server you may create databases on",
        )?;
        Server::parse(address.trim_matches('"'))
    }

    /// The address of another database on the same server.
    pub(crate) fn address(&self, database: &str) -> String {
        format!("{}{database}{}", self.base, self.options)
    }

    /// Runs statements one by one in `database`; the first error stops.
    pub(crate) fn execute(&self, database: &str, statements: &[&str]) -> Result<(), String> {
        let address = self.address(database);
        let mut args = vec!["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &address];
        for statement in statements {
            args.extend(["-c", statement]);
        }
        run::read(run::command("psql", &args)).map(drop)
    }

    /// Creates an empty database; one of that name is dropped first.
    pub(crate) fn create(&self, database: &str) -> Result<(), String> {
        self.drop(database)?;
        self.execute("postgres", &[&format!("create database {database}")])
    }

    /// Drops a database with the connections to it; nothing happens when there is none.
    pub(crate) fn drop(&self, database: &str) -> Result<(), String> {
        self.execute("postgres", &[&format!("drop database if exists {database} with (force)")])
    }

    /// Applies all migrations in order, each in one transaction unless its first line says otherwise.
    pub(crate) fn migrate(&self, database: &str) -> Result<usize, String> {
        let address = self.address(database);
        self.execute(database, &[TABLE])?;
        let files = files()?;
        for migration in &files {
            let path = migration.path.display().to_string();
            let mut args = vec!["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &address];
            if migration.in_transaction {
                args.push("--single-transaction");
            }
            let record = migration.record();
            args.extend(["-f", &path, "-c", &record]);
            run::read(run::command("psql", &args))?;
        }
        Ok(files.len())
    }
}

/// One file of `migrations/`.
struct Migration {
    path: PathBuf,
    version: u64,
    description: String,
    checksum: String,
    in_transaction: bool,
}

impl Migration {
    fn record(&self) -> String {
        format!(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
             values ({}, '{}', true, '\\x{}', 0)",
            self.version,
            self.description.replace('\'', "''"),
            self.checksum
        )
    }
}

/// All migrations in the order of their stamps.
fn files() -> Result<Vec<Migration>, String> {
    let folder = run::root().join("migrations");
    let listed = std::fs::read_dir(&folder).map_err(|error| format!("cannot list migrations/: {error}"))?;
    let mut found = Vec::new();
    for entry in listed {
        let path = entry.map_err(|error| format!("cannot list migrations/: {error}"))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some(stem) = name.strip_suffix(".sql") else { continue };
        let (stamp, what) = stem.split_once('_').ok_or(format!("migrations/{name} has no stamp"))?;
        let version = stamp.parse().map_err(|_| format!("migrations/{name}: '{stamp}' is no stamp"))?;
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read migrations/{name}: {error}"))?;
        let sum = run::read(run::command("sha384sum", &["-b", &path.display().to_string()]))?;
        let checksum = sum.split_whitespace().next().unwrap_or_default().to_owned();
        let in_transaction = !text.starts_with("-- no-transaction");
        found.push(Migration {
            path,
            version,
            description: what.replace('_', " "),
            checksum,
            in_transaction,
        });
    }
    found.sort_by_key(|migration| migration.version);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_and_put_together() {
        let server =
            Server::parse("postgres://me@127.0.0.1:5432/agency_dev?sslmode=disable").expect("address");
        assert_eq!(server.database, "agency_dev");
        assert_eq!(server.address("other"), "postgres://me@127.0.0.1:5432/other?sslmode=disable");
        for wrong in ["mysql://a/b", "postgres://host", "postgres:///x", "postgres://h/a b"] {
            assert!(Server::parse(wrong).is_err(), "{wrong}");
        }
    }
}
