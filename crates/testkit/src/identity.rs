//! Signing in for tests: the header says who calls.

use crate::Member;
use async_trait::async_trait;
use axum::http::HeaderMap;
use base::{Actor, Error, Kind, Role, TenantId, UserId, Zone};
use serde::{Deserialize, Serialize};
use web::{Authenticator, Identity, SignInMethod};

/// The header that carries the identity.
pub(crate) const HEADER: &str = "x-test-identity";

/// Believes the header `x-test-identity`.
pub(crate) struct ByHeader;

/// The authenticator of [`crate::TestApp::start`], to be put behind one of the test's choice.
pub fn by_header() -> std::sync::Arc<dyn Authenticator> {
    std::sync::Arc::new(ByHeader)
}

#[derive(Serialize, Deserialize)]
struct Said {
    tenant: TenantId,
    tenant_name: String,
    user: UserId,
    name: String,
    role: Role,
    platform: bool,
}

/// What the header says for a member.
pub(crate) fn header_of(member: &Member) -> String {
    let said = Said {
        tenant: member.tenant,
        tenant_name: member.tenant_name.clone(),
        user: member.user,
        name: member.name.clone(),
        role: member.role,
        platform: member.platform,
    };
    serde_json::to_string(&said).expect("plain data")
}

#[async_trait]
impl Authenticator for ByHeader {
    async fn authenticate(&self, headers: &HeaderMap) -> base::Result<Option<Identity>> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let said: Said = serde_json::from_slice(value.as_bytes()).map_err(|cause| {
            Error::new(Kind::Unauthenticated, "unauthenticated", format!("{HEADER} cannot be read: {cause}"))
        })?;
        Ok(Some(Identity {
            actor: Actor::User { id: said.user },
            user: Some(said.user),
            name: said.name,
            tenant: said.tenant,
            tenant_name: said.tenant_name,
            others: Vec::new(),
            role: said.role,
            platform: said.platform,
            zone: Zone::sydney(),
            method: SignInMethod::Session,
        }))
    }
}
