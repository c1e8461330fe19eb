//! Any SMTP server (RFC 5321), over connections that are kept and used again.

mod exchange;
mod pool;
mod wire;

#[cfg(test)]
mod tests;

use super::mime;
use async_trait::async_trait;
use base::{Clock, Error, Result};
use exchange::Failed;
use lettre::transport::smtp::extension::ClientId;
use ports::email::{
    Accepted, EmailAccount, EmailSender, Found, MessageId, NotStarted, Outgoing, SendError, SmtpAccount, Step,
};
use reqwest::StatusCode;
use std::sync::Arc;
use url::Url;

use crate::http;
use crate::mailbox::imap::Imap;

/// Sends through SMTP.
pub struct Smtp {
    pool: pool::Pool,
    imap: Arc<Imap>,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
}

impl Smtp {
    /// Greets servers with `hello_name`; looks into Sent folders through `imap`.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new(hello_name: &str, imap: Arc<Imap>, clock: Arc<dyn Clock>) -> Result<Self> {
        let hello = ClientId::Domain(hello_name.to_owned());
        Ok(Self { pool: pool::Pool::new(hello)?, imap, http: http::local_client(http::TOTAL)?, clock })
    }

    async fn deliver(&self, account: &SmtpAccount, mail: &Outgoing) -> Result<Accepted, SendError> {
        let host = format!("{}:{}", account.host, account.port);
        let bytes = mime::write(mail).map_err(|error| SendError::malformed(&error))?;
        let parties = exchange::Parties::of(mail).map_err(|error| SendError::malformed(&error))?;
        let mut connection = self.pool.take(account).await.map_err(SendError::NotStarted)?;
        let mut result = exchange::hand_over(&mut connection.smtp, &parties, &bytes).await;
        // A kept connection may have been closed by the server meanwhile, or be told so now (421).
        // Nothing was handed over, so a fresh connection may try once more.
        let stale = match &result {
            Err(Failed::BeforeContent(_)) => true,
            Err(Failed::Refused(refusal)) => refusal.code == 421,
            Ok(_) | Err(Failed::AfterContent(_)) => false,
        };
        if connection.is_used() && stale {
            connection = self.pool.fresh(account, connection).await.map_err(SendError::NotStarted)?;
            result = exchange::hand_over(&mut connection.smtp, &parties, &bytes).await;
        }
        match result {
            Ok(response) => {
                connection.put_back();
                Ok(Accepted { provider_ref: queue_id(&response), response, at: self.clock.now() })
            }
            Err(Failed::Refused(refusal)) => {
                // 421 announces that the server closes (§3.8).
                if refusal.code != 421 && exchange::reset(&mut connection.smtp).await {
                    connection.put_back();
                }
                Err(SendError::Refused(refusal))
            }
            Err(Failed::BeforeContent(detail)) => Err(SendError::NotStarted(NotStarted {
                step: Step::Handover,
                message: format!(
                    "{host} closed the connection before the mail was handed over ({detail}). Nothing was sent; try again."
                ),
                host,
            })),
            Err(Failed::AfterContent(detail)) => Err(SendError::Unknown { host, detail }),
        }
    }

    async fn look_up(&self, at: &Url, message_id: &MessageId) -> Result<Found> {
        let mut url = at.clone();
        url.query_pairs_mut().append_pair("message_id", message_id.as_str());
        let no_answer = |why: String| {
            Error::unavailable(
                "email.lookup",
                format!(
                    "The mail look-up at {} gave no answer ({why}). The mail stays undecided; ask again.",
                    http::host_of(at)
                ),
            )
        };
        let response = self.http.get(url).send().await.map_err(|cause| no_answer(cause.to_string()))?;
        match response.status() {
            StatusCode::OK => Ok(Found::Delivered),
            StatusCode::NOT_FOUND if response.headers().contains_key("x-twin") => Ok(Found::NotSeen),
            status => Err(no_answer(status.to_string())),
        }
    }
}

/// The queue id in the server's words, where there is one: `2.0.0 Ok: queued as 4F…`.
fn queue_id(response: &str) -> Option<String> {
    let (_, id) = response.split_once("queued as ")?;
    id.split_whitespace().next().map(str::to_owned)
}

fn not_smtp(account: &EmailAccount) -> Error {
    Error::invalid("email.not_smtp", format!("The account at {} is none of an SMTP server.", account.host()))
}

#[async_trait]
impl EmailSender for Smtp {
    async fn send(&self, account: &EmailAccount, mail: &Outgoing) -> Result<Accepted, SendError> {
        match account {
            EmailAccount::Smtp(account) => self.deliver(account, mail).await,
            EmailAccount::Resend(_) | EmailAccount::Postmark(_) | EmailAccount::Salesforge(_) => {
                Err(SendError::malformed(&not_smtp(account)))
            }
        }
    }

    async fn find(&self, account: &EmailAccount, message_id: &MessageId) -> Result<Found> {
        let EmailAccount::Smtp(account) = account else {
            return Err(not_smtp(account));
        };
        if let Some(lookup) = &account.lookup {
            return self.look_up(lookup, message_id).await;
        }
        match &account.sent {
            // Providers file sent mail late or not at all: only a find says something.
            Some(sent) if self.imap.has_message(sent, message_id).await? => Ok(Found::Delivered),
            Some(_) | None => Ok(Found::CannotTell),
        }
    }
}
