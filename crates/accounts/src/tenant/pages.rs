//! The organisation's settings.

use super::{Mode, rules};
use crate::problems::Problems;
use crate::visitor::refused;
use crate::{country, settings, zone};
use axum::{http::StatusCode, response::Response};
use base::Role;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

/// What is typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    name: String,
    legal_name: String,
    postal_address: String,
    website: String,
    zone: String,
    country: String,
    offer: String,
    mode: String,
}

impl From<Typed> for rules::Typed {
    fn from(t: Typed) -> Self {
        Self {
            name: t.name,
            legal_name: t.legal_name,
            postal_address: t.postal_address,
            website: t.website,
            zone: t.zone,
            country: t.country,
            offer: t.offer,
            mode: t.mode,
        }
    }
}

/// The fields about who writes, shared with the welcome page.
pub(super) fn sender_fields(typed: &rules::Typed, problems: &Problems, required: bool) -> [Field; 3] {
    let must = |field: Field| if required { field.required() } else { field };
    [
        must(
            Field::text("legal_name", "Legal name")
                .value(&typed.legal_name)
                .max_chars(200)
                .hint("As in the company register.")
                .error(problems.of("legal_name")),
        ),
        must(
            Field::area("postal_address", "Postal address", 3)
                .value(&typed.postal_address)
                .hint("Printed in every message, because the law asks for it. Nothing is sent without it.")
                .max_chars(500)
                .error(problems.of("postal_address")),
        ),
        Field::line(Input::Url, "website", "Website")
            .value(&typed.website)
            .placeholder("https://example.com")
            .error(problems.of("website")),
    ]
}

/// The field about what is sold.
pub(super) fn offer_field(typed: &rules::Typed, problems: &Problems) -> Field {
    Field::area("offer", "What you sell", 4)
        .value(&typed.offer)
        .hint("In your own words: what it is, for whom, what it changes. Drafts use only what stands here and what is known about the lead.")
        .max_chars(4_000)
        .error(problems.of("offer"))
}

/// The field about the permission mode.
pub(super) fn mode_field(typed: &rules::Typed, problems: &Problems) -> Field {
    let modes = Mode::ALL.map(|mode| Choice::new(mode.word(), mode.label()).hint(mode.hint()));
    Field::radios("mode", "Permission mode", modes).value(&typed.mode).error(problems.of("mode"))
}

/// The page.
pub(crate) async fn organisation(mut cx: web::Cx) -> web::Result<Response> {
    let typed = super::get(&mut cx).await?.typed();
    let may = cx.who().role >= Role::Admin;
    cx.page("Organisation", body(&typed, &Problems::default(), may)).await
}

fn body(typed: &rules::Typed, problems: &Problems, may: bool) -> Markup {
    let countries = country::ALL.iter().map(|c| Choice::new(c.code, c.name));
    let zones =
        zone::choices(&typed.zone).into_iter().map(|name| Choice::new(name.clone(), name.replace('_', " ")));
    let content = if may {
        html! {
            (Form::post("/settings/organisation", "organisation")
                .field(Field::text("name", "Name").value(&typed.name).required().max_chars(200).error(problems.of("name")))
                .set("Who writes", sender_fields(typed, problems, false))
                .field(offer_field(typed, problems))
                .field(mode_field(typed, problems))
                .line([
                    Field::select("country", "Country", countries).value(&typed.country).error(problems.of("country")),
                    Field::select("zone", "Time zone", zones).value(&typed.zone)
                        .hint("Days, hours and sending windows follow this clock.").error(problems.of("zone")),
                ])
                .submit("Save organisation"))
        }
    } else {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mode = typed.mode.parse::<Mode>().map(Mode::label).ok();
        html! {
            (Pairs::new()
                .add("Name", &typed.name)
                .maybe("Legal name", known(&typed.legal_name))
                .maybe("Postal address", known(&typed.postal_address))
                .maybe("Website", known(&typed.website))
                .maybe("What you sell", known(&typed.offer))
                .maybe("Permission mode", mode)
                .maybe("Country", country::find(&typed.country).map(|c| c.name))
                .add("Time zone", &typed.zone))
            p { "An admin or owner can change this." }
        }
    };
    html! {
        (settings::heading("Organisation", "Who writes, what is sold, and how much happens without you."))
        @if typed.postal_address.is_empty() {
            (state::partial("The postal address is missing. Nothing is sent without it."))
        }
        (Card::new("Organisation").padded(content))
    }
}

/// Saves.
pub(crate) async fn save(mut cx: web::Cx, axum::Form(typed): axum::Form<Typed>) -> web::Result<Response> {
    let typed = rules::Typed::from(typed);
    match rules::check(&typed) {
        Ok(details) => {
            super::change(&mut cx, &details).await?;
            cx.commit().await?;
            Ok(web::redirect_with("/settings/organisation", "Organisation saved."))
        }
        Err(problems) => {
            let page = cx.page("Organisation", body(&typed, &problems, true)).await?;
            Ok(refused(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}
