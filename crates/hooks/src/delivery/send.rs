//! One turn of an endpoint: claim a few, call, record each as it comes, until nothing is due.

use super::rules::{self, Verdict};
use super::store::{self, Claim, Claimed};
use super::{State, jobs};
use crate::endpoint::{self, EndpointId, Why};
use crate::{Desk, signature, stop::CHANNEL};
use ::jobs::Run;
use base::{Result, Time};
use control::notification::{Kind, Notification, Severity, notify};
use control::switch::{Stop, Targets, gate};
use db::{Cx, Fact};
use futures::{StreamExt, stream::FuturesUnordered};
use ports::webhook::{Call, Came};
use serde_json::json;

/// Calls to one endpoint at a time, over all processes; while it fails, one.
pub(super) const BUDGET: i64 = 4;
/// A call without an outcome is taken for lost after so many seconds: more than a call may take.
pub(super) const LOST_S: i64 = ports::webhook::TOTAL_S as i64 + 15;
/// A turn gives way to other endpoints after so many rounds,
const ROUNDS: usize = 25;
/// or after a round that took longer than this, in milliseconds.
const SLOW_MS: i64 = 3_000;
/// Behind an engaged switch it is asked again after so many seconds.
const STOPPED_S: i64 = 30;
/// With a secret that does not open it is tried again after so many seconds.
const UNREADABLE_S: i64 = 300;

/// Sends what is due at an endpoint.
pub(super) async fn turn(run: &Run, desk: &Desk, endpoint: EndpointId) -> Result<()> {
    for _ in 0..ROUNDS {
        let mut cx = run.begin().await?;
        let began = cx.clock().now();
        if let Err(stop) =
            gate::hold(&mut cx, &Targets { channel: Some(CHANNEL), ..Targets::default() }).await
        {
            return match stop {
                Stop::Engaged(_) => rest(run, cx, endpoint, Some(began.plus_s(STOPPED_S))).await,
                Stop::Unreadable(error) => Err(error),
            };
        }
        let claim = match store::claim(&mut cx, endpoint).await? {
            Claim::Some(claim) => claim,
            Claim::Later(at) => return rest(run, cx, endpoint, at).await,
        };
        let both = claim.previous_until.is_some_and(|until| until > began);
        let secrets = match endpoint::signing(&mut cx, &desk.ring, endpoint, both).await {
            Ok(secrets) => secrets,
            Err(error) => {
                // Nothing was claimed. Whoever mends the keys need not know of what waits here.
                drop(cx);
                let mut cx = run.begin().await?;
                jobs::wake_at(&mut cx, endpoint, began.plus_s(UNREADABLE_S)).await?;
                cx.commit().await?;
                return Err(error);
            }
        };
        cx.commit().await?;
        let mut calls: FuturesUnordered<_> =
            claim.rows.iter().map(|row| attempt(run, desk, &claim.url, &secrets, row)).collect();
        while let Some(ended) = calls.next().await {
            let (row, came, took_ms) = ended?;
            record(run, endpoint, row, &came, took_ms).await?;
        }
        if run.cancel().is_cancelled() || run.db().clock().now().ms() - began.ms() > SLOW_MS {
            break;
        }
    }
    let mut cx = run.begin().await?;
    jobs::wake(&mut cx, endpoint).await?;
    run.complete_in(&mut cx).await?;
    cx.commit().await
}

/// Ends the turn, and asks for the next one at the instant at which there is something to do.
async fn rest(run: &Run, mut cx: Cx, endpoint: EndpointId, at: Option<Time>) -> Result<()> {
    if let Some(at) = at {
        jobs::wake_at(&mut cx, endpoint, at).await?;
    }
    run.complete_in(&mut cx).await?;
    cx.commit().await
}

