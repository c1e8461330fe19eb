//! Log lines: for people or as JSON, to standard error, with what looks like a credential removed.

mod redact;

use crate::settings::{Log, LogFormat};
use base::{Error, Result};
use redact::Redacted;
use tracing_subscriber::EnvFilter;

/// Starts logging; called once, at the start of a command that runs for long.
///
/// # Errors
/// Invalid `log.filter` when the filter cannot be read.
pub fn start(settings: &Log) -> Result<()> {
    let filter = EnvFilter::builder().parse(&settings.filter).map_err(|cause| {
        Error::invalid(
            "log.filter",
            format!(
                "log.filter “{}” cannot be read. It looks like info, or info,jobs=debug.",
                settings.filter
            ),
        )
        .caused_by(cause)
    })?;
    // A library that is loud at info says nothing that an operator needs.
    let filter = ["sqlx=warn", "hyper=warn", "hickory_resolver=warn", "rustls=warn"]
        .into_iter()
        .filter_map(|quiet| quiet.parse().ok())
        .filter(|_| !settings.filter.contains("sqlx"))
        .fold(filter, EnvFilter::add_directive);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Redacted);
    let started = match settings.format {
        LogFormat::Human => lines.with_ansi(crate::term::is_watched()).with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).try_init(),
    };
    started.map_err(|cause| Error::internal("Logging was started twice.").caused_by(cause))
}
