//! The team page: members, invitations, roles.

use super::{Invitation, InvitationId, Invited, Member, Room, rules};
use crate::problems::Problems;
use crate::settings;
use crate::visitor::{Mine, refused};
use axum::{extract::Path, http::StatusCode, response::Response};
use base::{EmailAddress, Kind, Role, UserId};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

/// What is typed to invite.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    email: String,
    role: String,
}

/// Who looks at the page.
struct Looker {
    role: Role,
    person: Option<UserId>,
    wall: Wall,
}

impl Looker {
    fn of(cx: &web::Cx) -> Self {
        let who = cx.who();
        Self { role: who.role, person: who.user, wall: Wall::new(cx.now(), who.zone.clone()) }
    }
}

/// The page.
pub(crate) async fn team(cx: web::Cx) -> web::Result<Response> {
    let typed = Typed { role: Role::Member.word().to_owned(), ..Typed::default() };
    show(cx, &typed, &Problems::default()).await
}

async fn show(mut cx: web::Cx, typed: &Typed, problems: &Problems) -> web::Result<Response> {
    let members = super::list(&mut cx).await?;
    let invitations = super::open_invitations(&mut cx).await?;
    let looker = Looker::of(&cx);
    cx.page("Team", body(&members, &invitations, &looker, typed, problems)).await
}

fn body(
    members: &[Member],
    invitations: &[Invitation],
    looker: &Looker,
    typed: &Typed,
    problems: &Problems,
) -> Markup {
    let may = looker.role >= Role::Admin;
    html! {
        (settings::heading("Team", "Who works here and what each may do."))
        (Card::new("Members").body(member_table(members, looker)))
        @if may {
            (Card::new("Invite someone").padded(invite_form(looker.role, typed, problems)))
            (Card::new("Open invitations").body(invitation_table(invitations, looker)))
        }
    }
}

fn member_table(members: &[Member], looker: &Looker) -> Table {
    let owners = members.iter().filter(|m| m.role == Role::Owner).count();
    let columns = [
        Column::text("Name"),
        Column::text("E-mail"),
        Column::text("Role"),
        Column::text("Joined"),
        Column::acts("Actions"),
    ];
    let rows = members.iter().map(|m| {
        let me = looker.person == Some(m.id);
        let changeable = rules::may_change(looker.role, m.role, None).is_ok();
        let last = rules::keeps_an_owner(owners, m.role, None).is_err();
        Row::new()
            .cell(html! { (m.name) @if me { " " (tag(Tone::Cold, "You")) } })
            .cell(html! { (m.email) @if !m.email_verified { " " (tag(Tone::Warm, "Not confirmed")) } })
            .cell(html! {
                @if changeable && !last { (role_form(m, looker.role)) } @else { (rules::label(m.role)) }
            })
            .cell(looker.wall.date(m.joined_at))
            .cell(html! {
                @if last { span.quiet { "Last owner" } }
                @else if me {
                    (Button::post("Leave", "/settings/team/leave").danger().confirm("Leave this organisation? You lose access at once."))
                } @else if changeable {
                    (Button::post("Remove", format!("/settings/team/{}/remove", m.id)).danger().about(m.name.as_str())
                        .confirm(format!("Remove {}? They are signed out at once.", m.name)))
                }
            })
    });
    Table::new("Members of this organisation", columns).rows(rows)
}

fn role_form(member: &Member, by: Role) -> Markup {
    let choices = rules::grantable(by).into_iter().map(|role| Choice::new(role.word(), rules::label(role)));
    let id = format!("role-{}", member.id);
    let field = Field::select("role", format!("Role of {}", member.name), choices)
        .value(member.role.word())
        .hide_label();
    html! {
        (Form::post(format!("/settings/team/{}/role", member.id), id).line([field]).act(Button::submit("Change").about(member.name.as_str())))
    }
}

fn invite_form(by: Role, typed: &Typed, problems: &Problems) -> Form {
    let choices =
        rules::grantable(by).into_iter().map(|r| Choice::new(r.word(), rules::label(r)).hint(rules::hint(r)));
    Form::post("/settings/team/invite", "invite")
        .field(
            Field::line(Input::Email, "email", "E-mail")
                .value(&typed.email)
                .required()
                .autocomplete("off")
                .error(problems.of("email")),
        )
        .field(
            Field::radios("role", "Role", choices).value(&typed.role).required().error(problems.of("role")),
        )
        .submit("Send invitation")
}

fn invitation_table(invitations: &[Invitation], looker: &Looker) -> Table {
    let columns = [
        Column::text("E-mail"),
        Column::text("Role"),
        Column::text("Sent"),
        Column::text("Good until"),
        Column::acts("Actions"),
    ];
    let rows = invitations.iter().map(|i| {
        let act = Button::post("Take back", format!("/settings/team/invitations/{}/revoke", i.id))
            .about(i.email.as_str());
        Row::new()
            .cell(&i.email)
            .cell(rules::label(i.role))
            .cell(looker.wall.relative(i.created_at))
            .cell(looker.wall.date(i.expires_at))
            .cell(act)
    });
    let nobody = state::empty("No open invitations", "Whom you invite stands here until they join.", None);
    Table::new("Open invitations", columns).rows(rows).empty(nobody)
}

/// Sends an invitation.
pub(crate) async fn invite(
    mut cx: web::Cx,
    axum::Form(typed): axum::Form<Typed>,
    room: Room,
) -> web::Result<Response> {
    let mut problems = Problems::default();
    let email = problems.check("email", EmailAddress::parse(&typed.email));
    let role = problems.check("role", typed.role.parse::<Role>());
    let by = cx.who().role;
    if let (Some(email), Some(role)) = (email, role) {
        let notice = format!("Invitation sent to {email}.");
        match super::invite(&mut cx, by, &Invited { email, role }, room).await {
            Ok(_) => {
                cx.commit().await?;
                return Ok(web::redirect_with("/settings/team", &notice));
            }
            Err(error) if matches!(error.kind(), Kind::Conflict | Kind::Refused) => {
                problems.add("email", error.message());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, show(cx, &typed, &problems).await?))
}

/// The chosen role.
#[derive(Deserialize)]
pub(crate) struct Chosen {
    role: Role,
}

/// Changes a role.
pub(crate) async fn change_role(
    mut cx: web::Cx,
    Path(person): Path<UserId>,
    axum::Form(chosen): axum::Form<Chosen>,
) -> web::Result<Response> {
    let by = cx.who().role;
    super::change_role(&mut cx, by, person, chosen.role).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/settings/team", "Role changed."))
}

/// Removes a member.
pub(crate) async fn remove(mut cx: web::Cx, Path(person): Path<UserId>) -> web::Result<Response> {
    let by = cx.who().role;
    super::remove(&mut cx, by, person).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/settings/team", "Removed. They are signed out of this organisation."))
}

/// Takes an invitation back.
pub(crate) async fn revoke(mut cx: web::Cx, Path(id): Path<InvitationId>) -> web::Result<Response> {
    let by = cx.who().role;
    super::revoke_invitation(&mut cx, by, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/settings/team", "Invitation taken back."))
}

/// Leaves the organisation.
pub(crate) async fn leave(mine: Mine) -> web::Result<Response> {
    let mut cx = mine.open.tenant(mine.who.tenant, mine.who.actor.clone()).await?;
    super::leave(&mut cx, mine.person).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/login", "You left the organisation."))
}
