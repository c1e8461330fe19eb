//! Answers that we give: drafted by the built-in writer and approved by a person, or written by a
//! person. What leaves, leaves once, by [`super::send`].

mod again;
mod rows;

pub use self::again::{Missed, offer_again};
pub(super) use self::rows::set_state;
use self::rows::{
    ask, entry, has_open, insert, keep_content, lock_draft, lock_thread, sending_identity, way,
};
use super::{
    jobs,
    suggest::{self, Cite, Matter, Suggestion},
    words,
};
use crate::{
    activity::Action,
    offer::Offer,
    thread::{MessageId, ThreadId},
    touch::{Content, Mode},
};
use base::{Error, Result, Time};
use control::approval;
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
    /// The entries of the knowledge base that it rests on.
    pub cites: Vec<Cite>,
    /// Questions that nothing in the knowledge base answers.
    pub open: Vec<String>,
    /// The prompt, when a model wrote it.
    pub prompt_version: Option<String>,
    /// Whether it only confirms an opt-out: the one thing that may leave after one.
    pub confirms: bool,
    /// Whether a person wrote it, rather than our writer.
    pub personal: bool,
    /// The meeting to which nobody came, when it offers other times.
    pub about: Option<Uuid>,
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

/// Starts drafting an answer to a received message; the job knows where times are picked.
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
    body: String,
    understood: Value,
    first_name: Option<String>,
    score: Option<i16>,
    lead_mode: Option<Mode>,
    mode_until: Option<Time>,
    campaign_mode: Option<Mode>,
    client_mode: Mode,
    company: String,
    postal_address: Option<String>,
    suppressed: bool,
}

/// The latest received message of a thread, or the named one.
async fn answered(cx: &mut Cx, thread: ThreadId, message: Option<MessageId>) -> Result<Option<Answered>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Answered,
        r#"select t.id as thread, t.lead_id as lead, t.campaign_id as campaign, m.subject, m.sender, m.recipient, m.message_id,
                  m.intent::text as intent, m.body, m.understood, l.first_name as "first_name?", l.score as "score?", l.mode as "lead_mode?: Mode",
                  l.mode_until as "mode_until?", c.mode as "campaign_mode?: Mode", n.mode as "client_mode: Mode",
                  coalesce(nullif(n.legal_name, ''), n.name) as "company!", n.postal_address,
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

/// The questions of a received message with what answers them, for a model to put into words; empty when
/// it asks nothing or nobody may be answered.
pub(super) async fn matters(
    cx: &mut Cx,
    thread: ThreadId,
    message: MessageId,
) -> Result<(Vec<Matter>, String)> {
    let Some(a) = answered(cx, thread, Some(message)).await? else { return Ok((Vec::new(), String::new())) };
    if a.suppressed || a.intent.as_deref() != Some(Intent::Question.name()) {
        return Ok((Vec::new(), String::new()));
    }
    let names = [a.first_name.as_deref().unwrap_or_default(), a.company.as_str()].join("\n");
    Ok((suggest::matters(cx, &a.questions(), &a.body).await?, names))
}

impl Answered {
    fn questions(&self) -> Vec<String> {
        serde_json::from_value(self.understood["questions"].clone()).unwrap_or_default()
    }
}

/// What is to be said, and whether it may leave without a person where the mode allows that.
struct Words {
    body: String,
    way: Way,
    simple: bool,
}

/// Drafts the answer. Safe to repeat: while an answer of the thread is open, none is added. None when
/// no answer fits, or nobody may write to them.
pub(super) async fn draft(
    cx: &mut Cx,
    offer: Option<&Offer>,
    thread: ThreadId,
    message: MessageId,
    modelled: Option<Suggestion>,
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
    let (Some(intent), Some(from)) = (intent, sending_identity(cx, thread, &a).await?) else {
        return Ok(None);
    };
    let Some(words) = say(cx, offer, &a, (message, intent), &from, modelled).await? else {
        return Ok(None);
    };
    let id = insert(cx, &a, &from, &words.body, State::Draft, words.way).await?;
    entry(cx, &a, id, Action::ReplyDrafted).await?;
    let mode = lead_on(cx, &a, id, words.simple).await?;
    let payload = json!({"thread_id": thread, "lead_id": a.lead, "mode": mode});
    cx.publish(Fact::about("outreach.reply.drafted", id).with(payload)).await?;
    Ok(Some(id))
}

