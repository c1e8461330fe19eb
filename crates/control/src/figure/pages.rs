//! The limits that the code obeys, read from the same rows.

use super::{Figure, rules::HOLIDAYS, words};
use crate::outside::Countries;
use axum::{
    extract::{Form as Sent, Query},
    http::StatusCode,
    response::Response,
};
use base::{Error, Kind, Role};
use maud::html;
use serde::Deserialize;
use serde_json::Value;
use ui::prelude::*;
use web::actor::{self, Names};

/// Which figure is to be changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    key: String,
}

/// The form of a figure.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    key: String,
    value: String,
    reason: String,
}

/// What is wrong with what was typed: the field, and a sentence.
type Problem = (&'static str, String);

/// `GET /settings/limits`
pub async fn list(
    mut cx: web::Cx,
    Query(asked): Query<Asked>,
    countries: Countries,
) -> web::Result<Response> {
    let figures = super::list(&mut cx).await?;
    let value = figures.iter().find(|f| f.key == asked.key).map(|f| f.value.to_string()).unwrap_or_default();
    let typed = Typed { key: asked.key, value, reason: String::new() };
    page(cx, &figures, &typed, None, countries).await
}

async fn page(
    mut cx: web::Cx,
    figures: &[Figure],
    typed: &Typed,
    problem: Option<Problem>,
    countries: Countries,
) -> web::Result<Response> {
    let names = actor::names(&mut cx, figures.iter().map(|f| f.source.as_str())).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may_set = cx.who().role >= Role::Admin;
    let columns = [
        Column::text("Figure"),
        Column::text("Value"),
        Column::text("Since"),
        Column::text("Source"),
        Column::text("Why"),
        Column::acts("Actions"),
    ];
    let table = Table::new("Figures", columns)
        .empty(state::empty("No figures are set", "Without them nothing is sent.", None))
        .rows(figures.iter().map(|figure| line(figure, &names, &wall, may_set, countries)));
    let body = html! {
        (Heading::new("Limits").crumb("Settings", "/settings")
            .about("Limits, windows and holidays, from the rows that the product obeys. Your own value goes before the platform's.")
            .act(Button::link("Holidays", "/settings/limits/holidays")))
        (Card::new("In force now").body(table))
        @if may_set { (Card::new("Set your own").id("set").padded(form(figures, typed, problem.as_ref(), countries))) }
    };
    let failed = problem.is_some();
    let mut response = cx.page("Limits", body).await?;
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn form(figures: &[Figure], typed: &Typed, problem: Option<&Problem>, countries: Countries) -> Form {
    let of = |field: &str| problem.filter(|(at, _)| *at == field).map(|(_, text)| text.clone());
    let keys = figures
        .iter()
        .filter(|f| !f.key.starts_with(HOLIDAYS))
        .map(|f| Choice::new(&f.key, words::label(&f.key, countries)));
    Form::post("/settings/limits", "figure")
        .field(Field::select("key", "Figure", keys).value(&typed.key).required().error(of("key")))
        .field(
            Field::area("value", "Value", 3)
                .value(&typed.value)
                .hint("In the same form as the present value: a number, or JSON. “Change” beside a figure puts its present value here.")
                .required()
                .error(of("value")),
        )
        .field(Field::text("reason", "Why").value(&typed.reason).max_chars(500).required().error(of("reason")))
        .submit("Set from now on")
}

fn line(figure: &Figure, names: &Names, wall: &Wall, may_set: bool, countries: Countries) -> Row {
    let label = words::label(&figure.key, countries);
    let change = match figure.key.strip_prefix(HOLIDAYS) {
        Some(calendar) => format!("/settings/limits/holidays?calendar={}", crate::link(calendar)),
        None => format!("/settings/limits?key={}#set", crate::link(&figure.key)),
    };
    let verb = if figure.key.starts_with(HOLIDAYS) { "See the days" } else { "Change" };
    Row::new()
        .cell(html! { (label) @if figure.own { " " (tag(Tone::Cool, "own")) } })
        .cell(words::value(&figure.key, &figure.value))
        .cell(wall.date(figure.valid_from))
        .cell(names.of(&figure.source))
        .cell(&figure.reason)
        .cell(html! { @if may_set || verb != "Change" { (Button::link(verb, change).quiet().about(label)) } })
}

/// `POST /settings/limits`
pub async fn set(mut cx: web::Cx, Sent(typed): Sent<Typed>, countries: Countries) -> web::Result<Response> {
    let figures = super::list(&mut cx).await?;
    if !figures.iter().any(|figure| figure.key == typed.key) {
        let problem = ("key", "Choose a figure from the list.".to_owned());
        return page(cx, &figures, &typed, Some(problem), countries).await;
    }
    let now = cx.now();
    let done = match serde_json::from_str::<Value>(typed.value.trim()) {
        Ok(value) => super::set(&mut cx, &typed.key, &value, now, &typed.reason).await,
        Err(cause) => {
            Err(Error::invalid("figure.shape", "This is neither a number nor JSON.").caused_by(cause))
        }
    };
    match done {
        Ok(_) => {
            cx.commit().await?;
            Ok(web::redirect_with("/settings/limits", "It counts from now on."))
        }
        Err(error) if error.kind() == Kind::Invalid => {
            let field = if error.code() == "figure.reason" { "reason" } else { "value" };
            page(cx, &figures, &typed, Some((field, error.message().to_owned())), countries).await
        }
        Err(error) => Err(error.into()),
    }
}
