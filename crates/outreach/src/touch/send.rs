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
    State, TouchId,
    gate::{self, Check, Purpose, Skip},
    load::{self, Loaded},
    outcome, store,
};
use crate::{
    account,
    channel::{
        Channel,
        way::{Fault, Looked, MailParts, Out, Parcel, Taken, Then},
    },
    resource::{self, Reserved},
};
use base::{Error, Micros, Result, Time};
use control::{budget, switch::Targets};
use db::Cx;
use jobs::Run;
use ports::Ports;
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
    channel: Channel,
    parcel: Box<dyn Parcel>,
}

enum Decision {
    Go(Box<Intent>),
    Look(Box<Intent>),
    No(Skip),
    Slot(Skip),
    Done,
    NotDue,
}

/// Hands a touch to its provider, exactly once however often and wherever it is called.
pub async fn hand_off(run: &Run, sender: &Sender, id: TouchId) -> Result<Handed> {
    let mut cx = run.begin().await?;
    let decision = decide(&mut cx, run, sender, id).await?;
    let intent = match decision {
        Decision::NotDue => return Ok(Handed::NotDue),
        Decision::Done => {
            cx.commit().await?;
            return Ok(Handed::Sent);
        }
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
        channel: Some(intent.channel.word()),
        agent: Some("outreach"),
        ..Targets::default()
    };
    if run.cancel().is_cancelled() || sender.switches.stops(run.tenant()?, &targets).is_some() {
        // Stop came between the record and the call: nothing has left, so the intent is taken back.
        return take_back(run, id, "A switch was engaged before the hand-off.").await;
    }
    let result = run.fenced(intent.parcel.send(&sender.ports)).await?;
    conclude(run, id, result).await
}

async fn conclude(run: &Run, id: TouchId, result: Result<Taken, Fault>) -> Result<Handed> {
    match result {
        Ok(taken) => {
            let mut cx = run.begin().await?;
            outcome::sent(&mut cx, id, &taken).await?;
            cx.commit().await?;
            Ok(Handed::Sent)
        }
        Err(fault) => match fault.then {
            Then::Unknown => {
                // The next try looks the message up before it does anything else.
                tracing::warn!(touch = %id, detail = fault.detail, "the outcome of a hand-off was lost");
                Ok(Handed::TryAgain(run.db().clock().now().plus_s(30)))
            }
            Then::TryAgain => take_back(run, id, &fault.detail).await,
            Then::AddressGone | Then::OptedOut | Then::End => {
                let mut cx = run.begin().await?;
                load::lock(&mut cx, id).await?;
                run.hold(&mut cx).await?;
                outcome::failed(&mut cx, id, &fault).await?;
                cx.commit().await?;
                Ok(Handed::Ended(State::Failed))
            }
        },
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
        return Ok(Decision::Look(Box::new(intent(cx, sender, id, &loaded).await?)));
    }
    if loaded.manual {
        return done_by_person(cx, id, &loaded).await;
    }
    // The checks that reserve nothing first, then what is reserved, then the rest: the order of the gate. A
    // refusal on the way gives everything back.
    let now = cx.now();
    let inputs = loaded.inputs(now, gate::Resource::Ready, None)?;
    if let Err(skip) = gate::before_reserving(&inputs, Purpose::Send) {
        return Ok(Decision::No(skip));
    }
    let Some(own) = loaded.resource.as_ref() else {
        return Ok(Decision::No(Skip::never(Check::Resource, "none", "No sending identity is assigned.")));
    };
    if let Some(why) = resource::check::unready(own, loaded.limits.dns_days()?, now) {
        let again = loaded.window().next_open(now.plus_s(3_600));
        return Ok(Decision::No(Skip { check: Check::Resource, code: "dns", detail: why, retry_at: again }));
    }
    let reserve = resource::Reserve {
        resource: own.id.uuid(),
        campaign: loaded.campaign_id,
        campaign_daily: loaded.daily_limit,
        slot_at: loaded.slot_at,
        window: loaded.window(),
        form: loaded.form,
        channel_daily: loaded.channel_daily,
    };
    let capacity = match resource::reserve(cx, &loaded.limits, &reserve).await? {
        Reserved::Yes(capacity) => capacity,
        Reserved::Slot(slot_at) => {
            // The sender keeps this slot for the touch, so this transaction is kept.
            let detail = format!("The sender is free again at {slot_at}.");
            return Ok(Decision::Slot(Skip::until(Check::Resource, resource::PACED, detail, slot_at)));
        }
        Reserved::No(code, detail, retry_at) => {
            return Ok(Decision::No(Skip { check: Check::Resource, code, detail, retry_at }));
        }
    };
    let spend = match set_aside(cx, &loaded, own).await? {
        Ok(spend) => spend,
        Err(skip) => return Ok(Decision::No(skip)),
    };
    if let Err(skip) = gate::after_reserving(&inputs, Purpose::Send) {
        return Ok(Decision::No(skip));
    }
    store::record_intent(cx, id, &capacity, spend, run).await?;
    Ok(Decision::Go(Box::new(intent(cx, sender, id, &loaded).await?)))
}

