//! What servers typically say, and what it means. The sentences are those of the mail servers' and
//! providers' own sources and pages, not of the labelled corpus.

use super::{Reason, Scene, System, Words, classify, judge, named, table};
use crate::bounce::Command;
use Reason::*;

fn reason(text: &str) -> Reason {
    // The code stands in front, as in a transcript; RCPT is where most refusals happen.
    let code = text.split_whitespace().find(|word| {
        let mut parts = word.split('.');
        let class = parts.next().is_some_and(|class| matches!(class, "4" | "5"));
        class && parts.clone().count() == 2 && parts.all(|part| part.bytes().all(|b| b.is_ascii_digit()))
    });
    let reply = text.get(..3).and_then(|three| three.parse().ok());
    classify(Words {
        diagnostic: text,
        status: code,
        reply,
        command: Some(Command::Rcpt),
        ..Words::default()
    })
}

const TABLE: &[(&str, Reason)] = &[
    ("550 5.1.1 <a@b.test>: Recipient address rejected: User unknown in local recipient table", UserUnknown),
    (
        "550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking",
        UserUnknown,
    ),
    ("550 5.1.1 The email account that you tried to reach is over quota", MailboxFull),
    ("550 No Such User Here", UserUnknown),
    ("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)", UserUnknown),
    ("554 delivery error: dd Requested mail action aborted, mailbox not found", UserUnknown),
    ("550 #5.1.0 Address rejected.", UserUnknown),
    ("550 Unrouteable address", HostUnknown),
    ("550 5.1.1 unknown or illegal alias: a@b.test", UserUnknown),
    ("551 sorry, no mailbox here by that name (#5.7.17)", UserUnknown),
    (
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient a@b.test not found by SMTP address lookup",
        UserUnknown,
    ),
    ("550 5.1.1 This email address wasn't found at b.test", UserUnknown),
    ("550 Callout verification failed: 550 No such recipient here", UserUnknown),
    ("553 5.3.0 <a@b.test>... Addressee unknown", UserUnknown),
    ("550 a@b.test is not a valid mailbox", UserUnknown),
    ("450 4.2.2 The email account that you tried to reach is over quota. Please direct", MailboxFull),
    ("452 4.2.2 Mailbox full", MailboxFull),
    ("552 5.2.2 Mailbox size limit exceeded", MailboxFull),
    ("552 Quota exceeded: mailbox for user is full", MailboxFull),
    (
        "522 5.7.1 <a@b.test>: Recipient address rejected: Requested mail action aborted: exceeded storage allocation",
        MailboxFull,
    ),
    ("550 5.2.2 <a@b.test>: user is over quota", MailboxFull),
    ("can't create user output file. Command output: procmail: Quota exceeded while writing", MailboxFull),
    ("maildir delivery failed: error writing message: Disk quota exceeded", MailboxFull),
    ("452 4.3.1 Insufficient system storage", SystemFull),
    ("452 4.4.5 Insufficient disk space; try again later", SystemFull),
    ("maildir delivery failed: create maildir file: No space left on device", MailboxFull),
    ("550 5.2.1 The email account that you tried to reach is disabled.", Suspended),
    ("550 5.2.1 The email account that you tried to reach is inactive.", Suspended),
    ("550 Mailbox disabled, not accepting messages", Suspended),
    ("550 5.7.1 Account has been suspended", Suspended),
    (
        "554 30 Sorry, your message to a@b.test cannot be delivered. This mailbox is disabled (554.30).",
        Suspended,
    ),
    ("550 Account inactive", Suspended),
    ("525 5.7.13 User account disabled", Suspended),
    ("551 5.1.6 Recipient no longer on server: a@b.test", HasMoved),
    ("551 User not local; please try <c@d.test>", HasMoved),
    ("550 Host unknown", HostUnknown),
    (
        "Host or domain name not found. Name service error for name=b.test type=AAAA: Host not found",
        HostUnknown,
    ),
    ("550 5.1.2 <a@b.test>: Recipient address rejected: Domain not found", HostUnknown),
    ("Sorry, I couldn't find any host named b.test. (#5.1.2)", HostUnknown),
    ("all relevant MX records point to non-existent hosts", HostUnknown),
    ("DNS Error: DNS type 'mx' lookup of b.test responded with code NXDOMAIN", NetworkError),
    ("Domain b.test does not accept mail (nullMX)", NotAccept),
    (
        "556 5.1.10 <a@b.test>: Recipient address rejected: Domain b.test does not accept mail (nullMX)",
        NotAccept,
    ),
    ("Sorry, I couldn't find a mail exchanger or IP address. (#5.4.4)", NotAccept),
    ("an MX or SRV record indicated no SMTP service", NotAccept),
    ("521 5.3.2 Host does not accept mail", NotAccept),
    ("mail for b.test loops back to myself", SystemError),
    ("554 5.4.6 Too many hops 27 (25 max)", NetworkError),
    ("554 5.4.14 Hop count exceeded - possible mail loop ATTR34", NetworkError),
    ("connect to mx.b.test[192.0.2.1]:25: No route to host", NetworkError),
    ("connect to mx.b.test[192.0.2.1]:25: Connection timed out", Expired),
    ("connect to mx.b.test[192.0.2.1]:25: Connection refused", Expired),
    ("conversation with mx.b.test[192.0.2.1] timed out while sending RCPT TO", Expired),
    ("550 4.4.7 QUEUE.Expired; message expired", Expired),
    ("#< #4.4.7 Message expired: unable to deliver in 840 minutes.", Expired),
    ("retry timeout exceeded", Expired),
    ("all hosts for 'b.test' have been failing for a long time (and retry time not reached)", Expired),
    (
        "550 5.7.26 Unauthenticated email from x.test is not accepted due to domain's DMARC policy",
        AuthFailure,
    ),
    ("550 5.7.23 The message was rejected because of Sender Policy Framework violation", AuthFailure),
    ("550 SPF: 192.0.2.1 is not allowed to send mail from x.test", AuthFailure),
    ("550 5.7.20 No passing DKIM signature found", AuthFailure),
    ("550 5.7.1 Unauthenticated email is not accepted from this domain", AuthFailure),
    ("450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]", RequirePtr),
    ("550 5.7.25 The IP address sending this message does not have a PTR record setup", RequirePtr),
    ("554 IP 192.0.2.1 has no reverse DNS entry", RequirePtr),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", Blocked),
    (
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your ISP since part of their network is on our block list (S3140).",
        Blocked,
    ),
    ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", Blocked),
    ("554 Your IP (192.0.2.1) is dynamic IP address, use your ISP's SMTP server", Blocked),
    (
        "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
        Blocked,
    ),
    ("504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", Blocked),
    (
        "554-mx.b.test Your access to this mail system has been rejected due to the sending MTA's poor reputation.",
        BadReputation,
    ),
    ("421-4.7.0 very low reputation of the sending IP address", BadReputation),
    ("550 5.7.1 Our system has detected that this message is likely unsolicited mail.", SpamDetected),
    (
        "554 5.7.1 The message was rejected because it contains prohibited virus or spam content",
        VirusDetected,
    ),
    ("550 High probability of spam", SpamDetected),
    ("554 Transaction failed: Message classified as spam", SpamDetected),
    ("550 This message contains malware (Eicar-Test-Signature)", VirusDetected),
    (
        "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
        PolicyViolation,
    ),
    ("550 5.7.1 Message rejected due to local policy", PolicyViolation),
    ("421 4.7.0 Our system has detected an unusual rate of mail. Rate limited.", Speeding),
    ("450-4.2.1 The user you are trying to contact is receiving mail too quickly.", Speeding),
    ("452 4.5.3 Too many recipients", TooManyConnections),
    ("421 4.7.0 too many concurrent SMTP connections; please try again later", TooManyConnections),
    ("552 5.3.4 Message size exceeds fixed limit", MessageTooBig),
    ("554 5.3.4 Error: message file too big", MessageTooBig),
    ("552 5.2.3 Message size exceeds fixed maximum message size (10485760)", ExceedLimit),
    ("554 5.7.1 <a@b.test>: Relay access denied", NoRelaying),
    ("550 5.7.1 Unable to relay for a@b.test", NoRelaying),
    ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", NoRelaying),
    ("530 5.7.0 Must issue a STARTTLS command first", SecurityError),
    ("530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM", SecurityError),
    ("TLS is required, but was not offered by host mx.b.test", SecurityError),
    ("553 5.1.8 <x@y.test>... Domain of sender address x@y.test does not exist", Rejected),
    ("450 4.1.8 <x@y.test>: Sender address rejected: Domain not found", Rejected),
    ("550 You are not allowed to post to this mailing list", Rejected),
    ("550 Sender verify failed", Rejected),
    ("550 5.6.0 Message headers fail syntax check", ContentError),
    ("550 5.7.1 Messages missing a valid Message-ID header are not RFC 5322 compliant", NotCompliantRfc),
    ("Command died with status 1: \"/usr/bin/vacation\"", MailerError),
    ("local: x-unix; 127", MailerError),
    ("451 4.3.0 Temporary lookup failure", NetworkError),
    ("451 4.3.0 Internal server error", SystemError),
    ("554 5.3.5 Local configuration error", SystemError),
    ("501 5.5.4 Syntax error in parameters", SystemError),
    ("503 5.5.1 Bad sequence of commands", SyntaxError),
];

