//! The client's own pages about meetings: the list, one meeting, the booking page's settings.

use super::{Filter, Meeting, MeetingId, Page, Status, Verdict, rules::Hours, store};
use axum::{
    extract::{Path, Query},
    response::Response,
};
use base::{Cursor, EmailAddress, Error, Zone};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::{Cx, Result, redirect_with};

const PER_PAGE: usize = 50;

/// Which part of the list is looked at.
#[derive(Debug, Default, Deserialize)]
pub struct View {
    #[serde(default)]
    past: bool,
    after: Option<Cursor>,
}

/// `GET /meetings`.
pub async fn list(mut cx: Cx, Query(view): Query<View>) -> Result<Response> {
    let filter = if view.past { Filter::Past } else { Filter::Upcoming };
    let meetings = store::list(&mut cx, filter, view.after.as_ref(), PER_PAGE).await?;
    let page = store::page(&mut cx).await?;
    let offered = crate::calendar::offered(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let tab = if view.past { "/meetings?past=true" } else { "/meetings" };
    let tabs =
        tabs("Meetings", tab, &[Tab::new("Upcoming", "/meetings"), Tab::new("Past", "/meetings?past=true")]);
    let nothing = match &page {
        _ if view.past => {
            state::empty("No past meetings", "Meetings that are over or were cancelled stand here.", None)
        }
        None if offered.is_some() => state::empty(
            "No meetings here yet",
            "What guests book in your calendar stands here as soon as it is booked.",
            None,
        ),
        None => state::empty(
            "No booking page yet",
            "Set up your booking page, so that prospects can choose a time themselves.",
            Some(Button::link("Set up the booking page", "/meetings/settings").primary()),
        ),
        Some(page) => state::empty(
            "No meetings ahead",
            html! { "Share your booking page: " code { (format!("{}/book/{}", cx.app().settings().origin(), page.slug)) } },
            Some(Button::link("Open the booking page", format!("/book/{}", page.slug))),
        ),
    };
    let part = |after: &Cursor| format!("/meetings?past={}&after={}", view.past, after.as_str());
    let here = view.after.as_ref().map_or_else(|| tab.to_owned(), part);
    let next = meetings.next.as_ref().map(part);
    let mut table = Table::new(
        "Meetings",
        [Column::text("When"), Column::text("With"), Column::text("About"), Column::text("State")],
    )
    .empty(nothing)
    .next(next);
    for meeting in &meetings.rows {
        table = table.row(
            Row::new()
                .cell(html! { a href=(format!("/meetings/{}", meeting.id)) { (wall.moment(meeting.starts_at)) } })
                .cell(html! { (meeting.guest_name) br; span.muted { (meeting.guest_email) } })
                .cell(meeting.title.as_str())
                .cell(state_tag(meeting.status)),
        );
    }
    let mut heading = Heading::new("Meetings")
        .act(Button::link("Calendars", "/meetings/calendars"))
        .act(Button::link("Booking page", "/meetings/settings"));
    if let Some(calendar) = &offered {
        heading = heading.about(html! {
            "Messages offer " (calendar.event_title) " in your calendar at " (calendar.service()?.label()) "."
        });
    } else if let Some(page) = &page {
        heading = heading.about(html! { "Guests book at " a href=(format!("/book/{}", page.slug)) { (format!("/book/{}", page.slug)) } "." });
    }
    let body = html! {
        (heading)
        (tabs)
        (ui::live::region("meetings", &here, &["outreach.meeting.*"], Card::new("Meetings").body(table)))
    };
    cx.page("Meetings", body).await
}

fn state_tag(status: Status) -> Markup {
    let tone = match status {
        Status::Booked => Tone::Cool,
        Status::Held => Tone::Good,
        Status::Cancelled => Tone::Cold,
        Status::NoShow => Tone::Bad,
    };
    tag(tone, status.label())
}

/// `GET /meetings/{id}`.
pub async fn show(mut cx: Cx, Path(id): Path<MeetingId>) -> Result<Response> {
    let meeting = store::get(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let began = meeting.starts_at <= cx.now();
    let place = match meeting.calendar_id {
        Some(calendar) => Some(crate::calendar::get(&mut cx, calendar).await?.service()?.label()),
        None => None,
    };
    let body = html! {
        (Heading::new(&meeting.title).crumb("Meetings", "/meetings").tag(state_tag(meeting.status)))
        (Card::new("Meeting").padded(html! {
            (Pairs::new()
                .add("When", wall.moment(meeting.starts_at))
                .add("Guest", html! { (meeting.guest_name) " <" (meeting.guest_email) ">" })
                .add("Guest's zone", meeting.guest_zone.as_str())
                .maybe("Where", (!meeting.location.is_empty()).then_some(meeting.location.as_str()))
                .maybe("Note", (!meeting.note.is_empty()).then_some(meeting.note.as_str()))
                .maybe("Booked at", place)
                .maybe("How it ended", meeting.outcome.clone())
                .maybe("How it went", meeting.result.as_deref().map(|r| if r == "good" { "It leads on" } else { "It does not lead on" }))
                .maybe("Lead", meeting.lead_id.map(|lead| html! { a href=(format!("/leads/{lead}")) { "Open the lead" } })))
            (acts_of(&meeting, began))
        }))
        @if meeting.status == Status::Held { (Card::new("How did it go?").padded(result_form(&meeting))) }
    };
    cx.page(&meeting.title.clone(), body).await
}

fn acts_of(meeting: &Meeting, began: bool) -> Markup {
    let to = |what: &str| format!("/meetings/{}/{what}", meeting.id);
    match (meeting.status, began) {
        (Status::Booked, true) => acts([
            Button::post("They came", to("held")).primary(),
            Button::post("They did not come", to("missed")),
        ]),
        (Status::Booked, false) => acts([Button::post("Cancel the meeting", to("cancel"))
            .danger()
            .confirm("The guest is told at once.")]),
        (Status::Cancelled | Status::Held | Status::NoShow, _) => html! {},
    }
}

fn result_form(meeting: &Meeting) -> Form {
    let choices = [Choice::new("good", "Good: it leads on"), Choice::new("bad", "Bad: it does not lead on")];
    Form::post(format!("/meetings/{}/result", meeting.id), "result")
        .field(
            Field::select("result", "How it went", choices)
                .value(meeting.result.clone().unwrap_or_else(|| "good".to_owned())),
        )
        .field(Field::area("words", "In your words", 3).max_chars(2_000))
        .submit("Save how it went")
}

/// How a meeting went.
#[derive(Debug, Deserialize)]
pub struct Went {
    result: Verdict,
    #[serde(default)]
    words: String,
}

/// `POST /meetings/{id}/result`.
pub async fn result(
    mut cx: Cx,
    Path(id): Path<MeetingId>,
    axum::Form(went): axum::Form<Went>,
) -> Result<Response> {
    let meeting = store::get(&mut cx, id).await?;
    super::went(&mut cx, &meeting, went.result, &went.words).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/meetings/{id}"), "Recorded."))
}

/// `POST /meetings/{id}/held`.
pub async fn held(cx: Cx, Path(id): Path<MeetingId>) -> Result<Response> {
    outcome(cx, id, true).await
}

/// `POST /meetings/{id}/missed`.
pub async fn missed(cx: Cx, Path(id): Path<MeetingId>) -> Result<Response> {
    outcome(cx, id, false).await
}

async fn outcome(mut cx: Cx, id: MeetingId, showed_up: bool) -> Result<Response> {
    let meeting = store::get(&mut cx, id).await?;
    super::held(&mut cx, &meeting, showed_up).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/meetings/{id}"), "Recorded."))
}

/// `POST /meetings/{id}/cancel`.
pub async fn cancel(mut cx: Cx, Path(id): Path<MeetingId>) -> Result<Response> {
    let meeting = store::get(&mut cx, id).await?;
    super::cancel(&mut cx, &meeting, "cancelled by the host").await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/meetings/{id}"), "Cancelled; the guest is told."))
}

/// The settings form of the booking page.
#[derive(Debug, Deserialize)]
pub struct Settings {
    slug: String,
    title: String,
    minutes: u16,
    zone: String,
    from: String,
    until: String,
    #[serde(default)]
    weekend: bool,
    notice_hours: u16,
    days_ahead: u16,
    buffer_minutes: u16,
    #[serde(default)]
    location: String,
    host_name: String,
    host_email: String,
    #[serde(default)]
    active: bool,
}

/// `GET /meetings/settings`.
pub async fn settings(mut cx: Cx) -> Result<Response> {
    let page = store::page(&mut cx).await?;
    let who = cx.who().clone();
    let filled = match page {
        Some(page) => Settings::of(&page),
        None => Settings {
            slug: slug_of(&who.tenant_name),
            title: format!("Intro call with {}", who.tenant_name),
            minutes: 30,
            zone: who.zone.name().to_owned(),
            from: "09:00".to_owned(),
            until: "17:00".to_owned(),
            weekend: false,
            notice_hours: 4,
            days_ahead: 21,
            buffer_minutes: 10,
            location: String::new(),
            host_name: who.name.clone(),
            host_email: String::new(),
            active: true,
        },
    };
    cx.page("Booking page", settings_page(&filled, None)).await
}

fn settings_page(filled: &Settings, problem: Option<&str>) -> Markup {
    let number = |value: u16| value.to_string();
    let form = Form::post("/meetings/settings", "booking")
        .problem(problem)
        .field(Field::text("title", "What is booked").value(&filled.title).required())
        .field(
            Field::text("slug", "Address")
                .value(&filled.slug)
                .required()
                .hint("The page is at /book/ and this."),
        )
        .line([
            Field::number("minutes", "Minutes")
                .value(number(filled.minutes))
                .range("10", "240", "5")
                .required(),
            Field::number("buffer_minutes", "Minutes kept free around it")
                .value(number(filled.buffer_minutes))
                .range("0", "120", "5"),
        ])
        .line([
            Field::text("from", "From").value(&filled.from).hint("24-hour clock, such as 09:00").required(),
            Field::text("until", "Until").value(&filled.until).required(),
            Field::text("zone", "Time zone").value(&filled.zone).required(),
        ])
        .field(Field::check("weekend", "Also on weekends", filled.weekend).value("true"))
        .line([
            Field::number("notice_hours", "Hours of notice")
                .value(number(filled.notice_hours))
                .range("0", "720", "1"),
            Field::number("days_ahead", "Days ahead").value(number(filled.days_ahead)).range("1", "90", "1"),
        ])
        .field(
            Field::text("location", "Where")
                .value(&filled.location)
                .hint("A video link, a phone number or a place."),
        )
        .line([
            Field::text("host_name", "Host").value(&filled.host_name).required(),
            Field::email("host_email", "Host's e-mail")
                .value(&filled.host_email)
                .required()
                .hint("Invitations come here too."),
        ])
        .field(Field::check("active", "Takes bookings", filled.active).value("true"))
        .submit("Save");
    html! {
        (Heading::new("Booking page").crumb("Meetings", "/meetings").about("Prospects choose a time themselves; invitations and reminders are sent for you."))
        (Card::new("Settings").padded(form))
    }
}

fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches('-').chars().take(60).collect::<String>();
    if slug.len() < 2 { "book-a-call".to_owned() } else { slug }
}

impl Settings {
    fn of(page: &Page) -> Self {
        let hours = serde_json::to_value(&page.hours).unwrap_or_default();
        let edge = |last: usize| {
            hours.pointer(&format!("/mon/0/{last}")).and_then(|v| v.as_str()).unwrap_or("09:00").to_owned()
        };
        Self {
            slug: page.slug.clone(),
            title: page.title.clone(),
            minutes: page.minutes,
            zone: page.zone.name().to_owned(),
            from: edge(0),
            until: edge(1),
            weekend: hours.get("sat").is_some(),
            notice_hours: page.notice_hours,
            days_ahead: page.days_ahead,
            buffer_minutes: page.buffer_minutes,
            location: page.location.clone(),
            host_name: page.host_name.clone(),
            host_email: page.host_email.clone(),
            active: page.active,
        }
    }

    fn page(&self) -> base::Result<Page> {
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let used = if self.weekend { &days[..] } else { &days[..5] };
        let hours: serde_json::Map<String, serde_json::Value> = used
            .iter()
            .map(|day| ((*day).to_owned(), serde_json::json!([[self.from, self.until]])))
            .collect();
        let hours: Hours = serde_json::from_value(hours.into()).map_err(|cause| {
            Error::invalid("booking.hours", format!("The hours are not a span of a day: {cause}."))
        })?;
        if self.title.trim().is_empty() || self.host_name.trim().is_empty() {
            return Err(Error::invalid("booking.missing", "Say what is booked and who hosts."));
        }
        Ok(Page {
            slug: self.slug.trim().to_lowercase(),
            title: self.title.trim().to_owned(),
            minutes: self.minutes,
            zone: Zone::named(self.zone.trim())?,
            hours,
            notice_hours: self.notice_hours.min(720),
            days_ahead: self.days_ahead.clamp(1, 90),
            buffer_minutes: self.buffer_minutes.min(120),
            location: self.location.trim().to_owned(),
            host_name: self.host_name.trim().to_owned(),
            host_email: EmailAddress::parse(&self.host_email)?.into(),
            active: self.active,
        })
    }
}

/// `POST /meetings/settings`.
pub async fn save(mut cx: Cx, axum::Form(filled): axum::Form<Settings>) -> Result<Response> {
    let saved = match filled.page() {
        Ok(page) => store::save_page(&mut cx, &page).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => {
            cx.commit().await?;
            Ok(redirect_with("/meetings/settings", "Saved."))
        }
        Err(error) if matches!(error.kind(), base::Kind::Invalid) => {
            cx.page("Booking page", settings_page(&filled, Some(error.message()))).await
        }
        Err(error) => Err(error.into()),
    }
}
