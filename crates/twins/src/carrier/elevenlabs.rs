//! A twin of ElevenLabs: speech. Keys begin with `el-`. The sound is a tone whose length follows the text.

use super::desk::{Answer, Call, Content, Vendor, text};
use super::letters::{Letter, Signing, hex_mac};
use base::Time;
use serde_json::{Value, json};

#[derive(Default)]
pub(super) struct ElevenLabs {
    spoken: Vec<Value>,
    last: u64,
}

impl Vendor for ElevenLabs {
    fn name(&self) -> &'static str {
        "ElevenLabs"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        if !call.header("xi-api-key").starts_with("el-") {
            return Answer::of(
                401,
                json!({"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}),
            );
        }
        let ("POST", ["v1", "text-to-speech", voice, ..]) = (call.method, call.path.as_slice()) else {
            return Answer::of(404, json!({"detail": "Not Found"}));
        };
        let body = call.json();
        let words = text(&body, "text");
        if words.is_empty() {
            let detail =
                json!([{"loc": ["body", "text"], "msg": "field required", "type": "value_error.missing"}]);
            return Answer::of(422, json!({"detail": detail}));
        }
        let format = call.asked("output_format").unwrap_or("mp3_44100_128").to_owned();
        self.spoken.push(json!({"voice": voice, "text": words, "model": body["model_id"], "format": format}));
        let kind = if format.starts_with("mp3") { "audio/mpeg" } else { "application/octet-stream" };
        // 60 ms of µ-law silence for each character; other forms get as many bytes.
        let sound = vec![0xFF; words.chars().count() * 480];
        Answer { content: Content::Bytes(kind, sound), ..Answer::empty(200) }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        if text(order, "event") != "transcribed" {
            return Err("ElevenLabs tells only what was said (transcribed).".to_owned());
        }
        self.last += 1;
        let id = format!("conv_{}", self.last);
        let body = json!({
            "type": "post_call_transcription", "event_timestamp": now.ms() / 1_000,
            "data": {
                "conversation_id": id, "agent_id": "agent_twin", "status": "done",
                "transcript": [
                    {"role": "agent", "message": "Hello."}, {"role": "user", "message": text(order, "text")},
                ],
                "metadata": {"call_duration_secs": 42},
            },
        });
        Ok(vec![Letter::json(&id, &body, sign)])
    }

    fn messages(&self) -> Vec<Value> {
        self.spoken.clone()
    }
}

/// `t=…,v0=…` over `{t}.{body}`.
fn sign(signing: &Signing<'_>) -> Vec<(&'static str, String)> {
    let time = (signing.at.ms() / 1_000).to_string();
    let mac = hex_mac(signing.secret.as_bytes(), &[&time, ".", signing.body]);
    vec![("elevenlabs-signature", format!("t={time},v0={mac}"))]
}
