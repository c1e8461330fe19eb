//! Meetings: the booking page that a prospect opens, the calendar invitation, reminders, outcomes.

pub mod book;
mod ics;
pub mod jobs;
mod outside;
pub mod pages;
mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use outside::{Outside, book_outside, cancel_outside, miss_outside, move_outside, of_booking, revive};
pub use rules::{Hours, Slot};
pub(crate) use rules::{pick, slots};
pub(crate) use store::taken as taken_slots;
pub use store::{Filter, Meeting, Page, Status, Verdict, get, list, page, save_page};

base::id_type!(
    /// A meeting.
    MeetingId
);

use base::{Digest, EmailAddress, Error, Result, Time, Zone};
use control::notification::{self, Kind, Notification, Severity};
use db::{Cx, Fact};
use leads::lead::{self, Status as LeadStatus};
use outreach::{
    activity::{self, Action, Entry},
    channel::Channel,
    deal, enrolment,
};
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
    let free = rules::slots(page, &store::taken(cx).await?, cx.now());
    if !free.iter().any(|slot| slot.starts_at == booking.starts_at) {
        return Err(taken());
    }
    let (lead, campaign) = guest(cx, booking.lead, &booking.email).await?;
    let token = token(cx);
    let new = store::New {
        title: &page.title,
        name,
        email: booking.email.as_str(),
        zone: &booking.zone,
        starts_at: booking.starts_at,
        ends_at: booking.starts_at.plus_s(i64::from(page.minutes) * 60),
        location: &page.location,
        note: &booking.note,
        lead,
        campaign,
        token: Digest::of(token.as_bytes()),
        calendar: None,
        external_ref: None,
        manage_url: None,
    };
    let id = store::insert(cx, &new).await?;
    arrived(cx, id, &new, &page.zone).await?;
    jobs::enqueue_invitation(cx, id, jobs::Occasion::Booked, Some(&token)).await?;
    Ok(Booked { id, token })
}

/// A secret for links; only its digest is kept.
fn token(cx: &Cx) -> String {
    cx.random().bytes::<20>().iter().map(|b| format!("{b:02x}")).collect()
}

/// The lead whose link was followed, else the one of this address; and the campaign that reached them.
async fn guest(
    cx: &mut Cx,
    named: Option<Uuid>,
    email: &EmailAddress,
) -> Result<(Option<Uuid>, Option<Uuid>)> {
    let lead = match named {
        Some(lead) if store::lead_exists(cx, lead).await? => Some(lead),
        _ => store::lead_by_email(cx, email).await?,
    };
    let campaign = match lead {
        Some(lead) => store::campaign_of(cx, lead).await?,
        None => None,
    };
    Ok((lead, campaign))
}

/// What follows from a meeting wherever it was booked.
async fn arrived(cx: &mut Cx, id: MeetingId, new: &store::New<'_>, zone: &Zone) -> Result<()> {
    if let Some(lead) = new.lead {
        lead::advance(cx, lead.into(), LeadStatus::MeetingBooked, "booked a meeting").await?;
        enrolment::stop_for_lead(cx, lead, "A meeting is booked.").await?;
        let name = format!("{} with {}", new.title, new.name);
        deal::open(cx, lead, Some(id.uuid()), new.campaign, &name).await?;
    }
    let words = format!("{} booked {}", new.name, new.title);
    note(cx, new.lead, new.campaign, id, (Action::MeetingBooked, "outreach.meeting.booked"), &words).await?;
    tell(cx, id, &format!("{} booked “{}”", new.name, new.title), new.starts_at, zone).await
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
    let others = store::taken(cx).await?.into_iter().filter(|slot| slot.starts_at != meeting.starts_at);
    let free = rules::slots(&page, &others.collect::<Vec<_>>(), cx.now());
    if !free.iter().any(|slot| slot.starts_at == starts_at) {
        return Err(taken());
    }
    store::move_to(cx, meeting.id, starts_at, starts_at.plus_s(i64::from(page.minutes) * 60)).await?;
    moved(cx, meeting, starts_at, &page.zone).await?;
    jobs::enqueue_invitation(cx, meeting.id, jobs::Occasion::Moved, None).await
}

async fn moved(cx: &mut Cx, meeting: &Meeting, starts_at: Time, zone: &Zone) -> Result<()> {
    noted(cx, meeting, (Action::MeetingRescheduled, "outreach.meeting.moved"), "The meeting was moved")
        .await?;
    let title = format!("{} moved “{}”", meeting.guest_name, meeting.title);
    tell(cx, meeting.id, &title, starts_at, zone).await
}

/// Cancels a booked meeting. At a booking service it is cancelled by a job.
pub async fn cancel(cx: &mut Cx, meeting: &Meeting, reason: &str) -> Result<()> {
    cancelled(cx, meeting, reason).await?;
    match meeting.calendar_id {
        Some(_) => crate::calendar::jobs::enqueue_cancel(cx, meeting.id, reason).await,
        None => jobs::enqueue_invitation(cx, meeting.id, jobs::Occasion::Cancelled, None).await,
    }
}

async fn cancelled(cx: &mut Cx, meeting: &Meeting, reason: &str) -> Result<()> {
    store::end(cx, meeting.id, Status::Cancelled, reason).await?;
    noted(cx, meeting, (Action::MeetingCancelled, "outreach.meeting.cancelled"), reason).await?;
    let title = format!("“{}” with {} was cancelled", meeting.title, meeting.guest_name);
    tell(cx, meeting.id, &title, meeting.starts_at, &Zone::named(&meeting.guest_zone)?).await
}

/// Says whether the guest came. Errors: `meeting.future`, `meeting.over`.
pub async fn held(cx: &mut Cx, meeting: &Meeting, showed_up: bool) -> Result<()> {
    if meeting.starts_at > cx.now() {
        return Err(Error::conflict("meeting.future", "The meeting has not begun yet."));
    }
    if showed_up {
        let words = "The meeting was held";
        store::end(cx, meeting.id, Status::Held, words).await?;
        return noted(cx, meeting, (Action::MeetingHeld, "outreach.meeting.ended"), words).await;
    }
    missed(cx, meeting).await
}

/// The guest did not come: a lead is offered other times, by the way of every answer.
async fn missed(cx: &mut Cx, meeting: &Meeting) -> Result<()> {
    let words = "The guest did not come";
    store::end(cx, meeting.id, Status::NoShow, words).await?;
    noted(cx, meeting, (Action::MeetingMissed, "outreach.meeting.ended"), words).await?;
    match meeting.lead_id {
        Some(_) => jobs::enqueue_offer(cx, meeting.id).await,
        None => {
            let title = format!("{} did not come to “{}”", meeting.guest_name, meeting.title);
            let zone = Zone::named(&meeting.guest_zone)?;
            tell(cx, meeting.id, &title, meeting.starts_at, &zone).await
        }
    }
}

/// Says how a meeting that was held went. Errors: `meeting.not_held`.
pub async fn went(cx: &mut Cx, meeting: &Meeting, verdict: Verdict, words: &str) -> Result<()> {
    let words: String = words.trim().chars().take(2_000).collect();
    store::set_result(cx, meeting.id, verdict, &words).await?;
    let payload = json!({"lead_id": meeting.lead_id, "campaign_id": meeting.campaign_id, "result": verdict});
    cx.publish(Fact::about("outreach.meeting.judged", meeting.id).with(payload)).await
}

async fn noted(cx: &mut Cx, meeting: &Meeting, what: (Action, &'static str), words: &str) -> Result<()> {
    note(cx, meeting.lead_id, meeting.campaign_id, meeting.id, what, words).await
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
