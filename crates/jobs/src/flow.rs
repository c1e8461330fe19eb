//! Durable flows: an async function whose steps are remembered. After a crash, a deployment or days of
//! waiting the function runs again from its start; finished steps give their stored output at once.
//!
//! Keys of steps are unique within a flow and stable. Code between steps must be deterministic: what it
//! decides on comes from the flow's input and the outputs of steps.

mod park;
mod steps;

pub(crate) use park::look_back;
pub use steps::{APPROVAL_DECIDED, Steps};

use crate::Run;
use crate::exec::{text_of, worth_retrying};
use crate::job::{DEFAULT_QUEUE, JobId, Options, Retry};
use crate::registry::Came;
use base::{Error, Result};
use db::Cx;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{future::Future, task::Poll};

/// One kind of durable flow. The value is its input.
pub trait Flow: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `domain.verb`; shares its names with jobs.
    const KIND: &'static str;
    /// Pinned when a flow first runs. Raise it when the list of steps changes, and keep the old type
    /// registered until its flows have ended.
    const VERSION: i32;
    /// The queue in which it waits.
    const QUEUE: &'static str = DEFAULT_QUEUE;
    /// How long one stretch between two parkings may run, in seconds.
    const TIMEOUT_S: u64 = 900;
    /// What it needs from its process.
    type State: Clone + Send + Sync + 'static;

    /// When to try a failed step again.
    fn retry() -> Retry {
        Retry::seeds()
    }

    /// The flow.
    fn run(&self, steps: &Steps<'_>, state: &Self::State) -> impl Future<Output = Result<()>> + Send;
}

/// A flow's input as a row of the queue.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
struct Start<F: Flow>(F);

impl<F: Flow> crate::Job for Start<F> {
    const KIND: &'static str = F::KIND;
    const QUEUE: &'static str = F::QUEUE;
    type State = ();
    async fn run(self, _: &Run, (): &()) -> Result<()> {
        Err(Error::internal("A flow is driven by its steps, not as a job."))
    }
}

/// Starts a flow in the transaction of the change that asks for it.
pub async fn start<F: Flow>(cx: &mut Cx, flow: F, options: Options) -> Result<JobId> {
    crate::enqueue_with(cx, &Start(flow), options).await
}

/// Runs a flow until it ends, fails or waits.
pub(crate) async fn drive<F: Flow>(run: &Run, flow: F, state: &F::State) -> Result<Came> {
    let steps = Steps::load(run, F::VERSION).await?;
    let result = {
        let mut body = std::pin::pin!(flow.run(&steps, state));
        std::future::poll_fn(|task| match body.as_mut().poll(task) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending if steps.is_stuck() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    };
    let Some(result) = result else {
        park::park(run, &steps).await?;
        return Ok(Came::Parked);
    };
    let result = match (result, steps.failure()) {
        (Ok(()), Some(failure)) => Err(failure),
        (Ok(()), None) => steps.check_all_visited(),
        (Err(error), _) => Err(error),
    };
    let Err(error) = result else { return Ok(Came::Done) };
    let may_retry = worth_retrying(&error)
        && F::retry().next(run.failures(), run.db().clock().now(), run.db().random()).is_some();
    if error.code() != "job.lease_lost" && !may_retry && !run.cancel().is_cancelled() {
        steps.undo_all(&text_of(&error)).await?;
    }
    Err(error)
}
