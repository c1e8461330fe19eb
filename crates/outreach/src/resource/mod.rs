//! Sending identities: mailboxes, phone numbers, LinkedIn seats, return addresses. Each has a health, a
//! pace and a daily limit (a mailbox shares its domain's), all reserved in the transaction that records a
//! hand-off.

mod allow;
pub mod check;
pub mod health;
pub mod jobs;
pub mod pages;
mod reply_room;
mod reserve;
mod room;
pub mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use reply_room::reserve_reply;
pub(crate) use reserve::Book;
pub use reserve::{PACED, Reserve, Reserved, reserve};
pub(crate) use room::client_zone;
pub use room::{Room, ahead, capacity_today, remaining_today, room};
pub(crate) use store::find_all;
pub use store::{assigned, find, get, linkedin_seats, list, mailbox_used_last, pick, set_status};

use crate::{
    account,
    channel::{Channel, email, way::Keys},
};
use base::{EmailAddress, Error, Result, Secret, Time};
use billing::limit::{self, Limit};
use control::secret::Keyring;
use db::{Cx, Fact};
use ports::{
    email::{EmailAccount, Security, SmtpAccount},
    mailbox::ImapAccount,
};
use rules::Health;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use url::Url;
use uuid::Uuid;

base::id_type!(
    /// A sending identity.
    ResourceId
);

/// Whether it is in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "outreach.resource_status", rename_all = "snake_case")]
pub enum Status {
    /// In use.
    Active,
    /// A person paused it.
    Paused,
    /// Its provider refuses the sign-in.
    Failed,
    /// Never again: its health was critical for too long.
    Retired,
}

impl Status {
    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Retired => "retired",
        }
    }
}

/// A sending identity as stored; no secret is in it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Which.
    pub id: ResourceId,
    /// For which channel.
    pub channel: Channel,
    /// What people call it.
    pub name: String,
    /// The mailbox's address, the number, the seat, the return address.
    pub address: String,
    /// The domain whose daily limit it shares.
    pub domain: Option<String>,
    /// The sender's name as recipients see it.
    pub display_name: String,
    /// `sink`, `smtp`, or the provider of its account.
    pub provider: String,
    /// The account at a provider that it uses; none for servers of its own.
    pub account: Option<Uuid>,
    /// Servers and user names.
    pub settings: Settings,
    /// Whether it is in use.
    pub status: Status,
    /// Why it is not.
    pub status_reason: Option<String>,
    /// How well it does.
    pub health: Health,
    /// Nothing is sent before this instant.
    pub paused_until: Option<Time>,
    /// The first day of the domain's use (ISO date); none before its first send.
    pub domain_in_use_since: Option<String>,
    /// The last send.
    pub last_used_at: Option<Time>,
    /// When its records were looked up.
    pub checked_at: Option<Time>,
    /// What was found.
    pub checks: check::Checks,
}

/// Servers of a mailbox, whose password is sealed apart; what a number, a seat or a return address is made of.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Settings {
    /// The server that takes its mail; none where a provider does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<Server>,
    /// The server from which its answers are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imap: Option<Server>,
    /// The folder into which the provider files sent mail, if it does; settles lost outcomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_folder: Option<String>,
    /// Where the built-in sink answers what it kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookup: Option<Url>,
    /// The DKIM selector whose key is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dkim_selector: Option<String>,
    /// What the other kinds have: the seat's number, the assistant, the lines of the return address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

impl Settings {
    /// One of the details, if it was entered.
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Whether its mail never leaves this machine.
    pub fn is_local(&self) -> bool {
        self.smtp.as_ref().is_some_and(|server| {
            server.host.eq_ignore_ascii_case("localhost")
                || server
                    .host
                    .trim_matches(['[', ']'])
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback())
        })
    }
}

/// One server and the user name there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Server {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// User name; empty when the server asks for none.
    #[serde(default)]
    pub username: String,
}

/// The built-in mail sink of this installation, as mailboxes reach it.
#[derive(Clone, PartialEq, Debug)]
pub struct SinkSettings {
    /// Where its SMTP listens.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Where it answers look-ups.
    pub lookup: Url,
}

/// The provider word of the built-in sink.
pub const SINK: &str = "sink";

/// A mailbox to be added.
#[derive(Clone, Debug)]
pub struct New {
    /// What people call it.
    pub name: String,
    /// Its address.
    pub address: EmailAddress,
    /// The sender's name as recipients see it.
    pub display_name: String,
    /// `sink` or `smtp`.
    pub provider: &'static str,
    /// Its servers.
    pub settings: Settings,
    /// Its password; empty when none is needed.
    pub password: Secret,
}

fn secret_name(id: Uuid) -> String {
    format!("resource:{id}")
}

