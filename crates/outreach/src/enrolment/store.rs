//! Every statement that changes an enrolment.

use crate::activity::{self, Action, Entry};
use base::{Result, Time};
use db::{Cx, Fact};
use serde_json::json;
use uuid::Uuid;

/// Puts scored leads into a campaign's present sequence version, at most `limit`, best first. A lead
/// is in one sequence at a time, and never twice in the same campaign. Returns how many joined.
pub async fn enrol(cx: &mut Cx, campaign: Uuid, leads: &[Uuid]) -> Result<usize> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<Uuid> = leads.iter().map(|_| cx.id()).collect();
    let rows = sqlx::query!(
        "insert into outreach.enrolment (id, tenant_id, campaign_id, lead_id, sequence_id, next_due_at, created_at, updated_at)
         select j.id, $1, c.id, l.id, c.sequence_id, $5, $5, $5
         from unnest($3::uuid[], $4::uuid[]) as j (id, lead_id)
         join outreach.campaign c on c.tenant_id = $1 and c.id = $2 and c.sequence_id is not null
         join leads.lead l on l.tenant_id = $1 and l.id = j.lead_id
         where l.deleted_at is null and l.status in ('new', 'enriched', 'scored')
         on conflict do nothing
         returning lead_id",
        tenant,
        campaign,
        &ids,
        leads,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let entries = rows
        .iter()
        .map(|row| Entry {
            campaign: Some(campaign),
            ..Entry::of(Action::Enrolled, row.lead_id, "Joined the campaign")
        })
        .collect();
    activity::record_all(cx, entries).await?;
    if !rows.is_empty() {
        cx.publish(
            Fact::about("outreach.campaign.leads_joined", campaign).with(json!({"count": rows.len()})),
        )
        .await?;
    }
    Ok(rows.len())
}

/// Why a lead moves on when its sequence is through.
pub(crate) const ALL_STEPS: &str = "every step was carried out";
/// What its history says then.
pub(crate) const ALL_STEPS_SAID: &str = "Every step was carried out";

/// How a lead's way went on.
pub(crate) struct Went {
    pub lead: Uuid,
    /// Whether that was the last step.
    pub finished: bool,
}

/// Steps of running enrolments were carried out: the next is due its delay after now, or it was the last and
/// the enrolment is finished. Enrolments that do not run are left as they are. The caller holds the leads.
pub(crate) async fn steps_done(cx: &mut Cx, steps: &[(Uuid, i16)]) -> Result<Vec<Went>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<Uuid> = steps.iter().map(|(id, _)| *id).collect();
    let numbers: Vec<i16> = steps.iter().map(|(_, step)| *step).collect();
    let rows = sqlx::query!(
        r#"update outreach.enrolment e set
             next_step = coalesce(nullif(w.next, 0), w.step + 1::int2), touches = e.touches + 1, last_touch_at = $2, updated_at = $2,
             next_due_at = w.due,
             status = case when w.due is null then 'finished' else e.status end,
             status_reason = case when w.due is null then $5 else e.status_reason end,
             paused_until = case when w.due is not null then e.paused_until end
           from (
             select n.id, n.step, n.next, (select $2::timestamptz + make_interval(days => s.delay_days) from outreach.step s
                                           where s.sequence_id = n.sequence_id and s.number = n.next) as due
             from (
               select o.id, o.sequence_id, i.step,
                      coalesce((select s.then_step from outreach.step s where s.sequence_id = o.sequence_id and s.number = i.step),
                               i.step + 1::int2)::int2 as next
               from unnest($3::uuid[], $4::int2[]) as i (id, step) join outreach.enrolment o on o.tenant_id = $1 and o.id = i.id) n) w
           where e.tenant_id = $1 and e.id = w.id and e.status in ('active', 'paused')
           returning e.id, e.lead_id, w.due is null as "finished!""#,
        tenant,
        now as Time,
        &ids,
        &numbers,
        "Every step was carried out.",
    )
    .fetch_all(cx.conn())
    .await?;
    let finished: Vec<Uuid> = rows.iter().filter(|row| row.finished).map(|row| row.id).collect();
    if !finished.is_empty() {
        withdraw_all(cx, &finished, "Every step was carried out.").await?;
    }
    Ok(rows.into_iter().map(|row| Went { lead: row.lead_id, finished: row.finished }).collect())
}

/// A step was passed over: the one after it is due its delay after the last that was carried out.
pub async fn step_passed(cx: &mut Cx, id: Uuid, step: i16) -> Result<()> {
    goes_to(cx, id, step + 1).await
}

/// Puts a running enrolment before a step, which is due its delay after the last that was carried out (or
/// after joining), now at the earliest. A step that does not exist: the sequence is through.
pub async fn goes_to(cx: &mut Cx, id: Uuid, step: i16) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let due = sqlx::query_scalar!(
        "update outreach.enrolment e set next_step = $3, updated_at = $4,
                next_due_at = (select greatest($4::timestamptz, coalesce(e.last_touch_at, e.created_at) + make_interval(days => s.delay_days))
                               from outreach.step s where s.sequence_id = e.sequence_id and s.number = $3)
         where e.tenant_id = $1 and e.id = $2 and e.status in ('active', 'paused')
         returning e.next_due_at",
        tenant,
        id,
        step,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    match due {
        Some(None) => finish(cx, id).await,
        Some(Some(_)) | None => Ok(()),
    }
}

/// Every step was carried out without a reply.
pub async fn finish(cx: &mut Cx, id: Uuid) -> Result<()> {
    if let Some(lead) = end(cx, id, "finished", "Every step was carried out.").await? {
        leads::lead::advance(cx, lead.into(), leads::lead::Status::Completed, ALL_STEPS).await?;
        activity::record(cx, Entry::of(Action::Finished, lead, ALL_STEPS_SAID)).await?;
    }
    Ok(())
}

