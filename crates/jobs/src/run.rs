//! One try of one job: what its body sees.

use crate::exec::Brake;
use crate::job::{JobId, NodeId, Outcome};
use crate::lease::Lease;
use crate::store::{self, Claimed, End};
use base::{Actor, Error, RequestId, Result, TenantId, Time};
use db::{Caller, Cx, Db, Scope};
use std::collections::HashSet;
use std::future::Future;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use std::task::Poll;
use tokio_util::sync::CancellationToken;

/// One try of a job. Fires [`Run::cancel`] when the work must stop: cancelled, halted, timed out, or
/// its worker lost the lease.
pub struct Run {
    pub(crate) db: Db,
    pub(crate) node: NodeId,
    pub(crate) job: Claimed,
    cancel: CancellationToken,
    lease: Option<Lease>,
    inside: AtomicBool,
    snooze: Mutex<Option<Time>>,
}

/// The error of work whose lease is gone: another worker may have the job by now.
pub fn lease_lost() -> Error {
    Error::conflict(
        "job.lease_lost",
        "This worker no longer holds the job: its lease passed to another one. Nothing of this try was kept.",
    )
}

impl Run {
    pub(crate) fn new(db: Db, node: NodeId, job: Claimed, brake: &Brake) -> Self {
        let (cancel, lease) = (brake.token.clone(), brake.lease.clone());
        Self { db, node, job, cancel, lease, inside: AtomicBool::new(false), snooze: Mutex::new(None) }
    }

    /// The job.
    pub fn id(&self) -> JobId {
        self.job.id
    }

    /// Whose it is. Errors for the installation's own jobs.
    pub fn tenant(&self) -> Result<TenantId> {
        self.job.tenant.map(TenantId).ok_or_else(|| {
            Error::internal(format!(
                "The job {} belongs to no tenant, but its work needs one.",
                self.job.kind
            ))
        })
    }

    /// Which attempt this is: it grows with every claim, and fences late answers.
    pub fn attempt(&self) -> i32 {
        self.job.attempt
    }

    /// How many tries failed before this one.
    pub fn failures(&self) -> i32 {
        self.job.failures
    }

    /// The fact that led to this job.
    pub fn cause(&self) -> Option<i64> {
        self.job.cause
    }

    /// Fires when the work must stop.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// The database, for work outside a transaction of this job.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Who acts: the one who enqueued the job, or the system as the job's kind; the job's id is the
    /// request id, so that facts and audit entries lead back to it.
    pub fn caller(&self) -> Caller {
        let actor = self.job.actor.clone().and_then(|json| serde_json::from_value(json).ok());
        Caller {
            actor: actor.unwrap_or_else(|| Actor::system(&self.job.kind)),
            request: RequestId(self.job.id.uuid()),
        }
    }

    /// Opens a transaction bound to the job's tenant (or to none, for the installation's jobs).
    pub async fn begin(&self) -> Result<Cx> {
        let scope = self.job.tenant.map_or(Scope::System, |tenant| Scope::Tenant(TenantId(tenant)));
        let mut cx = self.db.begin(scope, self.caller()).await?;
        if let Some(fact) = self.job.cause {
            cx.caused_by(fact);
        }
        Ok(cx)
    }

    /// Ends the job as succeeded inside the work's own transaction, so that both are kept or neither.
    /// Errors when the lease was lost; the caller then drops the transaction.
    pub async fn complete_in(&self, cx: &mut Cx) -> Result<()> {
        if Self::complete_all(cx, &[self]).await? == 0 { Err(lease_lost()) } else { Ok(()) }
    }

    /// Errors unless this try still holds the job, and keeps it so until the transaction ends.
    pub async fn hold(&self, cx: &mut Cx) -> Result<()> {
        if Self::hold_all(cx, &[self]).await?.is_empty() { Err(lease_lost()) } else { Ok(()) }
    }

    /// [`Run::complete_in`] for several tries of one batch, with one statement. Those that lost their lease
    /// are left as they are; returns how many ended.
    pub async fn complete_all(cx: &mut Cx, runs: &[&Self]) -> Result<usize> {
        let Some(node) = runs.first().map(|run| run.node) else { return Ok(0) };
        let ends: Vec<End> = runs
            .iter()
            .map(|run| End {
                id: run.job.id,
                attempt: run.job.attempt,
                outcome: Outcome::Succeeded,
                error: None,
            })
            .collect();
        let now = cx.now();
        let ended = store::end(cx.conn(), node, &ends, now).await?;
        for run in runs.iter().filter(|run| ended.contains(&run.job.id)) {
            run.inside.store(true, Ordering::Release);
        }
        Ok(ended.len())
    }

    /// Of several tries of one batch, the jobs that they still hold; keeps them so until the transaction
    /// ends.
    pub async fn hold_all(cx: &mut Cx, runs: &[&Self]) -> Result<HashSet<JobId>> {
        let Some(node) = runs.first().map(|run| run.node) else { return Ok(HashSet::new()) };
        let jobs: Vec<(JobId, i32)> = runs.iter().map(|run| (run.job.id, run.job.attempt)).collect();
        let held: HashSet<JobId> = store::hold(cx.conn(), node, &jobs).await?.into_iter().collect();
        for run in runs.iter().filter(|run| held.contains(&run.job.id)) {
            // A transaction that ended it was not kept, for here it is.
            run.inside.store(false, Ordering::Release);
        }
        Ok(held)
    }

    /// Carries an effect outside the database no further than this try surely holds its job: before each
    /// step of it the worker's lease is looked at by its own clock. A worker that was frozen in the middle
    /// and wakes up after its lease drops the effect (and with it the connection) and errs, without a
    /// further byte. What is left is the time between this look and what one step hands to the kernel.
    pub async fn fenced<T>(&self, effect: impl Future<Output = T>) -> Result<T> {
        let mut effect = std::pin::pin!(effect);
        std::future::poll_fn(|look| {
            if self.lease.as_ref().is_some_and(|lease| !lease.is_held()) {
                return Poll::Ready(Err(lease_lost()));
            }
            effect.as_mut().poll(look).map(Ok)
        })
        .await
    }

    /// Asks to be run again at `until` without counting a failure; takes effect when the body returns
    /// without an error.
    pub fn snooze(&self, until: Time) {
        *self.snooze.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Shows how far the work is: `count` of `total`.
    pub async fn progress(&self, count: i64, total: i64) -> Result<()> {
        let mut cx = self.begin().await?;
        sqlx::query!(
            "update jobs.job set done_count = $4, done_total = $5 where id = $1 and attempt = $2 and node = $3",
            self.job.id.uuid(),
            self.job.attempt,
            self.node.uuid(),
            count,
            total,
        )
        .execute(cx.conn())
        .await?;
        cx.commit().await
    }

    pub(crate) fn ended_inside(&self) -> bool {
        self.inside.load(Ordering::Acquire)
    }

    pub(crate) fn snoozed(&self) -> Option<Time> {
        *self.snooze.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
