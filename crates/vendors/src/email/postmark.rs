//! Postmark: one call for each mail, without an idempotency key; a lost answer is looked up by our id
//! in the message's metadata. Inbound mail comes whole.

use base::{Error, Result, Time};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ports::delivery::{
    Bounce, Event, Failure, Inbound, Keys, Permanence, Provider, Reason, Receiver, Reply, WebhookError, What,
};
use ports::email::{Accepted, Found, MessageId, Outgoing, PostmarkAccount, SendError};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json as object};
use url::Url;

use super::{failed, header, headers_of, row_of, written};
use crate::delivery::{Does, Json, Line, digest, endpoint, json, no_answer, path_token, refusal, refused};

const HOME: &str = "https://api.postmarkapp.com";
const TOKEN: &str = "x-postmark-server-token";
/// Most pages of 500 of one list.
const PAGES: usize = 20;

/// Mail through Postmark.
pub struct Postmark {
    line: Line,
}

impl Postmark {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    pub(super) async fn send(
        &self,
        account: &PostmarkAccount,
        mail: &Outgoing,
    ) -> Result<Accepted, SendError> {
        mail.check().map_err(|error| SendError::malformed(&error))?;
        self.hand_over(account, mail).await.map_err(|failure| {
            if failure.is_unknown() {
                self.line.was_lost(mail.message_id.as_str());
            }
            failed(mail, failure)
        })
    }

    async fn hand_over(&self, account: &PostmarkAccount, mail: &Outgoing) -> Result<Accepted, Failure> {
        let url = endpoint(account.base_url.as_ref(), HOME, &["email"])?;
        let body = body_of(account, mail).to_string();
        let reply = self
            .line
            .call(Does::Once, &url, || {
                self.line
                    .request(Method::POST, &url)
                    .header(TOKEN, account.server_token.expose())
                    .header("accept", "application/json")
                    .header("content-type", "application/json")
                    .body(body.clone())
            })
            .await?;
        let answer: Value = reply.success(said)?;
        let answer = Json(&answer);
        Ok(Accepted {
            provider_ref: answer.text("MessageID"),
            response: answer.words("Message"),
            at: self.line.now(),
        })
    }

    pub(super) async fn find(&self, account: &PostmarkAccount, id: &MessageId) -> Result<Found> {
        let mut url =
            endpoint(account.base_url.as_ref(), HOME, &["messages", "outbound"]).map_err(no_answer)?;
        url.query_pairs_mut()
            .append_pair("count", "1")
            .append_pair("offset", "0")
            .append_pair("messagestream", &account.stream)
            .append_pair("metadata_ours", &carried(id));
        let page = self.get(account, &url).await?;
        if !Json(&page).items("Messages").is_empty() {
            return Ok(Found::Delivered);
        }
        self.line.settled_since_lost(id.as_str())?;
        Ok(Found::NotSeen)
    }

    async fn get(&self, account: &PostmarkAccount, url: &Url) -> Result<Value> {
        let reply = self
            .line
            .call(Does::Read, url, || {
                self.line
                    .request(Method::GET, url)
                    .header(TOKEN, account.server_token.expose())
                    .header("accept", "application/json")
            })
            .await
            .map_err(no_answer)?;
        if reply.status == StatusCode::NOT_FOUND {
            return Err(Error::not_found("mail"));
        }
        reply.success(said).map_err(no_answer)
    }

    pub(super) async fn content(&self, account: &PostmarkAccount, id: &str) -> Result<Reply> {
        let path = ["messages", "inbound", id, "details"];
        let url = endpoint(account.base_url.as_ref(), HOME, &path).map_err(no_answer)?;
        Ok(reply_of(&Json(&self.get(account, &url).await?)))
    }

    pub(super) async fn received(&self, account: &PostmarkAccount, since: Time) -> Result<Vec<Event>> {
        let mut url =
            endpoint(account.base_url.as_ref(), HOME, &["messages", "inbound"]).map_err(no_answer)?;
        let mut events = Vec::new();
        for page in 0..PAGES {
            let offset = (page * 500).to_string();
            url.query_pairs_mut().clear().append_pair("count", "500").append_pair("offset", &offset);
            let listed = self.get(account, &url).await?;
            let listed = Json(&listed);
            let items = listed.items("InboundMessages");
            for item in items {
                let mail = Json(item);
                let at = mail.time("Date").unwrap_or(self.line.now());
                if at < since {
                    return Ok(events);
                }
                events.push(inbound_event(&mail, at));
            }
            if items.len() < 500 {
                return Ok(events);
            }
        }
        Ok(events)
    }
}

/// Our row in a Message-ID of ours, else the whole id.
fn carried(id: &MessageId) -> String {
    row_of(id).map_or_else(|| id.as_str().to_owned(), |row| row.to_string())
}

fn body_of(account: &PostmarkAccount, mail: &Outgoing) -> Value {
    let mut headers = headers_of(mail);
    // Keeps our Message-ID, so that answers name it.
    headers.push(("Message-ID".to_owned(), mail.message_id.bracketed()));
    headers.push(("X-PM-KeepID".to_owned(), "true".to_owned()));
    let headers: Vec<Value> =
        headers.into_iter().map(|(name, value)| object!({"Name": name, "Value": value})).collect();
    let to: Vec<&str> = mail.to.iter().map(|to| to.as_str()).collect();
    let mut body = object!({
        "From": written(&mail.from), "To": to.join(", "), "Subject": mail.subject, "TextBody": mail.text,
        "Headers": headers, "MessageStream": account.stream, "Metadata": {"ours": carried(&mail.message_id)},
    });
    if let Some(html) = &mail.html {
        body["HtmlBody"] = html.as_str().into();
    }
    if let Some(reply_to) = &mail.reply_to {
        body["ReplyTo"] = reply_to.as_str().into();
    }
    if let Some(calendar) = &mail.calendar {
        body["Attachments"] = object!([{
            "Name": "invite.ics", "Content": STANDARD.encode(&calendar.ics),
            "ContentType": format!("text/calendar; method={}; charset=utf-8", calendar.method.word()),
        }]);
    }
    body
}

