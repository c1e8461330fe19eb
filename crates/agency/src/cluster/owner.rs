//! As whom PostgreSQL runs: it refuses root, so that root hands it to the user `postgres`.

use base::{Error, Result};
use std::{
    os::unix::fs::{MetadataExt, PermissionsExt},
    os::unix::process::CommandExt,
    path::Path,
    process::Command,
};

/// A user of the system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct User {
    uid: u32,
    gid: u32,
}

/// The user to run as; none when we may run it ourselves.
///
/// # Errors
/// Unavailable `postgres.user` when root finds no user `postgres`.
pub fn needed() -> Result<Option<User>> {
    if !is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some("postgres")).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { uid, gid })
    });
    match user {
        Some(user) => Ok(Some(user)),
        None => Err(Error::unavailable(
            "postgres.user",
            "PostgreSQL does not run as root, and there is no user `postgres` to run it as. \
             Run `agency up` as an ordinary user, or add one: useradd --system postgres.",
        )),
    }
}

/// Whether this process is root: what it owns of /proc says so without a system call of ours.
fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

impl User {
    /// Makes a command run as this user.
    pub fn becomes(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives a path to this user.
    pub fn takes(self, path: &Path) -> std::io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
    }

    /// Whether this user can pass through every folder above a path.
    pub fn reaches(self, path: &Path) -> bool {
        path.ancestors().skip(1).filter_map(|folder| std::fs::metadata(folder).ok()).all(|folder| {
            let bit = match (folder.uid() == self.uid, folder.gid() == self.gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            folder.permissions().mode() & bit != 0
        })
    }
}

/// Makes a folder that only its owner may enter, and gives it to the user.
pub fn private_folder(path: &Path, user: Option<User>) -> std::io::Result<()> {
    std::fs::create_dir_all(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    user.map_or(Ok(()), |user| user.takes(path))
}
