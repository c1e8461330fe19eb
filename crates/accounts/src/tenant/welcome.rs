//! The page after sign-up: the few answers without which nothing can be sent, then what to do next.

use super::{pages, rules};
use crate::problems::Problems;
use crate::visitor::refused;
use axum::{http::StatusCode, response::Response};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

/// The questions, in order, then the next actions.
const STEPS: [&str; 3] = ["Who writes", "What you sell", "Ready"];

/// What is typed on a step; `step` says which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    step: String,
    legal_name: String,
    postal_address: String,
    website: String,
    offer: String,
    mode: String,
}

/// The step to show.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct At {
    step: Option<usize>,
}

/// The first step that still lacks an answer.
fn first_open(tenant: &super::Tenant) -> usize {
    if tenant.legal_name.is_none() || tenant.postal_address.is_none() {
        0
    } else if tenant.offer.is_none() {
        1
    } else {
        2
    }
}

/// The page.
pub(crate) async fn show(
    mut cx: web::Cx,
    axum::extract::Query(at): axum::extract::Query<At>,
) -> web::Result<Response> {
    let tenant = super::get(&mut cx).await?;
    let open = first_open(&tenant);
    let here = at.step.map_or(open, |step| step.min(STEPS.len() - 1));
    let body = body(&tenant.typed(), &tenant.name, here, &Problems::default());
    cx.page("Welcome", body).await
}

fn body(typed: &rules::Typed, name: &str, here: usize, problems: &Problems) -> Markup {
    let steps: Vec<(&str, Option<String>)> = STEPS
        .iter()
        .enumerate()
        .map(|(index, label)| (*label, Some(format!("/welcome?step={index}"))))
        .collect();
    let form = Form::post("/welcome", "welcome").hidden("step", here.to_string());
    html! {
        (Heading::new(format!("Welcome, {name}")).about("Two short steps, then your first campaign."))
        (stepper(&steps, here))
        @if here == 0 {
            @let fields = pages::sender_fields(typed, problems, true);
            (Card::new("Who writes").padded(fields.into_iter().fold(form, Form::field)
                .submit("Continue").act(Button::link("Do this later", "/welcome?step=1").quiet())))
        } @else if here == 1 {
            (Card::new("What you sell").padded(form.field(pages::offer_field(typed, problems))
                .field(pages::mode_field(typed, problems))
                .submit("Continue").act(Button::link("Do this later", "/welcome?step=2").quiet())))
        } @else {
            (Card::new("What to do next").padded(next(typed)))
        }
    }
}

fn next(typed: &rules::Typed) -> Markup {
    html! {
        @if typed.postal_address.is_empty() {
            (state::partial(html! { "The postal address is missing; nothing is sent without it. " a href="/welcome?step=0" { "Add it" } }))
        }
        ol {
            li { a href="/onboarding" { "Read your website" } ": whom you want, in your own words, each with its page; yours to change and confirm." }
            li { a href="/settings/sending" { "Add a sending identity" } ": the mailbox that your messages leave from." }
            li { a href="/leads/import" { "Import leads" } ": a CSV or Excel file, as messy as it is." }
            li { a href="/campaigns/new" { "Start your first campaign" } ": you approve every message before it leaves." }
        }
        (acts([Button::link("Import leads", "/leads/import").primary(), Button::link("Go to Today", "/")]))
    }
}

/// Keeps the answers of one step and goes on to the next.
pub(crate) async fn save(mut cx: web::Cx, axum::Form(answer): axum::Form<Typed>) -> web::Result<Response> {
    super::lock(&mut cx).await?;
    let tenant = super::get(&mut cx).await?;
    let mut typed = tenant.typed();
    let here = usize::from(answer.step == "1");
    if here == 0 {
        typed.legal_name = answer.legal_name;
        typed.postal_address = answer.postal_address;
        typed.website = answer.website;
    } else {
        typed.offer = answer.offer;
        typed.mode = answer.mode;
    }
    let outcome = rules::check(&typed).and_then(|details| {
        let mut problems = Problems::default();
        if here == 0 && details.legal_name.is_none() {
            problems.add("legal_name", "Fill this in.");
        }
        if here == 0 && details.postal_address.is_none() {
            problems.add("postal_address", "Fill this in; nothing is sent without it.");
        }
        if problems.is_empty() { Ok(details) } else { Err(problems) }
    });
    match outcome {
        Ok(details) => {
            super::change(&mut cx, &details).await?;
            if here == 1 && tenant.onboarded_at.is_none() {
                super::finish_onboarding(&mut cx).await?;
            }
            cx.commit().await?;
            Ok(web::redirect(&format!("/welcome?step={}", here + 1)))
        }
        Err(problems) => {
            let page = cx.page("Welcome", body(&typed, &tenant.name, here, &problems)).await?;
            Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}
