//! Mails about meetings: invitation, change, cancellation, reminders a day and an hour before. They are part
//! of a conversation that the guest began, so the outreach gate does not apply; switches do. A booking service
//! sends its own invitations, so of a meeting that was booked there only the reminders leave from here. What
//! is offered after a no-show is an answer and goes the way of answers.

use super::{Meeting, MeetingId, Status, ics, store};
use crate::offer::DATE;
use base::{EmailAddress, Error, Result, TenantId, Zone};
use control::{secret::Keyring, switch};
use db::{Cx, Scope};
use jobs::{
    Job, Options, Priority, Registry, Run,
    schedule::{Misfire, Schedule},
};
use outreach::{
    offer::Offers,
    reply::answer::{Missed, offer_again},
    resource,
};
use ports::{
    Ports,
    email::{Calendar, EmailAccount, Found, Mailbox, MessageId, Outgoing, SendError},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a mail about a meeting is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// It was booked.
    Booked,
    /// It was moved.
    Moved,
    /// It was cancelled.
    Cancelled,
    /// It is tomorrow.
    DayBefore,
    /// It is in an hour.
    HourBefore,
}

/// Who hosts a meeting.
struct Host {
    name: String,
    email: String,
}

/// What one process needs for these mails.
#[derive(Clone)]
pub struct Post {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// Opens sealed credentials.
    pub keyring: Arc<Keyring>,
    /// The installation's public address, for links.
    pub origin: String,
}

/// Sends one mail about a meeting to the guest, with the host in copy by their own invitation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invite {
    meeting: MeetingId,
    occasion: Occasion,
    sequence: i32,
    /// The secret of the guest's links; known only when the meeting is booked.
    token: Option<String>,
    to_host: bool,
}

impl Job for Invite {
    const KIND: &'static str = "outreach.meeting_mail";
    const QUEUE: &'static str = "outreach";
    type State = Post;

    async fn run(self, run: &Run, post: &Post) -> Result<()> {
        let mut cx = run.begin().await?;
        let Some((account, mail)) = self.prepare(&mut cx, post).await? else {
            return Ok(());
        };
        drop(cx);
        // The Message-ID is the same on every try: a try whose outcome was lost is looked up first.
        if run.failures() > 0 && post.ports.email.find(&account, &mail.message_id).await? == Found::Delivered
        {
            return Ok(());
        }
        match post.ports.email.send(&account, &mail).await {
            Ok(_) => Ok(()),
            Err(SendError::Unknown { .. }) => Err(Error::unavailable(
                "meeting.mail_unknown",
                "The answer of the mail server was lost; it is looked up before another try.",
            )),
            Err(error) if error.may_retry() => Err(Error::unavailable("meeting.mail", error.to_string())),
            Err(error) => Err(Error::invalid("meeting.mail_refused", error.to_string())),
        }
    }
}

impl Invite {
    async fn prepare(&self, cx: &mut Cx, post: &Post) -> Result<Option<(EmailAccount, Outgoing)>> {
        let meeting = store::get(cx, self.meeting).await?;
        if meeting.sequence != self.sequence {
            // A later change has its own mail.
            return Ok(None);
        }
        let host = host(cx, &meeting).await?;
        let targets = switch::Targets {
            campaign: meeting.campaign_id,
            channel: Some("email"),
            ..switch::Targets::default()
        };
        switch::gate::hold(cx, &targets).await?;
        let resource = resource::mailbox_used_last(cx).await?.ok_or_else(|| {
            Error::unavailable(
                "meeting.no_mailbox",
                "No mailbox is active to send the invitation from. Add or resume one.",
            )
        })?;
        let account = resource::account(cx, &post.keyring, &resource).await?;
        let invited = meeting.calendar_id.is_none().then(|| {
            let (method, ics) = ics::invitation(&meeting, &host.name, &host.email, cx.now());
            Calendar { method, ics }
        });
        let to = if self.to_host { &host.email } else { &meeting.guest_email };
        let sender = EmailAddress::parse(&resource.address)?;
        let who = if self.to_host { "host" } else { "guest" };
        let name = format!(
            "{}.{:?}.{}.{who}@{}",
            meeting.id.uuid().simple(),
            self.occasion,
            self.sequence,
            sender.domain()
        );
        let mail = Outgoing {
            message_id: MessageId::parse(&format!("<{}>", name.to_lowercase()))?,
            date: cx.now(),
            from: Mailbox { name: host.name.clone(), address: sender },
            to: vec![EmailAddress::parse(to)?],
            reply_to: EmailAddress::parse(&host.email).ok(),
            subject: self.subject(&meeting),
            text: self.text(&meeting, &host.name, &post.origin)?,
            html: None,
            calendar: invited,
            in_reply_to: None,
            references: Vec::new(),
            list_unsubscribe: None,
            headers: vec![("Auto-Submitted".to_owned(), "auto-generated".to_owned())],
        };
        Ok(Some((account, mail)))
    }

    fn subject(&self, meeting: &Meeting) -> String {
        let what = &meeting.title;
        match self.occasion {
            Occasion::Booked => format!("Booked: {what}"),
            Occasion::Moved => format!("Moved: {what}"),
            Occasion::Cancelled => format!("Cancelled: {what}"),
            Occasion::DayBefore => format!("Tomorrow: {what}"),
            Occasion::HourBefore => format!("In an hour: {what}"),
        }
    }

