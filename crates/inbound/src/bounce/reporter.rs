//! Who wrote a report, and which server refused.

use super::Command;
use crate::mail::Inbound;
use crate::reason::System;

/// The reporting host, the domain that the report comes from and, where a product signs the mail it
/// handled, the product's name; lower case.
pub(super) fn names(mail: &Inbound, reporting: Option<&str>) -> Vec<String> {
    let host = reporting.map(|field| field.split_once(';').map_or(field, |(_, name)| name));
    let from = mail.from.as_ref().and_then(|from| from.address.rsplit_once('@')).map(|(_, domain)| domain);
    let filter = mail.header("x-spasign").is_some_and(|sign| sign.trim() == "NG").then_some("spasign");
    let product = [
        ("x-message-delivery", "hotmail.com"),
        ("x-nai-header", "mcafee"),
        ("x-mxl-notehash", "mxlogic.net"),
        ("x-mxl-hash", "mxlogic.net"),
    ];
    let product = product.iter().find(|(name, _)| mail.header(name).is_some()).map(|(_, product)| *product);
    let words = host.and_then(|host| host.split_whitespace().next());
    let all = [words, from, product, filter].into_iter().flatten();
    all.map(|name| name.trim_matches(['.', '[', ']', ' ']).to_ascii_lowercase()).collect()
}

/// The system that wrote a report, by its own headers and manner.
pub(super) fn system(mail: &Inbound, human: &str, by: &[&str]) -> System {
    let low = human.to_ascii_lowercase();
    let subject = mail.subject.to_lowercase();
    let ends = |name: &str| by.iter().any(|host| host.ends_with(name));
    let google = ends("google.com") || ends("googlemail.com");
    if exchange_online(mail, &low, &subject) {
        System::ExchangeOnline
    } else if low.contains("diagnostic information for administrators")
        || low.contains("generating server:")
        || (subject.starts_with("undeliverable") && mail.header("content-language").is_some())
    {
        System::Exchange
    } else if ends("amazonaws.com") && low.contains("could not be delivered")
        || mail.header("x-mailer").is_some_and(|name| name.eq_ignore_ascii_case("Amazon WorkMail"))
    {
        System::Amazon
    } else if ["ezweb.ne.jp", "auone-net.jp", "au.com", "dion.ne.jp"].iter().any(|name| ends(name)) {
        System::Au
    } else if !google && (mail.header("x-failed-recipients").is_some() || exim(mail, &low, &subject)) {
        System::Exim
    } else if mail.header("x-ymailisg").is_none() && qmail(mail, &low, &subject) {
        System::Qmail
    } else {
        System::Other
    }
}

fn exchange_online(mail: &Inbound, text: &str, subject: &str) -> bool {
    let cloud = ["outlook.com", "office365.com", "exchangelabs.com"];
    let generated = text.lines().any(|line| {
        line.starts_with("generating server:") && cloud.iter().any(|name| line.trim_end().ends_with(name))
    });
    let titled = ["undeliverable:", "onbestelbaar:", "não_entregue:", "não entregue:"];
    let passed = mail.headers.iter().any(|(name, value)| {
        name.starts_with("x-ms-exchange-")
            || name.starts_with("x-microsoft-antispam")
            || (name == "received" || name == "message-id")
                && [".outbound.protection.outlook.com", ".prod.outlook.com"]
                    .iter()
                    .any(|at| value.contains(at))
    });
    generated || (passed && titled.iter().any(|title| subject.contains(title)))
}

fn exim(mail: &Inbound, text: &str, subject: &str) -> bool {
    let from = mail.header("from").is_some_and(|from| from.trim_start().starts_with("Mail Delivery System"));
    // `<E1abCdE-0001Ab-Cd@host>`
    let id = mail.header("message-id").is_some_and(|id| id.find('-') == Some(8) && id.find('@') == Some(18));
    let titles = [
        "delivery status notification",
        "mail delivery failed",
        "mail failure",
        "message frozen",
        "warning: message ",
        "error(s) in forwarding or filtering",
    ];
    let titled = titles.iter().any(|title| subject.contains(title));
    text.contains("created automatically by mail delivery software")
        || [from, id, titled].iter().filter(|sign| **sign).count() > 1
}

/// How qmail and the servers made from it open a report; the last openings are also those of others,
/// which have other subjects.
fn qmail(mail: &Inbound, text: &str, subject: &str) -> bool {
    let sure = ["qmail-send program", "i'm afraid i wasn't able to deliver", "he/her is not"];
    let common = [
        "unable to deliver message to the following address",
        "unable to deliver your message to the following address",
        "unable to be delivered to the following",
        "your mail was not delivered to the following address:",
        "your mail message to the following address",
        "your message to the following addresses",
        "the machine generated message from mail service",
        "su mensaje no pudo ser entregado",
        "we're sorry.",
    ];
    let subjects = ["failure notice", "permanent delivery failure"];
    let passed = mail
        .headers
        .iter()
        .any(|(name, value)| name == "received" && value.contains("(qmail ") && value.contains(" invoked f"));
    sure.iter().any(|words| text.contains(words))
        || ((passed || subjects.iter().any(|start| subject.starts_with(start)))
            && common.iter().any(|words| text.contains(words)))
}

/// Yahoo leaves out the step; an answer that names the address is one to RCPT.
pub(super) fn yahoo(mail: &Inbound, said: &str) -> Option<Command> {
    let answer = said.split_once("emote host said:").map_or("", |(_, answer)| answer);
    let named = answer.contains('<') && answer.contains('@');
    (mail.header("x-ymailisg").is_some() && named).then_some(Command::Rcpt)
}

/// The server that refused, as reports in plain text name it (`host mx.a.test[192.0.2.1] said:`,
/// `while talking to mx.a.test.:`).
pub(super) fn refusing_host(said: &str) -> Option<&str> {
    let after = |mark: &str| {
        let at = said.find(mark)?;
        let word = said[at + mark.len()..].split_whitespace().next()?;
        let name = word.split(['[', '(', ':', ',']).next()?.trim_matches(['<', '>', '.']);
        name.contains('.').then_some(name)
    };
    after("host ").or_else(|| after("while talking to "))
}
