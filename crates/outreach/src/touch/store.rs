//! Every statement that changes a touch.

use super::{State, TouchId};
use ::jobs::JobId;
use base::{Result, Time};
use db::Cx;
use serde::{Deserialize, Serialize};

/// One unit of daily capacity that a touch holds, to be given back if nothing leaves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Held {
    /// What is limited, such as `domain:example.com`.
    pub key: String,
    /// The day that it counts for.
    pub day: String,
}

/// A hand-off that begins: what it holds, and which try of which job begins it.
pub(super) struct NewIntent {
    pub touch: TouchId,
    pub capacity: Vec<Held>,
    pub spend: Option<uuid::Uuid>,
    pub job: JobId,
    pub attempt: i32,
}

/// Has this transaction reach every row by an index and join in the written order: its statements begin with
/// a handful of ids each, whatever the planner thinks of an array that it does not know.
pub(super) async fn by_index(cx: &mut Cx) -> Result<()> {
    sqlx::query!(
        "select set_config('enable_seqscan', 'off', true) as a, set_config('enable_hashjoin', 'off', true) as b,
                set_config('enable_mergejoin', 'off', true) as c, set_config('jit', 'off', true) as d,
                set_config('join_collapse_limit', '1', true) as e"
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(())
}

/// Records that the gate passed and hand-offs begin.
pub(super) async fn record_intents(cx: &mut Cx, intents: &[NewIntent]) -> Result<()> {
    if intents.is_empty() {
        return Ok(());
    }
    // Read behind the gate: between the engaging and the release of a switch no intent is recorded.
    let (tenant, now) = (cx.tenant()?.uuid(), cx.clock().now());
    let ids: Vec<uuid::Uuid> = intents.iter().map(|intent| intent.touch.uuid()).collect();
    let capacity = intents.iter().map(|intent| Ok(serde_json::to_value(&intent.capacity)?));
    let capacity: Vec<serde_json::Value> = capacity.collect::<Result<_>>()?;
    let jobs: Vec<uuid::Uuid> = intents.iter().map(|intent| intent.job.uuid()).collect();
    let attempts: Vec<i32> = intents.iter().map(|intent| intent.attempt).collect();
    let spends: Vec<Option<uuid::Uuid>> = intents.iter().map(|intent| intent.spend).collect();
    sqlx::query!(
        "update outreach.touch t set state = 'sending', intent_at = $2, tries = t.tries + 1, capacity = i.capacity, intent_job = i.job,
                intent_attempt = i.attempt, spend_id = i.spend, skip_code = null, skip_detail = null, retry_at = null, updated_at = $2
         from unnest($3::uuid[], $4::jsonb[], $5::uuid[], $6::int[], $7::uuid[]) as i (id, capacity, job, attempt, spend)
         where t.tenant_id = $1 and t.id = i.id",
        tenant,
        now as Time,
        &ids,
        &capacity,
        &jobs,
        &attempts,
        &spends as &[Option<uuid::Uuid>],
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Nothing left, and its capacity goes back. Returns the tries so far when it may be tried again; none
/// when its sequence does not run any more, in which case it is withdrawn like its other open touches.
/// Call [`super::load::lock`] first.
pub(super) async fn take_back(cx: &mut Cx, id: TouchId, why: &str) -> Result<Option<i16>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    release_capacity(cx, id).await?;
    release_spend(cx, id).await?;
    let row = sqlx::query!(
        r#"update outreach.touch t
           set state = case when e.status = 'active' then 'approved' else 'cancelled' end::outreach.touch_state,
               skip_code = case when e.status = 'active' then t.skip_code else 'withdrawn' end,
               skip_detail = case when e.status = 'active' then t.skip_detail else e.status_reason end,
               intent_at = null, intent_job = null, intent_attempt = null, response = $4, updated_at = $3
           from outreach.enrolment e
           where t.tenant_id = $1 and t.id = $2 and t.state = 'sending' and e.id = t.enrolment_id
           returning t.tries, e.status = 'active' as "again!""#,
        tenant,
        id.uuid(),
        now as Time,
        why,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.filter(|row| row.again).map(|row| row.tries))
}

/// Gives the held capacity of a touch back; counters are locked in the order of their keys, as whoever
/// reserves does.
pub(super) async fn release_capacity(cx: &mut Cx, id: TouchId) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "with held as (
           select c.key, c.day from outreach.touch t
           cross join jsonb_to_recordset(t.capacity) as h (key text, day date)
           join outreach.capacity c on c.tenant_id = $1 and c.key = h.key and c.day = h.day
           where t.tenant_id = $1 and t.id = $2 and t.state = 'sending' and c.used > 0
           order by c.key, c.day for update of c)
         update outreach.capacity c set used = c.used - 1 from held
         where c.tenant_id = $1 and c.key = held.key and c.day = held.day",
        tenant,
        id.uuid()
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Counts again what was given back of touches that did leave after all; counters are locked in the order of
/// their keys. What left is counted, also where a day's limit is passed by it: less leaves afterwards.
pub(super) async fn count_again(cx: &mut Cx, ids: &[uuid::Uuid]) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "with again as (
           select h.key, h.day, count(*)::integer as left_again from outreach.touch t
           cross join jsonb_to_recordset(t.capacity) as h (key text, day date)
           where t.tenant_id = $1 and t.id = any($2) and t.state = 'approved' group by h.key, h.day
         ), held as (
           select c.key, c.day from outreach.capacity c join again on again.key = c.key and again.day = c.day
           where c.tenant_id = $1 order by c.key, c.day for update of c
         )
         update outreach.capacity c set used = c.used + again.left_again from held join again using (key, day)
         where c.tenant_id = $1 and c.key = held.key and c.day = held.day",
        tenant,
        ids,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Gives the money that was set aside back: nothing left.
