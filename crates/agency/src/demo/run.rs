//! Lets the days pass.

use super::{
    clients::CLIENTS,
    market::Market,
    members, place,
    report::{self, Report},
    setup::{self, Ready, SignIn},
    stage::Stage,
    stock,
};
use base::{Error, Result, Time, Zone};
use jobs::simulate;

/// Monday, 19 October 2026, 07:00 in Sydney.
const START: &str = "2026-10-18T20:00:00Z";

/// Days after which the database counts what it holds.
const ANALYZED: [i64; 4] = [1, 4, 10, 18];

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Days from the first morning on.
    pub days: i64,
    /// Leads in all, shared out over the clients.
    pub leads: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { days: 30, leads: 2_000 }
    }
}

impl Plan {
    /// When the history begins.
    ///
    /// # Errors
    /// Never, in practice: the instant is fixed.
    pub fn start() -> Result<Time> {
        START.parse().map_err(|cause| {
            Error::internal("The first day of the demonstration is no date.").caused_by(cause)
        })
    }
}

/// How far a history is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The virtual instant.
    pub now: Time,
    /// Whole days that have passed.
    pub day: i64,
    /// Whole hours that have passed.
    pub hours: i64,
    /// Days in all.
    pub days: i64,
    /// Runs of jobs so far.
    pub jobs: u64,
    /// Stops of the clock so far.
    pub stops: u64,
}

/// Runs a whole history on an empty stage. `on_progress` is called for each virtual hour of a working
/// day; when it returns false, the run ends there.
///
/// # Errors
/// Whatever the engines report; `demo.stopped` when it was told to end.
pub async fn run(
    stage: &Stage,
    plan: &Plan,
    mut on_progress: impl FnMut(&Progress) -> bool,
) -> Result<(Report, Vec<SignIn>)> {
    let start = stage.house.db.clock().now();
    let end = start.plus_days(plan.days);
    let (clients, sign_ins) = prepare(stage, plan).await?;
    let mut market = Market::default();
    let mut progress = Progress { now: start, day: 0, hours: 0, days: plan.days, jobs: 0, stops: 0 };
    let mut until = start;
    while until < end {
        until = next_look(until).min(end);
        let passed =
            simulate::run_until(&stage.house.db, &stage.registry, &stage.clock, until, |_| true).await?;
        market.read(stage, &clients).await?;
        for client in &clients {
            members::look_in(stage, client).await?;
        }
        // Days pass faster than the database's own housekeeping comes.
        let day = until.since_s(start) / 86_400;
        if day > progress.day && ANALYZED.contains(&day) {
            place::analyze(&stage.house.settings).await?;
        }
        progress.now = until;
        progress.day = day;
        progress.hours = until.since_s(start) / 3_600;
        progress.jobs += passed.ran;
        progress.stops += passed.jumps;
        if !on_progress(&progress) {
            return Err(Error::refused("demo.stopped", "The demonstration was stopped before its end."));
        }
    }
    stage.fold_tallies(true).await?;
    Ok((report::of(stage, &clients).await?, sign_ins))
}

/// When the world is looked at next: each hour of a working day, else when one begins.
fn next_look(at: Time) -> Time {
    let local = at.in_zone(&Zone::sydney());
    let working = local.weekday().to_monday_zero_offset() < 5;
    let hours = match local.hour() {
        hour @ 0..=5 => 6 - i64::from(hour),
        hour @ 21..=23 => 30 - i64::from(hour),
        hour if !working => 30 - i64::from(hour),
        _ => 1,
    };
    at.plus_s(hours * 3_600)
}

async fn prepare(stage: &Stage, plan: &Plan) -> Result<(Vec<Ready>, Vec<SignIn>)> {
    let whole: usize = CLIENTS.iter().map(|client| client.leads).sum();
    let (mut clients, mut sign_ins) = (Vec::new(), Vec::new());
    for (number, spec) in CLIENTS.iter().enumerate() {
        let (ready, sign_in) = setup::client(stage, spec).await?;
        stock::bring(stage, &ready, number, spec.leads * plan.leads / whole).await?;
        clients.push(ready);
        sign_ins.push(sign_in);
    }
    // Nobody has looked at the tables yet, so that the planner would guess.
    place::analyze(&stage.house.settings).await?;
    stage.fold_tallies(false).await?;
    Ok((clients, sign_ins))
}
