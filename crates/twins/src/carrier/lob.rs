//! A twin of Lob: postcards and addresses. Keys begin with `test_` or `live_`. The first line of an
//! address decides: `undeliverable` is not, `missing unit` lacks one, `rejected` is refused.

use super::desk::{Answer, Call, Vendor, text};
use super::letters::{Letter, Signing, hex_mac};
use base::Time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Lob {
    cards: Vec<Value>,
    keys: BTreeMap<String, String>,
    last: u64,
}

impl Lob {
    fn create(&mut self, call: &Call<'_>) -> Answer {
        let key = call.header("idempotency-key").to_owned();
        if let Some(card) =
            self.keys.get(&key).and_then(|id| self.cards.iter().find(|card| card["id"] == id.as_str()))
        {
            return Answer::of(200, card.clone());
        }
        let body = read(call);
        for field in ["to", "front", "back", "use_type"] {
            if body[field].is_null() {
                return problem(422, "missing_required_param", &format!("{field} is required"));
            }
        }
        if text(&body["to"], "address_line1") == "rejected" {
            let words = "This address does not meet the account's deliverability strictness.";
            return problem(422, "failed_deliverability_strictness", words);
        }
        self.last += 1;
        let id = format!("psc_{:016x}", self.last);
        let card = json!({
            "id": id, "object": "postcard", "to": body["to"], "from": body["from"], "size": body["size"],
            "front": body["front"], "back": body["back"], "use_type": body["use_type"],
            "metadata": body["metadata"], "send_date": body["send_date"], "date_created": call.now.to_string(),
            "url": format!("https://lob-assets.com/postcards/{id}.pdf?expires=1999999999&signature=twin"), "tracking_events": [], "deleted": false,
        });
        self.cards.push(card.clone());
        if !key.is_empty() {
            self.keys.insert(key, id.clone());
        }
        let letters = self.event(&id, "created", call.now).into_iter().collect();
        Answer::of(200, card).reaches(letters)
    }

    fn event(&mut self, id: &str, step: &str, now: Time) -> Option<Letter> {
        let card = self.cards.iter_mut().find(|card| card["id"] == id)?;
        let name = match step {
            "mailed" => Some("Mailed"),
            "in_transit" => Some("In Transit"),
            "delivered" => Some("Delivered"),
            "returned_to_sender" => Some("Returned to Sender"),
            _ => None,
        };
        if let (Some(name), Some(events)) = (name, card["tracking_events"].as_array_mut()) {
            events.push(json!({"name": name, "time": now.to_string()}));
        }
        self.last += 1;
        let event = json!({
            "id": format!("evt_{:016x}", self.last), "body": card, "reference_id": id, "object": "event",
            "event_type": {"id": format!("postcard.{step}"), "resource": "postcards", "object": "event_type"},
            "date_created": now.to_string(),
        });
        Some(Letter::json(id, &event, sign))
    }

    fn cancel(&mut self, id: &str, now: Time) -> Answer {
        let Some(card) = self.cards.iter_mut().find(|card| card["id"] == id) else {
            return problem(404, "not_found", "postcard not found");
        };
        let due: Option<Time> = card["send_date"].as_str().and_then(|at| at.parse().ok());
        if due.is_none_or(|due| due <= now) {
            return problem(422, "not_deletable", "The postcard has been sent to production.");
        }
        card["deleted"] = json!(true);
        Answer::of(200, json!({"id": id, "deleted": true}))
    }
}

/// A body as JSON or as a form with names like `to[name]`.
fn read(call: &Call<'_>) -> Value {
    if call.header("content-type").starts_with("application/json") {
        return call.json();
    }
    let mut all = json!({});
    for (name, value) in url::form_urlencoded::parse(call.body) {
        match name.split_once('[') {
            Some((outer, inner)) => all[outer][inner.trim_end_matches(']')] = json!(value),
            None => all[name.as_ref()] = json!(value),
        }
    }
    all
}

fn problem(status: u16, code: &str, message: &str) -> Answer {
    Answer::of(status, json!({"error": {"message": message, "code": code, "status_code": status}}))
}

impl Vendor for Lob {
    fn name(&self) -> &'static str {
        "Lob"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        let given = call.header("authorization").strip_prefix("Basic ").unwrap_or_default();
        let given = STANDARD.decode(given).unwrap_or_default();
        let given = String::from_utf8_lossy(&given).into_owned();
        if !(given.starts_with("test_") || given.starts_with("live_")) || !given.ends_with(':') {
            return problem(401, "unauthorized", "Your API key is not valid.");
        }
        let path = call.path.strip_prefix(&["v1"]).unwrap_or(&call.path);
        match (call.method, path) {
            ("POST", ["us_verifications" | "intl_verifications"]) => {
                let body = read(call);
                let line = text(&body, "primary_line");
                let found = match line.as_str() {
                    "undeliverable" => "undeliverable",
                    "missing unit" => "deliverable_missing_unit",
                    _ => "deliverable",
                };
                let score = json!({"score": 92.5, "level": "high"});
                Answer::of(
                    200,
                    json!({
                        "id": "us_ver_twin", "deliverability": found, "primary_line": line, "object": "us_verification",
                        "lob_confidence_score": score, "recipient": "", "secondary_line": "",
                    }),
                )
            }
            ("POST", ["postcards"]) => self.create(call),
            ("GET", ["postcards"]) => {
                let wanted = call.asked("metadata[ours]");
                let found: Vec<&Value> = self
                    .cards
                    .iter()
                    .filter(|card| wanted.is_none_or(|id| card["metadata"]["ours"] == id))
                    .collect();
                Answer::of(
                    200,
                    json!({"data": found, "object": "list", "count": found.len(), "next_url": null}),
                )
            }
            ("GET", ["postcards", id]) => match self.cards.iter().find(|card| card["id"] == *id) {
                Some(card) => Answer::of(200, card.clone()),
                None => problem(404, "not_found", "postcard not found"),
            },
            ("DELETE", ["postcards", id]) => self.cancel(id, call.now),
            _ => problem(404, "not_found", "not found"),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        let letter = self.event(&text(order, "ref"), &text(order, "event"), now);
        letter.map(|letter| vec![letter]).ok_or_else(|| "There is no such card.".to_owned())
    }

    fn messages(&self) -> Vec<Value> {
        self.cards.clone()
    }
}

/// Hexadecimal over `{ms}.{body}`.
fn sign(signing: &Signing<'_>) -> Vec<(&'static str, String)> {
    let time = signing.at.ms().to_string();
    let mac = hex_mac(signing.secret.as_bytes(), &[&time, ".", signing.body]);
    vec![("lob-signature", mac), ("lob-signature-timestamp", time)]
}
