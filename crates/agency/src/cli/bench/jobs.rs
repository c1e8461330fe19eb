//! `agency bench jobs`.

use super::scratch::Scratch;
use crate::{settings::Settings, term};
use base::Result;
use jobs::bench::{Bench, Figures};
use std::process::ExitCode;

/// How much to do.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Prints one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// Jobs to enqueue and drain.
    #[arg(long, default_value_t = 100_000)]
    jobs: usize,
    /// Tenants that share the queue.
    #[arg(long, default_value_t = 20)]
    tenants: u8,
    /// Jobs at a hundred a second whose start is timed.
    #[arg(long, default_value_t = 3_000)]
    paced: usize,
}

pub(super) async fn run(settings: Settings, arguments: Arguments) -> Result<ExitCode> {
    let scratch = Scratch::make(settings).await?;
    let result = measure(&scratch, &arguments).await;
    scratch.drop().await?;
    let figures = result?;
    term::line(format!("enqueue  {:>10.0} jobs/s", figures.enqueue.per_s));
    term::line(format!(
        "drain    {:>10.0} jobs/s; minimal claim-and-complete under pgbench {:.0}/s; ratio {:.2}",
        figures.drain.per_s, figures.drain.limit_per_s, figures.drain.ratio
    ));
    term::line(format!(
        "latency  {:>10.1} ms median, {:.1} ms p99 at 100 jobs/s",
        figures.latency.p50_ms, figures.latency.p99_ms
    ));
    if arguments.json {
        term::line(serde_json::to_string(&figures)?);
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(scratch: &Scratch, arguments: &Arguments) -> Result<Figures> {
    let db = scratch.connect().await?;
    let bench = Bench {
        url: scratch.settings.database.url.clone(),
        tenants: arguments.tenants,
        jobs: arguments.jobs,
        paced: arguments.paced,
    };
    let result = jobs::bench::run(&db, &bench).await;
    db.close().await;
    result
}
