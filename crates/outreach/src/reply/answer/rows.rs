//! The statements of answers.

use super::{APPROVAL, Answered, State, Way};
use crate::{
    activity::{self, Action, Entry},
    channel::Channel,
    reply::words,
    resource,
    thread::{MessageId, ThreadId},
    touch::Content,
};
use base::{EmailAddress, Error, Result, Time};
use control::approval::{self, ApprovalId, Risk};
use db::Cx;
use serde_json::{Value, json};

pub(super) async fn lock_thread(cx: &mut Cx, thread: ThreadId) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_scalar!(
        "select id from outreach.thread where tenant_id = $1 and id = $2 for update",
        tenant,
        thread.uuid()
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("conversation"))?;
    Ok(())
}

/// Whether an answer is open, or this message was answered already.
pub(super) async fn has_open(cx: &mut Cx, thread: ThreadId, answers: MessageId) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from outreach.message where tenant_id = $1 and thread_id = $2 and direction = 'outbound'
                            and (state in ('draft', 'awaiting_approval', 'approved', 'sending', 'unknown')
                                 or (state = 'sent' and understood ->> 'answers' = $3))) as "is!""#,
        tenant,
        thread.uuid(),
        answers.to_string(),
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Keeps beside a received message which of its questions nothing answers.
pub(super) async fn note_open(cx: &mut Cx, id: MessageId, open: &[&str]) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update outreach.message set understood = understood || jsonb_build_object('open', $3::jsonb) where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        json!(open),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Whether this address was told once that it opted out.
pub(super) async fn was_confirmed(cx: &mut Cx, address: &str) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from outreach.message where tenant_id = $1 and direction = 'outbound' and lower(recipient) = lower($2)
                            and understood ->> 'confirms' = 'true') as "was!""#,
        tenant,
        address,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// The mailbox that a conversation is held from: that of our last message, else the one they wrote to.
pub(super) async fn sending_identity(
    cx: &mut Cx,
    thread: ThreadId,
    a: &Answered,
) -> Result<Option<resource::Resource>> {
    let tenant = cx.tenant()?.uuid();
    let found = sqlx::query_scalar!(
        r#"select id as "id!" from (
             (select m.resource_id as id, 1 as place, m.at from outreach.message m
              where m.tenant_id = $1 and m.thread_id = $2 and m.direction = 'outbound' and m.resource_id is not null and m.state = 'sent'
              order by m.at desc limit 1)
             union all
             (select r.id, 2, r.created_at from outreach.resource r
              where r.tenant_id = $1 and r.channel = 'email' and r.address = lower($3) limit 1)
             union all
             (select r.id, 3, r.created_at from outreach.campaign_resource u join outreach.resource r on r.id = u.resource_id
              where u.tenant_id = $1 and u.campaign_id = $4 and u.removed_at is null and r.channel = 'email' order by r.created_at limit 1)) f
           where exists (select from outreach.resource r where r.id = f.id and r.deleted_at is null and r.status <> 'retired')
           order by place limit 1"#,
        tenant,
        thread.uuid(),
        a.recipient,
        a.campaign,
    )
    .fetch_optional(cx.conn())
    .await?;
    match found {
        Some(id) => Ok(Some(resource::get(cx, id).await?)),
        None => Ok(None),
    }
}

pub(super) fn way(a: &Answered, message: Option<MessageId>, by: &str, offers_meeting: bool) -> Way {
    let mut references: Vec<String> =
        serde_json::from_value(a.understood["references"].clone()).unwrap_or_default();
    let answered = a.message_id.as_deref().map(bare);
    references.retain(|id| Some(id) != answered.as_ref());
    references.extend(answered.clone());
    // The beginning of a very long thread says nothing that its end does not.
    let from = references.len().saturating_sub(30);
    Way {
        answers: message.map(MessageId::uuid),
        in_reply_to: answered,
        references: references.split_off(from),
        by: by.to_owned(),
        offers_meeting,
        ..Way::default()
    }
}

pub(super) fn bare(id: &str) -> String {
    id.trim_matches(['<', '>', ' ']).to_owned()
}

