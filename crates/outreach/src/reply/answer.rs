//! Answers that we give: drafted by the built-in writer and approved by a person, or written by a
//! person. What leaves, leaves once, by [`super::send`].

use super::{jobs, words};
use crate::{
    activity::{self, Action, Entry},
    channel::Channel,
    resource,
    thread::{MessageId, ThreadId},
    touch::{EmailContent, Mode},
};
use base::{EmailAddress, Error, Result, Time};
use control::approval::{self, ApprovalId, Risk};
use db::{Cx, Fact};
use inbound::reply::Intent;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// The kind of the approvals that are asked for here.
pub const APPROVAL: &str = "outreach.reply";

/// Where an answer stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Written; a person sends it or not.
    Draft,
    /// A person is asked.
    AwaitingApproval,
    /// Leaves as soon as the gate lets it.
    Approved,
    /// The gate passed and the hand-off began.
    Sending,
    /// The provider took it.
    Sent,
    /// The hand-off's outcome was lost and cannot be looked up.
    Unknown,
    /// It was refused for good.
    Failed,
    /// Nobody wants it any more.
    Discarded,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::AwaitingApproval,
        Self::Approved,
        Self::Sending,
        Self::Sent,
        Self::Unknown,
        Self::Failed,
        Self::Discarded,
    ];

    /// The word in rows.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Approved => "approved",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Discarded => "discarded",
        }
    }
}

impl std::str::FromStr for State {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.word() == text)
            .ok_or_else(|| Error::internal(format!("“{text}” is not a state of an answer.")))
    }
}

/// What an answer carries beside its text, kept with its row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Way {
    /// The received message that it answers.
    pub answers: Option<Uuid>,
    /// Its Message-ID.
    pub in_reply_to: Option<String>,
    /// The thread, oldest first.
    pub references: Vec<String>,
    /// Who wrote it: `built-in` or the person.
    pub by: String,
    /// Whether it offers a meeting.
    pub offers_meeting: bool,
    /// Whether a person wrote it, rather than our writer.
    pub personal: bool,
    /// Capacity that it holds.
    pub held: Vec<crate::touch::Held>,
    /// How often it was tried.
    pub tries: u32,
    /// What the provider or the gate said last.
    pub said: Option<String>,
    /// When the gate let it pass the last time.
    pub intent_at: Option<Time>,
    /// Which job let it pass, and in which attempt.
    pub intent_by: Option<(::jobs::JobId, i32)>,
}

/// Starts drafting an answer to a received message; the job knows the address of the booking page.
pub async fn draft_offer(cx: &mut Cx, thread: Uuid, message: Uuid, lead: Uuid) -> Result<()> {
    let belongs = sqlx::query_scalar!(
        r#"select exists (select from outreach.thread where tenant_id = $1 and id = $2 and lead_id = $3) as "is!""#,
        cx.tenant()?.uuid(),
        thread,
        lead,
    )
    .fetch_one(cx.conn())
    .await?;
    if !belongs {
        return Err(Error::internal("A draft was asked for in a conversation of somebody else."));
    }
    jobs::enqueue_draft(cx, ThreadId(thread), MessageId(message)).await
}

/// What is answered.
struct Answered {
    thread: Uuid,
    lead: Option<Uuid>,
    campaign: Option<Uuid>,
    subject: String,
    sender: String,
    recipient: String,
    message_id: Option<String>,
    intent: Option<String>,
    understood: Value,
    first_name: Option<String>,
    score: Option<i16>,
    lead_mode: Option<Mode>,
    mode_until: Option<Time>,
    campaign_mode: Option<Mode>,
    client_mode: Mode,
    company: String,
    postal_address: Option<String>,
    booking: Option<String>,
    suppressed: bool,
}

