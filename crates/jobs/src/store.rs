//! Every statement of a job's life after its enqueueing. Each is guarded by the fence: a job that is
//! no longer the caller's (another attempt, another node, another state) is not touched.

use crate::job::{JobId, NodeId, Outcome};
use base::{Result, Time};
use sqlx::PgConnection;
use uuid::Uuid;

/// A job that a worker holds.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub id: JobId,
    pub tenant: Option<Uuid>,
    pub lane: Uuid,
    pub queue: String,
    pub kind: String,
    pub payload: String,
    pub actor: Option<serde_json::Value>,
    pub attempt: i32,
    pub failures: i32,
    pub cause: Option<i64>,
    pub deadline: Option<Time>,
    pub flow_version: Option<i32>,
    pub created_at: Time,
    pub rank: Time,
}

impl Claimed {
    /// The job without its input: enough for the fence.
    pub fn head(&self) -> Self {
        Self { payload: String::new(), actor: None, ..self.clone() }
    }
}

/// What one claim brought.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The jobs, by rank.
    pub jobs: Vec<Claimed>,
    /// Whether lanes remain that were not looked at, or not emptied.
    pub more: bool,
    /// Whether a bound kept some lane back, so that the end of a job makes room.
    pub pinched: bool,
}

macro_rules! claimed {
    ($r:expr) => {
        Claimed {
            id: JobId($r.id),
            tenant: $r.tenant_id,
            lane: $r.lane,
            queue: $r.queue,
            kind: $r.kind,
            payload: $r.payload,
            actor: $r.actor,
            attempt: $r.attempt,
            failures: $r.failures,
            cause: $r.cause,
            deadline: $r.deadline,
            flow_version: $r.flow_version,
            created_at: $r.created_at,
            rank: $r.rank,
        }
    };
}

/// The place in the round of lanes after which the next claim begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    queue: String,
    lane: Uuid,
}

/// One lane that has ready jobs, and how many of them may be taken.
struct Lane {
    queue: String,
    lane: Uuid,
    bounded: bool,
    cap: i32,
}

/// Lanes that one claim looks at.
const LANES_MAX: i32 = 256;

/// The next lanes with ready jobs after `turn`, by a loose index scan: one probe a lane.
async fn lanes(
    conn: &mut PgConnection,
    turn: &Turn,
    most: i32,
    queues: Option<&[String]>,
) -> Result<(Vec<Lane>, bool)> {
    let rows = sqlx::query!(
        r#"with recursive walk (queue, lane, n) as (
             (select queue, lane, 1 from jobs.job where state = 'ready' and (queue, lane) > ($1, $2)
              order by queue, lane limit 1)
             union all
             select x.queue, x.lane, w.n + 1 from walk w cross join lateral (
               select j.queue, j.lane from jobs.job j where j.state = 'ready' and (j.queue, j.lane) > (w.queue, w.lane)
               order by j.queue, j.lane limit 1) x
             where w.n < $3)
           select queue as "queue!", lane as "lane!",
                  exists (select from jobs.lane l where l.queue = walk.queue) as "bounded!"
           from walk"#,
        turn.queue,
        turn.lane,
        most,
    )
    .fetch_all(conn)
    .await?;
    let more = i32::try_from(rows.len()).unwrap_or(i32::MAX) >= most;
    let lanes = rows
        .into_iter()
        .map(|r| Lane { queue: r.queue, lane: r.lane, bounded: r.bounded, cap: i32::MAX })
        .collect::<Vec<_>>();
    Ok(match queues {
        // The turn goes past lanes that this worker does not serve, so their order is kept.
        Some(queues) => (
            lanes
                .into_iter()
                .map(|l| Lane { cap: if queues.contains(&l.queue) { l.cap } else { 0 }, ..l })
                .collect(),
            more,
        ),
        None => (lanes, more),
    })
}

