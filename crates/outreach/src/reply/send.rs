//! The hand-off of an answer: gate and intent in one transaction, the call with none open, the outcome
//! in another. An outcome that was lost is looked up, never answered by sending again.

use super::answer::{State, Way, set_state};
use crate::{
    activity::{self, Action, Entry},
    channel::Channel,
    client,
    limits::Limits,
    resource::{self, Reserved},
    thread::MessageId,
    touch::Content,
};
use base::{Digest, EmailAddress, Error, Result, Time};
use control::{
    approval::{self, ApprovalId},
    notification::{self, Kind, Notification, Severity},
    switch::{self, Targets},
};
use db::{Cx, Fact};
use jobs::Run;
use ports::{
    Ports,
    email::{Accepted, EmailAccount, Found, Mailbox, MessageId as MailId, Outgoing, SendError},
};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// What one process needs for answering.
#[derive(Clone)]
pub struct Answerer {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// Who knows where somebody picks a time; none: answers ask for one.
    pub offers: Option<Arc<dyn crate::offer::Offers>>,
    /// Opens sealed credentials.
    pub keyring: Arc<control::secret::Keyring>,
    /// Tells within milliseconds that a switch was engaged.
    pub switches: switch::Watch,
    /// The model that puts answers into words; none: the knowledge base's own words.
    pub llm: Option<crate::content::LlmSettings>,
}

/// How a try to hand an answer off ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Handed {
    /// The provider took it.
    Sent,
    /// Not now: why, and when to try again.
    Wait(String, Time),
    /// Never: refused by the gate or the provider, or its outcome cannot be known.
    Ended(State),
    /// It is not waiting to be sent.
    NotDue,
}

/// An answer with what surrounds it, its row and its lead locked.
struct Loaded {
    id: MessageId,
    state: State,
    thread: Uuid,
    lead: Option<Uuid>,
    campaign: Option<Uuid>,
    resource: Option<Uuid>,
    message_id: String,
    content: Content,
    digest: Option<Vec<u8>>,
    approval: Option<ApprovalId>,
    way: Way,
    /// Why nobody may write to them, if so.
    suppressed: Option<String>,
    client_blocked: Option<String>,
    country: String,
    region: Option<String>,
}

/// What the call needs, after its intent is recorded.
struct Intent {
    mail: Outgoing,
    account: EmailAccount,
    campaign: Option<Uuid>,
}

enum Decision {
    Go(Box<Intent>),
    Look(Box<Intent>),
    Wait(String, Time),
    Never(String),
    NotDue,
}

/// How long what a person must lift waits before it is looked at again, in seconds.
const LOOK_AGAIN_S: i64 = 300;
/// Delays after a provider that did not take the answer, in seconds.
const RETRY_S: [i64; 5] = [60, 300, 900, 3_600, 14_400];

/// Hands an answer to its provider, exactly once however often and wherever it is called.
pub async fn hand_off(run: &Run, answerer: &Answerer, id: MessageId) -> Result<Handed> {
    let mut cx = run.begin().await?;
    let intent = match decide(&mut cx, run, answerer, id).await? {
        Decision::NotDue => return Ok(Handed::NotDue),
        Decision::Wait(why, until) => {
            // Whatever was reserved on the way to this refusal goes back with the transaction.
            cx.rollback().await?;
            let mut cx = run.begin().await?;
            note(&mut cx, id, &why).await?;
            cx.commit().await?;
            return Ok(Handed::Wait(why, until));
        }
        Decision::Never(why) => {
            cx.rollback().await?;
            return failed(run, id, &why).await;
        }
        Decision::Look(intent) => {
            cx.rollback().await?;
            return look_up(run, answerer, id, &intent).await;
        }
        Decision::Go(intent) => {
            // A worker whose lease is gone must not begin an effect.
            run.hold(&mut cx).await?;
            cx.commit().await?;
            intent
        }
    };
    if run.cancel().is_cancelled()
        || answerer.switches.stops(run.tenant()?, &targets(intent.campaign)).is_some()
    {
        return take_back(run, id, "A switch was engaged before the hand-off.").await;
    }
    let result = run.fenced(answerer.ports.email.send(&intent.account, &intent.mail)).await?;
    conclude(run, id, result).await
}

fn targets(campaign: Option<Uuid>) -> Targets<'static> {
    Targets { campaign, channel: Some(Channel::Email.word()), agent: Some("outreach"), ..Targets::default() }
}

