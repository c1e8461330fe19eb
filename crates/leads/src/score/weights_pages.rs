//! `/settings/scoring`: which weights count and why, the client's own with a preview, what was learned, what counted
//! before, and the runs that score everyone again.

use super::pages::compared;
use super::rescore::{self, Rescore};
use super::weights::{self, InForce, Kind, Row as Kept, WeightId};
use super::{ComponentKind, Tier, Weights, preview};
use axum::Form as Sent;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use base::{Error, Result};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

const AT: &str = "/settings/scoring";
const ROWS: i64 = 50;

/// What was typed, in per cent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    data_quality: String,
    authority: String,
    company_fit: String,
    timing: String,
    risk: String,
    reason: String,
    act: String,
}

impl Typed {
    fn of(weights: Weights) -> Self {
        let [data_quality, authority, company_fit, timing, risk] =
            <[u16; 5]>::from(weights).map(|points| number::decimal(f64::from(points) / 100.0, 2));
        Self { data_quality, authority, company_fit, timing, risk, ..Self::default() }
    }

    fn percents(&self) -> [&str; 5] {
        [&self.data_quality, &self.authority, &self.company_fit, &self.timing, &self.risk]
    }

    fn weights(&self) -> Result<Weights> {
        let mut points = [0_u16; 5];
        for (slot, (text, kind)) in points.iter_mut().zip(self.percents().into_iter().zip(ComponentKind::ALL))
        {
            let percent: f64 =
                text.trim().parse().ok().filter(|p| (0.0..=100.0).contains(p)).ok_or_else(|| {
                    Error::invalid(
                        "score.weights",
                        format!("The weight of {} is a percentage from 0 to 100.", kind.label()),
                    )
                })?;
            *slot = (percent * 100.0).round() as u16;
        }
        Weights::new(points)
    }
}

/// `GET /settings/scoring`
pub(crate) async fn show(mut cx: web::Cx) -> web::Result<Response> {
    let typed = Typed::of(weights::custom(&mut cx).await?.unwrap_or_default());
    page(cx, &typed, None, None).await
}

/// `POST /settings/scoring`: `act=preview` shows what would change, `act=off` goes without, anything else saves.
pub(crate) async fn save(mut cx: web::Cx, Sent(typed): Sent<Typed>) -> web::Result<Response> {
    if typed.act == "off" {
        weights::switch_off(&mut cx, Kind::Custom).await?;
        cx.commit().await?;
        return Ok(redirect_with(AT, "Switched off. Every lead is being scored again."));
    }
    let wanted = match typed.weights() {
        Ok(wanted) => wanted,
        Err(error) => return page(cx, &typed, Some(error.message().to_owned()), None).await,
    };
    if typed.act == "preview" {
        let found = preview::of_weights(&mut cx, &wanted).await?;
        return page(cx, &typed, None, Some(compared(&found))).await;
    }
    weights::set_custom(&mut cx, Some(&wanted), &typed.reason).await?;
    cx.commit().await?;
    Ok(redirect_with(AT, "Saved. Every lead is being scored again."))
}

/// `POST /settings/scoring/{id}/adopt`
pub(crate) async fn adopt(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    weights::adopt(&mut cx, WeightId(id)).await?;
    cx.commit().await?;
    Ok(redirect_with(AT, "Switched on. Every lead is being scored again."))
}

/// `POST /settings/scoring/{id}/restore`
pub(crate) async fn restore(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    weights::restore(&mut cx, WeightId(id)).await?;
    cx.commit().await?;
    Ok(redirect_with(AT, "Restored. Every lead is being scored again."))
}

/// `POST /settings/scoring/learned/off`
pub(crate) async fn learned_off(mut cx: web::Cx) -> web::Result<Response> {
    weights::switch_off(&mut cx, Kind::Learned).await?;
    cx.commit().await?;
    Ok(redirect_with(AT, "Switched off. Every lead is being scored again."))
}

/// `POST /settings/scoring/rescore`
pub(crate) async fn again(mut cx: web::Cx) -> web::Result<Response> {
    rescore::begin(&mut cx, "asked for").await?;
    cx.commit().await?;
    Ok(redirect_with(AT, "Every lead is being scored again."))
}

