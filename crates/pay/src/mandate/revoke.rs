//! How mandates end early, or by themselves.

use super::{Mandate, MandateId, store};
use base::{Error, Result, TenantId, Time};
use db::{Cx, Fact};

/// How many one step of the sweep ends.
const BATCH: i64 = 500;

/// Takes a mandate back, and with it everything that was delegated from it. What of a delegated mandate was
/// not used returns to the one that it came from. Reservations that go on are voided by [`super::confirm`].
///
/// # Errors
/// Not found; invalid reason; conflict (`mandate.ended`) when it was revoked or has ended.
pub async fn revoke(cx: &mut Cx, id: MandateId, reason: &str) -> Result<Mandate> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 500 || reason.contains('\0') {
        return Err(Error::invalid("mandate.reason", "Say why, in 1 to 500 characters."));
    }
    cx.because(reason).await?;
    let (tenant, now) = (cx.tenant()?, cx.now());
    let found = super::get(cx, id).await?;
    // From above downwards, as payments are confirmed.
    if let Some(parent) = found.parent_id {
        store::get(cx, parent, true).await?;
    }
    let row = sqlx::query!(
        "update pay.mandate set status = 'revoked', reason = $3, updated_at = $4
         where tenant_id = $1 and id = $2 and (status = 'active' and expires_at > $4 or status = 'exhausted')
         returning total_minor - reserved_minor - spent_minor - delegated_minor as \"left!\", executions_max - executions as \"uses!\"",
        tenant.uuid(),
        id.uuid(),
        reason,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(row) = row else {
        let status = super::get(cx, id).await?.status;
        return Err(Error::conflict("mandate.ended", format!("This mandate is {} already.", status.word())));
    };
    if let Some(parent) = found.parent_id {
        sqlx::query!(
            "update pay.mandate set delegated_minor = delegated_minor - $3, executions = executions - $4, updated_at = $5
             where tenant_id = $1 and id = $2",
            tenant.uuid(),
            parent.uuid(),
            row.left,
            row.uses,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
    }
    let below = sqlx::query_scalar!(
        r#"with recursive line as (
             select id from pay.mandate where tenant_id = $1 and parent_id = $2
             union all
             select m.id from line l join pay.mandate m on m.tenant_id = $1 and m.parent_id = l.id
           )
           update pay.mandate m set status = 'revoked', reason = $3, updated_at = $4
           from line where m.tenant_id = $1 and m.id = line.id and m.status in ('active', 'exhausted')
           returning m.id as "id!""#,
        tenant.uuid(),
        id.uuid(),
        reason,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mandate = super::get(cx, id).await?;
    // The counters of mandates move too often for the trail; their ends belong into it.
    let detail = serde_json::json!({ "reason": reason, "below": below });
    cx.note("mandate.revoke", "pay.mandate", Some(id.to_string()), detail).await?;
    super::publish(cx, "pay.mandate.revoked", &mandate).await?;
    let facts = below.into_iter().map(|child| {
        Fact::about("pay.mandate.revoked", child).with(serde_json::json!({ "reason": reason, "with": id }))
    });
    cx.publish_all(facts.collect()).await?;
    Ok(mandate)
}

/// Writes down which mandates have ended, for every tenant, a batch at a time; returns how many there were.
/// What of a delegated one was not used returns.
pub async fn expire(cx: &mut Cx) -> Result<usize> {
    let now = cx.now();
    let rows = sqlx::query!(
        r#"with ended as (
             update pay.mandate set status = 'expired', updated_at = $1
             where id in (select id from pay.mandate where status = 'active' and expires_at <= $1 order by expires_at limit $2 for update skip locked)
             returning tenant_id, id, parent_id, total_minor - reserved_minor - spent_minor - delegated_minor as free, executions_max - executions as uses
           ), returned as (
             update pay.mandate p set delegated_minor = p.delegated_minor - s.free, executions = p.executions - s.uses, updated_at = $1
             from (select tenant_id, parent_id, sum(free)::bigint as free, sum(uses)::integer as uses from ended
                   where parent_id is not null group by tenant_id, parent_id) s
             where p.tenant_id = s.tenant_id and p.id = s.parent_id and p.status = 'active' and p.expires_at > $1
           )
           select tenant_id as "tenant_id!", id as "id!" from ended"#,
        now as Time,
        BATCH,
    )
    .fetch_all(cx.conn())
    .await?;
    for row in &rows {
        cx.publish_for(TenantId(row.tenant_id), Fact::about("pay.mandate.expired", row.id)).await?;
    }
    Ok(rows.len())
}
