//! In which order the signs of a refusal are believed.
//!
//! A provider's own code or sentence decides at once. Then what the reporting server says of itself:
//! reasons that name one thing decide too, broad ones (“unknown user”, “system error”) only when no
//! sharper sentence is found. Then each reason is asked whether the words, the code and the step of the
//! conversation speak for it. Codes that servers use for everything (`5.1.1`, `5.7.1`, `5.3.0`) give way
//! to words. The order of the reasons is that of Sisimai's documentation, so that our reasons mean the
//! same as the labels of the open corpora.

use super::code;
use super::table::{TABLES, first, speaks_of};
use super::{Reason, Words};
use crate::bounce::Command;
use Reason::*;

/// The server that wrote a report, as far as its manner matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum System {
    /// Microsoft 365.
    ExchangeOnline,
    /// Microsoft Exchange on one's own hosts.
    Exchange,
    /// Exim.
    Exim,
    /// qmail and its kin.
    Qmail,
    /// Amazon's servers that receive mail.
    Amazon,
    /// The mobile mail of au.
    Au,
    /// Any other.
    Other,
}

/// Everything that is known of one refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    /// What was said.
    pub(crate) words: Words<'a>,
    /// The refusing host and the recipient's domain, lower case.
    pub(crate) hosts: &'a [&'a str],
    /// The host and domain that report, lower case.
    pub(crate) by: &'a [&'a str],
    /// Who reports.
    pub(crate) system: System,
}

/// Values of `Action` that are no failure.
const DONE: [&str; 4] = ["delivered", "deliverable", "relayed", "expanded"];

/// The reason.
pub(crate) fn judge(scene: &Scene<'_>) -> Reason {
    let words = &scene.words;
    let acted = |name: &str| words.action.is_some_and(|action| action.eq_ignore_ascii_case(name));
    if DONE.iter().any(|done| acted(done)) || words.status.is_some_and(|status| status.starts_with("2.")) {
        return Delivered;
    }
    let signs = Signs::of(scene);
    let own = words.category.and_then(code::of_category).or_else(|| signs.reporter(scene));
    if let Some(reason) = own.filter(|reason| !is_broad(*reason)) {
        return reason;
    }
    if let Some(reason) = signs.provider(scene.hosts) {
        return reason;
    }
    let kind = words.diagnostic.trim_start().to_ascii_lowercase();
    let smtp = !kind.starts_with("x-") || kind.starts_with("x-postfix");
    if let Some(reason) = SHARP.iter().find(|reason| smtp && signs.speak_for(**reason, own)) {
        return *reason;
    }
    if let Some(reason) = own {
        return reason;
    }
    if signs.coded.is_none_or(is_broad) || !smtp {
        let worded = BROAD.iter().find(|reason| speaks_of(&TABLES.said, **reason, &signs.text));
        if let Some(reason) = worded.copied().or(signs.coded) {
            return reason;
        }
    }
    if let Some(reason) = signs.coded.or_else(|| signs.remaining()) {
        return reason;
    }
    if acted("delayed") {
        return Expired;
    }
    if words.command == Some(Command::Connect) {
        return Blocked;
    }
    let guess = first(&TABLES.loose, &signs.text).or_else(|| first(&TABLES.generic, &signs.text));
    let said = signs.text.contains(char::is_alphanumeric);
    match guess {
        // Who is unknown at MAIL is the sender.
        Some(UserUnknown) if words.command == Some(Command::Mail) => Rejected,
        Some(reason) => reason,
        None if said => OnHold,
        None => Undefined,
    }
}

/// Reasons that one sentence, code or step can prove, in the order in which they are asked.
const SHARP: [Reason; 18] = [
    MailboxFull,
    MessageTooBig,
    ExceedLimit,
    Suspended,
    HasMoved,
    NoRelaying,
    AuthFailure,
    UserUnknown,
    Filtered,
    RequirePtr,
    NotCompliantRfc,
    BadReputation,
    Rejected,
    HostUnknown,
    SpamDetected,
    Speeding,
    TooManyConnections,
    Blocked,
];

