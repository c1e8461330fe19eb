//! `/learning`: what was learnt, how sure it is, what changed, what is suggested, and the way back.

mod draw;

use super::health::problems;
use super::{Pattern, PatternId, changes, jobs};
use crate::learn::Detector;
use crate::suggestion::{self, State as Stands, Suggestion, SuggestionId, setting};
use axum::Form as Sent;
use axum::extract::Path;
use axum::response::Response;
use base::{Result, Role, Time};
use db::Cx;
use maud::{Markup, Render, html};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

const HERE: &str = "/learning";
/// Rows of the lists.
const SUGGESTIONS: i64 = 20;
const HISTORY: i64 = 60;

/// The last run.
struct LastRun {
    at: Time,
    cause: String,
    activities: i64,
    touches: i64,
    took_ms: i64,
    results: serde_json::Value,
}

async fn last_run(cx: &mut Cx) -> Result<Option<LastRun>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        LastRun,
        "select at, cause, activities, touches, took_ms, results from insight.run
         where tenant_id = $1 and cause <> 'backfill' order by at desc, id desc limit 1",
        tenant
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// `GET /learning`
pub async fn index(mut cx: web::Cx) -> web::Result<Response> {
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let (admin, member) = (cx.who().role >= Role::Admin, cx.who().role >= Role::Member);
    // First, so that a run that ends at this moment is not told without what it brought: statements that come
    // later see what it stored.
    let run = last_run(&mut cx).await?;
    let patterns = super::active(&mut cx).await?;
    let history = super::history(&mut cx, None, HISTORY).await?;
    let suggestions = suggestion::list(&mut cx, SUGGESTIONS).await?;
    let autopilot = setting::get(&mut cx).await?.autopilot;
    let now = cx.now();
    let mut changed = Vec::new();
    for pattern in &patterns {
        let before = super::before(&mut cx, pattern).await?;
        changed.push(changes(before.as_ref(), pattern));
    }
    let cards =
        patterns.iter().zip(&changed).map(|(pattern, changed)| card(pattern, changed, now, &wall, admin));
    let body = html! {
        (Heading::new("Learning")
            .about("What your own outcomes say, with how sure it is. Opens and clicks count for nothing.")
            .act(learn_button(member)))
        (Card::new("Suggestions").id("suggestions").body(suggestion_table(&suggestions, &wall, admin))
            .foot(html! { @if autopilot { "Suggestions are applied at once; each can be taken back." } @else { "Nothing is done before somebody approves it." } }))
        (live::region("patterns", HERE, &["insight.*"], html! {
            @if let Some(run) = &run { (run_card(run, &wall)) }
            @if patterns.is_empty() { (Card::bare().body(nothing(run.is_some(), member))) }
            @for card in cards { (card) }
        }))
        (Card::new("History").id("history").body(history_table(&history, &wall)))
        @if admin { (settings(autopilot)) }
    };
    cx.page("Learning", body).await
}

fn learn_button(member: bool) -> Markup {
    html! { @if member { (Button::post("Learn now", format!("{HERE}/run")).primary()) } }
}

fn nothing(ran: bool, member: bool) -> Markup {
    let why = if ran {
        "The last run found too few outcomes. People need two to four weeks to answer before they count."
    } else {
        "Patterns are learnt every Sunday from what became of your messages, and whenever you ask."
    };
    let next = member.then(|| Button::post("Learn from what is there", format!("{HERE}/run")));
    state::empty("No patterns count now", why, next)
}

fn run_card(run: &LastRun, wall: &Wall) -> Markup {
    let came: Vec<crate::learn::Came> = serde_json::from_value(run.results.clone()).unwrap_or_default();
    let columns = [
        Column::text("Question"),
        Column::number("Observations"),
        Column::number("Successes"),
        Column::text("Outcome"),
    ];
    let rows = came.iter().map(|one| {
        let (trials, hits) = one.detector.least();
        let number = |n: u64| number::count(i64::try_from(n).unwrap_or(i64::MAX));
        Row::new().cell(one.detector.label()).cell(number(one.sample)).cell(number(one.conversions)).cell(
            html! {
                @if one.learnt { (tag(Tone::Good, "learnt")) }
                @else { (tag(Tone::Cold, "not enough")) " needs " (trials) " with " (hits) " successes" }
            },
        )
    });
    let cause = if run.cause == "person" { "asked for" } else { "on Sunday's schedule" };
    html! {
        (Card::new("Last run").body(Table::new("What the last run came to", columns).rows(rows))
            .foot(html! {
                (wall.relative(run.at)) ", " (cause) ": "
                a href="/activities" { (number::counted(run.activities, "activity", "activities")) } " in the window, "
                (number::counted(run.touches, "message", "messages")) " read for the first time, in " (number::duration_ms(run.took_ms)) "."
            }))
    }
}