#[test]
fn what_servers_say_has_one_reason() {
    let wrong: Vec<String> = TABLE
        .iter()
        .filter(|(text, expected)| reason(text) != *expected)
        .map(|(text, expected)| format!("{expected:?}, not {:?}: {text}", reason(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unknown_users_are_told_from_filters_by_step_and_code() {
    for (text, status, command, expected) in [
        ("550 User unknown", None, Some(Command::Rcpt), UserUnknown),
        ("550 User unknown", None, Some(Command::Data), Filtered),
        ("550 5.1.1 User unknown", Some("5.1.1"), Some(Command::Data), UserUnknown),
        ("550 5.2.1 User unknown", Some("5.2.1"), None, Filtered),
        ("550 User unknown", None, Some(Command::Mail), Rejected),
    ] {
        let words = Words { diagnostic: text, status, reply: Some(550), command, ..Words::default() };
        assert_eq!(classify(words), expected, "{text} {command:?}");
    }
}

#[test]
fn every_row_of_the_tables_names_a_reason_and_says_something() {
    let mut labels = Vec::new();
    for row in table::SAID.lines().chain(table::LOOSE.lines()) {
        if row.is_empty() || row.starts_with(['#', '=']) {
            continue;
        }
        let (name, phrases) = row.split_once(": ").unwrap_or((row, ""));
        labels.push(named(name).unwrap_or_else(|| panic!("no such reason: {row}")).label());
        let empty = phrases.split(" | ").any(|phrase| phrase.split('*').any(str::is_empty));
        assert!(!empty && phrases == phrases.to_lowercase(), "{row}");
    }
    labels.sort_unstable();
    labels.dedup();
    assert!(labels.len() >= 28, "{labels:?}");
}

fn told(text: &str, host: &str, by: &str, system: System) -> Reason {
    let status = text.split_whitespace().find(|word| word.split('.').count() == 3);
    let words = Words { diagnostic: text, status, ..Words::default() };
    judge(&Scene { words, hosts: &[host], by: &[by], system })
}

#[test]
fn a_provider_means_its_own_codes_and_words() {
    for (text, host, expected) in [
        ("554 IMTA22 - 192.0.2.1 is blocked AUP#CXBL", "cox.net", Blocked),
        ("550 192.0.2.1 has been rejected AUP#In-1310", "charter.net", TooManyConnections),
        (
            "550 Adresse d au moins un destinataire invalide. LPN007_416 [416]",
            "smtp.laposte.net",
            UserUnknown,
        ),
        ("554 p3plibsmtp. IB103 connection refused", "smtp.secureserver.net", BadReputation),
        ("550 http://mail.i.ua/err/4/", "mx.email.ua", MailboxFull),
        ("550 RCP-P2 see facebook.com/postmaster", "facebook.test", Filtered),
        ("550 5.4.1 Recipient address rejected: Access denied", "a.mail.protection.outlook.com", UserUnknown),
        ("550 5.4.1 Recipient address rejected: Access denied", "mx.b.test", Filtered),
        ("550 this account is no longer valid.", "mta7.am0.yahoodns.net", Suspended),
        ("550 this account is no longer valid.", "notyahoodns.net", UserUnknown),
    ] {
        assert_eq!(told(text, host, "", System::Other), expected, "{text} {host}");
    }
}

#[test]
fn a_reporting_server_means_its_own_words() {
    for (text, system, expected) in [
        ("550 5.7.1 refused", System::ExchangeOnline, Rejected),
        ("550 5.7.1 refused", System::Other, SecurityError),
        ("550 5.2.0 Message Filtered", System::Amazon, Filtered),
        ("550 5.2.0 Message Filtered", System::Other, SpamDetected),
        ("retry timeout exceeded", System::Exim, Expired),
        (
            "host does not like recipient. I'm not going to try again; this message has been in the queue too long.",
            System::Qmail,
            OnHold,
        ),
        // The reporter's “unknown user” gives way to a block that the words name.
        (
            "host does not like recipient. Remote host said: 550 blocked using zen.spamhaus.org",
            System::Qmail,
            Blocked,
        ),
    ] {
        assert_eq!(told(text, "", "", system), expected, "{text} {system:?}");
    }
}

#[test]
fn an_address_does_not_join_the_words_around_it() {
    let words = Words {
        diagnostic: "553 5.1.8 <x@y.test>... Domain of sender address x@y.test does not exist",
        status: Some("5.1.8"),
        command: Some(Command::Rcpt),
        ..Words::default()
    };
    assert_eq!(classify(words), Rejected);
}