fn in_words(weights: Weights) -> String {
    ComponentKind::ALL
        .into_iter()
        .map(|kind| format!("{} {}%", kind.label(), number::decimal(f64::from(weights.of(kind)) / 100.0, 2)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn force_card(now: &InForce, may: bool) -> Markup {
    let from = now.kind.map_or("The usual ones", Kind::label);
    html! {
        (Card::new("What counts now").id("in-force").aside(tag(Tone::Cool, from)).padded(html! {
            p { (in_words(now.weights)) }
            p.muted { "Learned weights go before your own, your own before the usual ones (20, 25, 25, 15 and 15: the plain sum of the points)." }
            @if may && now.kind == Some(Kind::Learned) { (Button::post("Switch learned weights off", "/settings/scoring/learned/off")) }
        }))
    }
}

fn form(typed: &Typed, problem: Option<String>, has_own: bool) -> Markup {
    let names = ["data_quality", "authority", "company_fit", "timing", "risk"];
    let fields =
        names.into_iter().zip(ComponentKind::ALL).zip(typed.percents()).map(|((name, kind), value)| {
            Field::number(name, format!("{} (%)", kind.label()))
                .value(value)
                .range("0", "100", "0.01")
                .required()
        });
    let mut form = Form::post(AT, "weights")
        .problem(problem)
        .set("Your own weights; they add up to 100%", fields)
        .field(Field::text("reason", "Why").value(typed.reason.as_str()).max_chars(200))
        .act(Button::submit("Preview").value("act", "preview"))
        .act(Button::submit("Save").primary().value("act", "save"));
    if has_own {
        form = form.act(Button::submit("Go without").value("act", "off"));
    }
    html! { (Card::new("Your own weights").padded(form)) }
}

fn history_card(rows: &[Kept], now: base::Time, wall: &Wall, may: bool) -> Markup {
    let lines = rows.iter().map(|row| {
        let state = if row.is_on(now) {
            tag(Tone::Good, "counts")
        } else if row.valid_from.is_some() {
            tag(Tone::Cold, "counted")
        } else if row.sound {
            tag(Tone::Cool, "proposed")
        } else {
            tag(Tone::Warm, "not good enough")
        };
        let act = html! {
            @if may && row.sound && row.valid_from.is_none() {
                (Button::post("Switch on", format!("/settings/scoring/{}/adopt", row.id)).primary())
            } @else if may && row.valid_from.is_some() && !row.is_on(now) {
                (Button::post("Restore", format!("/settings/scoring/{}/restore", row.id)))
            }
        };
        Row::new()
            .cell(wall.exact(row.created_at))
            .cell(row.kind.label())
            .cell(in_words(row.weights))
            .cell(html! { (row.verdict) @if !row.reason.is_empty() { " " (row.reason) } })
            .cell(state)
            .cell(act)
    });
    let columns = [
        Column::text("When"),
        Column::text("From"),
        Column::text("Weights"),
        Column::text("Why"),
        Column::text("State"),
        Column::acts("What can be done"),
    ];
    html! {
        (Card::new("History").id("history").body(Table::new("Weights, newest first", columns).rows(lines)
            .empty(state::empty("Only the usual weights have counted", "Set your own, or let them be learned from outcomes.", None))))
    }
}

fn moves(run: &Rescore) -> String {
    let name = |word: &str| word.parse::<Tier>().map_or("not scored", Tier::client_label);
    let all = run.moved.iter().filter_map(|(key, n)| {
        let (from, to) = key.split_once('>')?;
        Some(format!("{} → {}: {}", name(from), name(to), number::count(*n)))
    });
    all.collect::<Vec<_>>().join("; ")
}

fn runs_card(runs: &[Rescore], wall: &Wall, may: bool) -> Markup {
    let lines = runs.iter().map(|run| {
        Row::new()
            .cell(wall.exact(run.started_at))
            .cell(run.reason.as_str())
            .cell(format!("{} of {}", number::count(run.done), number::count(run.total.max(run.done))))
            .cell(number::count(run.changed))
            .cell(moves(run))
            .cell(match run.status {
                rescore::Status::Running => tag(Tone::Cool, "running"),
                rescore::Status::Done => tag(Tone::Good, "done"),
            })
    });
    let columns = [
        Column::text("Begun"),
        Column::text("Because"),
        Column::number("Leads"),
        Column::number("Changed"),
        Column::text("Moved between tiers"),
        Column::text("State"),
    ];
    html! {
        (Card::new("Scored again").id("runs").aside(html! { @if may { (Button::post("Score everyone again", "/settings/scoring/rescore")) } })
            .body(Table::new("Runs over every lead", columns).rows(lines)
                .empty(state::empty("No run yet", "Every lead is scored again when the profile or the weights change.", None))))
    }
}

async fn page(
    mut cx: web::Cx,
    typed: &Typed,
    problem: Option<String>,
    preview: Option<Markup>,
) -> web::Result<Response> {
    let now = weights::in_force(&mut cx).await?;
    let own = weights::custom(&mut cx).await?;
    let rows = weights::history(&mut cx, ROWS).await?;
    let runs = rescore::list(&mut cx, 10).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may = cx.who().role >= base::Role::Admin;
    let failed = problem.is_some();
    let body = html! {
        (Heading::new("Scoring").crumb("Settings", "/settings").about("How the five components of a score are weighed, for this client.")
            .act(Button::link("Profile of the ideal customer", "/settings/icp")))
        (force_card(&now, may))
        @if may { (form(typed, problem, own.is_some())) }
        @if let Some(preview) = preview { (preview) }
        (history_card(&rows, cx.now(), &wall, may))
        (live::region("runs-live", AT, &["leads.rescored", "leads.weights.changed"], runs_card(&runs, &wall, may)))
    };
    let mut response = cx.page("Scoring", body).await?;
    if failed {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}
