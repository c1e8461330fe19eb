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
    let ring = if settings.secret.installation_key.is_empty() {
        Keyring::add(&settings.secret, &settings.state_dir, &random)?
    } else {
        // The keys of the settings, where the operator put the fresh one first.
        Keyring::load(&settings.secret, &settings.state_dir, &random)?
    };
    let db = Db::connect(&settings.database, Arc::new(SystemClock), random).await?;
    let count = secret::rotate(&db, &ring).await?;
    db.close().await;
    term::line(format!(
        "{count} secrets were wrapped with the fresh key. Restart running processes, and keep the older keys: audit checkpoints are signed with them."
    ));
    Ok(ExitCode::SUCCESS)
}
