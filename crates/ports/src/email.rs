//! Sending mail.
//!
//! Exactly-once rests on the three ways in which a send can fail: the server said no
//! ([`SendError::Refused`]), nothing was handed over ([`SendError::NotStarted`]), or nobody knows
//! ([`SendError::Unknown`]). Only after the first two may the same mail be sent again without
//! asking [`EmailSender::find`] first.

mod account;
mod memory;
mod outgoing;

pub use account::{EmailAccount, PostmarkAccount, ResendAccount, SalesforgeAccount, Security, SmtpAccount};
pub use memory::{Delivered, MemoryEmail, Odds};
pub use outgoing::{Calendar, CalendarMethod, ListUnsubscribe, Mailbox, MessageId, Outgoing};

use async_trait::async_trait;
use base::{EmailAddress, Error, Time};

use crate::delivery::{Event, Reply};

/// Sends mail through an account.
#[async_trait]
pub trait EmailSender: Send + Sync + 'static {
    /// Hands one mail to the account's server. `Ok` means that the server took responsibility.
    async fn send(&self, account: &EmailAccount, mail: &Outgoing) -> Result<Accepted, SendError>;

    /// Answers a lost outcome: did the mail with this Message-ID reach the server?
    ///
    /// # Errors
    /// Unavailable when the place to look does not answer; ask again later.
    async fn find(&self, account: &EmailAccount, message_id: &MessageId) -> base::Result<Found>;

    /// The words of an answer of which a webhook or [`EmailSender::received`] brought only the name
    /// (the event's `provider_ref`).
    ///
    /// # Errors
    /// Unavailable when the provider does not answer; not found when it does not have it; invalid for
    /// an account whose mail is read elsewhere (IMAP).
    async fn content(&self, account: &EmailAccount, provider_ref: &str) -> base::Result<Reply> {
        Err(Error::invalid(
            "email.no_inbound",
            format!("The account at {} has no answers to fetch ({provider_ref}).", account.host()),
        ))
    }

    /// What people wrote to the account since, by the provider's API: the safety net below the
    /// webhooks. Nothing for an account whose mail is read elsewhere (IMAP).
    ///
    /// # Errors
    /// Unavailable when the provider does not answer.
    async fn received(&self, _account: &EmailAccount, _since: Time) -> base::Result<Vec<Event>> {
        Ok(Vec::new())
    }
}

/// The server's receipt for a mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The provider's own name for the mail (queue id, e-mail id), when it gave one.
    pub provider_ref: Option<String>,
    /// The server's words.
    pub response: String,
    /// When the receipt came.
    pub at: Time,
}

/// What is known about a mail whose outcome was lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The server has it: do not send it again.
    Delivered,
    /// The server certainly does not have it and will not get it: sending is safe.
    NotSeen,
    /// This account offers no way to know: a person decides, or it counts as sent.
    CannotTell,
}

/// Why a mail has no receipt.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
pub enum SendError {
    /// The server said no. Nothing was sent.
    #[error("{0}")]
    Refused(Refusal),
    /// It never came to handing the mail over. Nothing was sent.
    #[error("{0}")]
    NotStarted(NotStarted),
    /// The connection was lost after the content began: it may or may not have been sent.
    #[error(
        "The connection to {host} was lost before its answer came ({detail}). The mail may have been sent; look it up by its Message-ID before sending again."
    )]
    Unknown {
        /// Server and port.
        host: String,
        /// What happened.
        detail: String,
    },
}

/// A server's no.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
#[error("The mail server refused the mail: {code} {text}")]
pub struct Refusal {
    /// True for 5xx (never try the same again), false for 4xx (try later).
    pub permanent: bool,
    /// The reply code (RFC 5321 §4.2), or the HTTP status of a provider.
    pub code: u16,
    /// The enhanced status code (RFC 3463), such as `5.1.1`, when the server gave one.
    pub enhanced: Option<String>,
    /// The server's words.
    pub text: String,
    /// The recipients that were refused, each with its reply; empty when the no was to the whole mail.
    pub per_recipient: Vec<RecipientReply>,
}

/// What the server said to one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecipientReply {
    /// To whom.
    pub to: EmailAddress,
    /// The reply code.
    pub code: u16,
    /// The enhanced status code, when given.
    pub enhanced: Option<String>,
    /// The server's words.
    pub text: String,
}

/// A send that did not begin.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
#[error("{message}")]
pub struct NotStarted {
    /// At which step.
    pub step: Step,
    /// Server and port; empty when the mail itself is at fault.
    pub host: String,
    /// What happened and what to do.
    pub message: String,
}

/// The step at which a send stopped before anything was handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The mail or the account is not well-formed; it will never be sent as it is.
    Check,
    /// No connection.
    Connect,
    /// No encrypted connection although the account asks for one.
    Encrypt,
    /// The server did not accept the user name and password.
    SignIn,
    /// The connection was lost before the content began.
    Handover,
}

impl SendError {
    /// Whether sending the same mail again, later, is safe and sensible.
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Refused(refusal) => !refusal.permanent,
            Self::NotStarted(not_started) => match not_started.step {
                Step::Connect | Step::Encrypt | Step::Handover => true,
                Step::Check | Step::SignIn => false,
            },
            Self::Unknown { .. } => false,
        }
    }

    /// The mail or the account is not well-formed.
    pub fn malformed(error: &base::Error) -> Self {
        Self::NotStarted(NotStarted {
            step: Step::Check,
            host: String::new(),
            message: error.message().to_owned(),
        })
    }
}
