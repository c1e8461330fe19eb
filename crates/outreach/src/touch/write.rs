//! Drafting: a dry run of the gate, then the content, then — by permission mode — the question or
//! the send. Nothing is spent on writing what could not leave.

use super::{
    Content, Mode, State, TouchId,
    gate::{self, Check, Purpose, Skip},
    jobs, load, outcome, store,
};
use crate::{
    activity::{self, Action, Entry},
    channel::{Channel, Form},
    content::{self, Brief, Draft, Unwritable},
    resource,
};
use ::jobs::Run;
use base::{Error, Result, Time};
use control::approval;
use db::Cx;
use serde_json::json;
use uuid::Uuid;

/// What one process needs for drafting.
#[derive(Clone)]
pub struct Writer {
    /// The outside world.
    pub ports: std::sync::Arc<ports::Ports>,
    /// The model that writes; none: the built-in writer.
    pub llm: Option<content::LlmSettings>,
    /// Where unsubscribe links lead: the installation's public address.
    pub origin: String,
    /// Who knows where somebody picks a time; none: messages name no such page.
    pub offers: Option<std::sync::Arc<dyn crate::offer::Offers>>,
}

/// What is settled before anything is written.
struct Prepared {
    brief: Brief,
    channel: Channel,
    form: Form,
    /// A person does it: with which sender is theirs.
    manual: bool,
    recipient: String,
    resource: Option<resource::Resource>,
    thread: Thread,
    track_token: Option<String>,
    token: String,
    mode: Mode,
    score: i32,
    lead: Uuid,
    campaign: Uuid,
    step: i16,
    approval_hours: i64,
}

/// Where the message stands in its conversation.
struct Thread {
    in_reply_to: Option<String>,
    refs: Vec<String>,
}

/// Drafts one touch. Safe to repeat: a touch that is not planned is left alone.
pub async fn draft(run: &Run, writer: &Writer, id: TouchId) -> Result<()> {
    let mut cx = run.begin().await?;
    let prepared = match prepare(&mut cx, writer, id).await? {
        Some(Ok(prepared)) => prepared,
        Some(Err(skip)) => {
            let retry_at = skip.retry_at;
            outcome::refused(&mut cx, id, &skip).await?;
            cx.commit().await?;
            if let Some(at) = retry_at {
                run.snooze(at);
            }
            return Ok(());
        }
        None => return Ok(()),
    };
    // The transaction only read; it ends before the writer is called.
    cx.rollback().await?;
    let env = content::Env {
        db: run.db(),
        caller: run.caller(),
        tenant: run.tenant()?,
        ports: &writer.ports,
        llm: writer.llm.as_ref(),
        campaign: prepared.campaign,
        lead: prepared.lead,
    };
    let written = content::compose(&env, &prepared.brief).await?;
    let mut cx = run.begin().await?;
    match written {
        Ok(draft) => keep(&mut cx, id, &prepared, draft).await?,
        Err(_) if load::lock(&mut cx, id).await? != Some(State::Planned) => {}
        Err(Unwritable { code, detail }) => {
            outcome::refused(&mut cx, id, &Skip::never(Check::Content, code, detail)).await?;
        }
    }
    run.complete_in(&mut cx).await?;
    cx.commit().await
}