/// Adds a mailbox; its password is sealed. Errors: `resource.taken` when the address is in use,
/// `email.unencrypted` for a server elsewhere without encryption.
pub async fn add(cx: &mut Cx, ring: &Keyring, new: New) -> Result<ResourceId> {
    if let Some(smtp) = &new.settings.smtp {
        smtp.security.check(&smtp.host)?;
    }
    if let Some(imap) = &new.settings.imap {
        imap.security.check(&imap.host)?;
    }
    check_name(&new.display_name)?;
    let id: ResourceId = cx.id();
    if !new.password.is_empty() {
        control::secret::put(cx, ring, &secret_name(id.uuid()), &new.password).await?;
    }
    let row = store::NewRow {
        channel: Channel::Email,
        name: &new.name,
        address: new.address.as_str(),
        domain: Some(new.address.domain()),
        display_name: &new.display_name,
        provider: new.provider,
        settings: &new.settings,
        secret_name: Some(&secret_name(id.uuid())),
        account: None,
    };
    store::insert(cx, id, &row).await?;
    cx.publish(Fact::about("outreach.resource.added", id).with(json!({"address": new.address.as_str()})))
        .await?;
    Ok(id)
}

fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "resource.display_name",
            "Give the sender's name as recipients should see it.",
        ));
    }
    Ok(())
}

/// A number, a seat, a return address, or a mailbox at a provider, to be added.
#[derive(Clone, Debug)]
pub struct NewSender {
    /// For which channel.
    pub channel: Channel,
    /// The account that it uses.
    pub account: Uuid,
    /// Its address: mailbox, number or sender's name, seat, return address.
    pub address: String,
    /// The sender's name as recipients see or hear it.
    pub display_name: String,
    /// What else its kind needs.
    pub details: BTreeMap<String, String>,
}

/// Adds a sender that uses an account at a provider. Errors: `resource.*` naming what is wrong,
/// `resource.channel` when the account cannot carry the channel; `plan.linkedin_seats` where the client's plan allows
/// no further seat.
pub async fn add_sender(cx: &mut Cx, new: NewSender) -> Result<ResourceId> {
    check_name(&new.display_name)?;
    let account = account::get(cx, new.account).await?;
    if !account::kind(&account.provider)?.channels.contains(&new.channel) {
        let what = format!("An account at {} cannot carry {}.", account.provider, new.channel.label());
        return Err(Error::invalid("resource.channel", what));
    }
    let address = check_address(&new)?;
    if new.channel == Channel::Linkedin {
        seat(cx).await?;
    }
    let domain = match new.channel {
        Channel::Email => address.split_once('@').map(|(_, domain)| domain),
        Channel::Sms | Channel::Linkedin | Channel::Voice | Channel::Mail => None,
    };
    let id: ResourceId = cx.id();
    let settings = Settings { details: new.details.clone(), ..Settings::default() };
    let row = store::NewRow {
        channel: new.channel,
        name: &address,
        address: &address,
        domain,
        display_name: new.display_name.trim(),
        provider: &account.provider,
        settings: &settings,
        secret_name: None,
        account: Some(new.account),
    };
    store::insert(cx, id, &row).await?;
    let payload = json!({"address": address, "channel": new.channel});
    cx.publish(Fact::about("outreach.resource.added", id).with(payload)).await?;
    Ok(id)
}

fn check_address(new: &NewSender) -> Result<String> {
    let text = new.address.trim();
    let bad = |what: &str| Err(Error::invalid("resource.address", format!("“{text}” {what}")));
    match new.channel {
        Channel::Email => Ok(EmailAddress::parse(text)?.to_string()),
        Channel::Voice => Ok(ports::delivery::PhoneNumber::parse(text)?.as_str().to_owned()),
        Channel::Sms if text.starts_with('+') => {
            Ok(ports::delivery::PhoneNumber::parse(text)?.as_str().to_owned())
        }
        Channel::Sms => {
            // An alphanumeric sender: 3 to 11 ASCII characters, not digits alone.
            let fits = (3..=11).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ')
                && text.chars().any(|c| c.is_ascii_alphabetic());
            if fits {
                Ok(text.to_owned())
            } else {
                bad("is neither a number like +61400000001 nor a name of 3 to 11 letters and digits.")
            }
        }
        Channel::Linkedin => {
            if text.is_empty() {
                bad("does not name a seat.")
            } else {
                Ok(text.to_owned())
            }
        }
        Channel::Mail => {
            let lacks = |field: &str| new.details.get(field).is_none_or(|text| text.trim().is_empty());
            if ["line1", "city", "country"].into_iter().any(lacks) {
                return bad("needs street, town and country of the return address.");
            }
            let line =
                |field: &str| new.details.get(field).map(|text| text.trim().to_owned()).unwrap_or_default();
            Ok(format!("{}, {}", line("line1"), line("city")))
        }
    }
}

