//! Cal.com, API v2. Each resource has a version of its own in `cal-api-version`. A moved booking gets
//! another `uid` and names the earlier one. Webhooks carry no time, so that only their key keeps a repeated
//! one out.

use super::{clean, lacks, said};
use crate::delivery::{Does, Json, Line, endpoint, json, malformed, path_token, secrets};
use crate::rail::signature::mac;
use async_trait::async_trait;
use base::{Secret, Time};
use ports::calendar::{
    Account, Booking, Calendar, EventType, Guest, Heard, Made, Owner, Service, What, link_of,
};
use ports::delivery::{Failure, Inbound, Keys, Reason, WebhookError};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use url::Url;

const HOME: &str = "https://api.cal.com/v2";
/// Where people book, for answers that do not say it.
const PAGES: &str = "https://cal.com";
/// The name under which our lead travels with a booking.
const LEAD: &str = "lead";

const SLOTS: &str = "2024-09-04";
const BOOKINGS: &str = "2024-08-13";
const EVENT_TYPES: &str = "2024-06-14";

/// What is told.
const TRIGGERS: [&str; 6] = [
    "BOOKING_CREATED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_REJECTED",
    "BOOKING_NO_SHOW_UPDATED",
    "MEETING_ENDED",
];

/// Cal.com.
pub struct CalCom {
    line: Line,
}

impl CalCom {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(
        &self,
        does: Does,
        account: &Account,
        (method, path, version): (Method, &[&str], Option<&str>),
        more: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Value, Failure> {
        let url = endpoint(account.base_url.as_ref(), HOME, path)?;
        let reply = self
            .line
            .call(does, &url, || {
                let request = self.line.request(method.clone(), &url).bearer_auth(account.key.expose());
                more(match version {
                    Some(version) => request.header("cal-api-version", version),
                    None => request,
                })
            })
            .await?;
        reply.success(said)
    }
}

#[async_trait]
impl Calendar for CalCom {
    fn service(&self) -> Service {
        Service::CalCom
    }

    async fn owner(&self, account: &Account) -> Result<Owner, Failure> {
        let answer = self.call(Does::Read, account, (Method::GET, &["me"], None), |r| r).await?;
        let me = Json(&answer);
        Ok(Owner {
            reference: me.text("data.username").ok_or_else(|| lacks(HOME, "username"))?,
            organization: None,
            name: me.any(&["data.name", "data.username"]).unwrap_or_default(),
            email: me.words("data.email"),
            zone: me.text("data.timeZone"),
        })
    }

    async fn event_types(&self, account: &Account, owner: &Owner) -> Result<Vec<EventType>, Failure> {
        let asked = [("username", owner.reference.as_str())];
        let answer = self
            .call(Does::Read, account, (Method::GET, &["event-types"], Some(EVENT_TYPES)), |r| {
                r.query(&asked)
            })
            .await?;
        let found = Json(&answer).items("data").iter().filter_map(|one| {
            let one = Json(one);
            let link = one
                .text("bookingUrl")
                .or_else(|| Some(format!("{PAGES}/{}/{}", owner.reference, one.text("slug")?)))?;
            Some(EventType {
                reference: one.text("id")?,
                title: one.any(&["title", "slug"])?,
                minutes: one.any(&["lengthInMinutes", "length"])?.parse().ok()?,
                link: link.parse().ok()?,
            })
        });
        Ok(found.collect())
    }

    async fn free(
        &self,
        account: &Account,
        event_type: &str,
        from: Time,
        until: Time,
    ) -> Result<Vec<Time>, Failure> {
        let (start, end) = (from.to_string(), until.to_string());
        let asked = [("eventTypeId", event_type), ("start", &start), ("end", &end), ("timeZone", "UTC")];
        let answer = self
            .call(Does::Read, account, (Method::GET, &["slots"], Some(SLOTS)), |r| r.query(&asked))
            .await?;
        let days = answer["data"].as_object().into_iter().flatten();
        let mut free: Vec<Time> = days
            .flat_map(|(_, slots)| slots.as_array().into_iter().flatten())
            .filter_map(|slot| Json(slot).time("start"))
            .filter(|at| *at >= from && *at < until)
            .collect();
        free.sort_unstable();
        Ok(free)
    }

