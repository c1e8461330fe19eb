//! Touches that wait for nobody: planned or approved, and no job lives that would write or send them,
//! because it used up its tries or was cancelled by hand. They are found by the sweep, given a job again a
//! few times, and then ended with the reason, which the lead's page and a notification show.
//!
//! A job more changes nothing about exactly once: one job lives for each touch (its unique key), the writer
//! only writes what is planned, and the hand-off only passes what is approved and not on its way.

use super::{State, TouchId, jobs, load, outcome};
use base::{Result, TenantId, Time};
use db::Cx;

/// Longer than any job of a touch leaves it untouched between its own tries, in seconds.
const SILENT_S: i64 = 600;
/// Touches looked at in one sweep.
const FOUND_MAX: i64 = 500;
/// How often one is given a job again before it ends.
const REVIVALS_MAX: i16 = 3;

/// The touches, of every tenant, that no live job will take on.
pub(super) async fn find(cx: &mut Cx) -> Result<Vec<(TenantId, TouchId)>> {
    let silent_since = cx.now().plus_s(-SILENT_S);
    let rows = sqlx::query!(
        "select t.tenant_id, t.id from outreach.touch t
         where t.state in ('planned', 'approved') and t.updated_at < $1 and (t.retry_at is null or t.retry_at < $1)
           and not exists (select from jobs.job j where j.tenant_id = t.tenant_id and j.unique_key = t.id::text
                             and j.kind = case t.state when 'planned' then 'outreach.write' else 'outreach.send' end)
         order by t.updated_at limit $2",
        silent_since as Time,
        FOUND_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), TouchId(row.id))).collect())
}

/// Gives a touch a job again, or ends it when that was done often enough.
pub(super) async fn revive(cx: &mut Cx, id: TouchId) -> Result<()> {
    let state = load::lock(cx, id).await?;
    let planned = match state {
        Some(State::Planned) => true,
        Some(State::Approved) => false,
        Some(
            State::Written
            | State::AwaitingApproval
            | State::Sending
            | State::Sent
            | State::Unknown
            | State::Failed
            | State::Skipped
            | State::Cancelled,
        )
        | None => return Ok(()),
    };
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let revived = sqlx::query_scalar!(
        "update outreach.touch set revived = revived + 1, updated_at = $3 where tenant_id = $1 and id = $2 returning revived",
        tenant,
        id.uuid(),
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    if revived > REVIVALS_MAX {
        let why = reason(cx, id, planned).await?;
        return outcome::stranded(cx, id, &why).await;
    }
    if planned { jobs::enqueue_write(cx, id).await } else { jobs::enqueue_send(cx, id).await }
}

/// What a person reads: what could not be done, and what the last try said.
async fn reason(cx: &mut Cx, id: TouchId, planned: bool) -> Result<String> {
    let tenant = cx.tenant()?.uuid();
    let kind = if planned { "outreach.write" } else { "outreach.send" };
    let said = sqlx::query_scalar!(
        r#"select coalesce(error, '') as "error!" from jobs.job_done
           where tenant_id = $1 and outcome <> 'succeeded' and kind = $2 and unique_key = $3 order by id desc limit 1"#,
        tenant,
        kind,
        id.to_string(),
    )
    .fetch_optional(cx.conn())
    .await?;
    let skipped = sqlx::query_scalar!(
        "select skip_detail from outreach.touch where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
    )
    .fetch_one(cx.conn())
    .await?;
    let what = if planned { "could not be written" } else { "could not be handed over" };
    let last = said.filter(|text| !text.is_empty()).or(skipped);
    let last = last.map_or_else(String::new, |text| {
        format!(" The last try said: {}", text.chars().take(300).collect::<String>())
    });
    Ok(format!(
        "This message {what}, though its work was started again {REVIVALS_MAX} times.{last} Resume the lead's sequence to try once more."
    ))
}
