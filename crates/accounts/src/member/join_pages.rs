//! Where an invitation's link leads: join with an account, or make one.

use super::invitation::Found;
use crate::person::{self, password, rules};
use crate::problems::Problems;
use crate::session::{self, cookie, throttle};
use crate::visitor::{Visitor, plain, refused};
use axum::{extract::Path, http::StatusCode, response::Response};
use base::{Actor, EmailAddress, Error, Kind, Secret, UserId};
use maud::html;
use serde::Deserialize;
use ui::prelude::*;
use web::Open;

/// What is typed by someone without an account.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    name: String,
    password: String,
}

/// What the visitor can do about the invitation.
enum Way {
    /// Signed in as the invited person.
    Join,
    /// Signed in as someone else.
    Other(String),
    /// Has an account, is not signed in: proves it here, because someone who is in no organisation
    /// has no other place to sign in.
    SignIn,
    /// Has no account.
    SignUp,
}

async fn look(open: &Open, token: &str) -> Result<(Found, Way, Option<person::Person>), Error> {
    let mut cx = open.system("invitation").await.map_err(|p| p.0)?;
    let found = super::find_invitation(&mut cx, token).await?;
    let email = EmailAddress::parse(&found.email)?;
    let account = person::by_email(&mut cx, &email).await?;
    let signed_in = match open.who.as_ref().and_then(|who| who.user) {
        Some(id) => Some(person::get(&mut cx, id).await?),
        None => None,
    };
    let way = match (&signed_in, &account) {
        (Some(me), _) if me.email == found.email => Way::Join,
        (Some(me), _) => Way::Other(me.email.clone()),
        (None, Some(_)) => Way::SignIn,
        (None, None) => Way::SignUp,
    };
    Ok((found, way, signed_in.or(account)))
}

pub(crate) async fn show(open: Open, visitor: Visitor, Path(token): Path<String>) -> web::Result<Response> {
    let (found, way, _) = look(&open, &token).await?;
    Ok(page(&open, &visitor, &token, &found, &way, (&Typed::default(), &Problems::default())))
}

fn page(
    open: &Open,
    visitor: &Visitor,
    token: &str,
    found: &Found,
    way: &Way,
    (typed, problems): (&Typed, &Problems),
) -> Response {
    let action = format!("/invite/{token}");
    let content = html! {
        h1 { "Join " (found.tenant_name) }
        p { "You are invited as " b { (super::rules::label(found.role)) } ", for the address " b { (found.email) } ". " (super::rules::hint(found.role)) }
        @match way {
            Way::Join => (Form::post(action.as_str(), "join").submit(format!("Join {}", found.tenant_name))),
            Way::Other(email) => {
                p { "You are signed in as " (email) ". Sign out, then open the link again." }
                (Button::post("Sign out", "/sign-out"))
            },
            Way::SignIn => {
                (Form::post(action.as_str(), "join")
                    .field(Field::password("password", "Password of your account").required().autofocus().error(problems.of("password")))
                    .submit(format!("Sign in and join {}", found.tenant_name))
                    .act(Button::link("Forgot the password?", "/reset").quiet()))
            },
            Way::SignUp => (Form::post(action.as_str(), "join")
                .field(Field::text("name", "Your name").value(&typed.name).required().max_chars(200)
                    .autocomplete("name").autofocus().error(problems.of("name")))
                .field(Field::password("password", "Password").autocomplete("new-password").required()
                    .hint("At least 10 characters; a few words in a row are good.").error(problems.of("password")))
                .submit(format!("Create account and join {}", found.tenant_name))),
        }
    };
    plain(open, visitor, "Invitation", content, None)
}

