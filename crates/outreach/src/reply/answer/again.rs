//! A message that offers other times after a meeting to which the guest did not come. It goes the way of
//! every answer: the permission mode, an approval, the gate.

use super::{Answered, State, Way, entry, insert, lead_on, lock_thread, rows, sending_identity};
use crate::{
    activity::Action,
    channel::Channel,
    offer::Offer,
    reply::words,
    resource,
    thread::{self, MessageId, ThreadId},
    touch::Mode,
};
use base::{Result, Time};
use db::{Cx, Fact};
use serde_json::json;
use uuid::Uuid;

/// A meeting to which the guest did not come.
#[derive(Clone, Debug)]
pub struct Missed {
    /// Which.
    pub meeting: Uuid,
    /// The lead who did not come.
    pub lead: Uuid,
    /// The campaign that led to it.
    pub campaign: Option<Uuid>,
    /// What it was about.
    pub title: String,
    /// When it was to be, as the guest reads it.
    pub when: String,
}

/// Drafts the message, once for a meeting. None when it was drafted before, nobody may write to them, or
/// there is no address or mailbox.
pub async fn offer_again(cx: &mut Cx, missed: &Missed, offer: Option<&Offer>) -> Result<Option<MessageId>> {
    let thread = thread::thread_for(cx, missed.lead, missed.campaign, Channel::Email, &missed.title).await?;
    lock_thread(cx, thread).await?;
    if was_offered(cx, missed.meeting).await? {
        return Ok(None);
    }
    let Some(a) = written_to(cx, thread, missed).await?.filter(|a| !a.suppressed) else { return Ok(None) };
    let from = match sending_identity(cx, thread, &a).await? {
        Some(from) => from,
        None => match resource::mailbox_used_last(cx).await? {
            Some(from) => from,
            None => return Ok(None),
        },
    };
    let free = offer.map(Offer::written).unwrap_or_default();
    let facts = words::Facts {
        first_name: a.first_name.as_deref(),
        booking_url: offer.map(|offer| offer.url.as_str()),
        free: &free,
        zone: offer.map(|offer| offer.zone.name()).unwrap_or_default(),
        sender_name: &from.display_name,
        company: &a.company,
        postal_address: a.postal_address.as_deref().unwrap_or_default(),
        ..words::Facts::default()
    };
    let answers = a.message_id.as_deref().map(rows::bare);
    let way = Way {
        references: answers.iter().cloned().collect(),
        in_reply_to: answers,
        by: "built-in".to_owned(),
        offers_meeting: offer.is_some(),
        about: Some(missed.meeting),
        ..Way::default()
    };
    let body = words::missed(&missed.title, &missed.when, &facts);
    let id = insert(cx, &a, &from, &body, State::Draft, way).await?;
    entry(cx, &a, id, Action::ReplyDrafted).await?;
    let mode = lead_on(cx, &a, id, true).await?;
    let payload = json!({"thread_id": thread, "lead_id": a.lead, "mode": mode, "meeting_id": missed.meeting});
    cx.publish(Fact::about("outreach.reply.drafted", id).with(payload)).await?;
    Ok(Some(id))
}

async fn was_offered(cx: &mut Cx, meeting: Uuid) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from outreach.message where tenant_id = $1 and direction = 'outbound' and understood ->> 'about' = $2) as "was!""#,
        tenant,
        meeting.to_string(),
    )
    .fetch_one(cx.conn())
    .await?)
}

/// The lead as somebody to write to, in the thread's own subject and after its last message.
async fn written_to(cx: &mut Cx, thread: ThreadId, missed: &Missed) -> Result<Option<Answered>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select t.subject, l.email, l.first_name, l.score, l.mode as "lead_mode?: Mode", l.mode_until as "mode_until?: Time",
                  c.mode as "campaign_mode?: Mode", n.mode as "client_mode: Mode",
                  coalesce(nullif(n.legal_name, ''), n.name) as "company!", n.postal_address,
                  (select m.message_id from outreach.message m where m.tenant_id = $1 and m.thread_id = t.id and m.message_id is not null
                     and m.state in ('sent', 'received') order by m.at desc, m.id desc limit 1) as last,
                  exists (select from leads.suppression s where s.released_at is null and (s.tenant_id is null or s.tenant_id = $1)
                            and (s.kind, s.value) in (('email', l.email), ('domain', split_part(l.email, '@', 2)))) as "suppressed!"
           from outreach.thread t
           join leads.lead l on l.id = t.lead_id
           join accounts.tenant n on n.id = t.tenant_id
           left join outreach.campaign c on c.id = t.campaign_id
           where t.tenant_id = $1 and t.id = $2 and l.deleted_at is null"#,
        tenant,
        thread.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(email) = row.email else { return Ok(None) };
    Ok(Some(Answered {
        thread: thread.uuid(),
        lead: Some(missed.lead),
        campaign: missed.campaign,
        subject: row.subject,
        sender: email,
        recipient: String::new(),
        message_id: row.last,
        intent: None,
        body: String::new(),
        understood: json!({"evidence": format!("“{}” on {}", missed.title, missed.when)}),
        first_name: row.first_name,
        score: row.score,
        lead_mode: row.lead_mode,
        mode_until: row.mode_until,
        campaign_mode: row.campaign_mode,
        client_mode: row.client_mode,
        company: row.company,
        postal_address: row.postal_address,
        suppressed: row.suppressed,
    }))
}
