//! Policies: what a principal may do, in versions. The highest number counts. A version that an intent or
//! a mandate was judged by is never changed: another version takes its place.

pub(crate) mod api;
mod form;
pub(crate) mod pages;
pub mod rules;
mod store;
#[cfg(test)]
mod tests;
pub mod words;

pub use rules::{Ask, Verdict};
pub use words::Rules;

use crate::cap::{self, Periods, Usage};
use crate::principal::{self, Principal, PrincipalId};
use crate::refusal::{Code, Violation};
use base::{Cursor, Digest, Error, Page, Result, Time, error::constraint};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::Serialize;

base::id_type!(
    /// One version of a policy.
    PolicyId
);

/// One version of a principal's policy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Policy {
    /// Which.
    pub id: PolicyId,
    /// Whose.
    pub principal_id: PrincipalId,
    /// The version, from 1; the highest counts.
    pub version: i32,
    /// What it says.
    pub rules: Rules,
    /// SHA-256 of the canonical rules, in hex.
    #[schemars(with = "String")]
    #[serde(serialize_with = "as_hex")]
    pub hash: Digest,
    /// Who wrote it, as `kind:name`.
    pub created_by: String,
    /// When it was written.
    pub created_at: Time,
    /// When it was first used; from then on it is never changed.
    pub used_at: Option<Time>,
}

fn as_hex<S: serde::Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

/// What the gate found.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The policy that was asked; none: there is none.
    pub policy: Option<Policy>,
    /// Every broken rule.
    pub violations: Vec<Violation>,
    /// What was used of the limits.
    pub usage: Usage,
    /// The periods of the limits.
    pub periods: Periods,
}

impl Judged {
    /// What the gate says.
    pub fn verdict(&self) -> Verdict {
        rules::verdict(&self.violations)
    }
}

/// Adds a version to a principal's policy; it counts from now on.
///
/// # Errors
/// Not found; conflict when the principal is closed; invalid rules, or a vendor that does not exist.
pub async fn add(cx: &mut Cx, principal: PrincipalId, rules: Rules) -> Result<Policy> {
    let owner = principal::get(cx, principal).await?;
    if owner.status == principal::Status::Closed {
        return Err(Error::conflict("principal.closed", "This principal is closed. Make another one."));
    }
    check(cx, &rules).await?;
    let policy = Policy {
        id: cx.id(),
        principal_id: principal,
        version: store::next_number(cx, principal).await?,
        hash: rules.hash()?,
        rules,
        created_by: cx.actor().label(),
        created_at: cx.now(),
        used_at: None,
    };
    store::insert(cx, &policy).await?;
    publish(cx, "pay.policy.added", &policy).await?;
    Ok(policy)
}

/// Changes a version that was never used.
///
/// # Errors
/// Not found; conflict (`policy.used`) once it was used; invalid as for [`add`].
pub async fn change(cx: &mut Cx, id: PolicyId, rules: Rules) -> Result<Policy> {
    check(cx, &rules).await?;
    let before = store::get(cx, id, true).await?.ok_or_else(|| Error::not_found("policy"))?;
    if before.used_at.is_some() {
        return Err(used());
    }
    let policy = Policy { hash: rules.hash()?, rules, ..before };
    let tenant = cx.tenant()?;
    store::update(cx, tenant, &policy).await.map_err(|cause| match constraint(&cause) {
        Some("policy_used") => used().caused_by(cause),
        Some(_) | None => cause.into(),
    })?;
    publish(cx, "pay.policy.changed", &policy).await?;
    Ok(policy)
}

fn used() -> Error {
    Error::conflict("policy.used", "This version was used and is never changed. Add a version in its place.")
}

async fn check(cx: &mut Cx, rules: &Rules) -> Result<()> {
    rules.check()?;
    let vendors: Vec<_> = rules.vendors.iter().map(|vendor| vendor.uuid()).collect();
    match store::unknown_vendor(cx, &vendors).await? {
        Some(id) => Err(Error::invalid("policy.invalid", format!("vendors: there is no vendor {id}."))),
        None => Ok(()),
    }
}

/// The version.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: PolicyId) -> Result<Policy> {
    store::get(cx, id, false).await?.ok_or_else(|| Error::not_found("policy"))
}

/// The version that counts for a principal.
pub async fn latest(cx: &mut Cx, principal: PrincipalId) -> Result<Option<Policy>> {
    store::latest(cx, principal).await
}

/// The versions that count for principals of several tenants; those without a policy are left out.
pub(crate) async fn latest_of(
    cx: &mut Cx,
    principals: &[(base::TenantId, PrincipalId)],
) -> Result<std::collections::HashMap<(base::TenantId, PrincipalId), Policy>> {
    store::latest_of(cx, principals).await
}

/// Versions, the latest first, of one principal or of all.
pub async fn list(
    cx: &mut Cx,
    principal: Option<PrincipalId>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Policy>> {
    store::list(cx, principal, after, limit).await
}

/// Writes down that something was judged by this version: from now on it is never changed.
pub async fn mark_used(cx: &mut Cx, policy: &Policy) -> Result<()> {
    match policy.used_at {
        Some(_) => Ok(()),
        None => store::mark_used(cx, policy.id).await,
    }
}

/// The whole gate: the principal, the version that counts (or the one given), and what is used of its
/// limits. Takes nothing and writes nothing; [`cap::take`] takes.
pub async fn judge(cx: &mut Cx, owner: &Principal, version: Option<Policy>, ask: &Ask) -> Result<Judged> {
    let policy = match version {
        Some(policy) => Some(policy),
        None => latest(cx, owner.id).await?,
    };
    let mut violations: Vec<Violation> = principal::inactive(owner).into_iter().collect();
    let zone = policy.as_ref().map_or_else(base::Zone::utc, |policy| policy.rules.zone.clone());
    let periods = Periods::at(ask.at, &zone);
    let mut usage = Usage::default();
    match &policy {
        None => violations.push(not_found(owner)),
        Some(policy) => {
            let window = policy.rules.velocity.map(|velocity| velocity.window_s);
            usage = cap::usage(cx, owner.id.uuid(), ask.amount.currency, &periods, window).await?;
            violations.extend(rules::judge(&policy.rules, ask, &usage));
            if violations.iter().all(|v| v.code != Code::VendorNotAllowed) {
                violations.extend(crate::intent::vendor_open(cx, ask.vendor).await?);
            }
        }
    }
    Ok(Judged { policy, violations, usage, periods })
}

/// That a principal has no policy.
pub(crate) fn not_found(owner: &Principal) -> Violation {
    Violation::new(Code::PolicyNotFound, format!("{} has no policy, so it may pay nothing.", owner.name))
}

async fn publish(cx: &mut Cx, kind: &'static str, policy: &Policy) -> Result<()> {
    let detail = serde_json::json!({
        "principal_id": policy.principal_id,
        "version": policy.version,
        "hash": policy.hash.to_string(),
    });
    cx.publish(Fact::about(kind, policy.id.uuid()).with(detail)).await
}
