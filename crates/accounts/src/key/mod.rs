//! API keys: `aos_<prefix>_<secret>`, shown once, kept as SHA-256, with a role and perhaps an end.
//!
//! Nothing about a key is cached: a revoked key is refused from the next request on. A key may never do
//! more than whoever made it may do now; `accounts.key_power` works that out with every use.

pub(crate) mod api;
pub(crate) mod pages;
mod store;

use crate::{member, person, session};
use base::{Error, Result, Role, Secret, Time};
use db::{Cx, Fact};

base::id_type!(
    /// An API key.
    KeyId
);

/// Living keys of one organisation at most.
pub const KEYS_MAX: usize = 200;

/// A living key, without its secret.
#[derive(Clone, Debug)]
pub struct Key {
    /// Which.
    pub id: KeyId,
    /// What it is for.
    pub name: String,
    /// The public part, which records carry as the actor.
    pub prefix: String,
    /// What it may do at most.
    pub role: Role,
    /// What it may do now: never more than whoever made it. None when that one may do nothing any more.
    pub power: Option<Role>,
    /// Who made it, as `kind:name`.
    pub created_by: String,
    /// Since when.
    pub created_at: Time,
    /// Until when; none means until it is revoked.
    pub expires_at: Option<Time>,
    /// When it was last used, to the minute.
    pub used_at: Option<Time>,
}

/// A key to be.
#[derive(Clone, Debug)]
pub struct New {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Until when.
    pub expires_at: Option<Time>,
}

/// The public part of a key's text, if it looks like one.
pub(crate) fn prefix_of(text: &str) -> Option<&str> {
    let (prefix, secret) = text.strip_prefix("aos_")?.split_once('_')?;
    let sound = prefix.len() == 10 && prefix.bytes().all(|b| b.is_ascii_hexdigit()) && secret.len() == 43;
    sound.then_some(prefix)
}

/// Makes a key; the returned text is shown once and kept nowhere. `by` is the role of who asks.
///
/// # Errors
/// Forbidden above one's own role; invalid name or end; refused beyond 200 living keys.
pub async fn create(cx: &mut Cx, by: Role, new: &New) -> Result<(Key, Secret)> {
    let tenant = cx.tenant()?;
    member::rules::may_give(by, new.role)?;
    let name = person::rules::name(&new.name)?;
    if name.chars().count() > 100 {
        return Err(Error::invalid("api_key.name", "Use at most 100 characters."));
    }
    if new.expires_at.is_some_and(|at| at <= cx.now()) {
        return Err(Error::invalid("api_key.expired", "The end of the key lies in the past."));
    }
    if store::list(cx, tenant).await?.len() >= KEYS_MAX {
        return Err(Error::refused(
            "api_key.too_many",
            format!("There are {KEYS_MAX} keys. Revoke those that are not used."),
        ));
    }
    let new = New { name, ..new.clone() };
    let id = cx.id::<KeyId>();
    let prefix: String = cx.random().bytes::<5>().iter().map(|byte| format!("{byte:02x}")).collect();
    let text = Secret::new(format!("aos_{prefix}_{}", session::token(cx.random()).expose()));
    store::insert(cx, tenant, id, &new, (&prefix, &session::hash(text.expose()))).await?;
    let detail = serde_json::json!({ "name": new.name, "prefix": prefix, "role": new.role.word() });
    cx.publish(Fact::about("accounts.api_key.created", id.uuid()).with(detail)).await?;
    let key = Key {
        id,
        name: new.name,
        prefix,
        role: new.role,
        power: Some(new.role),
        created_by: cx.actor().label(),
        created_at: cx.now(),
        expires_at: new.expires_at,
        used_at: None,
    };
    Ok((key, text))
}

/// The keys that were not revoked, latest first, at most 200.
pub async fn list(cx: &mut Cx) -> Result<Vec<Key>> {
    let tenant = cx.tenant()?;
    store::list(cx, tenant).await
}

/// Revokes a key. `by` is the role of who asks.
///
/// # Errors
/// Not found; forbidden when the key has a role above `by`.
pub async fn revoke(cx: &mut Cx, by: Role, id: KeyId) -> Result<()> {
    let tenant = cx.tenant()?;
    let role = store::revoke(cx, tenant, id).await?.ok_or_else(|| Error::not_found("API key"))?;
    member::rules::may_give(by, role)?;
    cx.publish(Fact::about("accounts.api_key.revoked", id.uuid())).await
}

/// Writes down that a key is used. Runs across tenants.
pub(crate) async fn touch(cx: &mut Cx, id: KeyId) -> Result<()> {
    store::touch(cx, id).await
}

#[cfg(test)]
mod tests {
    use super::prefix_of;

    #[test]
    fn only_whole_keys_have_a_prefix() {
        let secret = "A".repeat(43);
        assert_eq!(prefix_of(&format!("aos_00ff00ff00_{secret}")), Some("00ff00ff00"));
        for bad in ["", "aos_", "aos_00ff00ff00", "aos_00ff00ff00_short", &format!("sk_00ff00ff00_{secret}")]
        {
            assert_eq!(prefix_of(bad), None, "{bad}");
        }
    }
}
