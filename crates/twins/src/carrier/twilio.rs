//! A twin of Twilio's messages. Any account, and `authtoken123` as its token. The number
//! +15005550001 does not exist, +15005550004 has opted out, to +15005550006 nothing arrives.

use super::desk::{Answer, Call, Vendor, text};
use super::letters::{Letter, Signing};
use base::Time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use url::form_urlencoded::{self, Serializer};

/// The token with which accounts sign in, and with which the webhooks are signed unless the hook says
/// another.
const TOKEN: &str = "authtoken123";

#[derive(Default)]
pub(super) struct Twilio {
    messages: Vec<Value>,
    last: u64,
}

impl Twilio {
    fn sid(&mut self) -> String {
        self.last += 1;
        format!("SM{:032x}", self.last)
    }

    fn send(&mut self, account: &str, call: &Call<'_>) -> Answer {
        let form: Vec<(String, String)> = form_urlencoded::parse(call.body).into_owned().collect();
        let get = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let (to, body) = (get("To").unwrap_or_default(), get("Body").unwrap_or_default());
        let from = get("From").or_else(|| get("MessagingServiceSid")).unwrap_or_default();
        if from.is_empty() {
            return problem(400, 21_603, "A 'From' phone number is required.");
        }
        if body.is_empty() {
            return problem(400, 21_602, "Message body is required.");
        }
        match to.as_str() {
            "+15005550001" => return problem(400, 21_211, "The 'To' number is not a valid phone number."),
            "+15005550004" => return problem(400, 21_610, "Attempt to send to unsubscribed recipient"),
            _ => {}
        }
        let sid = self.sid();
        let message = json!({
            "sid": sid, "account_sid": account, "from": from, "to": to, "body": body, "status": "queued",
            "direction": "outbound-api", "num_segments": "1", "price": null, "price_unit": "USD",
            "error_code": null, "error_message": null, "date_created": rfc2822(call.now), "date_sent": null,
            "uri": format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json"),
            "status_callback": get("StatusCallback"),
        });
        self.messages.push(message.clone());
        let last = if to == "+15005550006" { "undelivered" } else { "delivered" };
        let letters = ["sent", last].iter().filter_map(|word| self.report(&sid, word)).collect();
        let mut shown = message;
        shown.as_object_mut().map(|fields| fields.remove("status_callback"));
        Answer::of(201, shown).reaches(letters)
    }

    /// Moves a message on and reports it.
    fn report(&mut self, sid: &str, word: &str) -> Option<Letter> {
        let message = self.messages.iter_mut().find(|message| message["sid"] == sid)?;
        message["status"] = json!(word);
        if word == "delivered" {
            message["price"] = json!("-0.05150");
        }
        let code = if word == "undelivered" { "30005" } else { "" };
        let mut form = Serializer::new(String::new());
        form.append_pair("MessageSid", sid)
            .append_pair("SmsSid", sid)
            .append_pair("AccountSid", &text(message, "account_sid"))
            .append_pair("From", &text(message, "from"))
            .append_pair("To", &text(message, "to"))
            .append_pair("MessageStatus", word)
            .append_pair("SmsStatus", word)
            .append_pair("ApiVersion", "2010-04-01");
        if !code.is_empty() {
            form.append_pair("ErrorCode", code);
        }
        let to = message["status_callback"].as_str().and_then(|url| url.parse().ok());
        Some(Letter { id: sid.to_owned(), body: form.finish(), sign, form: true, to, secret: None })
    }

    fn inbound(&mut self, order: &Value, now: Time) -> Letter {
        let sid = self.sid();
        let (from, to, body) = (text(order, "from"), text(order, "to"), text(order, "text"));
        self.messages.push(json!({
            "sid": sid, "from": from, "to": to, "body": body, "status": "received", "direction": "inbound",
            "date_created": rfc2822(now), "date_sent": rfc2822(now), "price": null, "price_unit": "USD",
        }));
        let mut form = Serializer::new(String::new());
        form.append_pair("MessageSid", &sid)
            .append_pair("SmsSid", &sid)
            .append_pair("AccountSid", "AC1")
            .append_pair("From", &from)
            .append_pair("To", &to)
            .append_pair("Body", &body)
            .append_pair("NumMedia", "0")
            .append_pair("NumSegments", "1")
            .append_pair("SmsStatus", "received")
            .append_pair("ApiVersion", "2010-04-01");
        Letter { id: sid, body: form.finish(), sign, form: true, to: None, secret: None }
    }