/// Ends an enrolment early; open touches are withdrawn.
pub async fn stop(cx: &mut Cx, id: Uuid, why: &str) -> Result<()> {
    if let Some(lead) = end(cx, id, "stopped", why).await? {
        activity::record(cx, Entry::of(Action::Stopped, lead, why)).await?;
    }
    Ok(())
}

/// Takes the lead first, as everything does that changes its enrolment or its touches: a hand-off that
/// is being recorded and a pause that comes at the same moment then wait for each other in turn.
async fn lock_lead(cx: &mut Cx, id: Uuid) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "select id from leads.lead
         where tenant_id = $1 and id = (select lead_id from outreach.enrolment where tenant_id = $1 and id = $2)
         for no key update",
        tenant,
        id
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(())
}

async fn end(cx: &mut Cx, id: Uuid, status: &str, why: &str) -> Result<Option<Uuid>> {
    lock_lead(cx, id).await?;
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let lead = sqlx::query_scalar!(
        "update outreach.enrolment set status = $3::text::outreach.enrolment_status, status_reason = $4, next_due_at = null,
                paused_until = null, updated_at = $5
         where tenant_id = $1 and id = $2 and status in ('active', 'paused') returning lead_id",
        tenant,
        id,
        status,
        why,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    if lead.is_some() {
        withdraw_open(cx, id, why).await?;
    }
    Ok(lead)
}

/// Stops whatever a lead is in, on every channel. Returns how many enrolments ended.
pub async fn stop_for_lead(cx: &mut Cx, lead: Uuid, why: &str) -> Result<usize> {
    let tenant = cx.tenant()?.uuid();
    let ids = sqlx::query_scalar!(
        "select id from outreach.enrolment where tenant_id = $1 and lead_id = $2 and status in ('active', 'paused')",
        tenant,
        lead
    )
    .fetch_all(cx.conn())
    .await?;
    for id in &ids {
        stop(cx, *id, why).await?;
    }
    Ok(ids.len())
}

/// Holds an enrolment until an instant, or until a person resumes it. Touches that have not begun
/// are withdrawn; their step is planned again on resuming.
pub async fn pause(cx: &mut Cx, id: Uuid, why: &str, until: Option<Time>) -> Result<()> {
    lock_lead(cx, id).await?;
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let lead = sqlx::query_scalar!(
        "update outreach.enrolment set status = 'paused', status_reason = $3, paused_until = $4, next_due_at = null, updated_at = $5
         where tenant_id = $1 and id = $2 and status = 'active' returning lead_id",
        tenant,
        id,
        why,
        until as Option<Time>,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    if let Some(lead) = lead {
        withdraw_open(cx, id, why).await?;
        activity::record(cx, Entry::of(Action::Paused, lead, why)).await?;
    }
    Ok(())
}

/// Goes on after a pause: the present step is due at once, or when its delay is over if the step before
/// it was carried out meanwhile. A withdrawn touch of that step is planned anew.
pub async fn resume(cx: &mut Cx, id: Uuid) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let lead = sqlx::query_scalar!(
        "update outreach.enrolment set status = 'active', status_reason = null, paused_until = null,
                next_due_at = greatest(next_due_at, $3), updated_at = $3
         where tenant_id = $1 and id = $2 and status = 'paused' returning lead_id",
        tenant,
        id,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    if let Some(lead) = lead {
        activity::record(cx, Entry::of(Action::Resumed, lead, "Goes on")).await?;
    }
    Ok(())
}

/// Makes the present step of a running enrolment due now, because the touch that carried it ended
/// without leaving.
pub async fn due_again(cx: &mut Cx, id: Uuid) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.enrolment set next_due_at = $3, updated_at = $3
         where tenant_id = $1 and id = $2 and status = 'active' and next_due_at is null",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Enrolments whose pause is over go on. Returns how many.
pub async fn wake_due(cx: &mut Cx) -> Result<usize> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids = sqlx::query_scalar!(
        "select id from outreach.enrolment where tenant_id = $1 and status = 'paused' and paused_until <= $2 limit 1000",
        tenant,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    for id in &ids {
        resume(cx, *id).await?;
    }
    Ok(ids.len())
}

/// Withdraws touches that have not begun to leave, and the approvals that ask for them.
pub(crate) async fn withdraw_open(cx: &mut Cx, enrolment: Uuid, why: &str) -> Result<()> {
    withdraw_all(cx, &[enrolment], why).await
}

async fn withdraw_all(cx: &mut Cx, enrolments: &[Uuid], why: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let approvals = sqlx::query_scalar!(
        r#"with open as (
             select id, case when state = 'awaiting_approval' then approval_id end as asked from outreach.touch
             where tenant_id = $1 and enrolment_id = any($2) and state in ('planned', 'written', 'awaiting_approval', 'approved')
             order by id for update
           )
           update outreach.touch t set state = 'cancelled', skip_code = 'withdrawn', skip_detail = $3, updated_at = $4
           from open where t.id = open.id returning open.asked"#,
        tenant,
        enrolments,
        why,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    for approval in approvals.into_iter().flatten() {
        match control::approval::withdraw(cx, approval.into(), why).await {
            Ok(_) => {}
            // A decision that came a moment ago, or whose time is over, finds a touch that is withdrawn:
            // nothing follows from it. It must not keep an opt-out from being stored.
            Err(error) if matches!(error.code(), "approval.decided" | "approval.expired") => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
