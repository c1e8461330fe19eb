//! The person's own pages: profile, theme.

use super::{change, choose_theme, get, rules};
use crate::problems::Problems;
use crate::session::cookie;
use crate::visitor::{Mine, Visitor, refused};
use crate::{mail, settings, zone};
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::Open;

/// What is typed into the profile.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Profile {
    name: String,
    zone: String,
}

/// The profile page.
pub(crate) async fn profile(mine: Mine) -> web::Result<Response> {
    let mut cx = mine.across().await?;
    let person = get(&mut cx, mine.person).await?;
    drop(cx);
    let typed = Profile { name: person.name.clone(), zone: person.zone.clone() };
    let body = profile_body(&person, &typed, &Problems::default());
    mine.page("Profile", body).await
}

fn profile_body(person: &super::Person, typed: &Profile, problems: &Problems) -> Markup {
    let zones =
        zone::choices(&typed.zone).into_iter().map(|name| Choice::new(name.clone(), name.replace('_', " ")));
    let form = Form::post("/settings/profile", "profile")
        .field(
            Field::text("name", "Your name")
                .value(&typed.name)
                .required()
                .max_chars(200)
                .autocomplete("name")
                .error(problems.of("name")),
        )
        .field(
            Field::select("zone", "Your time zone", zones)
                .value(&typed.zone)
                .hint("Times are shown to you on this clock.")
                .error(problems.of("zone")),
        )
        .submit("Save profile");
    let verified = match person.email_verified_at {
        Some(_) => tag(Tone::Good, "Confirmed"),
        None => tag(Tone::Warm, "Not confirmed yet"),
    };
    let email = html! {
        (Pairs::new().add("E-mail", html! { (person.email) " " (verified) }))
        @if person.email_verified_at.is_none() {
            p { "Open the link that we mailed you, or have it sent again." }
            (Button::post("Send the link again", "/settings/profile/verify"))
        }
    };
    html! {
        (settings::heading("Profile", "Your name and clock, in every organisation."))
        (grid::main_side(Card::new("Profile").padded(form), Card::new("Sign-in address").padded(email)))
    }
}

/// Saves the profile.
pub(crate) async fn save_profile(
    mine: Mine,
    axum::Form(typed): axum::Form<Profile>,
) -> web::Result<Response> {
    let mut problems = Problems::default();
    let name = problems.check("name", rules::name(&typed.name));
    let zone = problems.check("zone", zone::check(&typed.zone));
    let mut cx = mine.across().await?;
    if let (Some(name), Some(zone)) = (name, zone) {
        change(&mut cx, mine.person, &name, &zone).await?;
        cx.commit().await?;
        return Ok(web::redirect_with("/settings/profile", "Profile saved."));
    }
    let person = get(&mut cx, mine.person).await?;
    drop(cx);
    let body = profile_body(&person, &typed, &problems);
    Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, mine.page("Profile", body).await?))
}

/// Mails the confirmation link again.
pub(crate) async fn send_verification(mine: Mine) -> web::Result<Response> {
    let mut cx = mine.across().await?;
    mail::enqueue(&mut cx, mail::Mail::Verify { person: mine.person }).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/settings/profile", "The link is on its way."))
}

/// The chosen theme.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Chosen {
    theme: String,
}

/// Sets the theme, signed in or not, and goes back to where it was chosen.
pub(crate) async fn theme(
    open: Open,
    _visitor: Visitor,
    headers: HeaderMap,
    axum::Form(chosen): axum::Form<Chosen>,
) -> web::Result<Response> {
    let theme = Theme::named(&chosen.theme);
    if let Some(who) = &open.who
        && let Some(person) = who.user
    {
        let mut cx = open.system_as(who.actor.clone()).await?;
        choose_theme(&mut cx, person, theme).await?;
        cx.commit().await?;
    }
    let mut response = web::redirect(&came_from(&headers));
    cookie::set_theme(&mut response, theme.name(), open.app().settings().secure_cookies);
    Ok(response)
}

/// The path of the page that sent the form; only the path, so that it cannot lead elsewhere.
fn came_from(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match url::Url::parse(referer) {
        Ok(url) => {
            let path = match url.query() {
                Some(query) => format!("{}?{query}", url.path()),
                None => url.path().to_owned(),
            };
            web::back_to(Some(&path)).to_owned()
        }
        Err(_) => "/".to_owned(),
    }
}
