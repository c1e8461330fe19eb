//! Sign-in, sign-out, the security page with its sessions, and the switch between organisations.

use super::{SessionId, SessionRow, cookie, throttle};
use crate::member;
use crate::person::{self, password};
use crate::problems::Problems;
use crate::settings;
use crate::visitor::{Mine, Visitor, plain, refused};
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use base::{Actor, EmailAddress, Error, Kind, Secret, TenantId};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::{Open, back_to};

/// Where to go afterwards.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Next {
    next: String,
}

/// What is typed to sign in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    email: String,
    password: String,
    next: String,
}

pub(crate) async fn login_form(open: Open, visitor: Visitor, Query(next): Query<Next>) -> Response {
    if open.who.is_some() {
        return web::redirect(back_to(Some(&next.next)));
    }
    login_page(&open, &visitor, &Typed { next: next.next, ..Typed::default() }, None)
}

fn login_page(open: &Open, visitor: &Visitor, typed: &Typed, problem: Option<&str>) -> Response {
    let form = Form::post("/login", "login")
        .problem(problem)
        .hidden("next", back_to(Some(&typed.next)))
        .field(Field::email("email", "E-mail").value(&typed.email).required().autofocus())
        .field(Field::password("password", "Password").required())
        .submit("Sign in")
        .act(Button::link("Forgot the password?", "/reset").quiet());
    let content = html! { h1 { "Sign in" } (form) };
    let foot = html! { "New here? " a href="/sign-up" { "Create an account" } };
    plain(open, visitor, "Sign in", content, Some(foot))
}

pub(crate) async fn login(
    open: Open,
    visitor: Visitor,
    axum::Form(typed): axum::Form<Typed>,
) -> web::Result<Response> {
    match sign_in(&open, &visitor, &typed).await {
        Ok(token) => {
            let mut response = web::redirect(back_to(Some(&typed.next)));
            cookie::set(&mut response, &token, open.app().settings().secure_cookies);
            Ok(response)
        }
        Err(error) if error.kind() == Kind::Limited => Ok(refused(
            StatusCode::TOO_MANY_REQUESTS,
            login_page(&open, &visitor, &typed, Some(error.message())),
        )),
        Err(error) if error.code() == "sign_in.refused" => Ok(refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            login_page(&open, &visitor, &typed, Some(error.message())),
        )),
        Err(error) => Err(error.into()),
    }
}

/// Opens a session if the password is right. An unknown e-mail gets the same answer after the same work.
async fn sign_in(open: &Open, visitor: &Visitor, typed: &Typed) -> Result<Secret, Error> {
    let keys = throttle::Keys::sign_in(&typed.email, &visitor.address);
    let mut cx = open.system("sign-in").await.map_err(|p| p.0)?;
    throttle::reserve(&mut cx, &keys).await?;
    let found = match EmailAddress::parse(&typed.email) {
        Ok(email) => person::by_email(&mut cx, &email).await?,
        Err(_) => None,
    };
    cx.commit().await?;
    let kept = found.as_ref().and_then(|p| p.password_hash.clone());
    let right = password::verify(&Secret::new(typed.password.as_str()), kept).await?;
    let Some(person) = found.filter(|_| right) else {
        return Err(Error::refused("sign_in.refused", "E-mail or password is not right."));
    };
    let actor = Actor::User { id: person.id };
    let mut cx = open.system_as(actor.clone()).await.map_err(|p| p.0)?;
    throttle::forget(&mut cx, &keys).await?;
    let tenant = super::latest_tenant(&mut cx, person.id).await?;
    cx.commit().await?;
    let tenant = tenant.ok_or_else(|| {
        Error::refused(
            "sign_in.refused",
            "You are in no organisation any more. Ask for an invitation, or sign up with another e-mail.",
        )
    })?;
    let mut cx = open.tenant(tenant, actor).await.map_err(|p| p.0)?;
    let token = super::open(&mut cx, person.id, tenant, visitor).await?;
    cx.commit().await?;
    Ok(token)
}

pub(crate) async fn sign_out(open: Open, visitor: Visitor) -> web::Result<Response> {
    if let Some(token) = &visitor.token {
        let actor = open.who.as_ref().map_or(Actor::Anonymous, |who| who.actor.clone());
        let mut cx = open.system_as(actor).await?;
        super::close(&mut cx, token).await?;
        cx.commit().await?;
    }
    let mut response = web::redirect("/login");
    cookie::clear(&mut response, open.app().settings().secure_cookies);
    Ok(response)
}

/// The security page.
pub(crate) async fn security(mine: Mine) -> web::Result<Response> {
    let mut cx = mine.across().await?;
    let sessions = super::list(&mut cx, mine.person, mine.visitor.token.as_deref()).await?;
    let wall = Wall::new(cx.now(), mine.who.zone.clone());
    drop(cx);
    let body = security_body(&sessions, &wall, &Problems::default(), None);
    mine.page("Security", body).await
}

