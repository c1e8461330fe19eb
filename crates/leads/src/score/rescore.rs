//! Everyone scored again as one run: batches in the order of ids, each with its cursor in one transaction, so that a
//! killed worker's successor goes on behind the last batch.

use super::jobs::{ScoreRow, read_rows, write_rows};
use super::{Tier, boost, target, weights};
use base::{Error, Result, Time};
use db::{Cx, Fact};
use jobs::{Job, Options, Run};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

base::id_type!(
    /// A run over everyone.
    RescoreId
);

/// Leads of one transaction.
pub const BATCH: i64 = 5_000;

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leads.rescore_status", rename_all = "snake_case")]
pub enum Status {
    /// Leads are left.
    Running,
    /// Everyone is scored, or a later run has taken over.
    Done,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Rescore {
    /// Which.
    pub id: RescoreId,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub status: Status,
    /// Leads there were when it began.
    pub total: i64,
    /// Leads that are dealt with.
    pub done: i64,
    /// Leads whose score became another.
    pub changed: i64,
    /// How many moved, by `from>to`.
    pub moved: BTreeMap<String, i64>,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// Scores everyone again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RescoreJob {
    /// Which run.
    pub run: RescoreId,
}

impl Job for RescoreJob {
    const KIND: &'static str = "leads.rescore";
    const TIMEOUT_S: u64 = 3_600;
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        loop {
            let mut cx = run.begin().await?;
            let Some((done, total)) = step(&mut cx, self.run, BATCH).await? else {
                run.complete_in(&mut cx).await?;
                return cx.commit().await;
            };
            cx.commit().await?;
            run.progress(done, total.max(done)).await?;
            if run.cancel().is_cancelled() {
                return Err(Error::unavailable(
                    "job.stopped",
                    "Scoring was stopped; it goes on behind the last batch.",
                ));
            }
        }
    }
}

/// Begins a run over everyone; one that is under way is taken over, since it used what counted before.
pub async fn begin(cx: &mut Cx, reason: &str) -> Result<RescoreId> {
    let (tenant, now, by, id) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label(), cx.id::<RescoreId>());
    let total = crate::lead::tally(cx).await?.total();
    sqlx::query!(
        "update leads.rescore set status = 'done', finished_at = $2 where tenant_id = $1 and status = 'running'",
        tenant,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "insert into leads.rescore (id, tenant_id, reason, total, requested_by, started_at) values ($1, $2, $3, $4, $5, $6)",
        id.uuid(),
        tenant,
        reason,
        total,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let options = Options { unique_key: Some(id.to_string()), ..Options::default() };
    jobs::enqueue_with(cx, &RescoreJob { run: id }, options).await?;
    Ok(id)
}

/// The next batch of a run; how far it is then, or none when the run is over.
pub async fn step(cx: &mut Cx, id: RescoreId, batch: i64) -> Result<Option<(i64, i64)>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let run = sqlx::query!(
        r#"select status as "status: Status", total, done, behind from leads.rescore where tenant_id = $1 and id = $2 for update"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("run"))?;
    if run.status == Status::Done {
        return Ok(None);
    }
    let rows = read_rows(cx, run.behind, batch).await?;
    let Some(last) = rows.last().map(|row| row.id) else {
        sqlx::query!(
            "update leads.rescore set status = 'done', finished_at = $3, total = done where tenant_id = $1 and id = $2",
            tenant,
            id.uuid(),
            now as Time,
        )
        .execute(cx.conn())
        .await?;
        cx.publish(Fact::about("leads.rescored", id).with(json!({"leads": run.done}))).await?;
        return Ok(None);
    };
    let (icp, _) = target::target(cx).await?.scorer()?;
    let in_force = weights::in_force(cx).await?;
    let boosts = boost::of(cx, &rows.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
    let (changed, moved) = write_rows(cx, &rows, &icp, &in_force, &boosts, now).await?;
    let done = run.done + i64::try_from(rows.len()).unwrap_or(0);
    sqlx::query!(
        r#"update leads.rescore set done = $3, behind = $4, changed = changed + $5,
             moved = (select coalesce(jsonb_object_agg(k, n), '{}') from (
               select k, sum(v::bigint) as n from (select k, v from jsonb_each_text(moved) a (k, v) union all select k, v from jsonb_each_text($6) b (k, v)) both_ group by k) s)
           where tenant_id = $1 and id = $2"#,
        tenant,
        id.uuid(),
        done,
        last,
        changed,
        serde_json::to_value(moved)?,
    )
    .execute(cx.conn())
    .await?;
    Ok(Some((done, run.total)))
}

/// The key under which a move between tiers is counted.
pub(super) fn moved_key(row: &ScoreRow, to: Tier) -> String {
    format!("{}>{}", row.tier.map_or("none", Tier::word), to.word())
}

/// The latest runs.
pub async fn list(cx: &mut Cx, limit: i64) -> Result<Vec<Rescore>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select id, reason, status as "status: Status", total, done, changed, moved, requested_by, started_at, finished_at as "finished_at: Time"
           from leads.rescore where tenant_id = $1 order by started_at desc, id desc limit $2"#,
        tenant,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Rescore {
                id: RescoreId(r.id),
                reason: r.reason,
                status: r.status,
                total: r.total,
                done: r.done,
                changed: r.changed,
                moved: serde_json::from_value(r.moved)?,
                requested_by: r.requested_by,
                started_at: r.started_at,
                finished_at: r.finished_at,
            })
        })
        .collect()
}

/// The id of the run that is under way.
pub async fn under_way(cx: &mut Cx) -> Result<Option<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select id from leads.rescore where tenant_id = $1 and status = 'running' order by started_at desc limit 1",
        tenant
    )
    .fetch_optional(cx.conn())
    .await?)
}
