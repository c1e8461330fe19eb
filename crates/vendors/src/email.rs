//! Sending mail.

mod mime;
pub mod postmark;
pub mod resend;
pub mod salesforge;
pub mod smtp;

pub use mime::write;

use async_trait::async_trait;
use base::{Result, Time};
use ports::delivery::{Event, Failure, Reason, Reply, Step as Stopped};
use ports::email::{
    Accepted, EmailAccount, EmailSender, Found, Mailbox, MessageId, NotStarted, Outgoing, RecipientReply,
    Refusal, SendError, Step,
};
use uuid::Uuid;

use crate::delivery::{Line, ours_in};

/// Sends through whatever account a mail leaves by.
pub struct Senders {
    smtp: smtp::Smtp,
    resend: resend::Resend,
    postmark: postmark::Postmark,
    salesforge: salesforge::Salesforge,
}

impl Senders {
    /// SMTP servers over `smtp`, the services' APIs over `line`.
    pub fn new(smtp: smtp::Smtp, line: &Line) -> Self {
        Self {
            smtp,
            resend: resend::Resend::new(line.clone()),
            postmark: postmark::Postmark::new(line.clone()),
            salesforge: salesforge::Salesforge::new(line.clone()),
        }
    }
}

#[async_trait]
impl EmailSender for Senders {
    async fn send(&self, account: &EmailAccount, mail: &Outgoing) -> Result<Accepted, SendError> {
        match account {
            EmailAccount::Smtp(_) => self.smtp.send(account, mail).await,
            EmailAccount::Resend(resend) => self.resend.send(resend, mail).await,
            EmailAccount::Postmark(postmark) => self.postmark.send(postmark, mail).await,
            EmailAccount::Salesforge(salesforge) => self.salesforge.send(salesforge, mail).await,
        }
    }

    async fn find(&self, account: &EmailAccount, message_id: &MessageId) -> Result<Found> {
        match account {
            EmailAccount::Smtp(_) => self.smtp.find(account, message_id).await,
            EmailAccount::Resend(resend) => self.resend.find(resend, message_id).await,
            EmailAccount::Postmark(postmark) => self.postmark.find(postmark, message_id).await,
            // A contact's place in a sequence cannot be read by our id.
            EmailAccount::Salesforge(_) => Ok(Found::CannotTell),
        }
    }

    async fn content(&self, account: &EmailAccount, provider_ref: &str) -> Result<Reply> {
        match account {
            EmailAccount::Resend(resend) => self.resend.content(resend, provider_ref).await,
            EmailAccount::Postmark(postmark) => self.postmark.content(postmark, provider_ref).await,
            EmailAccount::Smtp(_) | EmailAccount::Salesforge(_) => {
                self.smtp.content(account, provider_ref).await
            }
        }
    }

    async fn received(&self, account: &EmailAccount, since: Time) -> Result<Vec<Event>> {
        match account {
            EmailAccount::Resend(resend) => self.resend.received(resend, since).await,
            EmailAccount::Postmark(postmark) => self.postmark.received(postmark, since).await,
            EmailAccount::Smtp(_) | EmailAccount::Salesforge(_) => Ok(Vec::new()),
        }
    }
}

/// A carrier's failure in the words of mail.
fn failed(mail: &Outgoing, failure: Failure) -> SendError {
    match failure {
        Failure::Refused(refusal) if refusal.reason == Reason::Account => SendError::NotStarted(NotStarted {
            step: Step::SignIn,
            host: String::new(),
            message: format!("{refusal}. Check the account's key."),
        }),
        Failure::Refused(refusal) => {
            let code = if refusal.permanent { 550 } else { 450 };
            let enhanced = match refusal.reason {
                Reason::NoSuchRecipient => Some("5.1.1"),
                Reason::OptedOut | Reason::Blocked => Some("5.7.1"),
                Reason::Sender => Some("5.7.8"),
                Reason::Content => Some("5.6.0"),
                Reason::Account | Reason::Funds | Reason::Busy | Reason::Other => None,
            }
            .map(str::to_owned);
            let text = format!("{} ({})", refusal.text, refusal.code);
            let of_recipient = matches!(refusal.reason, Reason::NoSuchRecipient | Reason::OptedOut);
            let reply = |to: &base::EmailAddress| RecipientReply {
                to: to.clone(),
                code,
                enhanced: enhanced.clone(),
                text: text.clone(),
            };
            let per_recipient = if of_recipient { mail.to.iter().map(reply).collect() } else { Vec::new() };
            SendError::Refused(Refusal { permanent: refusal.permanent, code, enhanced, text, per_recipient })
        }
        Failure::NotStarted { step, host, message } => {
            let step = match step {
                Stopped::Check => Step::Check,
                Stopped::Connect => Step::Connect,
                Stopped::Busy | Stopped::Handover => Step::Handover,
            };
            SendError::NotStarted(NotStarted { step, host, message })
        }
        Failure::Unknown { host, detail, .. } => SendError::Unknown { host, detail },
    }
}

/// Our row in a Message-ID of ours ([`MessageId::of`]).
fn row_of(id: &MessageId) -> Option<Uuid> {
    ours_in(id.as_str().split_once('@')?.0)
}

/// `"Name" <address>`.
fn written(mailbox: &Mailbox) -> String {
    if mailbox.name.trim().is_empty() {
        return mailbox.address.to_string();
    }
    let name = mailbox.name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{name}\" <{}>", mailbox.address)
}

/// The headers of a mail that a service does not write by itself.
fn headers_of(mail: &Outgoing) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    if let Some(parent) = &mail.in_reply_to {
        headers.push(("In-Reply-To".to_owned(), parent.bracketed()));
    }
    if !mail.references.is_empty() {
        let all: Vec<String> = mail.references.iter().map(MessageId::bracketed).collect();
        headers.push(("References".to_owned(), all.join(" ")));
    }
    if let Some(list) = &mail.list_unsubscribe {
        let mailto = list.mailto.as_ref().map(|to| format!(", <mailto:{to}?subject=unsubscribe>"));
        headers
            .push(("List-Unsubscribe".to_owned(), format!("<{}>{}", list.https, mailto.unwrap_or_default())));
        headers.push(("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned()));
    }
    headers.extend(mail.headers.iter().cloned());
    headers
}

/// Name and address of `Name <address>`.
fn split_address(text: &str) -> (String, Option<String>) {
    match text.rsplit_once('<') {
        Some((name, rest)) => {
            let name = name.trim().trim_matches('"').to_owned();
            (rest.trim_end_matches(['>', ' ']).to_owned(), (!name.is_empty()).then_some(name))
        }
        None => (text.trim().to_owned(), None),
    }
}

/// The value of the first header of a name, in any case, without angle brackets.
fn header(headers: &[(String, String)], name: &str) -> Option<String> {
    let (_, value) = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_start_matches('<').trim_end_matches('>').to_owned())
}
