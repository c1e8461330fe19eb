//! Delivery reports (RFC 3464, free text of common servers, SES notices) and complaints (RFC 5965).

use super::machine::is_status;
use super::mail::Inbound;
use super::reason::{self, Action, Reason, Words};

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
    /// Who complained, when the report tells.
    pub recipient: Option<String>,
    /// `Feedback-Type`: abuse, fraud, auth-failure, not-spam, opt-out…
    pub feedback_type: Option<String>,
    /// Message-ID of the message complained about, without angle brackets.
    pub original_message_id: Option<String>,
}

/// Reads a delivery report. Empty when the message names no recipient.
pub fn read(mail: &Inbound) -> BounceReport {
    let mut failures = from_ses(mail);
    if failures.is_empty() {
        failures = from_status(mail);
    }
    if failures.is_empty() {
        failures = from_text(mail);
    }
    failures.truncate(MAX_RECIPIENTS);
    BounceReport { failures, original_message_id: returned(mail, "message-id").map(|id| strip_id(&id)) }
}

/// Reads a complaint report.
pub fn complaints(mail: &Inbound) -> Complaint {
    let feedback = mail.parts.iter().find(|part| part.media_type == "message/feedback-report");
    let field = |name: &str| feedback.and_then(|part| field_in(&part.text, name));
    let recipient = field("original-rcpt-to")
        .or_else(|| field("removal-recipient"))
        .or_else(|| mail.header("x-hmxmroriginalrecipient").map(str::to_owned))
        .or_else(|| returned(mail, "x-hmxmroriginalrecipient"))
        .or_else(|| returned(mail, "to"))
        .and_then(|value| address_in(&value));
    Complaint {
        recipient,
        feedback_type: field("feedback-type").map(|value| value.to_ascii_lowercase()),
        original_message_id: returned(mail, "message-id").map(|id| strip_id(&id)),
    }
}

/// `whole` is the text of the report: it is asked when the words about this address say nothing.
fn failure(address: String, words: Words<'_>, whole: &str) -> Failure {
    let low = whole.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let after_data =
        ["reply to end of data", "reply to data", "command data", ">>> data", "after i sent the message"]
            .iter()
            .any(|mark| low.contains(mark));
    let words = Words { after_data, ..words };
    let mut reason = reason::classify(words);
    if reason == Reason::Undefined {
        reason = reason::classify(Words { diagnostic: whole, ..words });
    }
    let delayed = words.action.is_some_and(|action| action.eq_ignore_ascii_case("delayed"));
    Failure {
        address,
        status: words.status.map(str::to_owned),
        reply: words.reply,
        diagnostic: words.diagnostic.chars().take(MAX_DIAGNOSTIC).collect(),
        reason,
        hard: reason.hard() && !delayed,
        delayed,
        action: reason.action(),
    }
}

// ---- RFC 3464 -------------------------------------------------------------------------------

fn from_status(mail: &Inbound) -> Vec<Failure> {
    let report = mail.parts.iter().find(|part| is_status(&part.media_type)).or_else(|| {
        mail.parts.iter().find(|part| part.text.to_ascii_lowercase().contains("final-recipient:"))
    });
    let Some(report) = report else { return Vec::new() };
    let human = human_text(mail);
    let mut found: Vec<Failure> = Vec::new();
    for block in groups(&report.text) {
        let recipient =
            field_in(&block, "final-recipient").or_else(|| field_in(&block, "original-recipient"));
        let Some(address) = recipient.and_then(|value| typed_address(&value)) else { continue };
        let original = field_in(&block, "original-recipient").and_then(|value| typed_address(&value));
        let address = if address.contains('@') { address } else { original.unwrap_or(address) };
        if found.iter().any(|known| known.address == address) {
            continue;
        }
        let action = field_in(&block, "action");
        let stated = field_in(&block, "status").and_then(|value| enhanced(&value));
        let diagnostic = field_in(&block, "diagnostic-code").unwrap_or_default();
        let said = said_about(&human, &address);
        let words = if speaks(&diagnostic) { diagnostic.clone() } else { format!("{diagnostic} {said}") };
        let status = enhanced(&diagnostic).filter(|code| !code.ends_with(".0.0")).or(stated);
        let reply = reply_code(&diagnostic).or_else(|| reply_code(&said));
        found.push(failure(
            address,
            Words {
                diagnostic: words.trim(),
                status: status.as_deref(),
                reply,
                action: action.as_deref(),
                after_data: false,
            },
            &human,
        ));
    }
    found
}

/// Whether a diagnostic carries words, not only a code such as `X-Unix; 77` or nothing.
fn speaks(diagnostic: &str) -> bool {
    diagnostic.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 2).count() >= 3
        || diagnostic.to_ascii_lowercase().starts_with("x-unix")
}

fn groups(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        let starts = line.to_ascii_lowercase().starts_with("final-recipient:");
        let current = blocks.last().map_or("", String::as_str);
        let has_final = field_in(current, "final-recipient").is_some();
        if line.trim().is_empty() || (starts && has_final) {
            blocks.push(String::new());
        }
        if let Some(last) = blocks.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    blocks
}