async fn decide(cx: &mut Cx, run: &Run, answerer: &Answerer, id: MessageId) -> Result<Decision> {
    let Some(loaded) = load(cx, id).await? else {
        return Err(Error::not_found("answer"));
    };
    match loaded.state {
        State::Approved => {}
        // An earlier try recorded its intent and vanished: look before anything else.
        State::Sending => return Ok(Decision::Look(Box::new(intent(cx, answerer, &loaded).await?))),
        State::Draft
        | State::AwaitingApproval
        | State::Sent
        | State::Unknown
        | State::Failed
        | State::Discarded => {
            return Ok(Decision::NotDue);
        }
    }
    if let Some(refused) = gate(cx, &loaded).await? {
        return Ok(refused);
    }
    let Some(resource) = loaded.resource else {
        return Ok(Decision::Never("The answer names no mailbox to leave from.".to_owned()));
    };
    let limits = Limits::load(cx, &loaded.country, loaded.region.as_deref()).await?;
    match resource::reserve_reply(cx, &limits, resource).await? {
        Reserved::Yes(held) => {
            begin(cx, run, &loaded, held).await?;
            Ok(Decision::Go(Box::new(intent(cx, answerer, &loaded).await?)))
        }
        Reserved::Slot(at) => Ok(Decision::Wait("The mailbox sends again later.".to_owned(), at)),
        Reserved::No(_, why, Some(until)) => Ok(Decision::Wait(why, until)),
        Reserved::No(_, why, None) => Ok(Decision::Never(why)),
    }
}