pub(crate) async fn join(
    open: Open,
    visitor: Visitor,
    Path(token): Path<String>,
    axum::Form(typed): axum::Form<Typed>,
) -> web::Result<Response> {
    let (found, way, account) = look(&open, &token).await?;
    match (&way, account) {
        (Way::Join, Some(me)) => join_as(&open, &visitor, &token, &me).await,
        (Way::SignUp, None) => {
            let mut problems = Problems::default();
            let name = problems.check("name", rules::name(&typed.name));
            problems.check("password", password::check(&typed.password, &found.email, &typed.name));
            match name {
                Some(name) if problems.is_empty() => sign_up(&open, &visitor, &token, name, &typed).await,
                _ => {
                    let again = page(&open, &visitor, &token, &found, &way, (&typed, &problems));
                    Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, again))
                }
            }
        }
        (Way::SignIn, Some(account)) => match prove(&open, &visitor, &account, &typed).await {
            Ok(()) => sign_in_and_join(&open, &visitor, &token, &account).await,
            Err(error) if error.code() == "password.wrong" || error.kind() == Kind::Limited => {
                let mut problems = Problems::default();
                problems.add("password", error.message());
                let limited = error.kind() == Kind::Limited;
                let status =
                    if limited { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNPROCESSABLE_ENTITY };
                Ok(refused(status, page(&open, &visitor, &token, &found, &way, (&typed, &problems))))
            }
            Err(error) => Err(error.into()),
        },
        (Way::Join | Way::SignUp | Way::Other(_) | Way::SignIn, _) => {
            let again = page(&open, &visitor, &token, &found, &way, (&typed, &Problems::default()));
            Ok(refused(StatusCode::CONFLICT, again))
        }
    }
}

/// The invited person is signed in: they join, and their session moves there.
async fn join_as(open: &Open, visitor: &Visitor, token: &str, me: &person::Person) -> web::Result<Response> {
    let mut cx = open.system_as(Actor::User { id: me.id }).await?;
    let found = super::find_invitation(&mut cx, token).await?;
    super::accept(&mut cx, &found, me.id, &me.name).await?;
    // The link came by mail, so that the address is theirs.
    person::verify_email(&mut cx, me.id).await?;
    if let Some(session) = &visitor.token {
        session::switch(&mut cx, me.id, session, found.tenant).await?;
    }
    cx.commit().await?;
    Ok(web::redirect_with("/", &format!("You joined {}.", found.tenant_name)))
}

/// Whether the typed password is the account's; tries count as at sign-in.
async fn prove(open: &Open, visitor: &Visitor, account: &person::Person, typed: &Typed) -> Result<(), Error> {
    let keys = throttle::Keys::sign_in(&account.email, &visitor.address);
    let mut cx = open.system("invitation").await.map_err(|p| p.0)?;
    throttle::reserve(&mut cx, &keys).await?;
    cx.commit().await?;
    if !password::verify(&Secret::new(typed.password.as_str()), account.password_hash.clone()).await? {
        return Err(Error::refused("password.wrong", "This is not the password of your account."));
    }
    let mut cx = open.system("invitation").await.map_err(|p| p.0)?;
    throttle::forget(&mut cx, &keys).await?;
    cx.commit().await
}

/// The account was proven: membership and session begin together.
async fn sign_in_and_join(
    open: &Open,
    visitor: &Visitor,
    token: &str,
    me: &person::Person,
) -> web::Result<Response> {
    let mut cx = open.system_as(Actor::User { id: me.id }).await?;
    let found = super::find_invitation(&mut cx, token).await?;
    super::accept(&mut cx, &found, me.id, &me.name).await?;
    person::verify_email(&mut cx, me.id).await?;
    let session = session::open(&mut cx, me.id, found.tenant, visitor).await?;
    cx.commit().await?;
    let mut response = web::redirect_with("/", &format!("You joined {}.", found.tenant_name));
    cookie::set(&mut response, &session, open.app().settings().secure_cookies);
    Ok(response)
}

/// Nobody has the invited address yet: account, membership and session begin together.
async fn sign_up(
    open: &Open,
    visitor: &Visitor,
    token: &str,
    name: String,
    typed: &Typed,
) -> web::Result<Response> {
    let db = open.app().db();
    let password_hash = password::hash(&Secret::new(typed.password.as_str()), db.random()).await?;
    let id: UserId = db.random().id(db.clock().as_ref());
    let mut cx = open.system_as(Actor::User { id }).await?;
    let found = super::find_invitation(&mut cx, token).await?;
    let new = person::New {
        email: EmailAddress::parse(&found.email)?,
        name: name.clone(),
        password_hash: Some(password_hash),
        zone: found.zone.clone(),
        verified: true,
    };
    person::add(&mut cx, id, &new).await?;
    super::accept(&mut cx, &found, id, &name).await?;
    let session = session::open(&mut cx, id, found.tenant, visitor).await?;
    cx.commit().await?;
    let mut response = web::redirect_with("/", &format!("You joined {}.", found.tenant_name));
    cookie::set(&mut response, &session, open.app().settings().secure_cookies);
    Ok(response)
}
