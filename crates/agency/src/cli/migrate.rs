//! `agency migrate`: brings the schema up to date.

use crate::{settings::Settings, term};
use base::{Error, Result};
use db::SchemaState;
use std::process::ExitCode;

pub(super) async fn run(settings: &Settings) -> Result<ExitCode> {
    refuse_newer(settings).await?;
    match db::migrate(&settings.database).await? {
        0 => term::line("The schema is up to date; nothing was changed."),
        1 => term::line("1 migration was applied; the schema is up to date."),
        count => term::line(format!("{count} migrations were applied; the schema is up to date.")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Never migrates a schema that a newer program made.
pub(super) async fn refuse_newer(settings: &Settings) -> Result<()> {
    match db::schema_state(&settings.database).await? {
        SchemaState::Current | SchemaState::Behind(_) => Ok(()),
        SchemaState::Ahead(count) => Err(Error::refused(
            "schema.ahead",
            format!(
                "The database has {count} migrations that this program does not know: it was migrated by a newer one. Run that program, or restore a backup from before."
            ),
        )),
    }
}