fn security_body(sessions: &[SessionRow], wall: &Wall, problems: &Problems, problem: Option<&str>) -> Markup {
    let form = Form::post("/settings/security/password", "password")
        .problem(problem)
        .field(Field::password("current", "Present password").required().error(problems.of("current")))
        .field(
            Field::password("password", "New password")
                .autocomplete("new-password")
                .required()
                .hint("At least 10 characters. All other devices are signed out.")
                .error(problems.of("password")),
        )
        .submit("Change password");
    let columns = [
        Column::text("Device"),
        Column::text("Organisation"),
        Column::text("Address"),
        Column::text("Last used"),
        Column::text("Ends"),
        Column::acts("Actions"),
    ];
    let rows = sessions.iter().map(|s| {
        let device = if s.user_agent.is_empty() { "Unknown device" } else { s.user_agent.as_str() };
        let act = html! {
            @if s.present { (tag(Tone::Good, "This one")) }
            @else { (Button::post("Sign out", format!("/settings/security/sessions/{}/revoke", s.id)).about(device)) }
        };
        Row::new()
            .cell(device)
            .cell(&s.tenant)
            .maybe((!s.address.is_empty()).then_some(&s.address))
            .cell(wall.relative(s.seen_at))
            .cell(wall.date(s.expires_at))
            .cell(act)
    });
    let everywhere = Button::post("Sign out everywhere", "/settings/security/sign-out-everywhere")
        .danger()
        .confirm("End all your sessions, this one too?");
    html! {
        (settings::heading("Security", "Your password and where you are signed in."))
        (Card::new("Sessions").aside(everywhere).body(Table::new("Your sessions", columns).rows(rows)))
        (Card::new("Password").padded(form))
    }
}

pub(crate) async fn revoke_session(mine: Mine, Path(id): Path<SessionId>) -> web::Result<Response> {
    let mut cx = mine.across().await?;
    super::revoke(&mut cx, mine.person, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/settings/security", "That device is signed out."))
}

pub(crate) async fn sign_out_everywhere(mine: Mine) -> web::Result<Response> {
    let mut cx = mine.across().await?;
    super::revoke_all(&mut cx, mine.person, None).await?;
    cx.commit().await?;
    let mut response = web::redirect_with("/login", "You are signed out everywhere.");
    cookie::clear(&mut response, mine.open.app().settings().secure_cookies);
    Ok(response)
}

/// What is typed to change the password.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Passwords {
    current: String,
    password: String,
}

pub(crate) async fn change_password(
    mine: Mine,
    axum::Form(typed): axum::Form<Passwords>,
) -> web::Result<Response> {
    let outcome = try_change(&mine, &typed).await;
    let mut problems = Problems::default();
    let (status, problem) = match outcome {
        Ok(()) => {
            return Ok(web::redirect_with(
                "/settings/security",
                "Password changed. Other devices are signed out.",
            ));
        }
        Err(error) if error.kind() == Kind::Limited => {
            (StatusCode::TOO_MANY_REQUESTS, Some(error.message().to_owned()))
        }
        Err(error) if error.code() == "password.wrong" => {
            problems.add("current", error.message());
            (StatusCode::UNPROCESSABLE_ENTITY, None)
        }
        Err(error) if error.code() == "password.weak" => {
            problems.add("password", error.message());
            (StatusCode::UNPROCESSABLE_ENTITY, None)
        }
        Err(error) => return Err(error.into()),
    };
    let mut cx = mine.across().await?;
    let sessions = super::list(&mut cx, mine.person, mine.visitor.token.as_deref()).await?;
    let wall = Wall::new(cx.now(), mine.who.zone.clone());
    drop(cx);
    let body = security_body(&sessions, &wall, &problems, problem.as_deref());
    Ok(refused(status, mine.page("Security", body).await?))
}

async fn try_change(mine: &Mine, typed: &Passwords) -> Result<(), Error> {
    let mut cx = mine.across().await.map_err(|p| p.0)?;
    let person = person::get(&mut cx, mine.person).await?;
    password::check(&typed.password, &person.email, &person.name)?;
    let keys = throttle::Keys::sign_in(&person.email, &mine.visitor.address);
    throttle::reserve(&mut cx, &keys).await?;
    cx.commit().await?;
    if !password::verify(&Secret::new(typed.current.as_str()), person.password_hash).await? {
        return Err(Error::refused("password.wrong", "This is not your present password."));
    }
    let random = mine.open.app().db().random().clone();
    let hash = password::hash(&Secret::new(typed.password.as_str()), &random).await?;
    let mut cx = mine.across().await.map_err(|p| p.0)?;
    throttle::forget(&mut cx, &keys).await?;
    person::set_password(&mut cx, mine.person, &hash).await?;
    super::revoke_all(&mut cx, mine.person, mine.visitor.token.as_deref()).await?;
    cx.commit().await
}

/// The page that leads from one organisation to another.
pub(crate) async fn organisations(mine: Mine) -> web::Result<Response> {
    let mut cx = mine.across().await?;
    let all = member::of_person(&mut cx, mine.person).await?;
    drop(cx);
    let columns = [Column::text("Organisation"), Column::text("Your role"), Column::acts("Actions")];
    let rows = all.iter().map(|m| {
        let act = html! {
            @if m.tenant == mine.who.tenant { (tag(Tone::Good, "Here now")) }
            @else { (Button::post("Switch", "/switch").hidden("tenant", m.tenant.to_string()).about(m.name.as_str())) }
        };
        Row::new().cell(&m.name).cell(member::rules::label(m.role)).cell(act)
    });
    let body = html! {
        (settings::heading("Your organisations", "Everything you see belongs to one organisation at a time."))
        (Card::new("Organisations").body(Table::new("Your organisations", columns).rows(rows)))
    };
    mine.page("Your organisations", body).await
}

/// The organisation to go to.
#[derive(Deserialize)]
pub(crate) struct Target {
    tenant: TenantId,
}

pub(crate) async fn switch(mine: Mine, axum::Form(target): axum::Form<Target>) -> web::Result<Response> {
    let token = mine.visitor.token.clone().unwrap_or_default();
    let mut cx = mine.across().await?;
    super::switch(&mut cx, mine.person, &token, target.tenant).await?;
    cx.commit().await?;
    Ok(web::redirect("/"))
}