    fn text(&self, meeting: &Meeting, host: &str, origin: &str) -> Result<String> {
        let zone = Zone::named(&meeting.guest_zone)?;
        let when = meeting.starts_at.in_zone(&zone).strftime("%A %-d %B %Y, %H:%M").to_string();
        let head = match self.occasion {
            Occasion::Booked => "This is booked:",
            Occasion::Moved => "This was moved to another time:",
            Occasion::Cancelled => "This was cancelled:",
            Occasion::DayBefore | Occasion::HourBefore => "A reminder of this:",
        };
        let place = if meeting.location.is_empty() {
            String::new()
        } else {
            format!("Where: {}\n", meeting.location)
        };
        let mut text = format!(
            "{head}\n\n{}\nWhen: {when} ({zone})\n{place}Host: {host}\nGuest: {} <{}>\n",
            meeting.title, meeting.guest_name, meeting.guest_email
        );
        if self.to_host {
            return Ok(text);
        }
        if let Some(token) = &self.token {
            text.push_str(&format!("\nChange or cancel: {origin}/meeting/{token}\n"));
        } else if let Some(url) = &meeting.manage_url {
            text.push_str(&format!("\nChange or cancel: {url}\n"));
        }
        Ok(text)
    }
}

/// Whoever has the calendar, or the one of the booking page.
async fn host(cx: &mut Cx, meeting: &Meeting) -> Result<Host> {
    if let Some(calendar) = meeting.calendar_id {
        let (name, email) = store::host_of(cx, calendar).await?;
        return Ok(Host { name, email });
    }
    let page = store::page(cx).await?.ok_or_else(|| Error::not_found("booking page"))?;
    Ok(Host { name: page.host_name, email: page.host_email })
}

/// Mails guest and host about a meeting as it now stands; of one that was booked at a service only the guest.
pub(super) async fn enqueue_invitation(
    cx: &mut Cx,
    id: MeetingId,
    occasion: Occasion,
    token: Option<&str>,
) -> Result<()> {
    let meeting = store::get(cx, id).await?;
    let mail = |to_host| Invite {
        meeting: id,
        occasion,
        sequence: meeting.sequence,
        token: token.map(str::to_owned),
        to_host,
    };
    let recipients: &[bool] = if meeting.calendar_id.is_some() { &[false] } else { &[false, true] };
    let mails: Vec<Invite> = recipients.iter().map(|to_host| mail(*to_host)).collect();
    let options = Options { priority: Priority::High, ..Options::default() };
    jobs::enqueue_many(cx, &mails, &options).await?;
    Ok(())
}

/// The reminders: name of the mark, seconds before the meeting, seconds before it from which it says nothing
/// any more, and what the mail is.
const REMINDERS: [(&str, i64, i64, Occasion); 2] =
    [("day", 86_400, 43_200, Occasion::DayBefore), ("hour", 3_600, 0, Occasion::HourBefore)];

/// Finds meetings that begin in a day or in an hour. Each reminder of a time is asked for once: its mark and
/// its mails are one transaction. A meeting that moves loses its marks; what is over has none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remind {}

impl Job for Remind {
    const KIND: &'static str = "outreach.remind";
    const QUEUE: &'static str = "outreach";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        for (name, ahead_s, not_before_s, occasion) in REMINDERS {
            let mut cx = run.begin().await?;
            let due = store::due_reminders(&mut cx, name, not_before_s, ahead_s).await?;
            cx.rollback().await?;
            for (tenant, id) in due {
                let mut own = run.db().begin(Scope::Tenant(TenantId(tenant)), run.caller()).await?;
                if store::mark_reminded(&mut own, id, name).await? {
                    enqueue_invitation(&mut own, id, occasion, None).await?;
                    own.commit().await?;
                }
            }
        }
        Ok(())
    }
}

/// Drafts a message that offers other times to a lead who did not come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OfferAgain {
    meeting: MeetingId,
}

impl Job for OfferAgain {
    const KIND: &'static str = "outreach.offer_again";
    const QUEUE: &'static str = "outreach";
    type State = Arc<dyn Offers>;

    async fn run(self, run: &Run, offers: &Arc<dyn Offers>) -> Result<()> {
        let mut cx = run.begin().await?;
        let meeting = store::get(&mut cx, self.meeting).await?;
        // The transaction only read; it ends before a calendar is asked.
        cx.rollback().await?;
        let Some(lead) = meeting.lead_id.filter(|_| meeting.status == Status::NoShow) else {
            return Ok(());
        };
        let offer = offers.of(run, Some(lead)).await?;
        let zone = Zone::named(&meeting.guest_zone)?;
        let missed = Missed {
            meeting: meeting.id.uuid(),
            lead,
            campaign: meeting.campaign_id,
            title: meeting.title.clone(),
            when: meeting.starts_at.in_zone(&zone).strftime(DATE).to_string(),
        };
        let mut cx = run.begin().await?;
        // It may have been taken back meanwhile.
        if store::get(&mut cx, self.meeting).await?.status == Status::NoShow {
            offer_again(&mut cx, &missed, offer.as_ref()).await?;
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Starts the offer after a no-show; one job lives for each meeting.
pub(super) async fn enqueue_offer(cx: &mut Cx, meeting: MeetingId) -> Result<()> {
    let options = Options { unique_key: Some(meeting.to_string()), ..Options::default() };
    jobs::enqueue_with(cx, &OfferAgain { meeting }, options).await?;
    Ok(())
}

/// Adds these kinds and their schedule.
pub fn register(registry: &mut Registry, post: Post, offers: Arc<dyn Offers>) {
    registry.register::<Invite>(post);
    registry.register::<Remind>(());
    registry.register::<OfferAgain>(offers);
    let remind = Schedule::new("outreach.remind", "*/5 * * * *", Zone::utc(), Misfire::Once, &Remind {});
    registry.schedule(remind.expect("a fixed cron expression"));
}
