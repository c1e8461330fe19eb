//! The hand-off of a batch: gate and intents in one transaction, the calls with none open, the outcomes in
//! another one for those that come back at about the same time.
//!
//! What exactly once rests on. Each touch has a job of its own, though many run as one call. The intent is
//! committed with the job and the attempt that recorded it, in a transaction that holds the job's row: a try
//! whose lease is gone cannot record one, nor take one back that is not its own. A worker that dies in the
//! middle of a batch leaves intents behind; whoever gets their jobs looks each of them up. The call itself is fenced ([`Run::fenced`]): before each of its steps the worker's lease is
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
    decide::{self, Decided, Intent, Member},
    gate::Skip,
    load, outcome, record, store,
};
use crate::channel::way::{Fault, Looked, Taken, Then};
use base::{Error, Result, Time};
use control::switch::Targets;
use futures::{StreamExt, stream::FuturesUnordered};
use jobs::Run;
use ports::Ports;
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

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

/// Calls of one batch that are under way at once.
const CALLS_AT_ONCE: usize = 16;
/// Lost outcomes of one batch that are looked up at once; each holds a connection to the database for a while.
const LOOKS_AT_ONCE: usize = 4;
/// A call whose turn has not come by then does not begin any more: what was decided grows old.
const BEGIN_WITHIN: Duration = Duration::from_secs(60);
/// Outcomes that come within this time of each other are recorded together.
const GATHER: Duration = Duration::from_millis(60);

/// Hands a touch to its provider, exactly once however often and wherever it is called.
pub async fn hand_off(run: &Run, sender: &Sender, id: TouchId) -> Result<Handed> {
    hand_off_all(&[(id, run)], sender).await.pop().unwrap_or(Ok(Handed::NotDue))
}

/// Hands touches of one tenant to their providers, each exactly once however often and wherever it is
/// called; the answers in their order.
///
/// A touch that the batch cannot take along (somebody holds its lead), and each touch of a batch that failed
/// as a whole, goes alone afterwards, where nobody waits for it and its error is its own.
pub async fn hand_off_all(batch: &[(TouchId, &Run)], sender: &Sender) -> Vec<Result<Handed>> {
    let members: Vec<Member<'_>> = batch.iter().map(|(touch, run)| Member { touch: *touch, run }).collect();
    let mut answers: Vec<Option<Result<Handed>>> = members.iter().map(|_| None).collect();
    for place in together(&members, sender, &mut answers).await {
        if let (Some(member), Some(answer)) = (members.get(place), answers.get_mut(place)) {
            together(&[*member], sender, std::slice::from_mut(answer)).await;
        }
    }
    answers.into_iter().map(|answer| answer.unwrap_or(Ok(Handed::NotDue))).collect()
}

