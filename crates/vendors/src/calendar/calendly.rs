//! Calendly, API v2. Everything is named by its address in the API. A moved booking is two words: a
//! cancellation with `rescheduled`, and a booking that names the `old_invitee`. Our lead travels in
//! `utm_content`. There is no call that moves a booking; the guest does it on Calendly's page.

use super::{clean, lacks, said};
use crate::delivery::{Does, Json, Line, endpoint, json, malformed, path_token, secrets, timed_header};
use async_trait::async_trait;
use base::{Secret, Time};
use ports::calendar::{
    Account, Booking, Calendar, EventType, Guest, Heard, Made, Owner, Service, What, link_of,
};
use ports::delivery::{Failure, Inbound, Keys, Reason, WebhookError};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use url::Url;

const HOME: &str = "https://api.calendly.com";
/// Seconds within which a webhook is believed, as in the service's own samples.
const WINDOW_S: i64 = 180;
/// Days of one question for free times.
const SPAN_DAYS: i64 = 7;
/// Pages of event types that are read at most, of a hundred each.
const PAGES_MAX: usize = 10;
const SOURCE: &str = "agency-os";

/// What is told.
const EVENTS: [&str; 4] =
    ["invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted"];

/// Calendly.
pub struct Calendly {
    line: Line,
}

impl Calendly {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(
        &self,
        does: Does,
        account: &Account,
        (method, path): (Method, &[&str]),
        more: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Value, Failure> {
        let url = endpoint(account.base_url.as_ref(), HOME, path)?;
        let reply = self
            .line
            .call(does, &url, || {
                more(self.line.request(method.clone(), &url).bearer_auth(account.key.expose()))
            })
            .await?;
        if reply.status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        reply.success(said)
    }

    async fn event(&self, account: &Account, event: &str) -> Result<Value, Failure> {
        self.call(Does::Read, account, (Method::GET, &["scheduled_events", event]), |r| r).await
    }
}

#[async_trait]
impl Calendar for Calendly {
    fn service(&self) -> Service {
        Service::Calendly
    }

    async fn owner(&self, account: &Account) -> Result<Owner, Failure> {
        let answer = self.call(Does::Read, account, (Method::GET, &["users", "me"]), |r| r).await?;
        let me = Json(&answer);
        Ok(Owner {
            reference: me.text("resource.uri").ok_or_else(|| lacks(HOME, "uri"))?,
            organization: me.text("resource.current_organization"),
            name: me.words("resource.name"),
            email: me.words("resource.email"),
            zone: me.text("resource.timezone"),
        })
    }

    async fn event_types(&self, account: &Account, owner: &Owner) -> Result<Vec<EventType>, Failure> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut asked =
                vec![("user", owner.reference.clone()), ("active", "true".into()), ("count", "100".into())];
            asked.extend(token.take().map(|token| ("page_token", token)));
            let answer =
                self.call(Does::Read, account, (Method::GET, &["event_types"]), |r| r.query(&asked)).await?;
            let page = Json(&answer);
            found.extend(page.items("collection").iter().filter_map(|one| {
                let one = Json(one);
                Some(EventType {
                    reference: one.text("uri")?,
                    title: one.text("name")?,
                    minutes: one.text("duration")?.parse().ok()?,
                    link: one.text("scheduling_url")?.parse().ok()?,
                })
            }));
            token = page.text("pagination.next_page_token");
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn free(
        &self,
        account: &Account,
        event_type: &str,
        from: Time,
        until: Time,
    ) -> Result<Vec<Time>, Failure> {
        let (mut free, mut begin) = (Vec::new(), from);
        while begin < until {
            let end = begin.plus_days(SPAN_DAYS).min(until);
            let asked = [
                ("event_type", event_type.to_owned()),
                ("start_time", begin.to_string()),
                ("end_time", end.to_string()),
            ];
            let answer = self
                .call(Does::Read, account, (Method::GET, &["event_type_available_times"]), |r| {
                    r.query(&asked)
                })
                .await?;
            let times = Json(&answer).items("collection").iter();
            free.extend(
                times
                    .filter(|one| one["status"] == "available")
                    .filter_map(|one| Json(one).time("start_time")),
            );
            begin = end;
        }
        free.sort_unstable();
        free.dedup();
        Ok(free)
    }

