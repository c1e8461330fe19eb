//! The steps of one run of a flow.

use crate::job::{Job, JobId, Options, Outcome};
use crate::registry::SeenFact;
use crate::run::{Run, lease_lost};
use base::{Error, Result, Time};
use db::Cx;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use uuid::Uuid;

/// The fact that ends [`Steps::wait_approval`]: its subject is the approval.
pub const APPROVAL_DECIDED: &str = "control.approval.decided";

/// The key under which the reason of a failing flow is kept while its compensations run.
pub(crate) const FAILED: &str = "$failed";

/// What a parked branch waits for.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// Its row is stored already.
    Stored,
    /// An instant.
    Timer(Time),
    /// A fact of this type, about this subject, with a number above this, until then.
    Fact { kind: String, subject: Option<Uuid>, after: i64, until: Option<Time> },
}

type Undo<'f> = Box<dyn FnOnce() -> BoxFuture<'f, Result<()>> + Send + 'f>;

/// The memory of one flow. Every method that takes a key remembers its output under it.
pub struct Steps<'f> {
    pub(crate) run: &'f Run,
    memo: Mutex<HashMap<String, Value>>,
    stored_waits: HashSet<String>,
    visited: Mutex<HashSet<String>>,
    undo: Mutex<Vec<(String, Undo<'f>)>>,
    wishes: Mutex<Vec<(String, Wish)>>,
    active: AtomicUsize,
    branches: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts work in progress, so that a flow is parked only when every branch waits.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn up(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::AcqRel);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Serialize, Deserialize)]
struct ChildEnd {
    outcome: Outcome,
}

impl<'f> Steps<'f> {
    pub(crate) async fn load(run: &'f Run, version: i32) -> Result<Self> {
        let flow = run.id().uuid();
        let mut cx = run.begin().await?;
        if run.job.flow_version.is_none() {
            run.hold(&mut cx).await?;
            sqlx::query!("update jobs.job set flow_version = $2 where id = $1", flow, version)
                .execute(cx.conn())
                .await?;
        }
        let steps = sqlx::query!("select key, output from jobs.step where flow = $1", flow)
            .fetch_all(cx.conn())
            .await?;
        let waits = sqlx::query_scalar!("select key from jobs.wait where flow = $1", flow)
            .fetch_all(cx.conn())
            .await?;
        cx.commit().await?;
        Ok(Self {
            run,
            memo: Mutex::new(steps.into_iter().map(|s| (s.key, s.output)).collect()),
            stored_waits: waits.into_iter().collect(),
            visited: Mutex::default(),
            undo: Mutex::default(),
            wishes: Mutex::default(),
            active: AtomicUsize::new(0),
            branches: AtomicUsize::new(0),
        })
    }

