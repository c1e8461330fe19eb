//! Meetings: the booking page that a prospect opens, the calendar invitation, reminders, outcomes.

pub mod book;
mod ics;
pub mod jobs;
pub mod pages;
mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use rules::{Hours, Slot};
pub use store::{Filter, Meeting, Page, Status, list, page, save_page};

base::id_type!(
    /// A meeting.
    MeetingId
);

use crate::{
    activity::{self, Action, Entry},
    channel::Channel,
    deal, enrolment,
};
use base::{Digest, EmailAddress, Error, Result, Time, Zone};
use control::notification::{self, Kind, Notification, Severity};
use db::{Cx, Fact};
use leads::lead::{self, Status as LeadStatus};
use serde_json::json;
use uuid::Uuid;

/// What a guest fills in.
#[derive(Clone, Debug)]
pub struct Booking {
    /// The guest's name.
    pub name: String,
    /// Where the invitation goes.
    pub email: EmailAddress,
    /// The zone in which they see times.
    pub zone: Zone,
    /// The chosen beginning.
    pub starts_at: Time,
    /// What they want to say.
    pub note: String,
    /// The lead whose link they followed, if they did.
    pub lead: Option<Uuid>,
}

/// What the guest keeps: the meeting and the secret of its links.
#[derive(Clone, Debug)]
pub struct Booked {
    /// Which.
    pub id: MeetingId,
    /// The secret in the links to change or cancel it.
    pub token: String,
}

/// Books a free slot. Two guests cannot have the same time: the database refuses the second
/// (`meeting.taken`).
pub async fn book(cx: &mut Cx, page: &Page, booking: &Booking) -> Result<Booked> {
    let name = booking.name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(Error::invalid("meeting.name", "Please give your name, with at most 200 characters."));
    }
    let free = rules::slots(page, &store::taken(cx, page).await?, cx.now());
    if !free.iter().any(|slot| slot.starts_at == booking.starts_at) {
        return Err(taken());
    }
    let lead = match booking.lead {
        Some(lead) if store::lead_exists(cx, lead).await? => Some(lead),
        _ => store::lead_by_email(cx, &booking.email).await?,
    };
    let campaign = match lead {
        Some(lead) => store::campaign_of(cx, lead).await?,
        None => None,
    };
    let token: String = cx.random().bytes::<20>().iter().map(|b| format!("{b:02x}")).collect();
    let id = cx.id::<MeetingId>();
    store::insert(cx, id, page, booking, name, lead, campaign, &Digest::of(token.as_bytes())).await?;
    if let Some(lead) = lead {
        lead::advance(cx, lead.into(), LeadStatus::MeetingBooked, "booked a meeting").await?;
        enrolment::stop_for_lead(cx, lead, "A meeting is booked.").await?;
        deal::open(cx, lead, Some(id.uuid()), campaign, &format!("{} with {name}", page.title)).await?;
    }
    note(
        cx,
        lead,
        campaign,
        id,
        (Action::MeetingBooked, "outreach.meeting.booked"),
        &format!("{} booked {}", name, page.title),
    )
    .await?;
    tell(cx, id, &format!("{name} booked “{}”", page.title), booking.starts_at, &page.zone).await?;
    jobs::enqueue_invitation(cx, id, jobs::Occasion::Booked, Some(&token)).await?;
    Ok(Booked { id, token })
}

fn taken() -> Error {
    Error::conflict(
        "meeting.taken",
        "That time has just been taken or is not offered. Please choose another.",
    )
}

/// Finds a meeting by the secret of its links, across tenants.
pub async fn by_token(cx: &mut Cx, token: &str) -> Result<Meeting> {
    store::by_token(cx, &Digest::of(token.as_bytes())).await?.ok_or_else(|| Error::not_found("meeting"))
}