/// The latest received message of a thread, or the named one.
async fn answered(cx: &mut Cx, thread: ThreadId, message: Option<MessageId>) -> Result<Option<Answered>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Answered,
        r#"select t.id as thread, t.lead_id as lead, t.campaign_id as campaign, m.subject, m.sender, m.recipient, m.message_id,
                  m.intent::text as intent, m.understood, l.first_name as "first_name?", l.score as "score?", l.mode as "lead_mode?: Mode",
                  l.mode_until as "mode_until?", c.mode as "campaign_mode?: Mode", n.mode as "client_mode: Mode",
                  coalesce(nullif(n.legal_name, ''), n.name) as "company!", n.postal_address,
                  (select b.slug from outreach.booking_page b where b.tenant_id = $1 and b.active) as booking,
                  exists (select from leads.suppression s where s.released_at is null and (s.tenant_id is null or s.tenant_id = $1)
                            and (s.kind, s.value) in (('email', lower(m.sender)), ('email', l.email), ('domain', split_part(lower(m.sender), '@', 2)))) as "suppressed!"
           from outreach.message m
           join outreach.thread t on t.id = m.thread_id
           join accounts.tenant n on n.id = m.tenant_id
           left join leads.lead l on l.id = t.lead_id
           left join outreach.campaign c on c.id = t.campaign_id
           where m.tenant_id = $1 and m.thread_id = $2 and m.direction = 'inbound' and ($3::uuid is null or m.id = $3)
           order by m.at desc, m.id desc limit 1"#,
        tenant,
        thread.uuid(),
        message.map(MessageId::uuid),
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Drafts the answer. Safe to repeat: while an answer of the thread is open, none is added. None when
/// no built-in answer fits, or nobody may write to them.
pub(super) async fn draft(
    cx: &mut Cx,
    origin: &str,
    thread: ThreadId,
    message: MessageId,
) -> Result<Option<MessageId>> {
    lock_thread(cx, thread).await?;
    let Some(a) = answered(cx, thread, Some(message)).await? else {
        return Ok(None);
    };
    if a.suppressed || has_open(cx, thread, message).await? {
        return Ok(None);
    }
    let intent =
        a.intent.as_deref().and_then(|word| Intent::ALL.into_iter().find(|intent| intent.name() == word));
    let Some(intent) = intent else {
        return Ok(None);
    };
    let Some(from) = sending_identity(cx, thread, &a).await? else {
        return Ok(None);
    };
    let times: Vec<String> = serde_json::from_value(a.understood["times"].clone()).unwrap_or_default();
    let lead = a.lead.map(|lead| format!("?l={lead}")).unwrap_or_default();
    let booking_url = a.booking.as_ref().map(|slug| format!("{origin}/book/{slug}{lead}"));
    let facts = words::Facts {
        first_name: a.first_name.as_deref(),
        times: &times,
        booking_url: booking_url.as_deref(),
        sender_name: &from.display_name,
        company: &a.company,
        postal_address: a.postal_address.as_deref().unwrap_or_default(),
    };
    let Some(body) = words::answer(intent, &facts) else {
        return Ok(None);
    };
    let offers_meeting = booking_url.is_some();
    let way = way(&a, Some(message), "built-in", offers_meeting);
    let id = insert(cx, &a, &from, &body, State::Draft, way).await?;
    entry(cx, &a, id, Action::ReplyDrafted).await?;
    let mode = Mode::effective(
        a.lead_mode.map(|mode| (mode, a.mode_until)),
        a.campaign_mode,
        a.client_mode,
        cx.now(),
    );
    match mode {
        Mode::Autopilot => {
            set_state(cx, id, State::Approved).await?;
            jobs::enqueue_send(cx, id).await?;
        }
        Mode::CoPilot => ask(cx, id, &a).await?,
        Mode::Manual => {}
    }
    let payload = json!({"thread_id": thread, "lead_id": a.lead, "mode": mode});
    cx.publish(Fact::about("outreach.reply.drafted", id).with(payload)).await?;
    Ok(Some(id))
}

/// Longest answer that a person may write, in characters.
const TEXT_MAX: usize = 20_000;

/// A person's own answer: it leaves without a second approval. Errors: `reply.text`, `reply.nobody`
/// when nobody wrote in this conversation, `reply.no_sender`, `reply.suppressed` after an opt-out.
pub async fn write(cx: &mut Cx, thread: ThreadId, text: &str) -> Result<MessageId> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > TEXT_MAX || text.contains('\0') {
        return Err(Error::invalid("reply.text", "Write an answer of 1 to 20,000 characters."));
    }
    lock_thread(cx, thread).await?;
    let a = answered(cx, thread, None).await?.ok_or_else(|| {
        Error::conflict("reply.nobody", "Nobody wrote in this conversation, so there is nothing to answer.")
    })?;
    let from = sending_identity(cx, thread, &a).await?.ok_or_else(|| {
        Error::conflict(
            "reply.no_sender",
            "There is no active mailbox to answer from. Add or resume one under Settings.",
        )
    })?;
    discard_open(cx, thread, "A person wrote an answer.").await?;
    let mut way = way(&a, None, &cx.actor().label(), false);
    way.personal = true;
    let id = insert(cx, &a, &from, text, State::Approved, way).await?;
    jobs::enqueue_send(cx, id).await?;
    cx.publish(
        Fact::about("outreach.reply.written", id).with(json!({"thread_id": thread, "lead_id": a.lead})),
    )
    .await?;
    Ok(id)
}

/// A person sends a draft, in the words that they saw or changed. Errors: `reply.state` when it is no
/// open draft, `reply.text`.
pub async fn approve(cx: &mut Cx, id: MessageId, subject: &str, body: &str) -> Result<()> {
    let open = lock_draft(cx, id).await?;
    let body = body.trim_end().replace("\r\n", "\n");
    if body.trim().is_empty()
        || body.chars().count() > TEXT_MAX
        || subject.chars().any(char::is_control)
        || subject.trim().is_empty()
    {
        return Err(Error::invalid(
            "reply.text",
            "An answer needs a subject of one line and a text of up to 20,000 characters.",
        ));
    }
    let content = EmailContent { subject: subject.trim().to_owned(), body, ..open.content.clone() };
    match open.approval {
        Some(approval) => {
            if content.subject != open.content.subject
                || content.body.trim_end() != open.content.body.trim_end()
            {
                approval::edit(cx, approval, serde_json::to_value(&content)?, None).await?;
            }
            // The decision's fact carries it on, so that the approvals page and this one end alike.
            approval::approve(cx, approval, None).await?;
        }
        None => {
            keep_content(cx, id, &content).await?;
            set_state(cx, id, State::Approved).await?;
            jobs::enqueue_send(cx, id).await?;
        }
    }
    Ok(())
}

