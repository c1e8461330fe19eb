//! A mail as MIME (RFC 5322, RFC 2045), seven-bit throughout.

use base::{Digest, Error, Result};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart, header::ContentType};
use lettre::{Address, address::Envelope};
use ports::email::{MessageId, Outgoing};
use std::time::{Duration, UNIX_EPOCH};

/// Writes the mail. The same mail always gives the same bytes.
///
/// # Errors
/// Invalid, naming the field that cannot be written.
pub fn write(mail: &Outgoing) -> Result<Vec<u8>> {
    mail.check()?;
    let from = address(mail.from.address.as_str())?;
    let name = Some(mail.from.name.clone()).filter(|name| !name.trim().is_empty());
    let seconds = u64::try_from(mail.date.stamp().as_second()).unwrap_or(0);
    let mut builder = Message::builder()
        .from(Mailbox::new(name, from.clone()))
        .date(UNIX_EPOCH + Duration::from_secs(seconds))
        .message_id(Some(mail.message_id.bracketed()))
        .subject(mail.subject.clone());
    let mut to = Vec::with_capacity(mail.to.len());
    for reader in &mail.to {
        let reader = address(reader.as_str())?;
        builder = builder.to(Mailbox::new(None, reader.clone()));
        to.push(reader);
    }
    if let Some(reply_to) = &mail.reply_to {
        builder = builder.reply_to(Mailbox::new(None, address(reply_to.as_str())?));
    }
    if let Some(parent) = &mail.in_reply_to {
        builder = builder.in_reply_to(parent.bracketed());
    }
    if !mail.references.is_empty() {
        let thread: Vec<String> = mail.references.iter().map(MessageId::bracketed).collect();
        builder = builder.references(thread.join(" "));
    }
    if let Some(list) = &mail.list_unsubscribe {
        let mut ways = format!("<{}>", list.https);
        if let Some(mailto) = &list.mailto {
            ways.push_str(&format!(", <mailto:{mailto}?subject=unsubscribe>"));
        }
        builder = builder.raw_header(raw("List-Unsubscribe", ways)?);
        builder = builder.raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned())?);
    }
    for (name, value) in &mail.headers {
        let name = header_name(name)?;
        builder = builder.raw_header(HeaderValue::new(name, value.clone()));
    }
    let envelope = Envelope::new(Some(from), to).map_err(|cause| unwritable(&cause.to_string()))?;
    let builder = builder.envelope(envelope);
    let written = if mail.html.is_none() && mail.calendar.is_none() {
        builder.singlepart(SinglePart::plain(mail.text.clone()))
    } else {
        // A boundary of the mail's own in place of a random one.
        let boundary = Digest::of(mail.message_id.as_str().as_bytes()).short();
        let mut parts = MultiPart::alternative()
            .boundary(format!("=_{boundary}"))
            .singlepart(SinglePart::plain(mail.text.clone()));
        if let Some(html) = &mail.html {
            parts = parts.singlepart(SinglePart::html(html.clone()));
        }
        if let Some(calendar) = &mail.calendar {
            let kind = format!("text/calendar; charset=utf-8; method={}", calendar.method.word());
            let kind = ContentType::parse(&kind).map_err(|cause| unwritable(&cause.to_string()))?;
            parts = parts.singlepart(SinglePart::builder().header(kind).body(calendar.ics.clone()));
        }
        builder.multipart(parts)
    };
    written.map(|message| message.formatted()).map_err(|cause| unwritable(&cause.to_string()))
}

pub(super) fn address(text: &str) -> Result<Address> {
    text.parse().map_err(|cause: lettre::address::AddressError| unwritable(&format!("“{text}”: {cause}")))
}

fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::new_from_ascii(name.to_owned()).map_err(|cause| unwritable(&cause.to_string()))
}

/// Not folded: an address in angle brackets may not be broken or encoded.
fn raw(name: &str, value: String) -> Result<HeaderValue> {
    Ok(HeaderValue::dangerous_new_pre_encoded(header_name(name)?, value.clone(), value))
}

fn unwritable(why: &str) -> Error {
    Error::invalid("email.unwritable", format!("The mail cannot be written: {why}."))
}