pub(super) async fn release_spend(cx: &mut Cx, id: TouchId) -> Result<()> {
    if let Some(spend) = take_spend(cx, id).await? {
        control::budget::release(cx, spend.into()).await?;
    }
    Ok(())
}

/// What it cost takes the place of what was set aside; without a cost, the estimate does.
pub(crate) async fn settle_spend(
    cx: &mut Cx,
    id: TouchId,
    estimate: base::Micros,
    cost: Option<base::Micros>,
) -> Result<()> {
    if let Some(spend) = take_spend(cx, id).await? {
        control::budget::settle(cx, spend.into(), 1, cost.unwrap_or(estimate)).await?;
    }
    Ok(())
}

async fn take_spend(cx: &mut Cx, id: TouchId) -> Result<Option<uuid::Uuid>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query_scalar!(
        r#"update outreach.touch t set spend_id = null from (select id, spend_id from outreach.touch where tenant_id = $1 and id = $2) o
           where t.id = o.id and o.spend_id is not null returning o.spend_id as "spend!""#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row)
}

/// Why a touch waits, and until when.
pub(super) struct Wait<'a> {
    pub touch: TouchId,
    pub code: &'a str,
    pub detail: &'a str,
    pub retry_at: Time,
}

/// Notes why touches wait and until when.
pub(super) async fn set_retries(cx: &mut Cx, waits: &[Wait<'_>]) -> Result<()> {
    if waits.is_empty() {
        return Ok(());
    }
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<uuid::Uuid> = waits.iter().map(|wait| wait.touch.uuid()).collect();
    let codes: Vec<String> = waits.iter().map(|wait| wait.code.to_owned()).collect();
    let details: Vec<String> = waits.iter().map(|wait| wait.detail.to_owned()).collect();
    let at: Vec<Time> = waits.iter().map(|wait| wait.retry_at).collect();
    sqlx::query!(
        "update outreach.touch t set skip_code = w.code, skip_detail = w.detail, retry_at = w.at, updated_at = $2
         from unnest($3::uuid[], $4::text[], $5::text[], $6::timestamptz[]) as w (id, code, detail, at)
         where t.tenant_id = $1 and t.id = w.id",
        tenant,
        now as Time,
        &ids,
        &codes,
        &details,
        &at as &[Time],
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Ends a touch in a state other than sent.
pub(super) async fn end(cx: &mut Cx, id: TouchId, state: State, code: &str, detail: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.touch set state = $3, skip_code = $4, skip_detail = $5, retry_at = null, updated_at = $6
         where tenant_id = $1 and id = $2 and state not in ('sent', 'cancelled', 'skipped', 'failed')",
        tenant,
        id.uuid(),
        state as State,
        code,
        detail,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Back to the beginning: the content is too old and is written again.
pub(super) async fn rewrite(cx: &mut Cx, id: TouchId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.touch set state = 'planned', written_at = null, approval_id = null, skip_code = 'stale', updated_at = $3
         where tenant_id = $1 and id = $2 and state = 'approved'",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    super::jobs::enqueue_write(cx, id).await
}

/// A person said yes (or the mode asks nobody).
pub(super) async fn approved(cx: &mut Cx, id: TouchId) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    // An edited draft was approved in its edited form: take over exactly what was approved.
    let changed = sqlx::query!(
        "update outreach.touch t set state = 'approved', updated_at = $3,
                subject = coalesce(a.content ->> 'subject', t.subject), body = coalesce(a.content ->> 'body', t.body),
                digest = coalesce(a.digest, t.digest)
         from outreach.touch own left join control.approval a on a.tenant_id = $1 and a.id = own.approval_id and a.status = 'approved'
         where own.id = t.id and t.tenant_id = $1 and t.id = $2 and t.state in ('written', 'awaiting_approval')
           and (own.approval_id is null or a.id is not null)",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    Ok(changed == 1)
}

/// What was written, ready to be stored.
pub(super) struct Written<'a> {
    pub content: &'a super::Content,
    pub resource: Option<uuid::Uuid>,
    pub message_id: Option<&'a str>,
    pub in_reply_to: Option<&'a str>,
    pub refs: &'a [String],
    pub unsubscribe_token: &'a str,
    pub track_token: Option<&'a str>,
    pub facts: serde_json::Value,
    pub provenance: serde_json::Value,
    pub cost_micros: i64,
}

/// Stores what was written.
pub(super) async fn written(cx: &mut Cx, id: TouchId, w: &Written<'_>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.touch set state = 'written', recipient = $3, sender = $4, subject = $5, body = $6, digest = $7,
                resource_id = $8, message_id = $9, in_reply_to = $10, refs = $11, unsubscribe_token = $12, facts = $13,
                provenance = $14, cost_micros = cost_micros + $15, written_at = $16, updated_at = $16, track_token = $17,
                skip_code = null, skip_detail = null, retry_at = null
         where tenant_id = $1 and id = $2 and state = 'planned'",
        tenant,
        id.uuid(),
        w.content.to,
        w.content.from,
        w.content.subject,
        w.content.body,
        &w.content.digest()?.0[..],
        w.resource,
        w.message_id,
        w.in_reply_to,
        w.refs,
        w.unsubscribe_token,
        w.facts,
        w.provenance,
        w.cost_micros,
        now as Time,
        w.track_token,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A person is asked.
pub(super) async fn awaiting(cx: &mut Cx, id: TouchId, approval: uuid::Uuid) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.touch set state = 'awaiting_approval', approval_id = $3, updated_at = $4
         where tenant_id = $1 and id = $2 and state = 'written'",
        tenant,
        id.uuid(),
        approval,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Ends a touch that a person was asked about; false when it does not wait for an answer any more.
pub(super) async fn end_asked(
    cx: &mut Cx,
    id: TouchId,
    state: State,
    code: &str,
    detail: &str,
) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update outreach.touch set state = $3, skip_code = $4, skip_detail = $5, updated_at = $6
         where tenant_id = $1 and id = $2 and state = 'awaiting_approval'",
        tenant,
        id.uuid(),
        state as State,
        code,
        detail,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    Ok(changed == 1)
}
