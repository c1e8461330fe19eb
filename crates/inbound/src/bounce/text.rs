//! Reports in plain text, as each mail server words them, and the message that came back with them.

use super::fields::{address_in, enhanced, field_in, reply_code, speaks};
use super::{
    Failure, Told, command, failure,
    reporter::{self, refusing_host},
};
use crate::machine::is_status;
use crate::mail::Inbound;
use crate::reason::Words;

/// The report's own words: text up to the returned message.
pub(super) fn human(mail: &Inbound) -> String {
    let text = if mail.text.trim().is_empty() {
        mail.parts
            .iter()
            .find(|part| !is_status(&part.media_type))
            .map(|part| part.text.as_str())
            .unwrap_or_default()
    } else {
        mail.text.as_str()
    };
    split_returned(text).0.to_owned()
}

/// What servers write above the message that they send back.
const RETURNED_MARKS: &[&str] = &[
    "original message",
    "unsent message",
    "returned message",
    "undelivered message",
    "forwarded message",
    "copy of the message",
    "copy of the original",
    "copy of your message",
    "message header",
    "headers of",
    "header of",
    "mail header",
    "the header and top",
    "message text follows",
    "message follows",
    "message/rfc822",
];

/// Fields that only a message has; a report that lists Date, From and Subject of a mail is not one.
const TRANSPORT_FIELDS: &[&str] =
    &["received:", "return-path:", "mime-version:", "content-type:", "dkim-signature:", "x-original-to:"];

fn split_returned(text: &str) -> (&str, &str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim().trim_start_matches(['>', '|', ' ']).to_ascii_lowercase();
        let ruled = bare.starts_with(['-', '=', '*', '_', '[']) || bare.ends_with(':') || bare.ends_with('.');
        // Postfix's preamble speaks of the returned message and goes on with the answers.
        let short = bare.len() < 90 && !bare.starts_with("delete your own text");
        let marked = ruled && short && RETURNED_MARKS.iter().any(|mark| bare.contains(mark));
        let opens = TRANSPORT_FIELDS.iter().any(|field| bare.starts_with(field));
        if at > 0 && (opens || (marked && !text[at + line.len()..].trim().is_empty())) {
            return text.split_at(at);
        }
        at += line.len();
    }
    (text, "")
}

/// A header of the returned message, from its own part or from the tail of the text.
pub(super) fn returned(mail: &Inbound, name: &str) -> Option<String> {
    let own = mail.parts.iter().filter(|part| {
        matches!(
            part.media_type.as_str(),
            "message/rfc822"
                | "text/rfc822-headers"
                | "message/rfc822-headers"
                | "message/global"
                | "message/global-headers"
        )
    });
    own.filter_map(|part| field_in(&part.text, name))
        .next()
        .or_else(|| {
            mail.parts.iter().filter(|part| !is_status(&part.media_type)).find_map(|part| {
                let (_, tail) = split_returned(&part.text);
                indented_field(tail, name)
            })
        })
        .or_else(|| indented_field(split_returned(&mail.text).1, name))
}

fn indented_field(text: &str, name: &str) -> Option<String> {
    let flat: String =
        text.lines().map(|line| line.trim_start_matches(['>', '|']).trim_start().to_owned() + "\n").collect();
    field_in(&flat, name)
}

/// The words about one address: the lines that name it and what follows, up to the next address or
/// the next step of a transcript; before a line that says nothing, the server's answer above it.
pub(super) fn said_about(human: &str, address: &str) -> String {
    let lines: Vec<&str> = human.lines().collect();
    let naming: Vec<usize> =
        (0..lines.len()).filter(|at| lines[*at].to_ascii_lowercase().contains(address)).collect();
    let blocks: Vec<String> = naming.iter().map(|at| block(&lines, *at, address)).collect();
    let said = |block: &&String| speaks(&block.to_ascii_lowercase().replace(address, ""));
    let mut all: Vec<&str> = blocks.iter().filter(said).map(String::as_str).collect();
    all.dedup();
    let answers: Vec<&str> = naming.iter().filter_map(|at| answer_above(&lines, *at)).collect();
    let text = all.into_iter().chain(answers).collect::<Vec<_>>().join("\n");
    if text.is_empty() { human.to_owned() } else { text }
}

fn block(lines: &[&str], from: usize, address: &str) -> String {
    let mut said = String::new();
    for (index, line) in lines.iter().enumerate().skip(from) {
        let low = line.trim().to_ascii_lowercase();
        let steps =
            low.starts_with(">>>") || low.starts_with("while talking") || low.starts_with("... while");
        let other = leading_address(line).is_some_and(|other| other != address);
        let coded = index > from && is_coded(lines[from]) && is_coded(line);
        let again = low.contains(address) && leading_address(line).is_some_and(|same| same == address);
        if index > from && (steps || other || coded || (again && speaks(&said.replace(address, "")))) {
            break;
        }
        said.push_str(line.trim());
        said.push(' ');
    }
    said
}

/// Whether a line begins with a reply code.
fn is_coded(line: &str) -> bool {
    let bytes = line.trim().as_bytes();
    bytes.len() > 4 && bytes[..3].iter().all(u8::is_ascii_digit) && matches!(bytes[3], b' ' | b'-')
}