/// One batch: decides, calls, records. Returns the places of those that are to go alone.
async fn together(
    members: &[Member<'_>],
    sender: &Sender,
    answers: &mut [Option<Result<Handed>>],
) -> Vec<usize> {
    let decided = match decide::decide(members, sender).await {
        Ok(decided) => decided,
        Err(error) => {
            let is_away = members.first().is_some_and(|member| member.run.db().is_away());
            if members.len() > 1 && !is_away {
                tracing::info!(%error, touches = members.len(), "touches could not be decided together");
                return (0..members.len()).collect();
            }
            for answer in answers {
                *answer = Some(Err(Error::new(error.kind(), error.code(), error.message())));
            }
            return Vec::new();
        }
    };
    let (mut calls, mut looks, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for (place, (member, decided)) in members.iter().zip(decided).enumerate() {
        let handed = match decided {
            Ok(Decided::Go(intent)) => {
                calls.push(Call { place, member: *member, intent });
                continue;
            }
            Ok(Decided::Look(intent)) => {
                looks.push(Call { place, member: *member, intent });
                continue;
            }
            Ok(Decided::Alone) => {
                alone.push(place);
                continue;
            }
            Ok(Decided::Settled(handed)) => Ok(handed),
            Err(error) => Err(error),
        };
        put(answers, place, handed);
    }
    for (place, handed) in call_all(calls, sender).await {
        put(answers, place, handed);
    }
    let (mut looks, mut under_way) = (looks.into_iter(), FuturesUnordered::new());
    loop {
        while under_way.len() < LOOKS_AT_ONCE
            && let Some(Call { place, member, intent }) = looks.next()
        {
            under_way.push(async move { (place, look_up(member.run, sender, member.touch, &intent).await) });
        }
        let Some((place, handed)) = under_way.next().await else { return alone };
        put(answers, place, handed);
    }
}

fn put(answers: &mut [Option<Result<Handed>>], place: usize, handed: Result<Handed>) {
    if let Some(answer) = answers.get_mut(place) {
        *answer = Some(handed);
    }
}

/// A recorded intent on its way.
struct Call<'r> {
    place: usize,
    member: Member<'r>,
    intent: Intent,
}

/// How a call came out.
enum Came {
    /// The provider answered, or its answer was lost.
    Answered(Result<Taken, Fault>),
    /// It did not begin, and why.
    NotBegun(&'static str),
    /// The worker's lease ended in the middle.
    Lost(Error),
}

/// Makes the calls, some at once, and records what comes back as it comes: a slow one keeps nobody else's
/// outcome waiting.
async fn call_all(calls: Vec<Call<'_>>, sender: &Sender) -> Vec<(usize, Result<Handed>)> {
    let (begun, count) = (Instant::now(), calls.len());
    let (came, mut arrivals) = mpsc::unbounded_channel();
    let calling = async {
        let (mut calls, mut under_way) = (calls.into_iter(), FuturesUnordered::new());
        loop {
            while under_way.len() < CALLS_AT_ONCE
                && let Some(call) = calls.next()
            {
                under_way.push(async move {
                    let came = make(&call, sender, begun).await;
                    (call, came)
                });
            }
            let Some(one) = under_way.next().await else { break };
            // The other half of this future listens until the last one came.
            let _listens = came.send(one);
        }
    };
    let recording = async {
        let mut all = Vec::with_capacity(count);
        while all.len() < count {
            let Some(first) = arrivals.recv().await else { break };
            let mut chunk = vec![first];
            let until = Instant::now() + GATHER;
            while all.len() + chunk.len() < count {
                match tokio::time::timeout_at(until, arrivals.recv()).await {
                    Ok(Some(one)) => chunk.push(one),
                    Ok(None) | Err(_) => break,
                }
            }
            all.extend(conclude_all(chunk).await);
        }
        all
    };
    let ((), all) = futures::join!(calling, recording);
    all
}

async fn make(call: &Call<'_>, sender: &Sender, begun: Instant) -> Came {
    let (run, intent) = (call.member.run, &call.intent);
    let targets = Targets {
        campaign: Some(intent.campaign),
        channel: Some(intent.channel.word()),
        agent: Some("outreach"),
        ..Targets::default()
    };
    let stopped = match run.tenant() {
        Ok(tenant) => run.cancel().is_cancelled() || sender.switches.stops(tenant, &targets).is_some(),
        Err(error) => return Came::Lost(error),
    };
    if stopped {
        // Stop came between the record and the call: nothing has left, so the intent is taken back.
        return Came::NotBegun("A switch was engaged before the hand-off.");
    }
    if begun.elapsed() > BEGIN_WITHIN {
        return Came::NotBegun("Those before it took too long; it is asked about again.");
    }
    match run.fenced(intent.parcel.send(&sender.ports)).await {
        Ok(answer) => Came::Answered(answer),
        Err(lost) => Came::Lost(lost),
    }
}

/// Records outcomes that came at about the same time: deliveries together, the others each by itself.
async fn conclude_all(chunk: Vec<(Call<'_>, Came)>) -> Vec<(usize, Result<Handed>)> {
    let mut all = Vec::with_capacity(chunk.len());
    let mut taken = Vec::new();
    for (call, came) in chunk {
        let Member { touch, run } = call.member;
        let handed = match came {
            Came::Answered(Ok(receipt)) => {
                taken.push((call, receipt));
                continue;
            }
            Came::Answered(Err(fault)) => conclude(run, touch, fault).await,
            Came::NotBegun(why) => take_back(run, touch, why).await,
            Came::Lost(error) => Err(error),
        };
        all.push((call.place, handed));
    }
    match record_sent(&taken).await {
        Ok(()) => all.extend(taken.iter().map(|(call, _)| (call.place, Ok(Handed::Sent)))),
        Err(error) => {
            if taken.len() > 1 {
                tracing::info!(%error, touches = taken.len(), "deliveries could not be recorded together");
            }
            for one in &taken {
                let recorded = record_sent(std::slice::from_ref(one)).await;
                all.push((one.0.place, recorded.map(|()| Handed::Sent)));
            }
        }
    }
    all
}

/// Records deliveries and ends their jobs, in one transaction. A try that lost its lease meanwhile records
/// its delivery all the same, and leaves the job to whoever has it.
async fn record_sent(taken: &[(Call<'_>, Taken)]) -> Result<()> {
    let Some((first, _)) = taken.first() else { return Ok(()) };
    let mut cx = first.member.run.begin().await?;
    store::by_index(&mut cx).await?;
    let all: Vec<(TouchId, &Taken)> =
        taken.iter().map(|(call, receipt)| (call.member.touch, receipt)).collect();
    record::sent_all(&mut cx, &all).await?;
    let runs: Vec<&Run> = taken.iter().map(|(call, _)| call.member.run).collect();
    Run::complete_all(&mut cx, &runs).await?;
    cx.commit().await
}

/// What follows when the provider did not take it.
async fn conclude(run: &Run, id: TouchId, fault: Fault) -> Result<Handed> {
    match fault.then {
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
    store::set_retries(&mut cx, &[store::Wait { touch: id, code: "provider", detail: why, retry_at }])
        .await?;
    cx.commit().await?;
    Ok(Handed::TryAgain(retry_at))
}

/// A lost outcome is looked up: sent stays sent, certainly not sent goes back, else a person decides.
async fn look_up(run: &Run, sender: &Sender, id: TouchId, intent: &Intent) -> Result<Handed> {
    let found = intent.parcel.find(&sender.ports).await?;
    let mut cx = run.begin().await?;
    load::lock(&mut cx, id).await?;
    run.hold(&mut cx).await?;
    let handed = match found {
        Looked::Taken(taken) => {
            record::sent(&mut cx, id, &taken).await?;
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
