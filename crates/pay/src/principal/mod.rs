//! Paying agents: who they are, whether they may pay, how risky they are. Their [`key`]s say who calls;
//! their [`public_key`]s say who signed.
//!
//! Invariants: a closed principal stays closed and its keys stop working at once; a suspended one reads,
//! but pays nothing.

pub(crate) mod api;
pub mod key;
pub(crate) mod pages;
pub mod public_key;
mod store;

use crate::refusal::{Code, Violation, refused};
use base::{Cursor, Error, Page, Result, Time, error::constraint};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

base::id_type!(
    /// A paying agent.
    PrincipalId
);

/// Whether a principal may pay.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.principal_status", rename_all = "snake_case")]
pub enum Status {
    /// It may.
    Active,
    /// Not now.
    Suspended,
    /// Never again.
    Closed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Closed];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Suspended => "Suspended",
            Self::Closed => "Closed",
        }
    }
}

/// How much a principal is trusted. `HIGH` never pays over x402 and always needs a person's approval.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "pay.risk", rename_all = "snake_case")]
pub enum Risk {
    /// Well known.
    Low,
    /// The usual.
    Medium,
    /// Watched.
    High,
}

impl Risk {
    /// Every tier.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The word in the API and in forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }
}

impl std::str::FromStr for Risk {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|risk| risk.word() == text)
            .ok_or_else(|| Error::invalid("principal.risk", "A risk tier is LOW, MEDIUM or HIGH."))
    }
}

/// A paying agent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Principal {
    /// Which.
    pub id: PrincipalId,
    /// What it is called; once among those that are not closed.
    pub name: String,
    /// Whether it may pay.
    pub status: Status,
    /// How much it is trusted.
    pub risk: Risk,
    /// Who made it, as `kind:name`.
    pub created_by: String,
    /// Since when.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

/// A principal to be, or what one becomes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// What it is called, 1 to 200 characters.
    pub name: String,
    /// How much it is trusted.
    pub risk: Risk,
}

/// Names of principals and vendors: trimmed, 1 to 200 characters, no control characters.
pub(crate) fn name(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
        return Err(Error::invalid("name.invalid", "A name has 1 to 200 characters on one line."));
    }
    Ok(text.to_owned())
}

fn taken(cause: sqlx::Error) -> Error {
    if constraint(&cause) == Some("principal_name") {
        return Error::conflict("principal.duplicate", "There is a principal with this name.")
            .caused_by(cause);
    }
    cause.into()
}

/// Adds a principal. It may pay nothing before it has a policy.
///
/// # Errors
/// Invalid name; conflict when the name is taken.
pub async fn add(cx: &mut Cx, new: &New) -> Result<Principal> {
    let principal = Principal {
        id: cx.id(),
        name: name(&new.name)?,
        status: Status::Active,
        risk: new.risk,
        created_by: cx.actor().label(),
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    let tenant = cx.tenant()?;
    store::insert(cx, tenant, &principal).await.map_err(taken)?;
    publish(cx, "pay.principal.created", &principal).await?;
    Ok(principal)
}

/// The principal.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: PrincipalId) -> Result<Principal> {
    store::get(cx, id, false).await?.ok_or_else(|| Error::not_found("principal"))
}

/// Principals of several tenants, by tenant and id.
pub(crate) async fn many(
    cx: &mut Cx,
    ids: &[(base::TenantId, PrincipalId)],
) -> Result<std::collections::HashMap<(base::TenantId, PrincipalId), Principal>> {
    store::many(cx, ids).await
}

/// The principal, if it may pay.
///
/// # Errors
/// Not found; forbidden (`principal_not_active`).
pub async fn paying(cx: &mut Cx, id: PrincipalId) -> Result<Principal> {
    let principal = get(cx, id).await?;
    match inactive(&principal) {
        Some(broken) => Err(refused(&[broken])),
        None => Ok(principal),
    }
}

/// Why it may not pay, if it may not.
pub fn inactive(principal: &Principal) -> Option<Violation> {
    match principal.status {
        Status::Active => None,
        Status::Suspended | Status::Closed => Some(Violation::new(
            Code::PrincipalNotActive,
            format!("{} is {} and pays nothing.", principal.name, principal.status.word()),
        )),
    }
}

/// Principals, the latest first.
pub async fn list(
    cx: &mut Cx,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Principal>> {
    store::list(cx, status, after, limit).await
}

/// Changes name and risk tier.
///
/// # Errors
/// Not found; conflict when it is closed or the name is taken; invalid name.
pub async fn change(cx: &mut Cx, id: PrincipalId, new: &New) -> Result<Principal> {
    let mut principal = open(cx, id).await?;
    principal.name = name(&new.name)?;
    principal.risk = new.risk;
    save(cx, principal).await
}

/// Suspends, takes up again, or closes for good; closing revokes its keys.
///
/// # Errors
/// Not found; conflict when it is closed already.
pub async fn set_status(cx: &mut Cx, id: PrincipalId, status: Status) -> Result<Principal> {
    let mut principal = open(cx, id).await?;
    principal.status = status;
    match status {
        Status::Closed => key::revoke_all(cx, id).await?,
        Status::Active | Status::Suspended => {}
    }
    save(cx, principal).await
}

async fn open(cx: &mut Cx, id: PrincipalId) -> Result<Principal> {
    let principal = store::get(cx, id, true).await?.ok_or_else(|| Error::not_found("principal"))?;
    if principal.status == Status::Closed {
        return Err(Error::conflict("principal.closed", "This principal is closed. Make another one."));
    }
    Ok(principal)
}

async fn save(cx: &mut Cx, mut principal: Principal) -> Result<Principal> {
    principal.updated_at = cx.now();
    let tenant = cx.tenant()?;
    store::update(cx, tenant, &principal).await.map_err(taken)?;
    publish(cx, "pay.principal.changed", &principal).await?;
    Ok(principal)
}

async fn publish(cx: &mut Cx, kind: &'static str, principal: &Principal) -> Result<()> {
    let detail =
        serde_json::json!({ "name": principal.name, "status": principal.status, "risk": principal.risk });
    cx.publish(Fact::about(kind, principal.id.uuid()).with(detail)).await
}

/// What these are called; those of other tenants are not in it.
pub async fn names(
    cx: &mut Cx,
    ids: &[uuid::Uuid],
) -> Result<std::collections::BTreeMap<uuid::Uuid, String>> {
    store::names(cx, ids).await
}
