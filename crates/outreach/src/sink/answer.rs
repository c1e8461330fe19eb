//! The messages that a prospect and their server send: answers that quote what they got, delivery
//! reports (RFC 3464), spam reports (RFC 5965), absence notices (RFC 3834). Written by the MIME library;
//! nothing here reads a clock or randomness.

use super::{Act, Letter, prospect, stamp_s};
use base::{EmailAddress, Error, Result, Time};
use inbound::mail;
use mail_builder::{
    MessageBuilder,
    headers::{content_type::ContentType, date::Date, message_id::MessageId, raw::Raw},
    mime::{BodyPart, MimePart},
};
use uuid::Uuid;

/// What prospects typically answer: what it is called and what it says.
pub const TYPICAL: [(&str, &str, &str); 9] = [
    ("interested", "Interested", "Hi,\n\nsounds interesting. Could you send me more details?\n\nThanks"),
    (
        "meeting",
        "Wants to meet",
        "Hello,\n\nhappy to have a chat. Does Tuesday at 3pm work for you?\n\nCheers",
    ),
    (
        "question",
        "Question",
        "Hi,\n\nwhat does it cost, and do you work with companies of our size?\n\nRegards",
    ),
    ("not_interested", "Not interested", "Thanks, but we are not interested.\n\nRegards"),
    ("unsubscribe", "Unsubscribe", "Please remove me from your list.\n"),
    (
        "away",
        "Out of office",
        "Hello,\n\nI am out of the office and will be back on Monday. In urgent cases please call our front desk.\n\nRegards",
    ),
    (
        "angry",
        "Angry",
        "This is spam. How dare you send me this rubbish? Stop harassing me or I will report you.\n",
    ),
    (
        "referral",
        "Refers to somebody",
        "Hi,\n\nplease contact our marketing manager instead: marketing.manager@{domain}\n\nRegards",
    ),
    (
        "wrong_person",
        "Wrong person",
        "I am not the right person for this, I do not work in that area.\n\nRegards",
    ),
];

/// The typical words for a name; empty when there are none.
pub fn typical(name: &str, letter: &Letter) -> String {
    let domain = prospect(letter)
        .map(|address| address.domain().to_owned())
        .unwrap_or_else(|_| "example.com".to_owned());
    let found = TYPICAL.iter().find(|(word, _, _)| *word == name);
    found.map_or_else(String::new, |(_, _, words)| words.replace("{domain}", &domain))
}

/// Where answers to a message go: its Reply-To, else its From.
pub(super) fn sender(letter: &Letter) -> Result<EmailAddress> {
    let message = mail::read(&letter.raw);
    let to = message.reply_to.or(message.from).map_or_else(|| letter.mail_from.clone(), |to| to.address);
    EmailAddress::parse(&to)
}

/// The bytes of an answer. `id` makes its Message-ID and boundaries.
pub fn build(letter: &Letter, what: &Act, now: Time, id: Uuid) -> Result<Vec<u8>> {
    let from = prospect(letter)?;
    let written = match what {
        Act::Say(words) => say(letter, words, &from, now, id)?,
        Act::Away => away(letter, &from, now, id)?,
        Act::Bounce => report(letter, &from, now, id, &GONE)?,
        Act::SoftBounce => report(letter, &from, now, id, &FULL)?,
        Act::Complain => complaint(letter, &from, now, id)?,
    };
    written
        .write_to_vec()
        .map_err(|cause| Error::internal("An answer could not be written as MIME.").caused_by(cause))
}

fn begin<'a>(
    letter: &Letter,
    from: (String, String),
    now: Time,
    id: Uuid,
    host: &str,
) -> Result<MessageBuilder<'a>> {
    Ok(MessageBuilder::new()
        .from(from)
        .to(sender(letter)?.as_str().to_owned())
        .date(Date::new(stamp_s(now)))
        .message_id(format!("{}@{host}", id.simple())))
}

fn re(subject: &str) -> String {
    if subject.to_ascii_lowercase().starts_with("re:") {
        subject.to_owned()
    } else {
        format!("Re: {subject}")
    }
}

/// Names what is answered, and the thread before it.
fn thread<'a>(builder: MessageBuilder<'a>, letter: &Letter) -> MessageBuilder<'a> {
    let Some(answered) = letter.message_id.clone() else { return builder };
    let mut references = mail::read(&letter.raw).references;
    references.retain(|id| *id != answered);
    references.push(answered.clone());
    builder.in_reply_to(answered).header("References", MessageId::from(references))
}

