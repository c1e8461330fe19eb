//! Who calls: a browser by its session cookie, a program by its bearer key.

use super::{SessionId, cookie, hash, rules, store};
use crate::key;
use async_trait::async_trait;
use axum::http::{HeaderMap, header};
use base::{Actor, Error, Kind, Result, Role, TenantId, Time, UserId, Zone};
use db::Db;
use subtle::ConstantTimeEq;
use web::{Identity, SignInMethod};

/// Finds out who calls with one statement; nothing is cached, so that revoking works at once.
#[derive(Clone)]
pub struct Auth {
    db: Db,
}

impl Auth {
    /// Over the database of the process.
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    async fn by_session(&self, token: &str) -> Result<Identity> {
        let now = self.db.clock().now();
        let row = sqlx::query!(
            r#"select session_id as "session_id!", person_id as "person_id!", person_name as "person_name!", zone as "zone!",
                      platform_admin as "platform_admin!", tenant_id as "tenant_id!", tenant_name as "tenant_name!",
                      role as "role!", seen_at as "seen_at!", other_ids, other_names
               from accounts.session_identity($1, $2)"#,
            &hash(token)[..],
            now as Time,
        )
        .fetch_optional(self.db.pool())
        .await?
        .ok_or_else(|| unauthenticated("session.ended", "Your session has ended. Sign in again."))?;
        if now.since_s(row.seen_at) >= rules::TOUCH_S {
            let mut cx = self.db.system("session").await?;
            store::touch(&mut cx, SessionId(row.session_id)).await?;
            cx.commit().await?;
        }
        let user = UserId(row.person_id);
        Ok(Identity {
            actor: Actor::User { id: user },
            user: Some(user),
            name: row.person_name,
            tenant: TenantId(row.tenant_id),
            tenant_name: row.tenant_name,
            others: row
                .other_ids
                .unwrap_or_default()
                .into_iter()
                .map(TenantId)
                .zip(row.other_names.unwrap_or_default())
                .collect(),
            role: row.role.parse::<Role>()?,
            platform: row.platform_admin,
            zone: zone(&row.zone),
            method: SignInMethod::Session,
        })
    }

    async fn by_key(&self, text: &str) -> Result<Identity> {
        let bad = || {
            unauthenticated(
                "api_key.invalid",
                "This API key is not valid: it is unknown, revoked or expired. Make one in Settings, API keys.",
            )
        };
        let prefix = key::prefix_of(text).ok_or_else(bad)?;
        let now = self.db.clock().now();
        let row = sqlx::query!(
            r#"select key_id as "key_id!", key_name as "key_name!", key_hash as "key_hash!", tenant_id as "tenant_id!",
                      tenant_name as "tenant_name!", zone as "zone!", role, used_at
               from accounts.key_identity($1, $2)"#,
            prefix,
            now as Time,
        )
        .fetch_optional(self.db.pool())
        .await?
        .ok_or_else(bad)?;
        if !bool::from(row.key_hash.ct_eq(&hash(text)[..])) {
            return Err(bad());
        }
        if row.used_at.is_none_or(|used| now.since_s(used) >= rules::TOUCH_S) {
            let mut cx = self.db.system("api_key").await?;
            key::touch(&mut cx, key::KeyId(row.key_id)).await?;
            cx.commit().await?;
        }
        // Read with the key itself: whoever lost the right to do something keeps no key that may.
        let role = row.role.ok_or_else(|| {
            unauthenticated(
                "api_key.maker_gone",
                "Whoever made this API key may do nothing in this organisation any more, so neither may the key. Make a fresh one in Settings, API keys.",
            )
        })?;
        Ok(Identity {
            actor: Actor::ApiKey { prefix: prefix.to_owned() },
            user: None,
            name: row.key_name,
            tenant: TenantId(row.tenant_id),
            tenant_name: row.tenant_name,
            others: Vec::new(),
            role: role.parse::<Role>()?,
            platform: false,
            zone: zone(&row.zone),
            method: SignInMethod::ApiKey,
        })
    }
}

#[async_trait]
impl web::Authenticator for Auth {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Identity>> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
            return match bearer {
                Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => {
                    self.by_key(key.trim()).await.map(Some)
                }
                Some(_) | None => Err(unauthenticated(
                    "authorization.scheme",
                    "Send the API key as “Authorization: Bearer aos_…”.",
                )),
            };
        }
        match cookie::read(headers, cookie::SESSION) {
            Some(token) => self.by_session(&token).await.map(Some),
            None => Ok(None),
        }
    }
}

fn unauthenticated(code: &'static str, message: &str) -> Error {
    Error::new(Kind::Unauthenticated, code, message)
}

/// A zone that this machine no longer knows must not lock anyone out.
fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap_or_else(|_| Zone::utc())
}
