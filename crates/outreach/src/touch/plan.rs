//! The allocator: turns due enrolments into touches, as many as there is room for today.
//!
//! Drafts that wait for approval keep their room, so that a slow approver does not pile up drafts
//! which could never leave. Follow-ups go before first messages, better scores before lower ones.

use super::{TouchId, jobs};
use crate::{
    activity::{self, Action, Entry},
    campaign::{Allocation, rules},
    channel::Channel,
    enrolment, resource,
    sequence::{self, Step, choose_arm, path},
};
use base::{Result, Time};
use db::Cx;
use serde_json::json;
use std::collections::{BTreeMap, btree_map::Entry as Slot};
use uuid::Uuid;

/// Campaigns looked at, and touches made, in one run at most.
const CAMPAIGNS_MAX: i64 = 200;
const TOUCHES_MAX: i64 = 500;

/// Plans touches for every active campaign of the tenant. Returns how many were made.
pub async fn plan_due(cx: &mut Cx) -> Result<usize> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let campaigns = sqlx::query!(
        r#"select c.id, c.daily_limit, c.allocation
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
    for row in campaigns {
        let allocation: Allocation = serde_json::from_value(row.allocation)?;
        made += plan_campaign(cx, row.id, row.daily_limit, &allocation).await?;
    }
    Ok(made)
}

/// A lead whose step is due.
struct Due {
    id: Uuid,
    lead: Uuid,
    sequence: Uuid,
    next_step: i16,
    due_at: Time,
}

/// A lead whose step is carried out, if there is room for it.
struct Turn {
    due: Due,
    number: i16,
    channel: Channel,
    form: &'static str,
    manual: bool,
    arm: Option<&'static str>,
}

async fn plan_campaign(cx: &mut Cx, campaign: Uuid, daily: i32, allocation: &Allocation) -> Result<usize> {
    let mut room: BTreeMap<Channel, i64> = BTreeMap::new();
    let open = open_by_channel(cx, campaign).await?;
    for channel in channels(cx, campaign).await? {
        let share = rules::share(allocation, channel, daily);
        let free = resource::remaining_today(cx, campaign, daily, channel, share).await?;
        let open = open.get(&channel).copied().unwrap_or(0);
        room.insert(channel, (free - open).clamp(0, TOUCHES_MAX));
    }
    let (channels, rooms): (Vec<Channel>, Vec<i64>) =
        room.iter().map(|(channel, room)| (*channel, *room)).unzip();
    let due = due(cx, campaign, &channels, &rooms).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let turns = turns(cx, campaign, due, &mut room).await?;
    if turns.is_empty() {
        return Ok(0);
    }
    insert(cx, campaign, &turns).await
}

/// The channels of the campaign's running sequences.
async fn channels(cx: &mut Cx, campaign: Uuid) -> Result<Vec<Channel>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select distinct s.channel as "channel: Channel" from outreach.step s
           where s.tenant_id = $1 and s.sequence_id in (select q.id from outreach.sequence q where q.tenant_id = $1 and q.campaign_id = $2)"#,
        tenant,
        campaign,
    )
    .fetch_all(cx.conn())
    .await?)
}

async fn open_by_channel(cx: &mut Cx, campaign: Uuid) -> Result<BTreeMap<Channel, i64>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select channel as "channel: Channel", count(*) as "open!" from outreach.touch
           where tenant_id = $1 and campaign_id = $2 and not manual and state in ('planned', 'written', 'awaiting_approval', 'approved')
           group by 1"#,
        tenant,
        campaign,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.channel, row.open)).collect())
}

/// Due leads, follow-ups first, better scores before lower ones: as many of each channel as there is room
/// for, and those whose step a condition, a person or the end of the sequence decides about.
async fn due(cx: &mut Cx, campaign: Uuid, channels: &[Channel], rooms: &[i64]) -> Result<Vec<Due>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows = sqlx::query!(
        r#"with ranked as (
             select e.id, row_number() over (partition by s.channel, s.manual, s.number is null or s.condition <> '[]'
                                             order by (e.next_step > 1) desc, l.score desc nulls last, e.id) as place,
                    s.channel, coalesce(s.manual, true) or s.condition <> '[]' as free, r.room
             from outreach.enrolment e
             left join outreach.step s on s.sequence_id = e.sequence_id and s.number = e.next_step
             join leads.lead l on l.id = e.lead_id
             left join unnest($4::outreach.channel[], $5::int8[]) as r (channel, room) on r.channel = s.channel
             where e.tenant_id = $1 and e.campaign_id = $2 and e.status = 'active' and e.next_due_at <= $3)
           select e.id, e.lead_id as lead, e.sequence_id as sequence, e.next_step, e.next_due_at as "due_at!"
           from outreach.enrolment e join ranked k on k.id = e.id join leads.lead l on l.id = e.lead_id
           where e.tenant_id = $1 and e.status = 'active' and e.next_due_at <= $3
             and (k.free or k.place <= coalesce(k.room, 0)) and k.place <= $6
           order by (e.next_step > 1) desc, l.score desc nulls last, e.id
           for update of e skip locked"#,
        tenant,
        campaign,
        now as Time,
        channels as &[Channel],
        rooms,
        TOUCHES_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Due {
            id: row.id,
            lead: row.lead,
            sequence: row.sequence,
            next_step: row.next_step,
            due_at: row.due_at,
        })
        .collect())
}

