//! Invitations: a link by e-mail, good for seven days and one use.

use super::{invitation_store as store, join, rules};
use crate::{mail, session};
use base::{EmailAddress, Error, Result, Role, TenantId, Time, UserId};
use db::{Cx, Fact};
use std::pin::Pin;

/// Whether there is room for one more person, asked in the transaction that invites: an error says why not. Given
/// by the program, because what a client pays for is known above; none: there always is.
pub type Room = Option<for<'a> fn(&'a mut Cx) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>>;

base::id_type!(
    /// An invitation into an organisation.
    InvitationId
);

/// An open invitation.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// Who is invited.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Since when.
    pub created_at: Time,
    /// Until when.
    pub expires_at: Time,
}

/// What a link leads to.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which.
    pub id: InvitationId,
    /// Into which organisation.
    pub tenant: TenantId,
    /// What it is called.
    pub tenant_name: String,
    /// Its zone, the first guess for a fresh person.
    pub zone: String,
    /// Who is invited.
    pub email: String,
    /// As what.
    pub role: Role,
}

/// Who is invited as what.
#[derive(Clone, Debug)]
pub struct Invited {
    /// Whom to write to.
    pub email: EmailAddress,
    /// What they will be.
    pub role: Role,
}

/// Invites someone by e-mail; an open invitation of the same address is replaced. `by` is the role
/// of who asks, `room` whether there is room for one more. The link is made when the mail is written, so that no queue row holds it.
///
/// # Errors
/// Forbidden by [`rules::may_give`]; conflict when they are a member; refused beyond 100 open ones, and where
/// there is no room.
pub async fn invite(cx: &mut Cx, by: Role, who: &Invited, room: Room) -> Result<Invitation> {
    let tenant = cx.tenant()?;
    rules::may_give(by, who.role)?;
    if store::is_member(cx, tenant, who.email.as_str()).await? {
        return Err(Error::conflict(
            "member.exists",
            format!("{} is a member of this organisation already.", who.email),
        ));
    }
    store::replace(cx, tenant, who.email.as_str()).await?;
    let open = i64::try_from(store::list_open(cx, tenant).await?.len()).unwrap_or(i64::MAX);
    if open >= rules::INVITATIONS_MAX {
        return Err(Error::refused(
            "invitation.too_many",
            format!("There are {open} open invitations. Take some back before you invite more."),
        ));
    }
    if let Some(room) = room {
        room(cx).await?;
    }
    let id = cx.id::<InvitationId>();
    let expires_at = cx.now().plus_days(rules::INVITATION_DAYS);
    let nobody_knows = session::hash(session::token(cx.random()).expose());
    let new = store::Insert {
        id,
        tenant,
        email: who.email.as_str(),
        role: who.role,
        token_hash: &nobody_knows,
        expires_at,
    };
    store::insert(cx, new).await?;
    mail::enqueue(cx, mail::Mail::Invite { invitation: id }).await?;
    let detail = serde_json::json!({ "email": who.email, "role": who.role.word() });
    cx.publish(Fact::about("accounts.invitation.sent", id.uuid()).with(detail)).await?;
    Ok(Invitation { id, email: who.email.to_string(), role: who.role, created_at: cx.now(), expires_at })
}

/// The open invitations of this transaction's tenant, latest first, at most 100.
pub async fn open_invitations(cx: &mut Cx) -> Result<Vec<Invitation>> {
    let tenant = cx.tenant()?;
    store::list_open(cx, tenant).await
}

/// Takes an open invitation back; its link stops working. `by` is the role of who asks.
///
/// # Errors
/// Not found; forbidden when it invites to a role above `by`.
pub async fn revoke_invitation(cx: &mut Cx, by: Role, id: InvitationId) -> Result<()> {
    let tenant = cx.tenant()?;
    let role = store::revoke(cx, tenant, id).await?.ok_or_else(|| Error::not_found("invitation"))?;
    rules::may_give(by, role)?;
    cx.publish(Fact::about("accounts.invitation.revoked", id.uuid())).await
}

/// The living invitation behind a link, locked until the transaction ends. Runs across tenants.
///
/// # Errors
/// Not found, when it was used, taken back or is too old.
pub(crate) async fn find(cx: &mut Cx, token: &str) -> Result<Found> {
    store::by_token(cx, &session::hash(token)).await?.ok_or_else(|| {
        Error::new(
            base::Kind::NotFound,
            "invitation.gone",
            "This invitation was used, taken back or is older than seven days. Ask for another one.",
        )
    })
}

/// Gives an invitation the token of the mail that is being written. Runs across tenants. None when
/// it no longer lives.
pub(crate) async fn renew(cx: &mut Cx, id: InvitationId, token: &str) -> Result<Option<(String, String)>> {
    store::renew(cx, id, &session::hash(token)).await
}

/// A person follows the link: they become a member and the link is used up. Runs across tenants.
///
/// # Errors
/// Conflict when they are a member already.
pub async fn accept(cx: &mut Cx, found: &Found, person: UserId, name: &str) -> Result<()> {
    join(cx, found.tenant, person, found.role).await?;
    store::accepted(cx, found.id).await?;
    let detail = serde_json::json!({ "name": name, "role": found.role.word() });
    cx.publish_for(found.tenant, Fact::about("accounts.member.joined", person.uuid()).with(detail)).await
}
