use super::{Action, MailKind, bounce, machine, mail};
use std::collections::BTreeMap;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../../fixtures/bounces/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|cause| panic!("{path}: {cause}"))
}

fn kind(headers: &str, body: &str) -> MailKind {
    machine::judge(&mail::read(
        format!("From: Ann <ann@acme.test>\r\nTo: me@ours.test\r\n{headers}\r\n{body}").as_bytes(),
    ))
    .kind
}

#[test]
fn a_message_is_read_with_its_thread_addresses_and_files() {
    let raw = "Delivered-To: Reply@Ours.test\r\nReturn-Path: <ann@acme.test>\r\nFrom: =?utf-8?q?J=C3=B6rg?= <Ann@Acme.test>\r\nTo: me@ours.test\r\n\
        Message-ID: <b@acme.test>\r\nIn-Reply-To: <a@ours.test>\r\nReferences: <x@ours.test> <a@ours.test>\r\nSubject: =?utf-8?q?Re:_caf=C3=A9?=\r\n\
        Date: Mon, 2 Mar 2026 09:00:00 +1100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nCaf=E9 on Tuesday?\r\n--b\r\nContent-Type: application/pdf; name=deck.pdf\r\nContent-Disposition: attachment; filename=deck.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n";
    let read = mail::read(raw.as_bytes());
    assert_eq!(read.message_id.as_deref(), Some("b@acme.test"));
    assert_eq!(read.in_reply_to, ["a@ours.test"]);
    assert_eq!(read.references, ["x@ours.test", "a@ours.test"]);
    let from = read.from.clone().unwrap();
    assert_eq!((from.name.as_deref(), from.address.as_str()), (Some("Jörg"), "ann@acme.test"));
    assert_eq!(read.delivered_to.as_deref(), Some("reply@ours.test"));
    assert_eq!(read.subject, "Re: café");
    assert_eq!(read.date.unwrap().to_string(), "2026-03-01T22:00:00Z");
    assert_eq!(read.text.trim(), "Café on Tuesday?");
    assert_eq!(read.attachments.len(), 1);
    assert_eq!((read.attachments[0].name.as_deref(), read.attachments[0].bytes), (Some("deck.pdf"), 3));
}

#[test]
fn html_quotes_become_quote_lines() {
    let html = "<div dir=ltr>Yes please</div><br><div class=\"gmail_quote\"><div>On Mon, 2 Mar 2026, Sam &lt;sam@ours.test&gt; wrote:<br></div>\
        <blockquote><p>Unsubscribe here</p></blockquote></div>";
    let text = mail::html_text(html);
    assert!(text.starts_with("Yes please\n"), "{text}");
    assert!(text.contains("> Unsubscribe here"), "{text}");
}

#[test]
fn broken_bytes_never_panic() {
    let mut state = 7u32;
    for length in 0..400usize {
        let noise: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let mut raw = b"Content-Type: multipart/mixed; boundary=\"a\"\r\nFrom: <<@>\r\nDate: 99\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n".to_vec();
        raw.extend(&noise);
        for bytes in [noise.as_slice(), raw.as_slice()] {
            let read = mail::read(bytes);
            let _ = (machine::judge(&read), bounce::read(&read), bounce::complaints(&read));
        }
    }
    let bomb = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n".repeat(5_000);
    assert!(mail::read(bomb.as_bytes()).truncated);
}

#[test]
fn machines_are_told_from_people_by_headers() {
    let table = [
        ("Subject: Re: hi\r\n", "Sounds good", MailKind::Human),
        ("Auto-Submitted: no\r\n", "Sounds good", MailKind::Human),
        ("Auto-Submitted: auto-replied\r\n", "I am out of the office until Monday", MailKind::OutOfOffice),
        ("Auto-Submitted: auto-replied\r\n", "We have received your request", MailKind::AutoReply),
        ("X-Autoreply: yes\r\n", "I'm on annual leave", MailKind::OutOfOffice),
        ("Precedence: bulk\r\n", "Ticket opened", MailKind::AutoReply),
        ("X-Auto-Response-Suppress: All\r\n", "Happy to talk on Monday", MailKind::Human),
        ("X-Auto-Response-Suppress: All\r\n", "I'm on annual leave", MailKind::OutOfOffice),
        ("Subject: Automatic reply: hi\r\n", "Back in the office on Monday", MailKind::OutOfOffice),
        ("Subject: Abwesenheitsnotiz\r\n", "Ich bin nicht im Büro", MailKind::OutOfOffice),
        ("Return-Path: <>\r\n", "Thanks, we got it", MailKind::AutoReply),
        ("List-Id: <news.acme.test>\r\n", "News", MailKind::AutoReply),
        ("X-Failed-Recipients: bob@x.test\r\n", "gone", MailKind::Bounce),
        (
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n",
            "--b\r\n\r\nread\r\n--b--",
            MailKind::AutoReply,
        ),
    ];
    for (headers, body, expected) in table {
        assert_eq!(kind(headers, body), expected, "{headers}{body}");
    }
}

