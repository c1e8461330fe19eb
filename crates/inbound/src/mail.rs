//! RFC 5322 bytes to one decoded, owned message.

use base::Time;
use mail_parser::{Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Bytes of one message that are read; the rest of a larger one is ignored (Gmail accepts 50 MB in,
/// but words and reports stand at the front).
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// MIME parts of one message that are looked at.
pub const MAX_PARTS: usize = 200;
/// Bytes of decoded text kept of one part.
pub const MAX_TEXT: usize = 256 * 1024;
/// Header fields kept of one message.
pub const MAX_HEADERS: usize = 300;
/// Levels of messages inside messages that are followed.
pub const MAX_DEPTH: usize = 4;
/// Multipart levels are limited by the boundary lines in a message; more than this is an attack.
const MAX_BOUNDARIES: usize = 500;

/// A name and an address as written in a header.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mailbox {
    /// Display name, when there is one.
    pub name: Option<String>,
    /// Address in lower case, not checked.
    pub address: String,
}

/// An attached file, by its description only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attachment {
    /// File name, when given.
    pub name: Option<String>,
    /// Media type, `application/octet-stream` when missing.
    pub media_type: String,
    /// Decoded size in bytes.
    pub bytes: usize,
}

/// One leaf of the MIME tree as text: what reports are read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Media type in lower case, for example `message/delivery-status`.
    pub media_type: String,
    /// Decoded text, at most [`MAX_TEXT`] bytes.
    pub text: String,
}

/// A message that arrived.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Inbound {
    /// Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// Message-IDs this one answers.
    pub in_reply_to: Vec<String>,
    /// The thread so far, oldest first.
    pub references: Vec<String>,
    /// Who wrote it.
    pub from: Option<Mailbox>,
    /// Where answers should go, when given.
    pub reply_to: Option<Mailbox>,
    /// Addressees of To.
    pub to: Vec<Mailbox>,
    /// Addressees of Cc.
    pub cc: Vec<Mailbox>,
    /// The mailbox that it was put into (`Delivered-To`, `X-Original-To`, `Envelope-To`).
    pub delivered_to: Option<String>,
    /// Envelope sender; `Some("")` is the null sender `<>`.
    pub return_path: Option<String>,
    /// Decoded subject, empty when missing.
    pub subject: String,
    /// When the sender says that it was written.
    pub date: Option<Time>,
    /// Best text: the plain part, or the HTML one converted (quotes become `>` lines).
    pub text: String,
    /// All headers: name in lower case, value unfolded.
    pub headers: Vec<(String, String)>,
    /// Media type of the whole message in lower case.
    pub media_type: String,
    /// `report-type` of a multipart/report in lower case.
    pub report_type: Option<String>,
    /// Textual leaves and reports, in order, those of attached messages included.
    pub parts: Vec<Part>,
    /// Attached files.
    pub attachments: Vec<Attachment>,
    /// Whether something was cut by the limits above.
    pub truncated: bool,
}

impl Inbound {
    /// First value of a header (name without case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Address of the sender, empty when there is none.
    pub fn sender(&self) -> &str {
        self.from.as_ref().map_or("", |from| from.address.as_str())
    }
}

/// Reads a message. Never fails: bytes without any header become a message of text only.
pub fn read(raw: &[u8]) -> Inbound {
    let mut cut = &raw[..raw.len().min(MAX_BYTES)];
    let mut truncated = cut.len() < raw.len();
    // mbox files put an envelope line in front.
    if cut.starts_with(b"From ") {
        let end = cut.iter().position(|b| *b == b'\n').map_or(cut.len(), |at| at + 1);
        cut = &cut[end..];
    }
    let bounded = bound_parts(cut);
    truncated |= bounded.len() < cut.len();
    let Some(message) = MessageParser::default().parse(bounded) else {
        return Inbound { text: clip(&String::from_utf8_lossy(cut)), truncated, ..Inbound::default() };
    };
    let mut mail = Inbound { truncated, ..Inbound::default() };
    read_headers(&message, &mut mail);
    read_parts(&message, &mut mail, 0);
    mail.text = best_text(&message);
    mail
}

