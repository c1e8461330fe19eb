//! Telnyx: text messages. No idempotency key and no list of messages: a lost answer is only known when
//! the report comes, whose address carries our id.

use base::{Result, Time};
use ports::delivery::{
    Event, Failure, Found, Inbound, Keys, Provider, Reason, Receipt, Receiver, Refusal, Reply, WebhookError,
    What,
};
use ports::sms::{Asked, Sms, SmsFrom, Status, TelnyxSmsAccount};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json as object};

use super::{Keyword, keyword};
use crate::delivery::{
    Does, Json, Line, cost, ed25519, endpoint, json, malformed, no_answer, ours_in, path_token, refusal,
    refused, secrets,
};

pub(crate) const HOME: &str = "https://api.telnyx.com/v2";

/// Messages through Telnyx.
pub(super) struct Telnyx {
    line: Line,
}

impl Telnyx {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    pub(super) async fn send(
        &self,
        account: &TelnyxSmsAccount,
        sms: &Sms,
    ) -> Result<Receipt<Status>, Failure> {
        let url = endpoint(account.base_url.as_ref(), HOME, &["messages"])?;
        let mut body = object!({"to": sms.to.as_str(), "text": sms.text, "type": "SMS"});
        match &account.from {
            SmsFrom::Number(number) => body["from"] = number.as_str().into(),
            SmsFrom::Name(name) => body["from"] = name.as_str().into(),
            SmsFrom::Service(profile) => body["messaging_profile_id"] = profile.as_str().into(),
        }
        if let Some(profile) = &account.profile {
            body["messaging_profile_id"] = profile.as_str().into();
        }
        if let Some(report) = &sms.report_to {
            let mut report = report.clone();
            report.query_pairs_mut().append_pair("ours", &sms.id.to_string());
            body["webhook_url"] = report.as_str().into();
            body["use_profile_webhooks"] = false.into();
        }
        let body = body.to_string();
        let reply = self
            .line
            .call(Does::Once, &url, || {
                self.line
                    .request(Method::POST, &url)
                    .bearer_auth(account.api_key.expose())
                    .header("content-type", "application/json")
                    .body(body.clone())
            })
            .await?;
        let answer: Value = reply.success(said)?;
        let answer = Json(&answer);
        let id = answer.text("data.id").ok_or_else(|| Failure::Unknown {
            host: HOME.to_owned(),
            detail: "its reply has no id".to_owned(),
            provider_ref: None,
        })?;
        Ok(receipt(&answer, "data", id, self.line.now()))
    }

    pub(super) async fn find(&self, account: &TelnyxSmsAccount, asked: &Asked) -> Result<Found<Status>> {
        let Some(id) = &asked.provider_ref else { return Ok(Found::CannotTell) };
        let url = endpoint(account.base_url.as_ref(), HOME, &["messages", id]).map_err(no_answer)?;
        let reply = self
            .line
            .call(Does::Read, &url, || {
                self.line.request(Method::GET, &url).bearer_auth(account.api_key.expose())
            })
            .await
            .map_err(no_answer)?;
        let answer: Value = reply.success(said).map_err(no_answer)?;
        Ok(Found::Taken(receipt(&Json(&answer), "data", id.clone(), asked.last_at)))
    }
}

fn receipt(answer: &Json<'_>, at: &str, id: String, when: Time) -> Receipt<Status> {
    let word = answer.words(&format!("{at}.to.0.status"));
    let price =
        cost(answer.number(&format!("{at}.cost.amount")), &answer.words(&format!("{at}.cost.currency")));
    Receipt { provider_ref: id, status: status(&word), cost: price, at: when }
}

fn status(word: &str) -> Status {
    match word {
        "sent" | "delivery_unconfirmed" => Status::Sent,
        "delivered" => Status::Delivered,
        "delivery_failed" => Status::Undelivered,
        "sending_failed" => Status::Failed,
        _ => Status::Queued,
    }
}

fn reason(code: &str) -> Reason {
    match code {
        "40300" => Reason::OptedOut,
        "40001" | "40310" | "40008" => Reason::NoSuchRecipient,
        "40002" | "40003" | "40018" => Reason::Blocked,
        "40305" | "40306" | "40010" | "40013" => Reason::Sender,
        "10009" => Reason::Account,
        "20100" | "20012" => Reason::Funds,
        "10011" | "40318" => Reason::Busy,
        _ => Reason::Other,
    }
}

/// `{errors: [{code, title, detail}]}`.
pub(crate) fn said(status: StatusCode, body: &[u8]) -> Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Json(&body);
    let code = error.words("errors.0.code");
    let words = error.any(&["errors.0.detail", "errors.0.title"]).unwrap_or_default();
    let reason = reason(&code);
    if reason == Reason::Other {
        return refusal(status, &code, &words);
    }
    refused(reason, &code, &words)
}

/// Webhooks of Telnyx: messages and calls.
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::Telnyx
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        ed25519(&secrets(keys)?, inbound)?;
        let body = json(inbound)?;
        let event = Json(&body);
        let key = event.text("data.id").ok_or_else(|| malformed("data.id"))?;
        let kind = event.text("data.event_type").ok_or_else(|| malformed("data.event_type"))?;
        let at = event.time("data.occurred_at").unwrap_or(inbound.received_at);
        let (provider_ref, ours, what) = if kind.starts_with("message.") {
            let url = event.text("data.payload.webhook_url").and_then(|url| url::Url::parse(&url).ok());
            let in_address =
                url.as_ref().unwrap_or(&inbound.url).query_pairs().find(|(name, _)| name == "ours");
            let ours = in_address.and_then(|(_, id)| ours_in(&id));
            (event.text("data.payload.id"), ours, message(&kind, &event))
        } else {
            crate::voice::telnyx::told(&kind, &event)
        };
        Ok(Event { provider: Provider::Telnyx, key, at, provider_ref, ours, what })
    }
}

fn message(kind: &str, event: &Json<'_>) -> What {
    if kind == "message.received" {
        let (from, text) = (event.words("data.payload.from.phone_number"), event.words("data.payload.text"));
        return match keyword(&text) {
            Some(Keyword::Stop) => What::OptedOut { from, text: Some(text) },
            Some(Keyword::Start) => What::OptedIn { from },
            None => {
                let to = event.text("data.payload.to.0.phone_number");
                What::Replied(Box::new(Reply { from, to, text: Some(text), ..Reply::default() }))
            }
        };
    }
    match status(&event.words("data.payload.to.0.status")) {
        Status::Queued => What::Queued,
        Status::Sent => What::Sent { message_id: None },
        Status::Delivered => What::Delivered,
        Status::Read => What::Opened { user_agent: None },
        Status::Cancelled => What::Cancelled,
        Status::Undelivered | Status::Failed => {
            let code = event.words("data.payload.errors.0.code");
            let detail = event.any(&["data.payload.errors.0.detail", "data.payload.errors.0.title"]);
            What::Failed { reason: reason(&code), code, detail: detail.unwrap_or_default() }
        }
    }
}
