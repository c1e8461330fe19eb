//! Accounts at providers: settings, sealed secrets, and the address to which the provider reports.

pub mod kinds;
pub mod pages;
pub mod receive;
mod store;

pub use kinds::{Kind, kind};
pub use store::{get, list};

use crate::channel::way::Keys;
use base::{Error, Result, Secret, Time};
use control::secret::Keyring;
use db::{Cx, Fact};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

base::id_type!(
    /// An account at a provider.
    AccountId
);

/// An account; no secret is in it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// At which provider: its stable word.
    pub provider: String,
    /// What people call it.
    pub name: String,
    /// Settings that are no secrets.
    pub settings: BTreeMap<String, String>,
    /// `active` or `failed`.
    pub status: String,
    /// Why it failed.
    pub status_reason: Option<String>,
    /// When something verified came from the provider.
    pub heard_at: Option<Time>,
}

/// The field under which the unguessable part of its webhook address is sealed.
const HOOK: &str = "hook";

fn secret_name(id: Uuid, field: &str) -> String {
    format!("account:{id}:{field}")
}

/// Adds an account: what is typed for its kind's fields, secrets sealed. Errors: `account.field` naming
/// what is missing.
pub async fn add(
    cx: &mut Cx,
    ring: &Keyring,
    provider: &str,
    name: &str,
    typed: &BTreeMap<String, String>,
) -> Result<AccountId> {
    let kind = kind(provider)?;
    let name = if name.trim().is_empty() { kind.label } else { name.trim() };
    check(kind, typed, false)?;
    let id: AccountId = cx.id();
    store::insert(cx, id, kind.provider, name, &plain(kind, typed)).await?;
    seal(cx, ring, id.uuid(), kind, typed).await?;
    let token: String = cx.random().bytes::<24>().iter().map(|byte| format!("{byte:02x}")).collect();
    control::secret::put(cx, ring, &secret_name(id.uuid(), HOOK), &Secret::new(token)).await?;
    cx.publish(Fact::about("outreach.account.added", id).with(json!({"provider": kind.provider}))).await?;
    Ok(id)
}

/// Changes settings; a secret that is left empty stays as it is.
pub async fn change(
    cx: &mut Cx,
    ring: &Keyring,
    id: Uuid,
    name: &str,
    typed: &BTreeMap<String, String>,
) -> Result<()> {
    let account = get(cx, id).await?;
    let kind = kind(&account.provider)?;
    check(kind, typed, true)?;
    let name = if name.trim().is_empty() { account.name.as_str() } else { name.trim() };
    store::update(cx, id, name, &plain(kind, typed)).await?;
    seal(cx, ring, id, kind, typed).await?;
    cx.publish(Fact::about("outreach.account.changed", id)).await
}

/// Takes an account out of use. Errors: `account.in_use` while a sender uses it.
pub async fn remove(cx: &mut Cx, id: Uuid) -> Result<()> {
    if !store::remove(cx, id).await? {
        get(cx, id).await?;
        return Err(Error::conflict(
            "account.in_use",
            "A sender uses this account. Pause and remove it first.",
        ));
    }
    cx.publish(Fact::about("outreach.account.removed", id)).await
}

fn check(kind: &Kind, typed: &BTreeMap<String, String>, changing: bool) -> Result<()> {
    for field in kind.fields {
        let empty = typed.get(field.name).is_none_or(|text| text.trim().is_empty());
        if field.required && empty && !(changing && field.secret) {
            return Err(Error::invalid("account.field", format!("{} is missing.", field.label)));
        }
    }
    Keys { provider: kind.provider.to_owned(), settings: plain(kind, typed), ..Keys::default() }
        .base_url()?;
    Ok(())
}

fn plain(kind: &Kind, typed: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let own = kind.fields.iter().filter(|field| !field.secret);
    own.filter_map(|field| typed.get(field.name).map(|text| (field.name.to_owned(), text.trim().to_owned())))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

async fn seal(
    cx: &mut Cx,
    ring: &Keyring,
    id: Uuid,
    kind: &Kind,
    typed: &BTreeMap<String, String>,
) -> Result<()> {
    for field in kind.fields.iter().filter(|field| field.secret) {
        if let Some(text) = typed.get(field.name).map(|text| text.trim()).filter(|text| !text.is_empty()) {
            control::secret::put(cx, ring, &secret_name(id, field.name), &Secret::new(text)).await?;
        }
    }
    Ok(())
}

/// The settings of an account with its secrets opened.
pub(crate) async fn keys(cx: &mut Cx, ring: &Keyring, id: Uuid) -> Result<Keys> {
    let account = get(cx, id).await?;
    let kind = kind(&account.provider)?;
    let mut secrets = BTreeMap::new();
    for field in kind.fields.iter().filter(|field| field.secret) {
        if let Some(secret) = control::secret::open(cx, ring, &secret_name(id, field.name)).await? {
            secrets.insert(field.name.to_owned(), secret);
        }
    }
    Ok(Keys { provider: account.provider, settings: account.settings, secrets })
}

/// The unguessable part of the address to which the provider reports.
pub(crate) async fn hook(cx: &mut Cx, ring: &Keyring, id: Uuid) -> Result<Secret> {
    control::secret::open(cx, ring, &secret_name(id, HOOK)).await?.ok_or_else(|| {
        Error::invalid("account.hook", "This account has no address for reports. Add it again.")
    })
}

/// The whole address to which the provider reports.
pub(crate) async fn report_to(
    cx: &mut Cx,
    ring: &Keyring,
    origin: &str,
    account: &Account,
) -> Result<url::Url> {
    let token = hook(cx, ring, account.id.uuid()).await?;
    address(origin, &account.provider, account.id.uuid(), token.expose())
}

pub(crate) fn address(origin: &str, provider: &str, id: Uuid, token: &str) -> Result<url::Url> {
    format!("{origin}/hooks/{provider}/{id}/{token}").parse().map_err(|cause: url::ParseError| {
        Error::invalid("public_url", "The public URL in the settings is not a URL.").caused_by(cause)
    })
}
