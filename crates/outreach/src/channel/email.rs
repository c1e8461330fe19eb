//! E-mail: over SMTP, or by the API of a provider that keeps the Message-ID.

use super::{
    Channel, Form,
    way::{Fault, Keys, Looked, Out, Parcel, Person, Sender, Taken, Then, Way},
};
use crate::{
    content::{limits::Issue, short},
    resource::Resource,
};
use async_trait::async_trait;
use base::{EmailAddress, Error, Result};
use inbound::{bounce::Command, reason};
use ports::{
    Ports,
    email::{
        EmailAccount, Found, ListUnsubscribe, Mailbox, MessageId, Outgoing, PostmarkAccount, ResendAccount,
        SalesforgeAccount, SendError,
    },
};

/// E-mail.
pub(crate) struct Mail;

impl Way for Mail {
    fn reach(&self, person: &Person) -> Result<String, String> {
        match &person.email {
            Some(email) if !person.email_invalid => Ok(email.clone()),
            Some(_) | None => Err("The lead has no valid e-mail address.".to_owned()),
        }
    }

    fn check(&self, form: Form, subject: &str, body: &str) -> Vec<Issue> {
        short::check(Channel::Email, form, subject, body)
    }

    fn sender_lacks(&self, from: &Sender<'_>, _: &str) -> Option<String> {
        from.identity_lacks()
    }

    fn pack(&self, out: &Out<'_>) -> Result<Box<dyn Parcel>> {
        let account = if out.keys.provider.is_empty() {
            EmailAccount::Smtp(crate::resource::smtp(out.resource, out.keys.secret("password"))?)
        } else {
            account(out.keys)?
        };
        Ok(Box::new(Packed { account, mail: outgoing(out)? }))
    }
}

/// The account of a mailbox at a provider.
pub(crate) fn account(keys: &Keys) -> Result<EmailAccount> {
    match keys.provider.as_str() {
        "resend" => Ok(EmailAccount::Resend(ResendAccount {
            api_key: keys.secret("api_key"),
            base_url: keys.base_url()?,
        })),
        "postmark" => Ok(EmailAccount::Postmark(PostmarkAccount {
            server_token: keys.secret("server_token"),
            stream: keys.maybe("stream").unwrap_or_else(|| "outbound".to_owned()),
            base_url: keys.base_url()?,
        })),
        "salesforge" => Ok(EmailAccount::Salesforge(SalesforgeAccount {
            api_key: keys.secret("api_key"),
            workspace: keys.get("workspace")?,
            sequence: keys.get("sequence")?,
            base_url: keys.base_url()?,
        })),
        _ => Err(keys.wrong("e-mail")),
    }
}

fn outgoing(out: &Out<'_>) -> Result<Outgoing> {
    let id = |text: &str| MessageId::parse(text);
    let missing = |what: &str| Error::internal(format!("A touch has no {what}."));
    let message_id = out.mail.message_id.as_deref().ok_or_else(|| missing("Message-ID"))?;
    let https = out.mail.unsubscribe.clone().ok_or_else(|| missing("unsubscribe token"))?;
    let resource: &Resource = out.resource;
    let address = EmailAddress::parse(&resource.address)?;
    Ok(Outgoing {
        message_id: id(message_id)?,
        date: out.now,
        from: Mailbox { name: resource.display_name.clone(), address: address.clone() },
        to: vec![EmailAddress::parse(&out.content.to)?],
        reply_to: None,
        subject: out.content.subject.clone(),
        text: out.content.body.clone(),
        html: out.mail.track.as_ref().map(|track| crate::track::html(&out.content.body, track)),
        calendar: None,
        in_reply_to: out.mail.in_reply_to.as_deref().map(id).transpose()?,
        references: out.mail.refs.iter().map(|text| id(text)).collect::<Result<_>>()?,
        list_unsubscribe: Some(ListUnsubscribe { https, mailto: Some(address) }),
        headers: Vec::new(),
    })
}

struct Packed {
    account: EmailAccount,
    mail: Outgoing,
}

#[async_trait]
impl Parcel for Packed {
    async fn send(&self, ports: &Ports) -> Result<Taken, Fault> {
        match ports.email.send(&self.account, &self.mail).await {
            Ok(accepted) => {
                Ok(Taken { provider_ref: accepted.provider_ref, response: accepted.response, cost: None })
            }
            Err(error) => Err(fault(&error)),
        }
    }

    async fn find(&self, ports: &Ports) -> Result<Looked> {
        Ok(match ports.email.find(&self.account, &self.mail.message_id).await? {
            Found::Delivered => Looked::Taken(Taken {
                provider_ref: None,
                response: "found at the provider after its answer was lost".to_owned(),
                cost: None,
            }),
            Found::NotSeen => Looked::NotSeen,
            Found::CannotTell => Looked::CannotTell,
        })
    }
}

fn fault(error: &SendError) -> Fault {
    let then = match error {
        SendError::Unknown { .. } => Then::Unknown,
        error if error.may_retry() => Then::TryAgain,
        SendError::Refused(refusal) if address_gone(refusal) => Then::AddressGone,
        SendError::Refused(_) | SendError::NotStarted(_) => Then::End,
    };
    Fault { detail: error.to_string(), then }
}

fn address_gone(refusal: &ports::email::Refusal) -> bool {
    let words = reason::Words {
        diagnostic: &refusal.text,
        status: refusal.enhanced.as_deref(),
        reply: Some(refusal.code),
        action: Some("failed"),
        command: Some(if refusal.per_recipient.is_empty() { Command::Data } else { Command::Rcpt }),
        category: None,
    };
    refusal.permanent && reason::classify(words).hard()
}
