//! Notices of Amazon SES that came by mail: JSON inside text.

use super::fields::{enhanced, reply_code};
use super::{Failure, Told, failure};
use crate::mail::Inbound;
use crate::reason::{System, Words};

/// Failures that a notice names; none when the mail is no such notice.
pub(super) fn read(mail: &Inbound) -> Vec<Failure> {
    if !mail.text.contains("notificationType") {
        return Vec::new();
    }
    let Some(mut notice) = json_in(&mail.text) else { return Vec::new() };
    if let Some(inner) = notice.get("Message").and_then(|value| value.as_str()).and_then(json_in) {
        notice = inner;
    }
    let text = |value: &serde_json::Value, key: &str| {
        value.get(key).and_then(|found| found.as_str()).unwrap_or_default().to_owned()
    };
    match text(&notice, "notificationType").as_str() {
        "Bounce" => notice["bounce"]["bouncedRecipients"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| {
                let diagnostic = text(one, "diagnosticCode");
                let status = enhanced(&text(one, "status")).or_else(|| enhanced(&diagnostic));
                let action = text(one, "action");
                let category = text(&notice["bounce"], "bounceSubType");
                failure(
                    NOTHING,
                    text(one, "emailAddress").to_ascii_lowercase(),
                    Words {
                        diagnostic: &diagnostic,
                        status: status.as_deref(),
                        reply: reply_code(&diagnostic),
                        action: Some(&action),
                        command: None,
                        category: Some(&category),
                    },
                )
            })
            .collect(),
        "Delivery" => notice["delivery"]["recipients"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str())
            .map(|address| {
                let diagnostic = text(&notice["delivery"], "smtpResponse");
                let status = enhanced(&diagnostic);
                failure(
                    NOTHING,
                    address.to_ascii_lowercase(),
                    Words {
                        diagnostic: &diagnostic,
                        status: status.as_deref(),
                        reply: reply_code(&diagnostic),
                        action: Some("delivered"),
                        command: None,
                        category: None,
                    },
                )
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// A notice tells nothing beside its fields.
const NOTHING: Told<'_> = Told { system: System::Other, by: &[], host: None, whole: "" };

fn json_in(text: &str) -> Option<serde_json::Value> {
    // Mail wraps long lines; JSON strings hold no raw line end, so joining lines loses nothing.
    let joined: String = text.lines().map(str::trim_end).collect();
    let start = joined.find('{')?;
    serde_json::Deserializer::from_str(&joined[start..]).into_iter().next()?.ok()
}
