//! A twin of Resend. Keys begin with `re_`. Mail to `bounce@…` bounces, to `complain@…` complains,
//! from a domain that begins with `unverified.` is refused.

use super::desk::{Answer, Call, Vendor, text};
use super::letters::{Letter, Signing, raw_mac};
use base::Time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Resend {
    mails: Vec<Value>,
    inbound: Vec<Value>,
    /// By idempotency key: the body and the answer.
    keys: BTreeMap<String, (String, Value)>,
    last: u64,
}

impl Resend {
    fn id(&mut self) -> String {
        self.last += 1;
        format!("49a3999c-0ce1-4ea6-ab68-{:012x}", self.last)
    }

    fn event(&mut self, kind: &str, data: &Value, now: Time) -> Letter {
        let id = format!("msg_{}", self.id().replace('-', ""));
        let body = json!({"type": kind, "created_at": now.to_string(), "data": data});
        Letter::json(&id, &body, sign)
    }

    fn send(&mut self, call: &Call<'_>) -> Answer {
        let body = call.json();
        let (from, subject) = (text(&body, "from"), text(&body, "subject"));
        let to: Vec<String> = match body["to"].as_array() {
            Some(all) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
            None => body["to"].as_str().map(str::to_owned).into_iter().collect(),
        };
        if from.is_empty() || to.is_empty() || subject.is_empty() {
            return problem(422, "missing_required_field", "Missing `from`, `to` or `subject` field.");
        }
        if from.contains("@unverified.") {
            return problem(403, "validation_error", "The domain is not verified.");
        }
        if to.iter().any(|to| !to.contains('@') || to.ends_with("@invalid.invalid")) {
            return problem(422, "validation_error", "Invalid `to` field.");
        }
        let key = call.header("idempotency-key").to_owned();
        let sent = String::from_utf8_lossy(call.body).into_owned();
        if let Some((first, answer)) = self.keys.get(&key).filter(|_| !key.is_empty()) {
            return if *first == sent {
                Answer::of(200, answer.clone())
            } else {
                let words = "This idempotency key has been used with another body.";
                problem(409, "invalid_idempotent_request", words)
            };
        }
        let id = self.id();
        let answer = json!({"id": id});
        if !key.is_empty() {
            self.keys.insert(key, (sent, answer.clone()));
        }
        let mut tags = serde_json::Map::new();
        for tag in body["tags"].as_array().into_iter().flatten() {
            tags.insert(text(tag, "name"), tag["value"].clone());
        }
        let data = json!({
            "email_id": id, "message_id": format!("<{id}@email.amazonses.com>"), "from": from, "to": to,
            "subject": subject, "created_at": call.now.to_string(), "tags": tags,
        });
        self.mails.push(json!({"id": id, "asked": body, "data": data}));
        let mut letters = vec![self.event("email.sent", &data, call.now)];
        let first = to.first().map(String::as_str).unwrap_or_default();
        let then = if first.starts_with("bounce@") { "bounced" } else { "delivered" };
        letters.extend(self.about(then, &id, &Value::Null, call.now));
        if first.starts_with("complain@") {
            letters.extend(self.about("complained", &id, &Value::Null, call.now));
        }
        Answer::of(200, answer).reaches(letters)
    }

    fn about(&mut self, event: &str, id: &str, order: &Value, now: Time) -> Option<Letter> {
        let mut data = self.mails.iter().find(|mail| mail["id"] == id)?["data"].clone();
        match event {
            "bounced" => {
                data["bounce"] = json!({
                    "type": order["type"].as_str().unwrap_or("Permanent"),
                    "subType": order["subType"].as_str().unwrap_or("General"),
                    "message": "The recipient's mail server rejected it: 550 5.1.1 no such user",
                });
            }
            "clicked" => {
                data["click"] = json!({
                    "link": order["url"].as_str().unwrap_or("https://example.com/"), "userAgent": "Twin",
                    "timestamp": now.to_string(), "ipAddress": "127.0.0.1",
                });
            }
            _ => {}
        }
        Some(self.event(&format!("email.{event}"), &data, now))
    }

