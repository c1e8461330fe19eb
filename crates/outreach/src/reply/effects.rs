//! What each intent does. One table, one function for each row; every effect is in the transaction
//! that records the message, so that an opt-out holds from the instant it is stored.

use crate::{
    activity::{self, Action, Entry},
    channel::Channel,
    enrolment,
    thread::{MessageId, ThreadId},
};
use base::{EmailAddress, Result, Time};
use control::notification::{self, Kind, Severity};
use db::{Cx, Fact};
use inbound::reply::Intent;
use leads::{
    lead::{self, Status},
    suppression::{self, Reason, Scope},
};
use serde_json::json;
use uuid::Uuid;

/// A received message with what it belongs to.
pub struct Received<'a> {
    /// The lead who wrote.
    pub lead: Uuid,
    /// Their address as the message shows it.
    pub from: &'a EmailAddress,
    /// Their enrolment, when one runs.
    pub enrolment: Option<Uuid>,
    /// The campaign that they answer.
    pub campaign: Option<Uuid>,
    /// The conversation.
    pub thread: Uuid,
    /// The message.
    pub message: Uuid,
    /// What they want.
    pub intent: Intent,
    /// The day on which they return, at its beginning, when they are away.
    pub return_at: Option<Time>,
    /// An address to which they point us.
    pub referral: Option<EmailAddress>,
    /// Why they do not want it, in a word, when they say so.
    pub objection: Option<&'a str>,
    /// A line of their words.
    pub preview: &'a str,
}

/// Days added to a stated return, so that nobody is met on a full desk.
const AFTER_RETURN_DAYS: i64 = 2;
/// Days to wait when no return is stated.
const AWAY_DAYS: i64 = 7;

/// Carries out the effects of a message. Returns whether a person must look.
pub async fn apply(cx: &mut Cx, r: &Received<'_>) -> Result<bool> {
    if r.intent.is_from_person() {
        lead::replied(cx, r.lead.into()).await?;
        activity::record(cx, entry(r, Action::Replied)).await?;
    }
    match r.intent {
        Intent::MeetingRequest => {
            stop(cx, r, "They ask for a meeting.").await?;
            tell(cx, r, Severity::Info, "asks for a meeting").await?;
            offer(cx, r).await
        }
        Intent::Interested => {
            stop(cx, r, "They are interested.").await?;
            tell(cx, r, Severity::Info, "is interested").await?;
            offer(cx, r).await
        }
        Intent::Question => {
            hold(cx, r, "They asked a question.", None).await?;
            tell(cx, r, Severity::Info, "asks a question").await?;
            // What the knowledge base answers is suggested; the rest is for a person.
            offer(cx, r).await
        }
        Intent::NotInterested => {
            stop(cx, r, "They are not interested.").await?;
            remember(cx, r).await?;
            suppress(cx, r, Scope::Client, Reason::NotInterested).await?;
            lead::advance(cx, r.lead.into(), Status::Disqualified, "not interested").await?;
            Ok(false)
        }
        Intent::Unsubscribe => {
            opt_out(cx, r.lead, r.from, "reply", r.preview).await?;
            super::jobs::enqueue_confirm(cx, ThreadId(r.thread), MessageId(r.message)).await?;
            Ok(false)
        }
        Intent::OutOfOffice => {
            let until = r
                .return_at
                .map_or_else(|| cx.now().plus_days(AWAY_DAYS), |at| at.plus_days(AFTER_RETURN_DAYS));
            hold(cx, r, "They are away.", Some(until.max(cx.now()))).await?;
            Ok(false)
        }
        Intent::AutoReply => Ok(false),
        Intent::Referral => {
            stop(cx, r, "They point to somebody else.").await?;
            refer(cx, r).await?;
            tell(cx, r, Severity::Info, "points to somebody else").await?;
            // Thanks for it, as a draft.
            offer(cx, r).await
        }
        Intent::WrongPerson => {
            stop(cx, r, "They are the wrong person.").await?;
            lead::advance(cx, r.lead.into(), Status::Disqualified, "wrong person").await?;
            Ok(false)
        }
        Intent::Angry => {
            stop(cx, r, "They are angry; nothing is answered automatically.").await?;
            lead::hold(cx, r.lead.into(), "angry reply").await?;
            tell(cx, r, Severity::Critical, "is angry").await?;
            Ok(true)
        }
        Intent::Unclear => {
            hold(cx, r, "A person must read their reply.", None).await?;
            Ok(true)
        }
    }
}

/// The reason of a no, for whoever may ever write to them again.
async fn remember(cx: &mut Cx, r: &Received<'_>) -> Result<()> {
    let why = r.objection.unwrap_or("not interested").replace('_', " ");
    let fact = leads::fact::New {
        lead_id: Some(r.lead.into()),
        company_id: None,
        kind: "objection".to_owned(),
        text: why,
        quote: Some(r.preview.to_owned()),
        source: "reply".to_owned(),
        source_url: None,
        confidence: 0.9,
        observed_at: None,
    };
    leads::fact::add_many(cx, &[fact]).await
}

fn entry(r: &Received<'_>, action: Action) -> Entry {
    Entry {
        campaign: r.campaign,
        channel: Some(Channel::Email),
        detail: json!({"intent": r.intent.name(), "thread_id": r.thread, "message_id": r.message}),
        ..Entry::of(action, r.lead, r.preview)
    }
}

