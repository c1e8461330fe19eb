//! Every statement of conversations and their messages.

use super::{MessageId, ThreadId};
use crate::channel::Channel;
use base::{Error, Result, Time};
use db::Cx;
use std::collections::HashMap;
use uuid::Uuid;

/// A message that left.
pub struct Outbound {
    /// To whom.
    pub lead: Uuid,
    /// In which campaign.
    pub campaign: Uuid,
    /// Over which channel.
    pub channel: Channel,
    /// By which touch.
    pub touch: Uuid,
    /// From which sending identity.
    pub resource: Option<Uuid>,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// The sender as printed.
    pub sender: String,
    /// The recipient's address.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The text as sent.
    pub body: String,
}

/// A message that came in, as understood.
pub struct Inbound {
    /// From whom, if that is known.
    pub lead: Option<Uuid>,
    /// In answer to which campaign.
    pub campaign: Option<Uuid>,
    /// Over which channel.
    pub channel: Channel,
    /// The Message-IDs that it names, without angle brackets or with them.
    pub references: Vec<String>,
    /// The raw mail.
    pub inbox: Uuid,
    /// The touch that it answers.
    pub touch: Option<Uuid>,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// The sender's address.
    pub sender: String,
    /// Our address.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The person's own words.
    pub body: String,
    /// The word of the intent.
    pub intent: String,
    /// How sure, 0-1.
    pub confidence: f32,
    /// By which method.
    pub method: String,
    /// Evidence and entities.
    pub understood: serde_json::Value,
    /// Whether a person must look.
    pub needs_person: bool,
}

/// The conversation with a lead in a campaign (or outside every campaign).
pub(crate) async fn thread_for(
    cx: &mut Cx,
    lead: Uuid,
    campaign: Option<Uuid>,
    channel: Channel,
    subject: &str,
) -> Result<ThreadId> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let row = sqlx::query_scalar!(
        "insert into outreach.thread (id, tenant_id, lead_id, campaign_id, channel, subject, status, last_message_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, 'waiting', $7, $7, $7)
         on conflict (tenant_id, lead_id, channel, campaign_id) where lead_id is not null do update set last_message_at = $7, updated_at = $7
         returning id",
        id,
        tenant,
        lead,
        campaign,
        channel as Channel,
        subject,
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(ThreadId(row))
}