/// Follows each lead's way to the step that is carried out now. Those who are through are finished, those
/// whose next step is due later wait for it.
async fn turns(
    cx: &mut Cx,
    campaign: Uuid,
    due: Vec<Due>,
    room: &mut BTreeMap<Channel, i64>,
) -> Result<Vec<Turn>> {
    let mut versions: BTreeMap<Uuid, Vec<Step>> = BTreeMap::new();
    for one in &due {
        if let Slot::Vacant(unknown) = versions.entry(one.sequence) {
            unknown.insert(sequence::steps(cx, one.sequence.into()).await?);
        }
    }
    let asks = |one: &&Due| {
        versions.get(&one.sequence).is_some_and(|steps| steps.iter().any(|step| !step.condition.is_empty()))
    };
    let leads: Vec<Uuid> = due.iter().filter(asks).map(|one| one.lead).collect();
    let known =
        if leads.is_empty() { BTreeMap::new() } else { sequence::known(cx, campaign, &leads).await? };
    let mut turns = Vec::new();
    for one in due {
        let steps = versions.get(&one.sequence).map(Vec::as_slice).unwrap_or_default();
        let own = known.get(&one.lead).cloned().unwrap_or_default();
        let way = path::arrive(steps, one.next_step, &own);
        if !way.passed.is_empty() {
            tell_passed(cx, campaign, one.lead, &way).await?;
        }
        let found = way.step.and_then(|n| {
            usize::try_from(n - 1).ok().and_then(|index| steps.get(index)).map(|step| (n, step))
        });
        let Some((number, step)) = found else {
            enrolment::finish(cx, one.id).await?;
            continue;
        };
        if number != one.next_step {
            // Its own delay counts from the last step that was carried out.
            enrolment::goes_to(cx, one.id, number).await?;
            continue;
        }
        if !step.manual && !step.condition.is_empty() {
            let Some(left) = room.get_mut(&step.channel).filter(|left| **left > 0) else { continue };
            *left -= 1;
        }
        turns.push(Turn {
            number,
            channel: step.channel,
            form: step.form().word(),
            manual: step.manual,
            arm: choose_arm(one.id, number, step.arms.len()),
            due: one,
        });
    }
    Ok(turns)
}

async fn tell_passed(cx: &mut Cx, campaign: Uuid, lead: Uuid, way: &path::Way) -> Result<()> {
    let entries = way.passed.iter().map(|(number, why)| Entry {
        campaign: Some(campaign),
        detail: json!({"step": number, "why": why}),
        ..Entry::of(Action::Jumped, lead, format!("Step {number} was passed over ({why})"))
    });
    activity::record_all(cx, entries.collect()).await
}

async fn insert(cx: &mut Cx, campaign: Uuid, turns: &[Turn]) -> Result<usize> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<Uuid> = turns.iter().map(|_| cx.id()).collect();
    let enrolments: Vec<Uuid> = turns.iter().map(|turn| turn.due.id).collect();
    let leads: Vec<Uuid> = turns.iter().map(|turn| turn.due.lead).collect();
    let steps: Vec<i16> = turns.iter().map(|turn| turn.number).collect();
    let due_at: Vec<Time> = turns.iter().map(|turn| turn.due.due_at).collect();
    let channels: Vec<Channel> = turns.iter().map(|turn| turn.channel).collect();
    let forms: Vec<String> = turns.iter().map(|turn| turn.form.to_owned()).collect();
    let manual: Vec<bool> = turns.iter().map(|turn| turn.manual).collect();
    let arms: Vec<Option<String>> = turns.iter().map(|turn| turn.arm.map(str::to_owned)).collect();
    sqlx::query!(
        "update outreach.enrolment set next_due_at = null, updated_at = $3 where tenant_id = $1 and id = any($2)",
        tenant,
        &enrolments,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let rows = sqlx::query!(
        r#"insert into outreach.touch (id, tenant_id, enrolment_id, campaign_id, lead_id, step_number, channel, due_at, form, manual, arm,
                                       created_at, updated_at)
           select d.id, $1, d.enrolment_id, $2, d.lead_id, d.step, d.channel, d.due_at, d.form, d.manual, d.arm, $3, $3
           from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::int2[], $8::outreach.channel[], $9::timestamptz[], $10::text[], $11::bool[], $12::text[])
             with ordinality as d (id, enrolment_id, lead_id, step, channel, due_at, form, manual, arm, place)
           order by d.place
           on conflict (enrolment_id, step_number) do update
             set state = 'planned', due_at = excluded.due_at, approval_id = null, written_at = null, intent_at = null,
                 channel = excluded.channel, form = excluded.form, manual = excluded.manual, arm = excluded.arm,
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
        &forms,
        &manual,
        &arms as &[Option<String>],
    )
    .fetch_all(cx.conn())
    .await?;
    let ids: Vec<TouchId> = rows.into_iter().map(|row| TouchId(row.id)).collect();
    jobs::enqueue_writes(cx, &ids).await?;
    Ok(ids.len())
}
