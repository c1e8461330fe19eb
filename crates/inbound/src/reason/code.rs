//! Codes: enhanced status codes (RFC 3463), the classes of PowerMTA and the error codes that single
//! providers print into their answers.

use super::Reason;

/// What a status code alone stands for; nothing when servers use it for too many things.
pub(super) fn of_status(status: &str) -> Option<Reason> {
    let (class, subject, detail) = numbers(status)?;
    if class == 2 {
        return Some(Reason::Delivered);
    }
    let lasting = class == 5;
    let reason = match (subject, detail) {
        (1, 0 | 1 | 3) if lasting => Reason::UserUnknown,
        (1, 2) if lasting => Reason::HostUnknown,
        (1, 4) | (2, 0) if lasting => Reason::Filtered,
        (1, 6) | (7, 17 | 18) => Reason::HasMoved,
        (1, 7 | 8) => Reason::Rejected,
        (1, 9) | (3, 3 | 5) | (4, 3) | (5, 5) => Reason::SystemError,
        (1, 10) | (7, 27) if lasting => Reason::NotAccept,
        (2, 1) => return Some(if lasting { Reason::Filtered } else { Reason::Suspended }),
        (2, 2) => Reason::MailboxFull,
        (2, 3) => Reason::ExceedLimit,
        (2, 4) => Reason::Filtered,
        (3, 0) | (5, 4) if lasting => Reason::SystemError,
        (3, 1) => Reason::SystemFull,
        (3, 2) => Reason::NotAccept,
        (3, 4) | (7, 16) => Reason::MessageTooBig,
        (4, 0) if lasting => Reason::NetworkError,
        (4, 1 | 7) if !lasting => Reason::Expired,
        (4, 2 | 6 | 8) if !lasting => Reason::NetworkError,
        (4, 4) => return Some(if lasting { Reason::HostUnknown } else { Reason::NetworkError }),
        (4, 5) if !lasting => Reason::SystemFull,
        (5, 2 | 6) if lasting => Reason::SyntaxError,
        (5, 3) => return Some(if lasting { Reason::TooManyConnections } else { Reason::SystemError }),
        (6, 0..=9) => Reason::ContentError,
        (7, 1 | 2) if !lasting => Reason::Blocked,
        (7, 0..=11 | 14 | 15 | 19 | 30) if lasting => Reason::SecurityError,
        (7, 5..=7 | 12 | 15) => Reason::SecurityError,
        (7, 13) if lasting => Reason::Suspended,
        (7, 20..=24 | 26 | 29) => Reason::AuthFailure,
        (7, 25) => Reason::RequirePtr,
        (7, 28) => Reason::SpamDetected,
        _ => return None,
    };
    Some(reason)
}

/// What the subject of a code tells when its detail is unknown.
pub(super) fn of_subject(status: &str) -> Option<Reason> {
    match numbers(status)? {
        (_, 6, _) => Some(Reason::ContentError),
        (_, 7, _) => Some(Reason::SecurityError),
        _ => None,
    }
}

/// What Exchange Online means by its codes when it is the server that reports.
pub(super) fn of_exchange_online(status: &str) -> Option<Reason> {
    let (class, subject, detail) = numbers(status)?;
    let reason = match (class, subject, detail) {
        (4, 4, 7) | (_, 4, 316) => Reason::Expired,
        (_, 4, 312) | (5, 4, 6) | (5, 7, 25) => Reason::NetworkError,
        (4, 7, 26) | (5, 7, 23 | 509 | 512) => Reason::AuthFailure,
        (4, 7, 500..=699 | 850..=899) | (5, 7, 506 | 507 | 606..=649) => Reason::Blocked,
        (5, 0, 350) | (5, 6, 11) => Reason::ContentError,
        (5, 1, 10) => Reason::UserUnknown,
        (5, 4, 1) => Reason::NoRelaying,
        (5, 7, 1 | 12 | 13 | 124 | 133..=136 | 511) => Reason::Rejected,
        (5, 7, 501..=503) => Reason::SpamDetected,
        (5, 7, 504 | 505) => Reason::Filtered,
        (5, 7, 508 | 700..=749) => Reason::TooManyConnections,
        (5, 7, 510) => Reason::NotAccept,
        (5, 7, 57) => Reason::SecurityError,
        _ => return None,
    };
    Some(reason)
}