pub(super) async fn insert(
    cx: &mut Cx,
    a: &Answered,
    from: &resource::Resource,
    body: &str,
    state: State,
    way: Way,
) -> Result<MessageId> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<MessageId>());
    let reply_to =
        a.understood.get("reply_to").and_then(Value::as_str).and_then(|text| EmailAddress::parse(text).ok());
    let to = match reply_to {
        Some(address) => address,
        None => EmailAddress::parse(&a.sender)?,
    };
    let address = EmailAddress::parse(&from.address)?;
    let content = Content {
        to: to.as_str().to_owned(),
        from: format!("{} <{}>", from.display_name, from.address),
        subject: words::subject(&a.subject),
        body: body.replace("\r\n", "\n"),
    };
    sqlx::query!(
        "insert into outreach.message (id, tenant_id, thread_id, direction, message_id, sender, recipient, subject, body, understood, state,
                resource_id, digest, at)
         values ($1, $2, $3, 'outbound', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        id.uuid(),
        tenant,
        a.thread,
        ports::email::MessageId::of(id.uuid(), &address).bracketed(),
        content.from,
        content.to,
        content.subject,
        content.body,
        serde_json::to_value(&way)?,
        state.word(),
        from.id.uuid(),
        &content.digest()?.0[..],
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn ask(cx: &mut Cx, id: MessageId, a: &Answered) -> Result<()> {
    let open = lock_draft(cx, id).await?;
    let way = way_of(cx, id).await?;
    let what = if way.about.is_some() { "a meeting to which they did not come" } else { "their message" };
    let because = json!({"what": what, "intent": a.intent, "because": a.understood.get("evidence")});
    let mut evidence = vec![because];
    evidence.extend(way.cites.iter().map(
        |cite| json!({"knowledge": cite.question, "says": cite.quote, "source": cite.source_url, "confirmed": cite.checked}),
    ));
    evidence.extend(way.open.iter().map(|open| json!({"not answered": open})));
    let urgency = match a.intent.as_deref() {
        Some("meeting_request") => 300,
        Some("interested") => 200,
        Some(_) | None => 100,
    };
    let approval = approval::request(
        cx,
        approval::Request {
            kind: APPROVAL,
            subject: id.uuid(),
            campaign: a.campaign,
            lead: a.lead,
            title: format!(
                "{} {}",
                if way.about.is_some() { "Other times for" } else { "Answer to" },
                a.first_name.as_deref().unwrap_or(&a.sender)
            ),
            summary: open.content.subject.clone(),
            content: serde_json::to_value(&open.content)?,
            evidence: evidence.into(),
            provenance: json!({"writer": way.by, "kind": "reply", "prompt_version": way.prompt_version}),
            cost_micros: 0,
            risk: Risk::Normal,
            // Somebody waits for this one: before every first message, and whoever wants to talk first.
            priority: urgency + i32::from(a.score.unwrap_or(0)),
            expires_at: None,
        },
    )
    .await?;
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update outreach.message set state = 'awaiting_approval', approval_id = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        approval.uuid(),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

async fn way_of(cx: &mut Cx, id: MessageId) -> Result<Way> {
    let tenant = cx.tenant()?.uuid();
    let understood = sqlx::query_scalar!(
        "select understood from outreach.message where tenant_id = $1 and id = $2",
        tenant,
        id.uuid()
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(serde_json::from_value(understood)?)
}

pub(super) async fn entry(cx: &mut Cx, a: &Answered, id: MessageId, action: Action) -> Result<()> {
    let Some(lead) = a.lead else { return Ok(()) };
    let entry = Entry {
        campaign: a.campaign,
        channel: Some(Channel::Email),
        detail: json!({"thread_id": a.thread, "message_id": id}),
        ..Entry::of(action, lead, words::subject(&a.subject))
    };
    activity::record(cx, entry).await
}

/// An open draft, locked.
pub(super) struct Draft {
    pub(super) approval: Option<ApprovalId>,
    pub(super) content: Content,
}

pub(super) async fn lock_draft(cx: &mut Cx, id: MessageId) -> Result<Draft> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        "select state, approval_id, recipient, sender, subject, body from outreach.message
         where tenant_id = $1 and id = $2 and direction = 'outbound' for update",
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("draft"))?;
    match row.state.parse::<State>()? {
        State::Draft | State::AwaitingApproval => Ok(Draft {
            approval: row.approval_id.map(ApprovalId),
            content: Content { to: row.recipient, from: row.sender, subject: row.subject, body: row.body },
        }),
        state @ (State::Approved
        | State::Sending
        | State::Sent
        | State::Unknown
        | State::Failed
        | State::Discarded) => Err(Error::conflict(
            "reply.state",
            format!("This answer is no open draft any more; it is {}.", state.word().replace('_', " ")),
        )),
    }
}

pub(super) async fn keep_content(cx: &mut Cx, id: MessageId, content: &Content) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update outreach.message set subject = $3, body = $4, digest = $5 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        content.subject,
        content.body,
        &content.digest()?.0[..],
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(in crate::reply) async fn set_state(cx: &mut Cx, id: MessageId, state: State) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update outreach.message set state = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        state.word()
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
