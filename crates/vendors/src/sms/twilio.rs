//! Twilio: forms, no idempotency key. A lost answer is looked up in the list of messages to the number.

use base::{Result, Time};
use ports::delivery::{
    Event, Failure, Found, Inbound, Keys, Provider, Reason, Receipt, Receiver, Reply, WebhookError, What,
};
use ports::sms::{Asked, Sms, SmsFrom, Status, TwilioAccount};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::borrow::Cow;
use url::Url;
use url::form_urlencoded::{self, Serializer};

use super::{Keyword, keyword};
use crate::delivery::{
    Does, Json, Line, Reply as Answer, cost, endpoint, malformed, no_answer, path_token, refusal, refused,
    secrets, twilio_hmac,
};

const HOME: &str = "https://api.twilio.com/2010-04-01";
/// Most pages of a list.
const PAGES: usize = 10;
/// Seconds before the first try from which a message is looked for: clocks differ.
const SLACK_S: i64 = 300;

/// Messages through Twilio.
pub(super) struct Twilio {
    line: Line,
}

impl Twilio {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(
        &self,
        account: &TwilioAccount,
        does: Does,
        url: &Url,
        form: Option<&str>,
    ) -> Result<Answer, Failure> {
        let user = account.api_key_sid.as_deref().unwrap_or(&account.account_sid);
        let method = if form.is_some() { Method::POST } else { Method::GET };
        self.line
            .call(does, url, || {
                let request =
                    self.line.request(method.clone(), url).basic_auth(user, Some(account.secret.expose()));
                match form {
                    Some(form) => request
                        .header("content-type", "application/x-www-form-urlencoded")
                        .body(form.to_owned()),
                    None => request,
                }
            })
            .await
    }

    fn messages(account: &TwilioAccount, name: &str) -> Result<Url, Failure> {
        let path = ["Accounts", &account.account_sid, "Messages", name];
        let path = if name.is_empty() { &path[..3] } else { &path[..] };
        let mut url = endpoint(account.base_url.as_ref(), HOME, path)?;
        let json = format!("{}.json", url.path());
        url.set_path(&json);
        Ok(url)
    }

    pub(super) async fn send(&self, account: &TwilioAccount, sms: &Sms) -> Result<Receipt<Status>, Failure> {
        let url = Self::messages(account, "")?;
        let form = form_of(account, sms);
        let reply = self.call(account, Does::Once, &url, Some(&form)).await?;
        let message: Value = reply.success(said)?;
        receipt(&Json(&message), self.line.now()).ok_or_else(|| Failure::Unknown {
            host: HOME.to_owned(),
            detail: "its reply has no sid".to_owned(),
            provider_ref: None,
        })
    }

    pub(super) async fn find(&self, account: &TwilioAccount, asked: &Asked) -> Result<Found<Status>> {
        if let Some(sid) = &asked.provider_ref {
            let url = Self::messages(account, sid).map_err(no_answer)?;
            let reply = self.call(account, Does::Read, &url, None).await.map_err(no_answer)?;
            let message: Value = reply.success(said).map_err(no_answer)?;
            let at = Json(&message).time("date_created").unwrap_or(asked.first_at);
            return Ok(receipt(&Json(&message), at).map_or(Found::CannotTell, Found::Taken));
        }
        let since = asked.first_at.plus_s(-SLACK_S);
        let to = asked.sms.to.as_str();
        let listed = self.list(account, &[("To", to)], since).await?;
        let found = listed.iter().map(Json).find(|message| {
            let outbound = !message.words("direction").starts_with("inbound");
            outbound && message.text("body").as_deref() == Some(asked.sms.text.as_str())
        });
        if let Some(receipt) = found.and_then(|message| receipt(&message, asked.last_at)) {
            return Ok(Found::Taken(receipt));
        }
        self.line.settled(asked.last_at)?;
        Ok(Found::NotSeen)
    }

    async fn list(&self, account: &TwilioAccount, of: &[(&str, &str)], since: Time) -> Result<Vec<Value>> {
        let mut url = Self::messages(account, "").map_err(no_answer)?;
        // `DateSent>=2026-01-01`: the sign is part of the name; the day is all that counts there.
        let day: String = since.to_string().chars().take(10).collect();
        url.query_pairs_mut().extend_pairs(of).append_pair("DateSent>", &day).append_pair("PageSize", "1000");
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let reply = self.call(account, Does::Read, &url, None).await.map_err(no_answer)?;
            let page: Value = reply.success(said).map_err(no_answer)?;
            let page = Json(&page);
            all.extend(page.items("messages").iter().cloned());
            let Some(next) = page.text("next_page_uri") else { break };
            // The address of the next page begins at the host, below which the version stands.
            let Ok(next) = url.join(&next) else { break };
            url = next;
        }
        Ok(all)
    }

    pub(super) async fn received(&self, account: &TwilioAccount, since: Time) -> Result<Vec<Event>> {
        let of = match &account.from {
            SmsFrom::Number(number) => vec![("To", number.as_str())],
            SmsFrom::Name(_) | SmsFrom::Service(_) => Vec::new(),
        };
        let listed = self.list(account, &of, since).await?;
        let inbound = listed.iter().map(Json).filter(|message| message.words("direction") == "inbound");
        Ok(inbound
            .filter_map(|message| {
                let sid = message.text("sid")?;
                let at = message.time("date_sent").unwrap_or(since);
                let (from, to, body) = (message.words("from"), message.text("to"), message.words("body"));
                (at >= since).then(|| said_by(from, to, &body, sid, at))
            })
            .collect())
    }
}

