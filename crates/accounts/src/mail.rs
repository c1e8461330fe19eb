//! The installation's own mails: invitations, verification, password reset. Short and plain; sent
//! by a job through the installation's own account.
//!
//! The link is made when the mail is written, so that no queue row ever holds one. A mail whose
//! outcome was lost is written again with another link; both work.

use crate::member::{self, InvitationId};
use crate::{person, recovery, session};
use base::{EmailAddress, Error, Result, Secret, UserId};
use db::Cx;
use jobs::{Job, Options, Priority, Retry, Run};
use ports::email::{
    EmailAccount, EmailSender, Mailbox, MessageId, Outgoing, Security, SendError, SmtpAccount,
};
use recovery::rules::Purpose;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the installation sends its own mails.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailSettings {
    /// The sender's address.
    pub from: EmailAddress,
    /// The sender's name.
    pub from_name: String,
    /// Name or address of the SMTP server. Empty: the built-in sink, from which nothing leaves.
    pub smtp_host: String,
    /// Its TCP port.
    pub smtp_port: u16,
    /// How the connection is protected: `tls`, `start_tls`, or `none` (this machine only).
    pub smtp_security: MailSecurity,
    /// The user name; empty when the server asks for none.
    pub smtp_username: String,
    /// The password.
    pub smtp_password: Secret,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// Not at all; only to this machine.
    None,
    /// Begins in the clear and is upgraded at once.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            from: EmailAddress::parse("agency@sink.localhost").expect("a sound address"),
            from_name: "Agency OS".to_owned(),
            smtp_host: String::new(),
            smtp_port: 465,
            smtp_security: MailSecurity::Tls,
            smtp_username: String::new(),
            smtp_password: Secret::default(),
        }
    }
}

impl MailSettings {
    /// The account to send through: the configured server, else the built-in sink.
    pub fn account(&self, sink: SmtpAccount) -> EmailAccount {
        if self.smtp_host.is_empty() {
            return EmailAccount::Smtp(sink);
        }
        EmailAccount::Smtp(SmtpAccount {
            host: self.smtp_host.clone(),
            port: self.smtp_port,
            security: match self.smtp_security {
                MailSecurity::None => Security::None,
                MailSecurity::StartTls => Security::StartTls,
                MailSecurity::Tls => Security::Tls,
            },
            username: (!self.smtp_username.is_empty()).then(|| self.smtp_username.clone()),
            password: self.smtp_password.clone(),
            lookup: None,
            sent: None,
        })
    }
}

/// What the job needs from its process.
#[derive(Clone)]
pub struct Mailer {
    /// Hands mails over.
    pub sender: Arc<dyn EmailSender>,
    /// Through which account; see [`MailSettings::account`].
    pub account: EmailAccount,
    /// As whom.
    pub from: Mailbox,
    /// The public address of the installation without a final slash, for links.
    pub origin: String,
}

/// One mail to write and send.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case")]
pub(crate) enum Mail {
    /// Asks a person to confirm their address.
    Verify {
        /// Whom.
        person: UserId,
    },
    /// Lets whoever has this address set a password; nothing is sent when nobody has it.
    Reset {
        /// The address as asked for.
        email: EmailAddress,
    },
    /// Asks someone to join an organisation.
    Invite {
        /// Which invitation.
        invitation: InvitationId,
    },
}

/// Enqueues a mail in the caller's transaction; the same one is not queued twice.
pub(crate) async fn enqueue(cx: &mut Cx, mail: Mail) -> Result<()> {
    let key = match &mail {
        Mail::Verify { person } => format!("verify:{person}"),
        Mail::Reset { email } => format!("reset:{email}"),
        Mail::Invite { invitation } => format!("invite:{invitation}"),
    };
    let options = Options { priority: Priority::Urgent, unique_key: Some(key), ..Options::default() };
    jobs::enqueue_with(cx, &mail, options).await?;
    Ok(())
}