/// A field of a header-like block, unfolded.
fn field_in(block: &str, name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for line in block.lines() {
        if let Some(found) = value.as_mut() {
            if line.starts_with([' ', '\t']) {
                found.push(' ');
                found.push_str(line.trim());
                continue;
            }
            break;
        }
        if let Some((key, rest)) = line.split_once(':')
            && key.trim().eq_ignore_ascii_case(name)
        {
            value = Some(rest.trim().to_owned());
        }
    }
    value.filter(|found| !found.is_empty())
}

fn typed_address(value: &str) -> Option<String> {
    let address = value.split_once(';').map_or(value, |(_, address)| address);
    let address = address.trim().trim_matches(['<', '>', '"', '\'']).trim().to_ascii_lowercase();
    let address = address.strip_prefix("rfc822;").unwrap_or(&address).trim().to_owned();
    address_in(&address).or_else(|| (!address.is_empty() && !address.contains(' ')).then_some(address))
}

// ---- SES notices ----------------------------------------------------------------------------

fn from_ses(mail: &Inbound) -> Vec<Failure> {
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
                failure(
                    text(one, "emailAddress").to_ascii_lowercase(),
                    Words {
                        diagnostic: &diagnostic,
                        status: status.as_deref(),
                        reply: reply_code(&diagnostic),
                        action: Some(&action),
                        after_data: false,
                    },
                    "",
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
                    address.to_ascii_lowercase(),
                    Words {
                        diagnostic: &diagnostic,
                        status: status.as_deref(),
                        reply: reply_code(&diagnostic),
                        action: Some("delivered"),
                        after_data: false,
                    },
                    "",
                )
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn json_in(text: &str) -> Option<serde_json::Value> {
    // Mail wraps long lines; JSON strings hold no raw line end, so joining lines loses nothing.
    let joined: String = text.lines().map(str::trim_end).collect();
    let start = joined.find('{')?;
    serde_json::Deserializer::from_str(&joined[start..]).into_iter().next()?.ok()
}

// ---- free text ------------------------------------------------------------------------------

/// The report's own words: text up to the returned message.
fn human_text(mail: &Inbound) -> String {
    let text = if mail.text.trim().is_empty() {
        mail.parts
            .iter()
            .find(|part| !is_status(&part.media_type))
            .map(|part| part.text.as_str())
            .unwrap_or_default()
    } else {
        mail.text.as_str()
    };
    split_returned(text).0.to_owned()
}

const RETURNED_MARKS: &[&str] = &[
    "------ this is a copy of",
    "--- below this line is a copy",
    "----- original message",
    "-----original message",
    "------ original message",
    "original message follows",
    "----- unsent message follows",
    "----- message header follows",
    "----- returned message",
    "--- original message",
    "------- the original message",
    "--- the header of the original",
    "original message headers",
    "received: from",
    "received: by",
    "return-path: <",
    "the following is a copy of",
    "content-type: message/rfc822",
    "--- undelivered message follows",
    "------ forwarded message",
    "message headers follow",
    "your original message",
    "the included message",
    "dkim-signature:",
    "[message header]",
    "headers of your original",
    "-- the header and top",
    "original mail header",
    "message text follows",
    "x-original-to:",
];

fn split_returned(text: &str) -> (&str, &str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let low = line.trim_start().trim_start_matches(['>', '|', ' ']).to_ascii_lowercase();
        if at > 0 && RETURNED_MARKS.iter().any(|mark| low.starts_with(mark)) {
            return text.split_at(at);
        }
        at += line.len();
    }
    (text, "")
}

/// A header of the returned message, from its own part or from the tail of the text.
fn returned(mail: &Inbound, name: &str) -> Option<String> {
    let own = mail.parts.iter().filter(|part| {
        matches!(
            part.media_type.as_str(),
            "message/rfc822"
                | "text/rfc822-headers"
                | "message/rfc822-headers"
                | "message/global"
                | "message/global-headers"
        )
    });
    own.filter_map(|part| field_in(&part.text, name))
        .next()
        .or_else(|| {
            mail.parts.iter().filter(|part| !is_status(&part.media_type)).find_map(|part| {
                let (_, tail) = split_returned(&part.text);
                indented_field(tail, name)
            })
        })
        .or_else(|| indented_field(split_returned(&mail.text).1, name))
}

fn indented_field(text: &str, name: &str) -> Option<String> {
    let flat: String =
        text.lines().map(|line| line.trim_start_matches(['>', '|']).trim_start().to_owned() + "\n").collect();
    field_in(&flat, name)
}

/// The words about one address: the line that names it and those up to the next address line.
fn said_about(human: &str, address: &str) -> String {
    let lines: Vec<&str> = human.lines().collect();
    let Some(at) = lines.iter().position(|line| line.to_ascii_lowercase().contains(address)) else {
        return human.to_owned();
    };
    let mut said = String::new();
    for (index, line) in lines.iter().enumerate().skip(at) {
        if index > at && leading_address(line).is_some_and(|other| other != address) {
            break;
        }
        said.push_str(line.trim());
        said.push(' ');
    }
    if speaks(&said.replace(address, "")) { said } else { human.to_owned() }
}