fn card(pattern: &Pattern, changed: &[String], now: Time, wall: &Wall, admin: bool) -> Markup {
    let href = format!("{HERE}/patterns/{}", pattern.id);
    let weak = problems(pattern, now);
    let aside = html! {
        @for problem in &weak { (tag(Tone::Warm, problem.label())) " " }
        a href=(href) { "Everything" }
    };
    Card::new(pattern.detector.label())
        .id(pattern.detector.word())
        .aside(aside)
        .padded(html! {
            (facts(pattern, wall))
            (draw::best(pattern))
            p { b { "What changed" } }
            ul { @for line in changed { li { (line) } } }
            @if admin { (roll_back_button(pattern)) }
        })
        .foot(html! { "Success: " (pattern.detector.success()) ". Intervals hold the truth in 19 of 20 cases." })
        .render()
}

fn facts(pattern: &Pattern, wall: &Wall) -> Pairs {
    let rows = match pattern.detector {
        Detector::Who => "/leads",
        Detector::Funnel => "/meetings",
        Detector::What | Detector::When | Detector::How => "/activities?action=sent",
    };
    let sample = html! {
        a href=(rows) { (number::count(pattern.sample)) " " (pattern.detector.unit()) } ", "
        a href="/activities?action=classified&intent=positive" { (number::count(pattern.conversions)) " successes" }
    };
    Pairs::new()
        .add("Rests on", sample)
        .add("Confidence", number::decimal(pattern.confidence, 2))
        .add("Learnt", wall.relative(pattern.learned_at))
        .add("Counts until", wall.date(pattern.valid_until))
}

fn roll_back_button(pattern: &Pattern) -> Button {
    Button::post("Roll back", format!("{HERE}/patterns/{}/roll-back", pattern.id))
        .hidden("reason", "Rolled back from the learning page.")
        .about(pattern.detector.label())
        .confirm(
            "The version before counts again, and what was applied because of this one is taken back. Go on?",
        )
}

fn suggestion_table(suggestions: &[Suggestion], wall: &Wall, admin: bool) -> Table {
    let columns = [
        Column::text("Suggestion"),
        Column::text("What it does"),
        Column::text("State"),
        Column::text("When"),
        Column::acts("Actions"),
    ];
    let rows = suggestions.iter().map(|one| {
        let (tone, word) = one.state.shown();
        Row::new()
            .id(format!("suggestion-{}", one.id))
            .cell(html! { b { (one.title) } br; (one.reason) })
            .cell(one.proposal.shown())
            .cell(html! { (tag(tone, word)) @if let Some(problem) = &one.problem { " " (problem) } })
            .cell(wall.relative(one.ended_at.unwrap_or(one.created_at)))
            .cell(html! {
                @if let Some(approval) = one.approval_id.filter(|_| one.state == Stands::Proposed) {
                    a href={ "/approvals/" (approval) } { "Decide" }
                } @else if admin && one.state == Stands::Applied {
                    (Button::post("Take back", format!("{HERE}/suggestions/{}/undo", one.id)).quiet().about(one.title.clone())
                        .confirm("What was there before is there again. Go on?"))
                }
            })
    });
    Table::new("Suggestions", columns).rows(rows).empty(state::empty(
        "Nothing is suggested",
        "Suggestions come when something is surely better or worse than the rest.",
        None,
    ))
}

