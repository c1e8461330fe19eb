//! The hand-off: gate and intent in one transaction, the call with none open, the outcome in another.
//!
//! What exactly once rests on. The intent is committed with the job and the attempt that recorded it, in a
//! transaction that holds the job's row: a try whose lease is gone cannot record one, nor take one back that
//! is not its own. The call itself is fenced ([`Run::fenced`]): before each of its steps the worker's lease is
//! looked at by the worker's own clock, so that a process that was frozen (SIGSTOP, a debugger, a stalled
//! disk) and wakes after its lease drops the connection and sends nothing further.
//!
//! What is left: a process that is frozen *between* that look and the moment at which the kernel takes the
//! last bytes of the message from it, a few microseconds within one step, and sleeps past its lease with a
//! server that waits for it all the while. The bytes then in flight are outside anybody's power: SMTP has no
//! conditional hand-over. Against that remainder stands the Message-ID, made once for a draft and the same
//! for every try: servers that drop repeated Message-IDs, and most readers' programs, show one mail, and
//! a provider that can be asked ([`ports::email::EmailSender::find`]) is asked before any second try. A
//! mail that left although its try had been taken back is recorded as sent, never sent once more.

use super::{
    EmailContent, State, TouchId,
    gate::{self, Check, Purpose, Skip},
    load::{self, Loaded},
    outcome, store,
};
use crate::resource::{self, Reserved};
use base::{EmailAddress, Error, Result, Time};
use control::switch::Targets;
use db::Cx;
use jobs::Run;
use ports::{
    Ports,
    email::{EmailAccount, Found, ListUnsubscribe, Mailbox, MessageId, Outgoing, SendError},
};
use std::sync::Arc;

/// How a try to hand off ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Handed {
    /// The provider took it.
    Sent,
    /// The gate refused; with a time, it is tried again then.
    Refused(Skip),
    /// The provider refused it for good, or the outcome is lost and a person decides.
    Ended(State),
    /// Nothing was handed over; try again at this instant.
    TryAgain(Time),
    /// The touch is not waiting to be sent (withdrawn, already sent).
    NotDue,
}

/// What one process needs for handing off.
#[derive(Clone)]
pub struct Sender {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// Where unsubscribe links lead: the installation's public address.
    pub origin: String,
    /// Opens sealed credentials.
    pub keyring: Arc<control::secret::Keyring>,
    /// Tells within milliseconds that a switch was engaged.
    pub switches: control::switch::Watch,
}

/// What the call needs, after its intent is recorded.
struct Intent {
    campaign: uuid::Uuid,
    mail: Outgoing,
    account: EmailAccount,
}

enum Decision {
    Go(Box<Intent>),
    Look(Box<Intent>),
    No(Skip),
    Slot(Skip),
    NotDue,
}

/// Hands a touch to its provider, exactly once however often and wherever it is called.
pub async fn hand_off(run: &Run, sender: &Sender, id: TouchId) -> Result<Handed> {
    let mut cx = run.begin().await?;
    let decision = decide(&mut cx, run, sender, id).await?;
    let intent = match decision {
        Decision::NotDue => return Ok(Handed::NotDue),
        Decision::No(skip) => {
            // Whatever was reserved on the way to this refusal goes back with the transaction.
            cx.rollback().await?;
            let mut cx = run.begin().await?;
            // Between the two transactions somebody else may have let it go or withdrawn it.
            if load::lock(&mut cx, id).await? != Some(State::Approved) {
                return Ok(Handed::NotDue);
            }
            outcome::refused(&mut cx, id, &skip).await?;
            cx.commit().await?;
            return Ok(Handed::Refused(skip));
        }
        Decision::Slot(skip) => {
            outcome::refused(&mut cx, id, &skip).await?;
            cx.commit().await?;
            return Ok(Handed::Refused(skip));
        }
        Decision::Look(intent) => {
            cx.rollback().await?;
            return look_up(run, sender, id, &intent).await;
        }
        Decision::Go(intent) => {
            // A worker whose lease is gone must not begin an effect.
            run.hold(&mut cx).await?;
            cx.commit().await?;
            intent
        }
    };
    let targets = Targets {
        campaign: Some(intent.campaign),
        channel: Some("email"),
        agent: Some("outreach"),
        ..Targets::default()
    };
    if run.cancel().is_cancelled() || sender.switches.stops(run.tenant()?, &targets).is_some() {
        // Stop came between the record and the call: nothing has left, so the intent is taken back.
        return take_back(run, id, "A switch was engaged before the hand-off.").await;
    }
    let result = run.fenced(sender.ports.email.send(&intent.account, &intent.mail)).await?;
    conclude(run, id, result).await
}