/// Locks the bounds of the lanes that have one (lanes whose bound another worker holds are left out
/// this time), then, in a later snapshot, counts what runs in them.
async fn bound(conn: &mut PgConnection, lanes: &mut [Lane]) -> Result<()> {
    let (mut queues, mut keys) = (Vec::new(), Vec::new());
    for lane in lanes.iter_mut().filter(|l| l.bounded) {
        lane.cap = 0;
        queues.push(lane.queue.clone());
        keys.push(lane.lane);
    }
    let locked: Vec<Uuid> =
        sqlx::query_scalar!("select id from jobs.lane where queue = any($1) for update skip locked", &queues)
            .fetch_all(&mut *conn)
            .await?;
    let rooms = sqlx::query!(
        r#"select w.queue as "queue!", w.lane as "lane!",
                  (l.max_running - (select count(*) from jobs.job j
                                    where j.state = 'running' and j.queue = w.queue and j.lane = w.lane))::int as "room!",
                  l.id = any($3) as "ours!"
           from unnest($1::text[], $2::uuid[]) as w (queue, lane)
           cross join lateral (
             select b.id, b.max_running from jobs.lane b
             where b.queue = w.queue and (b.tenant_id = w.lane or b.tenant_id is null)
             order by b.tenant_id nulls last limit 1) l"#,
        &queues,
        &keys,
        &locked,
    )
    .fetch_all(conn)
    .await?;
    for lane in lanes.iter_mut().filter(|l| l.bounded) {
        let room = rooms.iter().find(|r| r.lane == lane.lane && r.queue == lane.queue);
        // A queue whose bounds name other tenants only leaves this lane unbounded.
        lane.cap = room.map_or(i32::MAX, |r| if r.ours { r.room.max(0) } else { 0 });
    }
    Ok(())
}

/// Has this transaction reach every row by an index and keep its plans. The statements of the worker touch
/// a small share of a table whose size changes by the second, which the planner's figures never know.
pub(crate) async fn by_index(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "select set_config('enable_seqscan', 'off', true) as a, set_config('enable_bitmapscan', 'off', true) as b,
                set_config('enable_hashjoin', 'off', true) as c, set_config('enable_mergejoin', 'off', true) as d,
                set_config('plan_cache_mode', 'force_generic_plan', true) as e"
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Takes up to `wanted` ready jobs, an equal share of each lane in turn, never one that is halted and
/// nothing for a node that was declared dead.
/// Returns them by rank, and whether lanes remain that were not looked at.
pub(crate) async fn claim(
    conn: &mut PgConnection,
    node: NodeId,
    wanted: i32,
    turn: &mut Turn,
    queues: Option<&[String]>,
    now: Time,
) -> Result<Batch> {
    let most = wanted.clamp(16, LANES_MAX);
    let (mut lanes, more) = lanes(conn, turn, most, queues).await?;
    let Some(last) = lanes.last().map(|l| Turn { queue: l.queue.clone(), lane: l.lane }) else {
        let wrapped = *turn != Turn::default();
        *turn = Turn::default();
        return Ok(Batch { more: wrapped, ..Batch::default() });
    };
    let pinched = lanes.iter().any(|l| l.bounded);
    if pinched {
        bound(conn, &mut lanes).await?;
    }
    lanes.retain(|l| l.cap > 0);
    let count = i32::try_from(lanes.len()).unwrap_or(i32::MAX).max(1);
    let share = (wanted / count + i32::from(wanted % count > 0)).max(1);
    let (names, keys): (Vec<String>, Vec<Uuid>) = lanes.iter().map(|l| (l.queue.clone(), l.lane)).unzip();
    let caps: Vec<i32> = lanes.iter().map(|l| l.cap.min(share)).collect();
    let mut jobs: Vec<Claimed> = sqlx::query!(
        r#"update jobs.job set state = 'running', node = $1, attempt = attempt + 1, started_at = $2
           where ctid = any (array (
             select p.ctid from unnest($3::text[], $4::uuid[], $5::int[]) with ordinality as w (queue, lane, cap, turn)
             cross join lateral (
               select j.ctid from jobs.job j
               where j.state = 'ready' and j.queue = w.queue and j.lane = w.lane
                 and (select exists (select from jobs.node where id = $1))
                 and (not (select exists (select from jobs.halt)) or not jobs.halted(j.tenant_id, j.queue, j.kind))
               order by j.queue, j.lane, j.rank, j.id limit w.cap for update skip locked) p
             limit $6))
           returning id, tenant_id, lane as "lane!", queue, kind, payload::text as "payload!", actor, attempt, failures, cause,
                     deadline, flow_version, created_at, rank"#,
        node.uuid(),
        now as Time,
        &names,
        &keys,
        &caps,
        i64::from(wanted),
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|r| claimed!(r))
    .collect();
    let full = i32::try_from(jobs.len()).unwrap_or(i32::MAX) >= wanted;
    *turn = match jobs.iter().map(|j| (&j.queue, j.lane)).max() {
        Some((queue, lane)) if full => Turn { queue: queue.clone(), lane },
        _ if more => last,
        _ => Turn::default(),
    };
    jobs.sort_by_key(|j| (j.rank, j.id));
    Ok(Batch { jobs, more: more || full, pinched })
}

/// Takes up to `wanted` ready jobs in the one order of a simulation: by rank, then id.
pub(crate) async fn claim_in_order(
    conn: &mut PgConnection,
    node: NodeId,
    wanted: i64,
    now: Time,
) -> Result<Vec<Claimed>> {
    let mut jobs: Vec<Claimed> = sqlx::query!(
        r#"update jobs.job set state = 'running', node = $1, attempt = attempt + 1, started_at = $2
           where ctid = any (array (
             select j.ctid from jobs.job j
             where j.state = 'ready'
               and (not (select exists (select from jobs.halt)) or not jobs.halted(j.tenant_id, j.queue, j.kind))
             order by j.rank, j.id limit $3 for update skip locked))
           returning id, tenant_id, lane as "lane!", queue, kind, payload::text as "payload!", actor, attempt, failures, cause,
                     deadline, flow_version, created_at, rank"#,
        node.uuid(),
        now as Time,
        wanted,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|r| claimed!(r))
    .collect();
    jobs.sort_by_key(|j| (j.rank, j.id));
    Ok(jobs)
}

/// A job's end, to be written.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub id: JobId,
    pub attempt: i32,
    pub outcome: Outcome,
    pub error: Option<String>,
}

