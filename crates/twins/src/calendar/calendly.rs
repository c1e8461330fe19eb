//! A twin of Calendly. Everything is named by its address; a move is a cancellation and a booking.

use super::book::{Book, Booking, MINUTES, in_link, time};
use crate::carrier::desk::{Answer, Call, Vendor, text};
use crate::carrier::letters::{Letter, Signing, hex_mac};
use base::Time;
use serde_json::{Value, json};

const API: &str = "https://api.calendly.com";
const USER: &str = "https://api.calendly.com/users/HOST";
const ORGANIZATION: &str = "https://api.calendly.com/organizations/ORG";
const EVENT_TYPE: &str = "https://api.calendly.com/event_types/INTRO";
const PAGE: &str = "https://calendly.com/host/intro";
/// Seconds of the longest question for free times.
const SPAN_S: i64 = 7 * 86_400;

#[derive(Default)]
pub(super) struct Calendly {
    book: Book,
}

fn problem(status: u16, title: &str, message: &str) -> Answer {
    Answer::of(status, json!({"title": title, "message": message, "details": []}))
}

fn event_of(reference: &str) -> String {
    reference.split("/invitees/").next().unwrap_or_default().to_owned()
}

fn event(one: &Booking) -> Value {
    json!({
        "uri": event_of(&one.reference), "name": "Intro call", "status": if one.stands() { "active" } else { "canceled" },
        "start_time": one.starts_at.to_string(), "end_time": one.ends_at().to_string(), "event_type": EVENT_TYPE,
        "location": {"type": "zoom", "join_url": "https://zoom.example/j/1"},
    })
}

fn invitee(one: &Booking) -> Value {
    let uri = &one.reference;
    json!({
        "uri": uri, "email": one.email, "name": one.name, "status": if one.stands() { "active" } else { "canceled" },
        "timezone": one.zone, "event": event_of(uri), "scheduled_event": event(one),
        "cancel_url": "https://calendly.com/cancellations/1", "reschedule_url": "https://calendly.com/reschedulings/1",
        "rescheduled": one.replaced_by.is_some(), "old_invitee": one.replaces, "new_invitee": one.replaced_by,
        "questions_and_answers": [], "tracking": {"utm_content": one.lead, "utm_source": null},
        "no_show": one.missed.then(|| json!({"uri": format!("{API}/invitee_no_shows/1")})),
    })
}

impl Calendly {
    fn tell(&mut self, kind: &str, payload: &Value, now: Time) -> Vec<Letter> {
        let body =
            json!({"event": kind, "created_at": now.to_string(), "created_by": USER, "payload": payload});
        let told = self.book.told.clone();
        told.into_iter()
            .map(|to| Letter { to: Some(to.url), secret: Some(to.secret), ..Letter::json(kind, &body, sign) })
            .collect()
    }

    fn name(&mut self) -> String {
        let number = self.book.number();
        format!("{API}/scheduled_events/EVENT{number}/invitees/INVITEE{number}")
    }

    fn made(
        &mut self,
        starts_at: Time,
        guest: &Value,
        lead: Option<String>,
        now: Time,
    ) -> Result<(Booking, Vec<Letter>), Answer> {
        if !self.book.is_free(starts_at) {
            return Err(problem(400, "Invalid Argument", "The start time is not available."));
        }
        let one = Booking {
            reference: self.name(),
            starts_at,
            name: text(guest, "name"),
            email: text(guest, "email"),
            zone: text(guest, "timezone"),
            lead,
            replaces: None,
            replaced_by: None,
            cancelled: None,
            missed: false,
        };
        self.book.bookings.push(one.clone());
        let letters = self.tell("invitee.created", &invitee(&one), now);
        Ok((one, letters))
    }

    fn moved(&mut self, reference: &str, starts_at: Time, now: Time) -> Result<Vec<Letter>, String> {
        let name = self.name();
        let taken = self.book.replace(reference, &name, starts_at).ok_or("It cannot be moved.")?;
        let old = self.book.get(reference).map(invitee).unwrap_or_default();
        let mut letters = self.tell("invitee.canceled", &old, now);
        letters.extend(self.tell("invitee.created", &invitee(&taken), now));
        Ok(letters)
    }

