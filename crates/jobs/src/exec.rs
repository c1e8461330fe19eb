//! Running one claimed job to a verdict: time limit, cancellation, panics, retries.

use crate::job::Outcome;
use crate::lease::Lease;
use crate::registry::{Came, Handler, Registry};
use crate::store::{self, Again, Claimed, End};
use crate::{NodeId, Run};
use base::{Error, Kind, Result, Time};
use db::Db;
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Why a running job must stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// Somebody cancelled it.
    Cancelled,
    /// A kill switch or a pause that cancels was engaged.
    Halted,
    /// The worker is going away.
    Draining,
    /// The worker lost its lease: whatever comes back is not written.
    LeaseLost,
}

/// The brake of one running job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brake {
    pub token: CancellationToken,
    /// Of the worker; none where time is simulated and nobody else works.
    pub lease: Option<Lease>,
    why: Arc<OnceLock<Stop>>,
}

impl Brake {
    /// Of a job that a worker runs under its lease.
    pub fn under(lease: Lease) -> Self {
        Self { lease: Some(lease), ..Self::default() }
    }

    /// Stops the work; the first reason counts.
    pub fn pull(&self, why: Stop) {
        let _first = self.why.set(why);
        self.token.cancel();
    }

    fn why(&self) -> Option<Stop> {
        self.why.get().copied()
    }
}

/// What to do with a job after a try.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// Write its end.
    Ended(Outcome, Option<String>),
    /// The body wrote the end itself.
    EndedInside,
    /// Try again then; the error counts as a failure.
    Retry(Time, String),
    /// Run again then; nothing failed.
    Snooze(Time),
    /// Give it back unharmed.
    GiveBack,
    /// A flow that waits; already written.
    Parked,
    /// Not ours any more.
    Lost,
}

/// How long a body may take to obey its brake, before it is dropped.
const GRACE: Duration = Duration::from_secs(5);

/// Whether trying the same again may help.
pub(crate) fn worth_retrying(error: &Error) -> bool {
    match error.kind() {
        Kind::Unavailable | Kind::Limited | Kind::Internal | Kind::Conflict => true,
        Kind::Invalid
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Refused
        | Kind::TooLarge => false,
    }
}

/// The text that is kept with a failed job, with causes, bounded.
pub(crate) fn text_of(error: &Error) -> String {
    format!("{error:?}").chars().take(2_000).collect()
}

/// Runs one try.
pub(crate) async fn execute(
    db: &Db,
    registry: &Registry,
    node: NodeId,
    job: Claimed,
    brake: &Brake,
) -> Verdict {
    let verdicts = execute_all(db, registry, node, vec![job], std::slice::from_ref(brake)).await;
    verdicts.into_iter().next().unwrap_or(Verdict::Lost)
}

/// Runs one try of each of several jobs of one kind as one call, each under its own brake; the verdicts in
/// their order.
pub(crate) async fn execute_all(
    db: &Db,
    registry: &Registry,
    node: NodeId,
    jobs: Vec<Claimed>,
    brakes: &[Brake],
) -> Vec<Verdict> {
    let mut begun = Begun::default();
    let mut verdicts: Vec<Option<Verdict>> = Vec::with_capacity(jobs.len());
    for (mut job, brake) in jobs.into_iter().zip(brakes) {
        verdicts.push(match ready(db, registry, &mut job) {
            Err(verdict) => Some(verdict),
            Ok(input) => {
                begun.inputs.push(input);
                begun.runs.push(Run::new(db.clone(), node, job, brake));
                begun.brakes.push(brake.clone());
                None
            }
        });
    }
    let mut ran = begun.run(db, registry).await.into_iter();
    verdicts.into_iter().map(|verdict| verdict.or_else(|| ran.next()).unwrap_or(Verdict::Lost)).collect()
}

/// The input of a job that can begin; else what becomes of it.
fn ready(db: &Db, registry: &Registry, job: &mut Claimed) -> Result<String, Verdict> {
    let now = db.clock().now();
    if job.deadline.is_some_and(|deadline| deadline < now) {
        let why = "Its deadline passed before it could start.".to_owned();
        return Err(Verdict::Ended(Outcome::Cancelled, Some(why)));
    }
    let handler = match registry.handler(&job.kind) {
        Ok(handler) => handler,
        // A program of another version may know it: leave it for a minute.
        Err(error) => return Err(Verdict::Retry(now.plus_s(60), text_of(&error))),
    };
    let payload = std::mem::take(&mut job.payload);
    match (handler.body(&job.kind, job.flow_version), registry.input(&job.kind, payload)) {
        (Ok(_), Ok(Some(input))) => Ok(input),
        (Ok(_), Ok(None)) => Err(Verdict::Ended(Outcome::Succeeded, None)),
        (Err(error), _) | (_, Err(error)) => Err(Verdict::Ended(Outcome::Failed, Some(text_of(&error)))),
    }
}

/// Jobs of one kind that begin together.
#[derive(Default)]
struct Begun {
    runs: Vec<Run>,
    inputs: Vec<String>,
    brakes: Vec<Brake>,
}