    /// The run underneath: job id, tenant, cancel token.
    pub fn run(&self) -> &'f Run {
        self.run
    }

    /// Does something once and remembers its output. The effect is outside the database: use
    /// [`Steps::idempotency_key`], since a crash between effect and memory repeats it.
    pub async fn step<T, F, W>(&self, key: &str, work: W) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T>>,
        W: FnOnce() -> F,
    {
        if let Some(output) = self.visit(key)? {
            return Ok(serde_json::from_value(output)?);
        }
        let _active = Counted::up(&self.active);
        let output = work().await?;
        let mut cx = self.run.begin().await?;
        self.remember(&mut cx, key, serde_json::to_value(&output)?).await?;
        cx.commit().await?;
        Ok(output)
    }

    /// Does something inside the database exactly once: the work and its memory are one transaction.
    pub async fn step_in<T, W>(&self, key: &str, work: W) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        W: for<'c> FnOnce(&'c mut Cx) -> BoxFuture<'c, Result<T>>,
    {
        if let Some(output) = self.visit(key)? {
            return Ok(serde_json::from_value(output)?);
        }
        let _active = Counted::up(&self.active);
        let mut cx = self.run.begin().await?;
        let output = work(&mut cx).await?;
        self.remember(&mut cx, key, serde_json::to_value(&output)?).await?;
        cx.commit().await?;
        Ok(output)
    }

    /// Says how to undo a step that is done by now. When the flow fails for good, or is cancelled, what
    /// was registered is run in reverse, each once; it must itself be safe to repeat.
    pub fn on_failure<F, W>(&self, key: &str, undo: W)
    where
        F: Future<Output = Result<()>> + Send + 'f,
        W: FnOnce() -> F + Send + 'f,
    {
        lock(&self.undo).push((key.to_owned(), Box::new(move || Box::pin(undo()))));
    }

    /// A text that is the same in every run of this flow's step, for providers.
    pub fn idempotency_key(&self, key: &str) -> String {
        format!("{}:{key}", self.run.id())
    }

    /// Waits until an instant, holding no worker.
    pub async fn sleep_until(&self, key: &str, at: Time) -> Result<()> {
        match self.visit(key)? {
            Some(_) => Ok(()),
            None => self.park(key, Wish::Timer(at)).await,
        }
    }

    /// Waits for a fact that happens after the flow was started and that no earlier wait of this type
    /// took. None: `until` came first.
    pub async fn wait_fact(
        &self,
        key: &str,
        kind: &str,
        subject: Option<Uuid>,
        until: Option<Time>,
    ) -> Result<Option<SeenFact>> {
        match self.visit(key)? {
            Some(output) => Ok(serde_json::from_value(output)?),
            None => {
                let after = self.last_taken(kind);
                self.park(key, Wish::Fact { kind: kind.to_owned(), subject, after, until }).await
            }
        }
    }

    /// Waits for the decision of an approval. None: `until` came first, which means *not approved*.
    pub async fn wait_approval(
        &self,
        key: &str,
        approval: Uuid,
        until: Option<Time>,
    ) -> Result<Option<SeenFact>> {
        self.wait_fact(key, APPROVAL_DECIDED, Some(approval), until).await
    }

    /// Starts a job and waits for its end, holding no worker.
    pub async fn child<J: Job>(&self, key: &str, job: &J) -> Result<Outcome> {
        if let Some(output) = self.visit(key)? {
            return Ok(serde_json::from_value::<ChildEnd>(output)?.outcome);
        }
        if !self.stored_waits.contains(key) {
            let _active = Counted::up(&self.active);
            let mut cx = self.run.begin().await?;
            self.run.hold(&mut cx).await?;
            let options = Options { parent: Some(self.run.id()), ..Options::default() };
            let child: JobId = crate::enqueue_with(&mut cx, job, options).await?;
            let now = cx.now();
            sqlx::query!(
                "insert into jobs.wait (flow, key, tenant_id, kind, child, since) values ($1, $2, $3, 'child', $4, $5)",
                self.run.id().uuid(),
                key,
                self.run.job.tenant,
                child.uuid(),
                now as Time,
            )
            .execute(cx.conn())
            .await?;
            cx.commit().await?;
        }
        self.park(key, Wish::Stored).await
    }

    /// Runs branches side by side and waits for all; the first error ends the others.
    pub async fn all<T, F: Future<Output = Result<T>>>(
        &self,
        branches: impl IntoIterator<Item = F>,
    ) -> Result<Vec<T>> {
        let _inside = Counted::up(&self.branches);
        futures::future::try_join_all(branches).await
    }

    /// The stored output, if the step is done. Errors when the key is used twice, when the flow is being
    /// undone, or when a step would begin although stored ones were skipped: the code has changed.
    fn visit(&self, key: &str) -> Result<Option<Value>> {
        if !lock(&self.visited).insert(key.to_owned()) {
            return Err(Error::refused(
                "flow.key_twice",
                format!("The step “{key}” is used twice in one flow."),
            ));
        }
        if let Some(output) = lock(&self.memo).get(key) {
            return Ok(Some(output.clone()));
        }
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if self.branches.load(Ordering::Acquire) == 0 {
            self.check_all_visited()?;
        }
        Ok(None)
    }

    /// Errors when a remembered step was not reached: the list of steps changed under a pinned version.
    pub(crate) fn check_all_visited(&self) -> Result<()> {
        let visited = lock(&self.visited);
        let memo = lock(&self.memo);
        match memo.keys().find(|key| !visited.contains(*key) && !key.starts_with("undo:") && *key != FAILED) {
            None => Ok(()),
            Some(key) => Err(Error::refused(
                "flow.changed",
                format!(
                    "The step “{key}” was done before, but this program's flow {} no longer has it there. Raise its VERSION and keep the old one registered.",
                    self.run.job.kind
                ),
            )),
        }
    }

    /// Why the flow is failing, if it is.
    pub(crate) fn failure(&self) -> Option<Error> {
        let memo = lock(&self.memo);
        let stored = memo.get(FAILED)?;
        let text = stored["error"].as_str().unwrap_or("It failed.").to_owned();
        Some(if stored["cancelled"] == true {
            Error::refused("flow.cancelled", text)
        } else {
            Error::refused("flow.failed", text)
        })
    }

    async fn remember(&self, cx: &mut Cx, key: &str, output: Value) -> Result<()> {
        self.run.hold(cx).await?;
        let now = cx.now();
        let done = sqlx::query!(
            "insert into jobs.step (flow, key, tenant_id, output, at) values ($1, $2, $3, $4, $5) on conflict do nothing",
            self.run.id().uuid(),
            key,
            self.run.job.tenant,
            output,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
        if done.rows_affected() == 0 {
            return Err(lease_lost());
        }
        lock(&self.memo).insert(key.to_owned(), output);
        Ok(())
    }

    /// Records the failure, then undoes what was done, last first, each once.
    pub(crate) async fn undo_all(&self, error: &str) -> Result<()> {
        let todo = std::mem::take(&mut *lock(&self.undo));
        if todo.is_empty() {
            return Ok(());
        }
        if self.failure().is_none() {
            let mut cx = self.run.begin().await?;
            self.remember(&mut cx, FAILED, serde_json::json!({ "error": error })).await?;
            cx.commit().await?;
        }
        for (key, undo) in todo.into_iter().rev() {
            let key = format!("undo:{key}");
            if lock(&self.memo).contains_key(&key) {
                continue;
            }
            undo().await?;
            let mut cx = self.run.begin().await?;
            self.remember(&mut cx, &key, Value::Null).await?;
            cx.commit().await?;
        }
        Ok(())
    }

    /// The highest number of a fact of this type that an earlier wait took.
    fn last_taken(&self, kind: &str) -> i64 {
        let memo = lock(&self.memo);
        memo.values().filter(|v| v["type"] == kind).filter_map(|v| v["id"].as_i64()).max().unwrap_or(0)
    }

    async fn park<T>(&self, key: &str, wish: Wish) -> Result<T> {
        let wish = if self.stored_waits.contains(key) { Wish::Stored } else { wish };
        lock(&self.wishes).push((key.to_owned(), wish));
        std::future::pending().await
    }

    /// Whether every branch waits: something is parked and nothing is at work.
    pub(crate) fn is_stuck(&self) -> bool {
        self.active.load(Ordering::Acquire) == 0 && !lock(&self.wishes).is_empty()
    }

    pub(crate) fn wishes(&self) -> Vec<(String, Wish)> {
        lock(&self.wishes).clone()
    }
}
