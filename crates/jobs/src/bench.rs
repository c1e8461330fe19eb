//! How fast the queue is on this machine, beside the most that PostgreSQL gives for the same writes in
//! the same run: a minimal batch claim-and-complete driven by pgbench.

use crate::worker::{Settings, Worker};
use crate::{Job, Options, Registry, Run, enqueue, enqueue_many};
use base::{Error, RequestId, Result, TenantId};
use db::{Caller, Db, Scope};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Bench {
    /// Connection URL of the same scratch database, for pgbench.
    pub url: base::Secret,
    /// Tenants that share the queue.
    pub tenants: u8,
    /// Jobs to enqueue and drain.
    pub jobs: usize,
    /// Jobs at a hundred a second whose start is timed.
    pub paced: usize,
}

/// Enqueueing.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Enqueued {
    /// Jobs a second.
    pub per_s: f64,
}

/// Draining, with fairness and prefetch.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Drained {
    /// Jobs a second.
    pub per_s: f64,
    /// Jobs a second of the minimal SQL under pgbench.
    pub limit_per_s: f64,
    /// The first over the second.
    pub ratio: f64,
}

/// From the commit of a job to the start of its body, at a hundred jobs a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// The median in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile in milliseconds.
    pub p99_ms: f64,
}

/// The result.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// Enqueueing in batches of a thousand on two connections.
    pub enqueue: Enqueued,
    /// Draining.
    pub drain: Drained,
    /// Starting.
    pub latency: Latency,
}

#[derive(Serialize, Deserialize, Clone)]
struct Nothing {
    n: u32,
}