/// Reasons that are asked by their words alone when the code says little.
const BROAD: [Reason; 17] = [
    MailboxFull,
    AuthFailure,
    BadReputation,
    Speeding,
    SpamDetected,
    VirusDetected,
    PolicyViolation,
    NoRelaying,
    SystemError,
    NetworkError,
    Suspended,
    ContentError,
    SystemFull,
    NotAccept,
    Expired,
    SecurityError,
    MailerError,
];

/// Words of other reasons, beside a refused sender, that take a mail with an “unknown user” code out of
/// that reason.
const NOT_UNKNOWN: [Reason; 5] = [NoRelaying, Blocked, MailboxFull, HasMoved, NotAccept];

/// Whether servers say this of many causes, so that a sharper sentence is believed instead.
fn is_broad(reason: Reason) -> bool {
    match reason {
        Undefined | OnHold | SystemError | SecurityError | Expired | Suspended | NetworkError
        | HostUnknown | UserUnknown => true,
        HasMoved | NotAccept | MailboxFull | Filtered | Rejected | Blocked | BadReputation | AuthFailure
        | RequirePtr | SpamDetected | VirusDetected | PolicyViolation | ContentError | NotCompliantRfc
        | MessageTooBig | ExceedLimit | TooManyConnections | Speeding | SystemFull | MailerError
        | NoRelaying | SyntaxError | Delivered => false,
    }
}

struct Signs<'a> {
    /// The words: lower case, without addresses, links and what every report says.
    text: String,
    /// The words with links.
    linked: String,
    /// What the code stands for.
    coded: Option<Reason>,
    words: Words<'a>,
}

impl<'a> Signs<'a> {
    fn of(scene: &Scene<'a>) -> Self {
        let linked = lower(scene.words.diagnostic);
        Self {
            text: without_boilerplate(&plain(&linked)),
            coded: scene.words.status.and_then(code::of_status),
            words: scene.words,
            linked,
        }
    }

    /// What the reporting server says of itself.
    fn reporter(&self, scene: &Scene<'_>) -> Option<Reason> {
        let manner = match scene.system {
            System::ExchangeOnline => self.words.status.and_then(code::of_exchange_online),
            System::Exchange => first(&TABLES.exchange, &self.linked),
            System::Exim => self.exim(scene.by),
            System::Qmail if self.words.command == Some(Command::Connect) => Some(Blocked),
            // Tried for days and refused each time: why is told by the words only.
            System::Qmail if self.gave_up() => Some(OnHold),
            System::Qmail => first(&TABLES.qmail, &self.text),
            System::Amazon => first(&TABLES.amazon, &self.text).or(self.coded),
            // au marks the mail that its filters refused.
            System::Au if scene.by.contains(&"spasign") => Some(Filtered),
            System::Au if self.words.command == Some(Command::Rcpt) => Some(UserUnknown),
            System::Au if self.words.command.is_some() => Some(OnHold),
            System::Au | System::Other => None,
        };
        let said = || {
            let own = TABLES.by.iter().filter(|(names, _)| is_at(scene.by, names));
            own.clone()
                .find_map(|(_, rows)| first(rows, &self.text))
                .or_else(|| first(&TABLES.local, &self.text))
        };
        let said = manner.or_else(said);
        // Gmail prints its state and the other server's code: an exact code is worth more.
        let exact = self.words.status.is_some_and(|status| !status.contains(".0"));
        if said.is_some() && exact && self.text.contains("(state ") {
            return self.coded;
        }
        let abroad = !is_at(scene.hosts, &["ezweb.ne.jp", "au.com"]);
        let mobile = is_at(scene.by, &["ezweb.ne.jp", "au.com"]);
        said.or_else(|| (scene.system == System::Au && mobile && abroad).then_some(UserUnknown))
    }

