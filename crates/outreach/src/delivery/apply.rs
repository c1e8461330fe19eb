//! One report and its effects.

use super::{
    reply,
    store::{self, New, Touch},
};
use crate::{
    account,
    activity::{self, Action, Entry},
    channel::{
        Channel,
        way::{Taken, aud},
    },
    limits::Limits,
    postal,
    reply::effects,
    touch::{self, State, TouchId},
    track, unsubscribe,
};
use base::{EmailAddress, Error, Result};
use db::{Cx, Fact};
use hooks::inbox::{self, Delivery, InboxId, Outcome};
use inbound::reason;
use leads::suppression::{self, Reason as Why, Scope};
use ports::delivery::{Bounce, CallEnd, Event, Permanence, Reason, What};
use serde_json::json;
use uuid::Uuid;

/// Works on one kept report. Everything, the mark included, is in the caller's transaction.
pub async fn process(cx: &mut Cx, id: InboxId) -> Result<Outcome> {
    let Some(delivery) = inbox::claim(cx, id).await? else {
        return Ok(Outcome::Ignored("Somebody processed it before.".to_owned()));
    };
    let event = event(&delivery)?;
    let account = delivery.account.parse::<Uuid>().map_err(|cause| {
        Error::invalid("delivery.account", "The delivery names no account.").caused_by(cause)
    })?;
    let outcome = apply(cx, id, account, &event).await?;
    inbox::mark(cx, id, &outcome).await?;
    Ok(outcome)
}

/// The report in a kept delivery, as its provider's receiver read it.
pub(super) fn event(delivery: &Delivery) -> Result<Event> {
    let event = delivery.headers.get("event").cloned().unwrap_or_default();
    serde_json::from_value(event).map_err(|cause| {
        Error::invalid("delivery.event", "The delivery was not read by its provider's receiver.")
            .caused_by(cause)
    })
}

/// The word of a report.
fn word(what: &What) -> String {
    serde_json::to_value(what)
        .ok()
        .and_then(|value| value.get("what").and_then(|word| word.as_str()).map(str::to_owned))
        .unwrap_or_else(|| "other".to_owned())
}

async fn apply(cx: &mut Cx, inbox: InboxId, account: Uuid, event: &Event) -> Result<Outcome> {
    let own = account::get(cx, account).await?;
    let mut touch = store::touch(cx, event.ours, event.provider_ref.as_deref(), account).await?;
    if let Some(found) = &touch {
        // Its lead is locked first, as every hand-off does; what was read before may have moved meanwhile.
        touch::lock(cx, TouchId(found.id)).await?;
        touch = store::touch(cx, Some(found.id), None, account).await?;
    }
    let kind = account::kind(&own.provider)?;
    let channel =
        touch.as_ref().map_or_else(|| kind.channels.first().copied().unwrap_or_default(), |t| t.channel);
    let word = word(&event.what);
    store::insert(
        cx,
        New {
            inbox: inbox.uuid(),
            account,
            touch: touch.as_ref().map(|t| t.id),
            channel,
            kind: &word,
            provider_ref: event.provider_ref.as_deref(),
            detail: serde_json::to_value(&event.what)?,
            at: event.at,
        },
    )
    .await?;
    match (&event.what, &touch) {
        (What::Replied(said), touch) => {
            return reply::received(cx, inbox, event, said, channel, touch.as_ref()).await;
        }
        (What::OptedOut { from, text }, touch) => {
            let words = text.clone().unwrap_or_else(|| "opted out at the provider".to_owned());
            return reply::opted_out(cx, channel, from, &words, touch.as_ref()).await;
        }
        (What::OptedIn { from }, _) => {
            let why = format!("{from} asked to be written to again; a person must release the suppression.");
            return Ok(Outcome::Ignored(why));
        }
        (_, None) => return Ok(Outcome::Ignored("It is about nothing that we sent.".to_owned())),
        (what, Some(touch)) => about(cx, event, what, touch, &word).await?,
    }
    Ok(Outcome::Processed)
}