async fn conclude(
    run: &Run,
    id: TouchId,
    result: Result<ports::email::Accepted, SendError>,
) -> Result<Handed> {
    match result {
        Ok(accepted) => {
            let mut cx = run.begin().await?;
            outcome::sent(&mut cx, id, accepted.provider_ref.as_deref(), &accepted.response).await?;
            cx.commit().await?;
            Ok(Handed::Sent)
        }
        Err(SendError::Unknown { host, detail }) => {
            // The next try looks the message up before it does anything else.
            tracing::warn!(touch = %id, host, detail, "the outcome of a hand-off was lost");
            Ok(Handed::TryAgain(run.db().clock().now().plus_s(30)))
        }
        Err(error) if error.may_retry() => take_back(run, id, &error.to_string()).await,
        Err(error) => {
            let mut cx = run.begin().await?;
            load::lock(&mut cx, id).await?;
            run.hold(&mut cx).await?;
            outcome::failed(&mut cx, id, &error).await?;
            cx.commit().await?;
            Ok(Handed::Ended(State::Failed))
        }
    }
}

/// Delays of the tries after a provider that did not take the message, in seconds.
const RETRY_S: [i64; 5] = [60, 300, 900, 3_600, 14_400];

async fn take_back(run: &Run, id: TouchId, why: &str) -> Result<Handed> {
    let mut cx = run.begin().await?;
    load::lock(&mut cx, id).await?;
    // Only whoever still holds the job may say that nothing left: another try may be on its way.
    run.hold(&mut cx).await?;
    let Some(tries) = store::take_back(&mut cx, id, why).await? else {
        // Its sequence was stopped or paused while it was handed over, so that nothing is tried again.
        cx.commit().await?;
        return Ok(Handed::Ended(State::Cancelled));
    };
    let wait_s =
        usize::try_from(tries).ok().and_then(|n| RETRY_S.get(n.saturating_sub(1))).copied().unwrap_or(14_400);
    let retry_at = cx.now().plus_s(wait_s);
    store::set_retry(&mut cx, id, "provider", why, retry_at).await?;
    cx.commit().await?;
    Ok(Handed::TryAgain(retry_at))
}

async fn decide(cx: &mut Cx, run: &Run, sender: &Sender, id: TouchId) -> Result<Decision> {
    let Some(state) = load::lock(cx, id).await? else {
        return Err(Error::not_found("touch"));
    };
    match state {
        State::Approved | State::Sending => {}
        State::Planned
        | State::Written
        | State::AwaitingApproval
        | State::Sent
        | State::Unknown
        | State::Failed
        | State::Skipped
        | State::Cancelled => return Ok(Decision::NotDue),
    }
    let loaded = load::load(cx, id).await?;
    if state == State::Sending {
        // An earlier try recorded its intent and vanished: look before anything else.
        return Ok(Decision::Look(Box::new(intent(cx, sender, &loaded).await?)));
    }
    // The free checks first, so that nothing is reserved for a touch that may not go.
    let now = cx.now();
    if let Err(skip) = gate::decide(&loaded.inputs(now, gate::Resource::Ready, None)?, Purpose::Send) {
        return Ok(Decision::No(skip));
    }
    let Some(resource_id) = loaded.resource_id else {
        return Ok(Decision::No(Skip::never(Check::Resource, "none", "No sending identity is assigned.")));
    };
    let reserve = resource::Reserve {
        resource: resource_id,
        campaign: loaded.campaign_id,
        campaign_daily: loaded.daily_limit,
        slot_at: loaded.slot_at,
        window: loaded.window(),
    };
    match resource::reserve(cx, &loaded.limits, &reserve).await? {
        Reserved::Yes(capacity) => {
            store::record_intent(cx, id, &capacity, run).await?;
            Ok(Decision::Go(Box::new(intent(cx, sender, &loaded).await?)))
        }
        Reserved::Slot(slot_at) => {
            // The mailbox keeps this slot for the touch, so this transaction is kept.
            let detail = format!("The mailbox sends again at {slot_at}.");
            Ok(Decision::Slot(Skip::until(Check::Resource, resource::PACED, detail, slot_at)))
        }
        Reserved::No(code, detail, retry_at) => {
            Ok(Decision::No(Skip { check: Check::Resource, code, detail, retry_at }))
        }
    }
}