    fn exim(&self, by: &[&str]) -> Option<Reason> {
        match self.words.command {
            Some(Command::Connect) if !self.text.contains("after initial connection") => Some(Blocked),
            Some(Command::Mail) if is_at(by, &["mail.ru", "mxlogic.net"]) => Some(Rejected),
            Some(Command::Mail) => Some(OnHold),
            Some(Command::Connect | Command::Rcpt | Command::Data) | None => first(&TABLES.exim, &self.text),
        }
    }

    fn gave_up(&self) -> bool {
        ["does not like recipient.", "in the queue too long"].iter().all(|words| self.text.contains(words))
    }

    /// What a single provider means by its codes and sentences.
    fn provider(&self, hosts: &[&str]) -> Option<Reason> {
        if let Some(reason) = code::of_provider(&self.linked) {
            return Some(reason);
        }
        if is_at(hosts, &["docomo.ne.jp"]) {
            return self.docomo();
        }
        TABLES
            .at
            .iter()
            .filter(|(names, _)| is_at(hosts, names))
            .find_map(|(_, rows)| first(rows, &self.text))
    }

    /// NTT docomo tells by code and step.
    fn docomo(&self) -> Option<Reason> {
        let answers = [
            ("552 too much mail data", MailboxFull),
            ("552 too many recipients", TooManyConnections),
            ("503 bad sequence of commands", SyntaxError),
            ("504 command parameter not implemented", SyntaxError),
        ];
        let answer = || answers.iter().find(|(said, _)| self.text.contains(said)).map(|(_, reason)| *reason);
        match (self.words.status?, self.words.command) {
            ("5.1.1", _) => Some(UserUnknown),
            ("5.2.0", _) => Some(Filtered),
            ("5.0.0", step) => answer().or(match step {
                Some(Command::Rcpt) => Some(UserUnknown),
                Some(Command::Data) => Some(Rejected),
                Some(Command::Connect | Command::Mail) | None => None,
            }),
            _ => answer(),
        }
    }

    /// Whether a sentence of this reason was said.
    fn say(&self, reason: Reason) -> bool {
        speaks_of(&TABLES.said, reason, &self.text)
    }

    /// Whether words, code and step speak for a reason; `own` is what the reporting server believes.
    fn speak_for(&self, reason: Reason, own: Option<Reason>) -> bool {
        let coded = self.coded == Some(reason);
        let before_data =
            matches!(self.words.command, Some(Command::Connect | Command::Mail | Command::Rcpt));
        match reason {
            UserUnknown => self.unknown(own),
            Filtered if self.coded == Some(Suspended) => false,
            Filtered => (coded || !before_data) && (self.say(Filtered) || self.say(UserUnknown)),
            Rejected => coded || self.rejects(),
            HostUnknown if own == Some(HostUnknown) => true,
            HostUnknown if coded => !self.say(NetworkError),
            Suspended => own == Some(Suspended) || self.words.reply == Some(525) || self.say(Suspended),
            ExceedLimit => coded || self.say(ExceedLimit),
            MessageTooBig => coded || (self.coded != Some(ExceedLimit) && self.say(MessageTooBig)),
            HasMoved | HostUnknown | NotCompliantRfc | BadReputation | Speeding => self.say(reason),
            NoRelaying => {
                let vague = matches!(own, Some(SecurityError | SystemError | Undefined));
                !vague && self.words.command != Some(Command::Connect) && self.say(NoRelaying)
            }
            SpamDetected => coded || (!before_data && self.say(SpamDetected)),
            AuthFailure => coded || self.say(AuthFailure) || self.linked.contains("//spf.pobox.com"),
            Blocked => coded || self.say(Blocked) || self.linked.contains("//www.spamcop.net/bl."),
            MailboxFull | RequirePtr | TooManyConnections => coded || self.say(reason),
            NotAccept | VirusDetected | PolicyViolation | SecurityError | ContentError | Expired
            | NetworkError | SystemError | SystemFull | MailerError | SyntaxError | OnHold | Delivered
            | Undefined => coded,
        }
    }

