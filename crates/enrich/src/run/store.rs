//! Every statement of batches and their leads.

use super::{ItemState, LEADS_MAX, RunState};
use crate::waterfall::Lead;
use base::{Cursor, Error, Page, Result, Time};
use control::figure;
use db::{Cx, Fact};
use jobs::{Options, Priority};
use leads::lead::LeadId;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// A batch.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Which.
    pub id: Uuid,
    /// What it is called.
    pub label: String,
    /// Where it stands.
    pub state: RunState,
    /// Leads in it.
    pub total: i32,
    /// Leads that are still on their way.
    pub open_count: i32,
    /// Leads that may reach a premium service.
    pub premium_limit: i32,
    /// Leads that did.
    pub premium_used: i32,
    /// Since when.
    pub created_at: Time,
    /// Until when.
    pub finished_at: Option<Time>,
    /// Leads that count as enriched.
    pub accepted: i64,
    /// What it cost so far.
    pub cost_micros: i64,
}

/// Starts a batch: one job for each lead. Leads that do not exist are left out.
///
/// # Errors
/// `run.empty`, `run.too_many`.
pub async fn start(cx: &mut Cx, label: &str, leads: &[LeadId]) -> Result<Uuid> {
    if leads.len() > LEADS_MAX {
        return Err(Error::invalid("run.too_many", format!("One batch takes at most {LEADS_MAX} leads.")));
    }
    let (tenant, now, id, by) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>(), cx.actor().label());
    let ids: Vec<Uuid> = leads.iter().map(|lead| lead.uuid()).collect();
    let there = sqlx::query_scalar!(
        "select id from leads.lead where tenant_id = $1 and id = any($2) and deleted_at is null order by rank desc, id",
        tenant,
        &ids,
    )
    .fetch_all(cx.conn())
    .await?;
    let Ok(total) = i32::try_from(there.len()) else {
        return Err(Error::invalid("run.too_many", "These are too many leads."));
    };
    if total == 0 {
        return Err(Error::invalid("run.empty", "There is no lead to look up."));
    }
    let percent: i32 = figure::read(cx, "enrich.premium_percent").await?;
    let label: String = label.trim().chars().take(200).collect();
    sqlx::query!(
        "insert into enrich.run (id, tenant_id, label, total, open_count, premium_limit, created_by, created_at) values ($1, $2, $3, $4, $4, $5, $6, $7)",
        id,
        tenant,
        label,
        total,
        total.saturating_mul(percent.clamp(0, 100)) / 100,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "insert into enrich.item (tenant_id, run_id, lead_id, score_before, created_at)
         select $1, $2, l.id, l.score, $4 from leads.lead l where l.tenant_id = $1 and l.id = any($3)",
        tenant,
        id,
        &there,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    enqueue(cx, id, &there).await?;
    cx.publish(Fact::about("enrich.run.started", id).with(json!({"leads": total}))).await?;
    Ok(id)
}

async fn enqueue(cx: &mut Cx, run: Uuid, leads: &[Uuid]) -> Result<()> {
    let priority = if leads.len() > 10 { Priority::Low } else { Priority::Normal };
    let work: Vec<Lead> = leads.iter().map(|lead| Lead { run, lead: LeadId(*lead) }).collect();
    for part in work.chunks(1_000) {
        jobs::enqueue_many(cx, part, &Options { priority, ..Options::default() }).await?;
    }
    Ok(())
}

/// Starts the jobs of leads that are still on their way again: for what died with its tries.
///
/// # Errors
/// `run.over`.
pub async fn resume(cx: &mut Cx, id: Uuid) -> Result<usize> {
    let run = get(cx, id).await?;
    if run.state != RunState::Running {
        return Err(Error::conflict("run.over", "This batch has ended; start another one."));
    }
    let tenant = cx.tenant()?.uuid();
    let open = sqlx::query_scalar!(
        "select lead_id from enrich.item where tenant_id = $1 and run_id = $2 and state in ('queued', 'waiting') order by lead_id",
        tenant,
        id,
    )
    .fetch_all(cx.conn())
    .await?;
    enqueue(cx, id, &open).await?;
    Ok(open.len())
}

