//! Finding PostgreSQL's server programs on this machine.

use base::{Error, Result};
use std::path::{Path, PathBuf};

/// The oldest version that will do.
pub const VERSION_MIN: u32 = 15;

/// The programs of one PostgreSQL version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Binaries {
    /// The major version.
    pub version: u32,
    /// The folder of `initdb`, `pg_ctl` and `postgres`.
    pub folder: PathBuf,
}

impl Binaries {
    /// A program of this version.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Every usable version on this machine, newest first.
pub fn all() -> Vec<Binaries> {
    let in_path = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default();
    let debian = below(Path::new("/usr/lib/postgresql"), "bin");
    let red_hat =
        below(Path::new("/usr"), "bin").into_iter().filter(|path| path.to_string_lossy().contains("pgsql"));
    let brew = below(Path::new("/opt/homebrew/opt"), "bin").into_iter();
    let mut found: Vec<Binaries> = in_path
        .into_iter()
        .chain(debian)
        .chain(red_hat)
        .chain(brew)
        .filter(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file()))
        .filter_map(|folder| version_of(&folder).map(|version| Binaries { version, folder }))
        .filter(|binaries| binaries.version >= VERSION_MIN)
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.dedup_by_key(|binaries| binaries.version);
    found
}

/// The newest version, or the one that an existing cluster needs.
///
/// # Errors
/// Unavailable `postgres.missing`, `postgres.version`, saying what to install.
pub fn find(needed: Option<u32>) -> Result<Binaries> {
    let found = all();
    match needed {
        None => found.into_iter().next().ok_or_else(missing),
        Some(version) => {
            let others: Vec<String> = found.iter().map(|b| b.version.to_string()).collect();
            found.into_iter().find(|b| b.version == version).ok_or_else(|| {
                Error::unavailable(
                    "postgres.version",
                    format!(
                        "The private cluster was made by PostgreSQL {version}, of which no programs were found (found: {}). Install PostgreSQL {version}, or move the data with pg_upgrade.",
                        if others.is_empty() { "none".to_owned() } else { others.join(", ") }
                    ),
                )
            })
        }
    }
}

fn missing() -> Error {
    Error::unavailable(
        "postgres.missing",
        format!(
            "No PostgreSQL server programs (initdb, pg_ctl, postgres; version {VERSION_MIN} or newer) were found in the PATH or under /usr/lib/postgresql. \
             Install them (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql), \
             or set DATABASE_URL to a server that runs elsewhere."
        ),
    )
}

fn below(folder: &Path, name: &str) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path().join(name)).collect()
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` is 15.
fn version_of(folder: &Path) -> Option<u32> {
    let output = std::process::Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
