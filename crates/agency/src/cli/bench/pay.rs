//! `agency bench pay`: how many payments over the ledger a second, and the four calls over HTTP.
//!
//! Cycles are [`pay::bench`]'s, in this process; what a cycle is and what it is compared with is said
//! there and in the output. Then `agency serve` runs as a process of its own over the same database, and
//! `--users` agents buy: each wants a purchase intent, the mandate for it, its execution and the payment,
//! one after the other, `--think-ms` apart on average; when is drawn beforehand from a seeded source, and
//! a call's time counts from the wish, also when the call before it was late. Then the same agents do the
//! same without any pause, which says how many calls the full machine answers.

mod calls;
mod server;

use super::scratch::Scratch;
use crate::{roles::House, settings::Settings, term, wire};
use base::Result;
use calls::Calls;
use pay::bench::{Bench, Figures};
use serde::Serialize;
use std::process::ExitCode;

/// How much to do.
#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Prints one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// Cycles to measure.
    #[arg(long, default_value_t = 20_000)]
    cycles: usize,
    /// Callers at once, of the cycles and of the minimal SQL.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Tenants, each with a wallet, a payer and a vendor.
    #[arg(long, default_value_t = 32)]
    tenants: usize,
    /// How long the minimal SQL runs before the cycles, and again after them, in seconds.
    #[arg(long, default_value_t = 6)]
    limit_seconds: u64,
    /// Agents at once over HTTP; 0 leaves HTTP out.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// How long an agent takes from one call to the next, on average, in milliseconds.
    #[arg(long, default_value_t = 1_000)]
    think_ms: i64,
    /// How long each measurement over HTTP lasts, in seconds.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
}

/// Of the 95th percentile of each call over HTTP, in milliseconds.
const BAR_MS: f64 = 120.0;
/// Of the ratio to the minimal SQL.
const BAR_RATIO: f64 = 0.5;
/// Of the cycles a second.
const BAR_PER_S: f64 = 1_736.0;

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    figures: Figures,
    clients: usize,
    tenants: usize,
    users: usize,
    think_ms: i64,
    bar_ratio: f64,
    bar_cycles_per_s: f64,
    bar_ms: f64,
    calls: Option<Calls>,
    relentless: Option<Calls>,
    sound: bool,
}

pub(super) async fn run(settings: Settings, arguments: Arguments) -> Result<ExitCode> {
    let scratch = Scratch::make(settings).await?;
    let result = Box::pin(measure(&scratch, &arguments)).await;
    scratch.drop().await?;
    let report = result?;
    if arguments.json {
        term::line(serde_json::to_string(&report)?);
    }
    Ok(if report.sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(scratch: &Scratch, arguments: &Arguments) -> Result<Report> {
    let house = House::open(&scratch.settings).await?;
    let desk = wire::desk(&house, wire::signing(&house));
    term::line(
        "a cycle: one call executes a signed mandate of its own, as POST /api/v1/execute does: key, signatures, switches, policy,",
    );
    term::line(
        "limits, reservation, post with fee, signed receipt in the chain, facts, kept answer; committed before it returns.",
    );
    term::line(
        "the minimal SQL: one transaction takes the mandate's and the payer's limits, reserves on a wallet's row, posts, appends a",
    );
    term::line(
        "receipt row, writes the payment and keeps an answer under its key; it verifies, signs and tells nothing. The books: the same",
    );
    term::line("without limits, payment and key.");
    term::line(format!("signing {} mandates of {} tenants …", arguments.cycles, arguments.tenants));
    let bench = Bench {
        url: scratch.settings.database.url.clone(),
        tenants: arguments.tenants,
        clients: arguments.clients,
        cycles: arguments.cycles,
        limit_s: arguments.limit_seconds,
    };
    let figures = pay::bench::run(&house.db, &desk, &bench).await?;
    tell(&figures, arguments.clients);
    let payers =
        pay::bench::payers(&house.db, &bench.url, if arguments.users > 0 { arguments.tenants } else { 0 })
            .await?;
    house.db.close().await;
    let (mut calls, mut relentless) = (None, None);
    if arguments.users > 0 {
        let server = server::Server::start(scratch).await?;
        let result = Box::pin(calls::both(&server, &payers, arguments)).await;
        server.stop().await?;
        let (at_their_pace, without_pause) = result?;
        at_their_pace
            .tell(&format!("{} agents, a call about each {} ms", arguments.users, arguments.think_ms));
        without_pause.tell("the same without a pause");
        (calls, relentless) = (Some(at_their_pace), Some(without_pause));
    }
    let quick = calls.as_ref().is_none_or(|calls| calls.hold(BAR_MS));
    let sound = figures.violations == 0
        && figures.ratio >= BAR_RATIO
        && figures.cycles_per_s >= BAR_PER_S
        && quick
        && relentless.as_ref().is_none_or(|calls| calls.errors() == 0);
    Ok(Report {
        figures,
        clients: arguments.clients,
        tenants: arguments.tenants,
        users: arguments.users,
        think_ms: arguments.think_ms,
        bar_ratio: BAR_RATIO,
        bar_cycles_per_s: BAR_PER_S,
        bar_ms: BAR_MS,
        calls,
        relentless,
        sound,
    })
}

fn tell(figures: &Figures, clients: usize) {
    term::line(format!(
        "cycles   {:>8.0}/s   p50 {:.1} ms  p95 {:.1} ms  p99 {:.1} ms  ({} cycles, {clients} callers, {:.1} in a transaction)",
        figures.cycles_per_s,
        figures.p50_ms,
        figures.p95_ms,
        figures.p99_ms,
        figures.cycles,
        figures.cycles_per_commit,
    ));
    let [before, after] = figures.limits_per_s;
    term::line(format!(
        "minimal  {:>8.0}/s   ({before:.0} before, {after:.0} after; {clients} clients of pgbench)   ratio {:.2}",
        figures.limit_per_s, figures.ratio,
    ));
    term::line(format!("books    {:>8.0}/s   ratio {:.2}", figures.books_per_s, figures.ratio_to_books));
    term::line(format!("mandates {:>8.0}/s   with their intents, one verb each", figures.mandates_per_s));
    term::line(format!(
        "checked  {} rules over everything written: {} violations",
        figures.checks.len(),
        figures.violations
    ));
    for (rule, count) in figures.checks.iter().filter(|(_, count)| **count > 0) {
        term::line(format!("         {count} {rule}"));
    }
}
