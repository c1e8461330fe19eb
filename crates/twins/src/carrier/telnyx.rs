//! A twin of Telnyx: messages and calls. Keys begin with `KEY`. Numbers behave as with Twilio; a call
//! to +15005550006 is not taken.

use super::desk::{Answer, Call, Vendor, text};
use super::letters::{Letter, Signing};
use base::Time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

#[derive(Default)]
pub(super) struct Telnyx {
    messages: Vec<Value>,
    calls: Vec<Value>,
    last: u64,
}

impl Telnyx {
    fn id(&mut self) -> String {
        self.last += 1;
        format!("40385f64-5717-4562-b3fc-{:012x}", self.last)
    }

    fn event(&mut self, kind: &str, payload: &Value, now: Time) -> Letter {
        let id = self.id();
        let body = json!({
            "data": {"record_type": "event", "id": id, "event_type": kind, "occurred_at": now.to_string(), "payload": payload},
            "meta": {"attempt": 1},
        });
        let to = payload["webhook_url"].as_str().and_then(|url| url.parse().ok());
        Letter { to, ..Letter::json(&id, &body, sign) }
    }

    fn send(&mut self, call: &Call<'_>) -> Answer {
        let body = call.json();
        let to = text(&body, "to");
        match to.as_str() {
            "+15005550001" => return problem(400, "40310", "Invalid 'to' address"),
            "+15005550004" => return problem(400, "40300", "Blocked due to STOP message"),
            _ => {}
        }
        if text(&body, "from").is_empty() && text(&body, "messaging_profile_id").is_empty() {
            return problem(400, "40305", "Invalid 'from' address");
        }
        let id = self.id();
        let message = json!({
            "record_type": "message", "direction": "outbound", "id": id, "type": "SMS", "text": body["text"],
            "from": {"phone_number": body["from"]}, "to": [{"phone_number": to, "status": "queued"}],
            "webhook_url": body["webhook_url"], "messaging_profile_id": body["messaging_profile_id"],
            "cost": {"amount": "0.0510", "currency": "AUD"}, "errors": [], "tags": [], "parts": 1,
        });
        self.messages.push(message.clone());
        let last = if to == "+15005550006" { "delivery_failed" } else { "delivered" };
        let letters = vec![self.report(&id, "sent", call.now), self.report(&id, last, call.now)];
        Answer::of(200, json!({"data": message})).reaches(letters.into_iter().flatten().collect())
    }

    fn report(&mut self, id: &str, word: &str, now: Time) -> Option<Letter> {
        let message = self.messages.iter_mut().find(|message| message["id"] == id)?;
        message["to"][0]["status"] = json!(word);
        if word.ends_with("failed") {
            message["errors"] =
                json!([{"code": "40008", "title": "Undeliverable", "detail": "No such number."}]);
        }
        let payload = message.clone();
        let kind = if word == "sent" { "message.sent" } else { "message.finalized" };
        Some(self.event(kind, &payload, now))
    }

    fn dial(&mut self, call: &Call<'_>) -> Answer {
        let body = call.json();
        let to = text(&body, "to");
        if text(&body, "connection_id").is_empty() || text(&body, "from").is_empty() {
            return problem(422, "10004", "The 'connection_id' and 'from' parameters are required.");
        }
        if to == "+15005550001" {
            return problem(422, "40001", "Not routable");
        }
        let id = self.id();
        let made = json!({
            "record_type": "call", "call_control_id": format!("v3:{id}"), "call_leg_id": id,
            "call_session_id": id, "is_alive": true, "client_state": body["client_state"],
            "webhook_url": body["webhook_url"], "to": to, "from": body["from"], "said": [],
        });
        self.calls.push(made.clone());
        let kinds: &[&str] =
            if to == "+15005550006" { &["initiated", "no_answer"] } else { &["initiated", "answered"] };
        let of = text(&made, "call_control_id");
        let letters = kinds.iter().filter_map(|kind| self.ring(&of, kind, call.now)).collect();
        Answer::of(200, json!({"data": made})).reaches(letters)
    }

