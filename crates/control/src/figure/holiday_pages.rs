//! `/settings/limits/holidays`: the days on which nobody is contacted, calendar by calendar.

use super::{
    Holiday,
    holidays::{self, Calendar},
    words::place,
};
use crate::outside::Countries;
use axum::{extract::Form as Sent, http::StatusCode, response::Response};
use base::{Error, Kind, Result, Role};
use jiff::civil::Date;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

const HERE: &str = "/settings/limits/holidays";

/// Which calendar is shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    calendar: String,
}

/// What is typed to close a day.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    calendar: String,
    country: String,
    date: String,
    name: String,
}

/// What is wrong with what was typed, by field.
#[derive(Default)]
struct Problem {
    field: &'static str,
    text: String,
}

/// `GET /settings/limits/holidays`
pub async fn list(
    cx: web::Cx,
    asked: axum::extract::Query<Asked>,
    countries: Countries,
) -> web::Result<Response> {
    let typed = Typed { calendar: asked.0.calendar, ..Typed::default() };
    page(cx, &typed, None, countries).await
}

fn today(cx: &web::Cx) -> Date {
    cx.now().in_zone(&cx.who().zone).date()
}

async fn page(
    mut cx: web::Cx,
    typed: &Typed,
    problem: Option<Problem>,
    countries: Countries,
) -> web::Result<Response> {
    let all = holidays::calendars(&mut cx).await?;
    let home = home(&mut cx).await?;
    let asked = |name: &str| all.iter().find(|calendar| calendar.name == name);
    let shown = asked(&typed.calendar).or_else(|| asked(&home)).or_else(|| all.first());
    let may_set = cx.who().role >= Role::Admin;
    let choices = || all.iter().map(|c| Choice::new(&c.name, place(&c.name, countries)));
    let body = html! {
        (Heading::new("Holidays").crumb("Settings", "/settings").crumb("Limits", "/settings/limits")
            .about("Days on which nobody is contacted, by where the person is. In a state, the days of its country are closed as well."))
        (Filter::new(HERE).field(Field::select("calendar", "Where", choices())
            .value(shown.map_or("", |calendar| calendar.name.as_str()))))
        @if let Some(calendar) = shown { (days(calendar, today(&cx), may_set, countries)) }
        @else { (state::empty("No calendar", "Without one, only the hours of the week close a day.", None)) }
        @if may_set {
            (Card::new("Close a day").id("close").padded(form(typed, shown, choices(), problem.as_ref())))
        }
    };
    let failed = problem.is_some();
    let mut response = cx.page("Holidays", body).await?;
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// The client's own country.
async fn home(cx: &mut db::Cx) -> Result<String> {
    let tenant = cx.tenant()?.uuid();
    let country = sqlx::query_scalar!("select country from accounts.tenant where id = $1", tenant)
        .fetch_optional(cx.conn())
        .await?;
    Ok(country.unwrap_or_default())
}

fn days(calendar: &Calendar, today: Date, may_set: bool, countries: Countries) -> Markup {
    let columns =
        [Column::text("Day"), Column::text("Weekday"), Column::text("What"), Column::acts("Actions")];
    let rows = calendar.days.iter().filter(|day| day.date >= today).map(|day| {
        Row::new()
            .cell(day.date.strftime("%-d %B %Y").to_string())
            .cell(day.date.strftime("%A").to_string())
            .cell(&day.name)
            .cell(html! {
                @if may_set {
                    (Button::post("Open it", format!("{HERE}/remove")).quiet()
                        .hidden("calendar", &calendar.name).hidden("date", day.date.to_string())
                        .about(format!("{}, {}", day.name, day.date))
                        .confirm("Messages may then leave on this day. Open it?"))
                }
            })
    });
    let name = place(&calendar.name, countries);
    let whose = if calendar.own { "your own" } else { "the platform's" };
    let table = Table::new(format!("Days to come in {name}"), columns).rows(rows).empty(state::empty(
        "No closed days to come",
        "Close a day below.",
        None,
    ));
    html! { (Card::new(name).aside(tag(if calendar.own { Tone::Cool } else { Tone::Cold }, whose)).body(table)) }
}

fn form(
    typed: &Typed,
    shown: Option<&Calendar>,
    choices: impl Iterator<Item = Choice>,
    problem: Option<&Problem>,
) -> Form {
    let of = |field: &str| problem.filter(|p| p.field == field).map(|p| p.text.clone());
    let chosen = if typed.country.is_empty() { shown.map_or("", |c| c.name.as_str()) } else { "" };
    Form::post(HERE, "holiday")
        .problem(of(""))
        .line([
            Field::select("calendar", "Where", choices.chain([Choice::new("", "Another country")]))
                .value(chosen)
                .error(of("calendar")),
            Field::text("country", "Which other country")
                .value(&typed.country)
                .max_chars(100)
                .hint("Only for another country, such as Germany.")
                .error(of("country")),
        ])
        .line([
            Field::line(Input::Date, "date", "Day").value(&typed.date).required().error(of("date")),
            Field::text("name", "What it is").value(&typed.name).max_chars(100).required().error(of("name")),
        ])
        .submit("Close the day")
}

/// The calendar that is meant: a chosen one, or that of a country that was typed.
fn calendar(typed: &Typed, countries: Countries) -> std::result::Result<String, Problem> {
    if !typed.calendar.is_empty() {
        return Ok(typed.calendar.clone());
    }
    countries(&typed.country).map(|(code, _)| code).ok_or_else(|| Problem {
        field: "country",
        text: if typed.country.trim().is_empty() {
            "Say which country.".to_owned()
        } else {
            format!("“{}” is not a country that is known.", typed.country.trim())
        },
    })
}

/// `POST /settings/limits/holidays`
pub async fn add(mut cx: web::Cx, Sent(typed): Sent<Typed>, countries: Countries) -> web::Result<Response> {
    let name = match calendar(&typed, countries) {
        Ok(name) => name,
        Err(problem) => return page(cx, &typed, Some(problem), countries).await,
    };
    let Ok(date) = typed.date.trim().parse::<Date>() else {
        let text = format!("“{}” is not a day such as 2027-01-26.", typed.date.trim());
        return page(cx, &typed, Some(Problem { field: "date", text }), countries).await;
    };
    let today = today(&cx);
    let day = Holiday { date, name: typed.name.clone() };
    match holidays::add(&mut cx, &name, today, day).await {
        Ok(()) => {
            cx.commit().await?;
            Ok(web::redirect_with(&format!("{HERE}?calendar={name}"), "The day is closed from now on."))
        }
        Err(error) if error.kind() == Kind::Invalid => {
            let field = match error.code() {
                "holiday.calendar" => "calendar",
                "holiday.date" => "date",
                "holiday.name" => "name",
                _ => "",
            };
            let problem = Problem { field, text: error.message().to_owned() };
            page(cx, &typed, Some(problem), countries).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The day to open again.
#[derive(Debug, Deserialize)]
pub struct Day {
    calendar: String,
    date: String,
}

/// `POST /settings/limits/holidays/remove`
pub async fn remove(mut cx: web::Cx, Sent(day): Sent<Day>) -> web::Result<Response> {
    let date = day.date.parse::<Date>().map_err(|cause| {
        Error::invalid("holiday.date", format!("“{}” is not a day.", day.date)).caused_by(cause)
    })?;
    holidays::remove(&mut cx, &day.calendar, date).await?;
    cx.commit().await?;
    Ok(web::redirect_with(
        &format!("{HERE}?calendar={}", crate::link(&day.calendar)),
        "The day is open again.",
    ))
}
