//! Pages of campaigns: the list, the form for a fresh one, and one page for each tab.

mod moves;
mod overview;
mod people;
mod setup;

pub use moves::{activate, ask, complete, pause, resume, withdraw};
pub use overview::{activity, show};
pub use people::{add, leads};
pub use setup::{assign_resources, resources, save_settings, settings};

use super::{Campaign, CampaignId, Counts, New, Status, counts, create, list};
use axum::{
    Form,
    extract::Query,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base::{Cursor, Kind};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::{
    Align, Button, Card, Choice, Column, Field, Filter, Heading, Row, Tab, Table, Tone, Wall, number, state,
    tabs, tag,
};
use uuid::Uuid;

/// Rows of a page.
pub(crate) const ROWS: i64 = 50;

/// What a list's address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Listed {
    status: String,
    after: Option<Cursor>,
}

/// The tag of a state.
pub(crate) fn status_tag(status: Status) -> Markup {
    let tone = match status {
        Status::Draft | Status::Completed => Tone::Cold,
        Status::PendingApproval => Tone::Warm,
        Status::Active => Tone::Good,
        Status::Paused => Tone::Bad,
    };
    tag(tone, status.label())
}

/// `GET /campaigns`
pub async fn index(mut cx: web::Cx, Query(listed): Query<Listed>) -> web::Result<Response> {
    let status: Option<Status> = if listed.status.is_empty() { None } else { Some(listed.status.parse()?) };
    let page = list(&mut cx, status, listed.after.as_ref(), ROWS).await?;
    let ids: Vec<Uuid> = page.rows.iter().map(|c| c.id.uuid()).collect();
    let counts = counts(&mut cx, &ids).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let choices = std::iter::once(Choice::new("", "All"))
        .chain(Status::ALL.into_iter().map(|status| Choice::new(status.word(), status.label())));
    let filter = Filter::new("/campaigns")
        .field(Field::select("status", "State", choices).value(listed.status.as_str()))
        .active(status.is_some());
    let empty = if status.is_some() {
        state::empty(
            "No campaign in this state",
            "Choose another state.",
            Some(Button::link("All campaigns", "/campaigns")),
        )
    } else {
        state::empty(
            "No campaigns yet",
            "A campaign says what is offered to whom, by which messages, and through which mailboxes.",
            Some(Button::link("Make the first campaign", "/campaigns/new").primary()),
        )
    };
    let columns = [
        Column::text("Campaign"),
        Column::text("State"),
        Column::number("Leads"),
        Column::number("Contacted"),
        Column::number("Replied"),
        Column::number("Positive"),
        Column::number("Meetings"),
        Column::text("Made").align(Align::Right),
    ];
    let rows = page.rows.iter().map(|c| {
        let own = counts.get(&c.id.uuid()).copied().unwrap_or_default();
        figures(c.id, &own)
            .into_iter()
            .fold(
                Row::new().link(&c.name, &format!("/campaigns/{}", c.id)).cell(status_tag(c.status)),
                |row, (_, count, href)| row.link(&number::count(count), &href),
            )
            .cell(wall.date(c.created_at))
    });
    let after =
        page.next.as_ref().map(|next| format!("/campaigns?status={}&after={}", listed.status, next.as_str()));
    let table = Table::new("Campaigns", columns).rows(rows).empty(empty).next(after);
    let body = html! {
        (Heading::new("Campaigns").about("What goes to whom, and what came of it.").act(Button::link("New campaign", "/campaigns/new").primary()))
        (filter)
        (Card::bare().body(table))
    };
    cx.page("Campaigns", body).await
}