    fn list(&self, call: &Call<'_>) -> Answer {
        let fits = |message: &&Value| {
            ["To", "From"].iter().all(|name| {
                let field = name.to_ascii_lowercase();
                call.asked(name).is_none_or(|wanted| message[&field] == wanted)
            })
        };
        let size: usize = call.asked("PageSize").and_then(|n| n.parse().ok()).unwrap_or(50);
        let page: usize = call.asked("Page").and_then(|n| n.parse().ok()).unwrap_or(0);
        let all: Vec<&Value> = self.messages.iter().rev().filter(fits).collect();
        let shown: Vec<&&Value> = all.iter().skip(page * size).take(size).collect();
        let more = (page + 1) * size < all.len();
        let mut query = Serializer::new(String::new());
        query.extend_pairs(call.query.iter().filter(|(name, _)| name != "Page"));
        query.append_pair("Page", &(page + 1).to_string());
        let next = more.then(|| format!("/{}?{}", call.path.join("/"), query.finish()));
        Answer::of(200, json!({"messages": shown, "next_page_uri": next, "page": page, "page_size": size}))
    }
}

fn problem(status: u16, code: u32, message: &str) -> Answer {
    let info = format!("https://www.twilio.com/docs/errors/{code}");
    Answer::of(status, json!({"code": code, "message": message, "more_info": info, "status": status}))
}

/// `Fri, 24 May 2026 17:18:27 +0000`.
pub(super) fn rfc2822(at: Time) -> String {
    let text = at.to_string();
    let (date, time) = text.split_once('T').unwrap_or((text.as_str(), "00:00:00Z"));
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts: Vec<&str> = date.split('-').collect();
    let month =
        parts.get(1).and_then(|m| m.parse::<usize>().ok()).and_then(|m| months.get(m.wrapping_sub(1)));
    let (year, day) = (parts.first().unwrap_or(&"1970"), parts.get(2).unwrap_or(&"01"));
    let clock: String = time.chars().take(8).collect();
    format!("Thu, {day} {} {year} {clock} +0000", month.unwrap_or(&"Jan"))
}

impl Vendor for Twilio {
    fn name(&self) -> &'static str {
        "Twilio"
    }

    fn call(&mut self, call: &Call<'_>) -> Answer {
        let given = call.header("authorization").strip_prefix("Basic ").unwrap_or_default();
        let given = STANDARD.decode(given).unwrap_or_default();
        if !String::from_utf8_lossy(&given).ends_with(&format!(":{TOKEN}")) {
            return problem(401, 20_003, "Authenticate");
        }
        match (call.method, call.path.as_slice()) {
            ("POST", [.., "Accounts", account, "Messages.json"]) => self.send(account, call),
            ("GET", [.., "Accounts", _, "Messages.json"]) => self.list(call),
            ("GET", [.., "Messages", sid]) => {
                let sid = sid.trim_end_matches(".json");
                match self.messages.iter().find(|message| message["sid"] == sid) {
                    Some(message) => Answer::of(200, message.clone()),
                    None => problem(404, 20_404, "The requested resource was not found"),
                }
            }
            _ => problem(404, 20_404, "The requested resource was not found"),
        }
    }

    fn order(&mut self, order: &Value, now: Time) -> Result<Vec<Letter>, String> {
        match text(order, "event").as_str() {
            "reply" => Ok(vec![self.inbound(order, now)]),
            word @ ("queued" | "sent" | "delivered" | "undelivered" | "failed" | "read") => {
                let letter = self.report(&text(order, "ref"), word);
                letter.map(|letter| vec![letter]).ok_or_else(|| "There is no such message.".to_owned())
            }
            other => Err(format!("Twilio tells no {other}.")),
        }
    }

    fn messages(&self) -> Vec<Value> {
        self.messages.clone()
    }
}

/// HMAC-SHA1 over the address and the fields of the form, sorted by name.
fn sign(signing: &Signing<'_>) -> Vec<(&'static str, String)> {
    let mut fields: Vec<(String, String)> =
        form_urlencoded::parse(signing.body.as_bytes()).into_owned().collect();
    fields.sort();
    let tail: String = fields.into_iter().map(|(name, value)| name + &value).collect();
    let token = if signing.secret.is_empty() { TOKEN } else { signing.secret };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let mac = hmac::sign(&key, format!("{}{tail}", signing.url).as_bytes());
    vec![("x-twilio-signature", STANDARD.encode(mac.as_ref()))]
}