    fn reply(&mut self, order: &Value, now: Time) -> Letter {
        let id = self.id();
        let mut mail = json!({
            "object": "email", "id": id, "from": text(order, "from"), "to": [text(order, "to")],
            "received_for": [text(order, "to")], "cc": [], "bcc": [], "reply_to": [],
            "subject": text(order, "subject"), "created_at": now.to_string(), "attachments": [],
            "message_id": format!("<{id}@prospect.example>"), "text": text(order, "text"), "html": null,
            "headers": {"in-reply-to": text(order, "in_reply_to")},
        });
        self.inbound.insert(0, mail.clone());
        for private in ["text", "html", "headers", "object"] {
            mail.as_object_mut().map(|fields| fields.remove(private));
        }
        mail["email_id"] = json!(id);
        self.event("email.received", &mail, now)
    }
}

fn problem(status: u16, name: &str, message: &str) -> Answer {
    Answer::of(status, json!({"statusCode": status, "name": name, "message": message}))
}

impl Vendor for Resend {
    fn name(&self) -> &'static str {
        "Resend"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        let key = call.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        if key.is_empty() {
            return problem(401, "missing_api_key", "Missing API key in the authorization header");
        }
        if !key.starts_with("re_") {
            return problem(403, "invalid_api_key", "API key is invalid");
        }
        match (call.method, call.path.as_slice()) {
            ("POST", ["emails"]) => self.send(call),
            ("GET", ["emails", "receiving"]) => {
                let after =
                    call.asked("after").and_then(|id| self.inbound.iter().position(|m| m["id"] == id));
                let from = after.map_or(0, |at| at + 1);
                let limit = call.asked("limit").and_then(|text| text.parse().ok()).unwrap_or(20);
                let page: Vec<&Value> = self.inbound.iter().skip(from).take(limit).collect();
                let more = from + page.len() < self.inbound.len();
                Answer::of(200, json!({"object": "list", "has_more": more, "data": page}))
            }
            ("GET", ["emails", "receiving", id]) => {
                match self.inbound.iter().find(|mail| mail["id"] == *id) {
                    Some(mail) => Answer::of(200, mail.clone()),
                    None => problem(404, "not_found", "Email not found"),
                }
            }
            ("GET", ["emails", id]) => match self.mails.iter().find(|mail| mail["id"] == *id) {
                Some(mail) => {
                    let asked = &mail["asked"];
                    let body = json!({
                        "object": "email", "id": id, "to": mail["data"]["to"], "from": asked["from"],
                        "subject": asked["subject"], "text": asked["text"], "html": asked["html"],
                        "created_at": mail["data"]["created_at"], "last_event": "delivered",
                    });
                    Answer::of(200, body)
                }
                None => problem(404, "not_found", "Email not found"),
            },
            _ => problem(404, "not_found", "The requested endpoint does not exist."),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        match text(order, "event").as_str() {
            "reply" => Ok(vec![self.reply(order, now)]),
            "" => Err("Name the event.".to_owned()),
            event => {
                let letter = self.about(event, &text(order, "ref"), order, now);
                letter.map(|letter| vec![letter]).ok_or_else(|| "There is no such mail.".to_owned())
            }
        }
    }

    fn messages(&self) -> Vec<Value> {
        self.mails.clone()
    }
}

/// Standard Webhooks, under the names of Svix.
pub(super) fn sign(signing: &Signing<'_>) -> Vec<(&'static str, String)> {
    let key = STANDARD.decode(signing.secret.trim_start_matches("whsec_")).unwrap_or_default();
    let time = (signing.at.ms() / 1_000).to_string();
    let mac = raw_mac(&key, &[signing.id, ".", &time, ".", signing.body]);
    vec![
        ("svix-id", signing.id.to_owned()),
        ("svix-timestamp", time),
        ("svix-signature", format!("v1,{}", STANDARD.encode(mac))),
    ]
}
