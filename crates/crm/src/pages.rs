//! `/crm`: the connections with their last run, what is on its way, and how other programs are told.

use crate::connection::{self, Connection, TakenAs};
use crate::import::{self, Import};
use crate::push;
use axum::response::Response;
use base::Role;
use maud::{Markup, html};
use ports::crm::CrmKind;
use std::collections::HashMap;
use ui::prelude::*;
use uuid::Uuid;

/// Runs and pushes that the page shows.
const SHOWN: i64 = 10;

/// `GET /crm`
pub(crate) async fn index(mut cx: web::Cx) -> web::Result<Response> {
    let connections = connection::list(&mut cx).await?;
    let newest = import::newest(&mut cx).await?;
    let runs = import::list(&mut cx, SHOWN).await?;
    let counts = push::counts(&mut cx, None).await?;
    let pushes = push::list(&mut cx, None, None, None, usize::try_from(SHOWN).unwrap_or(10)).await?;
    let (wall, role) = (Wall::new(cx.now(), cx.who().zone.clone()), cx.who().role);
    let of =
        |state: push::State| counts.iter().find(|(one, _)| *one == state).map_or(0, |(_, pushes)| *pushes);
    let at = |state: push::State| format!("/crm/pushes?state={}", state.word());
    let body = html! {
        (Heading::new("CRM").about("Whom your CRM has comes in; answers, meetings and deals go there."))
        (kpis(&[
            Kpi::new("Connections", number::count(i64::try_from(connections.len()).unwrap_or(0))).href("#connections"),
            Kpi::new("There", number::count(of(push::State::Done))).sub("contacts and deals", Trend::Flat).href(at(push::State::Done)),
            Kpi::new("On their way", number::count(of(push::State::Queued))).href(at(push::State::Queued)),
            Kpi::new("Failed", number::count(of(push::State::Failed))).href(at(push::State::Failed)),
        ]))
        (connections_card(&connections, &newest, &wall))
        @if role >= Role::Admin { (connect_card()) }
        (Card::new("Runs over contacts").id("runs").body(import::pages::table(&runs, &wall)))
        (Card::new("Pushes").id("pushes").body(push::pages::table(&pushes.rows, &wall)).link("All pushes", "/crm/pushes"))
        (Card::new("Any other CRM").padded(html! {
            p { "A program of your own is told of the same events over a signed webhook: " code { "reply.received" } ", " code { "meeting.booked" } " and "
                code { "lead.converted" } ". Each is delivered again until it is taken, and its log can be played again." }
            @if role >= Role::Admin { (Button::link("Webhooks", "/settings/webhooks")) }
        }))
    };
    cx.page("CRM", body).await
}

/// How a state of a connection is shown.
pub(crate) fn state_tag(state: connection::State) -> Markup {
    let tone = match state {
        connection::State::Checking => Tone::Warm,
        connection::State::Active => Tone::Good,
        connection::State::Paused => Tone::Cold,
        connection::State::Failed => Tone::Bad,
    };
    tag(tone, state.label())
}

fn connections_card(connections: &[Connection], newest: &HashMap<Uuid, Import>, wall: &Wall) -> Markup {
    let columns = [
        Column::text("Connection"),
        Column::text("State"),
        Column::text("Contacts become"),
        Column::text("Last run"),
        Column::text("Deals go to"),
    ];
    let table = Table::new("Connections", columns)
        .rows(connections.iter().map(|one| {
            let run = newest.get(&one.id.uuid());
            Row::new()
                .link(&one.name, &format!("/crm/connections/{}", one.id))
                .cell(html! { (state_tag(one.state)) @if let Some(trouble) = &one.trouble { " " (trouble) } })
                .cell(match one.taken_as {
                    TakenAs::Nothing => "nothing",
                    TakenAs::Leads => "leads",
                    TakenAs::Customers => "suppressed customers",
                })
                .maybe(run.map(|run| {
                    html! { a href=(format!("/crm/imports/{}", run.id)) { (wall.relative(run.created_at)) } ", " (run.state.label().to_lowercase()) }
                }))
                .maybe(one.chosen().filter(|_| one.pushes).map(|pipeline| pipeline.name.clone()))
        }))
        .empty(state::empty(
            "No CRM is connected yet",
            "Connect one to keep its customers out of outreach, to work its leads, and to see answers, meetings and deals there.",
            None,
        ));
    html! { (Card::new("Connections").id("connections").body(table).foot("Keys are sealed and never shown again. Contacts are looked at again every day.")) }
}

fn connect_card() -> Markup {
    html! {
        (Card::new("Connect a CRM").padded(html! {
            div.row { @for kind in CrmKind::ALL { (Button::link(format!("Connect {}", kind.label()), format!("/crm/connect?kind={}", kind.word()))) } }
        }))
    }
}
