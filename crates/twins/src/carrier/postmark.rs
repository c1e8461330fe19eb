//! A twin of Postmark. Server tokens begin with `pm-`. Mail to `bounce@…` bounces, to `inactive@…` is
//! refused with 406.

use super::desk::{Answer, Call, Vendor, text};
use super::letters::{Letter, unsigned};
use super::twilio::rfc2822;
use base::Time;
use serde_json::{Value, json};

#[derive(Default)]
pub(super) struct Postmark {
    mails: Vec<Value>,
    inbound: Vec<Value>,
    last: u64,
}

impl Postmark {
    fn id(&mut self) -> String {
        self.last += 1;
        format!("b7bc2f4a-e38e-4336-af7d-{:012x}", self.last)
    }

    fn send(&mut self, call: &Call<'_>) -> Answer {
        let body = call.json();
        let to = text(&body, "To");
        if text(&body, "From").is_empty() || !to.contains('@') || to.ends_with("@invalid.invalid") {
            return problem(300, "Invalid email request: 'To' or 'From' is not an address.");
        }
        if to.starts_with("inactive@") {
            return problem(406, "You tried to send to a recipient that has been marked as inactive.");
        }
        let id = self.id();
        self.mails.push(json!({"MessageID": id, "asked": body, "at": call.now.to_string()}));
        let then = if to.starts_with("bounce@") { "bounced" } else { "delivered" };
        let letters = self.about(then, &id, &Value::Null, call.now).into_iter().collect();
        let answer = json!({
            "To": to, "SubmittedAt": call.now.to_string(), "MessageID": id, "ErrorCode": 0, "Message": "OK",
        });
        Answer::of(200, answer).reaches(letters)
    }

    fn about(&mut self, event: &str, id: &str, order: &Value, now: Time) -> Option<Letter> {
        let mail = self.mails.iter().find(|mail| mail["MessageID"] == id)?.clone();
        let asked = &mail["asked"];
        let (to, metadata) = (text(asked, "To"), asked["Metadata"].clone());
        self.last += 1;
        let at = now.to_string();
        let common = json!({"MessageID": id, "Metadata": metadata, "MessageStream": asked["MessageStream"]});
        let own = match event {
            "delivered" => json!({
                "RecordType": "Delivery", "Recipient": to, "DeliveredAt": at, "Details": "250 OK", "Tag": "",
            }),
            "bounced" => {
                let kind = order["type"].as_str().unwrap_or("HardBounce");
                let (code, inactive) = if kind == "HardBounce" { (1, true) } else { (2, false) };
                json!({
                    "RecordType": "Bounce", "ID": self.last, "Type": kind, "TypeCode": code, "Email": to,
                    "BouncedAt": at, "Inactive": inactive, "Description": "The server was unable to deliver.",
                    "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
                })
            }
            "complained" => json!({
                "RecordType": "SpamComplaint", "ID": self.last, "Type": "SpamComplaint", "TypeCode": 100_001,
                "Email": to, "BouncedAt": at,
            }),
            "opened" => json!({
                "RecordType": "Open", "Recipient": to, "ReceivedAt": at, "UserAgent": "Twin", "FirstOpen": true,
            }),
            "clicked" => json!({
                "RecordType": "Click", "Recipient": to, "ReceivedAt": at, "UserAgent": "Twin",
                "OriginalLink": order["url"].as_str().unwrap_or("https://example.com/"),
            }),
            "opted_out" => json!({
                "RecordType": "SubscriptionChange", "Recipient": to, "ChangedAt": at, "Origin": "Recipient",
                "SuppressSending": true, "SuppressionReason": "ManualSuppression",
            }),
            _ => return None,
        };
        Some(Letter::json(id, &merged(common, own), unsigned))
    }

    fn reply(&mut self, order: &Value, now: Time) -> Letter {
        let id = self.id();
        let from = text(order, "from");
        let header = |name: &str, value: String| json!({"Name": name, "Value": value});
        let mail = json!({
            "From": from, "FromName": "", "FromFull": {"Email": from, "Name": "", "MailboxHash": ""},
            "To": text(order, "to"), "ToFull": [{"Email": text(order, "to"), "Name": "", "MailboxHash": ""}],
            "OriginalRecipient": text(order, "to"), "Subject": text(order, "subject"), "Date": rfc2822(now),
            "MailboxHash": text(order, "mailbox_hash"), "Tag": "", "MessageID": id, "MessageStream": "inbound",
            "TextBody": text(order, "text"), "HtmlBody": "", "StrippedTextReply": text(order, "text"),
            "Headers": [
                header("Message-ID", format!("<{id}@prospect.example>")),
                header("In-Reply-To", text(order, "in_reply_to")),
            ],
            "Attachments": [],
        });
        self.inbound.insert(0, mail.clone());
        Letter::json(&id, &mail, unsigned)
    }
}

fn merged(mut common: Value, own: Value) -> Value {
    if let (Value::Object(all), Value::Object(own)) = (&mut common, own) {
        all.extend(own);
    }
    common
}

fn problem(code: u32, message: &str) -> Answer {
    let status = if code == 10 { 401 } else { 422 };
    Answer::of(status, json!({"ErrorCode": code, "Message": message}))
}

impl Vendor for Postmark {
    fn name(&self) -> &'static str {
        "Postmark"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        if !call.header("x-postmark-server-token").starts_with("pm-") {
            return problem(10, "Request does not contain a valid Server token.");
        }
        match (call.method, call.path.as_slice()) {
            ("POST", ["email"]) => self.send(call),
            ("GET", ["messages", "outbound"]) => {
                let wanted = call.asked("metadata_ours");
                let found: Vec<Value> = self
                    .mails
                    .iter()
                    .filter(|mail| wanted.is_none_or(|id| mail["asked"]["Metadata"]["ours"] == id))
                    .map(|mail| {
                        json!({
                            "MessageID": mail["MessageID"], "Subject": mail["asked"]["Subject"],
                            "Metadata": mail["asked"]["Metadata"], "Status": "Sent", "ReceivedAt": mail["at"],
                        })
                    })
                    .collect();
                Answer::of(200, json!({"TotalCount": found.len(), "Messages": found}))
            }
            ("GET", ["messages", "inbound"]) => {
                let number =
                    |name: &str, usual: usize| call.asked(name).and_then(|n| n.parse().ok()).unwrap_or(usual);
                let page: Vec<&Value> =
                    self.inbound.iter().skip(number("offset", 0)).take(number("count", 100)).collect();
                Answer::of(200, json!({"TotalCount": self.inbound.len(), "InboundMessages": page}))
            }
            ("GET", ["messages", "inbound", id, "details"]) => {
                match self.inbound.iter().find(|mail| mail["MessageID"] == *id) {
                    Some(mail) => Answer::of(200, mail.clone()),
                    None => {
                        Answer::of(404, json!({"ErrorCode": 701, "Message": "This message was not found."}))
                    }
                }
            }
            _ => Answer::of(404, json!({"ErrorCode": 404, "Message": "Not found."})),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        let event = text(order, "event");
        if event == "reply" {
            return Ok(vec![self.reply(order, now)]);
        }
        let letter = self.about(&event, &text(order, "ref"), order, now);
        letter.map(|letter| vec![letter]).ok_or_else(|| "There is no such mail or event.".to_owned())
    }

    fn messages(&self) -> Vec<Value> {
        self.mails.clone()
    }
}