/// A mail's words.
struct Letter {
    to: EmailAddress,
    subject: String,
    text: String,
}

impl Job for Mail {
    const KIND: &'static str = "accounts.mail";
    const TIMEOUT_S: u64 = 120;
    type State = Mailer;

    fn retry() -> Retry {
        Retry::after_s(&[10, 60, 300, 900])
    }

    async fn run(self, run: &Run, mailer: &Mailer) -> Result<()> {
        let mut cx = run.db().system("accounts.mail").await?;
        let letter = self.write(&mut cx, &mailer.origin).await?;
        let date = cx.now();
        cx.commit().await?;
        let Some(letter) = letter else { return Ok(()) };
        let outgoing = Outgoing {
            message_id: MessageId::of(run.db().random().uuid(date), &mailer.from.address),
            date,
            from: mailer.from.clone(),
            to: vec![letter.to],
            reply_to: None,
            subject: letter.subject,
            text: letter.text,
            html: None,
            calendar: None,
            in_reply_to: None,
            references: Vec::new(),
            list_unsubscribe: None,
            headers: vec![("Auto-Submitted".to_owned(), "auto-generated".to_owned())],
        };
        match mailer.sender.send(&mailer.account, &outgoing).await {
            Ok(_) => Ok(()),
            Err(cause) => Err(failed(cause)),
        }
    }
}

/// A lost outcome is tried again too: a second mail with another link does no harm.
fn failed(cause: SendError) -> Error {
    let again = cause.may_retry() || matches!(cause, SendError::Unknown { .. });
    let error = if again {
        Error::unavailable("mail.later", "The mail could not be handed over; it is tried again.")
    } else {
        Error::refused("mail.refused", "The mail server does not take this mail. Check the mail settings.")
    };
    error.caused_by(cause)
}

impl Mail {
    /// Makes the link and writes the words; none when there is nothing to send any more.
    async fn write(&self, cx: &mut Cx, origin: &str) -> Result<Option<Letter>> {
        match self {
            Self::Verify { person } => {
                let person = person::get(cx, *person).await?;
                if person.email_verified_at.is_some() {
                    return Ok(None);
                }
                let Some(token) = recovery::issue(cx, person.id, Purpose::VerifyEmail).await? else {
                    return Ok(None);
                };
                Ok(Some(Letter {
                    to: EmailAddress::parse(&person.email)?,
                    subject: "Confirm your e-mail".to_owned(),
                    text: format!(
                        "Hello {},\n\nplease confirm that this address is yours:\n\n{origin}/verify/{}\n\nThe link is good for seven days. If you did not sign up, ignore this mail.\n",
                        person.name,
                        token.expose()
                    ),
                }))
            }
            Self::Reset { email } => {
                let Some(person) = person::by_email(cx, email).await? else { return Ok(None) };
                let Some(token) = recovery::issue(cx, person.id, Purpose::ResetPassword).await? else {
                    return Ok(None);
                };
                Ok(Some(Letter {
                    to: email.clone(),
                    subject: "Set another password".to_owned(),
                    text: format!(
                        "Hello {},\n\nset another password here:\n\n{origin}/reset/{}\n\nThe link is good for one hour and once. If you did not ask for it, ignore this mail; your password stays as it is.\n",
                        person.name,
                        token.expose()
                    ),
                }))
            }
            Self::Invite { invitation } => {
                let token = session::token(cx.random());
                let Some((to, organisation)) =
                    member::renew_invitation(cx, *invitation, token.expose()).await?
                else {
                    return Ok(None);
                };
                Ok(Some(Letter {
                    to: EmailAddress::parse(&to)?,
                    subject: format!("Join {organisation} on Agency OS"),
                    text: format!(
                        "Hello,\n\nyou are invited to join {organisation} on Agency OS:\n\n{origin}/invite/{}\n\nThe link is good for seven days and once. If you do not know the sender, ignore this mail.\n",
                        token.expose()
                    ),
                }))
            }
        }
    }
}