fn say<'a>(
    letter: &Letter,
    words: &str,
    from: &EmailAddress,
    now: Time,
    id: Uuid,
) -> Result<MessageBuilder<'a>> {
    let original = mail::read(&letter.raw);
    let who = original.from.map(|from| from.name.unwrap_or(from.address)).unwrap_or_default();
    let quoted: String = original.text.lines().map(|line| format!("> {line}\r\n")).collect();
    let at = letter.at.stamp().strftime("%a, %d %b %Y at %H:%M").to_string();
    let words = words.trim_end().replace("\r\n", "\n").replace('\n', "\r\n");
    let text = format!("{words}\r\n\r\nOn {at}, {who} wrote:\r\n{quoted}");
    let builder = begin(letter, (String::new(), from.as_str().to_owned()), now, id, from.domain())?;
    Ok(thread(builder, letter).subject(re(&letter.subject)).text_body(text))
}

fn away<'a>(letter: &Letter, from: &EmailAddress, now: Time, id: Uuid) -> Result<MessageBuilder<'a>> {
    let back = now.plus_days(7).stamp().strftime("%-d %B %Y").to_string();
    let text = format!(
        "Hello,\r\n\r\nthank you for your message. I am out of the office and will be back on {back}. I will answer then.\r\n\r\nKind regards\r\n"
    );
    let builder = begin(letter, (String::new(), from.as_str().to_owned()), now, id, from.domain())?;
    Ok(thread(builder, letter)
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .header("X-Auto-Response-Suppress", Raw::new("All"))
        .subject(format!("Automatic reply: {}", letter.subject))
        .text_body(text))
}

/// Why a server gives a message back.
struct Failing {
    status: &'static str,
    code: &'static str,
    words: &'static str,
}

const GONE: Failing = Failing {
    status: "5.1.1",
    code: "550",
    words: "The email account that you tried to reach does not exist.",
};
const FULL: Failing = Failing {
    status: "4.2.2",
    code: "452",
    words: "The recipient's inbox is out of storage space: mailbox full.",
};

/// The headers of the message that comes back.
fn original_headers(letter: &Letter) -> String {
    let text = String::from_utf8_lossy(&letter.raw);
    let end = text.find("\r\n\r\n").or_else(|| text.find("\n\n")).unwrap_or(text.len());
    format!("{}\r\n", &text[..end])
}

fn part<'a>(kind: &'static str, text: String) -> MimePart<'a> {
    MimePart::new(ContentType::new(kind), BodyPart::Text(text.into())).transfer_encoding("7bit")
}

fn multipart<'a>(report: &'static str, id: Uuid, parts: Vec<MimePart<'a>>) -> MimePart<'a> {
    let kind = ContentType::new("multipart/report")
        .attribute("report-type", report)
        .attribute("boundary", format!("=_{}", id.simple()));
    MimePart::new(kind, BodyPart::Multipart(parts))
}

fn report<'a>(
    letter: &Letter,
    to: &EmailAddress,
    now: Time,
    id: Uuid,
    why: &Failing,
) -> Result<MessageBuilder<'a>> {
    let host = format!("mx.{}", to.domain());
    let human = format!(
        "This is the mail system at {host}.\r\n\r\nYour message could not be delivered to <{to}>:\r\n\r\n    {} {} {}\r\n",
        why.code, why.status, why.words
    );
    let machine = format!(
        "Reporting-MTA: dns; {host}\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: {}\r\nDiagnostic-Code: smtp; {} {} {}\r\n",
        why.status, why.code, why.status, why.words
    );
    let parts = vec![
        part("text/plain", human),
        part("message/delivery-status", machine),
        part("text/rfc822-headers", original_headers(letter)),
    ];
    let builder =
        begin(letter, ("Mail Delivery System".to_owned(), format!("mailer-daemon@{host}")), now, id, &host)?;
    Ok(builder
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .header("Return-Path", Raw::new("<>"))
        .subject("Undelivered Mail Returned to Sender")
        .body(multipart("delivery-status", id, parts)))
}

fn complaint<'a>(letter: &Letter, to: &EmailAddress, now: Time, id: Uuid) -> Result<MessageBuilder<'a>> {
    let host = format!("feedback.{}", to.domain());
    let machine = format!(
        "Feedback-Type: abuse\r\nUser-Agent: Feedback/1.0\r\nVersion: 1\r\nOriginal-Mail-From: <{}>\r\nOriginal-Rcpt-To: <{to}>\r\nReported-Domain: {}\r\n",
        letter.mail_from,
        sender(letter)?.domain(),
    );
    let parts = vec![
        part(
            "text/plain",
            "This is an e-mail abuse report for a message that was received here.\r\n".to_owned(),
        ),
        part("message/feedback-report", machine),
        part("text/rfc822-headers", original_headers(letter)),
    ];
    let builder = begin(letter, ("Abuse reports".to_owned(), format!("feedback@{host}")), now, id, &host)?;
    Ok(builder.subject(format!("FW: {}", letter.subject)).body(multipart("feedback-report", id, parts)))
}
