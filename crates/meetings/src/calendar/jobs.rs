//! The background work of calendars: look at a key, subscribe, work on what is told, cancel there.

use super::{
    CalendarId, Kind, account,
    apply::{calendar_of, heard, lacks_time, process},
    get, known, store, telling,
};
use crate::meeting::{self, MeetingId};
use base::{Error, Result};
use control::{
    notification::{self, Notification, Severity},
    secret::Keyring,
};
use db::Cx;
use hooks::inbox::{self, InboxId};
use jobs::{Job, Options, Registry, Retry, Run};
use ports::{
    Ports,
    calendar::{Account, Booking, Calendar as Port, Service},
    delivery::Failure,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What this work needs from the process.
#[derive(Clone)]
pub struct Clerk {
    /// Asks the services.
    pub ports: Arc<Ports>,
    /// Opens their keys.
    pub keyring: Arc<Keyring>,
    /// The installation's public address, which services tell.
    pub origin: String,
}

impl Clerk {
    fn port(&self, service: Service) -> Result<&Arc<dyn Port>> {
        self.ports.calendars.get(service)
    }
}

/// Looks whether a key is good and what can be booked, and has bookings told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Connect {
    calendar: CalendarId,
}

impl Job for Connect {
    const KIND: &'static str = "outreach.calendar_connect";
    const QUEUE: &'static str = "outreach";
    type State = Clerk;

    fn retry() -> Retry {
        Retry::after_s(&[10, 60, 300, 1_800])
    }

    async fn run(self, run: &Run, clerk: &Clerk) -> Result<()> {
        match self.once(run, clerk).await {
            Ok(()) => Ok(()),
            Err(Stopped::Refused(failure)) => {
                // The same key will be refused again: the page says so, and a person acts.
                let mut cx = run.begin().await?;
                store::failed(&mut cx, self.calendar.uuid(), &failure.to_string()).await?;
                cx.publish(db::Fact::about("outreach.calendar.failed", self.calendar)).await?;
                run.complete_in(&mut cx).await?;
                cx.commit().await
            }
            Err(Stopped::Error(error)) => Err(error),
        }
    }
}

enum Stopped {
    Refused(Failure),
    Error(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        if failure.may_retry() || failure.is_unknown() {
            Self::Error(failure.into())
        } else {
            Self::Refused(failure)
        }
    }
}

impl Connect {
    async fn once(&self, run: &Run, clerk: &Clerk) -> std::result::Result<(), Stopped> {
        let id = self.calendar.uuid();
        let mut cx = run.begin().await?;
        let calendar = get(&mut cx, id).await?;
        let account = account(&mut cx, &clerk.keyring, &calendar).await?;
        let (to, secret) = telling(&mut cx, &clerk.keyring, &clerk.origin, id).await?;
        // The transaction only read; it ends before the service is asked.
        cx.rollback().await?;
        let port = clerk.port(calendar.service()?)?;
        let owner = port.owner(&account).await?;
        let kinds: Vec<Kind> =
            port.event_types(&account, &owner).await?.into_iter().map(Kind::from).collect();
        let mut cx = run.begin().await?;
        known(&mut cx, id, &owner, &kinds).await?;
        cx.commit().await?;
        if calendar.subscription.is_none() {
            // Two subscriptions of a lost answer tell the same twice, which changes nothing.
            let subscription = port.subscribe(&account, &owner, &to, &secret).await?;
            let mut cx = run.begin().await?;
            store::subscribed(&mut cx, id, &subscription).await?;
            cx.publish(db::Fact::about("outreach.calendar.subscribed", self.calendar)).await?;
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Has the service say no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Disconnect {
    calendar: CalendarId,
    subscription: String,
}

impl Job for Disconnect {
    const KIND: &'static str = "outreach.calendar_disconnect";
    const QUEUE: &'static str = "outreach";
    type State = Clerk;

    async fn run(self, run: &Run, clerk: &Clerk) -> Result<()> {
        let mut cx = run.begin().await?;
        let calendar = get(&mut cx, self.calendar.uuid()).await?;
        let account = account(&mut cx, &clerk.keyring, &calendar).await?;
        cx.rollback().await?;
        match clerk.port(calendar.service()?)?.unsubscribe(&account, &self.subscription).await {
            Ok(()) => Ok(()),
            Err(failure) if failure.may_retry() || failure.is_unknown() => Err(failure.into()),
            Err(failure) => {
                // What still comes is answered with 404.
                tracing::warn!(calendar = %self.calendar, %failure, "a subscription could not be ended");
                Ok(())
            }
        }
    }
}

/// Works on one word of a service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Apply {
    inbox: InboxId,
}

impl Job for Apply {
    const KIND: &'static str = "outreach.calendar_word";
    const QUEUE: &'static str = "inbox";
    type State = Clerk;

    async fn run(self, run: &Run, clerk: &Clerk) -> Result<()> {
        inbox::shown(run, self.inbox, self.once(run, clerk).await).await
    }
}

impl Apply {
    async fn once(&self, run: &Run, clerk: &Clerk) -> Result<()> {
        let asked = self.ask(run, clerk).await?;
        let mut cx = run.begin().await?;
        process(&mut cx, self.inbox, asked).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }

    /// The booking of a word that does not say its time.
    async fn ask(&self, run: &Run, clerk: &Clerk) -> Result<Option<Booking>> {
        let mut cx = run.begin().await?;
        let delivery = inbox::get(&mut cx, self.inbox).await?;
        let heard = heard(&delivery)?;
        let Some(reference) = lacks_time(&heard) else { return Ok(None) };
        let (calendar, account) = there(&mut cx, clerk, calendar_of(&delivery)?).await?;
        cx.rollback().await?;
        Ok(Some(clerk.port(calendar)?.booking(&account, reference).await?))
    }
}

async fn there(cx: &mut Cx, clerk: &Clerk, id: uuid::Uuid) -> Result<(Service, Account)> {
    let calendar = get(cx, id).await?;
    Ok((calendar.service()?, account(cx, &clerk.keyring, &calendar).await?))
}

/// Cancels at the service what was cancelled here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CancelThere {
    meeting: MeetingId,
    reason: String,
}

impl Job for CancelThere {
    const KIND: &'static str = "outreach.calendar_cancel";
    const QUEUE: &'static str = "outreach";
    type State = Clerk;

