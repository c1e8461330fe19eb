//! Every statement that changes a touch.

use super::{State, TouchId};
use ::jobs::Run;
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

/// Records that the gate passed and the hand-off begins, and which try of which job begins it.
pub(super) async fn record_intent(
    cx: &mut Cx,
    id: TouchId,
    capacity: &[Held],
    spend: Option<uuid::Uuid>,
    run: &Run,
) -> Result<()> {
    // Read behind the gate: between the engaging and the release of a switch no intent is recorded.
    let (tenant, now) = (cx.tenant()?.uuid(), cx.clock().now());
    sqlx::query!(
        "update outreach.touch set state = 'sending', intent_at = $3, tries = tries + 1, capacity = $4, intent_job = $5, intent_attempt = $6,
                spend_id = $7, skip_code = null, skip_detail = null, retry_at = null, updated_at = $3
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        now as Time,
        serde_json::to_value(capacity)?,
        run.id().uuid(),
        run.attempt(),
        spend,
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
               intent_at = null, intent_job = null, intent_attempt = null, capacity = '[]', response = $4, updated_at = $3
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

/// Gives the held capacity of a touch back.
pub(super) async fn release_capacity(cx: &mut Cx, id: TouchId) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update outreach.capacity c set used = c.used - 1
         from outreach.touch t, jsonb_to_recordset(t.capacity) as h (key text, day date)
         where t.tenant_id = $1 and t.id = $2 and t.state = 'sending'
           and c.tenant_id = $1 and c.key = h.key and c.day = h.day and c.used > 0",
        tenant,
        id.uuid()
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

/// Notes why it waits and until when.
pub(super) async fn set_retry(
    cx: &mut Cx,
    id: TouchId,
    code: &str,
    detail: &str,
    retry_at: Time,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.touch set skip_code = $3, skip_detail = $4, retry_at = $5, updated_at = $6
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        code,
        detail,
        retry_at as Time,
        now as Time,
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
