//! Why a message was not delivered, and what to do about it.
//!
//! Listed sentences of mail systems come before codes: servers put `5.1.1` on quota and policy
//! refusals, and treating every `5.x.x` as a dead address suppresses people who can be reached. Which
//! sentence is asked when is told in `order`, what it means in `said.txt`.

mod code;
mod order;
mod table;
#[cfg(test)]
mod tests;

use crate::bounce::Command;
pub(crate) use order::{Scene, System, judge};
pub use table::named;

/// Reason class of a failed delivery. The vocabulary follows the labels of the open corpora of
/// bounces, so that the classifier can be measured on them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is no such mailbox.
    UserUnknown,
    /// There is no such domain.
    HostUnknown,
    /// The person left this server, with or without a forwarding address.
    HasMoved,
    /// The domain takes no mail at all (null MX).
    NotAccept,
    /// The mailbox is full.
    MailboxFull,
    /// The account is disabled, locked or frozen.
    Suspended,
    /// A filter of the recipient refused it after the address was accepted.
    Filtered,
    /// The sender's address or domain was refused.
    Rejected,
    /// The sending host or its IP is blocked.
    Blocked,
    /// The reputation of the sending host or domain is too low.
    BadReputation,
    /// SPF, DKIM or DMARC failed.
    AuthFailure,
    /// The sending IP has no reverse DNS record.
    RequirePtr,
    /// The content was taken for spam.
    SpamDetected,
    /// The content carries a virus.
    VirusDetected,
    /// A policy of the recipient forbids it.
    PolicyViolation,
    /// Login, TLS or authorisation is missing.
    SecurityError,
    /// A header or a part is malformed or refused.
    ContentError,
    /// The message breaks RFC 5322.
    NotCompliantRfc,
    /// The message is too big.
    MessageTooBig,
    /// The message is longer than this recipient allows.
    ExceedLimit,
    /// We connect too often or with too many recipients.
    TooManyConnections,
    /// We send too fast.
    Speeding,
    /// Not delivered in time; the server gave up or still tries.
    Expired,
    /// Name service, routing or connection failed.
    NetworkError,
    /// The recipient's server is broken.
    SystemError,
    /// The recipient's server has no disk space.
    SystemFull,
    /// A program that delivers on the recipient's side failed.
    MailerError,
    /// The server does not relay for us.
    NoRelaying,
    /// A command was not understood.
    SyntaxError,
    /// Held for a reason that is not told.
    OnHold,
    /// It was delivered after all.
    Delivered,
    /// Nothing is known.
    Undefined,
}

/// What has to be done about a reason.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Never write to this address again.
    SuppressAddress,
    /// Send less, or pause this mailbox: the recipient's side objects to the sender.
    SlowMailbox,
    /// Repair SPF, DKIM, DMARC, PTR or the sender's address.
    FixSenderDns,
    /// Change what is sent.
    FixContent,
    /// Try again later; the address is good.
    RetryLater,
    /// A person should look at it.
    Review,
    /// Nothing.
    Nothing,
}

impl Reason {
    /// What to do.
    pub fn action(self) -> Action {
        match self {
            Self::UserUnknown | Self::HostUnknown | Self::HasMoved | Self::NotAccept => {
                Action::SuppressAddress
            }
            Self::Blocked | Self::BadReputation | Self::TooManyConnections | Self::Speeding => {
                Action::SlowMailbox
            }
            Self::AuthFailure
            | Self::RequirePtr
            | Self::Rejected
            | Self::NoRelaying
            | Self::SecurityError => Action::FixSenderDns,
            Self::SpamDetected
            | Self::VirusDetected
            | Self::PolicyViolation
            | Self::ContentError
            | Self::NotCompliantRfc
            | Self::MessageTooBig
            | Self::ExceedLimit
            | Self::SyntaxError => Action::FixContent,
            Self::MailboxFull
            | Self::Expired
            | Self::NetworkError
            | Self::SystemError
            | Self::SystemFull
            | Self::MailerError
            | Self::OnHold => Action::RetryLater,
            Self::Suspended | Self::Filtered | Self::Undefined => Action::Review,
            Self::Delivered => Action::Nothing,
        }
    }

    /// Whether the address is gone for good, so that suppressing it loses nobody.
    pub fn hard(self) -> bool {
        self.action() == Action::SuppressAddress
    }
}

/// What a server said about one recipient.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words<'a> {
    /// Its words, any case.
    pub diagnostic: &'a str,
    /// Enhanced status code (RFC 3463), for example `5.1.1`.
    pub status: Option<&'a str>,
    /// SMTP reply code.
    pub reply: Option<u16>,
    /// `Action` of the report: failed, delayed, delivered, relayed, expanded.
    pub action: Option<&'a str>,
    /// The step of the conversation at which the server refused, when it is told.
    pub command: Option<Command>,
    /// PowerMTA's own class (`X-PowerMTA-BounceCategory`), for example `bad-mailbox`.
    pub category: Option<&'a str>,
}

/// The reason that the words and codes of a refusal tell.
pub fn classify(words: Words<'_>) -> Reason {
    judge(&Scene { words, hosts: &[], by: &[], system: System::Other })
}
