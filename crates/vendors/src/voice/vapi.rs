//! Vapi: an assistant that calls. No idempotency key: a lost answer is looked up in the list of calls
//! by `customer.externalId`, which is our id.

use base::Result;
use ports::delivery::{
    CallEnd, Cost, Event, Failure, Found, Inbound, Keys, Provider, Reason, Receipt, Receiver, Refusal,
    SignaturePlan, Signing, WebhookError, What,
};
use ports::voice::{Asked, Call, Outcome, Status, VapiAccount};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json as object};
use url::Url;

use crate::delivery::{
    Does, Json, Line, Stamp, bearer, cost, digest, endpoint, json, malformed, no_answer, path_token, refusal,
    refused, stamped_hmac, standard_webhooks,
};

const HOME: &str = "https://api.vapi.ai";
/// Most calls of one page.
const PAGE: usize = 1_000;
/// Seconds before the first try from which a call is looked for: clocks differ.
const SLACK_S: i64 = 300;

/// Calls through Vapi.
pub(super) struct Vapi {
    line: Line,
}

impl Vapi {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(
        &self,
        account: &VapiAccount,
        does: Does,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let reply = self
            .line
            .call(does, url, || {
                let request = self.line.request(method.clone(), url).bearer_auth(account.api_key.expose());
                match body {
                    Some(body) => request.header("content-type", "application/json").body(body.to_string()),
                    None => request,
                }
            })
            .await?;
        reply.success(said)
    }

    pub(super) async fn place(&self, account: &VapiAccount, call: &Call) -> Result<Receipt<Status>, Failure> {
        let url = endpoint(account.base_url.as_ref(), HOME, &["call"])?;
        let answer = self.call(account, Does::Once, &url, Some(&body_of(account, call))).await?;
        receipt(&Json(&answer)).map(|receipt| Receipt { at: self.line.now(), ..receipt }).ok_or_else(|| {
            Failure::Unknown {
                host: HOME.to_owned(),
                detail: "its reply has no id".to_owned(),
                provider_ref: None,
            }
        })
    }

    pub(super) async fn find(&self, account: &VapiAccount, asked: &Asked) -> Result<Found<Status>> {
        if let Some(id) = &asked.provider_ref {
            let url = endpoint(account.base_url.as_ref(), HOME, &["call", id]).map_err(no_answer)?;
            let answer = self.call(account, Does::Read, &url, None).await.map_err(no_answer)?;
            return Ok(receipt(&Json(&answer)).map_or(Found::CannotTell, Found::Taken));
        }
        let mut url = endpoint(account.base_url.as_ref(), HOME, &["call"]).map_err(no_answer)?;
        url.query_pairs_mut()
            .append_pair("limit", &PAGE.to_string())
            .append_pair("createdAtGe", &asked.first_at.plus_s(-SLACK_S).to_string())
            .append_pair("createdAtLe", &asked.last_at.plus_s(SLACK_S).to_string());
        let listed = self.call(account, Does::Read, &url, None).await.map_err(no_answer)?;
        let calls = listed.as_array().map_or(&[][..], Vec::as_slice);
        let ours =
            calls.iter().map(Json).find(|call| call.ours("customer.externalId") == Some(asked.call.id));
        if let Some(receipt) = ours.and_then(|call| receipt(&call)) {
            return Ok(Found::Taken(receipt));
        }
        if calls.len() >= PAGE {
            return Ok(Found::CannotTell);
        }
        self.line.settled(asked.last_at)?;
        Ok(Found::NotSeen)
    }
}

fn body_of(account: &VapiAccount, call: &Call) -> Value {
    let script = &call.script;
    let mut overrides = object!({
        "firstMessage": script.first_words(),
        "firstMessageMode": "assistant-speaks-first",
        "variableValues": {
            "name": call.name, "value": script.value, "ask": script.ask, "instructions": script.instructions,
        },
        "artifactPlan": {"recordingEnabled": script.record},
    });
    if let Some(report) = &call.report_to {
        // Without a plan nothing is repeated there.
        let mut server = object!({
            "url": report.as_str(), "timeoutSeconds": 20,
            "backoffPlan": {"type": "exponential", "maxRetries": 5, "baseDelaySeconds": 2},
        });
        if let Some(credential) = &account.credential {
            server["credentialId"] = credential.as_str().into();
        }
        overrides["server"] = server;
    }
    let mut customer = object!({"number": call.to.as_str(), "externalId": call.id.to_string()});
    if !call.name.is_empty() {
        customer["name"] = call.name.chars().take(40).collect::<String>().into();
    }
    let mut body = object!({
        "assistantId": account.assistant, "assistantOverrides": overrides,
        "phoneNumberId": account.phone_number, "customer": customer,
    });
    if let Some(window) = &call.window {
        body["schedulePlan"] =
            object!({"earliestAt": window.earliest.to_string(), "latestAt": window.latest.to_string()});
    }
    body
}

