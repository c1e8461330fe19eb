//! `/pay/reconciliation`: what was compared, what differs, and what was done about it.

use super::{Difference, DifferenceId, State, Status};
use crate::page::ROWS;
use crate::show::{Again, may_manage, next, problem, with_status};
use axum::extract::{Form as Sent, Path, Query};
use axum::response::Response;
use base::Cursor;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

const PAGE: &str = "/pay/reconciliation";
/// Comparisons that the page shows.
const RUNS: usize = 20;
/// Hours that somebody may ask to be compared: a month.
const HOURS_MAX: i64 = 744;

/// Which differences.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// Those that were resolved, in place of the open ones.
    resolved: bool,
    after: Option<Cursor>,
}

/// `GET /pay/reconciliation`
pub(crate) async fn index(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    shown(cx, asked, None).await
}

async fn shown(mut cx: web::Cx, asked: Asked, failed: Option<String>) -> web::Result<Response> {
    let runs = super::runs(&mut cx, None, RUNS).await?;
    let state = if asked.resolved { State::Resolved } else { State::Open };
    let differences = super::differences(&mut cx, state, asked.after.as_ref(), ROWS).await?;
    let (open, resolved) = super::counts(&mut cx).await?;
    let (may, wall) = (may_manage(&cx), Wall::new(cx.now(), cx.who().zone.clone()));
    let comparisons = runs.rows.iter().map(|run| {
        let tone = match run.status {
            Status::Running => Tone::Cool,
            Status::Done => Tone::Good,
            Status::Failed => Tone::Warm,
        };
        Row::new()
            .cell(run.rail.label())
            .cell(html! { (wall.exact(run.since)) " – " (wall.exact(run.until)) })
            .cell(html! { (tag(tone, run.status.label())) @if let Some(why) = &run.reason { " " (why) } })
            .cell(number::count(i64::from(run.compared)))
            .cell(html! { @if run.open > 0 { a href=(PAGE) { (number::count(run.open)) } } @else { (number::count(0)) } })
            .cell(wall.relative(run.started_at))
    });
    let runs = Table::new(
        "Comparisons",
        [
            Column::text("With"),
            Column::text("What began"),
            Column::text("State"),
            Column::number("Compared"),
            Column::number("Differences"),
            Column::text("When"),
        ],
    )
    .rows(comparisons)
    .empty(state::empty(
        "Nothing was compared yet",
        "It happens each night, or when you ask for it.",
        None,
    ));
    let rows = differences.rows.iter().map(|difference| row(difference, may, &wall));
    let none = if asked.resolved {
        state::empty("Nothing was resolved yet", "What somebody took care of appears here.", None)
    } else {
        state::empty("Everything agrees", "The rails, the books and we say the same.", None)
    };
    let path = if asked.resolved { format!("{PAGE}?resolved=true") } else { PAGE.to_owned() };
    let of = if asked.resolved { vec![("resolved", "true")] } else { Vec::new() };
    let table = Table::new(
        "Differences",
        [
            Column::text("What"),
            Column::text("Of"),
            Column::text("Here"),
            Column::text("There"),
            Column::text("Seen"),
            Column::text("Done"),
        ],
    )
    .rows(rows)
    .empty(none)
    .first(asked.after.is_some().then_some(path))
    .next(differences.next.map(|after| next(PAGE, &of, &after)));
    let filter = Filter::new(PAGE).view(format!("Open ({open})"), PAGE, !asked.resolved).view(
        format!("Resolved ({resolved})"),
        format!("{PAGE}?resolved=true"),
        asked.resolved,
    );
    let ask = Form::post(format!("{PAGE}/run"), "run")
        .problem(failed.clone())
        .field(
            Field::number("hours", "Hours back")
                .value("24")
                .range("1", HOURS_MAX.to_string(), "1")
                .hint("Payments, refunds and payouts that began in this time.")
                .required(),
        )
        .submit("Compare now");
    let body = html! {
        (Heading::new("Reconciliation").about("Each night what the rails say is compared with our payments, refunds and payouts, and with the books."))
        (filter)
        (Card::new("Differences").body(table))
        @if may { (Card::new("Compare now").padded(ask)) }
        (Card::new("Comparisons").body(runs))
    };
    let page = cx.page("Reconciliation", body).await?;
    Ok(with_status(page, failed.is_some()))
}

fn row(difference: &Difference, may: bool, wall: &Wall) -> Row {
    let of = html! {
        (difference.about.label()) " over " (difference.rail.label()) " "
        @match difference.payment_id {
            Some(payment) => a href={ "/pay/payments/" (payment) } { "its payment" },
            None => code { (difference.subject) },
        }
    };
    Row::new()
        .cell(tag(Tone::Warm, difference.kind.label()))
        .cell(of)
        .cell(difference.ours.as_str())
        .cell(difference.theirs.as_str())
        .cell(wall.relative(difference.seen_at))
        .cell(done(difference, may))
}

fn done(difference: &Difference, may: bool) -> Markup {
    match difference.state {
        State::Resolved => html! { (difference.done) },
        State::Open if may => {
            let id = format!("resolve-{}", difference.id);
            let form = Form::post(format!("{PAGE}/differences/{}/resolve", difference.id), id)
                .field(Field::text("done", "What was done").required().max_chars(500))
                .submit("Resolve");
            html! { details { summary { "Resolve" } (form) } }
        }
        State::Open => html! { "Open" },
    }
}

/// What is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    hours: String,
}

/// `POST /pay/reconciliation/run`
pub(crate) async fn run(mut cx: web::Cx, again: Again, Sent(sent): Sent<Wanted>) -> web::Result<Response> {
    let hours = sent.hours.trim().parse::<i64>().ok().filter(|hours| (1..=HOURS_MAX).contains(hours));
    let Some(hours) = hours else {
        drop(cx);
        let words = format!("Give a whole number of hours, 1 to {HOURS_MAX}.");
        return shown(again.cx().await?, Asked::default(), Some(words)).await;
    };
    let rails = super::begin(&mut cx, hours).await?;
    cx.commit().await?;
    Ok(redirect_with(PAGE, &format!("Comparing with {rails} rails; reload to see what was found.")))
}

/// What was done about a difference.
#[derive(Debug, Deserialize)]
pub(crate) struct Words {
    done: String,
}

/// `POST /pay/reconciliation/differences/{id}/resolve`
pub(crate) async fn resolve(
    mut cx: web::Cx,
    Path(id): Path<DifferenceId>,
    again: Again,
    Sent(sent): Sent<Words>,
) -> web::Result<Response> {
    match super::resolve(&mut cx, id, &sent.done).await {
        Ok(()) => {
            cx.commit().await?;
            Ok(redirect_with(PAGE, "Resolved."))
        }
        Err(error) => {
            let words = problem(error)?;
            drop(cx);
            shown(again.cx().await?, Asked::default(), Some(words)).await
        }
    }
}
