//! Mails about meetings: invitation, change, cancellation, reminders a day and an hour before, an
//! offer after a no-show. They are part of a conversation that the guest began, so the outreach gate
//! does not apply; switches and an opt-out do.

use super::{Meeting, MeetingId, ics, store};
use crate::resource;
use base::{EmailAddress, Error, Result, TenantId, Zone};
use control::{secret::Keyring, switch};
use db::{Cx, Scope};
use jobs::{
    Job, Options, Priority, Registry, Run,
    schedule::{Misfire, Schedule},
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
    /// The guest did not come.
    Missed,
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
        let page = store::page(cx).await?.ok_or_else(|| Error::not_found("booking page"))?;
        let targets = switch::Targets {
            campaign: meeting.campaign_id,
            channel: Some("email"),
            ..switch::Targets::default()
        };
        switch::gate::hold(cx, &targets).await?;
        let resource = store::mailbox(cx).await?.ok_or_else(|| {
            Error::unavailable(
                "meeting.no_mailbox",
                "No mailbox is active to send the invitation from. Add or resume one.",
            )
        })?;
        let account = resource::account(cx, &post.keyring, &resource).await?;
        let (method, ics) = ics::invitation(&meeting, &page.host_name, &page.host_email, cx.now());
        let to = if self.to_host { &page.host_email } else { &meeting.guest_email };
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
            from: Mailbox { name: page.host_name.clone(), address: sender },
            to: vec![EmailAddress::parse(to)?],
            reply_to: Some(EmailAddress::parse(&page.host_email)?),
            subject: self.subject(&meeting),
            text: self.text(&meeting, &page.host_name, &page.slug, &post.origin)?,
            html: None,
            calendar: Some(Calendar { method, ics }),
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
            Occasion::Missed => format!("We missed you: {what}"),
        }
    }

    fn text(&self, meeting: &Meeting, host: &str, slug: &str, origin: &str) -> Result<String> {
        let zone = Zone::named(&meeting.guest_zone)?;
        let when = meeting.starts_at.in_zone(&zone).strftime("%A %-d %B %Y, %H:%M").to_string();
        let head = match self.occasion {
            Occasion::Booked => "This is booked:",
            Occasion::Moved => "This was moved to another time:",
            Occasion::Cancelled => "This was cancelled:",
            Occasion::DayBefore | Occasion::HourBefore => "A reminder of this:",
            Occasion::Missed => "We did not meet at this time:",
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
        if self.occasion == Occasion::Missed {
            text.push_str(&format!("\nIf it still suits you, choose another time: {origin}/book/{slug}\n"));
        } else if let Some(token) = self.token.as_ref().filter(|_| !self.to_host) {
            text.push_str(&format!("\nChange or cancel: {origin}/meeting/{token}\n"));
        }
        Ok(text)
    }
}

/// Mails guest and host about a meeting as it now stands.
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
    let recipients: &[bool] = if occasion == Occasion::Missed { &[false] } else { &[false, true] };
    let mails: Vec<Invite> = recipients.iter().map(|to_host| mail(*to_host)).collect();
    let options = Options { priority: Priority::High, ..Options::default() };
    jobs::enqueue_many(cx, &mails, &options).await?;
    Ok(())
}

/// Finds meetings that begin in a day or in an hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remind {}

impl Job for Remind {
    const KIND: &'static str = "outreach.remind";
    const QUEUE: &'static str = "outreach";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        for (name, ahead_s, occasion) in
            [("hour", 3_600, Occasion::HourBefore), ("day", 86_400, Occasion::DayBefore)]
        {
            let mut cx = run.begin().await?;
            let due = store::due_reminders(&mut cx, name, ahead_s).await?;
            // The mails of other tenants cannot be enqueued in this transaction, so each is enqueued
            // before the mark is kept; a mail that comes twice has the same Message-ID.
            for (tenant, id) in &due {
                let mut own = run.db().begin(Scope::Tenant(TenantId(*tenant)), run.caller()).await?;
                enqueue_invitation(&mut own, *id, occasion, None).await?;
                own.commit().await?;
            }
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Adds these kinds and their schedule.
pub fn register(registry: &mut Registry, post: Post) {
    registry.register::<Invite>(post);
    registry.register::<Remind>(());
    let remind = Schedule::new("outreach.remind", "*/5 * * * *", Zone::utc(), Misfire::Once, &Remind {});
    registry.schedule(remind.expect("a fixed cron expression"));
}