/// `<<< 550 no` right above a line of sendmail's transcript.
fn answer_above<'a>(lines: &[&'a str], at: usize) -> Option<&'a str> {
    let above = lines.get(at.checked_sub(1)?)?.trim();
    above.strip_prefix("<<<").map(str::trim)
}

/// Failures of a report without a machine-readable part.
pub(super) fn read(mail: &Inbound) -> Vec<Failure> {
    let human = human(mail);
    let subject = mail.subject.to_lowercase();
    let late = ["delay", "warning: message", "not yet", "still"].iter().any(|word| subject.contains(word));
    let names = reporter::names(mail, None);
    let by: Vec<&str> = names.iter().map(String::as_str).collect();
    let system = reporter::system(mail, &human, &by);
    recipients(mail, &human)
        .into_iter()
        .map(|address| {
            let said = said_about(&human, &address);
            let status = enhanced(&said).or_else(|| enhanced(&human));
            let words = Words {
                diagnostic: &said,
                status: status.as_deref(),
                reply: reply_code(&said).or_else(|| reply_code(&human)),
                action: late.then_some("delayed"),
                command: command::find(&said, &human, &address).or_else(|| reporter::yahoo(mail, &said)),
                category: None,
            };
            let whole = format!("{} {human}", mail.subject);
            let told = Told { system, by: &by, host: refusing_host(&said), whole: &whole };
            failure(told, address.clone(), words)
        })
        .collect()
}

fn recipients(mail: &Inbound, human: &str) -> Vec<String> {
    let sender = returned(mail, "from").and_then(|value| address_in(&value));
    // Not X-Original-To: DragonFly writes the failed recipient into it.
    let delivered = mail.header("delivered-to").map(|to| to.trim_matches(['<', '>', ' ']));
    let ours: Vec<&str> = mail.to.iter().map(|to| to.address.as_str()).chain(delivered).collect();
    let fits = |address: &String| {
        !is_daemon(address) && sender.as_ref() != Some(address) && !ours.contains(&address.as_str())
    };
    let mut found: Vec<String> = Vec::new();
    let mut take = |address: String| {
        if !found.contains(&address) && fits(&address) {
            found.push(address);
        }
    };
    let lines: Vec<&str> = human.lines().collect();
    let listed = lines.iter().enumerate().filter(|(at, line)| !is_summary(line, lines.get(at + 1)));
    listed.filter_map(|(_, line)| leading_address(line)).for_each(&mut take);
    if !found.is_empty() {
        return found;
    }
    let failed = mail.headers.iter().filter(|(name, _)| name == "x-failed-recipients");
    let failed: Vec<String> = failed.flat_map(|(_, value)| value.split(',').filter_map(address_in)).collect();
    if !failed.is_empty() {
        return failed;
    }
    human
        .lines()
        .flat_map(|line| line.split(['<', '>', ' ', '(', ')', '"']))
        .filter_map(address_in)
        .find(fits)
        .or_else(|| returned(mail, "to").and_then(|value| address_in(&value)))
        // A mailing list that refuses a post writes as itself.
        .or_else(|| mail.from.as_ref().map(|from| from.address.clone()).filter(|from| !is_daemon(from)))
        .into_iter()
        .collect()
}

/// “To: …” above “Subject: …” tells of the message that we sent, not of who failed.
fn is_summary(line: &str, next: Option<&&str>) -> bool {
    let starts = |line: &str, name: &str| line.trim().to_ascii_lowercase().starts_with(name);
    starts(line, "to:") && next.is_some_and(|next| starts(next, "subject:") || starts(next, "cc:"))
}

fn is_daemon(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    matches!(
        local,
        "mailer-daemon" | "postmaster" | "abuse" | "support" | "helpdesk" | "mail-daemon" | "mailadmin"
    )
}

/// The address that a line begins with (`<a@b>:`, `a@b`, `To: a@b`, `550 <a@b>...`), as reports list
/// recipients.
fn leading_address(line: &str) -> Option<String> {
    let line = line.trim();
    if line.starts_with("<<<") || line.starts_with(">>> ") && line.contains(':') {
        return None;
    }
    let low = line.to_ascii_lowercase();
    let labels = [
        "to:",
        "recipient:",
        "recipients:",
        "recipient address:",
        "failed recipient:",
        "for user",
        "for <",
        "rcpt:",
        "rcpt to:",
        "user:",
        "address:",
        "addr:",
        "[status: error, address:",
        "original recipient:",
        "could not deliver to",
        "undeliverable to",
        "an",
        "a :",
    ];
    let rest = labels.iter().find_map(|lead| low.strip_prefix(lead)).unwrap_or(&low);
    let rest = if is_coded(rest) { &rest[4..] } else { rest };
    let rest = rest.trim_start().trim_start_matches(['<', '"', '\'', '(', '*', '-', '>', '[']).trim_start();
    let word = rest.split(|c: char| c.is_whitespace() || matches!(c, '>' | ',' | ';' | '(')).next()?;
    address_in(word.trim_end_matches(':'))
}