    /// “Unknown user” is believed when the reporting server or the code says so, unless the words tell
    /// another cause, and in an answer to RCPT; said later it is how filters refuse a message.
    fn unknown(&self, own: Option<Reason>) -> bool {
        if own == Some(UserUnknown) || self.coded == Some(UserUnknown) {
            return !(self.say_rejected() || NOT_UNKNOWN.iter().any(|reason| self.say(*reason)));
        }
        self.coded != Some(Suspended) && self.words.command == Some(Command::Rcpt) && self.say(UserUnknown)
    }

    /// The sender was refused: at MAIL, at DATA, or under a code that says nothing better.
    fn rejects(&self) -> bool {
        let allowed = match self.words.command {
            Some(Command::Mail) => true,
            Some(Command::Data) => self.coded != Some(UserUnknown),
            Some(Command::Connect | Command::Rcpt) | None => {
                matches!(self.coded, None | Some(OnHold | Undefined | SecurityError | SystemError))
            }
        };
        allowed && self.say_rejected()
    }

    fn say_rejected(&self) -> bool {
        let of_others =
            ["5.1.0 address rejected", "recipient address rejected", "sender ip address rejected"];
        !of_others.iter().any(|words| self.text.contains(words)) && self.say(Rejected)
    }

    /// What codes tell when neither a listed sentence nor the status decides.
    fn remaining(&self) -> Option<Reason> {
        let reply = match self.words.reply {
            Some(501..=507) => Some(SyntaxError),
            Some(_) | None => None,
        };
        self.words
            .status
            .and_then(code::of_subject)
            .or_else(|| self.linked.contains("x-unix").then_some(MailerError))
            .or(reply)
    }
}

/// Whether one of the hosts is one of these or lies below one.
fn is_at(hosts: &[&str], names: &[&str]) -> bool {
    let below = |host: &str, name: &str| {
        host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    hosts.iter().any(|host| names.iter().any(|name| below(host, name)))
}

/// Lower case, one space between words, no marks of continued lines (`550-5.7.1 `, `550-`).
fn lower(diagnostic: &str) -> String {
    let low = diagnostic.to_lowercase().replace(['’', '`'], "'");
    let kept = low.split_whitespace().filter_map(|word| {
        let bytes = word.as_bytes();
        let continued = bytes.len() > 3 && bytes[3] == b'-' && bytes[..3].iter().all(u8::is_ascii_digit);
        if !continued {
            return Some(word);
        }
        let rest = &word[4..];
        let code = rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        (!code).then_some(rest)
    });
    kept.collect::<Vec<_>>().join(" ")
}

/// Without links and with `<>` for addresses: they contain words of their own.
fn plain(lower: &str) -> String {
    let kept = lower.split(' ').filter(|word| !word.contains("://")).map(|word| {
        if !word.contains('@') {
            return word.to_owned();
        }
        let before = word.split_once('<').map_or("", |(before, _)| before);
        let behind = word
            .rsplit_once('>')
            .map_or_else(|| if word.ends_with(':') { ":" } else { "" }, |(_, behind)| behind);
        format!("{before}<>{behind}")
    });
    kept.collect::<Vec<_>>().join(" ")
}

/// What servers write around every cause, so that it says nothing about this one.
const BOILERPLATE: &[&str] = &[
    "delivery temporarily suspended",
    "but it was rejected by the recipient domain",
    "the following addresses had permanent fatal errors",
    "delivery has failed to these recipients or groups",
    "if you continue to have problems",
    "please try again later or contact",
    "remote smtp server has rejected address",
    "no further delivery attempts",
    "this is an automatically generated delivery status notification",
    "delivery to the following recipients failed permanently",
    "smtp;",
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
