//! The postal address of a lead: a form of its own, reached from the lead's page.

use super::{get, set};
use crate::channel::way::PostalAddress;
use axum::{Form, extract::Path, response::Response};
use maud::html;
use serde::Deserialize;
use ui::prelude::{Card, Field, Heading};
use uuid::Uuid;

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    line1: String,
    line2: String,
    city: String,
    region: String,
    postcode: String,
    country: String,
}

/// `GET /leads/{id}/address`
pub async fn show(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let lead = leads::lead::get(&mut cx, id.into()).await?;
    let known = get(&mut cx, id).await?;
    let at = known.clone().unwrap_or_else(|| PostalAddress {
        city: lead.city.clone().unwrap_or_default(),
        region: lead.region.clone().unwrap_or_default(),
        country: lead.country.clone().unwrap_or_default(),
        ..PostalAddress::default()
    });
    let form = ui::form::Form::post(format!("/leads/{id}/address"), "address")
        .field(Field::text("line1", "Street and number").value(&at.line1).required().max_chars(64))
        .field(Field::text("line2", "Unit or floor").value(&at.line2))
        .line([
            Field::text("city", "Town").value(&at.city).required(),
            Field::text("region", "State").value(&at.region),
            Field::text("postcode", "Postcode").value(&at.postcode),
            Field::text("country", "Country")
                .value(&at.country)
                .required()
                .max_chars(2)
                .hint("Two letters, such as AU."),
        ])
        .submit("Save the address")
        .cancel(format!("/leads/{id}"));
    let body = html! {
        (Heading::new("Postal address").crumb("Leads", "/leads").crumb("Lead", format!("/leads/{id}")).about("For postcards. The post is asked whether it reaches it before anything is printed."))
        @if known.is_some_and(|at| at.undeliverable) { div.note.b-warn role="status" { "The post does not reach this address." } }
        (Card::bare().padded(form))
    };
    cx.page("Postal address", body).await
}

/// `POST /leads/{id}/address`
pub async fn save(mut cx: web::Cx, Path(id): Path<Uuid>, Form(typed): Form<Typed>) -> web::Result<Response> {
    leads::lead::get(&mut cx, id.into()).await?;
    let at = PostalAddress {
        line1: typed.line1,
        line2: typed.line2,
        city: typed.city,
        region: typed.region,
        postcode: typed.postcode,
        country: typed.country,
        undeliverable: false,
    };
    set(&mut cx, id, &at, "person").await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/leads/{id}"), "The postal address was saved."))
}
