//! `agency demo`: thirty days of a synthetic market through the real engines, on a virtual clock.

use crate::settings::Settings;
use base::{Error, Result};
use std::process::ExitCode;

/// How to run it.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The same seed gives the same history.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) async fn run(_settings: Settings, arguments: Arguments) -> Result<ExitCode> {
    Err(Error::unavailable(
        "demo.missing",
        format!("This build has no demonstration yet (seed {}).", arguments.seed),
    ))
}
