//! A twin of Deepgram. Keys begin with `dg-`. It hears what stands in the bytes as text, or the address.

use super::desk::{Answer, Call, Vendor, text};
use super::letters::{Letter, Signing};
use base::Time;
use serde_json::{Value, json};

/// The identifier of every key.
const KEY_NAME: &str = "key-twin";

#[derive(Default)]
pub(super) struct Deepgram {
    heard: Vec<Value>,
    last: u64,
}

impl Vendor for Deepgram {
    fn name(&self) -> &'static str {
        "Deepgram"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        self.last += 1;
        let id = format!("a847f427-4ad5-4d67-9b95-{:012x}", self.last);
        let given = call.header("authorization");
        let key = given.strip_prefix("Token ").or_else(|| given.strip_prefix("token "));
        if !key.unwrap_or_default().starts_with("dg-") {
            let error =
                json!({"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials.", "request_id": id});
            return Answer::of(401, error);
        }
        if (call.method, call.path.as_slice()) != ("POST", &["v1", "listen"][..]) {
            return Answer::of(
                404,
                json!({"err_code": "NOT_FOUND", "err_msg": "Not found.", "request_id": id}),
            );
        }
        let asked = call.json();
        let words = if asked["url"].is_string() {
            text(&asked, "url")
        } else {
            String::from_utf8_lossy(call.body).into_owned()
        };
        if words.is_empty() {
            let error = json!({"err_code": "Bad Request", "err_msg": "Bad Request: failed to process audio", "request_id": id});
            return Answer::of(400, error);
        }
        self.heard.push(json!({"request_id": id, "heard": words, "model": call.asked("model")}));
        let transcript = json!({
            "metadata": {"request_id": id, "created": call.now.to_string(), "duration": 12.5, "channels": 1},
            "results": {
                "channels": [{"alternatives": [{"transcript": words, "confidence": 0.98, "words": []}]}],
                "utterances": [{"start": 0.0, "end": 12.5, "channel": 0, "speaker": 0, "transcript": words}],
            },
        });
        let Some(callback) = call.asked("callback") else { return Answer::of(200, transcript) };
        let letter = Letter { to: callback.parse().ok(), ..Letter::json(&id, &transcript, sign) };
        let mut answer = Answer::of(200, json!({"request_id": id}));
        answer.letters.push(letter);
        answer
    }

    fn order(&mut self, _order: &Value, _now: Time) -> Result<Vec<Letter>, String> {
        Err("Deepgram tells only what was asked with a callback.".to_owned())
    }

    fn messages(&self) -> Vec<Value> {
        self.heard.clone()
    }
}

/// Not a signature: the name of the key that asked.
fn sign(_: &Signing<'_>) -> Vec<(&'static str, String)> {
    vec![("dg-token", KEY_NAME.to_owned())]
}