/// Makes one call, no longer than this worker surely holds its job.
async fn attempt<'a>(
    run: &Run,
    desk: &Desk,
    url: &str,
    secrets: &[base::Secret],
    row: &'a Claimed,
) -> Result<(&'a Claimed, Came, i32)> {
    let clock = run.db().clock();
    let began = clock.now();
    let id = rules::webhook_id(row.message);
    let timestamp_s = began.ms().div_euclid(1_000);
    let signed = signature::sign(secrets, &id, timestamp_s, row.body.as_bytes())?;
    let came = match url.parse() {
        Ok(url) => {
            let headers = vec![
                (signature::ID, id),
                (signature::TIMESTAMP, timestamp_s.to_string()),
                (signature::SIGNATURE, signed.standard),
                (signature::PLAIN, signed.plain),
            ];
            let call = Call { url, headers, body: row.body.clone().into() };
            run.fenced(desk.poster.post(&call)).await?
        }
        Err(_) => Came::Failed("the address cannot be read".to_owned()),
    };
    let took_ms = (clock.now().ms() - began.ms()).max(0);
    Ok((row, came, i32::try_from(took_ms).unwrap_or(i32::MAX)))
}

/// Records what came of a call, in a transaction of its own.
async fn record(run: &Run, endpoint: EndpointId, row: &Claimed, came: &Came, took_ms: i32) -> Result<()> {
    let mut cx = run.begin().await?;
    let at = cx.clock().now();
    let verdict = rules::judge(match came {
        Came::Answered { status, .. } => Ok(*status),
        Came::Failed(why) => Err(why),
    });
    let failures_in_a_row = store::health(&mut cx, endpoint, verdict == Verdict::Taken, at).await?;
    let (status, answer, retry_after_s) = match came {
        Came::Answered { status, head, retry_after_s } => {
            (Some(i32::from(*status)), Some(head.as_slice()), *retry_after_s)
        }
        Came::Failed(_) => (None, None, None),
    };
    let error = match &verdict {
        Verdict::Taken => None,
        Verdict::Not(why) => Some(why.as_str()),
        Verdict::Gone => Some("It answered 410: gone for good"),
    };
    store::end_attempt(&mut cx, row, &store::Ended { took_ms, status, error, answer }).await?;
    let failures = row.failures + 1;
    let next = match verdict {
        Verdict::Taken => Next::Done,
        Verdict::Not(_) | Verdict::Gone => {
            rules::next_at(failures, retry_after_s, at, cx.random()).map_or(Next::Dead, Next::At)
        }
    };
    let ours = match next {
        Next::Done => store::end(&mut cx, row, State::Succeeded, at).await?,
        Next::Dead => store::end(&mut cx, row, State::Dead, at).await?,
        Next::At(next_at) => store::postpone(&mut cx, row, failures, next_at).await?,
    };
    if ours && next == Next::Dead {
        tell(&mut cx, endpoint, row).await?;
    }
    let failing = failures_in_a_row >= endpoint::FAILURES_MAX;
    match verdict {
        Verdict::Gone => endpoint::give_up(&mut cx, endpoint, Why::Gone).await?,
        Verdict::Not(_) if failing => endpoint::give_up(&mut cx, endpoint, Why::Failing).await?,
        Verdict::Not(_) | Verdict::Taken => {}
    }
    let detail = json!({"delivery": row.id, "state": next.word()});
    cx.publish(Fact::about("hooks.delivery.attempted", endpoint).with(detail)).await?;
    cx.commit().await
}

/// What follows an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Done,
    Dead,
    At(Time),
}

impl Next {
    fn word(self) -> &'static str {
        match self {
            Self::Done => State::Succeeded.word(),
            Self::Dead => State::Dead.word(),
            Self::At(_) => State::Pending.word(),
        }
    }
}

/// Tells the members of a delivery that was given up; while they have not read it, once for an endpoint.
async fn tell(cx: &mut Cx, endpoint: EndpointId, row: &Claimed) -> Result<()> {
    let notice = Notification {
        kind: Kind::Failure,
        severity: Severity::Warning,
        title: "A webhook could not be delivered".to_owned(),
        body: format!("{} was tried {} times. You can deliver it again by hand.", row.kind, row.attempt),
        href: Some(format!("/settings/webhook-deliveries/{}", row.id)),
        dedupe_key: format!("webhook-dead:{endpoint}"),
        person: None,
    };
    notify(cx, &notice).await?;
    cx.publish(Fact::about("hooks.delivery.died", row.id).with(json!({"type": row.kind}))).await
}
