//! A twin of Salesforge. Keys begin with `sf-`, bare; a client without a browser's name is turned away.

use super::desk::{Answer, Call, Vendor, text};
use super::letters::{Letter, unsigned};
use base::Time;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[derive(Default)]
pub(super) struct Salesforge {
    contacts: Vec<Value>,
    enrolled: BTreeSet<(String, String)>,
    last: u64,
}

impl Salesforge {
    fn enrol(&mut self, sequence: &str, call: &Call<'_>) -> Answer {
        let body = call.json();
        let mut letters = Vec::new();
        for id in body["contactIds"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let Some(contact) = self.contacts.iter().find(|contact| contact["id"] == id) else {
                return Answer::of(400, json!({"message": "contact not found"}));
            };
            if self.enrolled.insert((sequence.to_owned(), id.to_owned())) {
                let event = json!({
                    "id": format!("evt_{id}_{sequence}"), "type": "email_sent", "contact": contact,
                    "timestamp": call.now.to_string(),
                });
                letters.push(Letter::json(id, &event, unsigned));
            }
        }
        let answer = Answer::empty(204);
        if letters.is_empty() { answer } else { answer.reaches(letters) }
    }
}

impl Vendor for Salesforge {
    fn name(&self) -> &'static str {
        "Salesforge"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        if !call.header("user-agent").starts_with("Mozilla/") {
            return Answer::of(403, json!({"message": "error code: 1010"}));
        }
        if !call.header("authorization").starts_with("sf-") {
            return Answer::of(401, json!({"message": "unauthorized"}));
        }
        match (call.method, call.path.as_slice()) {
            ("GET", ["workspaces"]) => Answer::of(200, json!({"data": [{"id": "wks_1", "name": "Twin"}]})),
            // An empty list arrives as an object.
            ("GET", ["workspaces", _, "mailboxes" | "sequences"]) => Answer::of(200, json!({})),
            ("POST", ["workspaces", _, "contacts"]) => {
                let mut contact = call.json();
                if text(&contact, "firstName").is_empty() || !text(&contact, "email").contains('@') {
                    return Answer::of(400, json!({"message": "firstName and email are required"}));
                }
                self.last += 1;
                contact["id"] = json!(format!("ct_{}", self.last));
                self.contacts.push(contact.clone());
                Answer::of(201, contact)
            }
            ("PUT", ["workspaces", _, "sequences", sequence, "contacts"]) => self.enrol(sequence, call),
            _ => Answer::of(404, json!({"message": "not found"})),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        let id = text(order, "ref");
        let contact = self.contacts.iter().find(|contact| contact["id"] == id.as_str());
        let contact = contact.ok_or_else(|| "There is no such contact.".to_owned())?;
        let kind = match text(order, "event").as_str() {
            "reply" => "email_replied",
            "bounced" => "email_bounced",
            "opened" => "email_opened",
            "opted_out" => "contact_unsubscribed",
            other => return Err(format!("Salesforge tells no {other}.")),
        };
        self.last += 1;
        let event = json!({
            "id": format!("evt_{}", self.last), "type": kind, "contact": contact, "timestamp": now.to_string(),
            "content": order["text"], "reason": "550 5.1.1",
        });
        Ok(vec![Letter::json(&id, &event, unsigned)])
    }

    fn messages(&self) -> Vec<Value> {
        self.contacts.clone()
    }
}
