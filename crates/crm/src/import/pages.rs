//! `/crm/imports/{id}`: what became of each contact of a run.

use super::{Import, ImportId, Outcome, State, get, seen};
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Role};
use maud::html;
use serde::Deserialize;
use ui::prelude::*;

/// Contacts on one page.
const ROWS: usize = 50;

fn tone(state: State) -> Tone {
    match state {
        State::Running => Tone::Warm,
        State::Done => Tone::Good,
        State::Failed => Tone::Bad,
        State::Cancelled => Tone::Cold,
    }
}

fn outcome_tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Made => Tone::Good,
        Outcome::Merged => Tone::Cool,
        Outcome::Suppressed => Tone::Cold,
        Outcome::Rejected => Tone::Bad,
    }
}

/// Runs as a table.
pub(crate) fn table(runs: &[Import], wall: &Wall) -> Table {
    let columns = [
        Column::text("Run"),
        Column::text("State"),
        Column::number("Contacts"),
        Column::number("Made"),
        Column::number("Merged"),
        Column::number("Suppressed"),
        Column::number("Unchanged"),
        Column::number("Rejected"),
    ];
    Table::new("Runs over contacts", columns)
        .rows(runs.iter().map(|run| {
            Row::new()
                .cell(html! { a href=(format!("/crm/imports/{}", run.id)) { (run.connection) ", " (wall.relative(run.created_at)) } })
                .cell(html! { (tag(tone(run.state), run.state.label())) @if let Some(error) = &run.error { " " (error) } })
                .cell(number::count(i64::from(run.seen)))
                .cell(number::count(i64::from(run.made)))
                .cell(number::count(i64::from(run.merged)))
                .cell(number::count(i64::from(run.suppressed)))
                .cell(number::count(i64::from(run.unchanged)))
                .cell(number::count(i64::from(run.rejected)))
        }))
        .empty(state::empty(
            "No contacts were taken in yet",
            "Say in a connection what its contacts become; they are then taken in every day.",
            None,
        ))
}

/// Which contacts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    outcome: String,
    after: Option<Cursor>,
}

/// `GET /crm/imports/{id}`
pub(crate) async fn show(
    mut cx: web::Cx,
    Path(id): Path<ImportId>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    let run = get(&mut cx, id).await?;
    let outcome = Outcome::ALL.into_iter().find(|one| one.word() == asked.outcome);
    let after = asked.after.as_ref().map(Cursor::parts).transpose()?.map(|(reference, _)| reference);
    let page = seen(&mut cx, id, outcome, after.as_deref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may = cx.who().role >= Role::Member && run.state == State::Running;
    let here = format!("/crm/imports/{id}");
    let link = |outcome: Outcome| format!("{here}?outcome={}", outcome.word());
    let mut heading = Heading::new("Run over contacts")
        .crumb("CRM", "/crm")
        .crumb(run.connection.clone(), format!("/crm/connections/{}", run.connection_id))
        .tag(tag(tone(run.state), run.state.label()))
        .about(html! {
            "Contacts become " (run.taken_as.label().to_lowercase()) ". Started " (wall.relative(run.created_at))
            @if let Some(at) = run.finished_at { ", ended " (wall.relative(at)) }
            @if let Some(since) = run.since { "; only what changed since " (wall.moment(since)) }
        });
    if may {
        heading = heading.act(Button::post("Go on", format!("{here}/resume"))).act(
            Button::post("Cancel", format!("{here}/cancel"))
                .danger()
                .confirm("Stop this run? What came in stays."),
        );
    }
    let count = |number: i32| number::count(i64::from(number));
    let all: Vec<Tab> = std::iter::once(Tab::new("All", here.clone()))
        .chain(Outcome::ALL.into_iter().map(|one| Tab::new(one.label(), link(one))))
        .collect();
    let on = outcome.map_or_else(|| here.clone(), link);
    // What changes by itself stays the page that is open.
    let from = asked.after.as_ref().map_or_else(String::new, |after| format!("&after={}", after.as_str()));
    let open = format!("{here}?outcome={}{from}", outcome.map_or("", Outcome::word));
    let columns =
        [Column::text("Contact there"), Column::text("Became"), Column::text("Lead"), Column::text("Why")];
    let table = Table::new("Contacts of this run", columns)
        .rows(page.rows.iter().map(|one| {
            Row::new()
                .cell(&one.reference)
                .cell(tag(outcome_tone(one.outcome), one.outcome.label()))
                .maybe(one.lead_id.map(|lead| {
                    html! { a href=(format!("/leads/{lead}")) { (one.name.as_deref().unwrap_or("Unnamed lead")) } }
                }))
                .cell(&one.reason)
        }))
        .empty(state::empty(
            "No contact is here",
            "Contacts that a later run looked at again stand there; unchanged ones stand where they were.",
            None,
        ))
        .next(page.next.map(|next| {
            format!("{here}?outcome={}&after={}", outcome.map_or("", Outcome::word), next.as_str())
        }));
    let body = html! {
        (heading)
        (live::region("crm-import", &open, &["crm.import.*"], html! {
            @if let Some(error) = &run.error { (state::partial(html! { (error) })) }
            (kpis(&[
                Kpi::new("Contacts", count(run.seen)).sub(format!("{} unchanged", count(run.unchanged)), Trend::Flat).href(here.clone()),
                Kpi::new("Made", count(run.made)).href(link(Outcome::Made)),
                Kpi::new("Merged", count(run.merged)).href(link(Outcome::Merged)),
                Kpi::new("Suppressed", count(run.suppressed)).href(link(Outcome::Suppressed)),
                Kpi::new("Rejected", count(run.rejected)).href(link(Outcome::Rejected)),
            ]))
            (tabs("Contacts by what they became", &on, &all))
            (Card::bare().body(table))
        }))
    };
    cx.page("Run over contacts", body).await
}

/// `POST /crm/imports/{id}/cancel`
pub(crate) async fn cancel(mut cx: web::Cx, Path(id): Path<ImportId>) -> web::Result<Response> {
    super::cancel(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/crm/imports/{id}"), "Cancelled. What came in stays."))
}

/// `POST /crm/imports/{id}/resume`
pub(crate) async fn resume(mut cx: web::Cx, Path(id): Path<ImportId>) -> web::Result<Response> {
    super::resume(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/crm/imports/{id}"), "It goes on where it stopped."))
}
