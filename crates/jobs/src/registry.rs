//! What this program can run: kinds of jobs and flows, reactions to facts, schedules. Built once at
//! the start of a process by an explicit list, then shared.

use crate::flow::{self, Flow};
use crate::job::{Job, Priority, Retry, queue_of};
use crate::schedule::Schedule;
use crate::{Run, schedule};
use base::{Error, Result, TenantId, Time};
use db::Db;
use futures::future::BoxFuture;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use uuid::Uuid;

/// A fact, as a reaction or a waiting flow receives it.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
pub struct SeenFact {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub tenant_id: TenantId,
    /// `domain.noun.happened`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it happened to.
    pub subject_id: Option<Uuid>,
    /// Who did it, as `kind:name`.
    pub actor: String,
    /// The details.
    pub payload: serde_json::Value,
    /// When.
    pub at: Time,
}

/// How a body came back.
pub(crate) enum Came {
    /// It is finished.
    Done,
    /// It waits; the wait is already stored and the job no longer held.
    Parked,
}

/// Runs one try of each of several jobs of a kind; the answers in their order.
type Body = Box<dyn for<'a> Fn(&'a [Run], Vec<String>) -> BoxFuture<'a, Vec<Result<Came>>> + Send + Sync>;
type Reaction = Box<dyn Fn(&SeenFact) -> Result<Option<String>> + Send + Sync>;

/// One kind, erased.
pub(crate) struct Handler {
    pub timeout: Duration,
    pub retry: Retry,
    /// How many of them run as one call.
    pub together: usize,
    concurrency: Option<u32>,
    /// One body for a job; one for each version of a flow that still runs.
    bodies: BTreeMap<i32, Body>,
}

struct Subscription {
    fact_type: &'static str,
    kind: &'static str,
    queue: &'static str,
    priority: Priority,
}

/// Everything that this program can run.
#[derive(Default)]
pub struct Registry {
    handlers: HashMap<&'static str, Handler>,
    reactions: HashMap<(&'static str, &'static str), Reaction>,
    subscriptions: Vec<Subscription>,
    schedules: Vec<Schedule>,
}

/// The version of a plain job's only body.
const PLAIN: i32 = 0;

impl Registry {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind of job with what it needs.
    pub fn register<J: Job>(&mut self, state: J::State) -> &mut Self {
        let body: Body = Box::new(move |runs, payloads| {
            let state = state.clone();
            Box::pin(async move { run_all::<J>(runs, payloads, &state).await })
        });
        let handler = Handler {
            timeout: Duration::from_secs(J::TIMEOUT_S),
            retry: J::retry(),
            together: J::TOGETHER.max(1),
            concurrency: J::CONCURRENCY,
            bodies: BTreeMap::from([(PLAIN, body)]),
        };
        self.handlers.insert(J::KIND, handler);
        self
    }

    /// Adds a version of a flow with what it needs. Keep the versions that parked flows are pinned to.
    pub fn register_flow<F: Flow>(&mut self, state: F::State) -> &mut Self {
        let body: Body = Box::new(move |runs, payloads| {
            let state = state.clone();
            Box::pin(async move {
                let mut came = Vec::with_capacity(runs.len());
                for (run, payload) in runs.iter().zip(payloads) {
                    came.push(match decode::<F>(F::KIND, &payload) {
                        Ok(flow) => flow::drive(run, flow, &state).await,
                        Err(error) => Err(error),
                    });
                }
                came
            })
        });
        let handler = self.handlers.entry(F::KIND).or_insert_with(|| Handler {
            timeout: Duration::from_secs(F::TIMEOUT_S),
            retry: F::retry(),
            together: 1,
            concurrency: None,
            bodies: BTreeMap::new(),
        });
        handler.bodies.insert(F::VERSION, body);
        self
    }

    /// Starts a job of a registered kind whenever such a fact happens, in the fact's own transaction.
    /// `fact_type` may end in `*`. `make` runs later, in the worker; None means there is nothing to do.
    pub fn on_fact<J: Job>(
        &mut self,
        fact_type: &'static str,
        make: impl Fn(&SeenFact) -> Option<J> + Send + Sync + 'static,
    ) -> &mut Self {
        let reaction: Reaction = Box::new(move |fact| {
            make(fact).map(|job| serde_json::to_string(&job)).transpose().map_err(Error::from)
        });
        self.reactions.insert((fact_type, J::KIND), reaction);
        self.subscriptions.push(Subscription {
            fact_type,
            kind: J::KIND,
            queue: queue_of::<J>(),
            priority: Priority::Normal,
        });
        self
    }

    /// Adds a schedule of the installation.
    pub fn schedule(&mut self, schedule: Schedule) -> &mut Self {
        self.schedules.push(schedule);
        self
    }