/// A person does not want a draft.
pub async fn discard(cx: &mut Cx, id: MessageId, why: &str) -> Result<()> {
    let open = lock_draft(cx, id).await?;
    if let Some(approval) = open.approval {
        approval::reject(cx, approval, why).await?;
    }
    set_state(cx, id, State::Discarded).await
}

/// A person decided about the approval of a draft (or its time ran out).
pub(super) async fn on_decision(cx: &mut Cx, id: MessageId, status: approval::Status) -> Result<()> {
    let open = match lock_draft(cx, id).await {
        Ok(open) => open,
        // It was discarded, or sent by another way, meanwhile.
        Err(error) if error.code() == "reply.state" => return Ok(()),
        Err(error) => return Err(error),
    };
    match status {
        approval::Status::Pending => Ok(()),
        approval::Status::Approved => {
            let Some(approval) = open.approval else { return Ok(()) };
            // Exactly what was approved, edited or not.
            let content: EmailContent = serde_json::from_value(approval::get(cx, approval).await?.content)?;
            keep_content(cx, id, &content).await?;
            set_state(cx, id, State::Approved).await?;
            jobs::enqueue_send(cx, id).await
        }
        approval::Status::Rejected | approval::Status::Expired | approval::Status::Withdrawn => {
            set_state(cx, id, State::Discarded).await
        }
    }
}

/// Drops the open drafts of a conversation, and the approvals that ask for them.
pub async fn discard_open(cx: &mut Cx, thread: ThreadId, why: &str) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    let approvals = sqlx::query_scalar!(
        "update outreach.message set state = 'discarded'
         where tenant_id = $1 and thread_id = $2 and direction = 'outbound' and state in ('draft', 'awaiting_approval')
         returning approval_id",
        tenant,
        thread.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    for approval in approvals.into_iter().flatten() {
        match approval::withdraw(cx, approval.into(), why).await {
            Ok(_) => {}
            // It was decided or lapsed meanwhile; its decision finds the draft discarded.
            Err(error) if matches!(error.code(), "approval.decided" | "approval.expired") => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

// ---- statements ---------------------------------------------------------------------------------

async fn lock_thread(cx: &mut Cx, thread: ThreadId) -> Result<()> {
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
async fn has_open(cx: &mut Cx, thread: ThreadId, answers: MessageId) -> Result<bool> {
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

/// The mailbox that a conversation is held from: that of our last message, else the one they wrote to.
async fn sending_identity(cx: &mut Cx, thread: ThreadId, a: &Answered) -> Result<Option<resource::Resource>> {
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

fn way(a: &Answered, message: Option<MessageId>, by: &str, offers_meeting: bool) -> Way {
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

fn bare(id: &str) -> String {
    id.trim_matches(['<', '>', ' ']).to_owned()
}

async fn insert(
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
    let content = EmailContent {
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

async fn ask(cx: &mut Cx, id: MessageId, a: &Answered) -> Result<()> {
    let open = lock_draft(cx, id).await?;
    let approval = approval::request(
        cx,
        approval::Request {
            kind: APPROVAL,
            subject: id.uuid(),
            campaign: a.campaign,
            lead: a.lead,
            title: format!("Answer to {}", a.first_name.as_deref().unwrap_or(&a.sender)),
            summary: open.content.subject.clone(),
            content: serde_json::to_value(&open.content)?,
            evidence: json!([{"what": "their message", "intent": a.intent, "because": a.understood.get("evidence")}]),
            provenance: json!({"writer": "built-in", "kind": "reply"}),
            cost_micros: 0,
            risk: Risk::Normal,
            // Somebody waits for this one: before every first message.
            priority: 100 + i32::from(a.score.unwrap_or(0)),
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

async fn entry(cx: &mut Cx, a: &Answered, id: MessageId, action: Action) -> Result<()> {
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
struct Draft {
    approval: Option<ApprovalId>,
    content: EmailContent,
}

async fn lock_draft(cx: &mut Cx, id: MessageId) -> Result<Draft> {
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
            content: EmailContent {
                to: row.recipient,
                from: row.sender,
                subject: row.subject,
                body: row.body,
            },
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

async fn keep_content(cx: &mut Cx, id: MessageId, content: &EmailContent) -> Result<()> {
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

pub(super) async fn set_state(cx: &mut Cx, id: MessageId, state: State) -> Result<()> {
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
