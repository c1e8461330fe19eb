//! One mail that is to be sent.

use base::{EmailAddress, Error, Result, Time};
use serde::{Deserialize, Serialize};
use url::Url;

/// A mail, complete but not yet written as MIME.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Outgoing {
    /// Ours, made before the first try and kept over all tries.
    pub message_id: MessageId,
    /// The Date header.
    pub date: Time,
    /// Sender as the reader sees it; its address is also the envelope sender.
    pub from: Mailbox,
    /// Readers. All get it or none: one refused recipient refuses the mail.
    pub to: Vec<EmailAddress>,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<EmailAddress>,
    /// Subject, one line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML, beside the plain text.
    pub html: Option<String>,
    /// An invitation that calendars understand.
    pub calendar: Option<Calendar>,
    /// The mail that this one follows or answers.
    pub in_reply_to: Option<MessageId>,
    /// The whole thread, oldest first.
    pub references: Vec<MessageId>,
    /// How to opt out; must be present on marketing mail.
    pub list_unsubscribe: Option<ListUnsubscribe>,
    /// More headers, by name and value.
    pub headers: Vec<(String, String)>,
}

/// Headers that are written from the typed fields and therefore not accepted as free headers.
const OWN_HEADERS: [&str; 18] = [
    "bcc",
    "cc",
    "content-transfer-encoding",
    "content-type",
    "date",
    "from",
    "in-reply-to",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "message-id",
    "mime-version",
    "received",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
];

impl Outgoing {
    /// Checks what types cannot: at least one recipient, one-line headers without control
    /// characters (a line break would let text become headers), no header twice.
    ///
    /// # Errors
    /// Invalid, naming the field.
    pub fn check(&self) -> Result<()> {
        if self.to.is_empty() {
            return Err(Error::invalid("email.no_recipient", "The mail has no recipient. Add one."));
        }
        one_line("subject", &self.subject)?;
        one_line("sender's name", &self.from.name)?;
        // A machine on trial speaks http to itself; readers elsewhere must get https.
        if let Some(list) = &self.list_unsubscribe
            && list.https.scheme() != "https"
            && !is_loopback(&list.https)
        {
            return Err(Error::invalid(
                "email.unsubscribe_not_https",
                format!("The unsubscribe link {} must begin with https (RFC 8058).", list.https),
            ));
        }
        for (name, value) in &self.headers {
            let sound = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !sound || OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(Error::invalid(
                    "email.header_name",
                    format!("“{}” cannot be used as an extra header of a mail.", name.escape_debug()),
                ));
            }
            one_line("header", value)?;
        }
        Ok(())
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

fn one_line(what: &str, text: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(
            "email.header_injection",
            format!(
                "The mail's {what} contains a line break or another control character: “{}”. Remove it.",
                text.escape_debug()
            ),
        ));
    }
    Ok(())
}

/// An address with the name that a reader sees.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mailbox {
    /// Display name; may be empty.
    pub name: String,
    /// The address.
    pub address: EmailAddress,
}

/// How a reader opts out (RFC 2369, RFC 8058).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListUnsubscribe {
    /// The one-click address: takes a POST, unguessable, no sign-in.
    pub https: Url,
    /// The address that an opt-out mail is written to.
    pub mailto: Option<EmailAddress>,
}

/// A Message-ID without its angle brackets, such as `01J…@mail.example.com`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId(String);

impl MessageId {
    /// Parses an id, with or without angle brackets.
    ///
    /// # Errors
    /// Invalid, unless it is 3-250 printable ASCII characters around one `@`, without spaces and brackets.
    pub fn parse(text: &str) -> Result<Self> {
        let id = text.trim();
        let id = id.strip_prefix('<').and_then(|t| t.strip_suffix('>')).unwrap_or(id);
        let sound = (3..=250).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'))
            && id
                .split_once('@')
                .is_some_and(|(left, right)| !left.is_empty() && !right.is_empty() && !right.contains('@'));
        if !sound {
            return Err(Error::invalid(
                "email.message_id",
                format!("“{}” is not a Message-ID.", text.escape_debug()),
            ));
        }
        Ok(Self(id.to_owned()))
    }

    /// The id of a row of ours at a sender's domain.
    pub fn of(row: uuid::Uuid, sender: &EmailAddress) -> Self {
        Self(format!("{}@{}", row.simple(), sender.domain()))
    }

    /// Without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With brackets, as headers write it.
    pub fn bracketed(&self) -> String {
        format!("<{}>", self.0)
    }
}

impl TryFrom<String> for MessageId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<MessageId> for String {
    fn from(id: MessageId) -> Self {
        id.0
    }
}

impl std::fmt::Display for MessageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A calendar object as part of a mail (iMIP, RFC 6047).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Calendar {
    /// What it asks of the calendar.
    pub method: CalendarMethod,
    /// The object (RFC 5545).
    pub ics: String,
}

/// What a calendar object asks for (RFC 5546).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CalendarMethod {
    /// Put it in, or change it.
    Request,
    /// Take it out.
    Cancel,
}

impl CalendarMethod {
    /// The word in the content type and in the object.
    pub fn word(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Cancel => "CANCEL",
        }
    }
}
