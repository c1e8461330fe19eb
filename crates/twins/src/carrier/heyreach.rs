//! A twin of HeyReach. Keys begin with `hr-`. Campaigns 1 to 9 exist; the profile `/in/nobody` is not
//! taken.

use super::desk::{Answer, Call, Vendor, text};
use super::letters::{Letter, unsigned};
use base::Time;
use serde_json::{Value, json};

#[derive(Default)]
pub(super) struct HeyReach {
    /// Campaign, lead.
    leads: Vec<Value>,
    conversations: Vec<Value>,
    last: u64,
}

impl HeyReach {
    fn add(&mut self, call: &Call<'_>) -> Answer {
        let body = call.json();
        let campaign = body["campaignId"].as_i64().unwrap_or(0);
        if !(1..=9).contains(&campaign) {
            return Answer::of(404, json!({"errorMessage": "Campaign not found."}));
        }
        let (mut added, mut updated, mut failed) = (0, 0, 0);
        let mut letters = Vec::new();
        for pair in body["accountLeadPairs"].as_array().into_iter().flatten() {
            let lead = pair["lead"].clone();
            let profile = text(&lead, "profileUrl");
            if !profile.contains("linkedin.com/in/") || profile.ends_with("/in/nobody") {
                failed += 1;
                continue;
            }
            let known = self
                .leads
                .iter_mut()
                .find(|one| one["campaign"] == campaign && one["lead"]["profileUrl"] == profile.as_str());
            if let Some(known) = known {
                known["lead"] = lead;
                updated += 1;
                continue;
            }
            self.leads.push(json!({"campaign": campaign, "lead": lead, "seat": pair["linkedInAccountId"]}));
            added += 1;
            letters.push(Letter::json(
                "sent",
                &told("connection_request_sent", campaign, &lead, call.now),
                unsigned,
            ));
        }
        let answer =
            json!({"addedLeadsCount": added, "updatedLeadsCount": updated, "failedLeadsCount": failed});
        let answer = Answer::of(200, answer);
        if added > 0 { answer.reaches(letters) } else { answer }
    }

    fn say(&mut self, call: &Call<'_>) -> Answer {
        let body = call.json();
        let id = text(&body, "conversationId");
        let Some(known) = self.conversations.iter_mut().find(|one| one["id"] == id.as_str()) else {
            return Answer::of(404, json!({"errorMessage": "Conversation not found."}));
        };
        add_message(known, "ME", &text(&body, "message"), call.now);
        Answer::empty(200).reaches(Vec::new())
    }
}

fn add_message(conversation: &mut Value, sender: &str, words: &str, now: Time) {
    let message = json!({"createdAt": now.to_string(), "body": words, "isInMail": false, "sender": sender});
    if let Some(all) = conversation["messages"].as_array_mut() {
        all.push(message);
    }
    conversation["lastMessageAt"] = json!(now.to_string());
    conversation["lastMessageText"] = json!(words);
    conversation["lastMessageSender"] = json!(sender);
}

fn told(kind: &str, campaign: i64, lead: &Value, now: Time) -> Value {
    json!({
        "event_type": kind, "timestamp": now.to_string(), "campaign": {"id": campaign, "name": "Twin"},
        "lead": {
            "first_name": lead["firstName"], "last_name": lead["lastName"], "profile_url": lead["profileUrl"],
            "company_name": lead["companyName"], "position": lead["position"],
        },
        "sender": {"full_name": "Twin", "profile_url": "https://www.linkedin.com/in/twin"},
        "recent_messages": [],
    })
}

impl Vendor for HeyReach {
    fn name(&self) -> &'static str {
        "HeyReach"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        if !call.header("x-api-key").starts_with("hr-") {
            return Answer::of(401, json!({"errorMessage": "Invalid API key."}));
        }
        match (call.method, call.path.as_slice()) {
            ("POST", [.., "campaign", "GetAll"]) => {
                let items: Vec<Value> =
                    (1..=9).map(|id| json!({"id": id, "name": "Twin", "status": "IN_PROGRESS"})).collect();
                Answer::of(200, json!({"totalCount": items.len(), "items": items}))
            }
            ("POST", [.., "campaign", "AddLeadsToCampaignV2"]) => self.add(call),
            ("POST", [.., "campaign", "StopLeadInCampaign"]) => {
                let body = call.json();
                let before = self.leads.len();
                let (campaign, url) = (body["campaignId"].clone(), body["leadUrl"].clone());
                self.leads.retain(|one| one["campaign"] != campaign || one["lead"]["profileUrl"] != url);
                if before == self.leads.len() {
                    return Answer::of(404, json!({"errorMessage": "Lead not found in campaign."}));
                }
                Answer::empty(200)
            }
            ("POST", [.., "inbox", "GetConversationsV2"]) => {
                let wanted = call.json()["filters"]["leadProfileUrl"].clone();
                let items: Vec<&Value> = self
                    .conversations
                    .iter()
                    .rev()
                    .filter(|one| wanted.is_null() || one["correspondentProfile"]["profileUrl"] == wanted)
                    .collect();
                Answer::of(200, json!({"totalCount": items.len(), "items": items}))
            }
            ("POST", [.., "inbox", "SendMessage"]) => self.say(call),
            _ => Answer::of(404, json!({"errorMessage": "Not found."})),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        let profile = text(order, "profile");
        let lead = self.leads.iter().find(|one| one["lead"]["profileUrl"] == profile.as_str()).cloned();
        let lead = lead.ok_or_else(|| "There is no such lead.".to_owned())?;
        let campaign = lead["campaign"].as_i64().unwrap_or(0);
        match text(order, "event").as_str() {
            "connected" => {
                let body = told("connection_request_accepted", campaign, &lead["lead"], now);
                Ok(vec![Letter::json("connected", &body, unsigned)])
            }
            "reply" => {
                let words = text(order, "text");
                let at = self
                    .conversations
                    .iter()
                    .position(|one| one["correspondentProfile"]["profileUrl"] == profile.as_str());
                let at = at.unwrap_or_else(|| {
                    self.last += 1;
                    self.conversations.push(json!({
                        "id": format!("2-twin{}", self.last), "linkedInAccountId": lead["seat"], "campaignId": campaign,
                        "correspondentProfile": {"profileUrl": profile, "firstName": lead["lead"]["firstName"]},
                        "messages": [],
                    }));
                    self.conversations.len() - 1
                });
                let Some(known) = self.conversations.get_mut(at) else { return Ok(Vec::new()) };
                add_message(known, "CORRESPONDENT", &words, now);
                let conversation = known["id"].clone();
                // Both hooks fire for one answer.
                let both = ["message_reply_received", "every_message_reply_received"].map(|kind| {
                    let mut body = told(kind, campaign, &lead["lead"], now);
                    body["conversation_id"] = conversation.clone();
                    body["recent_messages"] = json!([{
                        "creation_time": now.to_string(), "message": words, "is_reply": true, "message_type": "text",
                    }]);
                    Letter::json(kind, &body, unsigned)
                });
                Ok(both.into())
            }
            other => Err(format!("HeyReach tells no {other}.")),
        }
    }

    fn messages(&self) -> Vec<Value> {
        self.leads.iter().chain(&self.conversations).cloned().collect()
    }
}
