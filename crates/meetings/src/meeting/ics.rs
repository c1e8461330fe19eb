//! The calendar invitation (RFC 5545), written by a library.

use super::{Meeting, Status};
use base::Time;
use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};
use ports::email::CalendarMethod;

fn stamp(at: Time) -> String {
    at.stamp().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The invitation, change or cancellation of a meeting, as of its present state.
pub fn invitation(
    meeting: &Meeting,
    host_name: &str,
    host_email: &str,
    now: Time,
) -> (CalendarMethod, String) {
    let method = match meeting.status {
        Status::Cancelled => CalendarMethod::Cancel,
        Status::Booked | Status::Held | Status::NoShow => CalendarMethod::Request,
    };
    let status = match meeting.status {
        Status::Cancelled => EventStatus::Cancelled,
        Status::Booked | Status::Held | Status::NoShow => EventStatus::Confirmed,
    };
    let mut organizer = Property::new("ORGANIZER", format!("mailto:{host_email}"));
    organizer.add_parameter("CN", host_name);
    let mut attendee = Property::new("ATTENDEE", format!("mailto:{}", meeting.guest_email));
    attendee.add_parameter("CN", &meeting.guest_name).add_parameter("RSVP", "TRUE");
    let event = Event::new()
        .uid(&format!("{}@agency-os", meeting.id))
        .summary(&meeting.title)
        .description(&meeting.note)
        .location(&meeting.location)
        .sequence(u32::try_from(meeting.sequence).unwrap_or(0))
        .status(status)
        .add_property("DTSTAMP", stamp(now))
        .add_property("DTSTART", stamp(meeting.starts_at))
        .add_property("DTEND", stamp(meeting.ends_at))
        .append_property(organizer)
        .append_multi_property(attendee)
        .done();
    let mut calendar = Calendar::new();
    calendar.append_property(("METHOD", method.word()));
    calendar.push(event);
    (method, calendar.to_string())
}
