//! A Node.js with the packages of the other makers.

use std::path::{Path, PathBuf};
use tokio::process::Command;

const PACKAGES: [&str; 11] = [
    "stripe@23.1.0",
    "resend@6.38.0",
    "standardwebhooks@1.1.1",
    "svix@1.99.1",
    "postmark@5.1.0",
    "twilio@6.2.0",
    "telnyx@7.24.0",
    "@vapi-ai/server-sdk@2.0.1",
    "@elevenlabs/elevenlabs-js@2.73.0",
    "@deepgram/sdk@5.13.0",
    "@lob/lob-typescript-sdk@1.4.2",
];

/// `AGENCY_TEST_NODE_MODULES` when it has the packages, or a folder of our own that is filled once below
/// the target folder.
pub(super) struct Node(PathBuf);

impl Node {
    pub(super) async fn ready() -> Self {
        if let Some(given) = std::env::var_os("AGENCY_TEST_NODE_MODULES").map(PathBuf::from)
            && has_all(&given)
        {
            return Self(given);
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let lock = std::fs::File::create(folder.join("vendors-node.lock")).unwrap();
        // Tests run as processes side by side.
        tokio::task::block_in_place(|| lock.lock()).unwrap();
        let own = folder.join("vendors-node");
        let modules = own.join("node_modules");
        if !has_all(&modules) {
            std::fs::create_dir_all(&own).unwrap();
            let install = ["install", "--no-audit", "--no-fund", "--no-save", "--silent", "--prefix"];
            let mut npm = Command::new("npm");
            super::python::succeeds(npm.args(install).arg(&own).args(PACKAGES)).await;
        }
        Self(modules)
    }

    /// Runs a script of this folder; what it printed. It finds the packages by the folder in argv[2].
    pub(super) async fn run(&self, script: &str, args: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/third_party").join(script);
        super::python::succeeds(Command::new("node").arg(script).arg(&self.0).args(args)).await
    }
}

fn has_all(modules: &Path) -> bool {
    PACKAGES.iter().all(|package| {
        let (name, version) = package.rsplit_once('@').unwrap();
        std::fs::read_to_string(modules.join(name).join("package.json"))
            .is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
    })
}