    fn cancelled(&mut self, reference: &str, reason: &str, now: Time) -> Option<Vec<Letter>> {
        let one = self.book.change(reference).filter(|one| one.stands())?;
        one.cancelled = Some(reason.to_owned());
        let mut payload = invitee(&one.clone());
        payload["cancellation"] =
            json!({"canceled_by": "Hana Host", "reason": reason, "canceler_type": "host"});
        Some(self.tell("invitee.canceled", &payload, now))
    }

    fn times(&self, call: &Call<'_>) -> Answer {
        let at = |name: &str| call.asked(name).and_then(|text| text.parse::<Time>().ok());
        let (Some(from), Some(until)) = (at("start_time"), at("end_time")) else {
            return problem(400, "Invalid Argument", "start_time and end_time are required.");
        };
        if from < call.now || until.since_s(from) > SPAN_S || until <= from {
            return problem(400, "Invalid Argument", "The range must be in the future and at most 7 days.");
        }
        if call.asked("event_type") != Some(EVENT_TYPE) {
            return problem(404, "Resource Not Found", "The event type was not found.");
        }
        let free = self.book.free(from, until);
        let all: Vec<Value> = free
            .iter()
            .map(|at| json!({"status": "available", "start_time": at.to_string(), "invitees_remaining": 1, "scheduling_url": PAGE}))
            .collect();
        Answer::of(200, json!({"collection": all}))
    }

    fn subscriptions(&mut self, call: &Call<'_>, path: &[&str]) -> Answer {
        match (call.method, path) {
            ("POST", ["webhook_subscriptions"]) => {
                let body = call.json();
                if body["organization"] != ORGANIZATION || body["user"] != USER {
                    return problem(400, "Invalid Argument", "organization and user are required.");
                }
                let Ok(url) = text(&body, "url").parse() else {
                    return problem(400, "Invalid Argument", "url is not valid.");
                };
                let id = self.book.subscribe(url, text(&body, "signing_key"));
                let uri = format!("{API}/webhook_subscriptions/{id}");
                Answer::of(
                    201,
                    json!({"resource": {"uri": uri, "callback_url": body["url"], "state": "active"}}),
                )
            }
            ("DELETE", ["webhook_subscriptions", id]) if self.book.unsubscribe(id) => Answer::empty(204),
            _ => problem(404, "Resource Not Found", "The subscription was not found."),
        }
    }

    fn scheduled(&mut self, call: &Call<'_>, id: &str, is_cancel: bool) -> Answer {
        let uri = format!("{API}/scheduled_events/{id}");
        let Some(one) = self.book.bookings.iter().find(|one| event_of(&one.reference) == uri).cloned() else {
            return problem(404, "Resource Not Found", "The event was not found.");
        };
        if !is_cancel {
            return Answer::of(200, json!({"resource": event(&one)}));
        }
        let reason = text(&call.json(), "reason");
        match self.cancelled(&one.reference, &reason, call.now) {
            Some(letters) => {
                Answer::of(201, json!({"resource": {"reason": reason, "canceler_type": "host"}}))
                    .reaches(letters)
            }
            None => problem(403, "Permission Denied", "Event is already canceled."),
        }
    }
}