async fn intent(cx: &mut Cx, sender: &Sender, loaded: &Loaded) -> Result<Intent> {
    let content =
        loaded.content.as_ref().ok_or_else(|| Error::internal("A touch without content passed the gate."))?;
    let resource_id =
        loaded.resource_id.ok_or_else(|| Error::internal("A touch without a sender passed the gate."))?;
    let resource = resource::get(cx, resource_id).await?;
    let account = resource::account(cx, &sender.keyring, &resource).await?;
    let mail = outgoing(cx.now(), loaded, content, &resource, &sender.origin)?;
    Ok(Intent { campaign: loaded.campaign_id, mail, account })
}

fn outgoing(
    now: Time,
    loaded: &Loaded,
    content: &EmailContent,
    resource: &resource::Resource,
    origin: &str,
) -> Result<Outgoing> {
    let id = |text: &str| MessageId::parse(text);
    let message_id =
        loaded.message_id.as_deref().ok_or_else(|| Error::internal("A touch has no Message-ID."))?;
    let token = loaded
        .unsubscribe_token
        .as_deref()
        .ok_or_else(|| Error::internal("A touch has no unsubscribe token."))?;
    let https = format!("{origin}/u/{token}").parse().map_err(|cause: url::ParseError| {
        Error::invalid("public_url", "The public URL in the settings is not a URL.").caused_by(cause)
    })?;
    let address = EmailAddress::parse(&resource.address)?;
    Ok(Outgoing {
        message_id: id(message_id)?,
        date: now,
        from: Mailbox { name: resource.display_name.clone(), address: address.clone() },
        to: vec![EmailAddress::parse(&content.to)?],
        reply_to: None,
        subject: content.subject.clone(),
        text: content.body.clone(),
        html: None,
        calendar: None,
        in_reply_to: loaded.in_reply_to.as_deref().map(id).transpose()?,
        references: loaded.refs.iter().map(|text| id(text)).collect::<Result<_>>()?,
        list_unsubscribe: Some(ListUnsubscribe { https, mailto: Some(address) }),
        headers: Vec::new(),
    })
}

/// A lost outcome is looked up: sent stays sent, certainly not sent goes back, else a person decides.
async fn look_up(run: &Run, sender: &Sender, id: TouchId, intent: &Intent) -> Result<Handed> {
    let found = sender.ports.email.find(&intent.account, &intent.mail.message_id).await?;
    match found {
        Found::Delivered => {
            let mut cx = run.begin().await?;
            load::lock(&mut cx, id).await?;
            run.hold(&mut cx).await?;
            outcome::sent(&mut cx, id, None, "found at the provider after its answer was lost").await?;
            cx.commit().await?;
            Ok(Handed::Sent)
        }
        Found::NotSeen => {
            let mut cx = run.begin().await?;
            load::lock(&mut cx, id).await?;
            run.hold(&mut cx).await?;
            let again = store::take_back(&mut cx, id, "The provider never got it.").await?.is_some();
            cx.commit().await?;
            Ok(if again { Handed::TryAgain(run.db().clock().now()) } else { Handed::Ended(State::Cancelled) })
        }
        Found::CannotTell => {
            let mut cx = run.begin().await?;
            load::lock(&mut cx, id).await?;
            run.hold(&mut cx).await?;
            outcome::unknown(&mut cx, id).await?;
            cx.commit().await?;
            Ok(Handed::Ended(State::Unknown))
        }
    }
}
