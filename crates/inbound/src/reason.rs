//! Why a message was not delivered, and what to do about it.
//!
//! The table below is read top to bottom; the first phrase that occurs in the server's words wins.
//! Words come before codes: servers put `5.1.1` on quota and policy refusals, and treating every
//! `5.x.x` as a dead address suppresses people who can be reached.

use std::sync::LazyLock;

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
    /// Whether the server refused after it had taken the address (in answer to DATA): an
    /// “unknown user” at that point comes from a filter.
    pub after_data: bool,
}

/// The reason, from words first, then from codes.
pub fn classify(words: Words<'_>) -> Reason {
    let text = plain(words.diagnostic);
    if words.action.is_some_and(|action| action.eq_ignore_ascii_case("delivered")) {
        return Reason::Delivered;
    }
    if let Some(reason) = by_words(&PHRASES.0, &text) {
        let filtered = reason == Reason::UserUnknown && words.after_data && words.status != Some("5.1.1");
        return if filtered { Reason::Filtered } else { reason };
    }
    if let Some(reason) = words.status.and_then(by_status) {
        return reason;
    }
    if let Some(reason) = by_words(&PHRASES.1, &text) {
        return reason;
    }
    if words.action.is_some_and(|action| action.eq_ignore_ascii_case("delayed")) {
        return Reason::Expired;
    }
    match words.reply {
        Some(421 | 422 | 426) => Reason::Expired,
        Some(450 | 550) if text.contains("mailbox unavailable") => Reason::UserUnknown,
        Some(452) => Reason::SystemFull,
        Some(552) => Reason::MailboxFull,
        Some(501..=504) => Reason::SyntaxError,
        Some(551) => Reason::HasMoved,
        Some(_) | None => Reason::Undefined,
    }
}

/// Lower case, one space between words, no addresses and links (they contain words of their own).
fn plain(diagnostic: &str) -> String {
    let low = diagnostic.to_lowercase().replace("delivery temporarily suspended", "");
    let kept = low.split_whitespace().filter(|word| !word.contains('@') && !word.contains("://"));
    kept.collect::<Vec<_>>().join(" ")
}

type Phrases = Vec<(Reason, Vec<&'static str>)>;

/// The table, and the part of it that is asked only when no code says more.
static PHRASES: LazyLock<(Phrases, Phrases)> = LazyLock::new(|| {
    let (first, generic) = TABLE.split_once("=generic").unwrap_or((TABLE, ""));
    (read_table(first), read_table(generic))
});

const TABLE: &str = include_str!("reason_phrases.txt");

/// Rows whose reason has no such name are left out; a test keeps the file free of them.
fn read_table(text: &'static str) -> Phrases {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, phrases)| Some((named(name)?, phrases.split(" | ").collect())))
        .collect()
}

/// The reason with this name, as written in data.
pub fn named(name: &str) -> Option<Reason> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

fn by_words(table: &Phrases, text: &str) -> Option<Reason> {
    table
        .iter()
        .find(|(_, phrases)| phrases.iter().any(|phrase| text.contains(phrase)))
        .map(|(reason, _)| *reason)
}

/// RFC 3463 and the codes that large providers add to it.
fn by_status(status: &str) -> Option<Reason> {
    let mut numbers = status.split('.').map(|part| part.parse::<u16>().unwrap_or(0));
    let class = numbers.next()?;
    let subject = numbers.next()?;
    let detail = numbers.next()?;
    if class == 2 {
        return Some(Reason::Delivered);
    }
    let reason = match (subject, detail) {
        (1, 0 | 1 | 3 | 10) => Reason::UserUnknown,
        (1, 2) => Reason::HostUnknown,
        (1, 6) => Reason::HasMoved,
        (1, 7 | 8) => Reason::Rejected,
        (1, 9) | (3, 2) => Reason::NotAccept,
        (2, 0) => Reason::Filtered,
        (2, 1) => Reason::Suspended,
        (2, 2) => Reason::MailboxFull,
        (2, 3) => Reason::ExceedLimit,
        (2, 4) => Reason::Filtered,
        (3, 1) => Reason::SystemFull,
        (3, 4) => Reason::MessageTooBig,
        (3, 0 | 3 | 5) => Reason::SystemError,
        (4, 4) => Reason::HostUnknown,
        (4, 1 | 2 | 7 | 316) => Reason::Expired,
        (4, 0 | 3 | 6) => Reason::NetworkError,
        (4, 5) => Reason::SystemFull,
        (5, 3) => Reason::TooManyConnections,
        (5, _) => Reason::SyntaxError,
        (6, _) => Reason::ContentError,
        (7, 0) => Reason::Blocked,
        (7, 1) if class == 5 => Reason::Rejected,
        (7, 8 | 12 | 14 | 57) => Reason::SecurityError,
        (7, 20..=24 | 26 | 27 | 509 | 515) => Reason::AuthFailure,
        (7, 25) => Reason::RequirePtr,
        (7, 13) => Reason::Suspended,
        (7, 28) => Reason::Speeding,
        (7, 6 | 9) => Reason::SecurityError,
        (7, 500..=699) => Reason::Blocked,
        (7, 700..=750) => Reason::Speeding,
        _ => return None,
    };
    Some(reason)
}
