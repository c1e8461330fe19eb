//! `agency bench`: measures on this machine, in a database of its own that is dropped afterwards.

mod client;
mod growth;
mod jobs;
mod pages;
mod pay;
mod scans;
mod scratch;

use crate::settings::Settings;
use base::Result;
use std::process::ExitCode;

/// What to measure.
#[derive(clap::Subcommand)]
pub(super) enum What {
    /// The queue: enqueueing, draining, latency, beside the minimal SQL under pgbench.
    Jobs(jobs::Arguments),
    /// Taking lists in, mails through gate and hand-off, the list of leads, scoring and learning.
    Growth(growth::Arguments),
    /// Pages at 100 concurrent users over a million leads, beside a static page of the same size.
    Pages(pages::Arguments),
    /// Payments over the ledger, beside the minimal SQL under pgbench; then the four calls over HTTP.
    Pay(pay::Arguments),
}

pub(super) async fn run(settings: Settings, what: What) -> Result<ExitCode> {
    match what {
        What::Jobs(arguments) => jobs::run(settings, arguments).await,
        What::Growth(arguments) => Box::pin(growth::run(settings, arguments)).await,
        What::Pages(arguments) => Box::pin(pages::run(settings, arguments)).await,
        What::Pay(arguments) => Box::pin(pay::run(settings, arguments)).await,
    }
}