async fn prepare(cx: &mut Cx, writer: &Writer, id: TouchId) -> Result<Option<Result<Prepared, Skip>>> {
    if load::lock(cx, id).await? != Some(State::Planned) {
        return Ok(None);
    }
    let loaded = load::load(cx, id).await?;
    let purpose = if loaded.manual { Purpose::Task } else { Purpose::DryRun };
    let inputs = loaded.inputs(cx.now(), gate::Resource::Ready, None)?;
    if let Err(skip) = gate::decide(&inputs, purpose) {
        return Ok(Some(Err(skip)));
    }
    let resource = resource::pick(cx, loaded.campaign_id, loaded.channel, loaded.lead_id).await?;
    let none = resource.is_none() && !loaded.manual;
    if none {
        let detail = "The campaign has no active sending identity for this channel. Add or resume one.";
        return Ok(Some(Err(Skip::until(Check::Resource, "none", detail, cx.now().plus_s(900)))));
    }
    if let Some(own) = resource.as_ref().filter(|_| !loaded.manual)
        && let Some(why) = resource::check::unready(own, loaded.limits.dns_days()?, cx.now())
    {
        return Ok(Some(Err(Skip::until(Check::Resource, "dns", why, cx.now().plus_s(900)))));
    }
    let recipient = loaded
        .channel
        .way()
        .reach(&loaded.person)
        .map_err(|why| Error::internal(format!("A touch passed the gate without an address: {why}")))?;
    let token = hex(&cx.random().bytes::<20>());
    let track_token = (loaded.tracking && loaded.channel == Channel::Email && !loaded.manual)
        .then(|| hex(&cx.random().bytes::<20>()));
    let unsubscribe_url = format!("{}/u/{token}", writer.origin);
    let mut brief = Brief::load(cx, id, &unsubscribe_url, resource.as_ref()).await?;
    brief.recipient.clone_from(&recipient);
    if let Some(offers) = &writer.offers {
        brief.booking_url = offers.link(cx, Some(loaded.lead_id)).await?;
    }
    let thread =
        thread(cx, loaded.enrolment_id, brief.step.threaded && loaded.channel == Channel::Email).await?;
    let approval_hours = control::figure::read(cx, "approval.expiry_hours").await?;
    let task_days: i64 = control::figure::read(cx, "task.expiry_days").await?;
    Ok(Some(Ok(Prepared {
        brief,
        channel: loaded.channel,
        form: loaded.form,
        manual: loaded.manual,
        recipient,
        resource,
        thread,
        track_token,
        token,
        mode: loaded.mode,
        score: lead_score(cx, loaded.lead_id).await?,
        lead: loaded.lead_id,
        campaign: loaded.campaign_id,
        step: loaded.step_number,
        approval_hours: if loaded.manual { task_days * 24 } else { approval_hours },
    })))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn lead_score(cx: &mut Cx, lead: Uuid) -> Result<i32> {
    let tenant = cx.tenant()?.uuid();
    let score =
        sqlx::query_scalar!("select score from leads.lead where tenant_id = $1 and id = $2", tenant, lead)
            .fetch_one(cx.conn())
            .await?;
    Ok(score.map_or(0, i32::from))
}

/// The Message-IDs of what was sent before in this enrolment, oldest first (RFC 5322 §3.6.4).
async fn thread(cx: &mut Cx, enrolment: Uuid, threaded: bool) -> Result<Thread> {
    if !threaded {
        return Ok(Thread { in_reply_to: None, refs: Vec::new() });
    }
    let tenant = cx.tenant()?.uuid();
    let refs = sqlx::query_scalar!(
        r#"select message_id as "message_id!" from outreach.touch
           where tenant_id = $1 and enrolment_id = $2 and channel = 'email' and sent_at is not null and message_id is not null
           order by sent_at"#,
        tenant,
        enrolment
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Thread { in_reply_to: refs.last().cloned(), refs })
}

async fn keep(cx: &mut Cx, id: TouchId, p: &Prepared, draft: Draft) -> Result<()> {
    if load::lock(cx, id).await? != Some(State::Planned) {
        return Ok(());
    }
    content::snapshot::keep(cx, id, &p.brief, &draft).await?;
    let content = Content {
        to: p.recipient.clone(),
        from: match (&p.resource, p.channel) {
            (Some(own), Channel::Email) => format!("{} <{}>", own.display_name, own.address),
            (Some(own), Channel::Sms | Channel::Linkedin | Channel::Voice | Channel::Mail) => {
                format!("{} ({})", own.display_name, own.address)
            }
            (None, _) => "You".to_owned(),
        },
        subject: draft.subject,
        body: draft.body,
    };
    // A draft that replaces another is another message, whatever became of the first.
    let domain = p
        .resource
        .as_ref()
        .and_then(|own| own.address.split_once('@'))
        .map_or("localhost", |(_, domain)| domain);
    let message_id = (p.channel == Channel::Email)
        .then(|| format!("<{}.{}@{domain}>", id.uuid().simple(), hex(&cx.random().bytes::<6>())));
    store::written(
        cx,
        id,
        &store::Written {
            content: &content,
            resource: p.resource.as_ref().map(|own| own.id.uuid()),
            message_id: message_id.as_deref(),
            in_reply_to: p.thread.in_reply_to.as_deref(),
            refs: &p.thread.refs,
            unsubscribe_token: &p.token,
            track_token: p.track_token.as_deref(),
            facts: draft.facts_used.clone(),
            provenance: draft.provenance.clone(),
            cost_micros: draft.cost_micros,
        },
    )
    .await?;
    let entry = |action| Entry {
        campaign: Some(p.campaign),
        touch: Some(id.uuid()),
        channel: Some(p.channel),
        detail: json!({"step": p.step, "provenance": draft.provenance}),
        ..Entry::of(action, p.lead, &content.subject)
    };
    activity::record(cx, entry(Action::Drafted)).await?;
    if p.manual {
        let asked =
            ask(cx, id, p, &content, draft.facts_used.clone(), draft.provenance.clone(), draft.cost_micros)
                .await?;
        store::awaiting(cx, id, asked).await?;
        return activity::record(cx, entry(Action::TaskAsked)).await;
    }
    match p.mode {
        Mode::Autopilot => {
            store::approved(cx, id).await?;
            jobs::enqueue_send(cx, id).await
        }
        Mode::CoPilot => {
            let approval = ask(
                cx,
                id,
                p,
                &content,
                draft.facts_used.clone(),
                draft.provenance.clone(),
                draft.cost_micros,
            )
            .await?;
            store::awaiting(cx, id, approval).await?;
            activity::record(cx, entry(Action::ApprovalRequested)).await
        }
        Mode::Manual => Err(Error::internal("A draft was written though the permission mode is manual.")),
    }
}

async fn ask(
    cx: &mut Cx,
    id: TouchId,
    p: &Prepared,
    content: &Content,
    evidence: serde_json::Value,
    provenance: serde_json::Value,
    cost_micros: i64,
) -> Result<Uuid> {
    let name = p.brief.lead.display_name();
    let title = match (p.manual, p.channel) {
        (true, _) => format!("Task: {} to {name}", p.form.label(p.channel)),
        (false, Channel::Email) if p.step == 1 => format!("First e-mail to {name}"),
        (false, Channel::Email) => format!("Follow-up {} to {name}", p.step - 1),
        (false, _) => format!("{} to {name}", p.form.label(p.channel)),
    };
    let summary = if content.subject.is_empty() {
        content.body.chars().take(120).collect()
    } else {
        content.subject.clone()
    };
    let expires_at: Time = cx.now().plus_s(p.approval_hours * 3_600);
    let approval = approval::request(
        cx,
        approval::Request {
            kind: if p.manual { super::TASK } else { super::DRAFT },
            subject: id.uuid(),
            campaign: Some(p.campaign),
            lead: Some(p.lead),
            title,
            summary,
            content: serde_json::to_value(content)?,
            evidence,
            provenance,
            cost_micros,
            risk: approval::Risk::Normal,
            priority: p.score,
            expires_at: Some(expires_at),
        },
    )
    .await?;
    Ok(approval.uuid())
}