    fn retry() -> Retry {
        Retry::after_s(&[10, 60, 300, 1_800, 7_200])
    }

    async fn run(self, run: &Run, clerk: &Clerk) -> Result<()> {
        let mut cx = run.begin().await?;
        let meeting = meeting::get(&mut cx, self.meeting).await?;
        let (Some(calendar), Some(reference)) = (meeting.calendar_id, &meeting.external_ref) else {
            return Ok(());
        };
        let (service, account) = there(&mut cx, clerk, calendar).await?;
        cx.rollback().await?;
        // Cancelling what is cancelled changes nothing, so a lost answer is asked for again.
        match clerk.port(service)?.cancel(&account, reference, &self.reason).await {
            Ok(()) => Ok(()),
            Err(failure) if failure.may_retry() || failure.is_unknown() => Err(failure.into()),
            Err(failure) => {
                let mut cx = run.begin().await?;
                notification::notify(&mut cx, &still_there(&meeting, service, &failure)).await?;
                run.complete_in(&mut cx).await?;
                cx.commit().await
            }
        }
    }
}

fn still_there(meeting: &meeting::Meeting, service: Service, failure: &Failure) -> Notification {
    Notification {
        kind: notification::Kind::Meeting,
        severity: Severity::Warning,
        title: format!("“{}” still stands at {}", meeting.title, service.label()),
        body: format!(
            "It was cancelled here, and {} did not take that: {failure} Cancel it there.",
            service.label()
        ),
        href: Some(format!("/meetings/{}", meeting.id)),
        dedupe_key: format!("meeting:{}:still_there", meeting.id),
        person: None,
    }
}

/// Starts the look at a calendar; one job lives for each.
pub(super) async fn enqueue_connect(cx: &mut Cx, calendar: CalendarId) -> Result<()> {
    let options = Options { unique_key: Some(calendar.to_string()), ..Options::default() };
    jobs::enqueue_with(cx, &Connect { calendar }, options).await?;
    Ok(())
}

pub(super) async fn enqueue_disconnect(cx: &mut Cx, calendar: CalendarId, subscription: &str) -> Result<()> {
    jobs::enqueue(cx, &Disconnect { calendar, subscription: subscription.to_owned() }).await?;
    Ok(())
}

/// Starts the cancellation at the service; one job lives for each meeting.
pub(crate) async fn enqueue_cancel(cx: &mut Cx, meeting: MeetingId, reason: &str) -> Result<()> {
    let options = Options { unique_key: Some(meeting.to_string()), ..Options::default() };
    jobs::enqueue_with(cx, &CancelThere { meeting, reason: reason.to_owned() }, options).await?;
    Ok(())
}

/// Registers the jobs and the reaction to what is told.
pub fn register(registry: &mut Registry, clerk: Clerk) {
    registry.register::<Connect>(clerk.clone());
    registry.register::<Disconnect>(clerk.clone());
    registry.register::<CancelThere>(clerk.clone());
    registry.register::<Apply>(clerk);
    registry.on_fact::<Apply>(inbox::RECEIVED, |fact| {
        let source = fact.payload.get("source").and_then(|s| s.as_str())?;
        let inbox = InboxId(fact.subject_id?);
        source.parse::<Service>().is_ok().then_some(Apply { inbox })
    });
}