/// `{message, error, statusCode}`; the message is a text or a list.
fn said(status: StatusCode, body: &[u8]) -> Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Json(&body);
    let words = error.any(&["message", "message.0"]).unwrap_or_default();
    if words.contains("customer.number") {
        return refused(Reason::NoSuchRecipient, status.as_str(), &words);
    }
    refusal(status, "", &words)
}

fn receipt(call: &Json<'_>) -> Option<Receipt<Status>> {
    let status = match call.words("status").as_str() {
        "ringing" => Status::Ringing,
        "in-progress" | "forwarding" => Status::Talking,
        "ended" | "not-found" => Status::Ended(Box::new(end(call))),
        _ => Status::Queued,
    };
    let at = call.time("createdAt").unwrap_or(base::Time::from_us(0));
    Some(Receipt { provider_ref: call.text("id")?, status, cost: price(call), at })
}

/// How a call ended, as its own record and the report at its end tell it.
fn end(call: &Json<'_>) -> CallEnd {
    let reason = call.words("endedReason");
    // A call that the service does not find any more ended somehow.
    let outcome = if reason.is_empty() { Outcome::Unknown } else { outcome(&reason) };
    CallEnd {
        started_at: call.time("startedAt"),
        ended_at: call.time("endedAt"),
        cost: price(call),
        summary: call.any(&["analysis.summary", "summary"]),
        transcript: call.any(&["artifact.transcript", "transcript"]),
        recording: call.any(&["artifact.recordingUrl", "recordingUrl"]).and_then(|url| url.parse().ok()),
        data: call.at("analysis.structuredData").filter(|data| !data.is_null()).cloned(),
        ..CallEnd::new(outcome, reason)
    }
}

fn price(call: &Json<'_>) -> Option<Cost> {
    cost(call.number("cost"), "USD")
}

/// There are hundreds of reasons; what is not known by name is known by how it begins.
fn outcome(reason: &str) -> Outcome {
    match reason {
        "customer-did-not-answer" | "twilio-failed-to-connect-call" | "vonage-failed-to-connect-call" => {
            Outcome::NoAnswer
        }
        "customer-busy" => Outcome::Busy,
        "voicemail" => Outcome::Voicemail,
        "silence-timed-out" | "customer-did-not-give-microphone-permission" => Outcome::Silence,
        "exceeded-max-duration" => Outcome::TooLong,
        "assistant-forwarded-call" | "call.ringing.hook-executed-transfer" => Outcome::Transferred,
        "twilio-reported-customer-misdialed" => Outcome::NoSuchNumber,
        "manually-canceled" | "scheduled-call-deleted" => Outcome::Cancelled,
        "vonage-completed" | "call.in-progress.twilio-completed-call" => Outcome::Completed,
        other if other.contains("error") => Outcome::Failed,
        other if other.starts_with("customer-ended-call") => Outcome::Completed,
        other if other.starts_with("assistant-ended-call") || other.starts_with("assistant-said-") => {
            Outcome::Completed
        }
        other if other.contains("rejected") || other.contains("declined") => Outcome::Rejected,
        _ => Outcome::Failed,
    }
}

/// Webhooks of Vapi, signed as its credential says.
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::Vapi
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        let Signing::Plan(plan) = &keys.signing else { return Err(WebhookError::Unsigned) };
        let (SignaturePlan::Hmac(all) | SignaturePlan::Standard(all) | SignaturePlan::Bearer(all)) = plan;
        let secrets: Vec<_> = all.iter().filter(|secret| !secret.is_empty()).collect();
        if secrets.is_empty() {
            return Err(WebhookError::Unsigned);
        }
        match plan {
            SignaturePlan::Hmac(_) => {
                stamped_hmac(&secrets, inbound, &Stamp { signature: "x-signature", time: "x-timestamp" })?;
            }
            SignaturePlan::Standard(_) => standard_webhooks(&secrets, inbound).map(drop)?,
            SignaturePlan::Bearer(_) => bearer(&secrets, inbound)?,
        }
        let body = json(inbound)?;
        let event = Json(&body);
        let kind = event.text("message.type").ok_or_else(|| malformed("message.type"))?;
        let call = event.text("message.call.id");
        let stamp = event.text("message.timestamp").unwrap_or_else(|| digest(&inbound.body));
        Ok(Event {
            provider: Provider::Vapi,
            key: format!("{}:{kind}:{stamp}", call.as_deref().unwrap_or_default()),
            at: event.time("message.timestamp").unwrap_or(inbound.received_at),
            provider_ref: call,
            ours: event
                .ours("message.customer.externalId")
                .or_else(|| event.ours("message.call.customer.externalId")),
            what: what(&kind, &event),
        })
    }
}

fn what(kind: &str, event: &Json<'_>) -> What {
    match kind {
        "status-update" => match event.words("message.status").as_str() {
            "scheduled" | "queued" => What::Queued,
            "ringing" => What::Sent { message_id: None },
            "in-progress" | "forwarding" => What::Answered,
            other => What::Other { kind: format!("{kind}:{other}") },
        },
        "end-of-call-report" => {
            What::CallEnded(Box::new(end(&Json(event.at("message").unwrap_or(&Value::Null)))))
        }
        other => What::Other { kind: other.to_owned() },
    }
}
