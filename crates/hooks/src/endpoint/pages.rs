//! `/settings/webhooks`

use super::{Change, Endpoint, EndpointId, FAILURES_MAX, New, OVERLAP_H, Status};
use crate::delivery::{self, State, pages as log};
use crate::{Desk, event};
use axum::{
    Form as Sent,
    extract::{FromRequestParts, Path, Query},
    http::{StatusCode, request::Parts},
    response::Response,
};
use base::{Cursor, Error, Kind, Secret};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::{App, redirect_with};

const LIST: &str = "/settings/webhooks";
/// Rows of the log.
const ROWS: usize = 25;

/// The rest of a request, to draw a page after its transaction is over.
pub(crate) struct Again(Parts, App);

impl FromRequestParts<App> for Again {
    type Rejection = web::Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> web::Result<Self> {
        Ok(Self(parts.clone(), app.clone()))
    }
}

impl Again {
    async fn cx(mut self) -> web::Result<web::Cx> {
        web::Cx::from_request_parts(&mut self.0, &self.1).await
    }
}

/// What is typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    url: String,
    description: String,
    event_types: String,
}

impl Typed {
    fn types(&self) -> Vec<String> {
        self.event_types.split([',', '\n', '\r', ' ']).map(str::to_owned).collect()
    }

    fn of(endpoint: &Endpoint) -> Self {
        Self {
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            event_types: endpoint.event_types.join("\n"),
        }
    }
}

/// What is asked of the log.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    state: String,
    after: Option<Cursor>,
}

/// What the person can mend; anything else goes on as an error.
fn problem(error: Error) -> web::Result<String> {
    match error.kind() {
        Kind::Invalid | Kind::Refused | Kind::Conflict => Ok(error.message().to_owned()),
        Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::TooLarge
        | Kind::Limited
        | Kind::Unavailable
        | Kind::Internal => Err(error.into()),
    }
}

fn refused(mut page: Response) -> Response {
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    page
}

fn heading(title: &str) -> Heading {
    Heading::new(title).crumb("Settings", "/settings")
}

fn standing(endpoint: &Endpoint) -> Markup {
    match endpoint.status {
        Status::Enabled if endpoint.failing_since.is_some() => tag(Tone::Warm, "Failing"),
        Status::Enabled => tag(Tone::Good, "Enabled"),
        Status::Disabled => tag(Tone::Cold, "Disabled"),
    }
}

fn types(endpoint: &Endpoint) -> Markup {
    html! { @for (n, one) in endpoint.event_types.iter().enumerate() { @if n > 0 { ", " } code { (one) } } }
}