    async fn single_use(&self, account: &Account, event_type: &str, _: &Url) -> Result<Url, Failure> {
        let body = json!({"max_event_count": 1, "owner": event_type, "owner_type": "EventType"});
        let answer = self
            .call(Does::Prepare, account, (Method::POST, &["scheduling_links"]), |r| r.json(&body))
            .await?;
        let link = Json(&answer).text("resource.booking_url").and_then(|link| link.parse().ok());
        link.ok_or_else(|| lacks(HOME, "booking_url"))
    }

    async fn book(
        &self,
        account: &Account,
        event_type: &str,
        starts_at: Time,
        guest: &Guest,
    ) -> Result<Booking, Failure> {
        let lead = guest.lead.map(|lead| lead.to_string());
        let body = json!({
            "event_type": event_type, "start_time": starts_at.to_string(),
            "invitee": {"name": guest.name, "email": guest.email, "timezone": guest.zone.name()},
            "tracking": {"utm_source": SOURCE, "utm_content": lead},
        });
        let answer = self.call(Does::Once, account, (Method::POST, &["invitees"]), |r| r.json(&body)).await?;
        let reference = Json(&answer).text("resource.uri").ok_or_else(|| lacks(HOME, "uri"))?;
        self.booking(account, &reference).await
    }

    async fn reschedule(&self, _: &Account, _: &str, _: Time) -> Result<Booking, Failure> {
        Err(Failure::unsupported(
            Service::Calendly.label(),
            "move a booking; its guest does that on its page",
        ))
    }

    async fn cancel(&self, account: &Account, reference: &str, reason: &str) -> Result<(), Failure> {
        let event = event_of(reference)?;
        let body = json!({"reason": reason});
        let path = ["scheduled_events", event, "cancellation"];
        // Cancelling twice is refused with 403 and changes nothing.
        let done = self.call(Does::Keyed, account, (Method::POST, &path), |r| r.json(&body)).await;
        match done {
            Ok(_) => Ok(()),
            Err(Failure::Refused(no)) if no.reason == Reason::Account => {
                let answer = self.event(account, event).await?;
                if answer["resource"]["status"] == "canceled" { Ok(()) } else { Err(Failure::Refused(no)) }
            }
            Err(failure) => Err(failure),
        }
    }

    async fn booking(&self, account: &Account, reference: &str) -> Result<Booking, Failure> {
        let answer = self.event(account, event_of(reference)?).await?;
        let one = Json(&answer);
        let read = || {
            Some(Booking {
                reference: reference.to_owned(),
                starts_at: one.time("resource.start_time")?,
                ends_at: one.time("resource.end_time")?,
                location: place(&one, "resource"),
            })
        };
        read().ok_or_else(|| lacks(HOME, "start_time and end_time"))
    }

    async fn subscribe(
        &self,
        account: &Account,
        owner: &Owner,
        to: &Url,
        secret: &Secret,
    ) -> Result<String, Failure> {
        let body = json!({
            "url": to, "events": EVENTS, "organization": owner.organization, "user": owner.reference, "scope": "user",
            "signing_key": secret.expose(),
        });
        let answer = self
            .call(Does::Prepare, account, (Method::POST, &["webhook_subscriptions"]), |r| r.json(&body))
            .await?;
        let uri = Json(&answer).text("resource.uri").ok_or_else(|| lacks(HOME, "uri"))?;
        Ok(last(&uri).to_owned())
    }

