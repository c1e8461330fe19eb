//! `agency secrets`: the key that seals stored secrets.

use crate::{roles, settings::Settings, term};
use base::{Random, Result, SystemClock};
use control::secret::{self, Keyring};
use db::Db;
use std::{process::ExitCode, sync::Arc};

/// What to do.
#[derive(clap::Subcommand)]
pub(super) enum What {
    /// Makes a fresh installation key and wraps every stored secret with it.
    Rotate,
}

pub(super) async fn run(settings: &Settings, what: What) -> Result<ExitCode> {
    match what {
        What::Rotate => rotate(settings).await,
    }
}

async fn rotate(settings: &Settings) -> Result<ExitCode> {
    roles::require_schema(&settings.database).await?;
    let random = Arc::new(Random::system());
    let db = Db::connect(&settings.database, Arc::new(SystemClock), random.clone()).await?;
    let mut ring = Keyring::load(&settings.secret, &settings.state_dir, &random)?;
    let behind = secret::behind(&db, &ring).await? > 0 || pay::signing::behind(&db, &ring).await? > 0;
    // The keys of the settings are the operator's, who put the fresh one first. In the file a key is added,
    // unless the last rotation was interrupted: then that one is finished, with its key.
    let resumes = behind && ring.count() > 1;
    if settings.secret.installation_key.is_empty() && !resumes {
        ring = Keyring::add(&settings.secret, &settings.state_dir, &random)?;
    }
    let secrets = secret::rotate(&db, &ring).await;
    let signing = pay::signing::rewrap(&db, &ring).await;
    db.close().await;
    let count = secrets? + signing?;
    if resumes {
        term::line(format!(
            "{count} secrets that an interrupted rotation had left under an older key were wrapped with the current one. Run this again for a fresh key."
        ));
    } else {
        term::line(format!("{count} secrets were wrapped with the fresh key."));
    }
    term::line(
        "Restart running processes so that they seal with it. Keep the older keys: audit checkpoints are signed with them.",
    );
    Ok(ExitCode::SUCCESS)
}
