//! Who calls: a member of the tenant, or a paying agent with a key of its own.

use crate::principal::{PrincipalId, key};
use async_trait::async_trait;
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use base::{Actor, Error, Kind, Result, Role, TenantId, Time, Zone};
use db::Db;
use std::{convert::Infallible, net::IpAddr, net::SocketAddr, sync::Arc};
use subtle::ConstantTimeEq;
use web::{Authenticator, Identity, SignInMethod};

/// Who calls one of pay's machine calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// A member or a program of the tenant, with a role.
    Member(Role),
    /// A paying agent: its own things only.
    Principal(PrincipalId),
}

impl Caller {
    /// Who sent this request.
    pub fn of(cx: &web::Cx) -> Self {
        match cx.who().method {
            SignInMethod::Principal { id } => Self::Principal(PrincipalId(id)),
            SignInMethod::Session | SignInMethod::ApiKey => Self::Member(cx.who().role),
        }
    }

    /// For whom the caller acts: a paying agent for itself, a member for whom they name.
    ///
    /// # Errors
    /// Not found when a paying agent names another; invalid when a member names nobody.
    pub fn acts_for(self, named: Option<PrincipalId>) -> Result<PrincipalId> {
        match (self, named) {
            (Self::Principal(own), None) => Ok(own),
            (Self::Principal(own), Some(named)) if own == named => Ok(own),
            (Self::Principal(_), Some(_)) => Err(Error::not_found("principal")),
            (Self::Member(_), Some(named)) => Ok(named),
            (Self::Member(_), None) => {
                Err(Error::invalid("principal.missing", "Say for which principal: principal_id."))
            }
        }
    }

    /// Whether the caller may see things of this principal.
    ///
    /// # Errors
    /// Not found, so that nobody learns what others have.
    pub fn may_see(self, owner: PrincipalId, what: &'static str) -> Result<()> {
        match self {
            Self::Principal(own) if own != owner => Err(Error::not_found(what)),
            Self::Principal(_) | Self::Member(_) => Ok(()),
        }
    }

    /// The only principal whose things the caller sees, if there is such a limit.
    pub fn only(self) -> Option<PrincipalId> {
        match self {
            Self::Principal(own) => Some(own),
            Self::Member(_) => None,
        }
    }
}

/// The network address of the sender; none when it is not known. Only a reverse proxy on this machine is
/// believed when it names another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin(pub Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let peer =
            ConnectInfo::<SocketAddr>::from_request_parts(parts, state).await.ok().map(|info| info.0.ip());
        let named = parts
            .headers
            .get("x-forwarded-for")
            .and_then(|value| value.to_str().ok())
            .and_then(|list| list.rsplit(',').next())
            .and_then(|last| last.trim().parse::<IpAddr>().ok());
        Ok(Self(match (peer, named) {
            (Some(peer), Some(named)) if peer.is_loopback() => Some(named.to_canonical()),
            (peer, _) => peer.map(|peer| peer.to_canonical()),
        }))
    }
}

/// How often the use of a key is written down, in seconds.
const TOUCH_S: i64 = 60;

/// Finds out who calls: paying agents by their keys here, everybody else as the given authenticator does.
#[derive(Clone)]
pub struct Auth {
    db: Db,
    others: Arc<dyn Authenticator>,
}

impl Auth {
    /// Paying agents' keys before `others`.
    pub fn new(db: Db, others: Arc<dyn Authenticator>) -> Self {
        Self { db, others }
    }

    async fn by_key(&self, text: &str) -> Result<Identity> {
        let bad = || {
            Error::new(
                Kind::Unauthenticated,
                "principal_key.invalid",
                "This key of a paying agent is not valid: it is unknown, revoked or expired.",
            )
        };
        let prefix = key::prefix_of(text).ok_or_else(bad)?;
        let now = self.db.clock().now();
        let row = sqlx::query!(
            r#"select key_id as "key_id!", key_hash as "key_hash!", principal_id as "principal_id!",
                      principal_name as "principal_name!", tenant_id as "tenant_id!", tenant_name as "tenant_name!",
                      zone as "zone!", used_at
               from pay.key_identity($1, $2)"#,
            prefix,
            now as Time,
        )
        .fetch_optional(self.db.pool())
        .await?
        .ok_or_else(bad)?;
        if !bool::from(row.key_hash.ct_eq(&key::hash(text)[..])) {
            return Err(bad());
        }
        if row.used_at.is_none_or(|used| now.since_s(used) >= TOUCH_S) {
            let mut cx = self.db.system("principal_key").await?;
            key::touch(&mut cx, row.key_id.into()).await?;
            cx.commit().await?;
        }
        Ok(Identity {
            actor: Actor::Principal { id: row.principal_id },
            user: None,
            name: row.principal_name,
            tenant: TenantId(row.tenant_id),
            tenant_name: row.tenant_name,
            others: Vec::new(),
            role: Role::Viewer,
            platform: false,
            // A zone that this machine no longer knows must not lock anyone out.
            zone: Zone::named(&row.zone).unwrap_or_else(|_| Zone::utc()),
            method: SignInMethod::Principal { id: row.principal_id },
        })
    }
}

#[async_trait]
impl Authenticator for Auth {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Identity>> {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key.trim());
        match bearer {
            Some(text) if text.starts_with(key::MARK) => self.by_key(text).await.map(Some),
            Some(_) | None => self.others.authenticate(headers).await,
        }
    }
}
