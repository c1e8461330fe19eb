//! The jobs of a push: one that hears what happened here, one that does it at the CRM.

use super::store::{self, End};
use super::task::{self, Next, Task, Work};
use super::{PushId, Sort, State, Wish, enqueue, get, tell, want};
use crate::connection;
use crate::desk::{After, Desk, after};
use base::{Error, Kind, Result};
use db::Cx;
use jobs::{Job, Registry, Retry, Run, SeenFact};
use leads::lead::{self, LeadId};
use ports::crm::CrmError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Hears that something happened that a CRM is to know.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hear {
    pub sort: Sort,
    /// The lead or the deal.
    pub subject: Uuid,
    pub lead: LeadId,
    pub why: String,
}

impl Job for Hear {
    const KIND: &'static str = "crm.hear";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        // The lead may be gone, or somebody else's.
        match lead::get(&mut cx, self.lead).await {
            Ok(_) => {}
            Err(error) if error.kind() == Kind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        let wish = Wish { sort: self.sort, subject: self.subject, lead: self.lead, why: &self.why };
        want(&mut cx, &wish).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Does one push.
#[derive(Serialize, Deserialize)]
pub(crate) struct Push {
    pub push: PushId,
}

/// Failures after which a push is given up until a person tries again: a day and a half in all.
const TRIES: i32 = 6;
/// Times that one try does it when it is wanted again meanwhile.
const ROUNDS: usize = 10;

impl Job for Push {
    const KIND: &'static str = "crm.push";
    const TIMEOUT_S: u64 = 300;
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[60, 300, 900, 3_600, 21_600, 86_400])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        for _ in 0..ROUNDS {
            let mut cx = run.begin().await?;
            run.hold(&mut cx).await?;
            if !store::lock(&mut cx, self.push).await? {
                return Ok(());
            }
            let push = get(&mut cx, self.push).await?;
            let task = match task::prepare(&mut cx, desk, push).await? {
                Next::Do(task) => *task,
                Next::Wait(until) => {
                    run.snooze(until);
                    return cx.commit().await;
                }
                Next::Rest => {
                    run.complete_in(&mut cx).await?;
                    return cx.commit().await;
                }
                Next::Nothing(why) => {
                    if let Some(why) = why {
                        skip(&mut cx, self.push, &why).await?;
                    }
                    run.complete_in(&mut cx).await?;
                    return cx.commit().await;
                }
            };
            cx.commit().await?;
            let came = match desk.ports.crms.get(task.connection.kind) {
                Ok(crm) => run.fenced(task::carry_out(crm.as_ref(), &task)).await?,
                Err(error) => Err(error),
            };
            let mut cx = run.begin().await?;
            run.hold(&mut cx).await?;
            store::lock(&mut cx, self.push).await?;
            match came {
                Ok(done) => {
                    let end =
                        End { state: State::Done, pushed: Some(task.push.wanted), error: None, open: false };
                    let company = done.company.as_deref();
                    store::end(&mut cx, self.push, &end, Some(&done.reference), company).await?;
                    store::attempt(&mut cx, self.push, done.did, true, &done.reference).await?;
                    tell(&mut cx, &task.push, State::Done).await?;
                }
                Err(error) => return failed(run, cx, &task, &error).await,
            }
            // Wanted again meanwhile: that wish found this job alive and made none of its own.
            if get(&mut cx, self.push).await?.state != State::Queued {
                run.complete_in(&mut cx).await?;
                return cx.commit().await;
            }
            cx.commit().await?;
        }
        run.snooze(run.db().clock().now().plus_s(1));
        Ok(())
    }
}

async fn skip(cx: &mut Cx, id: PushId, why: &str) -> Result<()> {
    let push = get(cx, id).await?;
    let end = End { state: State::Skipped, pushed: Some(push.wanted), error: Some(why), open: false };
    store::end(cx, id, &end, push.reference.as_deref(), push.company_reference.as_deref()).await?;
    store::attempt(cx, id, "skipped", false, why).await?;
    tell(cx, &push, State::Skipped).await
}