    async fn unsubscribe(&self, account: &Account, subscription: &str) -> Result<(), Failure> {
        let path = ["webhook_subscriptions", subscription];
        match self.call(Does::Prepare, account, (Method::DELETE, &path), |r| r).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(no)) if no.code == "404" || no.code == "Resource Not Found" => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    fn link(&self, link: &Url, guest: &Guest) -> Url {
        let mut url = link_of(link, guest, "utm_content");
        if guest.lead.is_some() {
            url.query_pairs_mut().append_pair("utm_source", SOURCE);
        }
        url
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Heard, WebhookError> {
        path_token(keys, inbound)?;
        timed_header(&secrets(keys)?, inbound, "calendly-webhook-signature", "v1", WINDOW_S)?;
        let body = json(inbound)?;
        read(&body, inbound.received_at).map(clean)
    }
}

fn last(uri: &str) -> &str {
    uri.trim_end_matches('/').rsplit('/').next().unwrap_or(uri)
}

/// The event of a guest's booking: `…/scheduled_events/{event}/invitees/{invitee}`.
fn event_of(reference: &str) -> Result<&str, Failure> {
    let parts: Vec<&str> = reference.split('/').collect();
    let at = parts.iter().position(|part| *part == "scheduled_events");
    at.and_then(|at| parts.get(at + 1).copied()).filter(|event| !event.is_empty()).ok_or_else(|| {
        Failure::NotStarted {
            step: ports::delivery::Step::Check,
            host: String::new(),
            message: format!("“{reference}” does not name an event of Calendly."),
        }
    })
}

fn place(one: &Json<'_>, of: &str) -> Option<String> {
    one.any(&[&format!("{of}.location.join_url"), &format!("{of}.location.location")])
}

fn read(body: &Value, received_at: Time) -> Result<Heard, WebhookError> {
    let whole = Json(body);
    let kind = whole.text("event").ok_or_else(|| malformed("event"))?;
    let at = whole.time("created_at").unwrap_or(received_at);
    let uri = || whole.text("payload.uri").ok_or_else(|| malformed("payload.uri"));
    let what = match kind.as_str() {
        "invitee.created" => What::Booked(Box::new(made(&whole, uri()?)?)),
        "invitee.canceled" => What::Cancelled {
            reference: uri()?,
            reason: whole.text("payload.cancellation.reason"),
            moved: body["payload"]["rescheduled"].as_bool() == Some(true),
            replaced_by: whole.text("payload.new_invitee"),
        },
        // The payload is the guest with the mark, or the mark that names the guest.
        "invitee_no_show.created" | "invitee_no_show.deleted" => What::NoShow {
            reference: whole.text("payload.invitee").map_or_else(uri, Ok)?,
            missed: kind == "invitee_no_show.created",
        },
        _ => What::Other { kind: kind.clone() },
    };
    let key = format!("{kind}:{}:{}", whole.words("payload.uri"), whole.words("created_at"));
    Ok(Heard { key, at, what })
}

fn made(whole: &Json<'_>, reference: String) -> Result<Made, WebhookError> {
    let answers = whole.items("payload.questions_and_answers").iter();
    let note: Vec<String> = answers
        .filter_map(|one| Some(format!("{} {}", one["question"].as_str()?, one["answer"].as_str()?)))
        .collect();
    Ok(Made {
        replaces: whole.text("payload.old_invitee"),
        event_type: whole.text("payload.scheduled_event.event_type"),
        title: whole.text("payload.scheduled_event.name"),
        starts_at: whole.time("payload.scheduled_event.start_time"),
        ends_at: whole.time("payload.scheduled_event.end_time"),
        location: place(whole, "payload.scheduled_event"),
        name: whole.words("payload.name"),
        email: whole.text("payload.email").ok_or_else(|| malformed("payload.email"))?,
        zone: whole.text("payload.timezone"),
        note: (!note.is_empty()).then(|| note.join("\n")),
        lead: whole.ours("payload.tracking.utm_content"),
        manage_url: whole.any(&["payload.reschedule_url", "payload.cancel_url"]),
        reference,
    })
}
