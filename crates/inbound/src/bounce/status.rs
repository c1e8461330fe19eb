//! Machine-readable reports (RFC 3464, RFC 6533).

use super::fields::{address_in, enhanced, field_in, prefer, reply_code, speaks};
use super::text::{human, said_about};
use super::{
    Failure, Told, command, failure,
    reporter::{self, refusing_host},
};
use crate::machine::is_status;
use crate::mail::Inbound;
use crate::reason::Words;

/// One failure per `Final-Recipient`; none when the mail carries no such report.
pub(super) fn read(mail: &Inbound) -> Vec<Failure> {
    let report = mail.parts.iter().find(|part| is_status(&part.media_type)).or_else(|| {
        mail.parts.iter().find(|part| part.text.to_ascii_lowercase().contains("final-recipient:"))
    });
    let Some(report) = report else { return Vec::new() };
    let human = human(mail);
    let reporting = field_in(&report.text, "reporting-mta");
    let names = reporter::names(mail, reporting.as_deref());
    let by: Vec<&str> = names.iter().map(String::as_str).collect();
    let told = Told { system: reporter::system(mail, &human, &by), by: &by, host: None, whole: &human };
    let mut found: Vec<Failure> = Vec::new();
    let blocks = groups(&report.text);
    let single = blocks.iter().filter(|block| field_in(block, "final-recipient").is_some()).count() == 1;
    for block in blocks {
        let Some(address) = recipient(mail, &block) else { continue };
        if found.iter().any(|known| known.address == address) {
            continue;
        }
        found.push(one(&block, address, told, single));
    }
    found
}

fn recipient(mail: &Inbound, block: &str) -> Option<String> {
    let field = |name: &str| field_in(block, name).and_then(|value| typed_address(&value));
    let names = ["final-recipient", "original-recipient", "x-actual-recipient"];
    let given: Vec<String> = names.iter().filter_map(|name| field(name)).collect();
    let whole = given.iter().find(|address| address.contains('@')).cloned();
    // Exim names the file of a local mailbox; its header names the address.
    let failed = || mail.header("x-failed-recipients").and_then(address_in);
    let any = given.first().cloned();
    whole.or_else(|| any.as_ref().and_then(|_| failed())).or(any)
}

fn one(block: &str, address: String, told: Told<'_>, single: bool) -> Failure {
    let human = told.whole;
    let action = field_in(block, "action");
    let stated = field_in(block, "status").and_then(|value| enhanced(&value));
    let diagnostic = field_in(block, "diagnostic-code").unwrap_or_default();
    let category = field_in(block, "x-powermta-bouncecategory");
    let said = said_about(human, &address);
    let words = if speaks(&diagnostic) {
        whole_answer(&diagnostic, human, single)
    } else {
        format!("{diagnostic} {said}")
    };
    let reply = reply_code(&diagnostic).or_else(|| reply_code(&said));
    // `5.1.0 - Unknown address error 550-'5.7.1 …'`: the answer stands in quotes, the rest is a guess.
    let quoted = diagnostic.split_once("-'").map_or(diagnostic.as_str(), |(_, answer)| answer);
    let status = prefer(stated, enhanced(quoted).or_else(|| enhanced(&diagnostic)), reply);
    let command = command::find(&format!("{diagnostic} {said}"), human, &address);
    let words = Words {
        diagnostic: words.trim(),
        status: status.as_deref(),
        reply,
        action: action.as_deref(),
        command,
        category: category.as_deref(),
    };
    let remote = field_in(block, "remote-mta");
    let remote = remote.as_deref().map(|host| host.split_once(';').map_or(host, |(_, name)| name.trim()));
    failure(Told { host: remote.or_else(|| refusing_host(&said)), ..told }, address, words)
}

/// Sendmail's field holds one line of an answer; its transcript holds all of them. With several
/// recipients only an answer that the field repeats is known to be theirs.
fn whole_answer(diagnostic: &str, human: &str, single: bool) -> String {
    let mut answer: Vec<&str> = human.lines().filter_map(|line| line.trim().strip_prefix("<<<")).collect();
    answer.retain(|line| line.trim().starts_with(['4', '5']));
    let first = diagnostic.split_once(';').map_or(diagnostic, |(_, words)| words).trim();
    let known = answer.iter().any(|line| line.trim() == first);
    if single || known { format!("{diagnostic} {}", answer.join(" ")) } else { diagnostic.to_owned() }
}

fn groups(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        let starts = line.to_ascii_lowercase().starts_with("final-recipient:");
        let current = blocks.last().map_or("", String::as_str);
        let has_final = field_in(current, "final-recipient").is_some();
        if line.trim().is_empty() || (starts && has_final) {
            blocks.push(String::new());
        }
        if let Some(last) = blocks.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    blocks
}

fn typed_address(value: &str) -> Option<String> {
    let address = value.split_once(';').map_or(value, |(_, address)| address);
    let address = address.trim().trim_matches(['<', '>', '"', '\'']).trim().to_ascii_lowercase();
    let address = address.strip_prefix("rfc822;").unwrap_or(&address).trim().to_owned();
    address_in(&address).or_else(|| (!address.is_empty() && !address.contains(' ')).then_some(address))
}