/// Moves ended jobs to the history and wakes the flows that wait for them. Returns those that were
/// still this node's; the others were lost with their lease and stay as they are.
pub(crate) async fn end(
    conn: &mut PgConnection,
    node: NodeId,
    ends: &[End],
    now: Time,
) -> Result<Vec<JobId>> {
    let ids: Vec<Uuid> = ends.iter().map(|e| e.id.uuid()).collect();
    let attempts: Vec<i32> = ends.iter().map(|e| e.attempt).collect();
    let outcomes: Vec<String> = ends.iter().map(|e| e.outcome.word().to_owned()).collect();
    let errors: Vec<Option<String>> = ends.iter().map(|e| e.error.clone()).collect();
    let row = sqlx::query!(
        r#"with gone as (
             delete from jobs.job j using unnest($1::uuid[], $2::int[], $3::text[], $4::text[]) as e (id, attempt, outcome, error)
             where j.id = e.id and j.attempt = e.attempt and j.node = $5 and j.state = 'running'
             returning j.*, e.outcome, e.error as last_error),
           kept as (
             insert into jobs.job_done (id, tenant_id, parent, node, run_at, created_at, started_at, finished_at, cause, outcome,
                                        attempt, failures, boost_s, flow_version, queue, kind, unique_key, actor, payload, error)
             select id, tenant_id, parent, node, run_at, created_at, started_at, $6, cause, outcome::jobs.outcome,
                    attempt, failures, boost_s, flow_version, queue, kind, unique_key, actor, payload, last_error
             from gone)
           select array_agg(id) as ended, array_agg(id) filter (where parent is not null) as children,
                  array_agg(id) filter (where flow_version is not null) as flows
           from gone"#,
        &ids,
        &attempts,
        &outcomes,
        &errors as &[Option<String>],
        node.uuid(),
        now as Time,
    )
    .fetch_one(&mut *conn)
    .await?;
    if let Some(flows) = row.flows {
        sqlx::query!("delete from jobs.wait where flow = any($1)", &flows).execute(&mut *conn).await?;
    }
    if let Some(children) = row.children {
        wake_parents(conn, &children, now).await?;
    }
    Ok(row.ended.unwrap_or_default().into_iter().map(JobId).collect())
}