    /// Cal.com has no such links for an API key of a person.
    async fn single_use(&self, _: &Account, _: &str, link: &Url) -> Result<Url, Failure> {
        Ok(link.clone())
    }

    async fn book(
        &self,
        account: &Account,
        event_type: &str,
        starts_at: Time,
        guest: &Guest,
    ) -> Result<Booking, Failure> {
        let number: Option<i64> = event_type.parse().ok();
        let mut body = json!({
            "start": starts_at.to_string(), "eventTypeId": number,
            "attendee": {"name": guest.name, "email": guest.email, "timeZone": guest.zone.name()},
        });
        if let Some(lead) = guest.lead {
            body["metadata"] = json!({LEAD: lead.to_string()});
        }
        let answer = self
            .call(Does::Once, account, (Method::POST, &["bookings"], Some(BOOKINGS)), |r| r.json(&body))
            .await?;
        booking(&answer)
    }

    async fn reschedule(
        &self,
        account: &Account,
        reference: &str,
        starts_at: Time,
    ) -> Result<Booking, Failure> {
        let body = json!({"start": starts_at.to_string()});
        let path = ["bookings", reference, "reschedule"];
        let answer =
            self.call(Does::Once, account, (Method::POST, &path, Some(BOOKINGS)), |r| r.json(&body)).await?;
        booking(&answer)
    }

