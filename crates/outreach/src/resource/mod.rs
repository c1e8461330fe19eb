//! Sending identities: mailboxes, and one day numbers and seats. Each has a health, a pace and a
//! share of its domain's daily limit, all reserved in the transaction that records a hand-off.

pub mod check;
pub mod health;
pub mod jobs;
pub mod pages;
mod reserve;
pub mod rules;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use reserve::client_zone;
pub use reserve::{
    PACED, Reserve, Reserved, Room, capacity_today, remaining_today, reserve, reserve_reply, room,
};
pub use store::{assigned, get, list, pick, set_status};

use crate::channel::Channel;
use base::{EmailAddress, Error, Result, Secret, Time};
use control::secret::Keyring;
use db::{Cx, Fact};
use ports::{
    email::{EmailAccount, Security, SmtpAccount},
    mailbox::ImapAccount,
};
use rules::Health;
use serde::{Deserialize, Serialize};
use serde_json::json;
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
    /// The mailbox's address.
    pub address: String,
    /// The domain whose daily limit it shares.
    pub domain: Option<String>,
    /// The sender's name as recipients see it.
    pub display_name: String,
    /// `sink` or `smtp`.
    pub provider: String,
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

/// Servers of a mailbox; its password is sealed apart.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The server that takes its mail.
    pub smtp: Server,
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
    new.settings.smtp.security.check(&new.settings.smtp.host)?;
    if let Some(imap) = &new.settings.imap {
        imap.security.check(&imap.host)?;
    }
    if new.display_name.trim().is_empty() || new.display_name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "resource.display_name",
            "Give the sender's name as recipients should see it.",
        ));
    }
    let id: ResourceId = cx.id();
    if !new.password.is_empty() {
        control::secret::put(cx, ring, &secret_name(id.uuid()), &new.password).await?;
    }
    store::insert(cx, id, &new, &secret_name(id.uuid())).await?;
    cx.publish(Fact::about("outreach.resource.added", id).with(json!({"address": new.address.as_str()})))
        .await?;
    Ok(id)
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
            smtp: Server { host: sink.host.clone(), port: sink.port, security: Security::None, username },
            imap: None,
            sent_folder: None,
            lookup: Some(sink.lookup.clone()),
            dkim_selector: None,
        },
        // The sink takes any password, but sign-in needs one.
        password: Secret::new("sink"),
    };
    add(cx, ring, new).await
}

/// The account to send through, with its password opened.
pub async fn account(cx: &mut Cx, ring: &Keyring, resource: &Resource) -> Result<EmailAccount> {
    let password =
        control::secret::open(cx, ring, &secret_name(resource.id.uuid())).await?.unwrap_or_default();
    let s = &resource.settings;
    let sent = match (&s.imap, &s.sent_folder) {
        (Some(imap), Some(folder)) => Some(imap_account(imap, folder, &password)),
        (Some(_) | None, _) => None,
    };
    Ok(EmailAccount::Smtp(SmtpAccount {
        host: s.smtp.host.clone(),
        port: s.smtp.port,
        security: s.smtp.security,
        username: (!s.smtp.username.is_empty()).then(|| s.smtp.username.clone()),
        password,
        lookup: s.lookup.clone(),
        sent,
    }))
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

/// A person takes a mailbox into use again; a pause for bounces ends too.
pub async fn resume(cx: &mut Cx, id: Uuid) -> Result<()> {
    store::set_status(cx, id, &[Status::Active, Status::Paused, Status::Failed], Status::Active, None)
        .await?;
    store::set_paused_until(cx, id, None, None).await?;
    let now = cx.now();
    store::set_rested(cx, id, now).await?;
    cx.publish(Fact::about("outreach.resource.resumed", id)).await
}
