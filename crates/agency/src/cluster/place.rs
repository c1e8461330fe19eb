//! Where the private cluster lies and where its socket is.

use super::owner::User;
use base::{Digest, Error, Result};
use std::path::{Path, PathBuf};

/// A socket's path may be about 107 bytes long; its name in the folder takes 20 of them.
const SOCKET_FOLDER_BYTES_MAX: usize = 80;

/// Folders of the private cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The data.
    pub data: PathBuf,
    /// The folder of the socket.
    pub socket: PathBuf,
    /// PostgreSQL's own log.
    pub log: PathBuf,
}

impl Place {
    /// Below the state folder; elsewhere only where the user of the server cannot get there (as a
    /// rule a root's home), or where the path is too long for a socket.
    ///
    /// # Errors
    /// Unavailable when the state folder has no absolute path.
    pub fn of(state_dir: &Path, user: Option<User>) -> Result<Self> {
        let state = std::path::absolute(state_dir).map_err(|cause| {
            Error::unavailable(
                "state.folder",
                format!("The state folder {} cannot be used.", state_dir.display()),
            )
            .caused_by(cause)
        })?;
        let name = Digest::of(state.as_os_str().as_encoded_bytes()).to_string()[..12].to_owned();
        let below = state.join("postgres");
        let home = match user {
            Some(user) if !user.reaches(&below.join("data")) => Path::new("/var/lib/agency-os").join(&name),
            Some(_) | None => below,
        };
        let socket = home.join("run");
        let socket = if socket.as_os_str().len() > SOCKET_FOLDER_BYTES_MAX {
            std::env::temp_dir().join(format!("agency-{name}"))
        } else {
            socket
        };
        Ok(Self { data: home.join("data"), socket, log: home.join("postgres.log") })
    }

    /// The URL of the database in it.
    pub fn url(&self) -> String {
        let folder: String = self
            .socket
            .to_string_lossy()
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect();
        format!("postgres://postgres@localhost/postgres?host={folder}")
    }

    /// Whether a cluster was made here.
    pub fn is_made(&self) -> bool {
        self.data.join("PG_VERSION").is_file()
    }

    /// The version that made it.
    pub fn version(&self) -> Option<u32> {
        std::fs::read_to_string(self.data.join("PG_VERSION")).ok()?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_state_folder_gets_a_short_socket() {
        let long = PathBuf::from(format!("/tmp/{}", "x".repeat(120)));
        let place = Place::of(&long, None).unwrap();
        assert!(place.socket.as_os_str().len() <= SOCKET_FOLDER_BYTES_MAX);
        assert!(place.data.starts_with(&long));
        let short = Place::of(Path::new("/tmp/a b"), None).unwrap();
        assert_eq!(short.socket, Path::new("/tmp/a b/postgres/run"));
        assert!(short.url().ends_with("host=%2Ftmp%2Fa%20b%2Fpostgres%2Frun"));
    }
}
