//! The pages behind links in mails, and the one that asks for a reset. A link that is merely opened
//! changes nothing (mail scanners open links); its button does.

use super::rules::Purpose;
use crate::mail;
use crate::person::{self, password};
use crate::session::{cookie, throttle};
use crate::visitor::{Visitor, plain, refused};
use axum::{extract::Path, http::StatusCode, response::Response};
use base::{EmailAddress, Kind, Secret};
use maud::html;
use serde::Deserialize;
use ui::prelude::*;
use web::Open;

/// The typed address.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    email: String,
}

pub(crate) async fn ask_form(open: Open, visitor: Visitor) -> Response {
    ask_page(&open, &visitor, "", None)
}

fn ask_page(open: &Open, visitor: &Visitor, email: &str, problem: Option<&str>) -> Response {
    let form = Form::post("/reset", "reset")
        .problem(problem)
        .field(Field::email("email", "E-mail").value(email).required().autofocus())
        .submit("Send the link");
    let content = html! {
        h1 { "Forgot the password?" }
        p { "We mail you a link with which you set another one. It is good for an hour." }
        (form)
    };
    plain(open, visitor, "Reset the password", content, Some(html! { a href="/login" { "Back to sign-in" } }))
}

/// Mails a link if there is an account. The answer and the work are the same when there is none:
/// the mail's writer looks the account up.
pub(crate) async fn ask(
    open: Open,
    visitor: Visitor,
    axum::Form(asked): axum::Form<Asked>,
) -> web::Result<Response> {
    let email = match EmailAddress::parse(&asked.email) {
        Ok(email) => email,
        Err(error) => {
            let again = ask_page(&open, &visitor, &asked.email, Some(error.message()));
            return Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, again));
        }
    };
    let mut cx = open.system("password-reset").await?;
    match throttle::reserve(&mut cx, &throttle::Keys::other("reset", &visitor.address)).await {
        Ok(()) => {}
        Err(error) if error.kind() == Kind::Limited => {
            let again = ask_page(&open, &visitor, &asked.email, Some(error.message()));
            return Ok(refused(StatusCode::TOO_MANY_REQUESTS, again));
        }
        Err(error) => return Err(error.into()),
    }
    mail::enqueue(&mut cx, mail::Mail::Reset { email: email.clone() }).await?;
    cx.commit().await?;
    let content = html! {
        h1 { "Look into your mailbox" }
        p { "If there is an account for " b { (email) } ", a link is on its way. It is good for an hour." }
        p { a href="/login" { "Back to sign-in" } }
    };
    Ok(plain(&open, &visitor, "Reset the password", content, None))
}

/// The typed password.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    password: String,
}

pub(crate) async fn reset_form(
    open: Open,
    visitor: Visitor,
    Path(token): Path<String>,
) -> web::Result<Response> {
    let mut cx = open.system("password-reset").await?;
    super::find(&mut cx, Purpose::ResetPassword, &token).await?;
    drop(cx);
    Ok(reset_page(&open, &visitor, &token, None))
}

fn reset_page(open: &Open, visitor: &Visitor, token: &str, problem: Option<&str>) -> Response {
    let form = Form::post(format!("/reset/{token}"), "reset")
        .field(
            Field::password("password", "New password")
                .autocomplete("new-password")
                .required()
                .autofocus()
                .hint("At least 10 characters. You are signed out everywhere.")
                .error(problem),
        )
        .submit("Set password");
    plain(open, visitor, "Set a password", html! { h1 { "Set a password" } (form) }, None)
}

pub(crate) async fn reset(
    open: Open,
    visitor: Visitor,
    Path(token): Path<String>,
    axum::Form(typed): axum::Form<Typed>,
) -> web::Result<Response> {
    let mut cx = open.system("password-reset").await?;
    let id = super::find(&mut cx, Purpose::ResetPassword, &token).await?;
    let person = person::get(&mut cx, id).await?;
    drop(cx);
    if let Err(error) = password::check(&typed.password, &person.email, &person.name) {
        let again = reset_page(&open, &visitor, &token, Some(error.message()));
        return Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, again));
    }
    let random = open.app().db().random().clone();
    let hash = password::hash(&Secret::new(typed.password.as_str()), &random).await?;
    let mut cx = open.system_as(base::Actor::User { id }).await?;
    super::reset(&mut cx, &token, &hash).await?;
    cx.commit().await?;
    let mut response = web::redirect_with("/login", "Password set. Sign in with it.");
    cookie::clear(&mut response, open.app().settings().secure_cookies);
    Ok(response)
}

pub(crate) async fn verify_form(
    open: Open,
    visitor: Visitor,
    Path(token): Path<String>,
) -> web::Result<Response> {
    let mut cx = open.system("verify-email").await?;
    let id = super::find(&mut cx, Purpose::VerifyEmail, &token).await?;
    let person = person::get(&mut cx, id).await?;
    drop(cx);
    let content = html! {
        h1 { "Confirm your e-mail" }
        p { "Is " b { (person.email) } " yours?" }
        (Form::post(format!("/verify/{token}"), "verify").submit("Yes, confirm"))
    };
    Ok(plain(&open, &visitor, "Confirm your e-mail", content, None))
}

pub(crate) async fn verify(open: Open, Path(token): Path<String>) -> web::Result<Response> {
    let mut cx = open.system("verify-email").await?;
    super::verify(&mut cx, &token).await?;
    cx.commit().await?;
    let to = if open.who.is_some() { "/" } else { "/login" };
    Ok(web::redirect_with(to, "Thank you, your e-mail is confirmed."))
}