/// The conversation with somebody who is no lead: the one whose messages the mail names, else the one of
/// this address with this address of ours. A colleague who answers in a thread stays in it.
async fn thread_of_stranger(cx: &mut Cx, inbound: &Inbound) -> Result<ThreadId> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let named: Vec<String> = inbound
        .references
        .iter()
        .map(|named| named.trim_matches(['<', '>', ' ']))
        .filter(|named| !named.is_empty())
        .flat_map(|named| [named.to_owned(), format!("<{named}>")])
        .collect();
    let found = sqlx::query_scalar!(
        "select t.id from outreach.message m join outreach.thread t on t.id = m.thread_id
         where m.tenant_id = $1 and m.message_id = any($2) and t.lead_id is null and t.channel = $3
         order by m.at desc, m.id desc limit 1",
        tenant,
        &named,
        inbound.channel as Channel,
    )
    .fetch_optional(cx.conn())
    .await?;
    if let Some(found) = found {
        sqlx::query!(
            "update outreach.thread set last_message_at = $3, updated_at = $3 where tenant_id = $1 and id = $2",
            tenant,
            found,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
        return Ok(ThreadId(found));
    }
    let row = sqlx::query_scalar!(
        "insert into outreach.thread (id, tenant_id, stranger, identity, campaign_id, channel, subject, status, last_message_at, created_at, updated_at)
         values ($1, $2, lower($3), lower($4), $5, $6, $7, 'waiting', $8, $8, $8)
         on conflict (tenant_id, stranger, identity, channel) where lead_id is null do update set last_message_at = $8, updated_at = $8
         returning id",
        id,
        tenant,
        inbound.sender,
        inbound.recipient,
        inbound.campaign,
        inbound.channel as Channel,
        inbound.subject,
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(ThreadId(row))
}

/// Puts sent messages into their conversations, at most one of a lead in a campaign over a channel.
pub async fn record_outbound_all(cx: &mut Cx, all: &[Outbound]) -> Result<()> {
    let threads = threads_of(cx, all).await?;
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<Uuid> = all.iter().map(|_| cx.id()).collect();
    let touches: Vec<Uuid> = all.iter().map(|out| out.touch).collect();
    let names: Vec<Option<String>> = all.iter().map(|out| out.message_id.clone()).collect();
    let senders: Vec<String> = all.iter().map(|out| out.sender.clone()).collect();
    let recipients: Vec<String> = all.iter().map(|out| out.recipient.clone()).collect();
    let subjects: Vec<String> = all.iter().map(|out| out.subject.clone()).collect();
    let bodies: Vec<String> = all.iter().map(|out| out.body.clone()).collect();
    let resources: Vec<Option<Uuid>> = all.iter().map(|out| out.resource).collect();
    sqlx::query!(
        "insert into outreach.message (id, tenant_id, thread_id, direction, touch_id, message_id, sender, recipient, subject, body, state, resource_id, at)
         select m.id, $1, m.thread_id, 'outbound', m.touch_id, m.message_id, m.sender, m.recipient, m.subject, m.body, 'sent', m.resource_id, $2
         from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::uuid[])
           as m (id, thread_id, touch_id, message_id, sender, recipient, subject, body, resource_id)",
        tenant,
        now as Time,
        &ids,
        &threads,
        &touches,
        &names as &[Option<String>],
        &senders,
        &recipients,
        &subjects,
        &bodies,
        &resources as &[Option<Uuid>],
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The conversations of sent messages, each of which counts; in their order.
async fn threads_of(cx: &mut Cx, all: &[Outbound]) -> Result<Vec<Uuid>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<Uuid> = all.iter().map(|_| cx.id()).collect();
    let leads: Vec<Uuid> = all.iter().map(|out| out.lead).collect();
    let campaigns: Vec<Uuid> = all.iter().map(|out| out.campaign).collect();
    let channels: Vec<Channel> = all.iter().map(|out| out.channel).collect();
    let subjects: Vec<String> = all.iter().map(|out| out.subject.clone()).collect();
    let rows = sqlx::query!(
        r#"insert into outreach.thread as c (id, tenant_id, lead_id, campaign_id, channel, subject, status, messages, last_message_at, created_at, updated_at)
           select n.id, $1, n.lead_id, n.campaign_id, n.channel, n.subject, 'waiting', 1, $2, $2, $2
           from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::outreach.channel[], $7::text[]) as n (id, lead_id, campaign_id, channel, subject)
           on conflict (tenant_id, lead_id, channel, campaign_id) where lead_id is not null
             do update set last_message_at = $2, updated_at = $2, messages = c.messages + 1
           returning id, lead_id as "lead_id!", campaign_id as "campaign_id!", channel as "channel: Channel""#,
        tenant,
        now as Time,
        &ids,
        &leads,
        &campaigns,
        &channels as &[Channel],
        &subjects,
    )
    .fetch_all(cx.conn())
    .await?;
    let found: HashMap<(Uuid, Uuid, Channel), Uuid> =
        rows.into_iter().map(|row| ((row.lead_id, row.campaign_id, row.channel), row.id)).collect();
    all.iter()
        .map(|out| {
            let id = found.get(&(out.lead, out.campaign, out.channel)).copied();
            id.ok_or_else(|| Error::internal("A sent message found no conversation."))
        })
        .collect()
}

/// Puts a received message into its conversation.
pub async fn record_inbound(cx: &mut Cx, inbound: &Inbound) -> Result<(ThreadId, MessageId)> {
    let thread = match inbound.lead {
        Some(lead) => thread_for(cx, lead, inbound.campaign, inbound.channel, &inbound.subject).await?,
        None => thread_of_stranger(cx, inbound).await?,
    };
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into outreach.message (id, tenant_id, thread_id, direction, touch_id, inbox_id, message_id, sender, recipient, subject, body,
                intent, confidence, method, understood, state, at)
         values ($1, $2, $3, 'inbound', $4, $5, $6, $7, $8, $9, $10, $11::text::outreach.intent, $12, $13, $14, 'received', $15)",
        id,
        tenant,
        thread.uuid(),
        inbound.touch,
        inbound.inbox,
        inbound.message_id,
        inbound.sender,
        inbound.recipient,
        inbound.subject,
        inbound.body,
        inbound.intent,
        inbound.confidence,
        inbound.method,
        inbound.understood,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "update outreach.thread set messages = messages + 1, unread = true, status = 'open', intent = $3::text::outreach.intent,
                needs_person = $4, updated_at = $5
         where tenant_id = $1 and id = $2",
        tenant,
        thread.uuid(),
        inbound.intent,
        inbound.needs_person,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok((thread, MessageId(id)))
}

/// Says whether a person must look at a conversation.
pub async fn set_needs_person(cx: &mut Cx, thread: ThreadId, needs_person: bool) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.thread set needs_person = $3, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        thread.uuid(),
        needs_person,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