fn from_text(mail: &Inbound) -> Vec<Failure> {
    let human = human_text(mail);
    let to = returned(mail, "to").and_then(|value| address_in(&value));
    let sender = returned(mail, "from").and_then(|value| address_in(&value));
    let ours: Vec<&str> =
        mail.to.iter().map(|to| to.address.as_str()).chain(mail.delivered_to.as_deref()).collect();
    let mut addresses: Vec<String> = Vec::new();
    let mut push = |address: String| {
        if !addresses.contains(&address)
            && !is_daemon(&address)
            && sender.as_ref() != Some(&address)
            && !ours.contains(&address.as_str())
        {
            addresses.push(address);
        }
    };
    human.lines().filter_map(leading_address).for_each(&mut push);
    if addresses.is_empty() {
        let failed = mail.headers.iter().filter(|(name, _)| name == "x-failed-recipients");
        addresses.extend(failed.flat_map(|(_, value)| value.split(',').filter_map(address_in)));
    }
    if addresses.is_empty() {
        human.lines().filter_map(address_in).take(1).for_each(|address| {
            if !is_daemon(&address) && sender.as_ref() != Some(&address) {
                addresses.push(address);
            }
        });
    }
    if addresses.is_empty() {
        addresses.extend(to);
    }
    addresses
        .into_iter()
        .map(|address| {
            let said = said_about(&human, &address);
            let status = enhanced(&said);
            let reply = reply_code(&said);
            let low = mail.subject.to_lowercase();
            let delayed = low.contains("delay") || low.contains("warning: message");
            failure(
                address,
                Words {
                    diagnostic: &said,
                    status: status.as_deref(),
                    reply,
                    action: delayed.then_some("delayed"),
                    after_data: false,
                },
                &human,
            )
        })
        .collect()
}

fn is_daemon(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    matches!(local, "mailer-daemon" | "postmaster" | "abuse" | "support" | "helpdesk")
}

/// The address that a line begins with (`<a@b>:`, `a@b`, `To: a@b`), as reports list recipients.
fn leading_address(line: &str) -> Option<String> {
    let line = line.trim();
    let low = line.to_ascii_lowercase();
    let rest = ["to:", "recipient:", "recipients:", "for user", "rcpt:", "550", "554"]
        .iter()
        .find_map(|lead| low.strip_prefix(lead))
        .unwrap_or(&low);
    let rest = rest.trim_start().trim_start_matches(['<', '"', '\'', '(', '*', '-']).trim_start();
    let word = rest.split(|c: char| c.is_whitespace() || matches!(c, '>' | ',' | ';' | '(')).next()?;
    address_in(word.trim_end_matches(':'))
}

/// The first address in a text, lower case.
pub(crate) fn address_in(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || "<>()[],;\"'|".contains(c))
        .map(|word| word.trim_start_matches("mailto:").trim_matches(['.', ':', '*', '=']))
        .find_map(|word| base::EmailAddress::parse(word).ok())
        .map(String::from)
}

fn strip_id(id: &str) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

/// The last enhanced status code in a text; transcripts put the deciding one last, except that a
/// more exact code is preferred over `x.0.0`.
fn enhanced(text: &str) -> Option<String> {
    let mut best: Option<String> = None;
    for word in text.split(|c: char| !(c.is_ascii_digit() || c == '.')) {
        let mut parts = word.trim_matches('.').split('.');
        let (Some(class), Some(subject), Some(detail), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let ok = matches!(class, "2" | "4" | "5")
            && (1..=1).contains(&subject.len())
            && (1..=3).contains(&detail.len());
        if ok && best.as_ref().is_none_or(|known| known.ends_with(".0.0")) {
            best = Some(format!("{class}.{subject}.{detail}"));
        }
    }
    best
}

/// The first SMTP reply code of a failure (4xx or 5xx).
fn reply_code(text: &str) -> Option<u16> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(2)).find_map(|at| {
        let three = text.get(at..at + 3)?;
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let after = bytes.get(at + 3).copied();
        let edge = before.is_none_or(|b| b" ;:<'\"(,\n\t=".contains(&b))
            && after.is_none_or(|b| b" -=:'\"\n\r,)".contains(&b));
        let code = three.parse::<u16>().ok().filter(|code| (400..600).contains(code))?;
        (edge && code % 100 < 60).then_some(code)
    })
}

/// Whether a refusal during sending says that the address does not exist, so that it may be
/// suppressed. A refusal for any other reason (policy, reputation, a full mailbox) keeps it.
/// `code` is an SMTP reply or the HTTP status of a provider.
pub fn is_address_gone(enhanced: Option<&str>, code: u16, text: &str) -> bool {
    let temporary =
        matches!(code, 421 | 429 | 450..=455) || enhanced.is_some_and(|status| status.starts_with('4'));
    let words = Words { diagnostic: text, status: enhanced, ..Words::default() };
    !temporary && reason::classify(words).hard()
}