impl Job for Nothing {
    const KIND: &'static str = "bench.nothing";
    type State = Arc<AtomicUsize>;
    async fn run(self, _: &Run, ran: &Arc<AtomicUsize>) -> Result<()> {
        ran.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Says when it began.
#[derive(Serialize, Deserialize)]
struct Stamp {
    n: usize,
}

type Stamps = Arc<Mutex<Vec<(usize, Instant)>>>;

impl Job for Stamp {
    const KIND: &'static str = "bench.stamp";
    type State = Stamps;
    async fn run(self, _: &Run, stamps: &Stamps) -> Result<()> {
        stamps.lock().unwrap_or_else(PoisonError::into_inner).push((self.n, Instant::now()));
        Ok(())
    }
}

const ENQUEUE_BATCH: usize = 1_000;

/// Runs the benchmark in an empty migrated database; leaves rows there.
pub async fn run(db: &Db, bench: &Bench) -> Result<Figures> {
    let pgbench = find_pgbench()?;
    let limit_per_s = limit(db, bench, &pgbench).await?;
    let enqueue = fill(db, bench).await?;
    tidy(db).await?;
    let per_s = drain(db, bench).await?;
    let latency = paced(db, bench).await?;
    Ok(Figures { enqueue, drain: Drained { per_s, limit_per_s, ratio: per_s / limit_per_s }, latency })
}

fn per_s(count: usize, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

fn tenant(n: u8) -> TenantId {
    TenantId(Uuid::from_bytes([n.saturating_add(1); 16]))
}

/// Two connections enqueue at once, tenant by tenant.
async fn fill(db: &Db, bench: &Bench) -> Result<Enqueued> {
    let since = Instant::now();
    let half = async |first: usize| {
        let batches = bench.jobs.div_ceil(ENQUEUE_BATCH);
        for batch in (first..batches).step_by(2) {
            let t = u8::try_from(batch % usize::from(bench.tenants.max(1))).unwrap_or(0);
            let caller = Caller { actor: base::Actor::system("bench"), request: RequestId(Uuid::nil()) };
            let mut cx = db.begin(Scope::Tenant(tenant(t)), caller).await?;
            let jobs = vec![Nothing { n: 1 }; ENQUEUE_BATCH];
            enqueue_many(&mut cx, &jobs, &Options::default()).await?;
            cx.commit().await?;
        }
        Ok::<_, Error>(())
    };
    let (a, b) = tokio::join!(half(0), half(1));
    a?;
    b?;
    Ok(Enqueued { per_s: per_s(bench.jobs.div_ceil(ENQUEUE_BATCH) * ENQUEUE_BATCH, since) })
}

/// Statistics as autovacuum would have made them by now.
async fn tidy(db: &Db) -> Result<()> {
    let mut conn = db.pool().acquire().await?;
    sqlx::query("reset role").execute(&mut *conn).await?;
    sqlx::query("vacuum analyze jobs.job").execute(&mut *conn).await?;
    sqlx::query("set role agency_app").execute(&mut *conn).await?;
    Ok(())
}

async fn left(db: &Db) -> Result<i64> {
    let mut cx = db.system("bench").await?;
    let left =
        sqlx::query_scalar!(r#"select count(*) as "left!" from jobs.job"#).fetch_one(cx.conn()).await?;
    cx.rollback().await?;
    Ok(left)
}

/// From the start of a worker until every job is in the history.
async fn drain(db: &Db, bench: &Bench) -> Result<f64> {
    let mut registry = Registry::new();
    let ran = Arc::new(AtomicUsize::new(0));
    registry.register::<Nothing>(Arc::clone(&ran));
    let (registry, stop) = (Arc::new(registry), CancellationToken::new());
    let jobs = usize::try_from(left(db).await?).unwrap_or(bench.jobs);
    let since = Instant::now();
    let (worker_db, shutdown) = (db.clone(), stop.clone());
    let worker = tokio::spawn(async move {
        Worker { settings: Settings::default() }.run(&worker_db, &registry, &shutdown).await
    });
    // Asking the database all the time would be part of what is measured.
    while ran.load(Ordering::Relaxed) < jobs || left(db).await? > 0 {
        if since.elapsed() > Duration::from_secs(300) {
            return Err(Error::unavailable("bench.stuck", "The queue did not drain within five minutes."));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let rate = per_s(jobs, since);
    stop.cancel();
    match worker.await {
        Ok(tally) => tally?,
        Err(cause) => return Err(Error::internal("The benchmark's worker stopped early.").caused_by(cause)),
    };
    Ok(rate)
}

/// One job each ten milliseconds, each in a transaction of its own.
async fn paced(db: &Db, bench: &Bench) -> Result<Latency> {
    let stamps = Stamps::default();
    let mut registry = Registry::new();
    registry.register::<Stamp>(stamps.clone());
    let (registry, stop) = (Arc::new(registry), CancellationToken::new());
    let (worker_db, shutdown) = (db.clone(), stop.clone());
    let worker = tokio::spawn(async move {
        Worker { settings: Settings::default() }.run(&worker_db, &registry, &shutdown).await
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut committed = Vec::with_capacity(bench.paced);
    let mut beat = tokio::time::interval(Duration::from_millis(10));
    for n in 0..bench.paced {
        beat.tick().await;
        let caller = Caller { actor: base::Actor::system("bench"), request: RequestId(Uuid::nil()) };
        let mut cx = db.begin(Scope::Tenant(tenant(u8::try_from(n % 20).unwrap_or(0))), caller).await?;
        enqueue(&mut cx, &Stamp { n }).await?;
        // The clock starts before the commit, so that the figure is never flattered.
        committed.push(Instant::now());
        cx.commit().await?;
    }
    while left(db).await? > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    match worker.await {
        Ok(tally) => tally?,
        Err(cause) => return Err(Error::internal("The benchmark's worker stopped early.").caused_by(cause)),
    };
    let began = stamps.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut waits: Vec<f64> = began
        .into_iter()
        .map(|(n, at)| at.saturating_duration_since(committed[n]).as_secs_f64() * 1_000.0)
        .collect();
    waits.sort_by(f64::total_cmp);
    let at = |share: f64| {
        waits.get(((waits.len() as f64 - 1.0).max(0.0) * share) as usize).copied().unwrap_or(f64::NAN)
    };
    Ok(Latency { p50_ms: at(0.5), p99_ms: at(0.99) })
}

fn find_pgbench() -> Result<PathBuf> {
    let in_path =
        std::env::var_os("PATH").into_iter().flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|v| v.path().join("bin"));
    in_path.chain(versions).map(|folder| folder.join("pgbench")).find(|file| file.is_file()).ok_or_else(|| {
        Error::unavailable(
            "bench.pgbench_missing",
            "pgbench was not found in the PATH or under /usr/lib/postgresql/*/bin. Install PostgreSQL's client tools (Debian: postgresql-15, elsewhere postgresql-contrib).",
        )
    })
}

/// Jobs in one claim of the minimal SQL: as many as a worker with its prefetch holds.
const LIMIT_BATCH: usize = 1_000;

/// The least that any queue on these tables must write: claim a batch, complete a batch; no tenants, no
/// fence, no client that runs anything.
async fn limit(db: &Db, bench: &Bench, pgbench: &std::path::Path) -> Result<f64> {
    fill(db, bench).await?;
    tidy(db).await?;
    let jobs = usize::try_from(left(db).await?).unwrap_or(bench.jobs);
    let file = std::env::temp_dir().join(format!("agency-bench-{}.sql", std::process::id()));
    let script = format!(
        "update jobs.job set state = 'running', node = '00000000-0000-0000-0000-0000000000'||lpad(:client_id::text, 2, '0')::uuid, attempt = attempt + 1, started_at = now()
           where ctid = any (array (select ctid from jobs.job where state = 'ready' order by queue, lane, rank, id limit {LIMIT_BATCH} for update skip locked)) returning id, payload::text;\n\
         with gone as (delete from jobs.job where state = 'running' and node = '00000000-0000-0000-0000-0000000000'||lpad(:client_id::text, 2, '0')::uuid returning *)
           insert into jobs.job_done (id, tenant_id, parent, node, run_at, created_at, started_at, finished_at, cause, outcome,
                                      attempt, failures, boost_s, flow_version, queue, kind, unique_key, actor, payload)
           select id, tenant_id, parent, node, run_at, created_at, started_at, now(), cause, 'succeeded', attempt, failures, boost_s,
                  flow_version, queue, kind, unique_key, actor, payload from gone;\n"
    )
    .replace("'00000000-0000-0000-0000-0000000000'||lpad(:client_id::text, 2, '0')::uuid", "('00000000-0000-0000-0000-0000000000' || lpad(:client_id::text, 2, '0'))::uuid");
    std::fs::write(&file, script).map_err(|e| {
        Error::unavailable("bench.file", "The script for pgbench could not be written.").caused_by(e)
    })?;
    let turns = jobs.div_ceil(LIMIT_BATCH).div_ceil(2);
    let since = Instant::now();
    let output = tokio::process::Command::new(pgbench)
        .args(["--no-vacuum", "--client=2", "--jobs=1", "--protocol=prepared"])
        .arg(format!("--transactions={turns}"))
        .arg("--file")
        .arg(&file)
        .arg(bench.url.expose())
        .output()
        .await
        .map_err(|e| Error::unavailable("bench.pgbench", "pgbench could not be started.").caused_by(e))?;
    let rate = per_s(jobs, since);
    std::fs::remove_file(&file).map_err(|e| {
        Error::unavailable("bench.file", "The script for pgbench could not be removed.").caused_by(e)
    })?;
    if !output.status.success() {
        return Err(Error::unavailable(
            "bench.pgbench",
            format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr)),
        ));
    }
    match left(db).await? {
        0 => Ok(rate),
        rest => Err(Error::internal(format!("pgbench left {rest} of {jobs} jobs; its rate would be wrong."))),
    }
}
