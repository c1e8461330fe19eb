//! A Python with the packages of the other makers.

use std::path::{Path, PathBuf};
use tokio::process::Command;

const PACKAGES: [&str; 5] = [
    "stripe==16.1.0",
    "localstripe==1.15.10",
    "cashfree-pg==6.0.1",
    "x402[evm,httpx]==2.25.0",
    "eth-account==0.14.0",
];

/// `AGENCY_TEST_PYTHON` when it has the packages, or an environment of our own that is made once
/// below the target folder.
pub(super) struct Python(PathBuf);

impl Python {
    pub(super) async fn ready() -> Self {
        if let Some(given) = std::env::var_os("AGENCY_TEST_PYTHON").map(PathBuf::from)
            && has_all(&given).await
        {
            return Self(given);
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let lock = std::fs::File::create(folder.join("vendors-python.lock")).unwrap();
        // Tests run as processes side by side.
        tokio::task::block_in_place(|| lock.lock()).unwrap();
        let environment = folder.join("vendors-python");
        let python = environment.join("bin/python");
        if !has_all(&python).await {
            succeeds(Command::new("python3").args(["-m", "venv"]).arg(&environment)).await;
            let pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
            succeeds(Command::new(&python).args(pip).args(PACKAGES)).await;
        }
        Self(python)
    }

    pub(super) fn program(&self) -> &Path {
        &self.0
    }

    /// Runs a script of this folder; what it printed.
    pub(super) async fn run(&self, script: &str, args: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/third_party").join(script);
        succeeds(Command::new(&self.0).arg(script).args(args)).await
    }
}

async fn has_all(python: &Path) -> bool {
    let import = "import stripe, localstripe, cashfree_pg, x402, eth_account, httpx";
    Command::new(python).args(["-c", import]).output().await.is_ok_and(|output| output.status.success())
}

pub(super) async fn succeeds(command: &mut Command) -> String {
    let output =
        command.output().await.unwrap_or_else(|cause| panic!("{command:?} cannot be started: {cause}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
