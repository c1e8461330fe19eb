//! How fast payments over the ledger are on this machine, beside the least SQL that could do the same in
//! the same run, and whether everything that must hold holds for what was written.
//!
//! What a *cycle* is: one call that executes a signed mandate of its own, through the verb behind
//! `POST /api/v1/execute` — its key is claimed, the mandate's ES256 token and the Ed25519 signature over its
//! hash are verified, switches, policy and every limit are asked, the amount is reserved in the books and
//! posted with the fee divided, the receipt is chained and signed (Ed25519, and as AP2's JWT), facts go to
//! the outbox, the answer is kept under the key, and all of it is committed before the call returns. The
//! mandates are signed beforehand, by the verbs behind `/purchase-intents` and `/mandates`.
//!
//! The *limit* is what pgbench does with as many clients on the same database and as many wallets, in one
//! transaction each: take the mandate's and the payer's limits by conditional updates, reserve on a wallet's
//! row, post to wallet, payee and fee, append a receipt to the tenant's chain, write the payment and keep an
//! answer under its key. It verifies and signs nothing, asks no policy and no switch, and tells nobody. The
//! *books* are the same without authorisation, payment and key: reserve, post, receipt.

mod check;
mod limit;
mod stage;

pub use stage::{Payer, payers};

use crate::Caller;
use crate::mandate::{MandateId, Place};
use crate::payment::{Desk, Execute, execute};
use base::{Digest, Error, Result, Secret};
use db::Db;
use db::idem::Key;
use limit::Least;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The same scratch database, as its owner, for pgbench and the checks.
    pub url: Secret,
    /// Tenants, each with a payer, a vendor and a wallet.
    pub tenants: usize,
    /// Callers at once.
    pub clients: usize,
    /// Cycles to measure.
    pub cycles: usize,
    /// How long pgbench runs, before the cycles and again after them, in seconds.
    pub limit_s: u64,
}

/// The result.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Cycles that were measured.
    pub cycles: usize,
    /// Cycles a second.
    pub cycles_per_s: f64,
    /// Transactions a second of the minimal SQL: the mean of the run before and the run after.
    pub limit_per_s: f64,
    /// Of the run before, and of the run after.
    pub limits_per_s: [f64; 2],
    /// Cycles over those.
    pub ratio: f64,
    /// Transactions a second of reserve, post and receipt alone, without authorisation, payment and key.
    pub books_per_s: f64,
    /// Cycles over those.
    pub ratio_to_books: f64,
    /// The median of a cycle, in milliseconds.
    pub p50_ms: f64,
    /// Its 95th percentile.
    pub p95_ms: f64,
    /// Its 99th percentile.
    pub p99_ms: f64,
    /// Cycles for each transaction, on average.
    pub cycles_per_commit: f64,
    /// Intents with their mandates a second, while they were made.
    pub mandates_per_s: f64,
    /// What does not hold, of everything that was written; 0.
    pub violations: i64,
    /// What was looked at, with how often it does not hold.
    pub checks: BTreeMap<&'static str, i64>,
}

/// Cycles before those that are measured: connections learn their statements.
const WARM: usize = 2_000;

/// Runs in an empty migrated database; leaves rows there.
///
/// # Errors
/// pgbench is missing; a cycle failed; what the database says.
pub async fn run(db: &Db, desk: &Desk, bench: &Bench) -> Result<Figures> {
    let pgbench = limit::find()?;
    let payers = payers(db, &bench.url, bench.tenants.max(1)).await?;
    let began = Instant::now();
    let orders = Arc::new(stage::orders(db, desk, &payers, bench.cycles + WARM).await?);
    let mandates_per_s = orders.len() as f64 / began.elapsed().as_secs_f64();
    limit::prepare(&bench.url, payers.len()).await?;
    stage::tidy(&bench.url).await?;
    drive(db, desk, &orders, 0..WARM.min(orders.len()), bench.clients).await?;
    stage::tidy(&bench.url).await?;
    let before = limit::run(&pgbench, bench, Least::Cycle, payers.len()).await?;
    let commits = check::commits(&bench.url).await?;
    let began = Instant::now();
    let mut took_ms = drive(db, desk, &orders, WARM..orders.len(), bench.clients).await?;
    let cycles_per_s = took_ms.len() as f64 / began.elapsed().as_secs_f64();
    let commits = check::commits(&bench.url).await? - commits;
    let after = limit::run(&pgbench, bench, Least::Cycle, payers.len()).await?;
    let books_per_s = limit::run(&pgbench, bench, Least::Books, payers.len()).await?;
    took_ms.sort_by(f64::total_cmp);
    let checks = check::all(db, desk, &bench.url, &payers, orders.len()).await?;
    let limit_per_s = f64::midpoint(before, after);
    let at = |share: f64| {
        let last = took_ms.len().saturating_sub(1);
        took_ms.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    };
    Ok(Figures {
        cycles: took_ms.len(),
        cycles_per_s,
        limit_per_s,
        limits_per_s: [before, after],
        ratio: cycles_per_s / limit_per_s,
        books_per_s,
        ratio_to_books: cycles_per_s / books_per_s,
        p50_ms: at(0.5),
        p95_ms: at(0.95),
        p99_ms: at(0.99),
        cycles_per_commit: took_ms.len() as f64 / commits.max(1) as f64,
        mandates_per_s,
        violations: checks.values().sum(),
        checks,
    })
}

/// What one cycle executes.
#[derive(Clone, Debug)]
struct Order {
    payer: Payer,
    mandate: MandateId,
}

impl Order {
    /// The call, as an agent with a key of its own makes it.
    fn call(&self, db: &Db) -> Execute {
        let actor = base::Actor::Principal { id: self.payer.principal.uuid() };
        Execute {
            tenant: self.payer.tenant,
            key: Key {
                identity: actor.label(),
                path: "POST /api/v1/execute".to_owned(),
                key: self.mandate.to_string(),
                body: Digest::of(self.mandate.to_string().as_bytes()),
            },
            by: db::Caller { actor, request: db.random().id(db.clock().as_ref()) },
            caller: Caller::Principal(self.payer.principal),
            mandate: self.mandate,
            amount_minor: None,
            rail: None,
            closed: None,
            place: Place::default(),
        }
    }
}

/// So many callers execute these, each one after the other; how long each took, in milliseconds.
async fn drive(
    db: &Db,
    desk: &Desk,
    orders: &Arc<Vec<Order>>,
    range: std::ops::Range<usize>,
    clients: usize,
) -> Result<Vec<f64>> {
    let (next, end) = (Arc::new(AtomicUsize::new(range.start)), range.end);
    let mut running = JoinSet::new();
    for _ in 0..clients.max(1) {
        let (db, desk, orders, next) = (db.clone(), desk.clone(), orders.clone(), next.clone());
        running.spawn(async move {
            let mut took_ms = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(order) = orders.get(at).filter(|_| at < end) else { return Ok(took_ms) };
                let began = Instant::now();
                let answered = execute(&db, &desk, order.call(&db)).await?;
                took_ms.push(began.elapsed().as_secs_f64() * 1_000.0);
                if answered.status != 200 || answered.replayed {
                    return Err(Error::internal(format!("A cycle was answered {}.", answered.status)));
                }
            }
        });
    }
    let mut took_ms = Vec::with_capacity(range.len());
    while let Some(joined) = running.join_next().await {
        let part: Result<Vec<f64>> =
            joined.map_err(|cause| Error::internal("A bench caller ended in a defect.").caused_by(cause))?;
        took_ms.extend(part?);
    }
    Ok(took_ms)
}
