//! `agency verify`: checks that end with an error at the first defect.

use crate::{roles, settings::Settings, term};
use base::{Random, Result, SystemClock};
use control::{audit::Verdict, secret::Keyring};
use db::Db;
use std::{process::ExitCode, sync::Arc};

/// What to check.
#[derive(clap::Subcommand)]
pub(super) enum What {
    /// The chain of the audit trail against its entries and the signed checkpoints.
    Audit,
}

pub(super) async fn run(settings: &Settings, what: What) -> Result<ExitCode> {
    match what {
        What::Audit => audit(settings).await,
    }
}

async fn audit(settings: &Settings) -> Result<ExitCode> {
    roles::require_schema(&settings.database).await?;
    let random = Arc::new(Random::system());
    let ring = Keyring::load(&settings.secret, &settings.state_dir, &random)?;
    let db = Db::connect(&settings.database, Arc::new(SystemClock), random).await?;
    let verdict = control::audit::verify(&db, &ring, &settings.state_dir).await?;
    db.close().await;
    term::line(&verdict);
    Ok(match verdict {
        Verdict::Verified { .. } => ExitCode::SUCCESS,
        Verdict::Broken { .. } => ExitCode::FAILURE,
    })
}
