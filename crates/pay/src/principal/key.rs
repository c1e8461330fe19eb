//! The keys with which paying agents call: `aop_<prefix>_<secret>`, shown once, kept as SHA-256, found by
//! the prefix. A key is replaced by rotating: the one before goes on for a while beside its successor.

use super::{PrincipalId, Status, get};
use base::{Digest, Error, Result, Secret, Time};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::Serialize;

base::id_type!(
    /// A key of a paying agent.
    KeyId
);

/// With what every key begins.
pub(crate) const MARK: &str = "aop_";
/// Living keys of one principal at most.
pub const KEYS_MAX: usize = 10;
/// The longest overlap of a rotation, in seconds: a week.
pub const OVERLAP_S_MAX: i64 = 7 * 86_400;

/// A living key, without its secret.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Key {
    /// Which.
    pub id: KeyId,
    /// The public part.
    pub prefix: String,
    /// Who made it, as `kind:name`.
    pub created_by: String,
    /// Since when.
    pub created_at: Time,
    /// Until when; none: until it is revoked or rotated.
    pub expires_at: Option<Time>,
    /// When it was last used, to the minute.
    pub used_at: Option<Time>,
}

/// The public part of a key's text, if it looks like one.
pub(crate) fn prefix_of(text: &str) -> Option<&str> {
    let (prefix, secret) = text.strip_prefix(MARK)?.split_once('_')?;
    let sound = prefix.len() == 12 && prefix.bytes().all(|b| b.is_ascii_hexdigit()) && secret.len() == 43;
    sound.then_some(prefix)
}

/// What is stored of a key.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    Digest::of(text.as_bytes()).0
}

/// Makes a key. The text is shown once and kept nowhere.
///
/// # Errors
/// Not found; conflict when the principal is closed; refused beyond ten living keys.
pub async fn make(cx: &mut Cx, principal: PrincipalId) -> Result<(Key, Secret)> {
    if get(cx, principal).await?.status == Status::Closed {
        return Err(Error::conflict("principal.closed", "This principal is closed. Make another one."));
    }
    if list(cx, principal).await?.len() >= KEYS_MAX {
        return Err(Error::refused(
            "principal_key.too_many",
            format!("There are {KEYS_MAX} keys. Revoke those that are not used."),
        ));
    }
    let prefix: String = cx.random().bytes::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = URL_SAFE_NO_PAD.encode(cx.random().bytes::<32>());
    let text = Secret::new(format!("{MARK}{prefix}_{secret}"));
    let key = Key {
        id: cx.id(),
        prefix,
        created_by: cx.actor().label(),
        created_at: cx.now(),
        expires_at: None,
        used_at: None,
    };
    let tenant = cx.tenant()?;
    sqlx::query!(
        "insert into pay.principal_key (id, tenant_id, principal_id, prefix, key_hash, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        key.id.uuid(),
        tenant.uuid(),
        principal.uuid(),
        key.prefix,
        &hash(text.expose())[..],
        key.created_by,
        key.created_at as Time,
    )
    .execute(cx.conn())
    .await?;
    let detail = serde_json::json!({ "prefix": key.prefix });
    cx.publish(Fact::about("pay.principal.key_made", principal.uuid()).with(detail)).await?;
    Ok((key, text))
}

/// Makes a key and lets the others end after `overlap_s` seconds (or earlier, where they end earlier).
///
/// # Errors
/// As [`make`]; invalid overlap.
pub async fn rotate(cx: &mut Cx, principal: PrincipalId, overlap_s: i64) -> Result<(Key, Secret)> {
    if !(0..=OVERLAP_S_MAX).contains(&overlap_s) {
        return Err(Error::invalid("principal_key.overlap", "The overlap is 0 seconds to a week."));
    }
    let (tenant, until) = (cx.tenant()?, cx.now().plus_s(overlap_s));
    let living = list(cx, principal).await?.len();
    if living >= KEYS_MAX {
        return Err(Error::refused(
            "principal_key.too_many",
            format!("There are {KEYS_MAX} keys. Revoke some first."),
        ));
    }
    sqlx::query!(
        "update pay.principal_key set expires_at = least(expires_at, $3)
         where tenant_id = $1 and principal_id = $2 and revoked_at is null and (expires_at is null or expires_at > $3)",
        tenant.uuid(),
        principal.uuid(),
        until as Time,
    )
    .execute(cx.conn())
    .await?;
    make(cx, principal).await
}

/// The keys that still work, the latest first.
pub async fn list(cx: &mut Cx, principal: PrincipalId) -> Result<Vec<Key>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    Ok(sqlx::query_as!(
        Key,
        "select id, prefix, created_by, created_at, expires_at, used_at from pay.principal_key
         where tenant_id = $1 and principal_id = $2 and revoked_at is null and (expires_at is null or expires_at > $3)
         order by created_at desc, id desc limit 100",
        tenant.uuid(),
        principal.uuid(),
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Revokes a key: it is refused from the next request on.
///
/// # Errors
/// Not found.
pub async fn revoke(cx: &mut Cx, principal: PrincipalId, id: KeyId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let done = sqlx::query!(
        "update pay.principal_key set revoked_at = $4 where tenant_id = $1 and principal_id = $2 and id = $3 and revoked_at is null",
        tenant.uuid(),
        principal.uuid(),
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::not_found("key"));
    }
    cx.publish(Fact::about("pay.principal.key_revoked", principal.uuid())).await
}

/// Revokes every key of a principal.
pub(super) async fn revoke_all(cx: &mut Cx, principal: PrincipalId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.principal_key set revoked_at = $3 where tenant_id = $1 and principal_id = $2 and revoked_at is null",
        tenant.uuid(),
        principal.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Writes down that a key is used. Runs across tenants.
pub(crate) async fn touch(cx: &mut Cx, id: KeyId) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update pay.principal_key set used_at = $2 where id = $1 and (used_at is null or used_at < $2)",
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
