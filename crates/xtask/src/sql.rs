//! Refreshes the root `.sqlx`, the record of every checked statement that builds without a
//! database read.
//!
//! sqlx's macros write a file for each statement they check when `SQLX_OFFLINE_DIR` is set while
//! they are online. So the sources are compiled once more against a scratch database that holds
//! exactly `migrations/`, and what was written is the cache. `--check` compares instead of
//! replacing; `--clippy` lints in the same pass (CI pays for one compile, not two).

use crate::migrations::Server;
use crate::tree::Tree;
use crate::{Outcome, run};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes or compares the cache.
pub(crate) fn run(args: &[String]) -> Outcome {
    let known = ["--check", "--clippy"];
    if let Some(strange) = args.iter().find(|arg| !known.contains(&arg.as_str())) {
        return Err(format!("unknown argument '{strange}'; use {}", known.join(" ")));
    }
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let server = Server::of_environment()?;
    let database = format!("agency_sql_{}", std::process::id());
    server.create(&database)?;
    let fresh = compile(&server, &database, has("--clippy"));
    server.drop(&database)?;
    let fresh = fresh?;
    let cache = run::root().join(".sqlx");
    let old = contents(&cache)?;
    if has("--check") { compare(&old, &fresh) } else { replace(&cache, &old, &fresh) }
}

/// File name to content.
type Cache = BTreeMap<String, String>;

fn compile(server: &Server, database: &str, clippy: bool) -> Result<Cache, String> {
    let count = server.migrate(database)?;
    println!("sql: {count} migrations applied to a scratch database");
    let fresh = run::root().join("target").join("sqlx-fresh");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh)
            .map_err(|error| format!("cannot empty {}: {error}", fresh.display()))?;
    }
    std::fs::create_dir_all(&fresh).map_err(|error| format!("cannot create {}: {error}", fresh.display()))?;
    touch_users()?;
    let args: &[&str] = if clippy {
        &["clippy", "--locked", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]
    } else {
        &["check", "--locked", "--workspace", "--all-targets", "--quiet"]
    };
    let mut command = run::command("cargo", args);
    command
        .env("DATABASE_URL", server.address(database))
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &fresh);
    run::show(command)?;
    contents(&fresh)
}

/// Makes cargo compile every crate with checked statements again.
fn touch_users() -> Outcome {
    let root = run::root();
    let tree = Tree::read(&root)?;
    let mut users: Vec<&str> = tree
        .files
        .iter()
        .filter(|file| file.is_rust() && file.text.contains("query"))
        .filter_map(|file| file.crate_name())
        .collect();
    users.dedup();
    let roots: Vec<String> = tree
        .files
        .iter()
        .filter(|file| file.crate_name().is_some_and(|name| users.contains(&name)))
        .filter(|file| {
            let rest = file.path.splitn(3, '/').nth(2).unwrap_or_default();
            let test = rest.starts_with("tests/") && file.is_rust();
            matches!(rest, "src/lib.rs" | "src/main.rs") || test
        })
        .map(|file| file.path.clone())
        .collect();
    if roots.is_empty() {
        return Ok(());
    }
    let args: Vec<&str> = roots.iter().map(String::as_str).collect();
    run::show(run::command("touch", &args))
}

fn contents(folder: &Path) -> Result<Cache, String> {
    let mut found = Cache::new();
    let Ok(listed) = std::fs::read_dir(folder) else { return Ok(found) };
    for entry in listed {
        let path = entry.map_err(|error| format!("cannot list {}: {error}", folder.display()))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with("query-") {
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("cannot read {name}: {error}"))?;
            found.insert(name, text);
        }
    }
    Ok(found)
}

fn compare(old: &Cache, fresh: &Cache) -> Outcome {
    let missing = fresh.keys().filter(|name| !old.contains_key(*name)).count();
    let gone = old.keys().filter(|name| !fresh.contains_key(*name)).count();
    let changed =
        fresh.iter().filter(|(name, text)| old.get(*name).is_some_and(|known| known != *text)).count();
    if missing + gone + changed == 0 {
        println!("sql: .sqlx holds the {} statements of the sources", fresh.len());
        return Ok(());
    }
    Err(format!(
        ".sqlx is stale: {missing} statements missing, {changed} changed, {gone} no longer used; run `cargo x sql`"
    ))
}

fn replace(cache: &Path, old: &Cache, fresh: &Cache) -> Outcome {
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", cache.display());
    std::fs::create_dir_all(cache).map_err(failed)?;
    for name in old.keys().filter(|name| !fresh.contains_key(*name)) {
        std::fs::remove_file(cache.join(name)).map_err(failed)?;
    }
    for (name, text) in fresh.iter().filter(|(name, text)| old.get(*name) != Some(*text)) {
        std::fs::write(cache.join(name), text).map_err(failed)?;
    }
    println!("sql: .sqlx holds {} statements", fresh.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(files: &[(&str, &str)]) -> Cache {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_stale_cache_is_told_apart_from_a_fresh_one() {
        let fresh = cache(&[("query-1.json", "a"), ("query-2.json", "b")]);
        assert!(compare(&fresh, &fresh).is_ok());
        for old in [cache(&[("query-1.json", "a")]), cache(&[("query-1.json", "x"), ("query-2.json", "b")])] {
            assert!(compare(&old, &fresh).is_err());
        }
        assert!(compare(&fresh, &cache(&[("query-1.json", "a")])).is_err());
    }

    #[test]
    fn replacing_leaves_exactly_the_fresh_files() {
        let dir = std::env::temp_dir().join(format!("xtask-sqlx-{}", std::process::id()));
        let old = cache(&[("query-1.json", "a"), ("query-2.json", "b")]);
        replace(&dir, &Cache::new(), &old).expect("written");
        let fresh = cache(&[("query-2.json", "c"), ("query-3.json", "d")]);
        replace(&dir, &contents(&dir).expect("read"), &fresh).expect("written");
        assert_eq!(contents(&dir).expect("read"), fresh);
        std::fs::remove_dir_all(&dir).expect("removable");
    }
}