impl Begun {
    async fn run(self, db: &Db, registry: &Registry) -> Vec<Verdict> {
        let Self { runs, inputs, brakes } = self;
        let Some(first) = runs.first() else { return Vec::new() };
        let kind = &first.job.kind;
        let handler = registry.handler(kind);
        let body = handler.and_then(|handler| Ok((handler, handler.body(kind, first.job.flow_version)?)));
        let (handler, body) = match body {
            Ok(found) => found,
            Err(error) => {
                let verdict = Verdict::Ended(Outcome::Failed, Some(text_of(&error)));
                return runs.iter().map(|_| verdict.clone()).collect();
            }
        };
        let work = AssertUnwindSafe(async { body(&runs, inputs).await }).catch_unwind();
        let came = braked(tokio::time::timeout(handler.timeout, work), &brakes).await;
        let whole = match came {
            None => {
                Error::unavailable("job.stopped", "The work was stopped and did not end by itself in time.")
            }
            Some(Err(_)) => {
                brakes.iter().for_each(|brake| brake.token.cancel());
                let what = format!("It ran longer than {} s.", handler.timeout.as_secs());
                Error::unavailable("job.timed_out", what)
            }
            Some(Ok(Err(panic))) => Error::internal(format!("It panicked: {}", panic_text(panic.as_ref()))),
            Some(Ok(Ok(results))) => {
                let each = runs.iter().zip(results).zip(&brakes);
                return each
                    .map(|((run, result), brake)| {
                        judge(run, result, brake, |e| next_try(db, handler, run, e))
                    })
                    .collect();
            }
        };
        // What became of the whole became of each.
        let (code, message) = (whole.code(), whole.message().to_owned());
        let each = runs.iter().zip(&brakes);
        each.map(|(run, brake)| {
            let error = Error::new(whole.kind(), code, message.clone());
            judge(run, Err(error), brake, |e| next_try(db, handler, run, e))
        })
        .collect()
    }
}

fn next_try(db: &Db, handler: &Handler, run: &Run, error: &Error) -> Option<Time> {
    worth_retrying(error).then(|| handler.retry.next(run.failures(), db.clock().now(), db.random())).flatten()
}

/// Waits for the work; once every brake is pulled, only for the grace time more.
async fn braked<F: Future>(work: F, brakes: &[Brake]) -> Option<F::Output> {
    let mut work = std::pin::pin!(work);
    let all_pulled = async {
        for brake in brakes {
            brake.token.cancelled().await;
        }
    };
    tokio::select! {
        biased;
        output = &mut work => return Some(output),
        () = all_pulled => {}
    }
    tokio::time::timeout(GRACE, work).await.ok()
}

fn judge(run: &Run, result: Result<Came>, brake: &Brake, again: impl Fn(&Error) -> Option<Time>) -> Verdict {
    if brake.why() == Some(Stop::LeaseLost) {
        return Verdict::Lost;
    }
    let error = match result {
        Ok(Came::Parked) => return Verdict::Parked,
        Ok(Came::Done) if run.ended_inside() => return Verdict::EndedInside,
        Ok(Came::Done) => {
            return run.snoozed().map_or(Verdict::Ended(Outcome::Succeeded, None), Verdict::Snooze);
        }
        Err(error) => error,
    };
    match (brake.why(), error.code()) {
        (_, "job.lease_lost") => return Verdict::Lost,
        (Some(Stop::Halted | Stop::Draining), _) => return Verdict::GiveBack,
        (Some(Stop::Cancelled), _) | (_, "flow.cancelled") => {
            return Verdict::Ended(Outcome::Cancelled, Some(text_of(&error)));
        }
        (Some(Stop::LeaseLost) | None, _) => {}
    }
    match again(&error) {
        Some(at) => Verdict::Retry(at, text_of(&error)),
        None if worth_retrying(&error) => Verdict::Ended(Outcome::Dead, Some(text_of(&error))),
        None => Verdict::Ended(Outcome::Failed, Some(text_of(&error))),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|t| (*t).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

/// Writes verdicts of any kind in a transaction of their own. Returns how many jobs were still ours.
pub(crate) async fn settle(db: &Db, node: NodeId, verdicts: Vec<(Claimed, Verdict)>) -> Result<usize> {
    let (mut ends, mut again, mut back, mut written) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (Claimed { id, attempt, .. }, verdict) in verdicts {
        match verdict {
            Verdict::Ended(outcome, error) => ends.push(End { id, attempt, outcome, error }),
            Verdict::Retry(at, error) => again.push(Again { id, attempt, at, error: Some(error) }),
            Verdict::Snooze(at) => again.push(Again { id, attempt, at, error: None }),
            Verdict::GiveBack => back.push((id, attempt)),
            Verdict::EndedInside | Verdict::Parked => written += 1,
            Verdict::Lost => {}
        }
    }
    if ends.is_empty() && again.is_empty() && back.is_empty() {
        return Ok(written);
    }
    let mut cx = db.system("jobs").await?;
    let now = cx.now();
    if !ends.is_empty() {
        let ours = store::end(cx.conn(), node, &ends, now).await?;
        for end in ends.iter().filter(|end| matches!(end.outcome, Outcome::Dead | Outcome::Failed)) {
            if ours.contains(&end.id) {
                store::report_death(cx.conn(), end.id, now).await?;
            }
        }
        written += ours.len();
    }
    if !again.is_empty() {
        written += usize::try_from(store::again(cx.conn(), node, &again).await?).unwrap_or(0);
    }
    if !back.is_empty() {
        written += usize::try_from(store::give_back(cx.conn(), node, &back).await?).unwrap_or(0);
    }
    cx.commit().await?;
    Ok(written)
}