impl Vendor for Calendly {
    fn name(&self) -> &'static str {
        "Calendly"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        let key = call.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        if key.is_empty() || key == "wrong" {
            return problem(401, "Unauthenticated", "The access token is invalid");
        }
        let path = call.path.clone();
        match (call.method, path.as_slice()) {
            ("GET", ["users", "me"]) => Answer::of(
                200,
                json!({"resource": {
                    "uri": USER, "name": "Hana Host", "email": "hana@calendly.example", "timezone": "Australia/Sydney",
                    "scheduling_url": "https://calendly.com/host", "current_organization": ORGANIZATION,
                }}),
            ),
            ("GET", ["event_types"]) if call.asked("user") == Some(USER) => {
                // Two pages, so that whoever reads only the first misses what is used.
                let second = call.asked("page_token") == Some("second");
                let (uri, name, token) = if second {
                    (EVENT_TYPE.to_owned(), "Intro call", None)
                } else {
                    (format!("{API}/event_types/LONG"), "Long call", Some("second"))
                };
                let one = json!({"uri": uri, "name": name, "duration": MINUTES, "scheduling_url": PAGE, "active": true});
                Answer::of(
                    200,
                    json!({"collection": [one], "pagination": {"count": 1, "next_page_token": token}}),
                )
            }
            ("GET", ["event_type_available_times"]) => self.times(call),
            ("POST", ["scheduling_links"]) => {
                let number = self.book.number();
                Answer::of(
                    201,
                    json!({"resource": {
                        "booking_url": format!("https://calendly.com/d/{number}/intro"), "owner": EVENT_TYPE, "owner_type": "EventType",
                    }}),
                )
            }
            ("POST", ["invitees"]) => {
                let body = call.json();
                let Some(at) = time(&body, "start_time").filter(|at| *at > call.now) else {
                    return problem(
                        400,
                        "Invalid Argument",
                        "start_time is required and must be in the future.",
                    );
                };
                let lead = body["tracking"]["utm_content"].as_str().map(str::to_owned);
                match self.made(at, &body["invitee"], lead, call.now) {
                    Ok((one, letters)) => {
                        Answer::of(201, json!({"resource": invitee(&one)})).reaches(letters)
                    }
                    Err(refused) => refused,
                }
            }
            ("GET", ["scheduled_events", id]) => self.scheduled(call, id, false),
            ("POST", ["scheduled_events", id, "cancellation"]) => self.scheduled(call, id, true),
            (_, ["webhook_subscriptions", ..]) => self.subscriptions(call, &path),
            _ => problem(404, "Resource Not Found", "The server could not find the requested resource."),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        let reference = text(order, "ref");
        match order["event"].as_str().unwrap_or_default() {
            "book" => {
                let at = time(order, "start").ok_or("Say when it starts.")?;
                let guest =
                    json!({"name": order["name"], "email": order["email"], "timezone": order["zone"]});
                let made = self.made(at, &guest, in_link(order, "utm_content"), now);
                made.map(|(_, letters)| letters).map_err(|_| "That time is not free.".to_owned())
            }
            "move" => {
                let at = time(order, "start").ok_or("Say when it starts.")?;
                self.moved(&reference, at, now)
            }
            "cancel" => {
                let letters = self.cancelled(&reference, &text(order, "reason"), now);
                letters.ok_or_else(|| "It cannot be cancelled.".to_owned())
            }
            "no_show" => {
                let missed = order["missed"].as_bool().unwrap_or(true);
                let one = self.book.change(&reference).ok_or("There is no such booking.")?;
                one.missed = missed;
                let payload = json!({"uri": format!("{API}/invitee_no_shows/1"), "invitee": one.reference, "created_at": now.to_string()});
                let kind = if missed { "invitee_no_show.created" } else { "invitee_no_show.deleted" };
                Ok(self.tell(kind, &payload, now))
            }
            "ended" => Ok(Vec::new()),
            other => Err(format!("“{other}” cannot happen here.")),
        }
    }

    fn messages(&self) -> Vec<Value> {
        self.book.bookings.iter().map(invitee).collect()
    }
}

/// `t=<seconds>,v1=<hexadecimal over {t}.{body}>`.
fn sign(signing: &Signing<'_>) -> Vec<(&'static str, String)> {
    if signing.secret.is_empty() {
        return Vec::new();
    }
    let time = (signing.at.ms() / 1_000).to_string();
    let mac = hex_mac(signing.secret.as_bytes(), &[&time, ".", signing.body]);
    vec![("calendly-webhook-signature", format!("t={time},v1={mac}"))]
}
