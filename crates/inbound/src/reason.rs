//! Why a message was not delivered, and what to do about it.
//!
//! The table below is read top to bottom; the first phrase that occurs in the server's words wins.
//! Words come before codes: servers put `5.1.1` on quota and policy refusals, and treating every
//! `5.x.x` as a dead address suppresses people who can be reached.

use crate::bounce::Command;
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
    /// The step of the conversation at which the server refused, when it is told.
    pub command: Option<Command>,
    /// PowerMTA's own class (`X-PowerMTA-BounceCategory`), for example `bad-mailbox`.
    pub category: Option<&'a str>,
}

/// Values of `Action` that are no failure.
const DONE: [&str; 4] = ["delivered", "deliverable", "relayed", "expanded"];

/// The reason, from words first, then from codes.
pub fn classify(words: Words<'_>) -> Reason {
    if words.action.is_some_and(|action| DONE.iter().any(|done| action.eq_ignore_ascii_case(done))) {
        return Reason::Delivered;
    }
    let whole = plain(words.diagnostic);
    let text = without_boilerplate(&whole);
    if let Some(reason) = words.category.and_then(by_category) {
        return reason;
    }
    if let Some(reason) = by_words(&PHRASES.0, &text) {
        return reason;
    }
    if let Some(reason) = words.status.and_then(precise) {
        return reason;
    }
    if let Some(reason) = by_words(&PHRASES.1, &text) {
        if words.status.is_some_and(|status| status.ends_with(".1.1")) && !beats_unknown(reason) {
            return Reason::UserUnknown;
        }
        let limit = words.status.is_some_and(|status| status.ends_with(".2.3"));
        return match (reason, limit) {
            (Reason::UserUnknown, _) => who_says_unknown(words),
            (Reason::MessageTooBig, true) => Reason::ExceedLimit,
            (other, _) => other,
        };
    }
    // Whoever refuses the greeting refuses the host; whoever refuses MAIL refuses the sender.
    match words.command {
        Some(Command::Connect) if !text.is_empty() => return Reason::Blocked,
        Some(Command::Mail) if by_words(&PHRASES.2, &text).is_some() => return Reason::Rejected,
        Some(Command::Connect | Command::Mail | Command::Rcpt | Command::Data) | None => {}
    }
    if let Some(reason) = words.status.and_then(by_status) {
        return reason;
    }
    if let Some(reason) = by_words(&PHRASES.2, &text).or_else(|| by_words(&PHRASES.1, &whole)) {
        return reason;
    }
    if words.action.is_some_and(|action| action.eq_ignore_ascii_case("delayed")) {
        return Reason::Expired;
    }
    match words.reply {
        Some(421 | 422 | 426) => Reason::Expired,
        Some(450 | 550) if text.contains("mailbox unavailable") => Reason::UserUnknown,
        Some(542) => Reason::UserUnknown,
        Some(452) => Reason::SystemFull,
        Some(552) => Reason::MailboxFull,
        Some(501..=504) => Reason::SyntaxError,
        Some(551) => Reason::HasMoved,
        Some(_) | None => Reason::Undefined,
    }
}

/// Codes that servers use for one thing only, so that no words are needed.
fn precise(status: &str) -> Option<Reason> {
    let about = status.get(2..)?;
    let only =
        ["1.6", "1.7", "1.8", "3.4", "4.6", "4.7", "7.13", "7.20", "7.21", "7.22", "7.23", "7.25", "7.26"];
    only.contains(&about).then(|| by_status(status)).flatten()
}

/// Whether words of this reason are believed although the code says “no such mailbox”: what is said
/// of the address, the sender or the rate is; vague words of servers are not.
fn beats_unknown(reason: Reason) -> bool {
    match reason {
        Reason::UserUnknown
        | Reason::HostUnknown
        | Reason::HasMoved
        | Reason::NotAccept
        | Reason::MailboxFull
        | Reason::Suspended
        | Reason::Rejected
        | Reason::Blocked
        | Reason::BadReputation
        | Reason::AuthFailure
        | Reason::RequirePtr
        | Reason::SpamDetected
        | Reason::VirusDetected
        | Reason::NoRelaying
        | Reason::Speeding
        | Reason::TooManyConnections
        | Reason::MessageTooBig
        | Reason::ExceedLimit => true,
        Reason::Filtered
        | Reason::PolicyViolation
        | Reason::SecurityError
        | Reason::ContentError
        | Reason::NotCompliantRfc
        | Reason::Expired
        | Reason::NetworkError
        | Reason::SystemError
        | Reason::SystemFull
        | Reason::MailerError
        | Reason::SyntaxError
        | Reason::OnHold
        | Reason::Delivered
        | Reason::Undefined => false,
    }
}

/// The reason that a phrase of one provider names beyond doubt.
pub(crate) fn certain(said: &str) -> Option<Reason> {
    by_words(&PHRASES.0, &plain(said))
}

/// “User unknown” means that when the code says so too or when it answers RCPT. Said later, or under
/// another code, it is how filters refuse a message.
fn who_says_unknown(words: Words<'_>) -> Reason {
    let code = words.status.filter(|status| !status.ends_with(".0.0"));
    let address = code.is_some_and(|status| {
        let about = status.get(2..).unwrap_or_default();
        let other = ["1.2", "1.6", "1.7", "1.8", "1.9"].contains(&about);
        (about.starts_with("1.") && !other) || matches!(about, "4.1" | "5.0" | "5.1")
    });
    // No code at all: the reporting server speaks of its own users.
    let local = words.status.is_none() && words.reply.is_none();
    match (address || local, words.command) {
        (true, _) | (false, Some(Command::Rcpt)) => Reason::UserUnknown,
        (false, Some(Command::Mail)) => Reason::Rejected,
        (false, Some(Command::Connect)) => Reason::Blocked,
        (false, Some(Command::Data) | None) => Reason::Filtered,
    }
}

