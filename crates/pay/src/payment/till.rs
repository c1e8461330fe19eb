//! The till: calls that pay over the ledger wait here for a very short time and are settled together.
//!
//! There is no clock in it. A lane that has nothing to do takes a call as it comes; while it settles,
//! others wait, and the next batch is whoever waits then. So a quiet installation settles each call alone
//! and at once, and a busy one pays for a transaction once for many. A tenant's calls go over one lane,
//! so that lanes do not wait for each other's rows.
//!
//! A batch verifies the mandates' signatures before anything is locked, on as many threads as there are
//! parts, then settles in one transaction ([`settle`]). If the whole of a batch fails — somebody else
//! paid the same thing at this moment, holds a row for too long, the database went away — each member
//! goes its own way outside of the till, where nobody waits for it and its error is its own.

use super::settle::{self, Member, Settled};
use crate::mandate::{self, Mandate, Read};
use crate::signing::{Keys, Ring};
use base::{Error, Result, TenantId, Time};
use db::{Caller, Cx, Db, Scope};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Lanes: while one waits for the disk, others verify and settle; more make smaller batches.
const LANES: usize = 3;
/// Members of a batch at most: others on the same balances wait for it.
const BATCH_MAX: usize = 64;
/// How long a batch waits for a row that somebody else holds, in milliseconds: nobody else in the lane is
/// paid meanwhile.
const WAIT_MS_MAX: u32 = 1_000;
/// Parts in which the signatures of a batch are verified at once.
const PARTS: usize = 2;

/// Where calls wait to be settled together.
#[derive(Debug, Default)]
pub(crate) struct Till {
    lanes: [Arc<Lane>; LANES],
}

#[derive(Debug, Default)]
struct Lane(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Somebody is settling, and will come back for who waits.
    is_served: bool,
}

#[derive(Debug)]
struct Waiting {
    member: Member,
    answer: oneshot::Sender<Result<Settled>>,
}

impl Lane {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Till {
    /// Settles a member, with whoever else waits.
    ///
    /// # Errors
    /// As [`settle::settle`] for a member.
    pub(super) async fn settle(&self, db: &Db, ring: &Arc<Ring>, member: Member) -> Result<Settled> {
        let (answer, come) = oneshot::channel();
        let lane = self.lane_of(member.tenant);
        let starts = {
            let mut queue = lane.queue();
            queue.waiting.push_back(Waiting { member, answer });
            !std::mem::replace(&mut queue.is_served, true)
        };
        if starts {
            // A task of its own: a caller who goes away takes nobody else along.
            tokio::spawn(
                Clerk { lane: lane.clone(), db: db.clone(), ring: ring.clone(), is_done: false }.serve(),
            );
        }
        come.await.map_err(|cause| {
            Error::unavailable("till.gone", "The call was given up half way and nothing was kept. Try again.")
                .caused_by(cause)
        })?
    }

    fn lane_of(&self, tenant: TenantId) -> &Arc<Lane> {
        // The end of an id is random.
        let at = tenant.uuid().as_u128() % (LANES as u128);
        &self.lanes[usize::try_from(at).unwrap_or(0)]
    }
}

/// Who serves a lane until nobody waits.
struct Clerk {
    lane: Arc<Lane>,
    db: Db,
    ring: Arc<Ring>,
    is_done: bool,
}

impl Drop for Clerk {
    fn drop(&mut self) {
        if !self.is_done {
            // Ended by a defect: whoever waits is told by their channel, and the next call starts anew.
            let mut queue = self.lane.queue();
            queue.is_served = false;
            queue.waiting.clear();
        }
    }
}

impl Clerk {
    async fn serve(mut self) {
        loop {
            let batch = {
                let mut queue = self.lane.queue();
                let count = queue.waiting.len().min(BATCH_MAX);
                let batch: Vec<Waiting> = queue.waiting.drain(..count).collect();
                if batch.is_empty() {
                    queue.is_served = false;
                    self.is_done = true;
                    return;
                }
                batch
            };
            let (members, answers): (Vec<Member>, Vec<_>) =
                batch.into_iter().map(|waiting| (waiting.member, waiting.answer)).unzip();
            for (answer, settled) in answers.into_iter().zip(self.all(members).await) {
                // Nobody listens any more: the payment is made, and its key answers who asks again.
                let _gone = answer.send(settled);
            }
            // Whoever was answered and has more to pay comes with the next batch, not with the one after it.
            tokio::task::yield_now().await;
        }
    }