/// Stops a batch: leads on their way end at their next step, and nothing more is asked for them.
///
/// # Errors
/// `run.over`.
pub async fn cancel(cx: &mut Cx, id: Uuid) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update enrich.run set state = 'cancelled', finished_at = $3 where tenant_id = $1 and id = $2 and state = 'running'",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed == 0 {
        return Err(Error::conflict("run.over", "This batch has ended already."));
    }
    cx.publish(Fact::about("enrich.run.cancelled", id)).await
}

/// One batch.
pub async fn get(cx: &mut Cx, id: Uuid) -> Result<Run> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Run,
        r#"select r.id, r.label, r.state as "state: RunState", r.total, r.open_count, r.premium_limit, r.premium_used,
                  r.created_at as "created_at: Time", r.finished_at as "finished_at: Time",
                  (select count(*) from enrich.item i where i.tenant_id = $1 and i.run_id = r.id and i.state = 'accepted') as "accepted!",
                  (select coalesce(sum(c.cost_micros), 0)::bigint from enrich.call c where c.tenant_id = $1 and c.run_id = r.id) as "cost_micros!"
           from enrich.run r where r.tenant_id = $1 and r.id = $2"#,
        tenant,
        id,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("batch"))
}

/// The newest batches.
pub async fn list(cx: &mut Cx, limit: i64) -> Result<Vec<Run>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Run,
        r#"select r.id, r.label, r.state as "state: RunState", r.total, r.open_count, r.premium_limit, r.premium_used,
                  r.created_at as "created_at: Time", r.finished_at as "finished_at: Time",
                  (select count(*) from enrich.item i where i.tenant_id = $1 and i.run_id = r.id and i.state = 'accepted') as "accepted!",
                  (select coalesce(sum(c.cost_micros), 0)::bigint from enrich.call c where c.tenant_id = $1 and c.run_id = r.id) as "cost_micros!"
           from enrich.run r where r.tenant_id = $1 order by r.created_at desc, r.id desc limit $2"#,
        tenant,
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// A lead of a batch, as lists show it.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// Whom.
    pub lead_id: Uuid,
    /// What to call them.
    pub name: Option<String>,
    /// Where it stands.
    pub state: ItemState,
    /// Why.
    pub reason: String,
    /// Reached a premium service.
    pub premium: bool,
    /// The score when the batch began.
    pub score_before: Option<i16>,
    /// The score at its end.
    pub score_after: Option<i16>,
    /// How sure the least sure of the four fields is.
    pub sure: Option<f32>,
    /// What was filled.
    pub filled: Vec<String>,
    /// What it cost.
    pub cost_micros: i64,
}

/// The leads of a batch, by lead; of one state, if given.
pub async fn items(
    cx: &mut Cx,
    run: Uuid,
    state: Option<ItemState>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Item>> {
    let tenant = cx.tenant()?.uuid();
    let after = after.map(Cursor::parts).transpose()?.map(|(_, id)| id);
    let rows = sqlx::query_as!(
        Item,
        r#"select i.lead_id, coalesce(nullif(btrim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')), ''), l.email, l.company_name) as name,
                  i.state as "state: ItemState", i.reason, i.premium, i.score_before, i.score_after, i.sure, i.filled, i.cost_micros
           from enrich.item i join leads.lead l on l.id = i.lead_id and l.tenant_id = $1
           where i.tenant_id = $1 and i.run_id = $2 and ($3::enrich.item_state is null or i.state = $3) and ($4::uuid is null or i.lead_id > $4)
           order by i.lead_id limit $5"#,
        tenant,
        run,
        state as Option<ItemState>,
        after,
        i64::try_from(limit + 1).unwrap_or(i64::MAX),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |item| Cursor::after("", item.lead_id)))
}

/// How many leads of a batch are in each state.
pub type Counts = Vec<(ItemState, i64)>;

/// How many leads of a batch are in each state.
pub async fn counts(cx: &mut Cx, run: Uuid) -> Result<Counts> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select state as "state: ItemState", count(*) as "leads!" from enrich.item where tenant_id = $1 and run_id = $2 group by 1 order by 1"#,
        tenant,
        run,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.leads)).collect())
}

/// What the waterfall needs of a lead's place in its batch.
#[derive(Clone, Debug)]
pub struct Open {
    /// Where it stands.
    pub state: ItemState,
    /// Reached a premium service.
    pub premium: bool,
    /// The credit that is set aside.
    pub credit_id: Option<Uuid>,
    /// Where the batch stands.
    pub run_state: RunState,
}

