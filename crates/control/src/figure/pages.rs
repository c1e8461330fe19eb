//! The limits that the code obeys, read from the same rows.

use super::Figure;
use axum::{extract::Form as Sent, response::Response};
use base::Error;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use ui::prelude::*;

/// `GET /settings/limits`
pub async fn list(mut cx: web::Cx) -> web::Result<Response> {
    let figures = super::list(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let table = Table::new("Figures", ["Figure", "Value", "Since", "Source", "Why"])
        .empty(state::empty("No figures are set", "Without them nothing is sent.", None))
        .rows(figures.iter().map(|figure| line(figure, &wall)));
    let keys =
        figures.iter().filter(|f| !f.key.starts_with("holidays.")).map(|f| Choice::new(&f.key, &f.key));
    let form = Form::post("/settings/limits", "figure")
        .field(Field::select("key", "Figure", keys).required())
        .field(
            Field::area("value", "Value", 3)
                .hint("In the same form as the present value: a number, or JSON.")
                .required(),
        )
        .field(Field::text("reason", "Why").max_chars(500).required())
        .submit("Set from now on");
    let body = html! {
        (Heading::new("Limits").crumb("Settings", "/settings")
            .about("Limits, windows and holidays, from the rows that the product obeys. Your own value goes before the platform's."))
        (Card::new("In force now").body(table))
        (Card::new("Set your own").padded(form))
    };
    cx.page("Limits", body).await
}

fn line(figure: &Figure, wall: &Wall) -> Row {
    Row::new()
        .cell(html! { code { (figure.key) } @if figure.own { " " (tag(Tone::Cool, "own")) } })
        .cell(value(&figure.value))
        .cell(wall.date(figure.valid_from))
        .cell(&figure.source)
        .cell(&figure.reason)
}

fn value(value: &Value) -> Markup {
    let text = value.to_string();
    html! {
        @if text.len() <= 60 { code { (text) } }
        @else {
            details {
                summary { @match value.as_array() {
                    Some(rows) => (number::counted(i64::try_from(rows.len()).unwrap_or(0), "entry", "entries")),
                    None => "Show",
                } }
                code { (text) }
            }
        }
    }
}

/// The form of a figure.
#[derive(Deserialize)]
pub struct Set {
    key: String,
    value: String,
    reason: String,
}

/// `POST /settings/limits`
pub async fn set(mut cx: web::Cx, Sent(form): Sent<Set>) -> web::Result<Response> {
    let value: Value = serde_json::from_str(form.value.trim()).map_err(|cause| {
        Error::invalid("figure.shape", format!("The value is not a number or JSON: {cause}."))
    })?;
    let known = super::list(&mut cx).await?;
    if !known.iter().any(|figure| figure.key == form.key) {
        return Err(Error::not_found("figure").into());
    }
    let now = cx.now();
    super::set(&mut cx, &form.key, &value, now, &form.reason).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/settings/limits", "It counts from now on."))
}