/// The numbers of a campaign with the rows behind each.
pub(crate) fn figures(id: CampaignId, counts: &Counts) -> [(&'static str, i64, String); 5] {
    let at = |stage: &str| format!("/campaigns/{id}/leads?stage={stage}");
    [
        ("Leads", counts.leads, at("all")),
        ("Contacted", counts.contacted, at("contacted")),
        ("Replied", counts.replied, at("replied")),
        ("Positive", counts.positive, at("positive")),
        ("Meetings", counts.meetings, at("meeting")),
    ]
}

/// What is typed into the form of a fresh campaign.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    name: String,
    goal: String,
    offer: String,
    start: String,
}

/// `GET /campaigns/new`
pub async fn new(cx: web::Cx) -> web::Result<Response> {
    let typed = Typed { start: "template".to_owned(), ..Typed::default() };
    let body = form_page(&typed, None);
    cx.page("New campaign", body).await
}

fn form_page(typed: &Typed, problem: Option<&str>) -> Markup {
    let form = ui::form::Form::post("/campaigns", "campaign")
        .problem(problem)
        .field(Field::text("name", "Name").value(typed.name.as_str()).required().autofocus().max_chars(200).hint("Only you see it."))
        .field(Field::area("goal", "Goal", 2).value(typed.goal.as_str()).hint("What a good answer is: a call, a visit, a trial."))
        .field(
            Field::area("offer", "What this campaign offers", 3)
                .value(typed.offer.as_str())
                .hint("In your own words. Messages repeat them and claim nothing else. Empty: the offer of your organisation."),
        )
        .field(
            Field::radios(
                "start",
                "Begin with",
                [
                    Choice::new("template", "First contact, three e-mails").hint("At once, 3 days later, 4 days later; the writer finds the words for each lead."),
                    Choice::new("blank", "An empty sequence").hint("You write the steps yourself."),
                ],
            )
            .value(typed.start.as_str()),
        )
        .submit("Make the campaign")
        .cancel("/campaigns");
    html! {
        (Heading::new("New campaign").crumb("Campaigns", "/campaigns").about("It begins as a draft: nothing is sent before you activate it."))
        (Card::bare().padded(form))
    }
}

/// `POST /campaigns`
pub async fn make(mut cx: web::Cx, Form(typed): Form<Typed>) -> web::Result<Response> {
    let new = New {
        name: typed.name.clone(),
        goal: typed.goal.clone(),
        offer: typed.offer.clone(),
        with_template: typed.start == "template",
    };
    match create(&mut cx, new).await {
        Ok(id) => {
            cx.commit().await?;
            Ok(web::redirect_with(&format!("/campaigns/{id}"), "The campaign was made."))
        }
        Err(error) if error.kind() == Kind::Invalid => {
            let page = form_page(&typed, Some(error.message()));
            refused(cx.page("New campaign", page).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// A form that comes back with its problems.
pub(crate) fn refused(page: Response) -> web::Result<Response> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// Title and tabs of a campaign.
pub(crate) fn head(c: &Campaign, counts: &Counts, here: &str) -> Markup {
    let id = c.id;
    let at = |tab: &str| format!("/campaigns/{id}{tab}");
    let all = [
        Tab::new("Overview", at("")),
        Tab::new("Sequence", at("/sequence")),
        Tab::new("Leads", at("/leads")).count(counts.leads),
        Tab::new("Activity", at("/activity")),
        Tab::new("Senders", at("/resources")),
        Tab::new("Settings", at("/settings")),
    ];
    html! {
        (moves::buttons(c, Heading::new(&c.name).crumb("Campaigns", "/campaigns").tag(status_tag(c.status))))
        @if let Some(reason) = &c.paused_reason { div.note.b-warn role="status" { "Paused: " (reason) } }
        (tabs("Campaign", &at(here), &all))
    }
}

/// The campaign with its numbers.
pub(crate) async fn with_counts(cx: &mut db::Cx, id: Uuid) -> base::Result<(Campaign, Counts)> {
    let campaign = super::get(cx, id.into()).await?;
    let counts = counts(cx, &[id]).await?.remove(&id).unwrap_or_default();
    Ok((campaign, counts))
}
