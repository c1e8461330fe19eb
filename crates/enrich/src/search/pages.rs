//! The card and form of searches on `/enrichment`.

use super::{SERVICES, Search, State, Typed, start};
use axum::Form as Sent;
use axum::response::Response;
use maud::{Markup, html};
use ui::prelude::*;

/// `POST /enrichment/searches`
pub(crate) async fn begin(mut cx: web::Cx, Sent(typed): Sent<Typed>) -> web::Result<Response> {
    start(&mut cx, &typed).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/enrichment#searches", "The search runs. What it finds becomes leads."))
}

/// The searches of this tenant.
pub(crate) fn card(searches: &[Search], may: bool, wall: &Wall) -> Markup {
    let columns = [
        Column::text("Service"),
        Column::text("State"),
        Column::number("Found"),
        Column::number("Added"),
        Column::number("Known"),
        Column::number("Suppressed"),
        Column::number("Spent"),
        Column::text("Started"),
    ];
    let table = Table::new("Searches", columns)
        .rows(searches.iter().map(|search| {
            let (tone, word) = match search.state {
                State::Running => (Tone::Warm, "Running"),
                State::Done => (Tone::Good, "Done"),
                State::Failed => (Tone::Bad, "Failed"),
            };
            Row::new()
                .cell(crate::lineage::service(&search.provider))
                .cell(html! { (tag(tone, word)) @if let Some(error) = &search.error { " " (error) } })
                .cell(number::count(i64::from(search.found)))
                .cell(number::count(i64::from(search.added)))
                .cell(number::count(i64::from(search.known)))
                .cell(number::count(i64::from(search.suppressed)))
                .cell(crate::lineage::money(search.spent_micros))
                .cell(wall.relative(search.created_at))
        }))
        .empty(state::empty(
            "No searches yet",
            "A search finds companies or people by your ideal customer profile and makes leads of them.",
            None,
        ));
    let form = Form::post("/enrichment/searches", "search")
        .line([
            Field::select("provider", "Service", SERVICES.map(|one| Choice::new(one.word(), one.label())))
                .required(),
            Field::text("place", "Place").hint("A city or state; for Hunter the company's domain"),
            Field::number("most", "At most").range("1", "1000", "1").value("20").required(),
        ])
        .line([
            Field::text("industries", "Trades").hint("Empty: those of the profile"),
            Field::text("titles", "Titles").hint("Empty: those of the profile"),
        ])
        .submit("Search");
    html! {
        (Card::new("Searches").id("searches").body(table))
        @if may { (Card::new("Find leads").padded(form).foot(html! { "By your " a href="/settings/icp" { "ideal customer profile" } "." })) }
    }
}
