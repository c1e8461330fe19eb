//! Resend: one call for each mail, with an idempotency key that holds for 24 hours.

use base::{Error, Result, Time};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ports::delivery::{
    Bounce, Event, Failure, Inbound, Keys, Permanence, Provider, Reason, Receiver, Reply, WebhookError, What,
};
use ports::email::{Accepted, Found, MessageId, Outgoing, ResendAccount, SendError};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json as object};
use url::Url;

use super::{failed, header, headers_of, row_of, split_address, written};
use crate::delivery::{
    Does, Json, Line, endpoint, json, malformed, no_answer, ours_in, path_token, refusal, refused, secrets,
    standard_webhooks,
};

const HOME: &str = "https://api.resend.com";
/// Seconds for which a key is known there, less an hour.
const KEY_LIVES_S: i64 = 23 * 3_600;
/// Most pages of 100 of one list.
const PAGES: usize = 20;

/// Mail through Resend.
pub struct Resend {
    line: Line,
}

impl Resend {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    pub(super) async fn send(&self, account: &ResendAccount, mail: &Outgoing) -> Result<Accepted, SendError> {
        mail.check().map_err(|error| SendError::malformed(&error))?;
        self.hand_over(account, mail).await.map_err(|failure| {
            if failure.is_unknown() {
                self.line.was_lost(mail.message_id.as_str());
            }
            failed(mail, failure)
        })
    }

    async fn hand_over(&self, account: &ResendAccount, mail: &Outgoing) -> Result<Accepted, Failure> {
        let url = endpoint(account.base_url.as_ref(), HOME, &["emails"])?;
        let body = body_of(mail).to_string();
        let reply = self
            .line
            .call(Does::Keyed, &url, || {
                self.line
                    .request(Method::POST, &url)
                    .bearer_auth(account.api_key.expose())
                    .header("idempotency-key", mail.message_id.as_str())
                    .header("content-type", "application/json")
                    .body(body.clone())
            })
            .await?;
        let answer: Value = reply.success(said)?;
        let id = Json(&answer).text("id");
        Ok(Accepted {
            response: format!("{} {}", reply.status, id.as_deref().unwrap_or_default()),
            provider_ref: id,
            at: self.line.now(),
        })
    }

    /// The same mail again is the same mail there, as long as its key is known: sending it again is
    /// safe then, and gives the first answer.
    pub(super) async fn find(&self, _account: &ResendAccount, id: &MessageId) -> Result<Found> {
        self.line.settled_since_lost(id.as_str())?;
        let made = row_of(id).and_then(|row| row.get_timestamp()).map(|stamp| stamp.to_unix().0);
        let age_s = made.and_then(|made| i64::try_from(made).ok()).map(|s| self.line.now().ms() / 1_000 - s);
        Ok(match age_s {
            Some(age) if age < KEY_LIVES_S => Found::NotSeen,
            Some(_) | None => Found::CannotTell,
        })
    }

    async fn get(&self, account: &ResendAccount, url: &Url) -> Result<Value> {
        let reply = self
            .line
            .call(Does::Read, url, || {
                self.line.request(Method::GET, url).bearer_auth(account.api_key.expose())
            })
            .await
            .map_err(no_answer)?;
        if reply.status == StatusCode::NOT_FOUND {
            return Err(Error::not_found("mail"));
        }
        reply.success(said).map_err(no_answer)
    }

    pub(super) async fn content(&self, account: &ResendAccount, id: &str) -> Result<Reply> {
        let url =
            endpoint(account.base_url.as_ref(), HOME, &["emails", "receiving", id]).map_err(no_answer)?;
        Ok(reply_of(&Json(&self.get(account, &url).await?)))
    }

    /// Newest first there; stops at the first that is older.
    pub(super) async fn received(&self, account: &ResendAccount, since: Time) -> Result<Vec<Event>> {
        let mut url =
            endpoint(account.base_url.as_ref(), HOME, &["emails", "receiving"]).map_err(no_answer)?;
        let mut events = Vec::new();
        url.set_query(Some("limit=100"));
        for _ in 0..PAGES {
            let page = self.get(account, &url).await?;
            let page = Json(&page);
            let items = page.items("data");
            for item in items {
                let mail = Json(item);
                let at = mail.time("created_at").unwrap_or(self.line.now());
                if at < since {
                    return Ok(events);
                }
                let Some(id) = mail.text("id") else { continue };
                let what = What::Replied(Box::new(Reply { text: None, html: None, ..reply_of(&mail) }));
                let key = format!("received:{id}");
                events.push(Event {
                    provider: Provider::Resend,
                    key,
                    at,
                    provider_ref: Some(id),
                    ours: None,
                    what,
                });
            }
            let last = items.last().and_then(|item| Json(item).text("id"));
            let more = page.at("has_more").and_then(Value::as_bool).unwrap_or(false);
            let (Some(last), true) = (last, more) else { return Ok(events) };
            url.query_pairs_mut().clear().append_pair("limit", "100").append_pair("after", &last);
        }
        Ok(events)
    }
}

