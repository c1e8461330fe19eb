//! The public booking pages: choose a time, see it, move it, cancel it. They work without JavaScript
//! and without an account; the links carry the secret.

use super::{Booking, Meeting, Slot, Status, rules, store};
use axum::{
    extract::{Path, Query},
    http::header,
    response::{IntoResponse, Response},
};
use base::{Actor, EmailAddress, Error, TenantId, Time, Zone};
use jiff::civil::Date;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::*;
use uuid::Uuid;
use web::{Open, Result};

/// What the address says besides the page.
#[derive(Debug, Default, Deserialize)]
pub struct View {
    /// The guest's zone.
    zone: Option<String>,
    /// The chosen time.
    at: Option<String>,
    /// The lead whose link it is.
    l: Option<Uuid>,
}

/// Zones offered to guests; any other can be given in the address.
const ZONES: [&str; 14] = [
    "Australia/Sydney",
    "Australia/Melbourne",
    "Australia/Brisbane",
    "Australia/Adelaide",
    "Australia/Darwin",
    "Australia/Perth",
    "Australia/Hobart",
    "Pacific/Auckland",
    "Asia/Singapore",
    "Asia/Kolkata",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
];

async fn page_of(open: &Open, slug: &str) -> Result<(db::Cx, store::Page)> {
    let mut system = open.system("booking").await?;
    let tenant =
        store::tenant_of_slug(&mut system, slug).await?.ok_or_else(|| Error::not_found("booking page"))?;
    system.rollback().await?;
    let mut cx = open.tenant(TenantId(tenant), Actor::Prospect).await?;
    let page = store::page(&mut cx)
        .await?
        .filter(|page| page.active)
        .ok_or_else(|| Error::not_found("booking page"))?;
    Ok((cx, page))
}

fn zone_or(given: Option<&str>, page: &store::Page) -> Zone {
    given.and_then(|name| Zone::named(name).ok()).unwrap_or_else(|| page.zone.clone())
}

/// `GET /book/{slug}`: the free times; with `at`, the form for that time.
pub async fn show(open: Open, Path(slug): Path<String>, Query(view): Query<View>) -> Result<Response> {
    let (mut cx, page) = page_of(&open, &slug).await?;
    let zone = zone_or(view.zone.as_deref(), &page);
    let free = rules::slots(&page, &store::taken(&mut cx).await?, cx.now());
    let chosen = view.at.as_deref().and_then(|at| at.parse::<Time>().ok());
    let body = match chosen {
        Some(at) if free.iter().any(|slot| slot.starts_at == at) => details(&page, &zone, at, view.l, None),
        _ => choices(&page, &zone, &free, view.l, chosen.is_some()),
    };
    Ok(plain(&page, body))
}

fn plain(page: &store::Page, body: Markup) -> Response {
    Plain { title: page.title.clone(), wide: true, brand: page.host_name.clone(), ..Plain::default() }
        .page(body)
        .into_response()
}

fn choices(page: &store::Page, zone: &Zone, free: &[Slot], lead: Option<Uuid>, gone: bool) -> Markup {
    let mut days: BTreeMap<Date, Vec<Time>> = BTreeMap::new();
    for slot in free {
        days.entry(slot.starts_at.in_zone(zone).date()).or_default().push(slot.starts_at);
    }
    let link = |at: Time| {
        let lead = lead.map(|l| format!("&l={l}")).unwrap_or_default();
        format!("/book/{}?zone={}&at={at}{lead}", page.slug, zone.name().replace('/', "%2F"))
    };
    let zones: Vec<&str> =
        if ZONES.contains(&zone.name()) { ZONES.to_vec() } else { [&[zone.name()], &ZONES[..]].concat() };
    html! {
        h1 { (page.title) }
        p.muted { (page.minutes) " minutes with " (page.host_name) @if !page.location.is_empty() { " · " (page.location) } }
        @if gone { div.note.b-warn role="alert" { "That time has just been taken. Please choose another." } }
        form method="get" action=(format!("/book/{}", page.slug)) {
            @if let Some(lead) = lead { input type="hidden" name="l" value=(lead); }
            label for="zone" { "Times shown for" } " "
            select id="zone" name="zone" {
                @for name in zones { option value=(name) selected[name == zone.name()] { (name.replace('_', " ")) } }
            }
            " " button.btn type="submit" { "Show" }
        }
        @if days.is_empty() {
            (state::empty("No free times", "There is nothing free in the coming weeks. Please write to your host.", None))
        }
        @for (day, times) in days {
            section {
                h2 { (day.strftime("%A %-d %B").to_string()) }
                p.acts {
                    @for at in times {
                        a.btn href=(link(at)) { (at.in_zone(zone).strftime("%H:%M").to_string()) }
                    }
                }
            }
        }
    }
}

