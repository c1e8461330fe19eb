//! Members: people in an organisation, each with a role. Invitations bring them in.

pub(crate) mod api;
mod invitation;
mod invitation_store;
pub(crate) mod join_pages;
pub(crate) mod pages;
pub mod rules;
mod store;

pub use invitation::{
    Invitation, InvitationId, Invited, Room, accept, invite, open_invitations, revoke_invitation,
};
pub(crate) use invitation::{find as find_invitation, renew as renew_invitation};

use crate::session;
use base::{Error, Result, Role, TenantId, Time, UserId};
use db::{Cx, Fact};
use std::collections::BTreeMap;

/// A member.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
    /// Whether the address was shown to be theirs.
    pub email_verified: bool,
    /// What they may do here.
    pub role: Role,
    /// Since when.
    pub joined_at: Time,
}

/// An organisation from a person's point of view.
#[derive(Clone, Debug)]
pub struct Membership {
    /// Which.
    pub tenant: TenantId,
    /// What it is called.
    pub name: String,
    /// What the person may do there.
    pub role: Role,
}

/// The members of this transaction's tenant, owners first, at most 1,000.
pub async fn list(cx: &mut Cx) -> Result<Vec<Member>> {
    let tenant = cx.tenant()?;
    store::list(cx, tenant).await
}

/// How many people the organisation of this transaction has, open invitations included.
pub async fn seated(cx: &mut Cx) -> Result<i64> {
    let tenant = cx.tenant()?;
    store::seated(cx, tenant).await
}

/// The names of present and former members among these people; others are left out.
pub async fn names(cx: &mut Cx, people: &[UserId]) -> Result<BTreeMap<UserId, String>> {
    let tenant = cx.tenant()?;
    let ids: Vec<uuid::Uuid> = people.iter().map(|id| id.uuid()).collect();
    Ok(store::names(cx, tenant, &ids).await?.into_iter().collect())
}

/// The organisations of a person, by name, at most 1,000. Runs across tenants.
pub async fn of_person(cx: &mut Cx, person: UserId) -> Result<Vec<Membership>> {
    store::of_person(cx, person).await
}

/// Makes a person a member. Runs across tenants (sign-up, accepting an invitation); the caller publishes.
///
/// # Errors
/// Conflict `member.exists` when they are one.
pub async fn join(cx: &mut Cx, tenant: TenantId, person: UserId, role: Role) -> Result<()> {
    store::insert(cx, tenant, person, role).await.map_err(|cause| {
        if base::error::constraint(&cause) == Some("membership_once") {
            Error::conflict("member.exists", "You are a member of this organisation already.")
        } else {
            Error::from(cause)
        }
    })
}

/// Changes a member's role; `by` is the role of who asks.
///
/// # Errors
/// Not found; forbidden by [`rules::may_change`]; refused when it is the last owner.
pub async fn change_role(cx: &mut Cx, by: Role, person: UserId, to: Role) -> Result<()> {
    let tenant = cx.tenant()?;
    let owners = store::lock_owners(cx, tenant).await?;
    let from = store::lock_role(cx, tenant, person).await?.ok_or_else(|| Error::not_found("member"))?;
    rules::may_change(by, from, Some(to))?;
    rules::keeps_an_owner(owners, from, Some(to))?;
    if from == to {
        return Ok(());
    }
    store::set_role(cx, tenant, person, to).await?;
    let detail = serde_json::json!({ "from": from.word(), "to": to.word() });
    cx.publish(Fact::about("accounts.member.role_changed", person.uuid()).with(detail)).await
}

/// Removes a member and ends their sessions here; `by` is the role of who asks.
///
/// # Errors
/// As [`change_role`].
pub async fn remove(cx: &mut Cx, by: Role, person: UserId) -> Result<()> {
    let tenant = cx.tenant()?;
    let owners = store::lock_owners(cx, tenant).await?;
    let from = store::lock_role(cx, tenant, person).await?.ok_or_else(|| Error::not_found("member"))?;
    rules::may_change(by, from, None)?;
    drop_out(cx, tenant, person, owners, from, "accounts.member.removed").await
}

/// Leaves the organisation of this transaction.
///
/// # Errors
/// Not found; refused when it is the last owner.
pub async fn leave(cx: &mut Cx, person: UserId) -> Result<()> {
    let tenant = cx.tenant()?;
    let owners = store::lock_owners(cx, tenant).await?;
    let from = store::lock_role(cx, tenant, person).await?.ok_or_else(|| Error::not_found("member"))?;
    drop_out(cx, tenant, person, owners, from, "accounts.member.left").await
}

async fn drop_out(
    cx: &mut Cx,
    tenant: TenantId,
    person: UserId,
    owners: usize,
    from: Role,
    fact: &'static str,
) -> Result<()> {
    rules::keeps_an_owner(owners, from, None)?;
    store::remove(cx, tenant, person).await?;
    session::revoke_here(cx, person).await?;
    cx.publish(Fact::about(fact, person.uuid()).with(serde_json::json!({ "role": from.word() }))).await
}