    /// Every registered kind, for coverage tests and the Operations page.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.handlers.keys().copied().collect();
        kinds.sort_unstable();
        kinds
    }

    /// Writes subscriptions, schedules and lane bounds into the database; those that this program no
    /// longer has are removed. Call it once at the start of a program, before facts are published.
    pub async fn sync(&self, db: &Db) -> Result<()> {
        for s in &self.subscriptions {
            if !self.handlers.contains_key(s.kind) {
                return Err(Error::internal(format!(
                    "The fact {} starts jobs of the kind {}, which is not registered.",
                    s.fact_type, s.kind
                )));
            }
        }
        let mut cx = db.system("jobs").await?;
        let facts: Vec<String> = self.subscriptions.iter().map(|s| s.fact_type.to_owned()).collect();
        let kinds: Vec<String> = self.subscriptions.iter().map(|s| s.kind.to_owned()).collect();
        let queues: Vec<String> = self.subscriptions.iter().map(|s| s.queue.to_owned()).collect();
        let boosts: Vec<i32> = self.subscriptions.iter().map(|s| s.priority.boost_s()).collect();
        sqlx::query!(
            "delete from jobs.subscription s
             where not exists (select from unnest($1::text[], $2::text[]) as k (f, k) where k.f = s.fact_type and k.k = s.kind)",
            &facts,
            &kinds
        )
        .execute(cx.conn())
        .await?;
        sqlx::query!(
            "insert into jobs.subscription (fact_type, kind, queue, boost_s)
             select * from unnest($1::text[], $2::text[], $3::text[], $4::int[])
             on conflict (fact_type, kind) do update set queue = excluded.queue, boost_s = excluded.boost_s",
            &facts,
            &kinds,
            &queues,
            &boosts,
        )
        .execute(cx.conn())
        .await?;
        for (kind, handler) in &self.handlers {
            if let Some(most) = handler.concurrency {
                sqlx::query!(
                    "insert into jobs.lane (queue, max_running) values ($1, $2) on conflict (queue, tenant_id) do nothing",
                    kind,
                    i32::try_from(most).unwrap_or(i32::MAX),
                )
                .execute(cx.conn())
                .await?;
            }
        }
        schedule::sync(&mut cx, &self.schedules).await?;
        let now = cx.now();
        sqlx::query!("select jobs.ensure_months($1)", now as Time).fetch_one(cx.conn()).await?;
        cx.commit().await
    }

    pub(crate) fn handler(&self, kind: &str) -> Result<&Handler> {
        self.handlers.get(kind).ok_or_else(|| {
            Error::new(
                base::Kind::Unavailable,
                "job.kind_unknown",
                format!(
                    "This program cannot run jobs of the kind “{kind}”. Run one that can, or cancel the job."
                ),
            )
        })
    }

    /// How many jobs of a kind one worker may run as one call.
    pub(crate) fn together(&self, kind: &str) -> usize {
        self.handlers.get(kind).map_or(1, |handler| handler.together)
    }

    /// The input of a job: its own payload, or what its reaction makes of a fact. None: nothing to do.
    pub(crate) fn input(&self, kind: &str, payload: String) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Reacting {
            #[serde(rename = "$fact")]
            fact: serde_json::Value,
        }
        if !payload.starts_with("{\"$fact\"") {
            return Ok(Some(payload));
        }
        let Reacting { fact } = serde_json::from_str(&payload)?;
        let subscription = fact["subscription"].as_str().unwrap_or_default().to_owned();
        let seen: SeenFact = serde_json::from_value(fact)?;
        let reaction = self
            .reactions
            .iter()
            .find(|((f, k), _)| *f == subscription && *k == kind)
            .map(|(_, r)| r)
            .ok_or_else(|| {
                Error::refused(
                    "job.reaction_unknown",
                    format!("No reaction of {kind} to {subscription} is registered."),
                )
            })?;
        reaction(&seen)
    }
}

impl Handler {
    /// The body for a pinned version, or the latest one.
    pub(crate) fn body(&self, kind: &str, pinned: Option<i32>) -> Result<&Body> {
        let body = match pinned {
            Some(version) => self.bodies.get(&version),
            None => self.bodies.values().next_back(),
        };
        body.ok_or_else(|| {
            Error::refused(
                "flow.version_unknown",
                format!(
                    "This flow is pinned to version {pinned:?} of {kind}, which this program no longer has."
                ),
            )
        })
    }
}

/// Decodes the inputs and runs the jobs as one call; an input that does not fit is that job's own error.
async fn run_all<J: Job>(runs: &[Run], payloads: Vec<String>, state: &J::State) -> Vec<Result<Came>> {
    let decoded: Vec<Result<J>> = payloads.iter().map(|payload| decode(J::KIND, payload)).collect();
    let mut jobs = Vec::with_capacity(runs.len());
    let mut came: Vec<Option<Error>> = Vec::with_capacity(runs.len());
    for (run, job) in runs.iter().zip(decoded) {
        came.push(match job {
            Ok(job) => {
                jobs.push((job, run));
                None
            }
            Err(error) => Some(error),
        });
    }
    let mut results = J::run_all(jobs, state).await.into_iter();
    let unanswered = || Err(Error::internal(format!("A batch of {} left a job without an answer.", J::KIND)));
    came.into_iter()
        .map(|wrong| match wrong {
            Some(error) => Err(error),
            None => results.next().unwrap_or_else(unanswered).map(|()| Came::Done),
        })
        .collect()
}

fn decode<T: serde::de::DeserializeOwned>(kind: &str, payload: &str) -> Result<T> {
    serde_json::from_str(payload).map_err(|cause| {
        Error::invalid(
            "job.payload",
            format!("The stored input of the job {kind} does not fit this program's type."),
        )
        .caused_by(cause)
    })
}
