//! Meetings → Calendars: a client's calendars at booking services.

use super::{Calendar, New, choose as chosen, get, jobs, list, offer as offered_now, remove as drop_it};
use axum::{
    Form,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base::Secret;
use control::secret::Keyring;
use maud::{Markup, html};
use ports::calendar::Service;
use serde::Deserialize;
use std::sync::Arc;
use ui::prelude::{
    Button, Card, Choice, Column, Field, Heading, Pairs, Row, Table, Tone, Wall, acts, grid, state, tag,
};
use uuid::Uuid;

/// What changes a calendar's page by itself.
const FACTS: [&str; 1] = ["outreach.calendar.*"];

/// `GET /meetings/calendars`
pub async fn index(mut cx: web::Cx) -> web::Result<Response> {
    let calendars = list(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    cx.page("Calendars", index_page(&calendars, &wall, &Typed::default(), None)?).await
}

fn index_page(
    calendars: &[Calendar],
    wall: &Wall,
    typed: &Typed,
    problem: Option<&str>,
) -> base::Result<Markup> {
    let mut rows = Vec::new();
    for one in calendars {
        rows.push(
            Row::new()
                .link(&one.name, &format!("/meetings/calendars/{}", one.id))
                .cell(one.service()?.label())
                .cell(if one.event_type.is_some() { one.event_title.as_str() } else { "not chosen yet" })
                .cell(standing(one))
                .maybe(one.heard_at.map(|at| wall.relative(at))),
        );
    }
    let columns = [
        Column::text("Calendar"),
        Column::text("Service"),
        Column::text("What is booked"),
        Column::text("State"),
        Column::text("Last heard"),
    ];
    let empty = state::empty(
        "No calendars yet",
        "Connect your calendar at Cal.com or Calendly, and messages offer it instead of the booking page here.",
        None::<Button>,
    );
    let table = Card::bare().body(Table::new("Calendars", columns).rows(rows).empty(empty));
    Ok(html! {
        (Heading::new("Calendars").crumb("Meetings", "/meetings")
            .about("What guests book there becomes meetings here. Keys are sealed before they are stored, and never shown again."))
        (ui::live::region("calendars", "/meetings/calendars", &FACTS, table))
        (Card::new("Connect a calendar").padded(form(typed, problem)))
    })
}

fn standing(one: &Calendar) -> Markup {
    match (one.status.as_str(), one.owner_ref.is_empty(), one.offered) {
        ("failed", ..) => tag(Tone::Bad, "failed"),
        (_, true, _) => tag(Tone::Cold, "looking at the key"),
        (_, false, true) => tag(Tone::Good, "offered in messages"),
        (_, false, false) => tag(Tone::Cool, "connected"),
    }
}

fn form(typed: &Typed, problem: Option<&str>) -> ui::form::Form {
    let services: Vec<Choice> =
        Service::ALL.iter().map(|service| Choice::new(service.word(), service.label())).collect();
    ui::form::Form::post("/meetings/calendars", "calendar")
        .problem(problem)
        .field(Field::select("service", "Service", services).value(&typed.service).required())
        .field(Field::text("name", "What you call it").value(&typed.name).max_chars(200))
        .field(
            Field::password("key", "API key")
                .autocomplete("off")
                .required()
                .hint("Cal.com: an API key, cal_…; Calendly: a personal access token of a paid plan."),
        )
        .field(
            Field::text("base_url", "Address of the service")
                .value(&typed.base_url)
                .hint("Empty: the service's own."),
        )
        .submit("Connect the calendar")
}

/// The form of a calendar.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    service: String,
    name: String,
    key: String,
    base_url: String,
}

/// `POST /meetings/calendars`
pub async fn add(mut cx: web::Cx, Form(typed): Form<Typed>, ring: Arc<Keyring>) -> web::Result<Response> {
    let added = match typed.service.parse::<Service>() {
        Ok(service) => {
            let new = New {
                service,
                name: typed.name.clone(),
                key: Secret::new(typed.key.clone()),
                base_url: typed.base_url.clone(),
            };
            super::add(&mut cx, &ring, &new).await
        }
        Err(error) => Err(error),
    };
    match added {
        Ok(id) => {
            cx.commit().await?;
            let to = format!("/meetings/calendars/{id}");
            Ok(web::redirect_with(&to, "The calendar was added; its key is being looked at."))
        }
        Err(error) if error.kind() == base::Kind::Invalid => {
            let calendars = list(&mut cx).await?;
            let wall = Wall::new(cx.now(), cx.who().zone.clone());
            let body = index_page(&calendars, &wall, &typed, Some(error.message()))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, cx.page("Calendars", body).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /meetings/calendars/{id}`
pub async fn show(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let calendar = get(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let here = format!("/meetings/calendars/{id}");
    let main = ui::live::region("calendar", &here, &FACTS, about(&calendar, &wall)?);
    let side = Card::new("Remove").padded(
        Button::post("Remove the calendar", format!("{here}/remove"))
            .confirm("Remove this calendar? Its meetings stay; what is booked there later is not seen."),
    );
    let body = html! {
        (Heading::new(&calendar.name).crumb("Meetings", "/meetings").crumb("Calendars", "/meetings/calendars").tag(standing(&calendar)))
        (grid::main_side(main, side))
    };
    cx.page(&calendar.name.clone(), body).await
}

fn about(calendar: &Calendar, wall: &Wall) -> base::Result<Markup> {
    let here = format!("/meetings/calendars/{}", calendar.id);
    let service = calendar.service()?.label();
    let owner = (!calendar.owner_email.is_empty())
        .then(|| format!("{} <{}>", calendar.owner_name, calendar.owner_email));
    let told = if calendar.subscription.is_some() {
        "bookings are told to us as they happen"
    } else {
        "not asked yet to tell us about bookings"
    };
    Ok(html! {
        @if let Some(why) = &calendar.status_reason {
            div.note.b-warn role="alert" { (why) }
        }
        (Card::new(service).padded(html! {
            (Pairs::new()
                .maybe("Whose", owner)
                .add("State", standing(calendar))
                .add("Webhook", told)
                .maybe("Guests book at", calendar.link.as_deref().map(|link| html! { a href=(link) { (link) } }))
                .add("Last heard", calendar.heard_at.map_or_else(|| html! { "nothing yet" }, |at| wall.relative(at))))
            (acts([Button::post("Look at it again", format!("{here}/check"))]))
            @if calendar.event_type.is_some() && !calendar.offered {
                (acts([Button::post("Offer this calendar in messages", format!("{here}/offer")).primary()]))
            }
        }))
        (Card::new("What is booked").padded(kinds(calendar, &here)?))
    })
}

fn kinds(calendar: &Calendar, here: &str) -> base::Result<Markup> {
    let kinds = calendar.kinds()?;
    if kinds.is_empty() {
        return Ok(html! { p {
            @if calendar.owner_ref.is_empty() { "What can be booked stands here once the key was looked at." }
            @else { "Nothing can be booked in this calendar. Make an event type there, then look at it again." }
        } });
    }
    let choices: Vec<Choice> = kinds
        .iter()
        .map(|kind| {
            Choice::new(kind.reference.as_str(), format!("{} ({} minutes)", kind.title, kind.minutes))
        })
        .collect();
    let form = ui::form::Form::post(here, "event")
        .field(
            Field::select("event_type", "Event type", choices)
                .value(calendar.event_type.clone().unwrap_or_default())
                .required(),
        )
        .submit("Use this event type");
    Ok(html! { (form) })
}

/// What is booked.
#[derive(Debug, Deserialize)]
pub struct Chosen {
    #[serde(default)]
    event_type: String,
}

/// `POST /meetings/calendars/{id}`
pub async fn choose(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Form(typed): Form<Chosen>,
) -> web::Result<Response> {
    chosen(&mut cx, id, &typed.event_type).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/meetings/calendars/{id}"), "Saved."))
}

/// `POST /meetings/calendars/{id}/offer`
pub async fn offer(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    offered_now(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/meetings/calendars/{id}"), "Messages offer this calendar now."))
}

/// `POST /meetings/calendars/{id}/check`
pub async fn check(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let calendar = get(&mut cx, id).await?;
    jobs::enqueue_connect(&mut cx, calendar.id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/meetings/calendars/{id}"), "It is being looked at."))
}

/// `POST /meetings/calendars/{id}/remove`
pub async fn remove(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    drop_it(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/meetings/calendars", "The calendar was removed."))
}
