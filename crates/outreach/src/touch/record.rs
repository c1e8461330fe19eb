//! What was delivered: the touches, the ways of their leads, the conversations and the history move together
//! in one transaction, with one statement a table for a whole batch.

use super::{TouchId, load, store};
use crate::{
    activity::{self, Action, Entry},
    channel::{Channel, way::Taken},
    enrolment, thread,
};
use base::{Result, Time, Zone};
use db::{Cx, Fact};
use leads::lead::{Reached, Status};
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// The provider took it. A late receipt of a try that was taken back meanwhile counts as well: what left is
/// recorded as sent and not sent again.
pub(crate) async fn sent(cx: &mut Cx, id: TouchId, taken: &Taken) -> Result<()> {
    sent_all(cx, &[(id, taken)]).await
}

/// [`sent`] for several touches.
pub(super) async fn sent_all(cx: &mut Cx, all: &[(TouchId, &Taken)]) -> Result<()> {
    let ids: Vec<TouchId> = all.iter().map(|(id, _)| *id).collect();
    load::lock_all(cx, &ids, load::Busy::Wait).await?;
    settle(cx, all).await?;
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    store::count_again(cx, &ids).await?;
    done_all(cx, all).await
}

/// What they cost is counted; of a call that is known when it has ended.
async fn settle(cx: &mut Cx, all: &[(TouchId, &Taken)]) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    let ids: Vec<Uuid> = all.iter().map(|(id, _)| id.uuid()).collect();
    let paid = sqlx::query!(
        r#"select id, channel as "channel: Channel" from outreach.touch
           where tenant_id = $1 and id = any($2) and spend_id is not null and channel <> 'voice' order by id"#,
        tenant,
        &ids,
    )
    .fetch_all(cx.conn())
    .await?;
    if paid.is_empty() {
        return Ok(());
    }
    let limits = crate::limits::Limits::load(cx, "AU", None).await?;
    for row in paid {
        let taken = all.iter().find(|(id, _)| id.uuid() == row.id).and_then(|(_, taken)| taken.cost);
        store::settle_spend(cx, TouchId(row.id), limits.cost(row.channel)?, taken).await?;
    }
    Ok(())
}

/// A touch that was sent a moment ago.
struct Done {
    id: Uuid,
    enrolment: Uuid,
    campaign: Uuid,
    lead: Uuid,
    channel: Channel,
    step: i16,
    resource: Option<Uuid>,
    subject: String,
    body: String,
    recipient: String,
    sender: String,
    message_id: Option<String>,
    manual: bool,
    zone: String,
}

/// Marks those as sent that were not yet, and returns them.
async fn mark(cx: &mut Cx, all: &[(TouchId, &Taken)]) -> Result<Vec<Done>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<Uuid> = all.iter().map(|(id, _)| id.uuid()).collect();
    let refs: Vec<Option<String>> = all.iter().map(|(_, taken)| taken.provider_ref.clone()).collect();
    let responses: Vec<String> = all.iter().map(|(_, taken)| taken.response.clone()).collect();
    Ok(sqlx::query_as!(
        Done,
        r#"update outreach.touch t set state = 'sent', sent_at = $2, provider_ref = coalesce(d.ref, t.provider_ref), response = d.response,
                  updated_at = $2
           from unnest($3::uuid[], $4::text[], $5::text[]) as d (id, ref, response), leads.lead l, accounts.tenant n
           where t.tenant_id = $1 and t.id = d.id and t.state in ('sending', 'unknown', 'approved') and l.id = t.lead_id and n.id = $1
           returning t.id, t.enrolment_id as enrolment, t.campaign_id as campaign, t.lead_id as lead, t.channel as "channel: Channel",
                     t.step_number as step, t.resource_id as resource, coalesce(t.subject, '') as "subject!", coalesce(t.body, '') as "body!",
                     coalesce(t.recipient, '') as "recipient!", coalesce(t.sender, '') as "sender!", t.message_id, t.manual,
                     coalesce(l.zone, n.zone) as "zone!""#,
        tenant,
        now as Time,
        &ids,
        &refs as &[Option<String>],
        &responses,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// They are done, by a provider or by a person. The caller holds them.
pub(super) async fn done_all(cx: &mut Cx, all: &[(TouchId, &Taken)]) -> Result<()> {
    let done = mark(cx, all).await?;
    if done.is_empty() {
        return Ok(());
    }
    let out: Vec<thread::Outbound> = done.iter().map(outbound).collect();
    thread::record_outbound_all(cx, &out).await?;
    let steps: Vec<(Uuid, i16)> = done.iter().map(|one| (one.enrolment, one.step)).collect();
    let went = enrolment::steps_done(cx, &steps).await?;
    let finished: Vec<Uuid> = went.iter().filter(|way| way.finished).map(|way| way.lead).collect();
    let reached: Vec<Reached> = done
        .iter()
        .map(|one| {
            let way = went.iter().find(|way| way.lead == one.lead);
            let to = way.map(|way| if way.finished { Status::Completed } else { Status::InSequence });
            let why = if to == Some(Status::Completed) { enrolment::ALL_STEPS } else { "first touch" };
            Reached { lead: one.lead.into(), to, why }
        })
        .collect();
    leads::lead::reached(cx, &reached).await?;
    let mut zones = HashMap::new();
    let mut entries: Vec<Entry> = done.iter().map(|one| entry(one, zone(&mut zones, &one.zone))).collect();
    entries.extend(finished.iter().map(|lead| Entry::of(Action::Finished, *lead, enrolment::ALL_STEPS_SAID)));
    activity::record_all(cx, entries).await?;
    let facts = done.iter().map(|one| {
        Fact::about("outreach.touch.sent", one.id).with(json!({
            "lead_id": one.lead, "campaign_id": one.campaign, "channel": one.channel, "step": one.step, "subject": one.subject
        }))
    });
    cx.publish_all(facts.collect()).await
}

fn outbound(one: &Done) -> thread::Outbound {
    thread::Outbound {
        lead: one.lead,
        campaign: one.campaign,
        channel: one.channel,
        touch: one.id,
        resource: one.resource,
        message_id: one.message_id.clone(),
        sender: one.sender.clone(),
        recipient: one.recipient.clone(),
        subject: one.subject.clone(),
        body: one.body.clone(),
    }
}

fn zone(known: &mut HashMap<String, Option<Zone>>, name: &str) -> Option<Zone> {
    if !known.contains_key(name) {
        known.insert(name.to_owned(), Zone::named(name).ok());
    }
    known.get(name).cloned().flatten()
}

fn entry(one: &Done, zone: Option<Zone>) -> Entry {
    let action = if one.manual { Action::TaskDone } else { Action::Sent };
    let words = if one.subject.is_empty() { &one.body } else { &one.subject };
    Entry {
        campaign: Some(one.campaign),
        touch: Some(one.id),
        channel: Some(one.channel),
        detail: json!({"step": one.step, "to": one.recipient}),
        zone,
        ..Entry::of(action, one.lead, words.as_str())
    }
}
