//! Meetings that were booked at a booking service: the same rows and the same effects; the service itself
//! writes invitations.

use super::{Meeting, MeetingId, Status, store};
use base::{Digest, EmailAddress, Error, Result, Time, Zone};
use db::Cx;
use outreach::activity::Action;
use uuid::Uuid;

/// A booking at a service.
#[derive(Clone, Debug)]
pub struct Outside {
    /// In which of the client's calendars.
    pub calendar: Uuid,
    /// What the service calls it.
    pub reference: String,
    /// What was booked.
    pub title: String,
    /// The guest's name.
    pub name: String,
    /// The guest's address.
    pub email: String,
    /// The zone in which the guest sees times.
    pub zone: Zone,
    /// Its beginning.
    pub starts_at: Time,
    /// Its end.
    pub ends_at: Time,
    /// Where.
    pub location: String,
    /// What the guest wrote.
    pub note: String,
    /// The lead whose link they followed, if it said one.
    pub lead: Option<Uuid>,
    /// Where the guest moves or cancels it.
    pub manage_url: Option<String>,
}

impl Outside {
    /// The lead that this guest is, if any.
    ///
    /// # Errors
    /// `email.invalid` when the address is none.
    pub async fn guest(&self, cx: &mut Cx) -> Result<Option<Uuid>> {
        let email = EmailAddress::parse(&self.email)?;
        Ok(super::guest(cx, self.lead, &email).await?.0)
    }
}

/// The meeting of a calendar that the service knows by one of these names, locked.
pub async fn of_booking(cx: &mut Cx, calendar: Uuid, references: &[String]) -> Result<Option<Meeting>> {
    store::of_booking(cx, calendar, references).await
}

/// Records a booking with all that follows from a meeting.
pub async fn book_outside(cx: &mut Cx, booking: &Outside) -> Result<MeetingId> {
    if booking.ends_at <= booking.starts_at {
        return Err(Error::invalid("meeting.time", "The booking ends before it begins."));
    }
    let email = EmailAddress::parse(&booking.email)?;
    let (lead, campaign) = super::guest(cx, booking.lead, &email).await?;
    let name = if booking.name.trim().is_empty() { email.as_str() } else { booking.name.trim() };
    let name: String = name.chars().take(200).collect();
    let new = store::New {
        title: &booking.title,
        name: &name,
        email: email.as_str(),
        zone: &booking.zone,
        starts_at: booking.starts_at,
        ends_at: booking.ends_at,
        location: &booking.location,
        note: &booking.note,
        lead,
        campaign,
        // Its guest changes it at the service; nobody is given links to it here.
        token: Digest::of(super::token(cx).as_bytes()),
        calendar: Some(booking.calendar),
        external_ref: Some(&booking.reference),
        manage_url: booking.manage_url.as_deref(),
    };
    let id = store::insert(cx, &new).await?;
    super::arrived(cx, id, &new, &booking.zone).await?;
    Ok(id)
}

/// The booking has another time or name: the meeting follows, booked again if it was over.
pub async fn move_outside(cx: &mut Cx, meeting: &Meeting, booking: &Outside) -> Result<()> {
    store::follow(cx, meeting.id, booking).await?;
    if meeting.starts_at == booking.starts_at && meeting.status == Status::Booked {
        return Ok(());
    }
    super::moved(cx, meeting, booking.starts_at, &booking.zone).await
}

/// It was cancelled there.
pub async fn cancel_outside(cx: &mut Cx, meeting: &Meeting, reason: &str) -> Result<()> {
    super::cancelled(cx, meeting, reason).await
}

/// The service says that the guest did not come.
pub async fn miss_outside(cx: &mut Cx, meeting: &Meeting) -> Result<()> {
    super::missed(cx, meeting).await
}

/// The service takes a no-show back: nobody knows again how it went.
pub async fn revive(cx: &mut Cx, meeting: &Meeting) -> Result<()> {
    store::revive(cx, meeting.id).await?;
    let what = (Action::Noted, "outreach.meeting.revived");
    super::noted(cx, meeting, what, "The no-show was taken back").await
}
