//! Running one claimed job to a verdict: time limit, cancellation, panics, retries.

use crate::job::Outcome;
use crate::lease::Lease;
use crate::registry::{Came, Registry};
use crate::store::{self, Claimed, End};
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
    mut job: Claimed,
    brake: &Brake,
) -> Verdict {
    let now = db.clock().now();
    if job.deadline.is_some_and(|deadline| deadline < now) {
        return Verdict::Ended(
            Outcome::Cancelled,
            Some("Its deadline passed before it could start.".to_owned()),
        );
    }
    let (kind, failures) = (job.kind.clone(), job.failures);
    let handler = match registry.handler(&kind) {
        Ok(handler) => handler,
        // A program of another version may know it: leave it for a minute.
        Err(error) => return Verdict::Retry(now.plus_s(60), text_of(&error)),
    };
    let payload = std::mem::take(&mut job.payload);
    let (body, input) = match (handler.body(&kind, job.flow_version), registry.input(&kind, payload)) {
        (Ok(body), Ok(Some(input))) => (body, input),
        (Ok(_), Ok(None)) => return Verdict::Ended(Outcome::Succeeded, None),
        (Err(error), _) | (_, Err(error)) => return Verdict::Ended(Outcome::Failed, Some(text_of(&error))),
    };
    let run = Run::new(db.clone(), node, job, brake);
    let work = AssertUnwindSafe(async { body(&run, input).await }).catch_unwind();
    let came = braked(tokio::time::timeout(handler.timeout, work), brake).await;
    let result = match came {
        None => {
            Err(Error::unavailable("job.stopped", "The work was stopped and did not end by itself in time."))
        }
        Some(Err(_)) => {
            brake.token.cancel();
            Err(Error::unavailable(
                "job.timed_out",
                format!("It ran longer than {} s.", handler.timeout.as_secs()),
            ))
        }
        Some(Ok(Err(panic))) => Err(Error::internal(format!("It panicked: {}", panic_text(panic.as_ref())))),
        Some(Ok(Ok(result))) => result,
    };
    judge(&run, result, brake, |error| {
        if worth_retrying(error) { handler.retry.next(failures, db.clock().now(), db.random()) } else { None }
    })
}

/// Waits for the work; once the brake is pulled, only for the grace time more.
async fn braked<F: Future>(work: F, brake: &Brake) -> Option<F::Output> {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        output = &mut work => return Some(output),
        () = brake.token.cancelled() => {}
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

/// Writes any verdict in a transaction of its own. Returns false when the job was no longer ours.
pub(crate) async fn settle(db: &Db, node: NodeId, job: &Claimed, verdict: Verdict) -> Result<bool> {
    let mut cx = db.system("jobs").await?;
    let now = cx.now();
    let ours = match verdict {
        Verdict::Ended(outcome, error) => {
            let ends = [End { id: job.id, attempt: job.attempt, outcome, error }];
            let ours = store::end(cx.conn(), node, &ends, now).await? == 1;
            if ours && matches!(outcome, Outcome::Dead | Outcome::Failed) {
                store::report_death(cx.conn(), job.id, now).await?;
            }
            ours
        }
        Verdict::Retry(at, error) => store::retry(cx.conn(), node, job, at, &error).await?,
        Verdict::Snooze(at) => store::snooze(cx.conn(), node, job, at).await?,
        Verdict::GiveBack => store::give_back(cx.conn(), node, &[(job.id, job.attempt)]).await? == 1,
        Verdict::EndedInside | Verdict::Parked => true,
        Verdict::Lost => false,
    };
    cx.commit().await?;
    Ok(ours)
}