/// PowerMTA's classes, from its user's guide.
fn by_category(name: &str) -> Option<Reason> {
    let reason = match name.trim().to_ascii_lowercase().as_str() {
        "bad-mailbox" => Reason::UserUnknown,
        "bad-domain" => Reason::HostUnknown,
        "inactive-mailbox" => Reason::Suspended,
        "quota-issues" => Reason::MailboxFull,
        "spam-related" => Reason::SpamDetected,
        "virus-related" => Reason::VirusDetected,
        "content-related" => Reason::ContentError,
        "policy-related" => Reason::PolicyViolation,
        "relaying-issues" => Reason::NoRelaying,
        "invalid-sender" => Reason::Rejected,
        "message-expired" => Reason::Expired,
        "bad-connection" | "no-answer-from-host" | "routing-errors" => Reason::NetworkError,
        "bad-configuration" => Reason::SystemError,
        "protocol-errors" => Reason::SyntaxError,
        _ => return None,
    };
    Some(reason)
}

/// Lower case, one space between words, no addresses and links (they contain words of their own).
fn plain(diagnostic: &str) -> String {
    let low = diagnostic.to_lowercase().replace(['’', '`'], "'");
    let kept = low.split_whitespace().filter(|word| !word.contains('@') && !word.contains("://"));
    kept.collect::<Vec<_>>().join(" ")
}

/// What servers write around every cause, so that it says nothing about this one.
const BOILERPLATE: &[&str] = &[
    "delivery temporarily suspended",
    "i'm not going to try again; this message has been in the queue too long",
    "but it was rejected by the recipient domain",
    "the following addresses had permanent fatal errors",
    "delivery has failed to these recipients or groups",
    "if you continue to have problems",
    "please try again later or contact",
    "remote smtp server has rejected address",
    "no further delivery attempts",
];

fn without_boilerplate(text: &str) -> String {
    // What comes after these is the other server's answer; what stands before is the reporter's.
    let marks = ["the error that the other server returned was:", "the response from the remote server was:"];
    let answer = marks.iter().find_map(|mark| text.split_once(mark)).map_or(text, |(_, answer)| answer);
    let mut kept = answer.to_owned();
    for phrase in BOILERPLATE {
        if kept.contains(phrase) {
            kept = kept.replace(phrase, "");
        }
    }
    kept
}

type Phrases = Vec<(Reason, Vec<Vec<&'static str>>)>;

/// Codes of providers; words; words that are asked only when no code says more.
static PHRASES: LazyLock<(Phrases, Phrases, Phrases)> = LazyLock::new(|| {
    let (first, rest) = TABLE.split_once("=words").unwrap_or((TABLE, ""));
    let (words, generic) = rest.split_once("=generic").unwrap_or((rest, ""));
    (read_table(first), read_table(words), read_table(generic))
});

const TABLE: &str = include_str!("reason_phrases.txt");

/// Rows whose reason has no such name are left out; a test keeps the file free of them.
fn read_table(text: &'static str) -> Phrases {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, phrases)| {
            let phrases = phrases.split(" | ").map(|phrase| phrase.split('*').collect()).collect();
            Some((named(name)?, phrases))
        })
        .collect()
}

/// The reason with this name, as written in data.
pub fn named(name: &str) -> Option<Reason> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

fn by_words(table: &Phrases, text: &str) -> Option<Reason> {
    table
        .iter()
        .find(|(_, phrases)| phrases.iter().any(|phrase| occurs(phrase, text)))
        .map(|(reason, _)| *reason)
}

/// Bytes that may stand between two pieces of a phrase.
const GAP: usize = 60;

/// Whether the pieces of a phrase stand in this order, each at most [`GAP`] behind the last.
fn occurs(phrase: &[&str], text: &str) -> bool {
    let Some((first, rest)) = phrase.split_first() else { return false };
    text.match_indices(first).any(|(at, _)| {
        let mut from = at + first.len();
        rest.iter().all(|piece| {
            let mut end = (from + GAP + piece.len()).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let found = text.get(from..end.max(from)).and_then(|near| near.find(piece));
            found.map(|step| from += step + piece.len()).is_some()
        })
    })
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
        (4, 3) => Reason::SystemError,
        (1, 4) => Reason::Filtered,
        (4, 0 | 6 | 8) => Reason::NetworkError,
        (4, 5) => Reason::SystemFull,
        (5, 3) => Reason::TooManyConnections,
        (5, _) => Reason::SyntaxError,
        (6, _) => Reason::ContentError,
        (7, 20..=24 | 26 | 27 | 509 | 515) => Reason::AuthFailure,
        (7, 25) => Reason::RequirePtr,
        (7, 13) => Reason::Suspended,
        (7, 28) => Reason::Speeding,
        (7, 500..=699) => Reason::Blocked,
        (7, 700..=750) => Reason::Speeding,
        (7, _) if class == 5 => Reason::SecurityError,
        (7, _) => Reason::Blocked,
        _ => return None,
    };
    Some(reason)
}
