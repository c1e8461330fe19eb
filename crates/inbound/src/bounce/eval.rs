//! One report in, what it says of each recipient out, in the words of the open corpora: for
//! `agency eval bounce` and for measuring.

use crate::{
    bounce,
    machine::{self, MailKind},
    mail,
    reason::Reason,
};

/// A line to judge.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Line {
    /// Name of the line, given back unchanged.
    pub id: serde_json::Value,
    /// A whole RFC 5322 message.
    pub raw: String,
}

/// The answer to a line.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Answer {
    /// Name of the line.
    pub id: serde_json::Value,
    /// One entry per recipient, in the order of the report; empty for a person's mail.
    pub recipients: Vec<Recipient>,
}

/// What a report says of one recipient.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Recipient {
    /// Address in lower case; empty when a complaint hides it.
    pub address: String,
    /// Enhanced status code, empty when none is stated.
    pub status: String,
    /// [`Reason::label`], `feedback` for a complaint, `vacation` for an absence notice.
    pub reason: &'static str,
    /// Whether the address is gone for good.
    pub hard: bool,
}

/// Judges one line.
pub fn answer(line: &Line) -> Answer {
    Answer { id: line.id.clone(), recipients: recipients(line.raw.as_bytes()) }
}

/// What a raw message says of its recipients.
pub fn recipients(raw: &[u8]) -> Vec<Recipient> {
    let message = mail::read(raw);
    let soft = |address: Option<String>, reason| Recipient {
        address: address.unwrap_or_default(),
        status: String::new(),
        reason,
        hard: false,
    };
    match machine::judge(&message).kind {
        MailKind::Bounce => bounce::read(&message)
            .failures
            .into_iter()
            .map(|failure| Recipient {
                status: failure.status.unwrap_or_default(),
                reason: failure.reason.label(),
                hard: failure.hard,
                address: failure.address,
            })
            .collect(),
        MailKind::Complaint => {
            let complaint = bounce::complaints(&message);
            if complaint.recipients.is_empty() {
                vec![soft(None, "feedback")]
            } else {
                complaint.recipients.into_iter().map(|address| soft(Some(address), "feedback")).collect()
            }
        }
        MailKind::OutOfOffice | MailKind::AutoReply => {
            let from = message.from.as_ref().map(|from| from.address.clone());
            vec![soft(from, "vacation")]
        }
        MailKind::Human => Vec::new(),
    }
}

impl Reason {
    /// The name that the open corpora of bounces use.
    pub fn label(self) -> &'static str {
        match self {
            Self::UserUnknown => "userunknown",
            Self::HostUnknown => "hostunknown",
            Self::HasMoved => "hasmoved",
            Self::NotAccept => "notaccept",
            Self::MailboxFull => "mailboxfull",
            Self::Suspended => "suspend",
            Self::Filtered => "filtered",
            Self::Rejected => "rejected",
            Self::Blocked => "blocked",
            Self::BadReputation => "badreputation",
            Self::AuthFailure => "authfailure",
            Self::RequirePtr => "requireptr",
            Self::SpamDetected => "spamdetected",
            Self::VirusDetected => "virusdetected",
            Self::PolicyViolation => "policyviolation",
            Self::SecurityError => "securityerror",
            Self::ContentError => "contenterror",
            Self::NotCompliantRfc => "notcompliantrfc",
            Self::MessageTooBig => "mesgtoobig",
            Self::ExceedLimit => "exceedlimit",
            Self::TooManyConnections => "toomanyconn",
            Self::Speeding => "speeding",
            Self::Expired => "expired",
            Self::NetworkError => "networkerror",
            Self::SystemError => "systemerror",
            Self::SystemFull => "systemfull",
            Self::MailerError => "mailererror",
            Self::NoRelaying => "norelaying",
            Self::SyntaxError => "syntaxerror",
            Self::OnHold => "onhold",
            Self::Delivered => "delivered",
            Self::Undefined => "undefined",
        }
    }
}
