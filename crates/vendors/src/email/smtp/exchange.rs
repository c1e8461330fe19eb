//! One mail over one connection, knowing at each moment whether it may have been sent.

use base::{EmailAddress, Result};
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use ports::email::{Outgoing, RecipientReply, Refusal};
use std::error::Error as _;
use std::time::Duration;
use tokio::time::timeout;

use super::mime;
use crate::http::TOTAL;

/// Who sends to whom.
pub(super) struct Parties {
    from: Address,
    to: Vec<(EmailAddress, Address)>,
}

impl Parties {
    pub(super) fn of(mail: &Outgoing) -> Result<Self> {
        let from = mime::address(mail.from.address.as_str())?;
        let to = mail.to.iter().map(|to| Ok((to.clone(), mime::address(to.as_str())?)));
        Ok(Self { from, to: to.collect::<Result<_>>()? })
    }
}

/// How an exchange failed.
pub(super) enum Failed {
    /// The server said no.
    Refused(Refusal),
    /// The connection was lost and no content was sent.
    BeforeContent(String),
    /// The connection was lost after the content began and before the server's word on it.
    AfterContent(String),
}

/// What the server said, or that the connection is lost.
enum Said {
    No { code: u16, enhanced: Option<String>, text: String },
    Nothing(String),
}

/// Hands a mail over; returns the server's words of acceptance.
pub(super) async fn hand_over(
    smtp: &mut AsyncSmtpConnection,
    parties: &Parties,
    bytes: &[u8],
) -> Result<String, Failed> {
    let late = |_| Said::Nothing("no reply within 60 seconds".to_owned());
    match timeout(TOTAL, introduce(smtp, parties)).await {
        Ok(introduced) => introduced?,
        Err(_) => return Err(Failed::BeforeContent("no reply within 60 seconds".to_owned())),
    }
    // The final line end belongs to the end mark that the library writes.
    let content = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
    // RFC 5321 §4.5.3.2.6 wants ten minutes for the reply to the content; within ours a mail that
    // takes longer is undecided, not lost.
    let sent = timeout(TOTAL, smtp.message(content)).await.map_err(late);
    match sent.and_then(|reply| reply.map_err(|error| said(&error))) {
        Ok(reply) => Ok(reply.message().collect::<Vec<_>>().join(" ")),
        Err(Said::No { code, enhanced, text }) => Err(Failed::Refused(refusal(code, enhanced, text, vec![]))),
        Err(Said::Nothing(detail)) => Err(Failed::AfterContent(detail)),
    }
}

/// MAIL, RCPT and DATA. One refused recipient refuses the mail, before anything is sent.
async fn introduce(smtp: &mut AsyncSmtpConnection, parties: &Parties) -> Result<(), Failed> {
    let whole = |said: Said| match said {
        Said::No { code, enhanced, text } => Failed::Refused(refusal(code, enhanced, text, vec![])),
        Said::Nothing(detail) => Failed::BeforeContent(detail),
    };
    let mail = Mail::new(Some(parties.from.clone()), vec![]);
    smtp.command(mail).await.map_err(|error| whole(said(&error)))?;
    let mut refused = Vec::new();
    for (to, address) in &parties.to {
        match smtp.command(Rcpt::new(address.clone(), vec![])).await.map_err(|error| said(&error)) {
            Ok(_) => {}
            Err(Said::No { code, enhanced, text }) => {
                refused.push(RecipientReply { to: to.clone(), code, enhanced, text });
            }
            Err(Said::Nothing(detail)) => return Err(Failed::BeforeContent(detail)),
        }
    }
    // The gravest reply stands for the mail.
    if let Some(worst) = refused.iter().max_by_key(|reply| reply.code).cloned() {
        return Err(Failed::Refused(refusal(worst.code, worst.enhanced, worst.text, refused)));
    }
    smtp.command(Data).await.map_err(|error| whole(said(&error)))?;
    Ok(())
}

/// Forgets a refused mail, so that the connection can be used again. False when it cannot.
pub(super) async fn reset(smtp: &mut AsyncSmtpConnection) -> bool {
    matches!(timeout(Duration::from_secs(5), smtp.command(Rset)).await, Ok(Ok(_)))
}

fn refusal(code: u16, enhanced: Option<String>, text: String, per_recipient: Vec<RecipientReply>) -> Refusal {
    Refusal { permanent: code >= 500, code, enhanced, text, per_recipient }
}

fn said(error: &SmtpError) -> Said {
    match reply(error) {
        Some((code, text)) => Said::No { code, enhanced: enhanced(&text), text },
        None => Said::Nothing(error.source().map_or_else(|| error.to_string(), ToString::to_string)),
    }
}

/// The code and words of a negative reply.
pub(super) fn reply(error: &SmtpError) -> Option<(u16, String)> {
    let code = error.status()?.to_string().parse().ok()?;
    let text = error.source().map(|text| text.to_string().replace('\n', " ")).unwrap_or_default();
    Some((code, text))
}

/// The enhanced status code at the beginning of a reply (RFC 2034).
fn enhanced(text: &str) -> Option<String> {
    let first = text.split_whitespace().next()?;
    let parts: Vec<&str> = first.split('.').collect();
    let [class, subject, detail] = parts.as_slice() else { return None };
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    (["2", "4", "5"].contains(class) && number(subject) && number(detail)).then(|| first.to_owned())
}
