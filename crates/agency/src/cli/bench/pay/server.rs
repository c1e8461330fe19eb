//! `agency serve` as a process of its own.

use super::super::{client::User, scratch::Scratch};
use base::{Error, Result};
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub(super) at: SocketAddr,
}

fn failed(what: &str, cause: std::io::Error) -> Error {
    Error::unavailable("bench.serve", format!("agency serve: {what}.")).caused_by(cause)
}

impl Server {
    /// Starts it over a scratch database and waits until it answers.
    pub(super) async fn start(scratch: &Scratch) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|cause| failed("no free port", cause))?;
        let at = listener.local_addr().map_err(|cause| failed("a port without a number", cause))?;
        drop(listener);
        let program = std::env::current_exe().map_err(|cause| failed("this program is not found", cause))?;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AGENCY"))
        {
            command.env_remove(name);
        }
        let child = command
            .arg("serve")
            .current_dir(&scratch.settings.state_dir)
            .env("DATABASE_URL", scratch.settings.database.url.expose())
            .env("AGENCY_STATE", &scratch.settings.state_dir)
            .env("AGENCY__WEB__LISTEN", at.to_string())
            .env("AGENCY__LOG__FILTER", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| failed("it does not start", cause))?;
        let mut server = Self { child, at };
        let began = Instant::now();
        loop {
            if let Ok(mut user) = User::connect(at, None).await
                && user.get_plain("/health/ready").await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok(server);
            }
            let ended = server.child.try_wait().map_err(|cause| failed("it cannot be asked", cause))?;
            if ended.is_some() || began.elapsed() > PATIENCE {
                return Err(Error::unavailable("bench.serve", "agency serve did not come up."));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops it.
    pub(super) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.map_err(|cause| failed("it does not stop", cause))
    }
}