/// What follows for a touch.
async fn about(cx: &mut Cx, event: &Event, what: &What, t: &Touch, word: &str) -> Result<()> {
    if matches!(t.state, State::Sending | State::Unknown) && taken(what) {
        // The hand-over's own answer was lost or is still on its way; the provider says that it has it.
        let taken = Taken {
            provider_ref: event.provider_ref.clone(),
            response: "reported by the provider".to_owned(),
            cost: None,
        };
        touch::record::sent(cx, TouchId(t.id), &taken).await?;
    }
    let forward = match what.rank() {
        Some(rank) if !matches!(what, What::CallEnded(_)) => {
            store::advance(cx, t.id, word, rank, event.at).await?
        }
        Some(_) | None => false,
    };
    match what {
        What::Delivered if forward => tell(cx, t, Action::Delivered, "It arrived", json!({})).await,
        What::Mailed if forward => tell(cx, t, Action::Mailed, "It is in the post", json!({})).await,
        What::Bounced(bounce) if forward => bounced(cx, t, bounce).await,
        What::Failed { reason, detail, code } if forward => failed(cx, t, *reason, code, detail).await,
        What::ReturnedToSender if forward => {
            postal::set_verdict(cx, t.lead, "undeliverable").await?;
            tell(cx, t, Action::Undelivered, "The post brought it back", json!({})).await
        }
        What::Complained { recipient } => {
            let address = recipient.as_deref().unwrap_or(&t.recipient);
            match EmailAddress::parse(address) {
                Ok(address) => effects::complained(cx, t.lead, &address, Some(t.id)).await,
                Err(_) => unsubscribe::everywhere(cx, t.lead, address, "complaint", "reported as spam").await,
            }
        }
        What::Opened { user_agent } => look(cx, t, track::Kind::Opened, None, user_agent.as_deref()).await,
        What::Clicked { url, user_agent } => {
            let link = track::links(&t.body).iter().position(|link| link == url);
            look(cx, t, track::Kind::Clicked, link, user_agent.as_deref()).await
        }
        What::Connected => tell(cx, t, Action::Connected, "Accepted the invitation", json!({})).await,
        What::CallEnded(end) => ended(cx, event, t, end).await,
        What::Queued
        | What::Sent { .. }
        | What::Delayed { .. }
        | What::Delivered
        | What::Bounced(_)
        | What::Failed { .. }
        | What::Answered
        | What::MachineAnswered
        | What::Recorded { .. }
        | What::Transcribed { .. }
        | What::Mailed
        | What::InTransit { .. }
        | What::ReturnedToSender
        | What::Cancelled
        | What::Replied(_)
        | What::OptedOut { .. }
        | What::OptedIn { .. }
        | What::Other { .. } => Ok(()),
    }
}

/// Whether a report shows that the provider took it over.
fn taken(what: &What) -> bool {
    what.rank().is_some() && !matches!(what, What::Failed { .. } | What::Cancelled)
}

async fn tell(cx: &mut Cx, t: &Touch, action: Action, words: &str, detail: serde_json::Value) -> Result<()> {
    let entry = Entry {
        campaign: Some(t.campaign),
        touch: Some(t.id),
        channel: Some(t.channel),
        detail,
        ..Entry::of(action, t.lead, words)
    };
    activity::record(cx, entry).await
}