/// By the permission mode: it leaves, a person is asked, or it stays a draft.
async fn lead_on(cx: &mut Cx, a: &Answered, id: MessageId, simple: bool) -> Result<Mode> {
    let mode = Mode::effective(
        a.lead_mode.map(|mode| (mode, a.mode_until)),
        a.campaign_mode,
        a.client_mode,
        cx.now(),
    );
    match mode {
        Mode::Autopilot if simple => {
            set_state(cx, id, State::Approved).await?;
            jobs::enqueue_send(cx, id).await?;
        }
        Mode::Autopilot | Mode::CoPilot => ask(cx, id, a).await?,
        Mode::Manual => {}
    }
    Ok(mode)
}

/// Whether a received message asks for a time: then of whom, if that is a lead.
pub(super) async fn wants_a_time(
    cx: &mut Cx,
    thread: ThreadId,
    message: MessageId,
) -> Result<Option<Option<Uuid>>> {
    let Some(a) = answered(cx, thread, Some(message)).await? else { return Ok(None) };
    let wants = [Intent::MeetingRequest, Intent::Interested]
        .iter()
        .any(|intent| a.intent.as_deref() == Some(intent.name()));
    Ok((wants && !a.suppressed).then_some(a.lead))
}

/// The words of an answer: from the knowledge base for a question, else the built-in ones; none where a
/// person has to find them.
async fn say(
    cx: &mut Cx,
    offer: Option<&Offer>,
    a: &Answered,
    (message, intent): (MessageId, Intent),
    from: &crate::resource::Resource,
    modelled: Option<Suggestion>,
) -> Result<Option<Words>> {
    let times: Vec<String> = serde_json::from_value(a.understood["times"].clone()).unwrap_or_default();
    let free = offer.map(Offer::written).unwrap_or_default();
    let facts = words::Facts {
        first_name: a.first_name.as_deref(),
        times: &times,
        booking_url: offer.map(|offer| offer.url.as_str()),
        free: &free,
        zone: offer.map(|offer| offer.zone.name()).unwrap_or_default(),
        sender_name: &from.display_name,
        company: &a.company,
        postal_address: a.postal_address.as_deref().unwrap_or_default(),
    };
    if intent != Intent::Question {
        let offers_meeting = offer.is_some();
        let way = way(a, Some(message), "built-in", offers_meeting);
        return Ok(words::answer(intent, &facts).map(|body| Words { body, way, simple: true }));
    }
    let matters = suggest::matters(cx, &a.questions(), &a.body).await?;
    let open: Vec<&str> = matters
        .iter()
        .filter(|matter| matter.found.is_empty())
        .map(|matter| matter.question.as_str())
        .collect();
    rows::note_open(cx, message, &open).await?;
    Ok(modelled.or_else(|| suggest::built(&matters)).map(|suggestion| {
        let mut way = way(a, Some(message), &suggestion.by, false);
        way.cites.clone_from(&suggestion.cites);
        way.open.clone_from(&suggestion.open);
        way.prompt_version.clone_from(&suggestion.prompt_version);
        Words { body: suggest::whole(&suggestion, &facts), simple: suggestion.is_simple(), way }
    }))
}

/// Confirms an opt-out that came as a message: once for an address, in every mode, with nothing but that.
pub(super) async fn confirm_opt_out(cx: &mut Cx, thread: ThreadId, message: MessageId) -> Result<()> {
    lock_thread(cx, thread).await?;
    let Some(a) = answered(cx, thread, Some(message)).await? else { return Ok(()) };
    let Some(from) = sending_identity(cx, thread, &a).await? else { return Ok(()) };
    if rows::was_confirmed(cx, &a.sender).await? {
        return Ok(());
    }
    let facts = words::Facts {
        sender_name: &from.display_name,
        company: &a.company,
        postal_address: a.postal_address.as_deref().unwrap_or_default(),
        ..words::Facts::default()
    };
    let mut way = way(&a, Some(message), "built-in", false);
    way.confirms = true;
    let id = insert(cx, &a, &from, &words::opted_out(&facts), State::Approved, way).await?;
    jobs::enqueue_send(cx, id).await
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
    let content = Content { subject: subject.trim().to_owned(), body, ..open.content.clone() };
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
            let content: Content = serde_json::from_value(approval::get(cx, approval).await?.content)?;
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
