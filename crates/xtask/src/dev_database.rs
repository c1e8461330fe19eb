//! Rebuilds the developer's database from `migrations/`.
//!
//! The next one is built beside it and the names are swapped, so that compiles that look at it
//! miss it for less than a second. Its rows are lost; it is a database for checking SQL.

use crate::migrations::Server;
use crate::{Outcome, run};
use std::time::Instant;

/// Builds, swaps, drops the old one.
pub(crate) fn run(_args: &[String]) -> Outcome {
    let server = Server::of_environment()?;
    let name = &server.database;
    if name == "postgres" || name.starts_with("template") {
        return Err(format!("'{name}' belongs to the server; name a database of your own in DATABASE_URL"));
    }
    let next = format!("{name}_next");
    let old = format!("{name}_old");
    server.create(&next)?;
    let count = match server.migrate(&next) {
        Ok(count) => count,
        Err(error) => {
            server.drop(&next)?;
            return Err(format!("{error}\n{name} is left as it was"));
        }
    };
    server.drop(&old)?;
    let began = Instant::now();
    swap(&server, name, &next, &old)?;
    let gone_ms = began.elapsed().as_millis();
    server.drop(&old)?;
    println!("db: {name} rebuilt from {count} migrations, gone for at most {gone_ms} ms");
    Ok(())
}

/// Renames in one psql session; someone may connect in between, so it is tried a few times.
fn swap(server: &Server, name: &str, next: &str, old: &str) -> Outcome {
    let exists = format!("select 1 from pg_database where datname = '{name}'");
    let address = server.address("postgres");
    let found = run::read(run::command("psql", &["-X", "-A", "-t", "-d", &address, "-c", &exists]))?;
    let close = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname in ('{name}', '{next}')"
    );
    let to_old = format!("alter database {name} rename to {old}");
    let to_new = format!("alter database {next} rename to {name}");
    let mut last = String::new();
    for _ in 0..20 {
        let statements: &[&str] =
            if found.trim() == "1" { &[&close, &to_old, &to_new] } else { &[&close, &to_new] };
        match server.execute("postgres", statements) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
        // The first rename may have gone through.
        if server.execute("postgres", &[&to_new]).is_ok() {
            return Ok(());
        }
    }
    Err(format!("cannot swap the databases: {last}"))
}
