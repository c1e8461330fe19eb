//! The sign-up page.

use super::{SignUp, password, rules, sign_up};
use crate::problems::Problems;
use crate::session::{self, cookie, throttle};
use crate::visitor::{Visitor, plain, refused};
use crate::{country, mail, zone};
use axum::{http::StatusCode, response::Response};
use base::{Actor, EmailAddress, Error, Kind, Secret, TenantId, UserId};
use maud::html;
use serde::Deserialize;
use ui::prelude::*;
use web::Open;

/// What is typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    name: String,
    email: String,
    password: String,
    company: String,
    zone: String,
    country: String,
}

pub(crate) async fn sign_up_form(open: Open, visitor: Visitor) -> Response {
    if open.who.is_some() {
        return web::redirect("/");
    }
    let typed = Typed { zone: "Australia/Sydney".to_owned(), country: "AU".to_owned(), ..Typed::default() };
    page(&open, &visitor, &typed, &Problems::default(), None)
}

fn page(
    open: &Open,
    visitor: &Visitor,
    typed: &Typed,
    problems: &Problems,
    problem: Option<&str>,
) -> Response {
    let countries = country::ALL.iter().map(|c| Choice::new(c.code, c.name));
    let zones =
        zone::choices(&typed.zone).into_iter().map(|name| Choice::new(name.clone(), name.replace('_', " ")));
    let form = Form::post("/sign-up", "sign-up")
        .problem(problem)
        .field(
            Field::text("name", "Your name")
                .value(&typed.name)
                .required()
                .max_chars(200)
                .autocomplete("name")
                .autofocus()
                .error(problems.of("name")),
        )
        .field(
            Field::email("email", "Work e-mail").value(&typed.email).required().error(problems.of("email")),
        )
        .field(
            Field::password("password", "Password")
                .autocomplete("new-password")
                .required()
                .hint("At least 10 characters; a few words in a row are good.")
                .error(problems.of("password")),
        )
        .field(
            Field::text("company", "Organisation")
                .value(&typed.company)
                .required()
                .max_chars(200)
                .autocomplete("organization")
                .error(problems.of("company")),
        )
        .line([
            Field::select("country", "Country", countries)
                .value(&typed.country)
                .error(problems.of("country")),
            Field::select("zone", "Time zone", zones).value(&typed.zone).error(problems.of("zone")),
        ])
        .submit("Create account");
    let content = html! {
        h1 { "Create your account" }
        p { "14 days to try everything. Nothing is sent before you approve it." }
        (form)
    };
    let foot = html! { "Already have an account? " a href="/login" { "Sign in" } };
    plain(open, visitor, "Sign up", content, Some(foot))
}

struct Checked {
    email: EmailAddress,
    name: String,
    company: String,
    zone: String,
    country: String,
}

fn check(typed: &Typed) -> Result<Checked, Problems> {
    let mut problems = Problems::default();
    let name = problems.check("name", rules::name(&typed.name));
    let email = problems.check("email", EmailAddress::parse(&typed.email));
    problems.check("password", password::check(&typed.password, &typed.email, &typed.name));
    let company = problems.check("company", rules::name(&typed.company));
    let zone = problems.check("zone", zone::check(&typed.zone));
    if country::find(&typed.country).is_none() {
        problems.add("country", "Choose a country.");
    }
    match (name, email, company, zone) {
        (Some(name), Some(email), Some(company), Some(zone)) if problems.is_empty() => {
            Ok(Checked { email, name, company, zone, country: typed.country.clone() })
        }
        _ => Err(problems),
    }
}

pub(crate) async fn sign_up_post(
    open: Open,
    visitor: Visitor,
    axum::Form(typed): axum::Form<Typed>,
) -> web::Result<Response> {
    let checked = match check(&typed) {
        Ok(checked) => checked,
        Err(problems) => {
            return Ok(refused(
                StatusCode::UNPROCESSABLE_ENTITY,
                page(&open, &visitor, &typed, &problems, None),
            ));
        }
    };
    match create(&open, &visitor, &typed.password, checked).await {
        Ok((token, _)) => {
            let mut response = web::redirect("/welcome");
            cookie::set(&mut response, &token, open.app().settings().secure_cookies);
            Ok(response)
        }
        Err(error) if error.code() == "person.exists" => {
            let mut problems = Problems::default();
            problems.add("email", error.message());
            Ok(refused(StatusCode::CONFLICT, page(&open, &visitor, &typed, &problems, None)))
        }
        Err(error) if error.kind() == Kind::Limited => {
            let again = page(&open, &visitor, &typed, &Problems::default(), Some(error.message()));
            Ok(refused(StatusCode::TOO_MANY_REQUESTS, again))
        }
        Err(error) => Err(error.into()),
    }
}

async fn create(
    open: &Open,
    visitor: &Visitor,
    password: &str,
    checked: Checked,
) -> Result<(Secret, TenantId), Error> {
    let db = open.app().db();
    let person: UserId = db.random().id(db.clock().as_ref());
    let actor = Actor::User { id: person };
    let mut cx = open.system_as(actor.clone()).await.map_err(|problem| problem.0)?;
    throttle::reserve(&mut cx, &throttle::Keys::other("sign_up", &visitor.address)).await?;
    cx.commit().await?;
    let password_hash = password::hash(&Secret::new(password), db.random()).await?;
    let mut cx = open.system_as(actor).await.map_err(|problem| problem.0)?;
    let new = SignUp {
        person,
        email: checked.email,
        name: checked.name,
        password_hash,
        company: checked.company,
        zone: checked.zone,
        country: checked.country,
    };
    let tenant = sign_up(&mut cx, &new).await?;
    let token = session::open(&mut cx, person, tenant, visitor).await?;
    mail::enqueue(&mut cx, mail::Mail::Verify { person }).await?;
    cx.commit().await?;
    Ok((token, tenant))
}