    fn ring(&mut self, id: &str, event: &str, now: Time) -> Option<Letter> {
        let call = self.calls.iter_mut().find(|call| call["call_control_id"] == id)?;
        let mut payload = call.clone();
        let kind = match event {
            "initiated" => "call.initiated",
            "answered" => "call.answered",
            "machine" => {
                payload["result"] = json!("machine");
                "call.machine.detection.ended"
            }
            "recorded" => {
                payload["recording_urls"] = json!({"mp3": "https://example.com/recording.mp3"});
                "call.recording.saved"
            }
            cause => {
                call["is_alive"] = json!(false);
                call["start_time"] = json!(now.to_string());
                call["end_time"] = json!(now.plus_s(42).to_string());
                payload["hangup_cause"] = json!(if cause == "hangup" { "normal_clearing" } else { cause });
                payload["start_time"] = json!(now.to_string());
                payload["end_time"] = json!(now.plus_s(42).to_string());
                "call.hangup"
            }
        };
        Some(self.event(kind, &payload, now))
    }

    fn speak(&mut self, id: &str, call: &Call<'_>) -> Answer {
        let words = call.json()["payload"].clone();
        match self.calls.iter_mut().find(|known| known["call_control_id"] == id) {
            Some(known) if known["is_alive"] == json!(true) => {
                if let Some(said) = known["said"].as_array_mut() {
                    said.push(words);
                }
                Answer::of(200, json!({"data": {"result": "ok"}}))
            }
            Some(_) => problem(422, "90018", "Call has already ended"),
            None => problem(404, "10005", "Resource not found"),
        }
    }
}

fn problem(status: u16, code: &str, detail: &str) -> Answer {
    Answer::of(status, json!({"errors": [{"code": code, "title": detail, "detail": detail}]}))
}

impl Vendor for Telnyx {
    fn name(&self) -> &'static str {
        "Telnyx"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        if !call.header("authorization").starts_with("Bearer KEY") {
            return problem(401, "10009", "Authentication failed");
        }
        // The version is part of the base address, which some clients bring along.
        let path = call.path.strip_prefix(&["v2"]).unwrap_or(&call.path);
        let found = |list: &[Value], name: &str, id: &str| match list.iter().find(|one| one[name] == id) {
            Some(one) => Answer::of(200, json!({"data": one})),
            None => problem(404, "10005", "Resource not found"),
        };
        match (call.method, path) {
            ("POST", ["messages"]) => self.send(call),
            ("GET", ["messages", id]) => found(&self.messages, "id", id),
            ("POST", ["calls"]) => self.dial(call),
            ("GET", ["calls", id]) => found(&self.calls, "call_control_id", &id.replace("%3A", ":")),
            ("POST", ["calls", id, "actions", "speak"]) => self.speak(&id.replace("%3A", ":"), call),
            _ => problem(404, "10005", "Resource not found"),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        let (event, of) = (text(order, "event"), text(order, "ref"));
        let letter = match event.as_str() {
            "reply" => {
                let id = self.id();
                let payload = json!({
                    "record_type": "message", "direction": "inbound", "id": id, "text": order["text"],
                    "from": {"phone_number": order["from"]}, "to": [{"phone_number": order["to"]}],
                });
                Some(self.event("message.received", &payload, now))
            }
            "sent" | "delivered" | "delivery_failed" | "sending_failed" => self.report(&of, &event, now),
            _ => self.ring(&of, &event, now),
        };
        letter.map(|letter| vec![letter]).ok_or_else(|| "There is no such message or call.".to_owned())
    }

    fn messages(&self) -> Vec<Value> {
        self.messages.iter().chain(&self.calls).cloned().collect()
    }
}

/// Ed25519 over `{time}|{body}`; the hook's secret is the seed.
fn sign(signing: &Signing<'_>) -> Vec<(&'static str, String)> {
    let time = (signing.at.ms() / 1_000).to_string();
    let seed = hex::decode(signing.secret).unwrap_or_default();
    let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(&seed) else { return Vec::new() };
    let signature = pair.sign(format!("{time}|{}", signing.body).as_bytes());
    vec![("telnyx-signature-ed25519", STANDARD.encode(signature.as_ref())), ("telnyx-timestamp", time)]
}
