//! Members and invitations for programs.

use super::{Invitation, InvitationId, Invited, Member, Room};
use axum::{extract::Path, http::StatusCode, response::Response};
use base::{EmailAddress, Result, Role, Time, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::api::{Input, Output, once};

/// A member, as programs see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MemberView {
    id: UserId,
    name: String,
    email: String,
    email_verified: bool,
    role: Role,
    joined_at: Time,
}

impl From<Member> for MemberView {
    fn from(m: Member) -> Self {
        Self {
            id: m.id,
            name: m.name,
            email: m.email,
            email_verified: m.email_verified,
            role: m.role,
            joined_at: m.joined_at,
        }
    }
}

/// An open invitation, as programs see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct InvitationView {
    id: InvitationId,
    email: String,
    role: Role,
    created_at: Time,
    expires_at: Time,
}

impl From<Invitation> for InvitationView {
    fn from(i: Invitation) -> Self {
        Self { id: i.id, email: i.email, role: i.role, created_at: i.created_at, expires_at: i.expires_at }
    }
}

/// Rows of a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Members {
    rows: Vec<MemberView>,
}

/// Rows of a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Invitations {
    rows: Vec<InvitationView>,
}

/// A member in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct MemberPath {
    id: UserId,
}

/// An invitation in a path.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct InvitationPath {
    id: InvitationId,
}

/// The role to give.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    role: Role,
}

/// Whom to invite.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invite {
    email: EmailAddress,
    role: Role,
}

pub(crate) async fn members(mut cx: web::Cx) -> web::Result<Output<Members>> {
    let rows = super::list(&mut cx).await?.into_iter().map(Into::into).collect();
    Ok(Output(Members { rows }))
}

pub(crate) async fn change_member(
    cx: web::Cx,
    Path(path): Path<MemberPath>,
    input: Input<Change>,
) -> web::Result<Response> {
    let by = cx.who().role;
    once(cx, input, StatusCode::OK, async move |cx: &mut db::Cx, change: Change| -> Result<MemberView> {
        super::change_role(cx, by, path.id, change.role).await?;
        let mut members = super::list(cx).await?;
        members.retain(|m| m.id == path.id);
        members.pop().map(Into::into).ok_or_else(|| base::Error::not_found("member"))
    })
    .await
}

pub(crate) async fn remove_member(mut cx: web::Cx, Path(path): Path<MemberPath>) -> web::Result<StatusCode> {
    let by = cx.who().role;
    super::remove(&mut cx, by, path.id).await?;
    cx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn invitations(mut cx: web::Cx) -> web::Result<Output<Invitations>> {
    let rows = super::open_invitations(&mut cx).await?.into_iter().map(Into::into).collect();
    Ok(Output(Invitations { rows }))
}

pub(crate) async fn invite(cx: web::Cx, input: Input<Invite>, room: Room) -> web::Result<Response> {
    let by = cx.who().role;
    once(
        cx,
        input,
        StatusCode::CREATED,
        async move |cx: &mut db::Cx, who: Invite| -> Result<InvitationView> {
            Ok(super::invite(cx, by, &Invited { email: who.email, role: who.role }, room).await?.into())
        },
    )
    .await
}

pub(crate) async fn revoke_invitation(
    mut cx: web::Cx,
    Path(path): Path<InvitationPath>,
) -> web::Result<StatusCode> {
    let by = cx.who().role;
    super::revoke_invitation(&mut cx, by, path.id).await?;
    cx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