/// The prefix that holds at most [`MAX_BOUNDARIES`] lines starting with `--` that could open a part.
fn bound_parts(raw: &[u8]) -> &[u8] {
    let mut opened = 0usize;
    for (at, window) in raw.windows(13).enumerate() {
        if window.eq_ignore_ascii_case(b"content-type:") && (at == 0 || raw[at - 1] == b'\n') {
            opened += 1;
            if opened > MAX_BOUNDARIES {
                return &raw[..at];
            }
        }
    }
    raw
}

fn read_headers(message: &Message<'_>, mail: &mut Inbound) {
    for (name, value) in message.headers_raw().take(MAX_HEADERS) {
        mail.headers.push((name.trim().to_ascii_lowercase(), unfold(value)));
    }
    mail.message_id = message.message_id().map(str::to_owned);
    mail.in_reply_to = ids(message.in_reply_to());
    mail.references = ids(message.references());
    mail.from = mailboxes(message.from()).into_iter().next();
    mail.reply_to = mailboxes(message.reply_to()).into_iter().next();
    mail.to = mailboxes(message.to());
    mail.cc = mailboxes(message.cc());
    mail.delivered_to = ["delivered-to", "x-original-to", "envelope-to"]
        .iter()
        .find_map(|name| mail.header(name))
        .map(|value| bare(value).to_ascii_lowercase());
    mail.return_path = mail.header("return-path").map(|value| bare(value).to_ascii_lowercase());
    mail.subject = message.subject().unwrap_or_default().trim().to_owned();
    mail.date = message
        .date()
        .filter(|date| date.is_valid())
        .and_then(|date| jiff::Timestamp::from_second(date.to_timestamp()).ok().map(Time::new));
    if let Some(root) = message.parts.first() {
        mail.media_type = media_type(root);
        mail.report_type =
            root.content_type().and_then(|kind| kind.attribute("report-type")).map(str::to_ascii_lowercase);
    }
}

fn read_parts(message: &Message<'_>, mail: &mut Inbound, depth: usize) {
    for (index, part) in message.parts.iter().enumerate() {
        if mail.parts.len() >= MAX_PARTS {
            mail.truncated = true;
            return;
        }
        let media = media_type(part);
        match &part.body {
            PartType::Multipart(_) => {}
            PartType::Message(inner) => {
                mail.parts.push(Part {
                    media_type: media,
                    text: clip(&String::from_utf8_lossy(own_bytes(message, part, inner))),
                });
                if depth < MAX_DEPTH {
                    read_parts(inner, mail, depth + 1);
                }
            }
            PartType::Text(text) => mail.parts.push(Part { media_type: media, text: clip(text) }),
            PartType::Html(html) => mail.parts.push(Part { media_type: media, text: clip(&html_text(html)) }),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                if media.starts_with("message/") || media.starts_with("text/") {
                    mail.parts.push(Part { media_type: media, text: clip(&String::from_utf8_lossy(bytes)) });
                }
            }
        }
        let listed = depth == 0 && message.attachments.contains(&u32::try_from(index).unwrap_or(u32::MAX));
        if listed {
            mail.attachments.push(Attachment {
                name: part.attachment_name().map(str::to_owned),
                media_type: media_type(part),
                bytes: part.contents().len(),
            });
        }
    }
}

/// The bytes of a message inside another: its own buffer, or its range of the outer one.
fn own_bytes<'a>(outer: &Message<'_>, part: &MessagePart<'_>, inner: &'a Message<'_>) -> &'a [u8] {
    let raw = inner.raw_message();
    if raw.len() != outer.raw_message().len() {
        return raw;
    }
    let at = (part.raw_body_offset() as usize).min(raw.len());
    let end = (part.raw_end_offset() as usize).clamp(at, raw.len());
    &raw[at..end]
}

