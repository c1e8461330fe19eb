//! ElevenLabs: speaks.

use bytes::Bytes;
use ports::delivery::{
    Event, Failure, Inbound, Keys, Provider, Reason, Receiver, Refusal, Step, WebhookError, What,
};
use ports::speech::{ElevenLabsAccount, Say, SoundFormat};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json as object};

use crate::delivery::{
    Does, Json, Line, endpoint, json, malformed, path_token, refusal, refused, secrets, timed_header,
};

const HOME: &str = "https://api.elevenlabs.io";
/// Most characters of one text.
const LONGEST: usize = 5_000;
/// Seconds for which a webhook is believed.
const WINDOW_S: i64 = 1_800;

/// Sound by ElevenLabs.
pub(super) struct ElevenLabs {
    line: Line,
}

impl ElevenLabs {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    pub(super) async fn speak(&self, account: &ElevenLabsAccount, say: &Say) -> Result<Bytes, Failure> {
        let length = say.text.chars().count();
        if say.text.trim().is_empty() || length > LONGEST {
            let message = format!("The text has {length} characters; 1 to {LONGEST} can be spoken at once.");
            return Err(Failure::NotStarted { step: Step::Check, host: String::new(), message });
        }
        let path = ["v1", "text-to-speech", &account.voice];
        let mut url = endpoint(account.base_url.as_ref(), HOME, &path)?;
        let format = match say.format {
            SoundFormat::Mp3 => "mp3_44100_128",
            SoundFormat::Telephone => "ulaw_8000",
            SoundFormat::Pcm => "pcm_16000",
        };
        url.query_pairs_mut().append_pair("output_format", format);
        let mut body = object!({"text": say.text, "model_id": account.model});
        if let Some(language) = &say.language {
            body["language_code"] = language.as_str().into();
        }
        let body = body.to_string();
        let reply = self
            .line
            .call(Does::Prepare, &url, || {
                self.line
                    .request(Method::POST, &url)
                    .header("xi-api-key", account.api_key.expose())
                    .header("content-type", "application/json")
                    .body(body.clone())
            })
            .await?;
        if !reply.status.is_success() {
            return Err(Failure::Refused(said(reply.status, &reply.body)));
        }
        Ok(Bytes::from(reply.body))
    }
}

/// `{detail: {status, message}}` or `{detail: [{msg}]}`.
fn said(status: StatusCode, body: &[u8]) -> Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Json(&body);
    let code = error.words("detail.status");
    let words = error.any(&["detail.message", "detail.0.msg", "detail"]).unwrap_or_default();
    match code.as_str() {
        "quota_exceeded" => refused(Reason::Funds, &code, &words),
        _ => refusal(status, &code, &words),
    }
}

/// Webhooks of ElevenLabs: what was said in a conversation.
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::ElevenLabs
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        timed_header(&secrets(keys)?, inbound, "elevenlabs-signature", "v0", WINDOW_S)?;
        let body = json(inbound)?;
        let event = Json(&body);
        let kind = event.text("type").ok_or_else(|| malformed("type"))?;
        let conversation = event.text("data.conversation_id");
        let what = match kind.as_str() {
            "post_call_transcription" => What::Transcribed {
                text: turns(&event),
                seconds: event.number("data.metadata.call_duration_secs").map(whole),
            },
            other => What::Other { kind: other.to_owned() },
        };
        Ok(Event {
            provider: Provider::ElevenLabs,
            key: format!("{}:{kind}", conversation.as_deref().unwrap_or_default()),
            at: event.time("event_timestamp").unwrap_or(inbound.received_at),
            provider_ref: conversation,
            ours: event.ours("data.conversation_initiation_client_data.dynamic_variables.ours"),
            what,
        })
    }
}

/// One line for each turn.
fn turns(event: &Json<'_>) -> String {
    let lines: Vec<String> = event
        .items("data.transcript")
        .iter()
        .map(Json)
        .filter_map(|turn| Some(format!("{}: {}", turn.words("role"), turn.text("message")?)))
        .collect();
    lines.join("\n")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds; a float's cast saturates"
)]
pub(super) fn whole(seconds: f64) -> u32 {
    seconds.round() as u32
}
