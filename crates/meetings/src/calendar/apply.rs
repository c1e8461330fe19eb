//! A word of a service and its effects: the meeting is brought to where its booking stands.

use super::{
    Calendar, get,
    standing::{self, Standing, State},
    store,
};
use crate::meeting::{
    self, Meeting, MeetingId, Outside, Status, book_outside, cancel_outside, miss_outside, move_outside,
    of_booking, revive,
};
use base::{Error, Result, Zone};
use db::Cx;
use hooks::inbox::{self, Delivery, InboxId, Outcome};
use ports::calendar::{Booking, Heard, What};
use uuid::Uuid;

/// Names of one booking at most; each move adds one.
const NAMES_MAX: usize = 100;

/// The word in a kept delivery, as the service's client read it.
///
/// # Errors
/// `calendar.word` when it is not of that form.
pub fn heard(delivery: &Delivery) -> Result<Heard> {
    let heard = delivery.headers.get("heard").cloned().unwrap_or_default();
    serde_json::from_value(heard).map_err(|cause| {
        Error::invalid("calendar.word", "The delivery was not read by its service's client.").caused_by(cause)
    })
}

/// The calendar to which a delivery came.
///
/// # Errors
/// `calendar.delivery` when it names none.
pub fn calendar_of(delivery: &Delivery) -> Result<Uuid> {
    delivery.account.parse().map_err(|cause: uuid::Error| {
        Error::invalid("calendar.delivery", "The delivery names no calendar.").caused_by(cause)
    })
}

/// The booking whose time has to be asked for, because the word does not say it.
pub fn lacks_time(heard: &Heard) -> Option<&str> {
    match &heard.what {
        What::Booked(made) if made.starts_at.is_none() || made.ends_at.is_none() => Some(&made.reference),
        What::Booked(_) | What::Cancelled { .. } | What::NoShow { .. } | What::Other { .. } => None,
    }
}

/// Works on one kept word; `asked` is its booking, where that had to be asked for. Everything, the mark
/// included, is in the caller's transaction.
///
/// # Errors
/// What stops the effects; the delivery is tried again.
pub async fn process(cx: &mut Cx, id: InboxId, asked: Option<Booking>) -> Result<Outcome> {
    let Some(delivery) = inbox::claim(cx, id).await? else {
        return Ok(Outcome::Ignored("Somebody processed it before.".to_owned()));
    };
    let calendar = calendar_of(&delivery)?;
    store::lock(cx, calendar).await?;
    let calendar = get(cx, calendar).await?;
    let mut heard = heard(&delivery)?;
    if let (What::Booked(made), Some(asked)) = (&mut heard.what, asked) {
        made.starts_at = Some(asked.starts_at);
        made.ends_at = Some(asked.ends_at);
        made.location = made.location.take().or(asked.location);
    }
    let outcome = match heard.what.reference() {
        None => Outcome::Ignored(format!("“{}” changes nothing here.", heard.key)),
        Some(reference) => {
            let reference = reference.to_owned();
            store::keep(cx, calendar.id.uuid(), id, &heard).await?;
            settle(cx, &calendar, &reference).await?
        }
    };
    inbox::mark(cx, id, &outcome).await?;
    Ok(outcome)
}

/// Brings the meeting of a booking to where the booking stands.
async fn settle(cx: &mut Cx, calendar: &Calendar, reference: &str) -> Result<Outcome> {
    let words = chain(cx, calendar.id.uuid(), reference).await?;
    let Some(standing) = standing::stand(&words) else {
        return Ok(Outcome::Ignored("Nothing is known yet of the booking that it is about.".to_owned()));
    };
    let known = of_booking(cx, calendar.id.uuid(), &standing.references).await?;
    let Some(booking) = outside(calendar, &standing)? else {
        return Ok(Outcome::Ignored("The booking has no time.".to_owned()));
    };
    let meeting = match known {
        Some(meeting) => follow(cx, meeting, &booking).await?,
        None if is_ours(cx, calendar, &standing, &booking).await? => {
            let id = book_outside(cx, &booking).await?;
            meeting::get(cx, id).await?
        }
        None => {
            return Ok(Outcome::Ignored(
                "It is another kind of appointment, of somebody who is no lead.".to_owned(),
            ));
        }
    };
    store::about(cx, calendar.id.uuid(), &standing.references, meeting.id.uuid()).await?;
    end(cx, meeting.id, &standing.state).await?;
    Ok(Outcome::Processed)
}

/// Every word about one booking, over all of its names.
async fn chain(cx: &mut Cx, calendar: Uuid, reference: &str) -> Result<Vec<standing::Word>> {
    let mut names = vec![reference.to_owned()];
    loop {
        let words = store::words(cx, calendar, &names).await?;
        let all: Vec<String> = standing::references(&words).into_iter().take(NAMES_MAX).collect();
        if all.len() <= names.len() {
            return Ok(words);
        }
        names = all;
    }
}

fn outside(calendar: &Calendar, standing: &Standing) -> Result<Option<Outside>> {
    let made = &standing.now;
    let (Some(starts_at), Some(ends_at)) = (made.starts_at, made.ends_at) else { return Ok(None) };
    let zone = made.zone.as_deref().and_then(|name| Zone::named(name).ok());
    let title = made.title.clone().filter(|title| !title.trim().is_empty());
    Ok(Some(Outside {
        calendar: calendar.id.uuid(),
        reference: made.reference.clone(),
        title: title.unwrap_or_else(|| calendar.event_title.clone()).chars().take(200).collect(),
        name: made.name.clone(),
        email: made.email.clone(),
        zone: zone.unwrap_or_else(Zone::utc),
        starts_at,
        ends_at,
        location: made.location.clone().unwrap_or_default(),
        note: made.note.clone().unwrap_or_default(),
        lead: made.lead,
        manage_url: made.manage_url.clone(),
    }))
}

/// A private appointment in the same calendar is none of our business.
async fn is_ours(cx: &mut Cx, calendar: &Calendar, standing: &Standing, booking: &Outside) -> Result<bool> {
    let chosen = match (&standing.now.event_type, &calendar.event_type) {
        (Some(booked), Some(chosen)) => booked == chosen,
        (None, _) | (_, None) => false,
    };
    Ok(chosen || booking.guest(cx).await?.is_some())
}

async fn follow(cx: &mut Cx, meeting: Meeting, booking: &Outside) -> Result<Meeting> {
    let same = meeting.external_ref.as_deref() == Some(booking.reference.as_str())
        && meeting.starts_at == booking.starts_at;
    if same {
        return Ok(meeting);
    }
    move_outside(cx, &meeting, booking).await?;
    meeting::get(cx, meeting.id).await
}

/// What a person said of a meeting here stands; a service's word only moves one that is open.
async fn end(cx: &mut Cx, id: MeetingId, state: &State) -> Result<()> {
    let meeting = meeting::get(cx, id).await?;
    match (state, meeting.status) {
        (State::Cancelled(reason), Status::Booked) => {
            let reason = if reason.is_empty() { "cancelled in the calendar" } else { reason };
            cancel_outside(cx, &meeting, reason).await
        }
        (State::Missed, Status::Booked) => miss_outside(cx, &meeting).await,
        (State::Booked, Status::NoShow) => revive(cx, &meeting).await,
        (State::Booked, Status::Booked | Status::Cancelled | Status::Held)
        | (State::Cancelled(_), Status::Cancelled | Status::Held | Status::NoShow)
        | (State::Missed, Status::Cancelled | Status::Held | Status::NoShow) => Ok(()),
    }
}
