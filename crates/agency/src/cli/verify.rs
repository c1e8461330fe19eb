//! `agency verify`: checks that end with an error at the first defect.

use crate::{roles, settings::Settings, term};
use base::{Random, Result, SystemClock};
use control::{audit::Verdict, secret::Keyring};
use db::{Caller, Db, Scope};
use std::{process::ExitCode, sync::Arc};

/// What to check.
#[derive(clap::Subcommand)]
pub(super) enum What {
    /// The chain of the audit trail against its entries and the signed checkpoints.
    Audit,
    /// The books: every balance again from the entries.
    Books,
    /// Every tenant's chain of receipts: numbers, hashes, signatures, checkpoints.
    Receipts,
}

pub(super) async fn run(settings: &Settings, what: What) -> Result<ExitCode> {
    match what {
        What::Audit => audit(settings).await,
        What::Books => books(settings).await,
        What::Receipts => receipts(settings).await,
    }
}

async fn audit(settings: &Settings) -> Result<ExitCode> {
    roles::require_schema(&settings.database).await?;
    roles::prepare_state(&settings.state_dir)?;
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

async fn books(settings: &Settings) -> Result<ExitCode> {
    roles::require_schema(&settings.database).await?;
    let db = Db::connect(&settings.database, Arc::new(SystemClock), Arc::new(Random::system())).await?;
    let mut cx = db.system("verifier").await?;
    let verdict = ledger::verify::verify(&mut cx).await?;
    drop(cx);
    db.close().await;
    match verdict.first_bad {
        None => term::line(format!(
            "The books are sound: {} balances are the sums of {} entries",
            verdict.accounts, verdict.legs
        )),
        Some((account, defect)) => term::line(format!("Account {account} is not sound: {defect:?}")),
    }
    Ok(if verdict.first_bad.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn receipts(settings: &Settings) -> Result<ExitCode> {
    roles::require_schema(&settings.database).await?;
    roles::prepare_state(&settings.state_dir)?;
    let random = Arc::new(Random::system());
    let ring = Arc::new(Keyring::load(&settings.secret, &settings.state_dir, &random)?);
    let db = Db::connect(&settings.database, Arc::new(SystemClock), random).await?;
    let keys = pay::signing::Ring::new(db.clone(), ring, settings.web.origin()).keys().await?.jwks();
    let mut sound = true;
    for tenant in pay::receipt::verify::tenants(&db).await? {
        let mut cx = db.begin(Scope::Tenant(tenant), Caller::system("verifier", &db)).await?;
        let verdict = pay::receipt::verify::chain(&mut cx, &keys).await?;
        drop(cx);
        match &verdict.first_bad {
            None => term::line(format!(
                "{tenant}: {} receipts and {} checkpoints are sound",
                verdict.receipts, verdict.checkpoints
            )),
            Some(bad) => term::line(format!("{tenant}: receipt {} is not sound: {}", bad.sequence, bad.why)),
        }
        sound &= verdict.first_bad.is_none();
    }
    db.close().await;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