/// Switches, the client, who may be written to, and that it is what was approved.
async fn gate(cx: &mut Cx, l: &Loaded) -> Result<Option<Decision>> {
    let again = cx.now().plus_s(LOOK_AGAIN_S);
    match switch::gate::hold(cx, &targets(l.campaign)).await {
        Ok(()) => {}
        Err(switch::Stop::Engaged(by)) => {
            return Ok(Some(Decision::Wait(
                format!("{} is stopped: {}", by.target.says(), by.reason),
                again,
            )));
        }
        Err(switch::Stop::Unreadable(error)) => return Err(error),
    }
    if let Some(why) = &l.client_blocked {
        return Ok(Some(Decision::Wait(why.clone(), again)));
    }
    // That they hear no more is the one thing that they still hear.
    if let Some(why) = l.suppressed.as_ref().filter(|_| !l.way.confirms) {
        return Ok(Some(Decision::Never(format!("Nobody may write to them: {why}."))));
    }
    let digest = l.content.digest()?;
    if l.digest.as_deref().and_then(Digest::from_slice) != Some(digest) {
        return Ok(Some(Decision::Never(
            "The answer is not what was decided: it was changed afterwards.".to_owned(),
        )));
    }
    if let Some(approval) = l.approval {
        match approval::verify(cx, approval, &serde_json::to_value(&l.content)?).await {
            Ok(()) => {}
            Err(error) if matches!(error.code(), "approval.not_approved" | "approval.content_changed") => {
                return Ok(Some(Decision::Never(error.message().to_owned())));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

async fn load(cx: &mut Cx, id: MessageId) -> Result<Option<Loaded>> {
    let tenant = cx.tenant()?.uuid();
    // Locked first and read afterwards by a second statement: an opt-out that committed in between is
    // seen, one that comes later waits for this decision.
    let locked = sqlx::query!(
        "select t.lead_id from outreach.message m join outreach.thread t on t.id = m.thread_id
         where m.tenant_id = $1 and m.id = $2 and m.direction = 'outbound' for update of m",
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(locked) = locked else { return Ok(None) };
    sqlx::query!(
        "select id from leads.lead where tenant_id = $1 and id = $2 for no key update",
        tenant,
        locked.lead_id
    )
    .fetch_optional(cx.conn())
    .await?;
    let row = sqlx::query!(
        r#"select m.state, m.thread_id, t.lead_id, t.campaign_id, m.resource_id, m.message_id, m.sender, m.recipient, m.subject, m.body,
                  m.digest, m.approval_id, m.understood, n.status::text as "client_status!",
                  coalesce(l.country, n.country) as "country!", l.region as "region?",
                  (select s.kind::text || ' ' || s.value || ' (' || s.reason::text || ')' from leads.suppression s
                    where s.released_at is null
                      -- a person may answer somebody who only declined this client
                      and (s.tenant_id is null or (s.tenant_id = $1 and ((m.understood ->> 'personal') is distinct from 'true' or s.reason <> 'not_interested')))
                      and (s.kind, s.value) in (('email', lower(m.recipient)), ('domain', split_part(lower(m.recipient), '@', 2)), ('email', l.email),
                             ('domain', split_part(l.email, '@', 2)), ('company', lower(l.company_name)), ('phone', l.phone), ('linkedin', lower(l.linkedin_url)),
                       ('email', leads.tomb('email', l.email)), ('phone', leads.tomb('phone', l.phone)), ('linkedin', leads.tomb('linkedin', l.linkedin_url))) limit 1) as suppressed
           from outreach.message m
           join outreach.thread t on t.id = m.thread_id
           join accounts.tenant n on n.id = m.tenant_id
           left join leads.lead l on l.id = t.lead_id
           where m.tenant_id = $1 and m.id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_one(cx.conn())
    .await?;
    // Whom we answer wrote to us: no credit is asked for.
    let client_blocked = client::blocked(cx, &row.client_status, None).await?.map(|(_, why)| why);
    Ok(Some(Loaded {
        id,
        state: row.state.parse()?,
        thread: row.thread_id,
        lead: row.lead_id,
        campaign: row.campaign_id,
        resource: row.resource_id,
        message_id: row.message_id.ok_or_else(|| Error::internal("An answer has no Message-ID."))?,
        content: Content { to: row.recipient, from: row.sender, subject: row.subject, body: row.body },
        digest: row.digest,
        approval: row.approval_id.map(ApprovalId),
        way: serde_json::from_value(row.understood)?,
        suppressed: row.suppressed,
        client_blocked,
        country: row.country,
        region: row.region,
    }))
}

async fn intent(cx: &mut Cx, answerer: &Answerer, l: &Loaded) -> Result<Intent> {
    let id = l.resource.ok_or_else(|| Error::internal("An answer without a mailbox passed the gate."))?;
    let resource = resource::get(cx, id).await?;
    let account = resource::account(cx, &answerer.keyring, &resource).await?;
    let mail = Outgoing {
        message_id: MailId::parse(&l.message_id)?,
        date: cx.now(),
        from: Mailbox {
            name: resource.display_name.clone(),
            address: EmailAddress::parse(&resource.address)?,
        },
        to: vec![EmailAddress::parse(&l.content.to)?],
        reply_to: None,
        subject: l.content.subject.clone(),
        text: l.content.body.clone(),
        html: None,
        // A foreign Message-ID may be malformed; then the answer leaves without naming it.
        in_reply_to: l.way.in_reply_to.as_deref().and_then(|text| MailId::parse(text).ok()),
        references: l.way.references.iter().filter_map(|text| MailId::parse(text).ok()).collect(),
        list_unsubscribe: None,
        calendar: None,
        headers: Vec::new(),
    };
    Ok(Intent { mail, account, campaign: l.campaign })
}

/// Records that the gate passed and the hand-off begins.
async fn begin(cx: &mut Cx, run: &Run, l: &Loaded, held: Vec<crate::touch::Held>) -> Result<()> {
    let mut way = l.way.clone();
    way.held = held;
    way.tries += 1;
    way.said = None;
    way.intent_at = Some(cx.clock().now());
    way.intent_by = Some((run.id(), run.attempt()));
    keep_way(cx, l.id, &way).await?;
    set_state(cx, l.id, State::Sending).await
}

async fn keep_way(cx: &mut Cx, id: MessageId, way: &Way) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update outreach.message set understood = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        serde_json::to_value(way)?,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

async fn note(cx: &mut Cx, id: MessageId, why: &str) -> Result<()> {
    let Some(mut l) = load(cx, id).await? else { return Ok(()) };
    l.way.said = Some(why.to_owned());
    keep_way(cx, id, &l.way).await
}

async fn conclude(run: &Run, id: MessageId, result: Result<Accepted, SendError>) -> Result<Handed> {
    match result {
        Ok(accepted) => {
            let mut cx = run.begin().await?;
            sent(&mut cx, id, &accepted.response).await?;
            cx.commit().await?;
            Ok(Handed::Sent)
        }
        Err(SendError::Unknown { host, detail }) => {
            // The next try looks the message up before it does anything else.
            tracing::warn!(message = %id, host, detail, "the outcome of an answer was lost");
            Ok(Handed::Wait(detail, run.db().clock().now().plus_s(30)))
        }
        Err(error) if error.may_retry() => take_back(run, id, &error.to_string()).await,
        Err(error) => failed(run, id, &error.to_string()).await,
    }
}

/// A lost outcome is looked up: sent stays sent, certainly not sent goes back, else a person decides.
async fn look_up(run: &Run, answerer: &Answerer, id: MessageId, intent: &Intent) -> Result<Handed> {
    let found = answerer.ports.email.find(&intent.account, &intent.mail.message_id).await?;
    let mut cx = run.begin().await?;
    run.hold(&mut cx).await?;
    match found {
        Found::Delivered => {
            sent(&mut cx, id, "found at the provider after its answer was lost").await?;
            cx.commit().await?;
            Ok(Handed::Sent)
        }
        Found::NotSeen => {
            release(&mut cx, id, "The provider never got it.").await?;
            let now = cx.now();
            cx.commit().await?;
            Ok(Handed::Wait("The provider never got it.".to_owned(), now))
        }
        Found::CannotTell => {
            end(
                &mut cx,
                id,
                State::Unknown,
                "The connection broke after the answer was handed over; whether it arrived cannot be known.",
            )
            .await?;
            cx.commit().await?;
            Ok(Handed::Ended(State::Unknown))
        }
    }
}

/// Nothing left: the answer may be tried again and its capacity goes back. Returns the tries so far.
async fn release(cx: &mut Cx, id: MessageId, why: &str) -> Result<u32> {
    let Some(mut l) = load(cx, id).await? else { return Ok(0) };
    if l.state != State::Sending {
        return Ok(l.way.tries);
    }
    let tenant = cx.tenant()?.uuid();
    for held in std::mem::take(&mut l.way.held) {
        sqlx::query!(
            "update outreach.capacity set used = used - 1 where tenant_id = $1 and key = $2 and day = $3::text::date and used > 0",
            tenant,
            held.key,
            held.day,
        )
        .execute(cx.conn())
        .await?;
    }
    l.way.said = Some(why.to_owned());
    keep_way(cx, id, &l.way).await?;
    set_state(cx, id, State::Approved).await?;
    Ok(l.way.tries)
}

async fn take_back(run: &Run, id: MessageId, why: &str) -> Result<Handed> {
    let mut cx = run.begin().await?;
    // Only whoever still holds the job may say that nothing left: another try may be on its way.
    run.hold(&mut cx).await?;
    let tries = release(&mut cx, id, why).await?;
    let wait_s =
        usize::try_from(tries).ok().and_then(|n| RETRY_S.get(n.saturating_sub(1))).copied().unwrap_or(14_400);
    let until = cx.now().plus_s(wait_s);
    cx.commit().await?;
    Ok(Handed::Wait(why.to_owned(), until))
}

async fn failed(run: &Run, id: MessageId, why: &str) -> Result<Handed> {
    let mut cx = run.begin().await?;
    run.hold(&mut cx).await?;
    release(&mut cx, id, why).await?;
    end(&mut cx, id, State::Failed, why).await?;
    cx.commit().await?;
    Ok(Handed::Ended(State::Failed))
}

/// The answer will not leave by itself: a person must look.
async fn end(cx: &mut Cx, id: MessageId, state: State, why: &str) -> Result<()> {
    let Some(mut l) = load(cx, id).await? else { return Ok(()) };
    l.way.said = Some(why.to_owned());
    keep_way(cx, id, &l.way).await?;
    set_state(cx, id, state).await?;
    crate::thread::set_needs_person(cx, l.thread.into(), true).await?;
    let told = Notification {
        kind: Kind::Failure,
        severity: Severity::Warning,
        title: format!("The answer to {} was not sent", l.content.to),
        body: why.to_owned(),
        href: Some(format!("/inbox/{}", l.thread)),
        dedupe_key: format!("answer:{id}"),
        person: None,
    };
    notification::notify(cx, &told).await?;
    cx.publish(
        Fact::about("outreach.reply.failed", id)
            .with(json!({"thread_id": l.thread, "state": state, "detail": why})),
    )
    .await
}

/// The provider took it.
async fn sent(cx: &mut Cx, id: MessageId, response: &str) -> Result<()> {
    let Some(mut l) = load(cx, id).await? else { return Ok(()) };
    match l.state {
        State::Sending | State::Unknown => {}
        State::Draft
        | State::AwaitingApproval
        | State::Approved
        | State::Sent
        | State::Failed
        | State::Discarded => return Ok(()),
    }
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    l.way.said = Some(response.to_owned());
    keep_way(cx, id, &l.way).await?;
    sqlx::query!(
        "update outreach.message set state = 'sent', at = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "update outreach.thread set messages = messages + 1, status = 'waiting', needs_person = false, last_message_at = $3, updated_at = $3
         where tenant_id = $1 and id = $2",
        tenant,
        l.thread,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if let Some(lead) = l.lead {
        leads::lead::touched(cx, lead.into()).await?;
        let entry = |action| Entry {
            campaign: l.campaign,
            channel: Some(Channel::Email),
            detail: json!({"thread_id": l.thread, "message_id": id, "by": l.way.by}),
            ..Entry::of(action, lead, &l.content.subject)
        };
        let mut entries = vec![entry(Action::ReplySent)];
        if l.way.offers_meeting {
            entries.push(entry(Action::MeetingOffered));
        }
        activity::record_all(cx, entries).await?;
    }
    let payload = json!({"thread_id": l.thread, "lead_id": l.lead, "campaign_id": l.campaign, "subject": l.content.subject});
    cx.publish(Fact::about("outreach.reply.sent", id).with(payload)).await
}
