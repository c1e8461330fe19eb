//! What follows from a try that did not deliver, and from a person's word: the touch, the enrolment, the lead
//! and the history move together in one transaction. What was delivered is in [`record`].

use super::{
    State, TouchId,
    gate::{Check, Skip},
    load, record, store,
};
use crate::{
    activity::{self, Action, Entry},
    channel::{
        Channel,
        way::{Fault, Taken, Then},
    },
    enrolment,
};
use base::{Error, Result, Zone};
use control::approval;
use db::{Cx, Fact};
use serde_json::json;
use uuid::Uuid;

/// The parts of a touch that its consequences need.
struct Touched {
    enrolment: Uuid,
    campaign: Uuid,
    lead: Uuid,
    channel: Channel,
    step: i16,
    subject: String,
    recipient: String,
    manual: bool,
    zone: Option<Zone>,
}

async fn touched(cx: &mut Cx, id: TouchId) -> Result<Touched> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select t.enrolment_id, t.campaign_id, t.lead_id, t.channel as "channel: Channel", t.step_number,
                  coalesce(t.subject, '') as "subject!", coalesce(t.recipient, '') as "recipient!", t.manual,
                  coalesce(l.zone, n.zone) as "zone!"
           from outreach.touch t join leads.lead l on l.id = t.lead_id join accounts.tenant n on n.id = t.tenant_id
           where t.tenant_id = $1 and t.id = $2"#,
        tenant,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("touch"))?;
    Ok(Touched {
        enrolment: row.enrolment_id,
        campaign: row.campaign_id,
        lead: row.lead_id,
        channel: row.channel,
        step: row.step_number,
        subject: row.subject,
        recipient: row.recipient,
        manual: row.manual,
        zone: Zone::named(&row.zone).ok(),
    })
}

impl Touched {
    fn entry(&self, id: TouchId, action: Action, preview: &str, detail: serde_json::Value) -> Entry {
        Entry {
            campaign: Some(self.campaign),
            touch: Some(id.uuid()),
            channel: Some(self.channel),
            detail,
            zone: self.zone.clone(),
            ..Entry::of(action, self.lead, preview)
        }
    }
}

/// The provider refused it for good.
pub(super) async fn failed(cx: &mut Cx, id: TouchId, fault: &Fault) -> Result<()> {
    if load::lock(cx, id).await? != Some(State::Sending) {
        return Ok(());
    }
    store::release_capacity(cx, id).await?;
    store::release_spend(cx, id).await?;
    let t = touched(cx, id).await?;
    let detail = fault.detail.clone();
    store::end(cx, id, State::Failed, "provider", &detail).await?;
    activity::record(cx, t.entry(id, Action::SendFailed, &detail, json!({"step": t.step}))).await?;
    match (fault.then, t.channel) {
        (Then::AddressGone, Channel::Email) => {
            crate::reply::effects::bounced(cx, t.lead, Some(id.uuid()), &detail).await?;
        }
        // This way does not lead to the person; another may.
        (Then::AddressGone, Channel::Sms | Channel::Linkedin | Channel::Voice | Channel::Mail) => {
            enrolment::step_passed(cx, t.enrolment, t.step).await?;
        }
        (Then::OptedOut, _) => {
            crate::unsubscribe::everywhere(cx, t.lead, &t.recipient, "provider", &detail).await?;
        }
        (Then::TryAgain | Then::End | Then::Unknown, _) => {
            enrolment::pause(cx, t.enrolment, &detail, None).await?;
        }
    }
    cx.publish(Fact::about("outreach.touch.failed", id).with(json!({"lead_id": t.lead, "detail": detail})))
        .await
}

