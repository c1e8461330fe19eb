//! Delivery reports (RFC 3464, free text of common servers, SES notices) and complaints (RFC 5965).

mod command;
pub mod eval;
mod fields;
mod notice;
mod reporter;
mod status;
mod text;

use crate::mail::Inbound;
use crate::reason::{self, Action, Reason, Scene, System, Words};
pub use command::Command;
use fields::{address_in, field_in, strip_id};
use text::returned;

/// Recipients of one report that are read.
const MAX_RECIPIENTS: usize = 100;
/// Characters kept of a diagnostic.
const MAX_DIAGNOSTIC: usize = 600;

/// What a delivery report says about one recipient.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Failure {
    /// Address in lower case, as the report names it (not checked).
    pub address: String,
    /// Enhanced status code, for example `5.1.1`.
    pub status: Option<String>,
    /// SMTP reply code.
    pub reply: Option<u16>,
    /// The server's own words.
    pub diagnostic: String,
    /// Reason class.
    pub reason: Reason,
    /// Whether the address is gone for good.
    pub hard: bool,
    /// Whether the server still tries (nothing failed yet).
    pub delayed: bool,
    /// What to do.
    pub action: Action,
}

/// A delivery report.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct BounceReport {
    /// One entry per recipient, in the order of the report.
    pub failures: Vec<Failure>,
    /// Message-ID of the message that came back, without angle brackets.
    pub original_message_id: Option<String>,
}

/// A spam complaint.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Complaint {
    /// Who complained, when the report tells; usually one.
    pub recipients: Vec<String>,
    /// `Feedback-Type`: abuse, fraud, auth-failure, not-spam, opt-out…
    pub feedback_type: Option<String>,
    /// Message-ID of the message complained about, without angle brackets.
    pub original_message_id: Option<String>,
}

/// Reads a delivery report. Empty when the message names no recipient.
pub fn read(mail: &Inbound) -> BounceReport {
    let mut failures = notice::read(mail);
    if failures.is_empty() {
        failures = status::read(mail);
    }
    if failures.is_empty() {
        failures = text::read(mail);
    }
    failures.truncate(MAX_RECIPIENTS);
    BounceReport { failures, original_message_id: returned(mail, "message-id").map(|id| strip_id(&id)) }
}

/// Reads a complaint report. RFC 5965 allows several `Original-Rcpt-To`.
pub fn complaints(mail: &Inbound) -> Complaint {
    let feedback = mail.parts.iter().find(|part| part.media_type == "message/feedback-report");
    let field = |name: &str| feedback.and_then(|part| field_in(&part.text, name));
    let mut recipients: Vec<String> = Vec::new();
    for line in feedback.map_or("", |part| part.text.as_str()).lines() {
        if let Some((name, value)) = line.split_once(':')
            && name.trim().eq_ignore_ascii_case("original-rcpt-to")
            && let Some(address) = address_in(value)
            && !recipients.contains(&address)
            && recipients.len() < MAX_RECIPIENTS
        {
            recipients.push(address);
        }
    }
    if recipients.is_empty() {
        let other = field("removal-recipient")
            .or_else(|| mail.header("x-hmxmroriginalrecipient").map(str::to_owned))
            .or_else(|| returned(mail, "x-hmxmroriginalrecipient"))
            .or_else(|| returned(mail, "to"));
        // Apple's mail program writes for its user, who is the one that wants out.
        let apple =
            mail.header("x-apple-unsubscribe").and(mail.from.as_ref()).map(|from| from.address.clone());
        recipients.extend(apple.or_else(|| other.and_then(|value| address_in(&value))));
    }
    Complaint {
        recipients,
        feedback_type: field("feedback-type").map(|value| value.to_ascii_lowercase()),
        original_message_id: returned(mail, "message-id").map(|id| strip_id(&id)),
    }
}

/// What a report tells beside the words about one recipient.
#[derive(Clone, Copy)]
struct Told<'a> {
    /// The server that wrote the report.
    system: System,
    /// Its host and domain.
    by: &'a [&'a str],
    /// The server that refused.
    host: Option<&'a str>,
    /// The report's text.
    whole: &'a str,
}

/// The whole text is asked when the words about the recipient tell no reason.
fn failure(told: Told<'_>, address: String, words: Words<'_>) -> Failure {
    let domain = address.rsplit('@').next().unwrap_or_default().to_owned();
    let host = told.host.map(|host| host.trim_end_matches('.').to_ascii_lowercase()).unwrap_or_default();
    let hosts = [host.as_str(), domain.as_str()];
    let judge = |words| reason::judge(&Scene { words, hosts: &hosts, by: told.by, system: told.system });
    let mut reason = judge(words);
    if matches!(reason, Reason::Undefined | Reason::OnHold) {
        let whole = judge(Words { diagnostic: told.whole, ..words });
        if !matches!(whole, Reason::Undefined | Reason::OnHold) {
            reason = whole;
        }
    }
    let delayed = words.action.is_some_and(|action| action.eq_ignore_ascii_case("delayed"));
    let temporary = delayed || words.status.is_some_and(|status| status.starts_with('4'));
    Failure {
        address,
        status: words.status.map(str::to_owned),
        reply: words.reply,
        diagnostic: words.diagnostic.chars().take(MAX_DIAGNOSTIC).collect(),
        reason,
        hard: reason.hard() && !temporary,
        delayed,
        action: reason.action(),
    }
}

/// Whether a refusal during sending says that the address does not exist, so that it may be
/// suppressed. A refusal for any other reason (policy, reputation, a full mailbox) keeps it.
/// `code` is an SMTP reply or the HTTP status of a provider.
pub fn is_address_gone(enhanced: Option<&str>, code: u16, text: &str) -> bool {
    let temporary =
        matches!(code, 421 | 429 | 450..=455) || enhanced.is_some_and(|status| status.starts_with('4'));
    // A sender speaks to one recipient at a time: who is refused, is refused at RCPT.
    let command = Some(Command::Rcpt);
    let words = Words { diagnostic: text, status: enhanced, command, ..Words::default() };
    !temporary && reason::classify(words).hard()
}
