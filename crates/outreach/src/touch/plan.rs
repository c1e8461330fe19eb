//! The allocator: turns due enrolments into touches, as many as there is room for today.
//!
//! Drafts that wait for approval keep their room, so that a slow approver does not pile up drafts
//! which could never leave. Follow-ups go before first messages, better scores before lower ones.

use super::{TouchId, jobs};
use crate::{channel::Channel, resource};
use base::{Result, Time};
use db::Cx;
use uuid::Uuid;

/// Campaigns looked at, and touches made, in one run at most.
const CAMPAIGNS_MAX: i64 = 200;
const TOUCHES_MAX: i64 = 500;

/// Plans touches for every active campaign of the tenant. Returns how many were made.
pub async fn plan_due(cx: &mut Cx) -> Result<usize> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let campaigns = sqlx::query!(
        r#"select c.id, c.daily_limit,
                  (select count(*) from outreach.touch t where t.tenant_id = $1 and t.campaign_id = c.id
                     and t.state in ('planned', 'written', 'awaiting_approval', 'approved')) as "open!"
           from outreach.campaign c
           join accounts.tenant n on n.id = c.tenant_id
           where c.tenant_id = $1 and c.status = 'active' and c.deleted_at is null and n.status in ('trialing', 'active')
             and exists (select from outreach.enrolment e where e.campaign_id = c.id and e.status = 'active' and e.next_due_at <= $2)
           order by c.id limit $3"#,
        tenant,
        now as Time,
        CAMPAIGNS_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut made = 0;
    for campaign in campaigns {
        let free = resource::remaining_today(cx, campaign.id, campaign.daily_limit).await?;
        let room = (free - campaign.open).clamp(0, TOUCHES_MAX);
        if room > 0 {
            made += plan_campaign(cx, campaign.id, room).await?;
        }
    }
    Ok(made)
}

async fn plan_campaign(cx: &mut Cx, campaign: Uuid, room: i64) -> Result<usize> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let due = sqlx::query!(
        r#"select e.id, e.lead_id, e.next_step, e.next_due_at as "next_due_at!", s.channel as "channel: Channel"
           from outreach.enrolment e
           join outreach.step s on s.sequence_id = e.sequence_id and s.number = e.next_step
           join leads.lead l on l.id = e.lead_id
           where e.tenant_id = $1 and e.campaign_id = $2 and e.status = 'active' and e.next_due_at <= $3
           order by (e.next_step > 1) desc, l.score desc nulls last, e.id
           limit $4
           for update of e skip locked"#,
        tenant,
        campaign,
        now as Time,
        room,
    )
    .fetch_all(cx.conn())
    .await?;
    let ids: Vec<Uuid> = due.iter().map(|_| cx.id()).collect();
    let enrolments: Vec<Uuid> = due.iter().map(|row| row.id).collect();
    let leads: Vec<Uuid> = due.iter().map(|row| row.lead_id).collect();
    let steps: Vec<i16> = due.iter().map(|row| row.next_step).collect();
    let due_at: Vec<Time> = due.iter().map(|row| row.next_due_at).collect();
    let channels: Vec<Channel> = due.iter().map(|row| row.channel).collect();
    sqlx::query!(
        "update outreach.enrolment set next_due_at = null, updated_at = $3 where tenant_id = $1 and id = any($2)",
        tenant,
        &enrolments,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let rows = sqlx::query!(
        r#"insert into outreach.touch (id, tenant_id, enrolment_id, campaign_id, lead_id, step_number, channel, due_at, created_at, updated_at)
           select d.id, $1, d.enrolment_id, $2, d.lead_id, d.step, d.channel, d.due_at, $3, $3
           from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::int2[], $8::outreach.channel[], $9::timestamptz[])
             with ordinality as d (id, enrolment_id, lead_id, step, channel, due_at, place)
           order by d.place
           on conflict (enrolment_id, step_number) do update
             set state = 'planned', due_at = excluded.due_at, approval_id = null, written_at = null, intent_at = null,
                 skip_code = null, skip_detail = null, retry_at = null, revived = 0, updated_at = excluded.updated_at
             where outreach.touch.state in ('cancelled', 'skipped', 'failed')
           returning id"#,
        tenant,
        campaign,
        now as Time,
        &ids,
        &enrolments,
        &leads,
        &steps,
        &channels as &[Channel],
        &due_at as &[Time],
    )
    .fetch_all(cx.conn())
    .await?;
    let ids: Vec<TouchId> = rows.into_iter().map(|row| TouchId(row.id)).collect();
    jobs::enqueue_writes(cx, &ids).await?;
    Ok(ids.len())
}
