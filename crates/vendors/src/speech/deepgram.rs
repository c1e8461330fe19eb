//! Deepgram: listens.

use ports::delivery::{
    Event, Failure, Inbound, Keys, Provider, Reason, Receiver, Refusal, Signing, Step, WebhookError, What,
};
use ports::speech::{DeepgramAccount, Sound, Transcript, Turn};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json as object};
use subtle::ConstantTimeEq;
use url::Url;

use super::elevenlabs::whole;
use crate::delivery::{Does, Json, Line, endpoint, json, malformed, path_token, refusal, refused};

const HOME: &str = "https://api.deepgram.com";

/// Transcripts by Deepgram.
pub(super) struct Deepgram {
    line: Line,
}

impl Deepgram {
    pub(super) fn new(line: Line) -> Self {
        Self { line }
    }

    async fn listen(
        &self,
        account: &DeepgramAccount,
        sound: &Sound,
        callback: Option<&Url>,
    ) -> Result<Value, Failure> {
        let mut url = endpoint(account.base_url.as_ref(), HOME, &["v1", "listen"])?;
        url.query_pairs_mut()
            .append_pair("model", &account.model)
            .append_pair("smart_format", "true")
            .append_pair("utterances", "true");
        if let Some(callback) = callback {
            url.query_pairs_mut().append_pair("callback", callback.as_str());
        }
        let reply = self
            .line
            .call(Does::Prepare, &url, || {
                let request = self
                    .line
                    .request(Method::POST, &url)
                    .header("authorization", format!("Token {}", account.api_key.expose()));
                match sound {
                    Sound::At(at) => request
                        .header("content-type", "application/json")
                        .body(object!({"url": at.as_str()}).to_string()),
                    Sound::Bytes(bytes) => {
                        request.header("content-type", "application/octet-stream").body(bytes.clone())
                    }
                }
            })
            .await?;
        reply.success(said)
    }

    pub(super) async fn transcribe(
        &self,
        account: &DeepgramAccount,
        sound: &Sound,
    ) -> Result<Transcript, Failure> {
        let answer = self.listen(account, sound, None).await?;
        transcript(&Json(&answer)).ok_or_else(unreadable)
    }

    pub(super) async fn transcribe_later(
        &self,
        account: &DeepgramAccount,
        sound: &Sound,
        report_to: &Url,
    ) -> Result<String, Failure> {
        let answer = self.listen(account, sound, Some(report_to)).await?;
        Json(&answer).text("request_id").ok_or_else(unreadable)
    }
}

fn unreadable() -> Failure {
    Failure::NotStarted {
        step: Step::Handover,
        host: HOME.to_owned(),
        message: "Deepgram's answer has no transcript. Try again.".to_owned(),
    }
}

/// `{err_code, err_msg, request_id}`.
fn said(status: StatusCode, body: &[u8]) -> Refusal {
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Json(&body);
    let (code, words) = (error.words("err_code"), error.words("err_msg"));
    match code.as_str() {
        "INVALID_AUTH" | "INSUFFICIENT_PERMISSIONS" => refused(Reason::Account, &code, &words),
        "ASR_PAYMENT_REQUIRED" => refused(Reason::Funds, &code, &words),
        _ => refusal(status, &code, &words),
    }
}

fn transcript(answer: &Json<'_>) -> Option<Transcript> {
    let channels = answer.items("results.channels");
    let best = |channel: &Value| Json(channel).text("alternatives.0.transcript");
    let texts: Vec<String> = channels.iter().filter_map(best).collect();
    let turn = |turn: Json<'_>| {
        Some(Turn {
            speaker: whole(turn.number("speaker").or_else(|| turn.number("channel")).unwrap_or(0.0)),
            from_s: turn.number("start")?,
            text: turn.text("transcript")?,
        })
    };
    Some(Transcript {
        provider_ref: answer.text("metadata.request_id")?,
        text: texts.join("\n"),
        confidence: answer.number("results.channels.0.alternatives.0.confidence").unwrap_or(0.0),
        seconds: answer.number("metadata.duration").unwrap_or(0.0),
        turns: answer.items("results.utterances").iter().map(Json).filter_map(turn).collect(),
    })
}

/// Transcripts that come later: not signed; the address is the secret, and `dg-token` names the key
/// that asked (its identifier, no secret), which is compared where the account knows it.
pub struct Webhooks;

impl Receiver for Webhooks {
    fn provider(&self) -> Provider {
        Provider::Deepgram
    }

    fn receive(&self, keys: &Keys, inbound: &Inbound) -> Result<Event, WebhookError> {
        path_token(keys, inbound)?;
        if let Signing::Secrets(names) = &keys.signing {
            let given = inbound.header("dg-token").ok_or(WebhookError::Unsigned)?.as_bytes();
            if !names.iter().any(|name| bool::from(name.expose().as_bytes().ct_eq(given))) {
                return Err(WebhookError::BadSignature);
            }
        }
        let body = json(inbound)?;
        let event = Json(&body);
        let id = event.any(&["metadata.request_id", "request_id"]).ok_or_else(|| malformed("request_id"))?;
        let what = match (event.text("err_code"), transcript(&event)) {
            (None, Some(transcript)) => {
                What::Transcribed { text: transcript.text, seconds: Some(whole(transcript.seconds)) }
            }
            (code, _) => What::Failed {
                reason: Reason::Other,
                code: code.unwrap_or_default(),
                detail: event.words("err_msg"),
            },
        };
        Ok(Event {
            provider: Provider::Deepgram,
            key: id.clone(),
            at: event.time("metadata.created").unwrap_or(inbound.received_at),
            provider_ref: Some(id),
            ours: None,
            what,
        })
    }
}
