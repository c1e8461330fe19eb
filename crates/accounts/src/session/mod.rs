//! Sessions: a person signed in on a device, in one organisation at a time.
//!
//! The browser holds 32 random bytes, the database their SHA-256. A session ends 30 days after its
//! last use and 90 days after its start. Nothing about it is cached: one statement for each request
//! reads session, person, organisation and role, so that a revoked session, a removed member or a
//! changed role holds from the next request on.

mod authenticate;
pub(crate) mod cookie;
pub(crate) mod pages;
pub mod rules;
mod store;
pub(crate) mod throttle;

pub use authenticate::Auth;

use crate::visitor::Visitor;
use base::{Digest, Error, Random, Result, Secret, TenantId, Time, UserId};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use db::Cx;

base::id_type!(
    /// A person signed in on a device.
    SessionId
);

/// A session as its person sees it.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Which.
    pub id: SessionId,
    /// The organisation it is in now.
    pub tenant: String,
    /// What the browser calls itself.
    pub user_agent: String,
    /// The network address of the sign-in.
    pub address: String,
    /// When it began.
    pub created_at: Time,
    /// When it was last used, to the minute.
    pub seen_at: Time,
    /// When it ends if it is not used again.
    pub expires_at: Time,
    /// Whether it is the one that asks.
    pub present: bool,
}

/// A fresh random token for a cookie, a link or a key.
pub(crate) fn token(random: &Random) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(random.bytes::<32>()))
}

/// What is stored of a token.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Digest::of(token.as_bytes()).0
}

/// Opens a session of a person in an organisation; the answer goes into the cookie and nowhere else.
pub(crate) async fn open(cx: &mut Cx, person: UserId, tenant: TenantId, visitor: &Visitor) -> Result<Secret> {
    let token = token(cx.random());
    let token_hash = hash(token.expose());
    let new = store::Insert {
        person,
        tenant,
        token_hash: &token_hash,
        user_agent: &visitor.user_agent,
        address: &visitor.address,
    };
    let id = store::insert(cx, new).await?;
    let detail = serde_json::json!({ "person_id": person, "address": visitor.address });
    cx.note("sign_in", "accounts.session", Some(id.to_string()), detail).await?;
    Ok(token)
}

/// The living sessions of a person, latest use first, at most 100. Runs across tenants.
pub async fn list(cx: &mut Cx, person: UserId, present: Option<&str>) -> Result<Vec<SessionRow>> {
    store::list(cx, person, &hash(present.unwrap_or_default())).await
}

/// Ends one session of a person. Runs across tenants.
///
/// # Errors
/// Not found, when the person has no such session.
pub async fn revoke(cx: &mut Cx, person: UserId, id: SessionId) -> Result<()> {
    match store::revoke(cx, person, id).await? {
        0 => Err(Error::not_found("session")),
        _ => cx.note("session.revoke", "accounts.session", Some(id.to_string()), serde_json::json!({})).await,
    }
}

/// Ends all sessions of a person, or all but the one with this token; says how many. Runs across tenants.
pub async fn revoke_all(cx: &mut Cx, person: UserId, except: Option<&str>) -> Result<u64> {
    let ended = store::revoke_all(cx, person, &hash(except.unwrap_or_default())).await?;
    let detail = serde_json::json!({ "ended": ended });
    cx.note("session.revoke_all", "accounts.person", Some(person.to_string()), detail).await?;
    Ok(ended)
}

/// Ends a person's sessions in the transaction's own organisation.
pub(crate) async fn revoke_here(cx: &mut Cx, person: UserId) -> Result<()> {
    let tenant = cx.tenant()?;
    store::revoke_in_tenant(cx, tenant, person).await
}

/// Ends the session with this token, if it lives. Runs across tenants.
pub(crate) async fn close(cx: &mut Cx, token: &str) -> Result<()> {
    store::close(cx, &hash(token)).await
}

/// Moves a session to another organisation of its person. Runs across tenants.
///
/// # Errors
/// Not found, when the person is no member there.
pub(crate) async fn switch(cx: &mut Cx, person: UserId, token: &str, tenant: TenantId) -> Result<()> {
    match store::switch(cx, person, &hash(token), tenant).await? {
        0 => Err(Error::not_found("organisation")),
        _ => Ok(()),
    }
}

/// The organisation that a person used last, else the first they joined. Runs across tenants.
pub(crate) async fn latest_tenant(cx: &mut Cx, person: UserId) -> Result<Option<TenantId>> {
    store::latest_tenant(cx, person).await
}
