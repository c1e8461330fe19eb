//! A twin of Cal.com. Keys begin with `cal_`; each resource insists on its version.

use super::book::{Book, Booking, MINUTES, in_link, time};
use crate::carrier::desk::{Answer, Call, Vendor, text};
use crate::carrier::letters::{Letter, Signing, hex_mac};
use base::Time;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const USER: &str = "host";
const EVENT_TYPE: i64 = 4711;

#[derive(Default)]
pub(super) struct CalCom {
    book: Book,
}

fn problem(status: u16, code: &str, message: &str) -> Answer {
    Answer::of(status, json!({"status": "error", "error": {"code": code, "message": message}}))
}

fn data(data: Value) -> Answer {
    Answer::of(200, json!({"status": "success", "data": data}))
}

fn shown(one: &Booking) -> Value {
    let status = if one.stands() { "accepted" } else { "cancelled" };
    json!({
        "id": 1, "uid": one.reference, "title": "Intro call", "status": status, "start": one.starts_at.to_string(),
        "end": one.ends_at().to_string(), "duration": MINUTES, "eventTypeId": EVENT_TYPE,
        "location": "https://video.cal.example/room", "meetingUrl": "https://video.cal.example/room",
        "hosts": [{"id": 1, "name": "Hana Host", "email": "hana@cal.example", "timeZone": "Australia/Sydney"}],
        "attendees": [{"name": one.name, "email": one.email, "timeZone": one.zone, "absent": one.missed}],
        "metadata": one.lead.as_ref().map_or_else(|| json!({}), |lead| json!({"lead": lead})),
    })
}

impl CalCom {
    fn tell(&mut self, trigger: &str, body: &Value) -> Vec<Letter> {
        let told = self.book.told.clone();
        told.into_iter()
            .map(|to| Letter {
                to: Some(to.url),
                secret: Some(to.secret),
                ..Letter::json(trigger, body, sign)
            })
            .collect()
    }

    fn announce(&mut self, trigger: &str, one: &Booking, more: Value, now: Time) -> Vec<Letter> {
        let mut payload = json!({
            "type": "intro", "title": format!("Intro call between Hana Host and {}", one.name), "eventTitle": "Intro call",
            "uid": one.reference, "bookingId": 1, "eventTypeId": EVENT_TYPE,
            "startTime": one.starts_at.to_string(), "endTime": one.ends_at().to_string(), "length": MINUTES,
            "organizer": {"name": "Hana Host", "email": "hana@cal.example", "timeZone": "Australia/Sydney"},
            "attendees": [{"name": one.name, "email": one.email, "timeZone": one.zone, "language": {"locale": "en"}}],
            "location": "integrations:daily", "status": "ACCEPTED",
            "metadata": {"videoCallUrl": "https://video.cal.example/room"},
        });
        if let Some(lead) = &one.lead {
            payload["metadata"]["lead"] = json!(lead);
        }
        for (name, value) in more.as_object().into_iter().flatten() {
            payload[name] = value.clone();
        }
        let body = json!({"triggerEvent": trigger, "createdAt": now.to_string(), "payload": payload});
        self.tell(trigger, &body)
    }

    fn made(
        &mut self,
        starts_at: Time,
        guest: &Value,
        lead: Option<String>,
        now: Time,
    ) -> Result<(Booking, Vec<Letter>), Answer> {
        if !self.book.is_free(starts_at) {
            return Err(problem(
                400,
                "BadRequestException",
                "User either already has booking at this time or is not available",
            ));
        }
        let number = self.book.number();
        let one = Booking {
            reference: format!("bk{number:020}"),
            starts_at,
            name: text(guest, "name"),
            email: text(guest, "email"),
            zone: text(guest, "timeZone"),
            lead,
            replaces: None,
            replaced_by: None,
            cancelled: None,
            missed: false,
        };
        self.book.bookings.push(one.clone());
        let letters = self.announce("BOOKING_CREATED", &one, json!({}), now);
        Ok((one, letters))
    }