fn said(at: Time, zone: &Zone) -> String {
    format!("{} ({zone})", at.in_zone(zone).strftime("%A %-d %B %Y, %H:%M"))
}

fn details(
    page: &store::Page,
    zone: &Zone,
    at: Time,
    lead: Option<Uuid>,
    problem: Option<(&str, &Filled)>,
) -> Markup {
    let kept =
        |pick: fn(&Filled) -> &str| problem.map(|(_, filled)| pick(filled).to_owned()).unwrap_or_default();
    let mut form = Form::post(format!("/book/{}", page.slug), "book")
        .problem(problem.map(|(text, _)| text.to_owned()))
        .hidden("at", at.to_string())
        .hidden("zone", zone.name())
        .field(
            Field::text("name", "Your name")
                .value(kept(|f| &f.name))
                .required()
                .autocomplete("name")
                .max_chars(200),
        )
        .field(
            Field::email("email", "Your e-mail")
                .value(kept(|f| &f.email))
                .required()
                .autocomplete("email")
                .hint("The invitation goes here."),
        )
        .field(
            Field::area("note", "Anything that helps to prepare (optional)", 3)
                .value(kept(|f| &f.note))
                .max_chars(2_000),
        )
        .submit("Book this time")
        .cancel(format!("/book/{}?zone={}", page.slug, zone.name().replace('/', "%2F")));
    if let Some(lead) = lead {
        form = form.hidden("l", lead.to_string());
    }
    html! {
        h1 { (page.title) }
        p { strong { (said(at, zone)) } br; (page.minutes) " minutes with " (page.host_name) }
        (form)
    }
}

/// The filled-in form.
#[derive(Debug, Deserialize)]
pub struct Filled {
    at: String,
    zone: String,
    name: String,
    email: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    l: Option<Uuid>,
}

/// `POST /book/{slug}`: books.
pub async fn book(
    open: Open,
    Path(slug): Path<String>,
    axum::Form(filled): axum::Form<Filled>,
) -> Result<Response> {
    let (mut cx, page) = page_of(&open, &slug).await?;
    let zone = zone_or(Some(&filled.zone), &page);
    let at: Time = filled
        .at
        .parse()
        .map_err(|_| Error::invalid("meeting.time", "That is not a time. Choose one from the page."))?;
    let email = match EmailAddress::parse(&filled.email) {
        Ok(email) => email,
        Err(error) => {
            return Ok(plain(&page, details(&page, &zone, at, filled.l, Some((error.message(), &filled)))));
        }
    };
    let booking = Booking {
        name: filled.name.clone(),
        email,
        zone: zone.clone(),
        starts_at: at,
        note: filled.note.clone(),
        lead: filled.l,
    };
    match super::book(&mut cx, &page, &booking).await {
        Ok(booked) => {
            cx.commit().await?;
            Ok(web::redirect(&format!("/meeting/{}", booked.token)))
        }
        Err(error) if error.kind() == base::Kind::Invalid => {
            Ok(plain(&page, details(&page, &zone, at, filled.l, Some((error.message(), &filled)))))
        }
        Err(error) if error.code() == "meeting.taken" => {
            cx.rollback().await?;
            let lead = filled.l.map(|l| format!("&l={l}")).unwrap_or_default();
            Ok(web::redirect(&format!(
                "/book/{slug}?zone={}&at=taken{lead}",
                zone.name().replace('/', "%2F")
            )))
        }
        Err(error) => Err(error.into()),
    }
}