/// A bounce: for ever, and the address is suppressed; else it is told and the sequence goes on.
async fn bounced(cx: &mut Cx, t: &Touch, bounce: &Bounce) -> Result<()> {
    let words = reason::Words {
        diagnostic: &bounce.detail,
        status: None,
        reply: None,
        action: Some("failed"),
        command: None,
        category: None,
    };
    let hard = match (bounce.permanence, bounce.reason) {
        (Permanence::Permanent, Reason::NoSuchRecipient) => true,
        (Permanence::Permanent | Permanence::Unknown, _) => reason::classify(words).hard(),
        (Permanence::Transient, _) => false,
    };
    if bounce.reason == Reason::OptedOut {
        return unsubscribe::everywhere(cx, t.lead, &t.recipient, "provider", &bounce.detail).await;
    }
    if hard {
        return effects::bounced(cx, t.lead, Some(t.id), &bounce.detail).await;
    }
    let detail = json!({"kind": bounce.kind, "reason": bounce.reason, "soft": true});
    tell(cx, t, Action::Undelivered, &bounce.detail, detail).await
}

/// It never left, or did not arrive: what is known to be wrong is remembered.
async fn failed(cx: &mut Cx, t: &Touch, reason: Reason, code: &str, detail: &str) -> Result<()> {
    tell(cx, t, Action::Undelivered, detail, json!({"code": code, "reason": reason})).await?;
    match (reason, t.channel) {
        (Reason::OptedOut, _) => unsubscribe::everywhere(cx, t.lead, &t.recipient, "provider", detail).await,
        (Reason::NoSuchRecipient, Channel::Email) => effects::bounced(cx, t.lead, Some(t.id), detail).await,
        (Reason::NoSuchRecipient, Channel::Sms | Channel::Voice) => gone(cx, &t.recipient, detail).await,
        (Reason::NoSuchRecipient, Channel::Mail) => postal::set_verdict(cx, t.lead, "undeliverable").await,
        (
            Reason::NoSuchRecipient
            | Reason::Blocked
            | Reason::Content
            | Reason::Sender
            | Reason::Account
            | Reason::Funds
            | Reason::Busy
            | Reason::Other,
            _,
        ) => Ok(()),
    }
}

/// A number that does not exist is not tried again by this client.
async fn gone(cx: &mut Cx, number: &str, detail: &str) -> Result<()> {
    let entry = suppression::New::phone(Scope::Client, number, Why::Bounced, "provider", detail);
    suppression::add(cx, &entry).await?;
    Ok(())
}

async fn look(
    cx: &mut Cx,
    t: &Touch,
    kind: track::Kind,
    link: Option<usize>,
    agent: Option<&str>,
) -> Result<()> {
    if let Some(watched) = track::of_touch(cx, t.id).await? {
        let link = link.and_then(|link| i16::try_from(link).ok());
        track::record(cx, &watched, kind, link, agent.unwrap_or_default(), false).await?;
    }
    Ok(())
}

/// A call is over: what came of it, what it cost, and whether the person asked not to be called again.
async fn ended(cx: &mut Cx, event: &Event, t: &Touch, end: &CallEnd) -> Result<()> {
    let outcome = serde_json::to_value(end.outcome)?;
    let outcome = outcome.as_str().unwrap_or("ended").to_owned();
    if !store::ended(cx, t.id, &outcome, end.ended_at.unwrap_or(event.at)).await? {
        return Ok(());
    }
    let estimate = Limits::load(cx, "AU", None).await?.cost(Channel::Voice)?;
    touch::store::settle_spend(cx, TouchId(t.id), estimate, end.cost.and_then(aud)).await?;
    let detail = json!({
        "answered": end.outcome.reached(), "outcome": end.outcome, "reason": end.reason, "summary": end.summary,
        "data": end.data,
    });
    let words = end.summary.clone().unwrap_or_else(|| outcome.replace('_', " "));
    tell(cx, t, Action::Called, &words, detail).await?;
    cx.publish(
        Fact::about("outreach.call.ended", t.id).with(json!({"lead_id": t.lead, "outcome": end.outcome})),
    )
    .await?;
    if end.outcome == ports::voice::Outcome::NoSuchNumber {
        return gone(cx, &t.recipient, "The number does not exist.").await;
    }
    reply::said_on_the_phone(cx, t, end).await
}
