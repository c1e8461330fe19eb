//! Digests leave on Monday morning: each is written down in the transaction that settles who gets it, and handed
//! over by a job whose mail is named after it. A mail whose outcome was lost is looked up and never sent twice.

use super::{digest, due, store, text};
use base::{EmailAddress, Error, Result, TenantId, Zone};
use control::notification::mail::Mailer;
use jiff::civil::Date;
use jobs::schedule::{Misfire, Schedule};
use jobs::{Job, Registry, Retry, Run};
use ports::email::{Found, MessageId, Outgoing, SendError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Looks where it is Monday morning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Look {}

impl Job for Look {
    const KIND: &'static str = "insight.digest_look";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        let now = cx.now();
        let mut begun = Vec::new();
        for (tenant, zone) in store::clients(&mut cx).await? {
            if let Some(week) = due(now, &Zone::named(&zone)?) {
                begun.push((TenantId(tenant), Begin { week: week.to_string() }));
            }
        }
        jobs::enqueue_for(&mut cx, &begun).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Settles who gets a client's digest of a week.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    week: String,
}

fn monday(text: &str) -> Result<Date> {
    text.parse().map_err(|cause: jiff::Error| {
        Error::invalid("digest.week", format!("“{text}” is not a day.")).caused_by(cause)
    })
}

impl Job for Begin {
    const KIND: &'static str = "insight.digest";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let week = monday(&self.week)?;
        let mut cx = run.begin().await?;
        for (mail, _) in store::address(&mut cx, week).await? {
            jobs::enqueue(&mut cx, &Deliver { mail }).await?;
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Hands one digest over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deliver {
    mail: Uuid,
}

impl Job for Deliver {
    const KIND: &'static str = "insight.digest_mail";
    const TIMEOUT_S: u64 = 120;
    type State = Mailer;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, mailer: &Mailer) -> Result<()> {
        let Some((outgoing, begun)) = prepare(run, mailer, self.mail).await? else { return Ok(()) };
        if begun {
            match mailer.sender.find(&mailer.account, &outgoing.message_id).await? {
                Found::Delivered => {
                    return settle(run, self.mail, "sent", "found at the server after its answer was lost")
                        .await;
                }
                Found::CannotTell => {
                    let said = "its outcome was lost and this server cannot be asked";
                    return settle(run, self.mail, "unknown", said).await;
                }
                Found::NotSeen => {}
            }
        }
        match run.fenced(mailer.sender.send(&mailer.account, &outgoing)).await? {
            Ok(accepted) => settle(run, self.mail, "sent", &accepted.response).await,
            Err(cause @ SendError::Unknown { .. }) => Err(later(cause)),
            Err(cause) if cause.may_retry() => {
                let mut cx = run.begin().await?;
                run.hold(&mut cx).await?;
                store::moved(&mut cx, self.mail, "waiting", &cause.to_string()).await?;
                cx.commit().await?;
                Err(later(cause))
            }
            Err(cause) => {
                tracing::error!(mail = %self.mail, error = %cause, "a digest cannot be mailed: check the mail settings and the person's address");
                settle(run, self.mail, "failed", &cause.to_string()).await
            }
        }
    }
}

fn later(cause: SendError) -> Error {
    Error::unavailable("digest.mail", "A digest could not be mailed now; it is tried again.").caused_by(cause)
}

/// Writes the mail and marks it as under way. None: it is settled, or nobody wants it any more.
async fn prepare(run: &Run, mailer: &Mailer, id: Uuid) -> Result<Option<(Outgoing, bool)>> {
    let mut cx = run.begin().await?;
    let found = store::mail(&mut cx, id).await?;
    let Some(mail) = found else {
        run.complete_in(&mut cx).await?;
        cx.commit().await?;
        return Ok(None);
    };
    let begun = mail.state == "sending";
    if !(begun || mail.member && store::wanted(&mut cx, mail.person).await?) {
        store::moved(&mut cx, id, "dropped", "It is no longer wanted.").await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await?;
        return Ok(None);
    }
    let digest = digest(&mut cx, monday(&mail.week)?).await?;
    let outgoing = Outgoing {
        message_id: MessageId::of(id, &mailer.from.address),
        date: cx.now(),
        from: mailer.from.clone(),
        to: vec![EmailAddress::parse(&mail.email)?],
        reply_to: None,
        subject: text::subject(&digest),
        text: text::body(&digest, &mail.name, &mailer.origin),
        html: None,
        calendar: None,
        in_reply_to: None,
        references: Vec::new(),
        list_unsubscribe: None,
        headers: vec![("Auto-Submitted".to_owned(), "auto-generated".to_owned())],
    };
    store::moved(&mut cx, id, "sending", "").await?;
    // A worker whose lease is gone must not begin an effect.
    run.hold(&mut cx).await?;
    cx.commit().await?;
    Ok(Some((outgoing, begun)))
}

/// The mail's end, with the job's in one transaction.
async fn settle(run: &Run, id: Uuid, state: &str, said: &str) -> Result<()> {
    let mut cx = run.begin().await?;
    store::moved(&mut cx, id, state, said).await?;
    run.complete_in(&mut cx).await?;
    cx.commit().await
}

/// Adds these kinds and the schedule. Monday begins in the east when it is still Sunday in UTC.
pub(crate) fn register(registry: &mut Registry, mailer: Mailer) {
    registry.register::<Look>(()).register::<Begin>(()).register::<Deliver>(mailer);
    let look = Schedule::new("insight.digest_look", "5 * * * 0,1", Zone::utc(), Misfire::Once, &Look {});
    registry.schedule(look.expect("a fixed cron expression"));
}