/// `{ErrorCode, Message}`.
fn said(status: StatusCode, body: &[u8]) -> ports::delivery::Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Json(&body);
    let (code, words) = (error.words("ErrorCode"), error.words("Message"));
    let reason = match code.as_str() {
        // The recipient bounced, complained or was suppressed by hand.
        "406" => Reason::OptedOut,
        "10" => Reason::Account,
        "400" | "401" => Reason::Sender,
        "405" => Reason::Funds,
        "300" | "409" | "413" => Reason::Content,
        _ => return refusal(status, &code, &words),
    };
    refused(reason, &code, &words)
}

fn reply_of(mail: &Json<'_>) -> Reply {
    let headers: Vec<(String, String)> = mail
        .items("Headers")
        .iter()
        .filter_map(|one| Some((Json(one).text("Name")?, Json(one).words("Value"))))
        .collect();
    Reply {
        from: mail.any(&["FromFull.Email", "From"]).unwrap_or_default(),
        from_name: mail.any(&["FromFull.Name", "FromName"]),
        to: mail.any(&["OriginalRecipient", "ToFull.0.Email", "To"]),
        subject: mail.text("Subject"),
        text: mail.text("TextBody"),
        html: mail.text("HtmlBody"),
        message_id: header(&headers, "message-id"),
        in_reply_to: header(&headers, "in-reply-to"),
        headers,
        conversation: mail.text("MailboxHash"),
    }
}

/// The same mail, by webhook or by the list, has the same key.
fn inbound_event(mail: &Json<'_>, at: Time) -> Event {
    let id = mail.text("MessageID");
    Event {
        provider: Provider::Postmark,
        key: format!("inbound:{}", id.as_deref().unwrap_or_default()),
        at,
        provider_ref: id,
        ours: mail.ours("MailboxHash"),
        what: What::Replied(Box::new(reply_of(mail))),
    }
}

/// Webhooks of Postmark: not signed, so that the address is the secret.
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::Postmark
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        let body = json(inbound)?;
        let event = Json(&body);
        let Some(kind) = event.text("RecordType") else {
            if event.text("MessageID").is_none() {
                return Err(crate::delivery::malformed("RecordType"));
            }
            // Dates of mails are not in the form of instants.
            return Ok(inbound_event(&event, event.time("Date").unwrap_or(inbound.received_at)));
        };
        let id = event.text("MessageID");
        let of_itself = event.text("ID").unwrap_or_else(|| match kind.as_str() {
            // Each happens once to a mail and recipient.
            "Delivery" | "SpamComplaint" => event.any(&["Recipient", "Email"]).unwrap_or_default(),
            _ => digest(&inbound.body),
        });
        let when =
            ["DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"].iter().find_map(|at| event.time(at));
        Ok(Event {
            provider: Provider::Postmark,
            key: format!("{kind}:{}:{of_itself}", id.as_deref().unwrap_or_default()),
            at: when.unwrap_or(inbound.received_at),
            provider_ref: id,
            ours: event.ours("Metadata.ours"),
            what: what(&kind, &event),
        })
    }
}

fn what(kind: &str, event: &Json<'_>) -> What {
    match kind {
        "Delivery" => What::Delivered,
        "Bounce" => bounced(event),
        "SpamComplaint" => What::Complained { recipient: event.text("Email") },
        "Open" => What::Opened { user_agent: event.text("UserAgent") },
        "Click" => What::Clicked { url: event.words("OriginalLink"), user_agent: event.text("UserAgent") },
        "SubscriptionChange" => {
            let from = event.words("Recipient");
            let stops = event.at("SuppressSending").and_then(Value::as_bool).unwrap_or(true);
            // Postmark suppresses by itself after bounces; only a person's wish is an opt-out.
            match (stops, event.words("Origin").as_str()) {
                (false, _) => What::OptedIn { from },
                (true, "Recipient") => What::OptedOut { from, text: event.text("SuppressionReason") },
                (true, _) => What::Other { kind: kind.to_owned() },
            }
        }
        other => What::Other { kind: other.to_owned() },
    }
}

fn bounced(event: &Json<'_>) -> What {
    let kind = event.words("Type");
    let (permanence, reason) = match kind.as_str() {
        "HardBounce" | "BadEmailAddress" => (Permanence::Permanent, Reason::NoSuchRecipient),
        "SpamNotification" | "Blocked" | "DMARCPolicy" => (Permanence::Permanent, Reason::Blocked),
        "ManuallyDeactivated" | "Unsubscribe" => (Permanence::Permanent, Reason::OptedOut),
        "SpamComplaint" => return What::Complained { recipient: event.text("Email") },
        "Transient" | "SoftBounce" | "DnsError" => (Permanence::Transient, Reason::Busy),
        // A machine's answer, no bounce.
        "AutoResponder" | "AddressChange" | "ChallengeVerification" => {
            return What::Other { kind: kind.clone() };
        }
        _ => (Permanence::Unknown, Reason::Other),
    };
    let detail = event.any(&["Details", "Description"]).unwrap_or_default();
    What::Bounced(Bounce { recipient: event.text("Email"), permanence, reason, kind, detail })
}
