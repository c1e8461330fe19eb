//! `/enrichment/runs/{id}`: where each lead of a batch stands, and what was done for one.

use super::{ItemState, RunState};
use crate::lineage::{self, money};
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Cursor, Role};
use leads::lead::{self, LeadId};
use maud::html;
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;

/// Leads on one page.
const ROWS: usize = 50;

/// How a state of a batch is coloured.
pub(crate) fn tone(state: RunState) -> Tone {
    match state {
        RunState::Running => Tone::Warm,
        RunState::Done => Tone::Good,
        RunState::Cancelled => Tone::Cold,
    }
}

fn item_tone(state: ItemState) -> Tone {
    match state {
        ItemState::Queued | ItemState::Skipped => Tone::Cold,
        ItemState::Waiting | ItemState::Incomplete => Tone::Warm,
        ItemState::Accepted => Tone::Good,
        ItemState::Failed => Tone::Bad,
    }
}

/// Which leads.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    state: String,
    after: Option<Cursor>,
}

/// `GET /enrichment/runs/{id}`
pub(crate) async fn show(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    let run = super::get(&mut cx, id).await?;
    let state = ItemState::ALL.into_iter().find(|state| state.word() == asked.state);
    let counts = super::counts(&mut cx, id).await?;
    let page = super::items(&mut cx, id, state, asked.after.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may = cx.who().role >= Role::Member && run.state == RunState::Running;
    let here = format!("/enrichment/runs/{id}");
    let of = |state: ItemState| counts.iter().find(|(one, _)| *one == state).map_or(0, |(_, leads)| *leads);
    let mut heading = Heading::new(run.label.clone())
        .crumb("Enrichment", "/enrichment")
        .tag(tag(tone(run.state), run.state.label()))
        .about(html! { "Started " (wall.relative(run.created_at)) @if let Some(at) = run.finished_at { ", ended " (wall.relative(at)) } });
    if may {
        heading = heading
            .act(Button::post("Start open ones again", format!("{here}/resume")))
            .act(Button::post("Cancel", format!("{here}/cancel")).danger().confirm("Stop this batch?"));
    }
    let all: Vec<Tab> =
        std::iter::once(Tab::new("All", here.clone()).count(i64::from(run.total)))
            .chain(ItemState::ALL.into_iter().map(|state| {
                Tab::new(state.label(), format!("{here}?state={}", state.word())).count(of(state))
            }))
            .collect();
    let on = state.map_or_else(|| here.clone(), |state| format!("{here}?state={}", state.word()));
    let columns = [
        Column::text("Lead"),
        Column::text("State"),
        Column::text("Filled"),
        Column::number("Score"),
        Column::number("Sure"),
        Column::number("Cost"),
    ];
    let table = Table::new("Leads of this batch", columns)
        .rows(page.rows.iter().map(|item| {
            let name = item.name.clone().unwrap_or_else(|| "Unnamed lead".to_owned());
            let score = match (item.score_before, item.score_after) {
                (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
                (_, Some(score)) | (Some(score), None) => score.to_string(),
                (None, None) => "–".to_owned(),
            };
            Row::new()
                .link(&name, &format!("{here}/leads/{}", item.lead_id))
                .cell(html! {
                    (tag(item_tone(item.state), item.state.label()))
                    @if item.premium { " " (tag(Tone::Warm, "premium")) }
                    @if !item.reason.is_empty() { " " (item.reason) }
                })
                .cell(item.filled.join(", ").replace('_', " "))
                .cell(score)
                .maybe(item.sure.map(|sure| number::percent(f64::from(sure))))
                .cell(money(item.cost_micros))
        }))
        .empty(state::empty("No lead is in this state", "Choose another one above.", None))
        .next(page.next.map(|next| {
            format!("{here}?state={}&after={}", state.map_or("", ItemState::word), next.as_str())
        }));
    let body = html! {
        (heading)
        (kpis(&[
            Kpi::new("Enriched", number::count(run.accepted)).sub(format!("of {}", number::count(i64::from(run.total))), Trend::Flat).href(format!("{here}?state=accepted")),
            Kpi::new("Open", number::count(i64::from(run.open_count))).href(format!("{here}?state=queued")),
            Kpi::new("Premium", format!("{} of {}", run.premium_used, run.premium_limit)).href(here.clone()),
            Kpi::new("Cost", money(run.cost_micros)).href("/costs/spend?agent=scout&task=enrich.lookup"),
        ]))
        (tabs("Leads by state", &on, &all))
        (Card::bare().body(table))
    };
    cx.page(&run.label, body).await
}

/// `GET /enrichment/runs/{id}/leads/{lead}`
pub(crate) async fn item(mut cx: web::Cx, Path((id, lead)): Path<(Uuid, Uuid)>) -> web::Result<Response> {
    let run = super::get(&mut cx, id).await?;
    let lead = lead::get(&mut cx, LeadId(lead)).await?;
    let steps = lineage::of_item(&mut cx, id, lead.id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let table = lineage::table("Steps for this lead", &steps, &wall).empty(state::empty(
        "No step is done yet",
        "The lead's turn has not come, or it is not looked up: the batch says why.",
        None,
    ));
    let spent: i64 = steps.iter().map(|step| step.cost_micros).sum();
    let name = lead.name();
    let body = html! {
        (Heading::new(name.clone()).crumb("Enrichment", "/enrichment").crumb(run.label, format!("/enrichment/runs/{id}"))
            .act(Button::link("The lead", format!("/leads/{}", lead.id))))
        (Card::new("What each step did").body(table).foot(format!("Spent: {}", money(spent))))
    };
    cx.page(&name, body).await
}

/// `POST /enrichment/runs/{id}/cancel`
pub(crate) async fn cancel(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    super::cancel(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/enrichment/runs/{id}"), "Cancelled. Nothing more is asked."))
}

/// `POST /enrichment/runs/{id}/resume`
pub(crate) async fn resume(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let open = super::resume(&mut cx, id).await?;
    cx.commit().await?;
    let notice = format!(
        "{} started again.",
        number::counted(i64::try_from(open).unwrap_or(0), "lead is", "leads are")
    );
    Ok(web::redirect_with(&format!("/enrichment/runs/{id}"), &notice))
}