fn best_text(message: &Message<'_>) -> String {
    let mut text = String::new();
    for part in message.text_bodies() {
        let piece = match &part.body {
            PartType::Html(html) => html_text(html),
            PartType::Text(plain) => plain.to_string(),
            PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Message(_)
            | PartType::Multipart(_) => {
                continue;
            }
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&piece);
        if text.len() > MAX_TEXT {
            break;
        }
    }
    clip(&text)
}

/// HTML to text: block elements become lines, quoted blocks become `>` lines, the marks that Outlook
/// puts above a quoted message become an `-----Original Message-----` line.
pub fn html_text(html: &str) -> String {
    let html = &html[..floor(html, MAX_TEXT * 4)];
    let mut out = String::new();
    let mut run = String::new();
    let mut depth = 0usize;
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        run.push_str(&rest[..open]);
        let tail = &rest[open..];
        let end = tail.find('>').map_or(tail.len(), |at| at + 1);
        let tag = &tail[..end];
        let low = tag.to_ascii_lowercase();
        let name: String =
            low.trim_start_matches(['<', '/']).chars().take_while(char::is_ascii_alphanumeric).collect();
        if name == "blockquote" {
            flush(&mut run, depth, &mut out);
            depth = if low.starts_with("</") { depth.saturating_sub(1) } else { depth + 1 };
        } else if is_quote_mark(&low) {
            run.push_str("<br>-----Original Message-----<br>");
        } else if matches!(
            name.as_str(),
            "div" | "tr" | "li" | "h1" | "h2" | "h3" | "h4" | "table" | "hr" | "ul"
        ) {
            run.push_str("<br>");
        } else if name == "p" {
            run.push_str(if low.starts_with("</") { "<br><br>" } else { "<br>" });
        } else {
            run.push_str(tag);
        }
        rest = &tail[end..];
    }
    run.push_str(rest);
    flush(&mut run, depth, &mut out);
    out
}

fn is_quote_mark(tag: &str) -> bool {
    tag.starts_with("<div")
        && (tag.contains("divrplyfwdmsg")
            || tag.contains("appendonsend")
            || tag.contains("olk_src_body_section")
            || tag.contains("border-top:solid #e1e1e1")
            || tag.contains("border-top:solid #b5c4df"))
}

fn flush(run: &mut String, depth: usize, out: &mut String) {
    let text = mail_parser::decoders::html::html_to_text(run);
    run.clear();
    let mut blank = out.is_empty();
    for line in text.lines() {
        let line = line.replace('\u{a0}', " ");
        let line = line.trim();
        if line.is_empty() && blank {
            continue;
        }
        blank = line.is_empty();
        for _ in 0..depth.min(8) {
            out.push_str("> ");
        }
        out.push_str(line);
        out.push('\n');
    }
}

fn mailboxes(address: Option<&Address<'_>>) -> Vec<Mailbox> {
    address
        .map(|list| {
            list.iter()
                .take(200)
                .filter_map(|one| {
                    let address = one.address.as_deref()?.trim().to_ascii_lowercase();
                    Some(Mailbox { name: one.name.as_deref().map(|name| name.trim().to_owned()), address })
                })
                .collect()
        })
        .unwrap_or_default()
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    if let Some(list) = value.as_text_list() {
        return list.iter().take(200).map(|id| id.to_string()).collect();
    }
    value.as_text().map(|id| vec![id.to_owned()]).unwrap_or_default()
}

fn media_type(part: &MessagePart<'_>) -> String {
    part.content_type().map_or_else(
        || "text/plain".to_owned(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("plain")).to_ascii_lowercase(),
    )
}

fn unfold(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn bare(value: &str) -> &str {
    value.trim().trim_start_matches('<').trim_end_matches('>').trim()
}

fn floor(text: &str, limit: usize) -> usize {
    let mut at = text.len().min(limit);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn clip(text: &str) -> String {
    text[..floor(text, MAX_TEXT)].to_owned()
}