/// Adds the built-in sink's mailbox at an address, so that everything works before a real mailbox
/// is connected. The sink learns the tenant from the user name.
pub async fn add_sink(
    cx: &mut Cx,
    ring: &Keyring,
    sink: &SinkSettings,
    address: EmailAddress,
    display_name: &str,
) -> Result<ResourceId> {
    let username = format!("tenant-{}", cx.tenant()?);
    let new = New {
        name: "Built-in mail sink".to_owned(),
        address,
        display_name: display_name.to_owned(),
        provider: SINK,
        settings: Settings {
            smtp: Some(Server {
                host: sink.host.clone(),
                port: sink.port,
                security: Security::None,
                username,
            }),
            imap: None,
            sent_folder: None,
            lookup: Some(sink.lookup.clone()),
            dkim_selector: None,
            details: BTreeMap::new(),
        },
        // The sink takes any password, but sign-in needs one.
        password: Secret::new("sink"),
    };
    add(cx, ring, new).await
}

/// The account to send mail through, with its password opened.
pub async fn account(cx: &mut Cx, ring: &Keyring, resource: &Resource) -> Result<EmailAccount> {
    let keys = keys(cx, ring, resource).await?;
    if resource.account.is_some() {
        email::account(&keys)
    } else {
        Ok(EmailAccount::Smtp(smtp(resource, keys.secret("password"))?))
    }
}

/// The secrets of a sender, opened: its own password, or those of its account.
pub(crate) async fn keys(cx: &mut Cx, ring: &Keyring, resource: &Resource) -> Result<Keys> {
    if let Some(id) = resource.account {
        return account::keys(cx, ring, id).await;
    }
    let password =
        control::secret::open(cx, ring, &secret_name(resource.id.uuid())).await?.unwrap_or_default();
    Ok(Keys { secrets: BTreeMap::from([("password".to_owned(), password)]), ..Keys::default() })
}

/// The server of a mailbox of its own.
pub(crate) fn smtp(resource: &Resource, password: Secret) -> Result<SmtpAccount> {
    let s = &resource.settings;
    let server = s.smtp.as_ref().ok_or_else(|| {
        Error::invalid("resource.server", format!("{} has no server that takes its mail.", resource.address))
    })?;
    let sent = match (&s.imap, &s.sent_folder) {
        (Some(imap), Some(folder)) => Some(imap_account(imap, folder, &password)),
        (Some(_) | None, _) => None,
    };
    Ok(SmtpAccount {
        host: server.host.clone(),
        port: server.port,
        security: server.security,
        username: (!server.username.is_empty()).then(|| server.username.clone()),
        password,
        lookup: s.lookup.clone(),
        sent,
    })
}

/// The mailbox from which answers are read; none when it has no IMAP server.
pub async fn inbox(cx: &mut Cx, ring: &Keyring, resource: &Resource) -> Result<Option<ImapAccount>> {
    let Some(imap) = &resource.settings.imap else {
        return Ok(None);
    };
    let password =
        control::secret::open(cx, ring, &secret_name(resource.id.uuid())).await?.unwrap_or_default();
    Ok(Some(imap_account(imap, "INBOX", &password)))
}

/// Most messages in one fetch.
const IMAP_BATCH: u32 = 50;
/// Largest message that is fetched whole.
const IMAP_MESSAGE_BYTES: u32 = 10 * 1024 * 1024;

fn imap_account(server: &Server, folder: &str, password: &Secret) -> ImapAccount {
    ImapAccount {
        host: server.host.clone(),
        port: server.port,
        security: server.security,
        username: server.username.clone(),
        password: password.clone(),
        folder: folder.to_owned(),
        batch: IMAP_BATCH,
        max_message_bytes: IMAP_MESSAGE_BYTES,
    }
}

/// A person pauses a mailbox.
pub async fn pause(cx: &mut Cx, id: Uuid, why: &str) -> Result<()> {
    store::set_status(cx, id, &[Status::Active, Status::Failed], Status::Paused, Some(why)).await?;
    cx.publish(Fact::about("outreach.resource.paused", id).with(json!({"reason": why}))).await
}

/// Whether the client's plan allows one more LinkedIn seat to be in use.
async fn seat(cx: &mut Cx) -> Result<()> {
    limit::take(cx, Limit::LinkedinSeats, store::linkedin_seats).await
}

/// A person takes a sender into use again; a pause for bounces ends too. Errors: `plan.linkedin_seats`.
pub async fn resume(cx: &mut Cx, id: Uuid) -> Result<()> {
    let present = get(cx, id).await?;
    if present.channel == Channel::Linkedin && present.status == Status::Paused {
        seat(cx).await?;
    }
    store::set_status(cx, id, &[Status::Active, Status::Paused, Status::Failed], Status::Active, None)
        .await?;
    store::set_paused_until(cx, id, None, None).await?;
    let now = cx.now();
    store::set_rested(cx, id, now).await?;
    cx.publish(Fact::about("outreach.resource.resumed", id)).await
}
