//! A twin of Vapi. Keys begin with `vapi-`. The number +15005550001 is refused, +15005550006 is not
//! answered; others speak and hang up when told (`{"event":"ended"}`).

use super::desk::{Answer, Call, Vendor, text};
use super::letters::{Letter, Signing, hex_mac};
use base::Time;
use serde_json::{Value, json};

#[derive(Default)]
pub(super) struct Vapi {
    calls: Vec<Value>,
    last: u64,
}

impl Vapi {
    fn create(&mut self, call: &Call<'_>) -> Answer {
        let body = call.json();
        let number = text(&body["customer"], "number");
        if text(&body, "phoneNumberId").is_empty()
            || (body["assistantId"].is_null() && body["assistant"].is_null())
        {
            return problem(400, "Need an assistant and a phoneNumberId.");
        }
        if !number.starts_with('+') || number == "+15005550001" {
            return problem(400, "customer.number must be a valid phone number in the E.164 format.");
        }
        self.last += 1;
        let id = format!("0192f2c2-7a3e-7000-8000-{:012x}", self.last);
        let status = if body["schedulePlan"].is_null() { "queued" } else { "scheduled" };
        let made = json!({
            "id": id, "orgId": "org_twin", "type": "outboundPhoneCall", "status": status,
            "createdAt": call.now.to_string(), "updatedAt": call.now.to_string(), "customer": body["customer"],
            "assistantId": body["assistantId"], "assistantOverrides": body["assistantOverrides"],
            "phoneNumberId": body["phoneNumberId"], "schedulePlan": body["schedulePlan"],
        });
        self.calls.push(made.clone());
        let mut letters: Vec<Letter> = Vec::new();
        if status == "queued" {
            letters.extend(self.status(&id, "ringing", call.now));
            let next = if number == "+15005550006" {
                self.end(&id, "customer-did-not-answer", call.now)
            } else {
                self.status(&id, "in-progress", call.now)
            };
            letters.extend(next);
        }
        Answer::of(201, made).reaches(letters)
    }

    fn letter(&self, id: &str, mut message: Value, now: Time) -> Option<Letter> {
        let call = self.calls.iter().find(|call| call["id"] == id)?;
        message["timestamp"] = json!(now.ms());
        message["call"] = call.clone();
        message["customer"] = call["customer"].clone();
        let to = call["assistantOverrides"]["server"]["url"].as_str().and_then(|url| url.parse().ok());
        Some(Letter { to, ..Letter::json(id, &json!({"message": message}), sign) })
    }

    fn status(&mut self, id: &str, word: &str, now: Time) -> Option<Letter> {
        let call = self.calls.iter_mut().find(|call| call["id"] == id)?;
        call["status"] = json!(word);
        // Each report has its own instant.
        self.last += 1;
        let at = now.plus_ms(i64::try_from(self.last).unwrap_or(0));
        self.letter(id, json!({"type": "status-update", "status": word}), at)
    }

    fn end(&mut self, id: &str, reason: &str, now: Time) -> Option<Letter> {
        let call = self.calls.iter_mut().find(|call| call["id"] == id)?;
        let artifact = json!({
            "transcript": "AI: Hello. User: Yes, Tuesday works.", "recordingUrl": "https://storage.vapi.ai/twin.wav",
        });
        let analysis = json!({"summary": "A meeting on Tuesday.", "structuredData": {"meeting": true}, "successEvaluation": "true"});
        call["status"] = json!("ended");
        call["endedReason"] = json!(reason);
        call["cost"] = json!(0.1234);
        call["artifact"] = artifact.clone();
        call["analysis"] = analysis.clone();
        call["startedAt"] = json!(now.plus_s(-60).to_string());
        call["endedAt"] = json!(now.to_string());
        call["updatedAt"] = json!(now.to_string());
        let report = json!({
            "type": "end-of-call-report", "endedReason": reason, "cost": 0.1234, "artifact": artifact,
            "analysis": analysis, "startedAt": now.plus_s(-60).to_string(), "endedAt": now.to_string(),
        });
        self.letter(id, report, now)
    }
}

fn problem(status: u16, message: &str) -> Answer {
    Answer::of(status, json!({"message": [message], "error": "Bad Request", "statusCode": status}))
}

impl Vendor for Vapi {
    fn name(&self) -> &'static str {
        "Vapi"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        if !call.header("authorization").starts_with("Bearer vapi-") {
            return Answer::of(
                401,
                json!({"message": "Invalid Key.", "error": "Unauthorized", "statusCode": 401}),
            );
        }
        match (call.method, call.path.as_slice()) {
            ("POST", ["call"]) => self.create(call),
            ("GET", ["call"]) => {
                let instant = |text: &str| text.parse::<Time>().ok();
                let bound = |name: &str| call.asked(name).and_then(instant);
                let (from, until) = (bound("createdAtGe"), bound("createdAtLe"));
                let fits = |one: &&Value| {
                    let at = one["createdAt"].as_str().and_then(instant);
                    from.is_none_or(|from| at.is_some_and(|at| at >= from))
                        && until.is_none_or(|until| at.is_some_and(|at| at <= until))
                };
                let limit = call.asked("limit").and_then(|n| n.parse().ok()).unwrap_or(100);
                let found: Vec<&Value> = self.calls.iter().rev().filter(fits).take(limit).collect();
                Answer::of(200, json!(found))
            }
            ("GET", ["call", id]) => match self.calls.iter().find(|one| one["id"] == *id) {
                Some(one) => Answer::of(200, one.clone()),
                None => problem(404, "Call not found."),
            },
            _ => problem(404, "Not found."),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        let id = text(order, "ref");
        let letter = match text(order, "event").as_str() {
            "ended" => self.end(&id, order["reason"].as_str().unwrap_or("customer-ended-call"), now),
            word @ ("queued" | "ringing" | "in-progress" | "forwarding") => self.status(&id, word, now),
            other => return Err(format!("Vapi tells no {other}.")),
        };
        letter.map(|letter| vec![letter]).ok_or_else(|| "There is no such call.".to_owned())
    }

    fn messages(&self) -> Vec<Value> {
        self.calls.clone()
    }
}

/// The usual plan: hexadecimal over `{timestamp}.{body}`.
fn sign(signing: &Signing<'_>) -> Vec<(&'static str, String)> {
    let time = (signing.at.ms() / 1_000).to_string();
    let mac = hex_mac(signing.secret.as_bytes(), &[&time, ".", signing.body]);
    vec![("x-signature", mac), ("x-timestamp", time)]
}