    fn moved(
        &mut self,
        reference: &str,
        starts_at: Time,
        now: Time,
    ) -> Result<(Booking, Vec<Letter>), Answer> {
        let number = self.book.number();
        let Some(one) = self.book.replace(reference, &format!("bk{number:020}"), starts_at) else {
            return Err(problem(404, "NotFoundException", "Booking not found"));
        };
        let more = json!({"rescheduleUid": reference, "rescheduleStartTime": one.starts_at.to_string()});
        let letters = self.announce("BOOKING_RESCHEDULED", &one, more, now);
        Ok((one, letters))
    }

    fn cancelled(
        &mut self,
        reference: &str,
        reason: &str,
        now: Time,
    ) -> Result<(Booking, Vec<Letter>), Answer> {
        let Some(one) = self.book.change(reference) else {
            return Err(problem(404, "NotFoundException", "Booking not found"));
        };
        if !one.stands() {
            return Err(problem(
                400,
                "BadRequestException",
                "Can't cancel booking because it has been cancelled already",
            ));
        }
        one.cancelled = Some(reason.to_owned());
        let one = one.clone();
        let more = json!({"status": "CANCELLED", "cancellationReason": reason});
        let letters = self.announce("BOOKING_CANCELLED", &one, more, now);
        Ok((one, letters))
    }

    fn booking(&mut self, call: &Call<'_>, path: &[&str]) -> Answer {
        let body = call.json();
        let made = match path {
            ["bookings"] if call.method == "POST" => {
                let (Some(at), Some(EVENT_TYPE)) = (time(&body, "start"), body["eventTypeId"].as_i64())
                else {
                    return problem(400, "BadRequestException", "start and eventTypeId are required");
                };
                if at <= call.now {
                    return problem(400, "BadRequestException", "Attempting to book a meeting in the past.");
                }
                let lead = body["metadata"]["lead"].as_str().map(str::to_owned);
                self.made(at, &body["attendee"], lead, call.now)
            }
            ["bookings", uid, "reschedule"] => match time(&body, "start") {
                Some(at) => self.moved(uid, at, call.now),
                None => return problem(400, "BadRequestException", "start is required"),
            },
            ["bookings", uid, "cancel"] => self.cancelled(uid, &text(&body, "cancellationReason"), call.now),
            ["bookings", uid] => match self.book.get(uid) {
                Some(one) => return data(shown(one)),
                None => return problem(404, "NotFoundException", "Booking not found"),
            },
            _ => return problem(404, "NotFoundException", "Cannot find this"),
        };
        match made {
            Ok((one, letters)) => data(shown(&one)).reaches(letters),
            Err(refused) => refused,
        }
    }

    fn slots(&self, call: &Call<'_>) -> Answer {
        let at = |name: &str| call.asked(name).and_then(|text| text.parse::<Time>().ok());
        let (Some(from), Some(until)) = (at("start"), at("end")) else {
            return problem(400, "BadRequestException", "start and end are required");
        };
        if call.asked("eventTypeId") != Some(&EVENT_TYPE.to_string()) {
            return problem(404, "NotFoundException", "Event type not found");
        }
        let mut days: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for slot in self.book.free(from.max(call.now), until) {
            let text = slot.to_string();
            days.entry(text.chars().take(10).collect()).or_default().push(json!({"start": text}));
        }
        data(json!(days))
    }

    fn webhooks(&mut self, call: &Call<'_>, path: &[&str]) -> Answer {
        match (call.method, path) {
            ("POST", ["webhooks"]) => {
                let body = call.json();
                let Ok(url) = text(&body, "subscriberUrl").parse() else {
                    return problem(400, "BadRequestException", "subscriberUrl must be a URL address");
                };
                let id = self.book.subscribe(url, text(&body, "secret"));
                data(
                    json!({"id": format!("{id}"), "subscriberUrl": body["subscriberUrl"], "active": true, "triggers": body["triggers"]}),
                )
            }
            ("DELETE", ["webhooks", id]) if self.book.unsubscribe(id) => data(json!({"id": id})),
            _ => problem(404, "NotFoundException", "Webhook not found"),
        }
    }
}