/// Records that it did not work, and says when it is tried again.
async fn failed(run: &Run, mut cx: Cx, task: &Task, error: &CrmError) -> Result<()> {
    let (id, said) = (task.push.id, error.to_string());
    let (reference, company) = (task.push.reference.as_deref(), task.push.company_reference.as_deref());
    let open = matches!(error, CrmError::Unknown { .. });
    let waiting = End { state: State::Queued, pushed: None, error: Some(&said), open };
    if let (Work::Deal(_), CrmError::Gone) = (&task.work, error) {
        // Its contact was deleted there: that is made again, and the deal follows.
        if let Some(contact) = store::contact(&mut cx, task.connection.id, task.push.lead_id).await? {
            store::forget(&mut cx, contact.id).await?;
            store::again(&mut cx, &[contact.id]).await?;
            enqueue(&mut cx, contact.id).await?;
        }
        if run.failures() < TRIES {
            store::end(&mut cx, id, &waiting, reference, company).await?;
            store::attempt(&mut cx, id, "waits", false, "Its contact is gone and is made again.").await?;
            cx.commit().await?;
            return Err(Error::unavailable("crm.contact_gone", said));
        }
    }
    match after(error) {
        After::Wait(seconds) => {
            store::end(&mut cx, id, &waiting, reference, company).await?;
            store::attempt(&mut cx, id, "waits", false, &said).await?;
            run.snooze(cx.now().plus_s(seconds));
            return cx.commit().await;
        }
        After::Again if run.failures() < TRIES => {
            store::end(&mut cx, id, &waiting, reference, company).await?;
            store::attempt(&mut cx, id, "waits", false, &said).await?;
            cx.commit().await?;
            return Err(Error::unavailable("crm.unreachable", said));
        }
        After::Key => {
            // It goes on when the key is good again.
            connection::fail(&mut cx, &task.connection, &said).await?;
            store::end(&mut cx, id, &waiting, reference, company).await?;
            store::attempt(&mut cx, id, "waits", false, &said).await?;
            run.complete_in(&mut cx).await?;
            return cx.commit().await;
        }
        After::Again | After::Never => {}
    }
    let end = End { state: State::Failed, pushed: Some(task.push.wanted), error: Some(&said), open };
    store::end(&mut cx, id, &end, reference, company).await?;
    store::attempt(&mut cx, id, "failed", false, &said).await?;
    tell(&mut cx, &task.push, State::Failed).await?;
    run.complete_in(&mut cx).await?;
    cx.commit().await
}

fn id(fact: &SeenFact, member: &str) -> Option<Uuid> {
    fact.payload.get(member)?.as_str()?.parse().ok()
}

/// A lead that a fact is about, as a contact.
fn contact(fact: &SeenFact) -> Option<Hear> {
    let lead = id(fact, "lead_id")?;
    Some(Hear { sort: Sort::Contact, subject: lead, lead: LeadId(lead), why: fact.kind.clone() })
}

/// A deal that a fact is about.
fn deal(fact: &SeenFact) -> Option<Hear> {
    let (deal, lead) = (fact.subject_id?, id(fact, "lead_id")?);
    Some(Hear { sort: Sort::Deal, subject: deal, lead: LeadId(lead), why: fact.kind.clone() })
}

/// Answers that a salesperson should see in the CRM.
const POSITIVE: [&str; 2] = ["meeting_request", "interested"];

pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Push>(desk.clone());
    registry.register::<Hear>(());
    registry.on_fact::<Hear>("outreach.reply.received", |fact| {
        let intent = fact.payload.get("intent")?.as_str()?;
        POSITIVE.contains(&intent).then(|| contact(fact)).flatten()
    });
    registry.on_fact::<Hear>("outreach.meeting.booked", contact);
    registry.on_fact::<Hear>("outreach.deal.opened", deal);
    registry.on_fact::<Hear>("outreach.deal.moved", deal);
}
