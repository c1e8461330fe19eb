//! The account that a mail leaves through.

use base::{Error, Result, Secret};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use url::Url;

use crate::delivery::Provider;
use crate::mailbox::ImapAccount;

/// How mail leaves.
#[derive(Clone, Debug)]
pub enum EmailAccount {
    /// Any SMTP server, the built-in sink among them.
    Smtp(SmtpAccount),
    /// Resend.
    Resend(ResendAccount),
    /// Postmark.
    Postmark(PostmarkAccount),
    /// Salesforge.
    Salesforge(SalesforgeAccount),
}

impl EmailAccount {
    /// Where the account's mail goes, for messages to people.
    pub fn host(&self) -> String {
        match self {
            Self::Smtp(smtp) => format!("{}:{}", smtp.host, smtp.port),
            Self::Resend(_) => Provider::Resend.to_string(),
            Self::Postmark(_) => Provider::Postmark.to_string(),
            Self::Salesforge(_) => Provider::Salesforge.to_string(),
        }
    }
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// Not at all; only to this machine.
    None,
    /// Begins in the clear and must be upgraded before anything is said.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
}

impl Security {
    /// Refuses an unprotected connection to any machine but this one.
    ///
    /// # Errors
    /// Invalid, when `host` is not loopback and there is no encryption.
    pub fn check(self, host: &str) -> Result<()> {
        let loopback = host.eq_ignore_ascii_case("localhost")
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if self == Self::None && !loopback {
            return Err(Error::invalid(
                "email.unencrypted",
                format!(
                    "The account for {host} has no encryption. Choose STARTTLS (port 587) or TLS (port 465); only this machine may be reached without."
                ),
            ));
        }
        Ok(())
    }
}

/// An account at an SMTP server.
#[derive(Clone, Debug)]
pub struct SmtpAccount {
    /// Name or address of the server.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// The user name; none when the server asks for no sign-in.
    pub username: Option<String>,
    /// The password or app password.
    pub password: Secret,
    /// Where the built-in sink answers `GET ?message_id=…`; none for other servers.
    pub lookup: Option<Url>,
    /// The mailbox into which the provider files accepted mail, and its folder (`[Gmail]/Sent Mail`).
    pub sent: Option<ImapAccount>,
}

/// An account at Resend. Its rules forbid mass unsolicited mail: for mail that is expected.
#[derive(Clone, Debug)]
pub struct ResendAccount {
    /// The key, `re_…`.
    pub api_key: Secret,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// A server at Postmark.
#[derive(Clone, Debug)]
pub struct PostmarkAccount {
    /// The server's token.
    pub server_token: Secret,
    /// The message stream, such as `outbound` or `broadcast`.
    pub stream: String,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// A sequence at Salesforge.
///
/// There is no call that sends one mail: a contact is enrolled in a sequence. The sequence has one step
/// whose subject and text are `{{subject}}` and `{{body}}`; a person is enrolled in it once, so that every
/// step of a sequence of ours needs a sequence of its own there.
#[derive(Clone, Debug)]
pub struct SalesforgeAccount {
    /// The key; it is sent bare.
    pub api_key: Secret,
    /// The workspace.
    pub workspace: String,
    /// The sequence that contacts are enrolled in.
    pub sequence: String,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}