/// The outcome is lost and the provider cannot be asked: a person decides; it is never sent again
/// by itself.
pub(super) async fn unknown(cx: &mut Cx, id: TouchId) -> Result<()> {
    if load::lock(cx, id).await? != Some(State::Sending) {
        return Ok(());
    }
    let t = touched(cx, id).await?;
    let detail = "The connection broke after the message was handed over and this account cannot be asked whether it arrived.";
    store::end(cx, id, State::Unknown, "outcome_lost", detail).await?;
    enrolment::pause(cx, t.enrolment, detail, None).await?;
    control::notification::notify(
        cx,
        &control::notification::Notification {
            kind: control::notification::Kind::Failure,
            severity: control::notification::Severity::Warning,
            title: format!("Was “{}” sent to {}?", t.subject, t.recipient),
            body: detail.to_owned(),
            href: Some(format!("/leads/{}", t.lead)),
            dedupe_key: format!("touch:{id}"),
            person: None,
        },
    )
    .await?;
    cx.publish(Fact::about("outreach.touch.unknown", id).with(json!({"lead_id": t.lead}))).await
}

/// Nobody got it done: it ends with the reason, its lead waits, and a person is told.
pub(super) async fn stranded(cx: &mut Cx, id: TouchId, why: &str) -> Result<()> {
    let t = touched(cx, id).await?;
    store::end(cx, id, State::Failed, "stranded", why).await?;
    activity::record(cx, t.entry(id, Action::SendFailed, why, json!({"step": t.step, "code": "stranded"})))
        .await?;
    enrolment::pause(cx, t.enrolment, why, None).await?;
    control::notification::notify(
        cx,
        &control::notification::Notification {
            kind: control::notification::Kind::Failure,
            severity: control::notification::Severity::Warning,
            title: "A message could not be written or sent".to_owned(),
            body: why.to_owned(),
            href: Some(format!("/leads/{}", t.lead)),
            dedupe_key: format!("touch:{id}"),
            person: None,
        },
    )
    .await?;
    cx.publish(Fact::about("outreach.touch.failed", id).with(json!({"lead_id": t.lead, "detail": why}))).await
}

/// A person says what became of a touch whose outcome was lost.
pub async fn resolve_unknown(cx: &mut Cx, id: TouchId, was_sent: bool) -> Result<()> {
    if load::lock(cx, id).await? != Some(State::Unknown) {
        return Err(Error::conflict("touch.settled", "What became of this message is settled already."));
    }
    if was_sent {
        let taken = Taken { response: "a person says that it was sent".to_owned(), ..Taken::default() };
        record::sent(cx, id, &taken).await?;
    } else {
        store::end(cx, id, State::Cancelled, "not_sent", "A person says that it was not sent.").await?;
    }
    let t = touched(cx, id).await?;
    enrolment::resume(cx, t.enrolment).await?;
    if was_sent { Ok(()) } else { enrolment::due_again(cx, t.enrolment).await }
}

/// The gate said no: wait when it names a time, else the touch ends and its enrolment follows. The
/// caller holds the touch in the state over which was decided.
pub(super) async fn refused(cx: &mut Cx, id: TouchId, skip: &Skip) -> Result<()> {
    refused_all(cx, &[(id, skip.clone())]).await
}

/// [`refused`] for several touches: those that wait are written with one statement.
pub(super) async fn refused_all(cx: &mut Cx, all: &[(TouchId, Skip)]) -> Result<()> {
    let mut coded = Vec::with_capacity(all.len());
    for (id, skip) in all {
        match skip.retry_at {
            Some(at) if skip.check == Check::Resource => coded.push((*id, skip, skip.code.to_owned(), at)),
            Some(at) => coded.push((*id, skip, code_of(skip), at)),
            None => refused_for_good(cx, *id, skip).await?,
        }
    }
    let waits: Vec<store::Wait<'_>> = coded
        .iter()
        .map(|(touch, skip, code, retry_at)| store::Wait {
            touch: *touch,
            code,
            detail: &skip.detail,
            retry_at: *retry_at,
        })
        .collect();
    store::set_retries(cx, &waits).await
}

fn code_of(skip: &Skip) -> String {
    format!("{}.{}", skip.check.word(), skip.code)
}