    /// A batch. When it fails as a whole, each of its members goes its own way.
    async fn all(&self, members: Vec<Member>) -> Vec<Result<Settled>> {
        self.together(&members).await.unwrap_or_else(|error| {
            tracing::info!(%error, members = members.len(), "payments could not be settled together");
            members.iter().map(|_| Ok(Settled::Apart)).collect()
        })
    }

    async fn together(&self, members: &[Member]) -> Result<Vec<Result<Settled>>> {
        let keys = self.ring.keys().await?;
        let mut cx = self.begin(members).await?;
        settle::ready(&mut cx, Some(WAIT_MS_MAX)).await?;
        let (genuine, read) = genuine(&mut cx, &keys, members).await?;
        let chosen: Vec<Member> = members
            .iter()
            .zip(&genuine)
            .filter(|(_, genuine)| **genuine)
            .map(|(member, _)| member.clone())
            .collect();
        let mut settled = Vec::new();
        if !chosen.is_empty() {
            settled = settle::settle(&mut cx, &keys, &chosen, read).await?;
            cx.commit().await?;
        }
        let mut settled = settled.into_iter();
        Ok(genuine
            .into_iter()
            .map(|genuine| {
                let one = if genuine { settled.next() } else { None };
                one.unwrap_or(Ok(Settled::Apart))
            })
            .collect())
    }

    /// In the scope of the one tenant, or of several; one caller acts in its own name.
    async fn begin(&self, members: &[Member]) -> Result<Cx> {
        let first = members.first().ok_or_else(|| Error::internal("An empty batch."))?;
        let scope = match members.iter().all(|member| member.tenant == first.tenant) {
            true => Scope::Tenant(first.tenant),
            false => Scope::System,
        };
        let caller = match members {
            [one] => one.by.clone(),
            _ => Caller::system("pay.till", &self.db),
        };
        self.db.begin(scope, caller).await
    }
}

/// Whose mandates are genuine, and the mandates. Those that are not, or that need more than this installation's
/// keys, go their own way, where it is said what is wrong.
async fn genuine(cx: &mut Cx, keys: &Arc<Keys>, members: &[Member]) -> Result<(Vec<bool>, Read)> {
    let named = settle::mandates(members);
    let (found, now) = (mandate::many(cx, &named).await?, cx.now());
    // Two members of one mandate: it is verified once, and counts for both.
    let found: Arc<Vec<_>> = Arc::new(found.into_iter().collect());
    let size = found.len().div_ceil(PARTS).max(1);
    let parts: Vec<_> = (0..found.len())
        .step_by(size)
        .map(|from| {
            let (found, keys) = (found.clone(), keys.clone());
            tokio::task::spawn_blocking(move || {
                let part = found.iter().skip(from).take(size);
                part.filter(|(_, mandate)| verified(&keys, mandate, now))
                    .map(|(name, _)| *name)
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut genuine = HashSet::with_capacity(found.len());
    for part in parts {
        genuine.extend(
            part.await
                .map_err(|cause| Error::internal("Signatures could not be verified.").caused_by(cause))?,
        );
    }
    let each = named.iter().map(|name| genuine.contains(name)).collect();
    Ok((each, Arc::unwrap_or_clone(found).into_iter().collect()))
}

fn verified(keys: &Keys, mandate: &Mandate, now: Time) -> bool {
    !mandate.signed_by_wallet && mandate::verify_own(keys, mandate, now).is_ok()
}
