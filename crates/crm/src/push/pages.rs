//! `/crm/pushes`: what went to a CRM, what is on its way, and each try.

use super::{Push, PushId, Sort, State, attempts, counts, get, list, retry as again};
use crate::connection::ConnectionId;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Role};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;

/// Pushes on one page.
const ROWS: usize = 50;
/// Tries that a push shows.
const TRIES: i64 = 100;

fn tone(state: State) -> Tone {
    match state {
        State::Queued => Tone::Warm,
        State::Done => Tone::Good,
        State::Failed => Tone::Bad,
        State::Skipped => Tone::Cold,
    }
}

/// What asked for a push, for people.
fn why(fact: &str) -> &str {
    match fact {
        "outreach.reply.received" => "a positive answer",
        "outreach.meeting.booked" => "a meeting",
        "outreach.deal.opened" => "a deal",
        "outreach.deal.moved" => "a deal that moved",
        other => other,
    }
}

/// Pushes as a table.
pub(crate) fn table(pushes: &[Push], wall: &Wall) -> Table {
    let columns = [
        Column::text("Lead"),
        Column::text("What"),
        Column::text("Where"),
        Column::text("State"),
        Column::text("Because of"),
        Column::number("Tries"),
        Column::text("Changed"),
    ];
    Table::new("Pushes", columns)
        .rows(pushes.iter().map(|push| {
            Row::new()
                .link(push.name.as_deref().unwrap_or("Unnamed lead"), &format!("/crm/pushes/{}", push.id))
                .cell(push.sort.label())
                .cell(&push.connection)
                .cell(html! { (tag(tone(push.state), push.state.label())) @if let Some(error) = &push.error { " " (error) } })
                .cell(why(&push.why))
                .cell(number::count(i64::from(push.tries)))
                .cell(wall.relative(push.updated_at))
        }))
        .empty(state::empty(
            "Nothing was pushed yet",
            "A positive answer, a meeting or a deal makes a contact or a deal at each connected CRM.",
            None,
        ))
}

/// Which pushes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    state: String,
    connection: Option<Uuid>,
    after: Option<Cursor>,
}

/// `GET /crm/pushes`
pub(crate) async fn index(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let state = State::ALL.into_iter().find(|one| one.word() == asked.state);
    let connection = asked.connection.map(ConnectionId);
    let page = list(&mut cx, state, connection, asked.after.as_ref(), ROWS).await?;
    let counts = counts(&mut cx, connection).await?;
    let (wall, may) = (Wall::new(cx.now(), cx.who().zone.clone()), cx.who().role >= Role::Member);
    let of = |state: State| counts.iter().find(|(one, _)| *one == state).map_or(0, |(_, pushes)| *pushes);
    let total: i64 = counts.iter().map(|(_, pushes)| pushes).sum();
    let place = connection.map(|id| format!("connection={id}")).unwrap_or_default();
    let link = |state: Option<State>| match state {
        Some(state) => format!("/crm/pushes?state={}&{place}", state.word()),
        None => format!("/crm/pushes?{place}"),
    };
    let all: Vec<Tab> = std::iter::once(Tab::new("All", link(None)).count(total))
        .chain(State::ALL.into_iter().map(|one| Tab::new(one.label(), link(Some(one))).count(of(one))))
        .collect();
    let mut heading =
        Heading::new("Pushes").crumb("CRM", "/crm").about("What happens here, as your CRM knows it.");
    if may && of(State::Failed) > 0 {
        heading = heading.act(Button::post("Try all failed again", "/crm/pushes/retry"));
    }
    let table = table(&page.rows, &wall)
        .next(page.next.map(|next| format!("{}&after={}", link(state), next.as_str())));
    // What changes by itself stays the page that is open.
    let from = asked.after.as_ref().map_or_else(String::new, |after| format!("&after={}", after.as_str()));
    let open = format!("{}{from}", link(state));
    let body = html! {
        (heading)
        (tabs("Pushes by state", &link(state), &all))
        (live::region("crm-pushes", &open, &["crm.push.*"], Card::bare().body(table)))
    };
    cx.page("Pushes", body).await
}

fn subject(push: &Push) -> Markup {
    match push.sort {
        Sort::Contact => html! { a href=(format!("/leads/{}", push.lead_id)) { "The lead" } },
        Sort::Deal => html! { a href=(format!("/deals/{}", push.subject_id)) { "The deal" } },
    }
}

/// `GET /crm/pushes/{id}`
pub(crate) async fn show(mut cx: web::Cx, Path(id): Path<PushId>) -> web::Result<Response> {
    let push = get(&mut cx, id).await?;
    let tries = attempts(&mut cx, id, TRIES).await?;
    let (wall, may) = (Wall::new(cx.now(), cx.who().zone.clone()), cx.who().role >= Role::Member);
    let name = push.name.clone().unwrap_or_else(|| "Unnamed lead".to_owned());
    let mut heading = Heading::new(name.clone())
        .crumb("CRM", "/crm")
        .crumb("Pushes", "/crm/pushes")
        .tag(tag(tone(push.state), push.state.label()));
    if may && push.connected {
        heading = heading.act(Button::post("Try again", format!("/crm/pushes/{id}/retry")));
    }
    let columns = [Column::text("When"), Column::text("What was done"), Column::text("More")];
    let table = Table::new("Tries", columns)
        .rows(tries.iter().map(|one| {
            Row::new()
                .cell(wall.moment(one.at))
                .cell(tag(if one.good { Tone::Good } else { Tone::Warm }, one.did.as_str()))
                .cell(&one.detail)
        }))
        .empty(state::empty("Not tried yet", "Its job has not come to it.", None));
    let body = html! {
        (heading)
        (live::region("crm-push", &format!("/crm/pushes/{id}"), &["crm.push.*"], html! {
            (Card::new(push.sort.label()).padded(Pairs::new()
                .add("What", subject(&push))
                .add("Where", html! { @if push.connected { a href=(format!("/crm/connections/{}", push.connection_id)) { (push.connection) } } @else { (push.connection) " (disconnected)" } })
                .add("State", tag(tone(push.state), push.state.label()))
                .maybe("Why", push.error.as_deref())
                .add("Because of", why(&push.why))
                .maybe("Its name there", push.reference.as_deref())
                .maybe("There since", push.done_at.map(|at| wall.moment(at)))))
            (Card::new("Tries").body(table))
        }))
    };
    cx.page(&name, body).await
}

/// `POST /crm/pushes/{id}/retry`
pub(crate) async fn retry(mut cx: web::Cx, Path(id): Path<PushId>) -> web::Result<Response> {
    again(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/crm/pushes/{id}"), "It is tried again."))
}

/// `POST /crm/pushes/retry`
pub(crate) async fn retry_failed(mut cx: web::Cx) -> web::Result<Response> {
    let tried = super::retry_failed(&mut cx).await?;
    cx.commit().await?;
    let tried = number::counted(i64::try_from(tried).unwrap_or(0), "push is", "pushes are");
    Ok(web::redirect_with("/crm/pushes", &format!("{tried} tried again.")))
}