/// A person did it and said so: what holds of the lead must hold still, and it is recorded as done.
async fn done_by_person(cx: &mut Cx, id: TouchId, loaded: &Loaded) -> Result<Decision> {
    let inputs = loaded.inputs(cx.now(), gate::Resource::Ready, None)?;
    if let Err(skip) = gate::decide(&inputs, Purpose::Task) {
        return Ok(Decision::No(skip));
    }
    let taken = Taken { response: "done by a person".to_owned(), ..Taken::default() };
    outcome::done(cx, id, &taken).await?;
    Ok(Decision::Done)
}

/// Money for one message over an account at a provider; a server of one's own costs nothing a message.
async fn set_aside(
    cx: &mut Cx,
    loaded: &Loaded,
    own: &resource::Resource,
) -> Result<Result<Option<uuid::Uuid>, Skip>> {
    let micros = loaded.limits.cost(loaded.channel)?;
    if own.account.is_none() || micros == Micros(0) {
        return Ok(Ok(None));
    }
    let estimate = budget::Estimate {
        agent: "outreach",
        task: "outreach.send",
        provider: &own.provider,
        model: None,
        unit: "messages",
        units: 1,
        micros,
        campaign: Some(loaded.campaign_id),
        lead: Some(loaded.lead_id),
    };
    match budget::reserve(cx, &estimate).await {
        Ok(reservation) => Ok(Ok(Some(reservation.id.uuid()))),
        Err(error) if error.code() == "budget.exhausted" || error.code() == "budget.unreadable" => {
            let again = cx.now().plus_s(BUDGET_AGAIN_S);
            Ok(Err(Skip::until(Check::Budget, "exhausted", error.message(), again)))
        }
        Err(error) => Err(error),
    }
}

/// How soon a message that found no money is looked at again.
const BUDGET_AGAIN_S: i64 = 1_800;

async fn intent(cx: &mut Cx, sender: &Sender, id: TouchId, loaded: &Loaded) -> Result<Intent> {
    let content =
        loaded.content.as_ref().ok_or_else(|| Error::internal("A touch without content passed the gate."))?;
    let own = loaded
        .resource
        .as_ref()
        .ok_or_else(|| Error::internal("A touch without a sender passed the gate."))?;
    let keys = resource::keys(cx, &sender.keyring, own).await?;
    let report_to = match own.account {
        Some(used) => {
            let used = account::get(cx, used).await?;
            Some(account::report_to(cx, &sender.keyring, &sender.origin, &used).await?)
        }
        None => None,
    };
    let link = |path: String| {
        format!("{}{path}", sender.origin).parse().map_err(|cause: url::ParseError| {
            Error::invalid("public_url", "The public URL in the settings is not a URL.").caused_by(cause)
        })
    };
    let mail = MailParts {
        message_id: loaded.message_id.clone(),
        in_reply_to: loaded.in_reply_to.clone(),
        refs: loaded.refs.clone(),
        unsubscribe: loaded
            .unsubscribe_token
            .as_ref()
            .map(|token| link(format!("/u/{token}")))
            .transpose()?,
        track: loaded.track_token.as_ref().map(|token| link(format!("/t/{token}"))).transpose()?,
    };
    let now = cx.now();
    let out = Out {
        id: id.uuid(),
        now,
        first_at: loaded.first_at.unwrap_or(now),
        last_at: loaded.last_at.unwrap_or(now),
        content,
        form: loaded.form,
        person: &loaded.person,
        resource: own,
        keys: &keys,
        mail: &mail,
        provider_ref: loaded.provider_ref.as_deref(),
        report_to,
        window: loaded.window(),
        client: &loaded.client_name,
        call_max_s: loaded.limits.call_max_s()?,
    };
    let parcel = loaded.channel.way().pack(&out)?;
    Ok(Intent { campaign: loaded.campaign_id, channel: loaded.channel, parcel })
}

/// A lost outcome is looked up: sent stays sent, certainly not sent goes back, else a person decides.
async fn look_up(run: &Run, sender: &Sender, id: TouchId, intent: &Intent) -> Result<Handed> {
    let found = intent.parcel.find(&sender.ports).await?;
    let mut cx = run.begin().await?;
    load::lock(&mut cx, id).await?;
    run.hold(&mut cx).await?;
    let handed = match found {
        Looked::Taken(taken) => {
            outcome::sent(&mut cx, id, &taken).await?;
            Handed::Sent
        }
        Looked::NotSeen => {
            let again = store::take_back(&mut cx, id, "The provider never got it.").await?.is_some();
            if again { Handed::TryAgain(run.db().clock().now()) } else { Handed::Ended(State::Cancelled) }
        }
        Looked::CannotTell => {
            outcome::unknown(&mut cx, id).await?;
            Handed::Ended(State::Unknown)
        }
    };
    cx.commit().await?;
    Ok(handed)
}