fn numbers(status: &str) -> Option<(u16, u16, u16)> {
    let mut numbers = status.split('.').map(|part| part.parse::<u16>().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

/// PowerMTA's classes, from its user's guide, and Amazon SES's subtypes that name one thing.
pub(super) fn of_category(name: &str) -> Option<Reason> {
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
        "bad-connection" | "no-answer-from-host" => Reason::NetworkError,
        "bad-configuration" | "routing-errors" => Reason::SystemError,
        "mailboxfull" => Reason::MailboxFull,
        "messagetoolarge" => Reason::MessageTooBig,
        "protocol-errors" => Reason::SyntaxError,
        _ => return None,
    };
    Some(reason)
}

/// The code that a provider printed into its answer (lower case, links kept).
pub(super) fn of_provider(text: &str) -> Option<Reason> {
    let words = || text.split(|c: char| c.is_whitespace() || "()[]<>,;:=\"'".contains(c));
    words()
        .find_map(french_post)
        .or_else(|| words().find_map(cox_or_spectrum))
        .or_else(|| words().find_map(godaddy))
        .or_else(|| text.split_once(".i.ua/err/").and_then(|(_, code)| iua(code)))
        .or_else(|| words().find_map(facebook))
}

/// La Poste and Orange: `LPN007_416`, `OFR_102`, `OUK_513`.
fn french_post(word: &str) -> Option<Reason> {
    let word = word.trim_end_matches('.');
    let rest = ["lpnaaa", "lpn", "ofr", "ouk"].iter().find_map(|lead| word.strip_prefix(lead))?;
    let (group, code) = rest.split_once(['_', '-'])?;
    if !(group.is_empty() || group.len() == 3) {
        return None;
    }
    let reason = match code {
        "101" | "102" | "103" | "510" | "999" => Reason::Blocked,
        "104" => Reason::TooManyConnections,
        "305" | "402" => Reason::SecurityError,
        "401" | "517" => Reason::AuthFailure,
        "403" | "405" | "415" | "421" => Reason::Rejected,
        "416" | "418" => Reason::UserUnknown,
        "417" => Reason::MailboxFull,
        "420" | "426" => Reason::Suspended,
        "505" => Reason::SystemError,
        "506" => Reason::SpamDetected,
        "514" => Reason::MessageTooBig,
        "630" => Reason::PolicyViolation,
        "105" | "107" | "108" | "109" | "201" | "423" | "424" | "513" => Reason::Undefined,
        _ => return None,
    };
    Some(reason)
}

/// Cox `AUP#CXBL` and Spectrum `AUP#1260` or `AUP#In-1310`.
fn cox_or_spectrum(word: &str) -> Option<Reason> {
    let (_, code) = word.split_once("aup#")?;
    let code = code.trim_end_matches('.');
    let letters = code.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
    if let Ok(number) = letters.get(..4).unwrap_or_default().parse::<u16>()
        && !code.starts_with("ipbl")
        && !code.starts_with("urlbl")
    {
        return spectrum(number);
    }
    let reason = match code {
        "cxbl" | "cdrbl" => Reason::Blocked,
        "cxdns" => Reason::RequirePtr,
        "cxsndr" => Reason::AuthFailure,
        "cxsmtp" => Reason::Rejected,
        "cxcnct" | "cxmxrt" => Reason::TooManyConnections,
        "cxthrt" | "cxmj" => Reason::SecurityError,
        other if other.starts_with("ipbl") => Reason::Blocked,
        other if other.starts_with("urlbl") => Reason::SpamDetected,
        _ => return None,
    };
    Some(reason)
}

fn spectrum(number: u16) -> Option<Reason> {
    let reason = match number {
        1000 | 1200..=1250 => Reason::Blocked,
        1010..=1080 | 1500 | 1520 => Reason::Rejected,
        1090 => Reason::SystemError,
        1100..=1150 => Reason::RequirePtr,
        1160..=1190 | 1560 => Reason::PolicyViolation,
        1260 => Reason::NetworkError,
        1300..=1340 => Reason::TooManyConnections,
        1350..=1490 | 1540 | 1550 | 1580 => Reason::Speeding,
        1530 => Reason::MessageTooBig,
        _ => return None,
    };
    Some(reason)
}

/// GoDaddy `IB103`.
fn godaddy(word: &str) -> Option<Reason> {
    let code = word.trim_end_matches('.').strip_prefix("ib").filter(|code| code.len() == 3)?;
    let reason = match code {
        "007" | "605" => Reason::TooManyConnections,
        "101" | "504" | "510" | "607" => Reason::Speeding,
        "103" => Reason::BadReputation,
        "104" | "105" | "106" | "110" | "111" | "112" | "113" => Reason::Blocked,
        "108" => Reason::RequirePtr,
        "212" => Reason::SpamDetected,
        "401" => Reason::SecurityError,
        "501" | "502" => Reason::NotCompliantRfc,
        "506" => Reason::Rejected,
        "508" => Reason::AuthFailure,
        "701" | "702" | "703" | "704" | "705" => Reason::VirusDetected,
        _ => return None,
    };
    Some(reason)
}

/// i.ua, by the number in the link of its answers.
fn iua(code: &str) -> Option<Reason> {
    let digits: String = code.chars().take_while(char::is_ascii_digit).collect();
    let reason = match digits.as_str() {
        "1" | "6" => Reason::NoRelaying,
        "2" => Reason::UserUnknown,
        "3" => Reason::Suspended,
        "4" => Reason::MailboxFull,
        "5" => Reason::TooManyConnections,
        "7" | "9" => Reason::Blocked,
        "8" => Reason::Rejected,
        "10" => Reason::Filtered,
        _ => return None,
    };
    Some(reason)
}

/// Facebook's own mail servers: `RCP-P1`.
fn facebook(word: &str) -> Option<Reason> {
    let reason = match word {
        "rcp-p1" | "int-p1" | "int-p3" | "int-p4" => Reason::UserUnknown,
        "rcp-p2" | "rcp-p3" => Reason::Filtered,
        "msg-p1" | "int-p2" => Reason::MessageTooBig,
        "msg-p2" | "msg-p3" | "pol-p6" | "pol-p7" => Reason::ContentError,
        "pol-p1" | "pol-p2" | "pol-p5" => Reason::SecurityError,
        "pol-p3" | "pol-p4" | "pol-t1" | "pol-t2" | "pol-t3" => Reason::NotAccept,
        "dns-p1" | "dns-p2" | "dns-p3" | "dns-t1" | "dns-t2" => Reason::Rejected,
        "con-t1" => Reason::SystemError,
        "con-t3" => Reason::TooManyConnections,
        "rcp-t4" => Reason::Suspended,
        other if other.starts_with("int-t") => Reason::SystemError,
        _ => return None,
    };
    Some(reason)
}
