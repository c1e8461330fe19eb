//! The twin of Apify, driven by Apify's own client from npm: what our client is tested against is what theirs takes.

use std::path::Path;
use tokio::process::Command;
use twins::data::{Company, DataTwin};

/// The version that the facts about the service were read from.
const CLIENT: &str = "apify-client@2.25.0";

async fn succeeds(command: &mut Command) -> String {
    let output =
        command.output().await.unwrap_or_else(|cause| panic!("{command:?} cannot be started: {cause}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A folder with the client, filled once below the target folder.
async fn modules() -> std::path::PathBuf {
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vendors-apify");
    let found = own.join("node_modules/apify-client/package.json");
    if !found.exists() {
        std::fs::create_dir_all(&own).expect("a folder below the target folder");
        let install = ["install", "--no-audit", "--no-fund", "--no-save", "--silent", "--prefix"];
        succeeds(Command::new("npm").args(install).arg(&own).arg(CLIENT)).await;
    }
    own.join("node_modules")
}

#[tokio::test(flavor = "multi_thread")]
async fn apifys_own_client_runs_an_actor_at_the_twin_and_reads_its_items() {
    let twin = DataTwin::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    twin.know_company(Company {
        name: "Harbour Dental".into(),
        domain: "harbour.example".into(),
        city: "Sydney".into(),
        phone: "+61 2 9374 4000".into(),
        industry: "Dentist".into(),
        ..Company::default()
    });
    let base = twin.url("apify").trim_end_matches("/v2").to_owned();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data_sdk/apify.mjs");
    let said = succeeds(Command::new("node").arg(script).arg(modules().await).arg(base)).await;
    assert_eq!(said.trim(), "RUNNING SUCCEEDED 0.004 Harbour Dental +61293744000 record-not-found");
    assert_eq!(twin.charged("apify"), 1);
}