fn form_of(account: &TwilioAccount, sms: &Sms) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("To", sms.to.as_str()).append_pair("Body", &sms.text);
    match &account.from {
        SmsFrom::Number(number) => form.append_pair("From", number.as_str()),
        SmsFrom::Name(name) => form.append_pair("From", name),
        SmsFrom::Service(service) => form.append_pair("MessagingServiceSid", service),
    };
    if let Some(report) = &sms.report_to {
        form.append_pair("StatusCallback", report.as_str());
    }
    form.finish()
}

fn receipt(message: &Json<'_>, at: Time) -> Option<Receipt<Status>> {
    let status = status(&message.words("status")).unwrap_or(Status::Queued);
    let price = cost(message.number("price"), &message.words("price_unit"));
    Some(Receipt { provider_ref: message.text("sid")?, status, cost: price, at })
}

fn status(word: &str) -> Option<Status> {
    Some(match word {
        "accepted" | "scheduled" | "queued" | "sending" => Status::Queued,
        "sent" => Status::Sent,
        "delivered" | "partially_delivered" => Status::Delivered,
        "read" => Status::Read,
        "undelivered" => Status::Undelivered,
        "failed" => Status::Failed,
        "canceled" => Status::Cancelled,
        _ => return None,
    })
}

fn reason(code: &str) -> Reason {
    match code {
        "21610" => Reason::OptedOut,
        "21211" | "21214" | "21217" | "21614" | "30005" | "30006" => Reason::NoSuchRecipient,
        "21606" | "21612" | "21659" | "21660" | "21703" | "30034" => Reason::Sender,
        "30004" | "30007" | "21408" | "21635" => Reason::Blocked,
        "21602" | "21605" | "21617" => Reason::Content,
        "20003" | "20005" | "30002" => Reason::Account,
        // 30003: the handset is off or out of reach.
        "20429" | "14107" | "30001" | "30003" => Reason::Busy,
        _ => Reason::Other,
    }
}

/// `{code, message, more_info, status}`.
fn said(status: StatusCode, body: &[u8]) -> ports::delivery::Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Json(&body);
    let (code, words) = (error.words("code"), error.words("message"));
    let reason = reason(&code);
    if reason == Reason::Other {
        return refusal(status, &code, &words);
    }
    refused(reason, &code, &words)
}

/// What a person wrote; by webhook and by the list it has the same key.
fn said_by(from: String, to: Option<String>, body: &str, sid: String, at: Time) -> Event {
    let what = match keyword(body) {
        Some(Keyword::Stop) => What::OptedOut { from, text: Some(body.to_owned()) },
        Some(Keyword::Start) => What::OptedIn { from },
        None => What::Replied(Box::new(Reply { from, to, text: Some(body.to_owned()), ..Reply::default() })),
    };
    let key = format!("{sid}:received");
    Event { provider: Provider::Twilio, key, at, provider_ref: Some(sid), ours: None, what }
}

/// Webhooks of Twilio: inbound messages and reports. Answer `<Response/>` as `text/xml`.
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::Twilio
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        let in_body = inbound.url.query_pairs().any(|(name, _)| name == "bodySHA256");
        let fields: Vec<(String, String)> =
            if in_body { Vec::new() } else { form_urlencoded::parse(&inbound.body).into_owned().collect() };
        twilio_hmac(&secrets(keys)?, inbound, &fields)?;
        let get = |name: &str| -> Option<Cow<'_, str>> {
            fields.iter().find(|(known, _)| known == name).map(|(_, value)| Cow::Borrowed(value.as_str()))
        };
        let sid =
            get("MessageSid").or_else(|| get("SmsSid")).ok_or_else(|| malformed("MessageSid"))?.into_owned();
        let word = get("MessageStatus").or_else(|| get("SmsStatus")).unwrap_or_default().into_owned();
        let at = inbound.received_at;
        let from = || get("From").unwrap_or_default().into_owned();
        if matches!(word.as_str(), "received" | "receiving") || (word.is_empty() && get("Body").is_some()) {
            let body = get("Body").unwrap_or_default();
            let to = get("To").map(Cow::into_owned);
            let mut event = said_by(from(), to, &body, sid, at);
            match get("OptOutType").as_deref() {
                Some("STOP") => event.what = What::OptedOut { from: from(), text: Some(body.into_owned()) },
                Some("START") => event.what = What::OptedIn { from: from() },
                Some(_) | None => {}
            }
            return Ok(event);
        }
        let code = get("ErrorCode").unwrap_or_default().into_owned();
        let what = match status(&word) {
            Some(Status::Queued) => What::Queued,
            Some(Status::Sent) => What::Sent { message_id: None },
            Some(Status::Delivered) => What::Delivered,
            Some(Status::Read) => What::Opened { user_agent: None },
            Some(Status::Cancelled) => What::Cancelled,
            Some(Status::Undelivered | Status::Failed) => {
                What::Failed { reason: reason(&code), code, detail: word.clone() }
            }
            None => What::Other { kind: word.clone() },
        };
        let key = format!("{sid}:{word}");
        let ours = inbound.url.query_pairs().find(|(name, _)| name == "ours");
        let ours = ours.and_then(|(_, id)| crate::delivery::ours_in(&id));
        Ok(Event { provider: Provider::Twilio, key, at, provider_ref: Some(sid), ours, what })
    }
}