async fn meeting_of(open: &Open, token: &str) -> Result<(db::Cx, Meeting)> {
    let mut system = open.system("booking").await?;
    let meeting = super::by_token(&mut system, token).await?;
    system.rollback().await?;
    let cx = open.tenant(TenantId(meeting.tenant_id), Actor::Prospect).await?;
    Ok((cx, meeting))
}

/// `GET /meeting/{token}`: the guest's view of the meeting.
pub async fn meeting(open: Open, Path(token): Path<String>, Query(view): Query<View>) -> Result<Response> {
    let (mut cx, meeting) = meeting_of(&open, &token).await?;
    let page = store::page(&mut cx).await?.ok_or_else(|| Error::not_found("booking page"))?;
    let zone = Zone::named(&meeting.guest_zone)?;
    let moving = view.at.as_deref() == Some("choose") && meeting.status == Status::Booked;
    let free = if moving { rules::slots(&page, &store::taken(&mut cx).await?, cx.now()) } else { Vec::new() };
    let body = html! {
        h1 { (meeting.title) }
        p { (tag(if meeting.status == Status::Booked { Tone::Good } else { Tone::Cold }, meeting.status.label())) }
        p { strong { (said(meeting.starts_at, &zone)) } br; "with " (page.host_name) @if !meeting.location.is_empty() { br; (meeting.location) } }
        @if moving {
            h2 { "Choose another time" }
            form method="post" action=(format!("/meeting/{token}/move")) {
                label for="at" { "Time" } " "
                select id="at" name="at" required {
                    @for slot in &free { option value=(slot.starts_at) { (said(slot.starts_at, &zone)) } }
                }
                " " button.btn.btn-primary type="submit" { "Move to this time" }
            }
        } @else if meeting.status == Status::Booked {
            p.acts {
                a.btn href=(format!("/meeting/{token}/invitation.ics")) { "Add to calendar" }
                a.btn href=(format!("/meeting/{token}?at=choose")) { "Choose another time" }
            }
            form method="post" action=(format!("/meeting/{token}/cancel")) { button.btn.btn-stop type="submit" { "Cancel the meeting" } }
        } @else if meeting.status == Status::Cancelled {
            p { a.btn href=(format!("/book/{}", page.slug)) { "Book another time" } }
        }
    };
    Ok(plain(&page, body))
}

/// A chosen time.
#[derive(Debug, Deserialize)]
pub struct Chosen {
    at: String,
}

/// `POST /meeting/{token}/move`.
pub async fn move_to(
    open: Open,
    Path(token): Path<String>,
    axum::Form(chosen): axum::Form<Chosen>,
) -> Result<Response> {
    let (mut cx, meeting) = meeting_of(&open, &token).await?;
    let at: Time = chosen
        .at
        .parse()
        .map_err(|_| Error::invalid("meeting.time", "That is not a time. Choose one from the page."))?;
    super::reschedule(&mut cx, &meeting, at).await?;
    cx.commit().await?;
    Ok(web::redirect(&format!("/meeting/{token}")))
}

/// `POST /meeting/{token}/cancel`.
pub async fn cancel(open: Open, Path(token): Path<String>) -> Result<Response> {
    let (mut cx, meeting) = meeting_of(&open, &token).await?;
    super::cancel(&mut cx, &meeting, "cancelled by the guest").await?;
    cx.commit().await?;
    Ok(web::redirect(&format!("/meeting/{token}")))
}

/// `GET /meeting/{token}/invitation.ics`.
pub async fn invitation(open: Open, Path(token): Path<String>) -> Result<Response> {
    let (mut cx, meeting) = meeting_of(&open, &token).await?;
    let page = store::page(&mut cx).await?.ok_or_else(|| Error::not_found("booking page"))?;
    let (_, ics) = super::ics::invitation(&meeting, &page.host_name, &page.host_email, cx.now());
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"invitation.ics\""),
    ];
    Ok((headers, ics).into_response())
}
