//! Reminders of a payment that failed: a durable flow over the days of the terms. Each reminder is a row for
//! each owner and admin, handed over by a job of its own; the flow ends by itself when the payment comes.

mod letter;
mod store;
#[cfg(test)]
mod tests;

pub use store::{Notice, list};

use crate::desk::Desk;
use crate::invoice;
use crate::plan::term;
use crate::subscription::{self, Status, SubscriptionId};
use accounts::{member, tenant};
use base::{EmailAddress, Error, Result, Role, Time};
use control::notification::{self, Kind, Notification, Severity};
use db::Cx;
use jobs::flow::{Flow, Steps};
use jobs::{Job, Options, Registry, Retry, Run};
use ports::email::{MessageId, Outgoing, SendError};
use serde::{Deserialize, Serialize};

base::id_type!(
    /// One reminder to one reader.
    NoticeId
);

/// Where a reminder stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "billing.notice_state", rename_all = "snake_case")]
pub enum State {
    /// On its way.
    Due,
    /// The mail server has it.
    Sent,
    /// The mail server refused it, or its outcome was lost.
    Failed,
}

/// Begins the reminders of a subscription whose payment failed at `since`, in the transaction that saw it.
pub(crate) async fn begin(cx: &mut Cx, subscription: SubscriptionId, since: Time) -> Result<()> {
    let unique_key = Some(format!("{subscription}:{since}"));
    let options = Options { unique_key, ..Options::default() };
    jobs::flow::start(cx, Dunning { subscription, since }, options).await?;
    Ok(())
}

/// The reminders of one missing payment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Dunning {
    subscription: SubscriptionId,
    since: Time,
}

impl Flow for Dunning {
    const KIND: &'static str = "billing.dunning";
    const VERSION: i32 = 1;
    type State = ();

    fn retry() -> Retry {
        Retry::after_s(&[60, 300, 900, 3_600, 3 * 3_600])
    }

    async fn run(&self, steps: &Steps<'_>, (): &()) -> Result<()> {
        let days: Vec<i32> = steps.step_in("days", |cx| Box::pin(term::dunning_days(cx))).await?;
        let (flow, last) = (self.clone(), days.last().copied());
        for day in days {
            steps.sleep_until(&format!("until day {day}"), self.since.plus_days(i64::from(day))).await?;
            let flow = flow.clone();
            let owed: bool = steps
                .step_in(&format!("day {day}"), move |cx| {
                    Box::pin(async move { remind(cx, &flow, day, Some(day) == last).await })
                })
                .await?;
            if !owed {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Writes the reminders of a day; false when nothing is owed any more.
async fn remind(cx: &mut Cx, flow: &Dunning, day: i32, last: bool) -> Result<bool> {
    let live = subscription::live(cx).await?;
    let owed = live.is_some_and(|sub| {
        sub.id == flow.subscription && sub.status == Status::PastDue && sub.past_due_since == Some(flow.since)
    });
    if !owed {
        return Ok(false);
    }
    let readers = member::list(cx).await?.into_iter().filter(|one| one.role >= Role::Admin);
    for reader in readers {
        let Some(id) = store::insert(cx, flow.subscription, flow.since, day, last, &reader.email).await?
        else {
            continue;
        };
        jobs::enqueue(cx, &Remind { notice: id }).await?;
    }
    let told = Notification {
        kind: Kind::Spend,
        severity: Severity::Critical,
        title: "A payment is missing".to_owned(),
        body: "Nothing is sent until the open invoice is paid.".to_owned(),
        href: Some("/billing".to_owned()),
        dedupe_key: format!("billing.past_due:{}:{day}", flow.since),
        person: None,
    };
    notification::notify(cx, &told).await?;
    Ok(true)
}

/// Hands one reminder over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Remind {
    notice: NoticeId,
}

impl Job for Remind {
    const KIND: &'static str = "billing.remind";
    const TIMEOUT_S: u64 = 120;
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let mut cx = run.begin().await?;
        let notice = store::get(&mut cx, self.notice).await?;
        if notice.state != State::Due {
            return Ok(());
        }
        let (name, date) = (tenant::get(&mut cx).await?.name, cx.now());
        let open = invoice::open(&mut cx).await?;
        cx.rollback().await?;
        let letter = letter::write(&notice, &name, open.as_ref(), &desk.mailer.origin);
        let outgoing = Outgoing {
            // The same for every try of this reminder.
            message_id: MessageId::of(self.notice.uuid(), &desk.mailer.from.address),
            date,
            from: desk.mailer.from.clone(),
            to: vec![EmailAddress::parse(&notice.email)?],
            reply_to: None,
            subject: letter.subject,
            text: letter.text,
            html: None,
            calendar: None,
            in_reply_to: None,
            references: Vec::new(),
            list_unsubscribe: None,
            headers: vec![("Auto-Submitted".to_owned(), "auto-generated".to_owned())],
        };
        let sent = run.fenced(desk.mailer.sender.send(&desk.mailer.account, &outgoing)).await?;
        let mut cx = run.begin().await?;
        match sent {
            Ok(_) => store::end(&mut cx, self.notice, State::Sent, None).await?,
            Err(cause) if cause.may_retry() => {
                return Err(Error::unavailable(
                    "mail.later",
                    "The mail could not be handed over; it is tried again.",
                )
                .caused_by(cause));
            }
            // It may have arrived: it is not sent a second time.
            Err(cause @ (SendError::Refused(_) | SendError::NotStarted(_) | SendError::Unknown { .. })) => {
                store::end(&mut cx, self.notice, State::Failed, Some(&cause.to_string())).await?;
            }
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Adds the flow and the mail of reminders.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register_flow::<Dunning>(());
    registry.register::<Remind>(desk.clone());
}
