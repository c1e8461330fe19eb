//! Where the demonstration lives: a database of its own, made anew each time.

use crate::settings::Settings;
use base::{Error, Result, Secret};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use std::str::FromStr;

/// The name of the database that is kept to be looked at.
pub const NAME: &str = "agency_demo";

/// Makes the database anew, next to the one that the settings name, and returns the settings that
/// reach it, with a state folder of its own. What an earlier demonstration left there is dropped.
///
/// # Errors
/// Unavailable when the server does not answer or may not make databases, or when the folder cannot
/// be used.
pub async fn make(settings: &Settings, name: &str) -> Result<Settings> {
    let mut own = settings.clone();
    own.state_dir = settings.state_dir.join("demo");
    fresh_folder(&own)?;
    let mut server = connect(&settings.database.url).await?;
    run(&mut server, &format!("drop database if exists {name} with (force)")).await?;
    run(&mut server, &format!("create database {name} template template0")).await?;
    // It can be made again from its seed, so that no commit waits for the disk.
    run(&mut server, &format!("alter database {name} set synchronous_commit = off")).await?;
    own.database.url = Secret::new(other_database(settings.database.url.expose(), name));
    db::migrate(&own.database).await?;
    Ok(own)
}

/// Drops a database that nobody will look at.
///
/// # Errors
/// Unavailable when the server does not answer.
pub async fn drop(settings: &Settings, name: &str) -> Result<()> {
    let mut server = connect(&settings.database.url).await?;
    run(&mut server, &format!("drop database if exists {name} with (force)")).await
}

/// Lets the database count what it holds.
pub(super) async fn analyze(settings: &Settings) -> Result<()> {
    let mut owner = connect(&settings.database.url).await?;
    run(&mut owner, "analyze").await
}

async fn run(server: &mut PgConnection, sql: &str) -> Result<()> {
    // The statements are made above, of names that are fixed or numbers.
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(server).await?;
    Ok(())
}

fn fresh_folder(settings: &Settings) -> Result<()> {
    let folder = &settings.state_dir;
    let unusable = |cause: std::io::Error| {
        Error::unavailable("demo.folder", format!("The folder {} cannot be made anew.", folder.display()))
            .caused_by(cause)
    };
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(unusable)?;
    }
    std::fs::create_dir_all(folder).map_err(unusable)
}

async fn connect(url: &Secret) -> Result<PgConnection> {
    let options = PgConnectOptions::from_str(url.expose())?;
    Ok(PgConnection::connect_with(&options).await?)
}

/// The URL of another database of the same server.
fn other_database(url: &str, name: &str) -> String {
    let (before, parameters) = url.split_once('?').map_or((url, ""), |(before, after)| (before, after));
    let after_scheme = before.find("://").map_or(0, |at| at + 3);
    let server = before[after_scheme..].find('/').map_or(before, |slash| &before[..after_scheme + slash]);
    let mark = if parameters.is_empty() { "" } else { "?" };
    format!("{server}/{name}{mark}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::other_database;

    #[test]
    fn the_database_next_door_has_the_same_server_and_parameters() {
        for (url, expected) in [
            ("postgres://a:b@h:1/x", "postgres://a:b@h:1/y"),
            ("postgres://h", "postgres://h/y"),
            ("postgres://a@localhost/x?host=%2Ftmp", "postgres://a@localhost/y?host=%2Ftmp"),
        ] {
            assert_eq!(other_database(url, "y"), expected);
        }
    }
}