/// Tells the flows that wait for these ended jobs how they ended.
pub(crate) async fn wake_parents(conn: &mut PgConnection, children: &[Uuid], now: Time) -> Result<()> {
    sqlx::query!(
        r#"select jobs.resolve(w.flow, w.key, jsonb_build_object('outcome', d.outcome, 'error', d.error), $2)
           from (select w.flow, w.key, w.child from jobs.wait w where w.kind = 'child' and w.child = any($1)
                 order by w.flow, w.key) w
           join jobs.job_done d on d.id = w.child"#,
        children,
        now as Time,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Publishes that a tenant's job died, so that somebody is told.
pub(crate) async fn report_death(conn: &mut PgConnection, id: JobId, now: Time) -> Result<()> {
    sqlx::query!(
        r#"insert into kernel.fact (tenant_id, type, subject_id, actor, payload, request_id, cause, at)
           select tenant_id, 'jobs.job.died', id, 'system:jobs',
                  jsonb_build_object('kind', kind, 'queue', queue, 'outcome', outcome, 'error', error), id, cause, $2
           from jobs.job_done where id = $1 and tenant_id is not null"#,
        id.uuid(),
        now as Time,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A job that is to run again, to be written.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    pub id: JobId,
    pub attempt: i32,
    /// Not before this instant.
    pub at: Time,
    /// What failed; none when it only waits.
    pub error: Option<String>,
}

/// Puts jobs back for a later instant; those with an error count a failure. Returns how many were still
/// this node's.
pub(crate) async fn again(conn: &mut PgConnection, node: NodeId, jobs: &[Again]) -> Result<u64> {
    let ids: Vec<Uuid> = jobs.iter().map(|j| j.id.uuid()).collect();
    let attempts: Vec<i32> = jobs.iter().map(|j| j.attempt).collect();
    let at: Vec<Time> = jobs.iter().map(|j| j.at).collect();
    let errors: Vec<Option<String>> = jobs.iter().map(|j| j.error.clone()).collect();
    let done = sqlx::query!(
        "update jobs.job j set state = 'scheduled', node = null, run_at = a.at, rank = a.at - make_interval(secs => j.boost_s),
                failures = j.failures + (a.error is not null)::int, error = coalesce(a.error, j.error)
         from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[]) as a (id, attempt, at, error)
         where j.id = a.id and j.attempt = a.attempt and j.node = $5 and j.state = 'running'",
        &ids,
        &attempts,
        &at as &[Time],
        &errors as &[Option<String>],
        node.uuid(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Gives jobs back unharmed: prefetched ones that waited too long, or those that a halt, a drain or a
/// lost heartbeat stopped.
pub(crate) async fn give_back(conn: &mut PgConnection, node: NodeId, jobs: &[(JobId, i32)]) -> Result<u64> {
    let ids: Vec<Uuid> = jobs.iter().map(|j| j.0.uuid()).collect();
    let attempts: Vec<i32> = jobs.iter().map(|j| j.1).collect();
    let done = sqlx::query!(
        "with back as (
           update jobs.job j set state = 'ready', node = null
           from unnest($1::uuid[], $2::int[]) as b (id, attempt)
           where j.id = b.id and j.attempt = b.attempt and j.node = $3 and j.state = 'running' returning 1)
         select count(*) as \"count!\", pg_notify('jobs', '') from back",
        &ids,
        &attempts,
        node.uuid(),
    )
    .fetch_one(conn)
    .await?;
    Ok(u64::try_from(done.count).unwrap_or(0))
}

/// Of these jobs those that are still this attempt's; holds their rows until the transaction ends, so that
/// they stay so.
pub(crate) async fn hold(conn: &mut PgConnection, node: NodeId, jobs: &[(JobId, i32)]) -> Result<Vec<JobId>> {
    let ids: Vec<Uuid> = jobs.iter().map(|j| j.0.uuid()).collect();
    let attempts: Vec<i32> = jobs.iter().map(|j| j.1).collect();
    let held = sqlx::query_scalar!(
        "select j.id from jobs.job j join unnest($1::uuid[], $2::int[]) as h (id, attempt) on h.id = j.id and h.attempt = j.attempt
         where j.node = $3 and j.state = 'running' order by j.id for update of j",
        &ids,
        &attempts,
        node.uuid(),
    )
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().map(JobId).collect())
}