fn body_of(mail: &Outgoing) -> Value {
    let headers: serde_json::Map<String, Value> =
        headers_of(mail).into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    let to: Vec<&str> = mail.to.iter().map(|to| to.as_str()).collect();
    let mut body = object!({
        "from": written(&mail.from), "to": to, "subject": mail.subject, "text": mail.text, "headers": headers,
    });
    if let Some(html) = &mail.html {
        body["html"] = html.as_str().into();
    }
    if let Some(reply_to) = &mail.reply_to {
        body["reply_to"] = reply_to.as_str().into();
    }
    if let Some(row) = row_of(&mail.message_id) {
        body["tags"] = object!([{"name": "ours", "value": row.to_string()}]);
    }
    if let Some(calendar) = &mail.calendar {
        body["attachments"] = object!([{
            "filename": "invite.ics", "content": STANDARD.encode(&calendar.ics),
            "content_type": format!("text/calendar; method={}; charset=utf-8", calendar.method.word()),
        }]);
    }
    body
}

/// `{name, message, statusCode}`.
fn said(status: StatusCode, body: &[u8]) -> ports::delivery::Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Json(&body);
    let (name, words) = (error.words("name"), error.words("message"));
    let reason = match name.as_str() {
        "rate_limit_exceeded" | "concurrent_idempotent_requests" => Reason::Busy,
        "daily_quota_exceeded" | "monthly_quota_exceeded" => Reason::Funds,
        "missing_api_key" | "invalid_api_key" | "restricted_api_key" => Reason::Account,
        "invalid_from_address" => Reason::Sender,
        // A domain that is not verified is a 403 under this name.
        "validation_error" if status == StatusCode::FORBIDDEN => Reason::Sender,
        _ => return refusal(status, &name, &words),
    };
    refused(reason, &name, &words)
}

/// Headers as an object of names, as it comes here.
fn reply_of(mail: &Json<'_>) -> Reply {
    let headers: Vec<(String, String)> = mail
        .at("headers")
        .and_then(Value::as_object)
        .map(|all| {
            all.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
        })
        .unwrap_or_default();
    let (from, from_name) = split_address(&mail.words("from"));
    Reply {
        from,
        from_name,
        to: mail.any(&["received_for.0", "to.0"]),
        subject: mail.text("subject"),
        text: mail.text("text"),
        html: mail.text("html"),
        message_id: mail.text("message_id").map(|id| id.trim_matches(['<', '>']).to_owned()),
        in_reply_to: header(&headers, "in-reply-to"),
        headers,
        conversation: None,
    }
}

/// Webhooks of Resend (Standard Webhooks).
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::Resend
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        let key = standard_webhooks(&secrets(keys)?, inbound)?;
        let body = json(inbound)?;
        let event = Json(&body);
        let kind = event.text("type").ok_or_else(|| malformed("type"))?;
        Ok(Event {
            provider: Provider::Resend,
            key,
            at: event.time("created_at").unwrap_or(inbound.received_at),
            provider_ref: event.text("data.email_id"),
            ours: ours_of(&event),
            what: what(&kind, &event),
        })
    }
}

/// Tags come as an object; the API takes them as a list.
fn ours_of(event: &Json<'_>) -> Option<uuid::Uuid> {
    event.ours("data.tags.ours").or_else(|| {
        let tag =
            event.items("data.tags").iter().find(|tag| Json(tag).text("name").as_deref() == Some("ours"))?;
        ours_in(&Json(tag).text("value")?)
    })
}

fn what(kind: &str, event: &Json<'_>) -> What {
    let recipient = || event.text("data.to.0");
    match kind {
        "email.scheduled" => What::Queued,
        "email.sent" => What::Sent { message_id: event.text("data.message_id") },
        "email.delivered" => What::Delivered,
        "email.delivery_delayed" => What::Delayed { detail: event.words("data.delivery_delayed.message") },
        "email.complained" => What::Complained { recipient: recipient() },
        "email.bounced" => {
            let (kind, sub) = (event.words("data.bounce.type"), event.words("data.bounce.subType"));
            let permanence = match kind.as_str() {
                "Permanent" => Permanence::Permanent,
                "Transient" => Permanence::Transient,
                _ => Permanence::Unknown,
            };
            let reason = match sub.as_str() {
                "NoEmail" => Reason::NoSuchRecipient,
                "MailboxFull" => Reason::Busy,
                "ContentRejected" | "AttachmentRejected" | "MessageTooLarge" => Reason::Content,
                "Suppressed" | "OnAccountSuppressionList" => Reason::Blocked,
                _ if permanence == Permanence::Permanent => Reason::NoSuchRecipient,
                _ => Reason::Other,
            };
            let detail = event.words("data.bounce.message");
            What::Bounced(Bounce {
                recipient: recipient(),
                permanence,
                reason,
                kind: format!("{kind}/{sub}"),
                detail,
            })
        }
        "email.opened" => What::Opened { user_agent: event.text("data.open.userAgent") },
        "email.clicked" => What::Clicked {
            url: event.words("data.click.link"),
            user_agent: event.text("data.click.userAgent"),
        },
        "email.received" => {
            let data = event.at("data").unwrap_or(&Value::Null);
            What::Replied(Box::new(reply_of(&Json(data))))
        }
        "email.failed" => What::Failed {
            reason: Reason::Other,
            code: String::new(),
            detail: event.words("data.failed.reason"),
        },
        "email.suppressed" => What::Failed {
            reason: Reason::Blocked,
            code: "suppressed".to_owned(),
            detail: event.words("data.suppressed.message"),
        },
        other => What::Other { kind: other.to_owned() },
    }
}