fn history_table(history: &[Pattern], wall: &Wall) -> Table {
    let columns = [
        Column::text("Pattern"),
        Column::number("Version"),
        Column::text("State"),
        Column::number("Observations"),
        Column::number("Successes"),
        Column::number("Confidence"),
        Column::text("Learnt"),
        Column::text("Ended"),
    ];
    let rows = history.iter().map(|pattern| {
        Row::new()
            .link(pattern.detector.label(), &format!("{HERE}/patterns/{}", pattern.id))
            .cell(i64::from(pattern.version))
            .cell(pattern.state.label())
            .cell(number::count(pattern.sample))
            .cell(number::count(pattern.conversions))
            .cell(number::decimal(pattern.confidence, 2))
            .cell(wall.date(pattern.learned_at))
            .maybe(pattern.end_reason.as_ref())
    });
    Table::new("Versions, the latest first", columns).rows(rows).empty(state::empty(
        "No history yet",
        "Each run keeps its patterns here.",
        None,
    ))
}

fn settings(autopilot: bool) -> Markup {
    let choice = Form::post(format!("{HERE}/setting"), "setting")
        .field(
            Field::check("autopilot", "Apply suggestions without asking", autopilot)
                .hint("Each can be taken back. Otherwise they wait under Approvals."),
        )
        .submit("Save");
    let past = Form::post(format!("{HERE}/backfill"), "backfill")
        .field(
            Field::number("weeks", "Weeks of the past").value("8").range("1", "26", "1").required().hint(
                "What would have been learnt then, for the history. It changes nothing that counts now.",
            ),
        )
        .submit("Learn the past again");
    grid::halves([
        Card::new("How suggestions are handled").padded(choice),
        Card::new("The past").padded(past),
    ])
}

/// `GET /learning/patterns/{id}`
pub async fn show(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let admin = cx.who().role >= Role::Admin;
    let pattern = super::get(&mut cx, super::api::id(id)).await?;
    let before = super::before(&mut cx, &pattern).await?;
    let changed = changes(before.as_ref(), &pattern);
    let title = format!("{}, version {}", pattern.detector.label(), pattern.version);
    let body = html! {
        (Heading::new(&title).crumb("Learning", HERE)
            .about(format!("Success: {}.", pattern.detector.success()))
            .tag(tag(if pattern.state == super::State::Active { Tone::Good } else { Tone::Cold }, pattern.state.label())))
        (Card::bare().padded(html! {
            (facts(&pattern, &wall))
            ul { @for line in &changed { li { (line) } } }
            @if admin && pattern.state == super::State::Active { (roll_back_button(&pattern)) }
        }))
        (draw::everything(&pattern))
    };
    cx.page(&title, body).await
}

/// `POST /learning/run`
pub async fn run(mut cx: web::Cx) -> web::Result<Response> {
    jobs::ask(&mut cx).await?;
    cx.commit().await?;
    Ok(redirect_with(HERE, "Learning begins; this page shows the patterns when they are there."))
}

/// What was typed to learn the past again.
#[derive(Debug, Deserialize)]
pub struct Back {
    weeks: i64,
}

/// `POST /learning/backfill`
pub async fn backfill(mut cx: web::Cx, Sent(back): Sent<Back>) -> web::Result<Response> {
    let runs = jobs::backfill(&mut cx, back.weeks).await?;
    cx.commit().await?;
    Ok(redirect_with(HERE, &format!("{runs} weeks are being learnt again; the history shows them.")))
}

/// A choice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    autopilot: String,
}

/// `POST /learning/setting`
pub async fn choose(mut cx: web::Cx, Sent(chosen): Sent<Chosen>) -> web::Result<Response> {
    setting::set(&mut cx, setting::Setting { autopilot: !chosen.autopilot.is_empty() }).await?;
    cx.commit().await?;
    Ok(redirect_with(HERE, "Saved."))
}

/// Why.
#[derive(Debug, Deserialize)]
pub struct Why {
    reason: String,
}

/// `POST /learning/patterns/{id}/roll-back`
pub async fn roll_back(mut cx: web::Cx, Path(id): Path<Uuid>, Sent(why): Sent<Why>) -> web::Result<Response> {
    let restored = super::roll_back(&mut cx, PatternId(id), &why.reason).await?;
    cx.commit().await?;
    let said = if restored.is_some() {
        "Rolled back: the version before counts again."
    } else {
        "Rolled back: there was no earlier version, so that nothing counts now."
    };
    Ok(redirect_with(HERE, said))
}

/// `POST /learning/suggestions/{id}/undo`
pub async fn undo(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    suggestion::undo(&mut cx, SuggestionId(id)).await?;
    cx.commit().await?;
    Ok(redirect_with(HERE, "Taken back: what was there before is there again."))
}