async fn refused_for_good(cx: &mut Cx, id: TouchId, skip: &Skip) -> Result<()> {
    let code = code_of(skip);
    let t = touched(cx, id).await?;
    match skip.check {
        Check::Content if skip.code == "stale" => store::rewrite(cx, id).await?,
        Check::Mode if skip.code == "not_approved" => {}
        Check::Switch
        | Check::Client
        | Check::Campaign
        | Check::Mode
        | Check::Lead
        | Check::PlatformSuppression
        | Check::ClientSuppression
        | Check::Consent
        | Check::Frequency
        | Check::ChannelPolicy
        | Check::Window
        | Check::Resource
        | Check::Budget
        | Check::Content
        | Check::Sender => {
            store::end(cx, id, State::Skipped, &code, &skip.detail).await?;
            follow_skip(cx, &t, skip).await?;
        }
    }
    if skip.code == "content_changed" {
        // Somebody or something changed what a person had approved: whoever looks into it finds this.
        cx.note("approval.refuse", "outreach.touch", Some(id.to_string()), json!({"code": code})).await?;
    }
    activity::record(cx, t.entry(id, Action::Skipped, &skip.detail, json!({"code": code, "step": t.step})))
        .await?;
    let payload = json!({"lead_id": t.lead, "campaign_id": t.campaign, "code": code, "detail": skip.detail});
    cx.publish(Fact::about("outreach.touch.skipped", id).with(payload)).await
}

async fn follow_skip(cx: &mut Cx, t: &Touched, skip: &Skip) -> Result<()> {
    match skip.check {
        // This channel does not lead to the person, or may not be used: the next step may be another one.
        Check::Lead if skip.code == super::gate::UNREACHABLE => {
            enrolment::step_passed(cx, t.enrolment, t.step).await
        }
        Check::Consent if matches!(skip.code, "not_for_channel" | "listed") => {
            enrolment::step_passed(cx, t.enrolment, t.step).await
        }
        Check::Lead | Check::PlatformSuppression | Check::ClientSuppression | Check::Consent => {
            enrolment::stop(cx, t.enrolment, &skip.detail).await
        }
        Check::Frequency => enrolment::finish(cx, t.enrolment).await,
        Check::ChannelPolicy => enrolment::step_passed(cx, t.enrolment, t.step).await,
        Check::Switch
        | Check::Client
        | Check::Campaign
        | Check::Mode
        | Check::Window
        | Check::Resource
        | Check::Budget
        | Check::Content
        | Check::Sender => enrolment::pause(cx, t.enrolment, &skip.detail, None).await,
    }
}

/// A person decided about a draft (or its time ran out, which means: not done).
pub async fn on_decision(cx: &mut Cx, id: TouchId, status: approval::Status) -> Result<()> {
    load::lock(cx, id).await?;
    let t = touched(cx, id).await?;
    match status {
        approval::Status::Pending => Ok(()),
        approval::Status::Approved => {
            if !store::approved(cx, id).await? {
                return Ok(());
            }
            crate::content::snapshot::keep_edited(cx, id).await?;
            activity::record(cx, t.entry(id, Action::Approved, &t.subject, json!({"step": t.step}))).await?;
            super::jobs::enqueue_send(cx, id).await
        }
        approval::Status::Rejected => {
            if !store::end_asked(cx, id, State::Cancelled, "rejected", "A person rejected the draft.").await?
            {
                return Ok(());
            }
            activity::record(cx, t.entry(id, Action::Rejected, &t.subject, json!({"step": t.step}))).await?;
            if t.manual {
                // The task is not done; the lead goes on without it.
                return enrolment::step_passed(cx, t.enrolment, t.step).await;
            }
            enrolment::stop(cx, t.enrolment, "A person rejected the draft.").await
        }
        approval::Status::Expired | approval::Status::Withdrawn => {
            let detail = "Nobody approved the draft in time, so it was not sent.";
            if !store::end_asked(cx, id, State::Skipped, "expired", detail).await? {
                return Ok(());
            }
            enrolment::pause(cx, t.enrolment, "The draft expired without a decision.", None).await
        }
    }
}