async fn stop(cx: &mut Cx, r: &Received<'_>, why: &str) -> Result<()> {
    enrolment::stop_for_lead(cx, r.lead, why).await?;
    Ok(())
}

async fn hold(cx: &mut Cx, r: &Received<'_>, why: &str, until: Option<Time>) -> Result<()> {
    match r.enrolment {
        Some(enrolment) => enrolment::pause(cx, enrolment, why, until).await,
        None => Ok(()),
    }
}

async fn suppress(cx: &mut Cx, r: &Received<'_>, scope: Scope, reason: Reason) -> Result<()> {
    suppression::add(cx, &suppression::New::email(scope, r.from, reason, "reply", r.preview)).await?;
    Ok(())
}

/// A person asked us to stop: every channel, every client, at once.
pub async fn opt_out(
    cx: &mut Cx,
    lead: Uuid,
    address: &EmailAddress,
    source: &str,
    words: &str,
) -> Result<()> {
    // The lead's row is changed first: a hand-off that is being decided holds it, so that after this
    // transaction none can begin.
    lead::advance(cx, lead.into(), Status::Unsubscribed, "opted out").await?;
    suppression::add(
        cx,
        &suppression::New::email(Scope::Platform, address, Reason::Unsubscribed, source, words),
    )
    .await?;
    let own = lead::contact(cx, lead.into()).await?;
    if let Some(email) = own.email.filter(|email| email != address) {
        suppression::add(
            cx,
            &suppression::New::email(Scope::Platform, &email, Reason::Unsubscribed, source, words),
        )
        .await?;
    }
    if let Some(phone) = own.phone {
        suppression::add(
            cx,
            &suppression::New::phone(Scope::Platform, &phone, Reason::Unsubscribed, source, words),
        )
        .await?;
    }
    enrolment::stop_for_lead(cx, lead, "They opted out.").await?;
    activity::record(
        cx,
        Entry { detail: json!({"source": source}), ..Entry::of(Action::OptedOut, lead, words) },
    )
    .await?;
    cx.publish(Fact::about("outreach.lead.opted_out", lead).with(json!({"source": source}))).await
}

/// The address does not exist any more.
pub async fn bounced(cx: &mut Cx, lead: Uuid, touch: Option<Uuid>, detail: &str) -> Result<()> {
    lead::advance(cx, lead.into(), Status::Bounced, detail).await?;
    if let Some(email) = lead::contact(cx, lead.into()).await?.email {
        suppression::add(
            cx,
            &suppression::New::email(Scope::Client, &email, Reason::Bounced, "bounce", detail),
        )
        .await?;
    }
    enrolment::stop_for_lead(cx, lead, "The address bounced.").await?;
    activity::record(
        cx,
        Entry { touch, channel: Some(Channel::Email), ..Entry::of(Action::Bounced, lead, detail) },
    )
    .await?;
    cx.publish(Fact::about("outreach.lead.bounced", lead).with(json!({"touch_id": touch, "detail": detail})))
        .await
}

/// The person reported us as spam.
pub async fn complained(cx: &mut Cx, lead: Uuid, address: &EmailAddress, touch: Option<Uuid>) -> Result<()> {
    lead::advance(cx, lead.into(), Status::Unsubscribed, "complained").await?;
    let words = "reported as spam";
    suppression::add(
        cx,
        &suppression::New::email(Scope::Platform, address, Reason::Complained, "complaint", words),
    )
    .await?;
    enrolment::stop_for_lead(cx, lead, "They reported the mail as spam.").await?;
    activity::record(
        cx,
        Entry { touch, channel: Some(Channel::Email), ..Entry::of(Action::Complained, lead, words) },
    )
    .await?;
    notification::notify(
        cx,
        &notification::Notification {
            kind: Kind::Complaint,
            severity: Severity::Critical,
            title: format!("{address} reported a mail as spam"),
            body:
                "Nothing more is sent to this address by any client. Look at the campaign's content and list."
                    .to_owned(),
            href: Some(format!("/leads/{lead}")),
            dedupe_key: format!("complaint:{lead}"),
            person: None,
        },
    )
    .await?;
    cx.publish(Fact::about("outreach.lead.complained", lead).with(json!({"touch_id": touch}))).await
}

async fn refer(cx: &mut Cx, r: &Received<'_>) -> Result<()> {
    // Only an address that stands in their words; nothing is made up.
    let Some(address) = &r.referral else {
        return Ok(());
    };
    lead::referred(cx, address, r.lead.into()).await?;
    Ok(())
}

async fn tell(cx: &mut Cx, r: &Received<'_>, severity: Severity, what: &str) -> Result<()> {
    notification::notify(
        cx,
        &notification::Notification {
            kind: Kind::Reply,
            severity,
            title: format!("{} {what}", r.from),
            body: r.preview.to_owned(),
            href: Some(format!("/inbox/{}", r.thread)),
            dedupe_key: format!("reply:{}", r.message),
            person: None,
        },
    )
    .await?;
    Ok(())
}

/// Drafts an answer; a person approves it unless the mode says otherwise.
async fn offer(cx: &mut Cx, r: &Received<'_>) -> Result<bool> {
    super::answer::draft_offer(cx, r.thread, r.message, r.lead).await?;
    Ok(true)
}