impl Vendor for CalCom {
    fn name(&self) -> &'static str {
        "Cal.com"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        if !call.header("authorization").starts_with("Bearer cal_") {
            return problem(401, "UnauthorizedException", "Invalid API Key");
        }
        let path = call.path.strip_prefix(&["v2"]).unwrap_or(&call.path).to_vec();
        let version = call.header("cal-api-version");
        let wanted = match path.first() {
            Some(&"slots") => "2024-09-04",
            Some(&"bookings") => "2024-08-13",
            Some(&"event-types") => "2024-06-14",
            _ => version,
        };
        if version != wanted {
            return problem(
                404,
                "NotFoundException",
                &format!("Cannot find this with cal-api-version {version}"),
            );
        }
        match (call.method, path.as_slice()) {
            ("GET", ["me"]) => data(json!({
                "id": 1, "username": USER, "name": "Hana Host", "email": "hana@cal.example", "timeZone": "Australia/Sydney",
            })),
            ("GET", ["event-types"]) => data(json!([{
                "id": EVENT_TYPE, "title": "Intro call", "slug": "intro", "lengthInMinutes": MINUTES,
                "bookingUrl": format!("https://cal.com/{USER}/intro"),
            }])),
            ("GET", ["slots"]) => self.slots(call),
            (_, ["bookings", ..]) => self.booking(call, &path),
            (_, ["webhooks", ..]) => self.webhooks(call, &path),
            _ => problem(404, "NotFoundException", "Cannot find this"),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        let reference = text(order, "ref");
        let done = match order["event"].as_str().unwrap_or_default() {
            "book" => {
                let at = time(order, "start").ok_or("Say when it starts.")?;
                let guest =
                    json!({"name": order["name"], "email": order["email"], "timeZone": order["zone"]});
                self.made(at, &guest, in_link(order, "metadata[lead]"), now)
            }
            "move" => {
                let at = time(order, "start").ok_or("Say when it starts.")?;
                self.moved(&reference, at, now)
            }
            "cancel" => self.cancelled(&reference, &text(order, "reason"), now),
            "no_show" => {
                let missed = order["missed"].as_bool().unwrap_or(true);
                let one = self.book.change(&reference).ok_or("There is no such booking.")?;
                one.missed = missed;
                let email = one.email.clone();
                let payload = json!({
                    "message": format!("{email} marked as no-show"), "attendees": [{"email": email, "noShow": missed}],
                    "bookingUid": reference, "bookingId": 1,
                });
                let body = json!({"triggerEvent": "BOOKING_NO_SHOW_UPDATED", "createdAt": now.to_string(), "payload": payload});
                return Ok(self.tell("BOOKING_NO_SHOW_UPDATED", &body));
            }
            "ended" => {
                let one = self.book.get(&reference).ok_or("There is no such booking.")?;
                let body = json!({
                    "triggerEvent": "MEETING_ENDED", "id": 1, "uid": one.reference, "startTime": one.starts_at.to_string(),
                    "endTime": one.ends_at().to_string(), "status": "ACCEPTED",
                    "attendees": [{"email": one.email, "name": one.name, "timeZone": one.zone, "noShow": one.missed}],
                });
                return Ok(self.tell("MEETING_ENDED", &body));
            }
            other => return Err(format!("“{other}” cannot happen here.")),
        };
        done.map(|(_, letters)| letters).map_err(|_| "That cannot be done to this booking.".to_owned())
    }

    fn messages(&self) -> Vec<Value> {
        self.book.bookings.iter().map(shown).collect()
    }
}

/// Bare hexadecimal over the body; nothing without a secret.
fn sign(signing: &Signing<'_>) -> Vec<(&'static str, String)> {
    let version = ("x-cal-webhook-version", "2021-10-20".to_owned());
    if signing.secret.is_empty() {
        return vec![version];
    }
    vec![("x-cal-signature-256", hex_mac(signing.secret.as_bytes(), &[signing.body])), version]
}
