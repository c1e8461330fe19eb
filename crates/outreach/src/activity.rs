//! What happened, append-only, in one closed vocabulary.

use crate::channel::Channel;
use base::{Result, Time, Zone};
use db::Cx;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Every word for what can happen. Reports and learning read these words and no others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "outreach.action", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each word says itself; the list is the vocabulary of the spec")]
pub enum Action {
    Enrolled,
    Drafted,
    ApprovalRequested,
    Approved,
    Rejected,
    Skipped,
    Sent,
    SendFailed,
    Delivered,
    Undelivered,
    Bounced,
    Complained,
    Replied,
    Classified,
    Reclassified,
    OptedOut,
    Paused,
    Resumed,
    Stopped,
    Finished,
    ReplyDrafted,
    ReplySent,
    MeetingOffered,
    MeetingBooked,
    MeetingRescheduled,
    MeetingCancelled,
    MeetingHeld,
    MeetingMissed,
    DealOpened,
    DealMoved,
    Scored,
    Enriched,
    Imported,
    Noted,
    /// Never learned from: machines open, too.
    Opened,
    /// Never learned from.
    Clicked,
    Connected,
    Called,
    Mailed,
    TaskAsked,
    TaskDone,
    Jumped,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// To whom.
    pub lead: Option<Uuid>,
    /// In which campaign.
    pub campaign: Option<Uuid>,
    /// By which touch.
    pub touch: Option<Uuid>,
    /// Over which channel.
    pub channel: Option<Channel>,
    /// What.
    pub action: Action,
    /// A line for people.
    pub preview: String,
    /// Details for programs.
    pub detail: serde_json::Value,
    /// The lead's zone, so that learning knows the local hour.
    pub zone: Option<Zone>,
}

impl Entry {
    /// Something that happened to a lead.
    pub fn of(action: Action, lead: Uuid, preview: impl Into<String>) -> Self {
        Self {
            lead: Some(lead),
            campaign: None,
            touch: None,
            channel: None,
            action,
            preview: preview.into(),
            detail: serde_json::json!({}),
            zone: None,
        }
    }
}

/// Records one entry at the present instant.
pub async fn record(cx: &mut Cx, entry: Entry) -> Result<()> {
    record_all(cx, vec![entry]).await
}

/// Records many entries with one statement. An opt-out, a bounce or a complaint that names no campaign
/// counts for the one that wrote last: it is the answer to that message.
pub async fn record_all(cx: &mut Cx, entries: Vec<Entry>) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let (tenant, now, actor) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let mut columns = Columns::default();
    for entry in entries {
        columns.push(cx.id::<Uuid>(), now, entry);
    }
    sqlx::query!(
        r#"insert into outreach.activity
             (id, tenant_id, lead_id, campaign_id, touch_id, channel, action, actor, preview, detail, lead_hour, lead_weekday, at)
           select e.id, $1, e.lead_id, coalesce(e.campaign_id, t.campaign_id), e.touch_id, coalesce(e.channel, t.channel),
                  e.action, $2, e.preview, e.detail, e.hour, e.weekday, $3
           from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::outreach.channel[], $9::outreach.action[],
                       $10::text[], $11::jsonb[], $12::int2[], $13::int2[])
             as e (id, lead_id, campaign_id, touch_id, channel, action, preview, detail, hour, weekday)
           left join lateral (
             select campaign_id, channel from outreach.touch
             where e.campaign_id is null and e.action in ('opted_out', 'bounced', 'complained')
               and tenant_id = $1 and lead_id = e.lead_id and sent_at is not null
               and (e.touch_id is null or id = e.touch_id)
             order by sent_at desc limit 1
           ) t on true"#,
        tenant,
        actor,
        now as Time,
        &columns.ids,
        &columns.leads as &[Option<Uuid>],
        &columns.campaigns as &[Option<Uuid>],
        &columns.touches as &[Option<Uuid>],
        &columns.channels as &[Option<Channel>],
        &columns.actions as &[Action],
        &columns.previews,
        &columns.details,
        &columns.hours as &[Option<i16>],
        &columns.weekdays as &[Option<i16>],
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    leads: Vec<Option<Uuid>>,
    campaigns: Vec<Option<Uuid>>,
    touches: Vec<Option<Uuid>>,
    channels: Vec<Option<Channel>>,
    actions: Vec<Action>,
    previews: Vec<String>,
    details: Vec<serde_json::Value>,
    hours: Vec<Option<i16>>,
    weekdays: Vec<Option<i16>>,
}

impl Columns {
    fn push(&mut self, id: Uuid, now: Time, entry: Entry) {
        let local = entry.zone.map(|zone| now.in_zone(&zone));
        self.ids.push(id);
        self.leads.push(entry.lead);
        self.campaigns.push(entry.campaign);
        self.touches.push(entry.touch);
        self.channels.push(entry.channel);
        self.actions.push(entry.action);
        self.previews.push(entry.preview.chars().take(200).collect());
        self.details.push(entry.detail);
        self.hours.push(local.as_ref().map(|l| i16::from(l.hour())));
        self.weekdays.push(local.as_ref().map(|l| i16::from(l.weekday().to_monday_one_offset())));
    }
}