    async fn cancel(&self, account: &Account, reference: &str, reason: &str) -> Result<(), Failure> {
        let body = json!({"cancellationReason": reason});
        let path = ["bookings", reference, "cancel"];
        // Cancelling twice is refused and changes nothing.
        let done =
            self.call(Does::Keyed, account, (Method::POST, &path, Some(BOOKINGS)), |r| r.json(&body)).await;
        match done {
            Ok(_) => Ok(()),
            Err(Failure::Refused(no)) if no.reason == Reason::Content && is_cancelled(&no.text) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    async fn booking(&self, account: &Account, reference: &str) -> Result<Booking, Failure> {
        let path = ["bookings", reference];
        let answer = self.call(Does::Read, account, (Method::GET, &path, Some(BOOKINGS)), |r| r).await?;
        booking(&answer)
    }

    async fn subscribe(
        &self,
        account: &Account,
        _: &Owner,
        to: &Url,
        secret: &Secret,
    ) -> Result<String, Failure> {
        let body = json!({
            "subscriberUrl": to, "triggers": TRIGGERS, "active": true, "secret": secret.expose(), "version": "2021-10-20",
        });
        let answer =
            self.call(Does::Prepare, account, (Method::POST, &["webhooks"], None), |r| r.json(&body)).await?;
        Json(&answer).text("data.id").ok_or_else(|| lacks(HOME, "id"))
    }

    async fn unsubscribe(&self, account: &Account, subscription: &str) -> Result<(), Failure> {
        let path = ["webhooks", subscription];
        match self.call(Does::Prepare, account, (Method::DELETE, &path, None), |r| r).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(no)) if no.code == "404" || no.text.contains("not found") => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn link(&self, link: &Url, guest: &Guest) -> Url {
        link_of(link, guest, "metadata[lead]")
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Heard, WebhookError> {
        path_token(keys, inbound)?;
        signed(&secrets(keys)?, inbound)?;
        let body = json(inbound)?;
        read(&body, inbound.received_at).map(clean)
    }
}

fn is_cancelled(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("already") && (text.contains("cancelled") || text.contains("canceled"))
}

fn booking(answer: &Value) -> Result<Booking, Failure> {
    let one = Json(answer);
    let place = one.any(&["data.meetingUrl", "data.location"]);
    let read = || {
        Some(Booking {
            reference: one.text("data.uid")?,
            starts_at: one.time("data.start")?,
            ends_at: one.time("data.end")?,
            location: place,
        })
    };
    read().ok_or_else(|| lacks(HOME, "booking with uid, start and end"))
}

/// HMAC-SHA256 of the raw body, bare hexadecimal.
fn signed(secrets: &[&Secret], inbound: &Inbound) -> Result<(), WebhookError> {
    let given = inbound.header("x-cal-signature-256").ok_or(WebhookError::Unsigned)?;
    let given = hex::decode(given.trim()).map_err(|_| WebhookError::BadSignature)?;
    let mut good = false;
    for secret in secrets {
        good |= bool::from(mac(secret.expose().as_bytes(), &[&inbound.body]).ct_eq(given.as_slice()));
    }
    if good { Ok(()) } else { Err(WebhookError::BadSignature) }
}

/// Most words lie below `payload`; those of a running meeting are flat.
fn read(body: &Value, received_at: Time) -> Result<Heard, WebhookError> {
    let whole = Json(body);
    let kind = whole.text("triggerEvent").ok_or_else(|| malformed("triggerEvent"))?;
    let at = whole.time("createdAt");
    let inner = body.get("payload").filter(|inner| inner.is_object()).unwrap_or(body);
    let one = Json(inner);
    let reference = one.any(&["uid", "bookingUid", "booking.uid"]);
    let what = match (kind.as_str(), reference.clone()) {
        ("BOOKING_CREATED" | "BOOKING_RESCHEDULED", Some(reference)) => {
            What::Booked(Box::new(made(&one, reference)?))
        }
        ("BOOKING_CANCELLED" | "BOOKING_REJECTED", Some(reference)) => What::Cancelled {
            reference,
            reason: one.any(&["cancellationReason", "rejectionReason"]),
            moved: false,
            replaced_by: None,
        },
        ("BOOKING_NO_SHOW_UPDATED", Some(reference)) => What::NoShow { reference, missed: missed(&one) },
        // A meeting ends whether or not somebody came; only a marked guest says something.
        ("MEETING_ENDED", Some(reference)) if missed(&one) => What::NoShow { reference, missed: true },
        (
            "BOOKING_CREATED"
            | "BOOKING_RESCHEDULED"
            | "BOOKING_CANCELLED"
            | "BOOKING_REJECTED"
            | "BOOKING_NO_SHOW_UPDATED",
            None,
        ) => return Err(malformed("uid")),
        _ => What::Other { kind: kind.clone() },
    };
    let stamp = whole.text("createdAt").unwrap_or_default();
    let key = format!("{kind}:{}:{stamp}", reference.unwrap_or_default());
    Ok(Heard { key, at: at.unwrap_or(received_at), what })
}

fn missed(one: &Json<'_>) -> bool {
    one.items("attendees").iter().any(|guest| guest["noShow"].as_bool() == Some(true))
}

fn made(one: &Json<'_>, reference: String) -> Result<Made, WebhookError> {
    let guest = one.items("attendees").first().ok_or_else(|| malformed("attendees"))?;
    let guest = Json(guest);
    let own = |name: &str| one.text(&format!("metadata.{name}"));
    let place = own("videoCallUrl").or_else(|| one.any(&["meetingUrl", "videoCallData.url", "location"]));
    Ok(Made {
        replaces: one.any(&["rescheduleUid", "rescheduledFromUid"]),
        event_type: one.text("eventTypeId"),
        title: one.any(&["eventTitle", "title"]),
        starts_at: Some(one.time("startTime").ok_or_else(|| malformed("startTime"))?),
        ends_at: Some(one.time("endTime").ok_or_else(|| malformed("endTime"))?),
        // `integrations:daily` names a kind of place, not a place.
        location: place.filter(|place| !place.starts_with("integrations:")),
        name: guest.words("name"),
        email: guest.text("email").ok_or_else(|| malformed("attendees.0.email"))?,
        zone: guest.text("timeZone"),
        note: one.any(&["additionalNotes", "responses.notes.value", "description"]),
        lead: own(LEAD).and_then(|text| crate::delivery::ours_in(&text)),
        manage_url: Some(format!("{PAGES}/booking/{reference}")),
        reference,
    })
}
