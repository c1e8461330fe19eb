//! What a job is: the trait that domains implement, its options, and the words of its life.

use crate::Run;
use base::{Error, Random, Result, Time};
use serde::{Serialize, de::DeserializeOwned};
use std::future::Future;

base::id_type!(
    /// A job, from its enqueueing to its end and in its history.
    JobId
);
base::id_type!(
    /// A worker process, from its start to its end.
    NodeId
);

/// The queue of kinds that name none.
pub const DEFAULT_QUEUE: &str = "default";

/// One kind of durable work. The value is its input, stored as JSON in the enqueuer's transaction.
///
/// A job may run more than once (a worker may die); effects inside the database belong into one
/// transaction that ends with [`Run::complete_in`], effects outside carry an idempotency key.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `domain.verb`, such as `outreach.send`; stable, because rows carry it.
    const KIND: &'static str;
    /// The queue in which it waits.
    const QUEUE: &'static str = DEFAULT_QUEUE;
    /// How long one try may run, in seconds.
    const TIMEOUT_S: u64 = 300;
    /// How many may run at once for one tenant. A kind with a bound has a queue of its own, named
    /// like the kind.
    const CONCURRENCY: Option<u32> = None;
    /// How many of them one worker may run as one call ([`Job::run_all`]), when it holds several of one
    /// tenant. 1: each by itself.
    const TOGETHER: usize = 1;
    /// What it needs from its process (ports, settings), given at registration.
    type State: Clone + Send + Sync + 'static;

    /// When to try again after a failure.
    fn retry() -> Retry {
        Retry::seeds()
    }

    /// One try. An error whose kind says that waiting cannot help ends the job at once; any other
    /// error is tried again as [`Job::retry`] says.
    fn run(self, run: &Run, state: &Self::State) -> impl Future<Output = Result<()>> + Send;

    /// One try of each of several jobs of one tenant and one caller, at most [`Job::TOGETHER`]; the answers
    /// in their order. Each keeps its own lease, attempt and verdict: what one of them answers says nothing
    /// of another. By itself it runs one after the other.
    fn run_all(jobs: Vec<(Self, &Run)>, state: &Self::State) -> impl Future<Output = Vec<Result<()>>> + Send {
        async move {
            let mut all = Vec::with_capacity(jobs.len());
            for (job, run) in jobs {
                all.push(job.run(run, state).await);
            }
            all
        }
    }
}

/// The queue in which jobs of a kind really wait.
pub(crate) fn queue_of<J: Job>() -> &'static str {
    if J::CONCURRENCY.is_some() { J::KIND } else { J::QUEUE }
}

/// The delays between tries; after the last one a failed job is dead.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    delays_s: &'static [u32],
}

impl Retry {
    /// After 60, 300 and 900 seconds, with jitter.
    pub const fn seeds() -> Self {
        Self { delays_s: &[60, 300, 900] }
    }

    /// Never again.
    pub const fn never() -> Self {
        Self { delays_s: &[] }
    }

    /// After these delays in seconds.
    pub const fn after_s(delays_s: &'static [u32]) -> Self {
        Self { delays_s }
    }

    /// When to try again after `failures` earlier failures and this one, up to a tenth later than
    /// the plain delay so that jobs which failed together do not return together. None: it is dead.
    pub fn next(&self, failures: i32, now: Time, random: &Random) -> Option<Time> {
        let delay_s = i64::from(*self.delays_s.get(usize::try_from(failures).ok()?)?);
        Some(now.plus_ms(delay_s * 1_000 + random.between(0, delay_s * 100)))
    }
}

/// How much of a head start a job has over others of its lane. A waiting job of a lower class is
/// overtaken only by jobs that come within the difference, so that nothing starves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Priority {
    /// A person waits for it: an hour's head start.
    Urgent,
    /// Five minutes' head start.
    High,
    /// First come, first served.
    #[default]
    Normal,
    /// Bulk work: stands back an hour.
    Low,
}

impl Priority {
    /// Every class, first served first.
    pub const ALL: [Self; 4] = [Self::Urgent, Self::High, Self::Normal, Self::Low];

    /// The head start in seconds.
    pub const fn boost_s(self) -> i32 {
        match self {
            Self::Urgent => 3_600,
            Self::High => 300,
            Self::Normal => 0,
            Self::Low => -3_600,
        }
    }

    /// The word in forms and rows.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl std::str::FromStr for Priority {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|p| p.word() == text)
            .ok_or_else(|| Error::invalid("job.priority", format!("“{text}” is not a priority of a job.")))
    }
}

/// How to enqueue a job, where the defaults do not fit.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Not before this instant.
    pub at: Option<Time>,
    /// Its class.
    pub priority: Priority,
    /// While a job of this kind and tenant with this key lives, a second one is not added.
    pub unique_key: Option<String>,
    /// Not worth starting after this instant: it is then cancelled.
    pub deadline: Option<Time>,
    /// The flow that waits for it.
    pub parent: Option<JobId>,
}

/// Where a live job stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its time has not come.
    Scheduled,
    /// A worker may take it.
    Ready,
    /// A worker has it.
    Running,
    /// A parked flow: no worker holds it.
    Waiting,
}

/// How a job ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It did its work.
    Succeeded,
    /// It said that trying again cannot help.
    Failed,
    /// Somebody cancelled it, or its deadline passed.
    Cancelled,
    /// It used up its tries.
    Dead,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Scheduled, Self::Ready, Self::Running, Self::Waiting];

    /// The word in rows.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Waiting => "waiting",
        }
    }
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Succeeded, Self::Failed, Self::Cancelled, Self::Dead];

    /// The word in rows.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }
}

impl std::str::FromStr for State {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|s| s.word() == text)
            .ok_or_else(|| Error::invalid("job.state", format!("“{text}” is not a state of a job.")))
    }
}

impl std::str::FromStr for Outcome {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|o| o.word() == text)
            .ok_or_else(|| Error::invalid("job.outcome", format!("“{text}” is not an outcome of a job.")))
    }
}
