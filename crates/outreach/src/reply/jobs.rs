//! The background work of answers: process what came, draft, send, react to decisions.

use super::{
    answer,
    judge::{self, Verdict},
    process,
    send::{self, Answerer, Handed},
    suggest::{self, Suggestion},
};
use crate::content::model::Purse;
use crate::offer::Offer;
use crate::thread::{MessageId, ThreadId};
use base::Result;
use control::approval;
use db::Cx;
use hooks::inbox::{self, InboxId};
use jobs::{Job, Options, Priority, Registry, Retry, Run};
use serde::{Deserialize, Serialize};

/// Works on one delivery of the raw inbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Process {
    inbox: InboxId,
}

impl Job for Process {
    const KIND: &'static str = "outreach.process_inbox";
    const QUEUE: &'static str = "inbox";
    type State = Answerer;

    async fn run(self, run: &Run, answerer: &Answerer) -> Result<()> {
        inbox::shown(run, self.inbox, self.once(run, answerer).await).await
    }
}

impl Process {
    async fn once(&self, run: &Run, answerer: &Answerer) -> Result<()> {
        let verdict = self.judged(run, answerer).await?;
        let mut cx = run.begin().await?;
        process::process(&mut cx, self.inbox, verdict.as_ref()).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }

    /// A model's verdict, where one is set and the built-in classifier is not sure.
    async fn judged(&self, run: &Run, answerer: &Answerer) -> Result<Option<Verdict>> {
        let Some(settings) = &answerer.llm else { return Ok(None) };
        let mut cx = run.begin().await?;
        let doubt = process::doubt(&mut cx, self.inbox).await?;
        // The transaction only read; it ends before the model is asked.
        cx.rollback().await?;
        let Some(doubt) = doubt else { return Ok(None) };
        let purse = Purse {
            campaign: doubt.campaign,
            lead: doubt.lead,
            ..Purse::of(run, "outreach", "outreach.classify")?
        };
        judge::ask(&answerer.ports, settings, &purse, &doubt).await.map(Some)
    }
}

/// Drafts an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Draft {
    thread: ThreadId,
    message: MessageId,
}

impl Job for Draft {
    const KIND: &'static str = "outreach.draft_reply";
    const QUEUE: &'static str = "outreach";
    type State = Answerer;

    async fn run(self, run: &Run, answerer: &Answerer) -> Result<()> {
        let modelled = self.modelled(run, answerer).await?;
        let offer = self.offer(run, answerer).await?;
        let mut cx = run.begin().await?;
        answer::draft(&mut cx, offer.as_ref(), self.thread, self.message, modelled).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

impl Draft {
    /// Where they pick a time, when they want one.
    async fn offer(&self, run: &Run, answerer: &Answerer) -> Result<Option<Offer>> {
        let Some(offers) = &answerer.offers else { return Ok(None) };
        let mut cx = run.begin().await?;
        let wants = answer::wants_a_time(&mut cx, self.thread, self.message).await?;
        // The transaction only read; it ends before a calendar is asked.
        cx.rollback().await?;
        match wants {
            Some(lead) => offers.of(run, lead).await,
            None => Ok(None),
        }
    }

    /// A model's words over the entries that answer; none without a model, a question or an entry.
    async fn modelled(&self, run: &Run, answerer: &Answerer) -> Result<Option<Suggestion>> {
        let Some(settings) = &answerer.llm else { return Ok(None) };
        let mut cx = run.begin().await?;
        let (matters, names) = answer::matters(&mut cx, self.thread, self.message).await?;
        // The transaction only read; it ends before the model is asked.
        cx.rollback().await?;
        if matters.iter().all(|matter| matter.found.is_empty()) {
            return Ok(None);
        }
        let purse = Purse::of(run, "outreach", "outreach.answer")?;
        suggest::modelled(&answerer.ports, settings, &purse, &matters, &names).await
    }
}

/// Confirms an opt-out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Confirm {
    thread: ThreadId,
    message: MessageId,
}

impl Job for Confirm {
    const KIND: &'static str = "outreach.confirm_opt_out";
    const QUEUE: &'static str = "outreach";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        answer::confirm_opt_out(&mut cx, self.thread, self.message).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Hands one answer to its provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Send {
    message: MessageId,
}

impl Job for Send {
    const KIND: &'static str = "outreach.send_reply";
    const QUEUE: &'static str = "outreach";
    type State = Answerer;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, answerer: &Answerer) -> Result<()> {
        match send::hand_off(run, answerer, self.message).await? {
            Handed::Sent | Handed::Ended(_) | Handed::NotDue => {}
            Handed::Wait(_, until) => run.snooze(until),
        }
        Ok(())
    }
}

/// Carries out what a person decided about a draft.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decided {
    message: MessageId,
    status: String,
}

impl Job for Decided {
    const KIND: &'static str = "outreach.reply_decided";
    const QUEUE: &'static str = "outreach";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        answer::on_decision(&mut cx, self.message, self.status.parse::<approval::Status>()?).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Adds these kinds and their reactions.
pub fn register(registry: &mut Registry, answerer: Answerer) {
    registry.register::<Process>(answerer.clone());
    registry.register::<Confirm>(());
    registry.register::<Draft>(answerer.clone());
    registry.register::<Send>(answerer);
    registry.register::<Decided>(());
    registry.on_fact::<Process>(inbox::RECEIVED, |fact| {
        let source = fact.payload.get("source").and_then(|s| s.as_str())?;
        let inbox = InboxId(fact.subject_id?);
        process::MAIL_SOURCES.contains(&source).then_some(Process { inbox })
    });
    registry.on_fact::<Decided>("control.approval.decided", |fact| {
        let of_reply = fact.payload.get("kind").and_then(|k| k.as_str()) == Some(answer::APPROVAL);
        let status = fact.payload.get("status").and_then(|s| s.as_str())?;
        let message = fact.payload.get("subject_id").and_then(|s| s.as_str())?.parse().ok()?;
        of_reply.then(|| Decided { message, status: status.to_owned() })
    });
}

/// Starts the drafting of an answer.
pub(super) async fn enqueue_draft(cx: &mut Cx, thread: ThreadId, message: MessageId) -> Result<()> {
    let options =
        Options { unique_key: Some(message.to_string()), priority: Priority::High, ..Options::default() };
    jobs::enqueue_with(cx, &Draft { thread, message }, options).await?;
    Ok(())
}

/// Starts the confirmation of an opt-out.
pub(super) async fn enqueue_confirm(cx: &mut Cx, thread: ThreadId, message: MessageId) -> Result<()> {
    let options = Options { unique_key: Some(message.to_string()), ..Options::default() };
    jobs::enqueue_with(cx, &Confirm { thread, message }, options).await?;
    Ok(())
}

/// Starts the hand-off of an answer; one job lives for each.
pub(super) async fn enqueue_send(cx: &mut Cx, message: MessageId) -> Result<()> {
    let options =
        Options { unique_key: Some(message.to_string()), priority: Priority::High, ..Options::default() };
    jobs::enqueue_with(cx, &Send { message }, options).await?;
    Ok(())
}
