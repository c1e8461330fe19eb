//! The private PostgreSQL of `agency up`: made once, started and stopped with the program, reached
//! over a socket that only its owner may open; it listens on no network.

pub mod binaries;
pub mod owner;
mod place;

pub use place::Place;

use base::{Error, Result};
use binaries::Binaries;
use owner::User;
use std::{path::Path, process::Command};

/// A cluster that runs.
#[derive(Debug)]
pub struct Cluster {
    place: Place,
    binaries: Binaries,
    user: Option<User>,
    ours: bool,
}

/// Seconds in which the server must come up or go down.
const PATIENCE_S: &str = "60";

impl Cluster {
    /// Starts the cluster of a state folder, making it first where there is none. One that still
    /// runs, because its program was killed, is taken over.
    ///
    /// # Errors
    /// Unavailable, saying what is missing or what PostgreSQL said.
    pub fn start(state_dir: &Path) -> Result<Self> {
        let user = owner::needed()?;
        let place = Place::of(state_dir, user)?;
        let binaries = binaries::find(place.version())?;
        let cluster = Self { place, binaries, user, ours: true };
        if !cluster.place.is_made() {
            cluster.make()?;
        }
        if cluster.runs()? {
            tracing::warn!("PostgreSQL of this state folder still ran; it is taken over");
            return Ok(cluster);
        }
        cluster.configure()?;
        cluster.launch()?;
        Ok(cluster)
    }

    /// The cluster of a state folder, if it runs at this moment; it is left running.
    ///
    /// # Errors
    /// Unavailable, when it was made but its programs are gone.
    pub fn attach(state_dir: &Path) -> Result<Option<Self>> {
        let user = owner::needed()?;
        let place = Place::of(state_dir, user)?;
        if !place.is_made() {
            return Ok(None);
        }
        let binaries = binaries::find(place.version())?;
        let cluster = Self { place, binaries, user, ours: false };
        Ok(cluster.runs()?.then_some(cluster))
    }

    /// The URL of the database.
    pub fn url(&self) -> String {
        self.place.url()
    }

    /// The version of the server.
    pub fn version(&self) -> u32 {
        self.binaries.version
    }

    /// Stops it, if this process started it: running statements are ended, everything is kept.
    ///
    /// # Errors
    /// Unavailable, with what PostgreSQL said.
    pub fn stop(self) -> Result<()> {
        if !self.ours {
            return Ok(());
        }
        let mut command = self.command("pg_ctl");
        command.args(["stop", "-s", "-w", "-m", "fast", "-t", PATIENCE_S, "-D"]).arg(&self.place.data);
        self.run(command, "PostgreSQL did not stop")
    }

    fn make(&self) -> Result<()> {
        let home = self.place.data.parent().unwrap_or(&self.place.data);
        // A half-made folder of an interrupted first start is made again; it holds no data yet.
        let half = home.join("data.unfinished");
        let result = (|| {
            owner::private_folder(home, self.user)?;
            if half.exists() {
                std::fs::remove_dir_all(&half)?;
            }
            owner::private_folder(&half, self.user)
        })();
        result.map_err(|cause| self.no_place(cause))?;
        let mut made = Ok(());
        // Names and texts of many languages are compared and folded, so that plain C will not do.
        for locale in ["C.UTF-8", "en_US.UTF-8", "C"] {
            let mut command = self.command("initdb");
            command
                .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", locale, "-D"])
                .arg(&half);
            made = self.run(command, "The PostgreSQL cluster could not be made");
            if made.is_ok() {
                break;
            }
        }
        made?;
        std::fs::rename(&half, &self.place.data).map_err(|cause| self.no_place(cause))
    }

    fn configure(&self) -> Result<()> {
        let quoted = |path: &Path| path.to_string_lossy().replace('\'', "''");
        let text = format!(
            "# Written by `agency up` at every start.\n\
             listen_addresses = ''\n\
             unix_socket_directories = '{}'\n\
             unix_socket_permissions = 0700\n\
             max_connections = 100\n\
             shared_buffers = 256MB\n\
             autovacuum_naptime = 15s\n\
             log_min_duration_statement = 500\n\
             log_line_prefix = '%m [%p] '\n\
             timezone = 'UTC'\n",
            quoted(&self.place.socket)
        );
        let result = (|| {
            owner::private_folder(&self.place.socket, self.user)?;
            let file = self.place.data.join("agency.conf");
            std::fs::write(&file, text)?;
            if let Some(user) = self.user {
                user.takes(&file)?;
            }
            let main = self.place.data.join("postgresql.conf");
            let mut before = std::fs::read_to_string(&main)?;
            if !before.contains("include_if_exists = 'agency.conf'") {
                before.push_str("\ninclude_if_exists = 'agency.conf'\n");
                std::fs::write(&main, before)?;
            }
            Ok(())
        })();
        result.map_err(|cause: std::io::Error| self.no_place(cause))
    }

    fn launch(&self) -> Result<()> {
        let mut command = self.command("pg_ctl");
        command
            .args(["start", "-s", "-w", "-t", PATIENCE_S, "-l"])
            .arg(&self.place.log)
            .arg("-D")
            .arg(&self.place.data);
        // The server outlives pg_ctl: it must not hold our pipes open.
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let status = command.status().map_err(|cause| self.no_program(cause))?;
        if status.success() {
            return Ok(());
        }
        let log = std::fs::read_to_string(&self.place.log).unwrap_or_default();
        let mut last: Vec<&str> = log.lines().rev().take(8).collect();
        last.reverse();
        Err(Error::unavailable(
            "postgres.start",
            format!(
                "PostgreSQL does not start. The end of {}:\n{}",
                self.place.log.display(),
                last.join("\n")
            ),
        ))
    }

    fn runs(&self) -> Result<bool> {
        let mut command = self.command("pg_ctl");
        let output = command
            .arg("status")
            .arg("-D")
            .arg(&self.place.data)
            .output()
            .map_err(|cause| self.no_program(cause))?;
        Ok(output.status.success())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        // The server's user may not be allowed to stand where we do.
        command.current_dir("/").env("LC_ALL", "C").env_remove("PGDATA").stdin(std::process::Stdio::null());
        if let Some(user) = self.user {
            user.becomes(&mut command);
        }
        command
    }

    fn run(&self, mut command: Command, failed: &str) -> Result<()> {
        let output = command.output().map_err(|cause| self.no_program(cause))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::unavailable("postgres.failed", format!("{failed}: {}", said.trim())))
    }

    fn no_program(&self, cause: std::io::Error) -> Error {
        Error::unavailable(
            "postgres.program",
            format!("A program of PostgreSQL in {} cannot be run.", self.binaries.folder.display()),
        )
        .caused_by(cause)
    }

    fn no_place(&self, cause: std::io::Error) -> Error {
        Error::unavailable(
            "postgres.folder",
            format!(
                "The folder of the private PostgreSQL, {}, cannot be written. Choose another state folder (AGENCY_STATE), or set DATABASE_URL.",
                self.place.data.display()
            ),
        )
        .caused_by(cause)
    }
}
