//! The outside: DNS, mail server, language model, public address.

use super::Finding;
use crate::settings::Settings;
use base::{Random, SystemClock};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// How long an answer from outside may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A name that is reserved and always has records.
const KNOWN_NAME: &str = "example.com";

pub(super) async fn dns(settings: &Settings) -> Finding {
    let fix = "Check /etc/resolv.conf and the network. Without DNS, mailboxes are not checked and addresses stay unverified.";
    let ports =
        vendors::ports(&settings.outside.vendors(), Arc::new(SystemClock), Arc::new(Random::system()));
    let ports = match ports {
        Ok(ports) => ports,
        Err(error) => return Finding::warn("dns", error.message(), fix),
    };
    match timeout(PATIENCE, ports.dns.txt(KNOWN_NAME)).await {
        Ok(Ok(records)) if records.is_empty() => {
            Finding::warn("dns", format!("the resolver answers but knows nothing of {KNOWN_NAME}"), fix)
        }
        Ok(Ok(_)) => Finding::ok("dns", "names can be looked up"),
        Ok(Err(error)) => Finding::warn("dns", error.message(), fix),
        Err(_) => Finding::warn("dns", "no answer within 5 s", fix),
    }
}

pub(super) async fn mail(settings: &Settings) -> Finding {
    let mail = &settings.mail;
    if mail.smtp_host.is_empty() {
        return if settings.sink.enabled {
            Finding::ok(
                "mail",
                "the installation's own mails go into the built-in sink; nothing leaves the machine",
            )
        } else {
            Finding::fail(
                "mail",
                "there is no mail server and the sink is off: invitations and password resets go nowhere",
                "Set mail.smtp_host and mail.from, or sink.enabled = true.",
            )
        };
    }
    let place = format!("{}:{}", mail.smtp_host, mail.smtp_port);
    let fix = "Check mail.smtp_host and mail.smtp_port, and whether a firewall lets the connection out.";
    match timeout(PATIENCE, TcpStream::connect(&place)).await {
        Ok(Ok(_)) => Finding::ok("mail", format!("{place} answers")),
        Ok(Err(cause)) => Finding::fail("mail", format!("{place} does not answer: {cause}"), fix),
        Err(_) => Finding::fail("mail", format!("{place} does not answer within 5 s"), fix),
    }
}

pub(super) fn llm(settings: &Settings) -> Finding {
    match settings.llm.account() {
        Ok(Some(account)) => Finding::ok("llm", format!("{} is asked", account.model)),
        Ok(None) => Finding::warn(
            "llm",
            "no model is set: the built-in writer and classifier do the work",
            "For a model, set AGENCY__LLM__MODEL and AGENCY__LLM__KEY.",
        ),
        Err(error) => Finding::fail("llm", error.message(), "Correct the llm settings."),
    }
}

pub(super) fn address(settings: &Settings) -> Finding {
    let origin = settings.web.origin();
    let local = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"].iter().any(|host| origin.contains(host));
    if local && !settings.mail.smtp_host.is_empty() {
        return Finding::warn(
            "address",
            format!("links in mails lead to {origin}, which others cannot reach"),
            "Set web.public_url to the address at which people reach this installation.",
        );
    }
    if origin.starts_with("https://") && !settings.web.secure_cookies {
        return Finding::warn(
            "address",
            "the address is https but cookies are not marked Secure",
            "Set web.secure_cookies = true.",
        );
    }
    Finding::ok("address", origin)
}
