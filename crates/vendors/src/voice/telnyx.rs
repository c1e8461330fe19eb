//! Telnyx: the line. The script is spoken once somebody answers ([`VoiceCaller::say`] when the event
//! says so); nobody listens. A lost answer is known when the call's first event comes: it carries our id.
//!
//! [`VoiceCaller::say`]: ports::voice::VoiceCaller::say

use base::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ports::delivery::{CallEnd, Failure, Found, Receipt, What};
use ports::voice::{Asked, Call, Outcome, Status, TelnyxVoiceAccount};
use reqwest::Method;
use serde_json::{Value, json as object};
use url::Url;
use uuid::Uuid;

use crate::delivery::{Does, Json, Line, endpoint, no_answer, ours_in};
use crate::sms::telnyx::{HOME, said};

/// Seconds that it rings.
const RINGS_S: u32 = 30;
/// Longest call, in seconds.
const LONGEST_S: u32 = 600;

/// Calls through Telnyx.
pub(super) struct Telnyx {
    line: Line,
}

impl Telnyx {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(
        &self,
        account: &TelnyxVoiceAccount,
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

    pub(super) async fn place(
        &self,
        account: &TelnyxVoiceAccount,
        call: &Call,
    ) -> Result<Receipt<Status>, Failure> {
        let now = self.line.now();
        if call.window.is_some_and(|window| now < window.earliest || now > window.latest) {
            return Err(Failure::unsupported("telnyx", "keep a call for later"));
        }
        let url = endpoint(account.base_url.as_ref(), HOME, &["calls"])?;
        let mut body = object!({
            "connection_id": account.connection, "from": account.from.as_str(), "to": call.to.as_str(),
            "client_state": STANDARD.encode(call.id.to_string()), "command_id": call.id.to_string(),
            "answering_machine_detection": "detect", "timeout_secs": RINGS_S, "time_limit_secs": LONGEST_S,
        });
        if let Some(region) = &account.sip_region {
            body["sip_region"] = region.as_str().into();
        }
        if call.script.record {
            body["record"] = "record-from-answer".into();
        }
        if let Some(report) = &call.report_to {
            body["webhook_url"] = report.as_str().into();
        }
        let answer = self.call(account, Does::Once, &url, Some(&body)).await?;
        let id = Json(&answer).text("data.call_control_id").ok_or_else(|| Failure::Unknown {
            host: HOME.to_owned(),
            detail: "its reply has no call_control_id".to_owned(),
            provider_ref: None,
        })?;
        Ok(Receipt { provider_ref: id, status: Status::Ringing, cost: None, at: now })
    }

    /// Says whether the call still lives and since when it does not; how it ended is told by webhook only.
    pub(super) async fn find(&self, account: &TelnyxVoiceAccount, asked: &Asked) -> Result<Found<Status>> {
        let Some(id) = &asked.provider_ref else { return Ok(Found::CannotTell) };
        let url = endpoint(account.base_url.as_ref(), HOME, &["calls", id]).map_err(no_answer)?;
        let answer = self.call(account, Does::Read, &url, None).await.map_err(no_answer)?;
        let call = Json(&answer);
        let alive = call.at("data.is_alive").and_then(Value::as_bool).unwrap_or(false);
        let status = if alive {
            // It rings or somebody speaks: which of both is not told.
            Status::Ringing
        } else {
            Status::Ended(Box::new(CallEnd {
                started_at: call.time("data.start_time"),
                ended_at: call.time("data.end_time"),
                ..CallEnd::new(Outcome::Unknown, "not alive")
            }))
        };
        Ok(Found::Taken(Receipt { provider_ref: id.clone(), status, cost: None, at: asked.last_at }))
    }

    pub(super) async fn say(
        &self,
        account: &TelnyxVoiceAccount,
        provider_ref: &str,
        words: &str,
    ) -> Result<(), Failure> {
        let url = endpoint(account.base_url.as_ref(), HOME, &["calls", provider_ref, "actions", "speak"])?;
        let body = object!({"payload": words, "voice": "female", "language": "en-AU"});
        self.call(account, Does::Once, &url, Some(&body)).await.map(drop)
    }
}

/// What a word about a call says.
pub(crate) fn told(kind: &str, event: &Json<'_>) -> (Option<String>, Option<Uuid>, What) {
    let state = event.text("data.payload.client_state").and_then(|state| STANDARD.decode(state).ok());
    let ours = state.and_then(|state| ours_in(&String::from_utf8_lossy(&state)));
    let what = match kind {
        "call.initiated" => What::Sent { message_id: None },
        "call.answered" => What::Answered,
        "call.machine.detection.ended" if event.words("data.payload.result").contains("machine") => {
            What::MachineAnswered
        }
        "call.recording.saved" => event
            .any(&["data.payload.recording_urls.mp3", "data.payload.public_recording_urls.mp3"])
            .and_then(|url| url.parse().ok())
            .map_or_else(|| What::Other { kind: kind.to_owned() }, |url| What::Recorded { url }),
        "call.hangup" => {
            let reason = event.words("data.payload.hangup_cause");
            What::CallEnded(Box::new(CallEnd {
                started_at: event.time("data.payload.start_time"),
                ended_at: event.time("data.payload.end_time"),
                ..CallEnd::new(outcome(&reason), reason)
            }))
        }
        other => What::Other { kind: other.to_owned() },
    };
    (event.text("data.payload.call_control_id"), ours, what)
}

fn outcome(cause: &str) -> Outcome {
    match cause {
        "normal_clearing" => Outcome::Completed,
        "no_answer" | "timeout" => Outcome::NoAnswer,
        "user_busy" => Outcome::Busy,
        "call_rejected" => Outcome::Rejected,
        "time_limit" => Outcome::TooLong,
        "originator_cancel" => Outcome::Cancelled,
        "not_found" => Outcome::NoSuchNumber,
        _ => Outcome::Failed,
    }
}