/// A lead's place in its batch, locked.
pub async fn lock(cx: &mut Cx, run: Uuid, lead: LeadId) -> Result<Option<Open>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Open,
        r#"select i.state as "state: ItemState", i.premium, i.credit_id, r.state as "run_state: RunState"
           from enrich.item i join enrich.run r on r.id = i.run_id and r.tenant_id = $1
           where i.tenant_id = $1 and i.run_id = $2 and i.lead_id = $3 for update of i"#,
        tenant,
        run,
        lead.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Takes one of the batch's places at premium services for a lead, once; false when the share is used up. One
/// conditional update: no race passes the limit.
pub async fn claim_premium(cx: &mut Cx, run: Uuid, lead: LeadId) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    let taken = sqlx::query!(
        "with place as (update enrich.run set premium_used = premium_used + 1
                        where tenant_id = $1 and id = $2 and premium_used < premium_limit
                          and exists (select from enrich.item where tenant_id = $1 and run_id = $2 and lead_id = $3 and not premium) returning id)
         update enrich.item set premium = true where tenant_id = $1 and run_id = $2 and lead_id = $3 and not premium and exists (select from place)",
        tenant,
        run,
        lead.uuid(),
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    Ok(taken == 1)
}

/// A service answers later.
pub async fn wait(cx: &mut Cx, run: Uuid, lead: LeadId, until: Time) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update enrich.item set state = 'waiting' where tenant_id = $1 and run_id = $2 and lead_id = $3 and state = 'queued'",
        tenant,
        run,
        lead.uuid(),
    )
    .execute(cx.conn())
    .await?;
    let options =
        Options { at: Some(until), unique_key: Some(format!("{run}:{lead}")), ..Options::default() };
    jobs::enqueue_with(cx, &Lead { run, lead }, options).await?;
    Ok(())
}

/// Keeps which credit is set aside.
pub(crate) async fn keep_credit(cx: &mut Cx, run: Uuid, lead: LeadId, credit: Uuid) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update enrich.item set credit_id = $4 where tenant_id = $1 and run_id = $2 and lead_id = $3",
        tenant,
        run,
        lead.uuid(),
        credit,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The credit that is set aside for a lead.
pub async fn credit(cx: &mut Cx, run: Uuid, lead: LeadId) -> Result<Option<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select credit_id from enrich.item where tenant_id = $1 and run_id = $2 and lead_id = $3",
        tenant,
        run,
        lead.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .flatten())
}

/// A lead has come through; the last one ends the batch. Returns false when it had ended before.
pub async fn finish(
    cx: &mut Cx,
    run: Uuid,
    lead: LeadId,
    state: ItemState,
    reason: &str,
    sure: Option<f32>,
) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let reason: String = reason.chars().take(500).collect();
    let ended = sqlx::query!(
        "update enrich.item i set state = $4, reason = $5, sure = $6, finished_at = $7,
                score_after = (select score from leads.lead l where l.tenant_id = $1 and l.id = $3),
                filled = coalesce((select array_agg(distinct f) from enrich.step s, unnest(s.filled) f where s.tenant_id = $1 and s.run_id = $2 and s.lead_id = $3), '{}'),
                cost_micros = coalesce((select sum(s.cost_micros) from enrich.step s where s.tenant_id = $1 and s.run_id = $2 and s.lead_id = $3), 0)
         where i.tenant_id = $1 and i.run_id = $2 and i.lead_id = $3 and i.state in ('queued', 'waiting')",
        tenant,
        run,
        lead.uuid(),
        state as ItemState,
        reason,
        sure,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if ended == 0 {
        return Ok(false);
    }
    let open = sqlx::query_scalar!(
        "update enrich.run set open_count = open_count - 1, finished_at = case when open_count = 1 and state = 'running' then $3 else finished_at end,
                state = case when open_count = 1 and state = 'running' then 'done'::enrich.run_state else state end
         where tenant_id = $1 and id = $2 returning open_count",
        tenant,
        run,
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    if open == 0 {
        cx.publish(Fact::about("enrich.run.done", run)).await?;
    }
    Ok(true)
}