/// Every endpoint.
pub(crate) async fn list(mut cx: web::Cx) -> web::Result<Response> {
    let endpoints = super::list(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let columns = [
        Column::text("Address"),
        Column::text("Events"),
        Column::text("State"),
        Column::text("Last delivered"),
        Column::text("Last failed"),
    ];
    let rows = endpoints.iter().map(|e| {
        Row::new()
            .cell(html! {
                a href=(format!("{LIST}/{}", e.id)) { (super::rules::shown(&e.url)) }
                @if !e.description.is_empty() { br; span.quiet { (e.description) } }
            })
            .cell(types(e))
            .cell(standing(e))
            .cell(html! { @match e.succeeded_at { Some(at) => (wall.relative(at)), None => "never" } })
            .cell(html! { @match e.failed_at { Some(at) => (wall.relative(at)), None => "never" } })
    });
    let add = || Button::link("Add an endpoint", format!("{LIST}/new"));
    let none = state::empty(
        "No endpoints",
        "Your server is told of what happens here by a signed POST, as soon as it happens.",
        Some(add()),
    );
    let body = html! {
        (heading("Webhooks").about("Tell your own servers what happens here.").act(add().primary()))
        (Card::new("Endpoints").aside(live::tag()).body(
            live::region("webhook-endpoints", LIST, &["hooks.endpoint.*", "hooks.delivery.attempted"],
                Table::new("Endpoints", columns).rows(rows).empty(none))
        ))
    };
    cx.page("Webhooks", body).await
}

/// The form of a further endpoint.
pub(crate) async fn new(cx: web::Cx) -> web::Result<Response> {
    show_new(cx, &Typed { event_types: "lead.*".to_owned(), ..Typed::default() }, None).await
}

async fn show_new(cx: web::Cx, typed: &Typed, failed: Option<String>) -> web::Result<Response> {
    let failing = failed.is_some();
    let body = html! {
        (heading("Add an endpoint").crumb("Webhooks", LIST))
        (Card::bare().padded(form(LIST, "add", typed).problem(failed).submit("Add endpoint").cancel(LIST)))
        (kinds())
    };
    let page = cx.page("Add an endpoint", body).await?;
    Ok(if failing { refused(page) } else { page })
}

fn form(action: &str, id: &str, typed: &Typed) -> Form {
    Form::post(action, id)
        .field(
            Field::line(Input::Url, "url", "Address")
                .value(&typed.url)
                .required()
                .max_chars(2_000)
                .placeholder("https://example.com/webhooks")
                .hint("HTTPS, at a public address. Redirects are not followed."),
        )
        .field(Field::text("description", "What it is for").value(&typed.description).max_chars(500))
        .field(Field::area("event_types", "Events", 4).value(&typed.event_types).required().hint(
            "One on each line: an event such as lead.created, a beginning such as lead.*, or * for all.",
        ))
}

/// What there is to ask for.
fn kinds() -> Markup {
    let columns = [Column::text("Event"), Column::text("What happened")];
    let rows = event::ALL.iter().map(|one| Row::new().cell(html! { code { (one.name) } }).cell(one.says));
    html! {
        (Card::new("Events").body(Table::new("Events", columns).rows(rows))
            .foot("Each carries the id of what it is about and a few public details; texts of mails stay here."))
    }
}

/// Adds one and shows its secret, once.
pub(crate) async fn create(
    mut cx: web::Cx,
    again: Again,
    Sent(typed): Sent<Typed>,
    desk: Desk,
) -> web::Result<Response> {
    let new =
        New { url: typed.url.clone(), description: typed.description.clone(), event_types: typed.types() };
    match super::create(&mut cx, &desk, &new).await {
        Ok((endpoint, secret)) => {
            cx.commit().await?;
            show(again.cx().await?, endpoint.id, &Asked::default(), Some(&secret), None).await
        }
        Err(error) => {
            let failed = problem(error)?;
            drop(cx);
            show_new(again.cx().await?, &typed, Some(failed)).await
        }
    }
}

/// One endpoint with its log.
pub(crate) async fn detail(
    cx: web::Cx,
    Path(id): Path<EndpointId>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    show(cx, id, &asked, None, None).await
}

async fn show(
    mut cx: web::Cx,
    id: EndpointId,
    asked: &Asked,
    fresh: Option<&Secret>,
    wrong: Option<(&Typed, String)>,
) -> web::Result<Response> {
    let endpoint = super::get(&mut cx, id).await?;
    let state = State::ALL.into_iter().find(|state| state.word() == asked.state);
    let page = delivery::list(&mut cx, id, state, asked.after.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let failing = wrong.is_some();
    let typed = Typed::of(&endpoint);
    let (typed, failed) = wrong.map_or((&typed, None), |(typed, why)| (typed, Some(why)));
    let base = format!("{LIST}/{id}");
    let body = html! {
        (head(&endpoint, &base))
        @if let Some(secret) = fresh {
            (Card::new("Your signing secret").padded(html! {
                p { "Copy it now; it is shown only this once. Your server needs it to see that a call comes from here." }
                p { (copy(secret.expose())) }
            }))
        }
        (facts(&endpoint, &wall))
        (Card::new("Deliveries").aside(live::tag()).body(deliveries(&base, asked, state, &page, &wall))
            .foot("After a failure it is tried again in 1, 5 and 15 minutes, then hourly for a day, then given up. Whether they come in order is not promised."))
        (Card::new("Change it").padded(
            form(&base, "change", typed).problem(failed).submit("Save")))
        (kinds())
        (Card::new("Signing secret").padded(html! {
            p { "A fresh secret is shown once. For " (OVERLAP_H) " hours everything is signed with both, so that you can change your server meanwhile." }
            p { (Button::post("Rotate the secret", format!("{base}/rotate")).confirm("Make a fresh secret? The present one signs for one more day.")) }
        }))
    };
    let page = cx.page("Webhook endpoint", body).await?;
    Ok(if failing { refused(page) } else { page })
}

fn head(endpoint: &Endpoint, base: &str) -> Markup {
    let delete = Button::post("Delete", format!("{base}/delete"))
        .danger()
        .confirm("Delete this endpoint? Nothing more is sent to it.");
    let (test, toggle) = match endpoint.status {
        Status::Enabled => (
            Some(Button::post("Send a test event", format!("{base}/test")).primary()),
            Button::post("Disable", format!("{base}/disable")),
        ),
        Status::Disabled => (None, Button::post("Enable", format!("{base}/enable")).primary()),
    };
    html! {
        (heading("Webhook endpoint")
            .crumb("Webhooks", LIST)
            .tag(standing(endpoint))
            .act(html! { @if let Some(test) = test { (test) } (toggle) (delete) }))
    }
}

fn facts(endpoint: &Endpoint, wall: &Wall) -> Markup {
    let pairs = Pairs::new()
        .add("Address", html! { code { (endpoint.url) } })
        .maybe("What it is for", (!endpoint.description.is_empty()).then_some(endpoint.description.as_str()))
        .add("Events", types(endpoint))
        .maybe("Disabled because", endpoint.disabled_why.map(super::Why::label))
        .maybe("Both secrets sign until", endpoint.previous_until.map(|at| wall.exact(at)))
        .maybe("Last delivered", endpoint.succeeded_at.map(|at| wall.relative(at)))
        .maybe("Only failures since", endpoint.failing_since.map(|at| wall.relative(at)));
    html! {
        (Card::new("Endpoint").padded(html! {
            (pairs)
            @if endpoint.failing_since.is_some() && endpoint.status == Status::Enabled {
                p.quiet { (endpoint.failures) " attempts in a row failed. After " (FAILURES_MAX) " it is disabled, and you are told." }
            }
        }))
    }
}

fn deliveries(
    base: &str,
    asked: &Asked,
    state: Option<State>,
    page: &base::Page<delivery::Line>,
    wall: &Wall,
) -> Markup {
    let word = state.map_or("", State::word);
    let view = |word: &str| if word.is_empty() { base.to_owned() } else { format!("{base}?state={word}") };
    let address = |after: Option<&Cursor>| match after {
        Some(after) => format!("{base}?state={word}&after={}", after.as_str()),
        None => view(word),
    };
    let none = ui::state::empty(
        "Nothing here",
        "What happens is listed here with every attempt. Send a test event to try the endpoint.",
        None,
    );
    let table = Table::new("Deliveries", log::columns())
        .rows(page.rows.iter().map(|line| log::row(line, wall)))
        .empty(none)
        .first(asked.after.is_some().then(|| view(word)))
        .next(page.next.as_ref().map(|next| address(Some(next))));
    let mut filter = Filter::new(base).active(state.is_some()).view("All", view(""), state.is_none());
    for one in State::ALL {
        filter = filter.view(log::label(one), view(one.word()), state == Some(one));
    }
    html! {
        (filter)
        (live::region("webhook-deliveries", &address(asked.after.as_ref()), &["hooks.delivery.*"], table))
    }
}

/// Changes one.
pub(crate) async fn save(
    mut cx: web::Cx,
    again: Again,
    Path(id): Path<EndpointId>,
    Sent(typed): Sent<Typed>,
    desk: Desk,
) -> web::Result<Response> {
    let change = Change {
        url: Some(typed.url.clone()),
        description: Some(typed.description.clone()),
        event_types: Some(typed.types()),
        status: None,
    };
    match super::edit(&mut cx, &desk, id, &change).await {
        Ok(_) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{id}"), "Saved."))
        }
        Err(error) => {
            let failed = problem(error)?;
            drop(cx);
            show(again.cx().await?, id, &Asked::default(), None, Some((&typed, failed))).await
        }
    }
}

/// Makes a fresh secret and shows it, once.
pub(crate) async fn rotate(
    mut cx: web::Cx,
    again: Again,
    Path(id): Path<EndpointId>,
    desk: Desk,
) -> web::Result<Response> {
    let (_, secret) = super::rotate(&mut cx, &desk, id).await?;
    cx.commit().await?;
    show(again.cx().await?, id, &Asked::default(), Some(&secret), None).await
}

/// Lets it be told again.
pub(crate) async fn enable(cx: web::Cx, id: Path<EndpointId>) -> web::Result<Response> {
    switch(cx, id, Status::Enabled, "Enabled. It is told what happens from now on.").await
}

/// Lets it be told nothing.
pub(crate) async fn disable(cx: web::Cx, id: Path<EndpointId>) -> web::Result<Response> {
    switch(
        cx,
        id,
        Status::Disabled,
        "Disabled. Nothing is sent to it; what happens meanwhile it never learns.",
    )
    .await
}

async fn switch(
    mut cx: web::Cx,
    Path(id): Path<EndpointId>,
    to: Status,
    said: &str,
) -> web::Result<Response> {
    super::set(&mut cx, id, to).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("{LIST}/{id}"), said))
}

/// Sends a test event.
pub(crate) async fn test(mut cx: web::Cx, Path(id): Path<EndpointId>) -> web::Result<Response> {
    delivery::test(&mut cx, id).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("{LIST}/{id}"), "A test event is on its way."))
}

/// Removes one.
pub(crate) async fn remove(mut cx: web::Cx, Path(id): Path<EndpointId>, desk: Desk) -> web::Result<Response> {
    super::remove(&mut cx, &desk, id).await?;
    cx.commit().await?;
    Ok(redirect_with(LIST, "Deleted."))
}
