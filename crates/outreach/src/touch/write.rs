//! Drafting: a dry run of the gate, then the content, then — by permission mode — the question or
//! the send. Nothing is spent on writing what could not leave.

use super::{
    EmailContent, Mode, State, TouchId,
    gate::{self, Check, Purpose, Skip},
    jobs, load, outcome, store,
};
use crate::{
    activity::{self, Action, Entry},
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
}

/// What is settled before anything is written.
struct Prepared {
    brief: Brief,
    resource: resource::Resource,
    thread: Thread,
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
    let inputs = loaded.inputs(cx.now(), gate::Resource::Ready, None)?;
    if let Err(skip) = gate::decide(&inputs, Purpose::DryRun) {
        return Ok(Some(Err(skip)));
    }
    let Some(resource) = resource::pick(cx, loaded.campaign_id, loaded.channel, loaded.lead_id).await? else {
        let detail = "The campaign has no active sending identity for this channel. Add or resume one.";
        return Ok(Some(Err(Skip::until(Check::Resource, "none", detail, cx.now().plus_s(900)))));
    };
    let token = hex(&cx.random().bytes::<20>());
    let unsubscribe_url = format!("{}/u/{token}", writer.origin);
    let brief = Brief::load(cx, id, &unsubscribe_url, &resource).await?;
    let thread = thread(cx, loaded.enrolment_id, brief.step.threaded).await?;
    let approval_hours = control::figure::read(cx, "approval.expiry_hours").await?;
    Ok(Some(Ok(Prepared {
        brief,
        resource,
        thread,
        token,
        mode: loaded.mode,
        score: lead_score(cx, loaded.lead_id).await?,
        lead: loaded.lead_id,
        campaign: loaded.campaign_id,
        step: loaded.step_number,
        approval_hours,
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
    let content = EmailContent {
        to: p.brief.recipient.clone(),
        from: format!("{} <{}>", p.resource.display_name, p.resource.address),
        subject: draft.subject,
        body: draft.body,
    };
    // A draft that replaces another is another message, whatever became of the first.
    let domain = p.resource.address.split_once('@').map_or("localhost", |(_, domain)| domain);
    let message_id = format!("<{}.{}@{domain}>", id.uuid().simple(), hex(&cx.random().bytes::<6>()));
    store::written(
        cx,
        id,
        &store::Written {
            content: &content,
            resource: p.resource.id.uuid(),
            message_id: &message_id,
            in_reply_to: p.thread.in_reply_to.as_deref(),
            refs: &p.thread.refs,
            unsubscribe_token: &p.token,
            facts: draft.facts_used.clone(),
            provenance: draft.provenance.clone(),
            cost_micros: draft.cost_micros,
        },
    )
    .await?;
    let entry = |action| Entry {
        campaign: Some(p.campaign),
        touch: Some(id.uuid()),
        channel: Some(crate::channel::Channel::Email),
        detail: json!({"step": p.step, "provenance": draft.provenance}),
        ..Entry::of(action, p.lead, &content.subject)
    };
    activity::record(cx, entry(Action::Drafted)).await?;
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
    content: &EmailContent,
    evidence: serde_json::Value,
    provenance: serde_json::Value,
    cost_micros: i64,
) -> Result<Uuid> {
    let which = if p.step == 1 { "First e-mail".to_owned() } else { format!("Follow-up {}", p.step - 1) };
    let expires_at: Time = cx.now().plus_s(p.approval_hours * 3_600);
    let approval = approval::request(
        cx,
        approval::Request {
            kind: "outreach.draft",
            subject: id.uuid(),
            campaign: Some(p.campaign),
            lead: Some(p.lead),
            title: format!("{which} to {}", p.brief.lead.display_name()),
            summary: content.subject.clone(),
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
