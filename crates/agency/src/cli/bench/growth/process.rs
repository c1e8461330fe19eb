//! Processes of this program over a scratch database.

use super::super::scratch::Scratch;
use super::memory;
use base::{Error, Result};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// One running role.
pub(super) struct Process {
    child: Child,
    role: &'static str,
}

fn failed(role: &str, what: &str, cause: std::io::Error) -> Error {
    Error::unavailable("bench.process", format!("agency {role}: {what}.")).caused_by(cause)
}

impl Process {
    /// Starts `agency ROLE`; settings of the environment are left out.
    pub(super) fn start(scratch: &Scratch, role: &'static str) -> Result<Self> {
        let program =
            std::env::current_exe().map_err(|cause| failed(role, "this program is not found", cause))?;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AGENCY"))
        {
            command.env_remove(name);
        }
        let child = command
            .arg(role)
            .current_dir(&scratch.settings.state_dir)
            .env("DATABASE_URL", scratch.settings.database.url.expose())
            .env("AGENCY_STATE", &scratch.settings.state_dir)
            .env("AGENCY__LOG__FILTER", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| failed(role, "it does not start", cause))?;
        Ok(Self { child, role })
    }

    /// Whether it ended by itself, which is a failure.
    pub(super) fn check(&mut self) -> Result<()> {
        match self.child.try_wait().map_err(|cause| failed(self.role, "it cannot be asked", cause))? {
            None => Ok(()),
            Some(status) => Err(Error::unavailable(
                "bench.process",
                format!("agency {}: ended with {status}.", self.role),
            )),
        }
    }

    /// Stops it; the most memory that it held, in megabytes.
    pub(super) async fn stop(mut self) -> Result<f64> {
        let id = self.child.id().ok_or_else(|| {
            Error::unavailable("bench.process", format!("agency {} has ended already.", self.role))
        })?;
        let peak_mb = memory::peak_mb(&id.to_string())?;
        self.child.kill().await.map_err(|cause| failed(self.role, "it does not stop", cause))?;
        Ok(peak_mb)
    }
}