#[test]
fn a_refusal_while_sending_tells_a_dead_address_from_a_blocked_sender() {
    for (status, code, text, gone) in [
        (Some("5.1.1"), 550, "The email account that you tried to reach does not exist", true),
        (None, 550, "No such user here", true),
        (Some("5.7.26"), 550, "Unauthenticated email is not accepted due to DMARC policy", false),
        (Some("5.2.2"), 552, "mailbox full", false),
        (Some("4.1.1"), 450, "user unknown, try later", false),
        (None, 400, "", false),
    ] {
        assert_eq!(bounce::is_address_gone(status, code, text), gone, "{text}");
    }
}

type Labels = BTreeMap<String, Vec<serde_json::Value>>;

/// Shares of recipients found and of reasons right on one part of the labelled messages.
fn measured(part: &str) -> (usize, f64, f64) {
    let labels: Labels = serde_json::from_slice(&fixture(part)).unwrap();
    let (mut total, mut found, mut right) = (0, 0, 0);
    for (file, expected) in &labels {
        let read = bounce::eval::recipients(&fixture(file));
        for (at, label) in expected.iter().enumerate() {
            total += 1;
            found += usize::from(read.get(at).is_some_and(|one| one.address.contains('@')));
            right += usize::from(read.get(at).is_some_and(|one| label["reason"] == one.reason));
        }
    }
    (total, found as f64 / total as f64, right as f64 / total as f64)
}

#[test]
fn real_reports_give_recipient_and_reason() {
    let (total, found, right) = measured("development.json");
    assert!(total == 161 && found >= 0.97 && right >= 0.97, "development: {found} {right}");
    let (total, found, right) = measured("held_out.json");
    assert!(total == 164 && found >= 0.97 && right >= HELD_OUT_FLOOR, "held out: {found} {right}");
}

/// The bar for the messages that were kept out of development; 0.933 was measured.
const HELD_OUT_FLOOR: f64 = 0.92;

#[test]
fn a_report_names_the_message_that_came_back() {
    let report = bounce::read(&mail::read(&fixture("lhost-postfix-06.eml")));
    assert_eq!(report.failures[0].address, "kijitora@neko.example.jp");
    assert_eq!(report.failures[0].action, Action::SuppressAddress);
    let id = report.original_message_id.unwrap();
    assert!(!id.contains('<') && id.contains('@'), "{id}");
}

#[test]
fn a_refusal_for_the_senders_fault_never_suppresses_the_address() {
    for (file, action) in [
        ("lhost-dragonfly-05.eml", Action::FixSenderDns),
        ("rhost-google-06.eml", Action::FixSenderDns),
        ("rhost-microsoft-05.eml", Action::SlowMailbox),
        ("lhost-postfix-67.eml", Action::FixContent),
        ("lhost-gmx-04.eml", Action::RetryLater),
    ] {
        let report = bounce::read(&mail::read(&fixture(file)));
        assert_eq!(report.failures[0].action, action, "{file}");
        assert!(!report.failures[0].hard, "{file}");
    }
}

#[test]
fn a_complaint_names_who_complained_about_what() {
    let named = bounce::complaints(&mail::read(&fixture("arf-01.eml")));
    assert_eq!(named.feedback_type.as_deref(), Some("abuse"));
    assert_eq!(named.recipients, ["redacted@example.net"]);
    let returned = bounce::complaints(&mail::read(&fixture("arf-15.eml")));
    assert_eq!(returned.original_message_id.as_deref(), Some("ffffffffffffffffffffffff00000000@example.net"));
}

#[test]
fn the_step_is_read_below_postfixs_talk_of_the_returned_message() {
    // Its provider refuses unknown users at RCPT and senders at the end of DATA, both without a code.
    let report = bounce::read(&mail::read(&fixture("rhost-nttdocomo-03.eml")));
    assert_eq!(report.failures[0].reason, crate::Reason::Rejected);
}