/// Moves a booked meeting to another free slot.
pub async fn reschedule(cx: &mut Cx, meeting: &Meeting, starts_at: Time) -> Result<()> {
    let page = store::page(cx).await?.ok_or_else(|| Error::not_found("booking page"))?;
    let others =
        store::taken(cx, &page).await?.into_iter().filter(|slot| slot.starts_at != meeting.starts_at);
    let free = rules::slots(&page, &others.collect::<Vec<_>>(), cx.now());
    if !free.iter().any(|slot| slot.starts_at == starts_at) {
        return Err(taken());
    }
    store::move_to(cx, meeting.id, starts_at, starts_at.plus_s(i64::from(page.minutes) * 60)).await?;
    note(
        cx,
        meeting.lead_id,
        meeting.campaign_id,
        meeting.id,
        (Action::MeetingRescheduled, "outreach.meeting.moved"),
        "The meeting was moved",
    )
    .await?;
    tell(cx, meeting.id, &format!("{} moved “{}”", meeting.guest_name, meeting.title), starts_at, &page.zone)
        .await?;
    jobs::enqueue_invitation(cx, meeting.id, jobs::Occasion::Moved, None).await
}

/// Cancels a booked meeting.
pub async fn cancel(cx: &mut Cx, meeting: &Meeting, reason: &str) -> Result<()> {
    store::end(cx, meeting.id, Status::Cancelled, reason).await?;
    note(
        cx,
        meeting.lead_id,
        meeting.campaign_id,
        meeting.id,
        (Action::MeetingCancelled, "outreach.meeting.cancelled"),
        reason,
    )
    .await?;
    let title = format!("“{}” with {} was cancelled", meeting.title, meeting.guest_name);
    tell(cx, meeting.id, &title, meeting.starts_at, &Zone::named(&meeting.guest_zone)?).await?;
    jobs::enqueue_invitation(cx, meeting.id, jobs::Occasion::Cancelled, None).await
}

/// Says whether the guest came.
pub async fn held(cx: &mut Cx, meeting: &Meeting, showed_up: bool) -> Result<()> {
    if meeting.starts_at > cx.now() {
        return Err(Error::conflict("meeting.future", "The meeting has not begun yet."));
    }
    let (status, action, words) = if showed_up {
        (Status::Held, Action::MeetingHeld, "The meeting was held")
    } else {
        (Status::NoShow, Action::MeetingMissed, "The guest did not come")
    };
    store::end(cx, meeting.id, status, words).await?;
    note(cx, meeting.lead_id, meeting.campaign_id, meeting.id, (action, "outreach.meeting.ended"), words)
        .await?;
    if !showed_up {
        jobs::enqueue_invitation(cx, meeting.id, jobs::Occasion::Missed, None).await?;
    }
    Ok(())
}

async fn note(
    cx: &mut Cx,
    lead: Option<Uuid>,
    campaign: Option<Uuid>,
    id: MeetingId,
    (action, fact): (Action, &'static str),
    words: &str,
) -> Result<()> {
    if let Some(lead) = lead {
        let detail = json!({"meeting_id": id});
        let entry =
            Entry { campaign, channel: Some(Channel::Email), detail, ..Entry::of(action, lead, words) };
        activity::record(cx, entry).await?;
    }
    cx.publish(Fact::about(fact, id).with(json!({"lead_id": lead, "campaign_id": campaign}))).await
}

async fn tell(cx: &mut Cx, id: MeetingId, title: &str, at: Time, zone: &Zone) -> Result<()> {
    let when = at.in_zone(zone).strftime("%A %-d %B %Y, %H:%M").to_string();
    notification::notify(
        cx,
        &Notification {
            kind: Kind::Meeting,
            severity: Severity::Info,
            title: title.to_owned(),
            body: format!("{when} ({zone})"),
            href: Some(format!("/meetings/{id}")),
            dedupe_key: format!("meeting:{id}:{}", cx.now()),
            person: None,
        },
    )
    .await?;
    Ok(())
}
