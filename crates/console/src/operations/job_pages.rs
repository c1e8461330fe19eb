//! Jobs in lists, one job with what can be done about it, and the timeline of a flow.

use super::{may_act, owner, pretty, store, views, wide};
use crate::address::{self, Address};
use axum::{
    extract::{Form as Sent, Path, Query},
    response::Response,
};
use base::{Actor, Page, Time};
use jobs::{
    JobId, Outcome, Priority, State,
    control::{self, DoneFilter, DoneRow, JobFilter, JobRow, Timeline},
};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

const ROWS: u16 = 50;
const HERE: &str = "/operations/jobs";

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    state: String,
    queue: String,
    kind: String,
    after: String,
}

impl Asked {
    fn address(&self, state: &str, after: &str) -> Address {
        Address::new(HERE)
            .with("state", state)
            .with("queue", &self.queue)
            .with("kind", &self.kind)
            .with("after", after)
    }
}

/// The views of the list: the states of live jobs, then the ends.
const VIEWS: [(&str, &str); 6] = [
    ("running", "Running"),
    ("ready", "Ready"),
    ("scheduled", "Later"),
    ("waiting", "Parked flows"),
    ("failed", "Failed"),
    ("ended", "Ended"),
];

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

enum Found {
    Live(Page<JobRow>),
    Ended(Page<DoneRow>),
}

async fn find(cx: &mut db::Cx, asked: &Asked) -> base::Result<(Found, store::Tenants)> {
    let after = address::cursor(&asked.after)?;
    let kind = given(&asked.kind);
    let found = match asked.state.as_str() {
        "failed" | "ended" => {
            let filter = DoneFilter { outcome: None, kind, trouble: asked.state == "failed" };
            Found::Ended(control::done(cx, &filter, after.as_ref(), ROWS).await?)
        }
        state => {
            let state = if state.is_empty() { None } else { Some(state.parse::<State>()?) };
            let filter = JobFilter { state, queue: given(&asked.queue), kind };
            Found::Live(control::jobs(cx, &filter, after.as_ref(), ROWS).await?)
        }
    };
    let owners: Vec<_> = match &found {
        Found::Live(page) => page.rows.iter().map(|j| j.tenant_id).collect(),
        Found::Ended(page) => page.rows.iter().map(|j| j.tenant_id).collect(),
    };
    let tenants = store::tenants(cx, owners).await?;
    Ok((found, tenants))
}

/// `GET /operations/jobs`
pub async fn list(mut cx: web::Cx, asked: Query<Asked>) -> web::Result<Response> {
    let asked = asked.0;
    let (found, tenants) = match wide(&cx).await? {
        Some(mut all) => find(&mut all, &asked).await?,
        None => find(&mut cx, &asked).await?,
    };
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let act = may_act(&cx);
    let (table, next) = match &found {
        Found::Live(page) => (live_table(page, &tenants, act, &wall), page.next.as_ref()),
        Found::Ended(page) => (ended_table(page, &tenants, act, &wall), page.next.as_ref()),
    };
    let table = table
        .first((!asked.after.is_empty()).then(|| asked.address(&asked.state, "").into()))
        .next(next.map(|next| asked.address(&asked.state, next.as_str()).into()));
    let mut filter = Filter::new(HERE)
        .field(Field::text("queue", "Queue").value(&asked.queue))
        .field(Field::text("kind", "Kind").value(&asked.kind))
        .hidden("state", &asked.state)
        .active(!asked.queue.is_empty() || !asked.kind.is_empty())
        .view("All live", asked.address("", ""), asked.state.is_empty());
    for (word, label) in VIEWS {
        filter = filter.view(label, asked.address(word, ""), asked.state == word);
    }
    let here: String = asked.address(&asked.state, &asked.after).into();
    let body = html! {
        (Heading::new("Jobs").crumb("Operations", "/operations"))
        (views(HERE))
        (filter)
        (live::region("jobs", &here, &["outreach.*", "control.*", "leads.*", "hooks.*"], Card::bare().body(table)))
    };
    cx.page("Jobs", body).await
}

fn state_tag(word: &str) -> Markup {
    let tone = match word {
        "running" => Tone::Cool,
        "succeeded" => Tone::Good,
        "failed" | "dead" => Tone::Bad,
        "ready" => Tone::Warm,
        _ => Tone::Cold,
    };
    tag(tone, word)
}

fn at(id: JobId) -> String {
    format!("{HERE}/{id}")
}

fn live_table(page: &Page<JobRow>, tenants: &store::Tenants, act: bool, wall: &Wall) -> Table {
    let columns = [
        Column::text("Kind"),
        Column::text("State"),
        Column::text("Queue"),
        Column::text("Whose"),
        Column::text("Due"),
        Column::text("Began"),
        Column::number("Try"),
        Column::text("Last error"),
        Column::acts("Actions"),
    ];
    let rows = page.rows.iter().map(|j| {
        Row::new()
            .link(&j.kind, &at(j.id))
            .cell(html! { (state_tag(j.state.word())) @if j.cancel_requested { " " (tag(Tone::Warm, "being cancelled")) } })
            .cell(&j.queue)
            .cell(owner(j.tenant_id, tenants))
            .cell(wall.relative(j.run_at))
            .maybe(j.started_at.map(|t| wall.relative(t)))
            .cell(j.attempt)
            .cell(short(j.error.as_deref()))
            .cell(html! { @if act { (live_acts(j.id, j.state, &j.kind)) } })
    });
    Table::new("Live jobs", columns).rows(rows).empty(state::empty(
        "No such job",
        "Nothing of this kind is live now.",
        None,
    ))
}

fn live_acts(id: JobId, state: State, kind: &str) -> Markup {
    let cancel =
        Button::post("Cancel", format!("{}/cancel", at(id))).danger().confirm("Cancel this job?").about(kind);
    match state {
        State::Scheduled => acts([Button::post("Run now", format!("{}/run", at(id))).about(kind), cancel]),
        State::Ready | State::Running | State::Waiting => acts([cancel]),
    }
}

fn ended_table(page: &Page<DoneRow>, tenants: &store::Tenants, act: bool, wall: &Wall) -> Table {
    let columns = [
        Column::text("Kind"),
        Column::text("Outcome"),
        Column::text("Queue"),
        Column::text("Whose"),
        Column::text("Ended"),
        Column::number("Took"),
        Column::number("Tries"),
        Column::text("Error"),
        Column::acts("Actions"),
    ];
    let rows = page.rows.iter().map(|j| {
        Row::new()
            .link(&j.kind, &at(j.id))
            .cell(state_tag(j.outcome.word()))
            .cell(&j.queue)
            .cell(owner(j.tenant_id, tenants))
            .cell(wall.relative(j.finished_at))
            .maybe(took(j.started_at, Some(j.finished_at)))
            .cell(j.attempt)
            .cell(short(j.error.as_deref()))
            .cell(html! { @if act && j.outcome != Outcome::Succeeded { (Button::post("Retry", format!("{}/retry", at(j.id))).about(&j.kind)) } })
    });
    Table::new("Ended jobs", columns).rows(rows).empty(state::empty(
        "No such job",
        "Nothing of this kind ended.",
        None,
    ))
}

fn took(from: Option<Time>, to: Option<Time>) -> Option<String> {
    Some(number::duration_ms((to?.ms() - from?.ms()).max(0)))
}

/// The first line of an error.
fn short(error: Option<&str>) -> String {
    const CHARS: usize = 140;
    let line = error.unwrap_or_default().lines().next().unwrap_or_default();
    if line.chars().count() <= CHARS {
        line.to_owned()
    } else {
        format!("{}…", line.chars().take(CHARS).collect::<String>())
    }
}

struct Detail {
    job: store::One,
    timeline: Timeline,
    tenants: store::Tenants,
    by: String,
}

async fn detail(cx: &mut db::Cx, id: JobId) -> base::Result<Detail> {
    let job = store::one(cx, id).await?;
    let timeline = control::timeline(cx, id).await?;
    let tenants = store::tenants(cx, [job.tenant_id]).await?;
    // A job without an actor acts as the program itself, under its kind.
    let actor = job.actor.clone().map(serde_json::from_value::<Actor>).transpose()?;
    let label = actor.unwrap_or_else(|| Actor::system(&job.kind)).label();
    let by = web::actor::names(cx, [label.as_str()]).await?.of(&label);
    Ok(Detail { job, timeline, tenants, by })
}

async fn read(cx: &mut web::Cx, id: JobId) -> base::Result<Detail> {
    match wide(cx).await? {
        Some(mut all) => detail(&mut all, id).await,
        None => detail(cx, id).await,
    }
}

/// `GET /operations/jobs/{id}`
pub async fn show(mut cx: web::Cx, Path(id): Path<JobId>) -> web::Result<Response> {
    let seen = read(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let job = &seen.job;
    let body = html! {
        (Heading::new(&job.kind).crumb("Operations", "/operations").crumb("Jobs", HERE).tag(state_tag(&job.stands)))
        @if let Some(error) = &job.error { (Card::new("Last error").padded(html! { pre tabindex="0" { (error) } })) }
        @if may_act(&cx) { (what_to_do(id, job)) }
        (grid::halves([
            Card::new("Job").padded(facts(&seen, &wall)),
            Card::new("Payload").padded(pretty(&job.payload)).foot("Tokens, links and secrets are not shown."),
        ]))
        @if job.is_flow || !seen.timeline.steps.is_empty() {
            (Card::new("Flow").link("Timeline", &format!("/operations/flows/{id}")).padded(steps(&seen, &wall)))
        }
    };
    cx.page("Job", body).await
}

fn facts(seen: &Detail, wall: &Wall) -> Pairs {
    let job = &seen.job;
    let priority = Priority::ALL.into_iter().find(|p| p.boost_s() == job.boost_s).unwrap_or_default();
    let progress = match (job.done_count, job.done_total) {
        (Some(done), Some(total)) => Some(format!("{} of {}", number::count(done), number::count(total))),
        (Some(done), None) => Some(number::count(done)),
        (None, _) => None,
    };
    let mut pairs = Pairs::new()
        .add("Id", copy(&job.id.to_string()))
        .add("Whose", owner(job.tenant_id, &seen.tenants))
        .add("Asked for by", &seen.by)
        .add("Queue", &job.queue)
        .add("Priority", priority.word())
        .add("Enqueued", wall.exact(job.created_at))
        .add("Due", wall.exact(job.run_at));
    for (label, at) in [("Began", job.started_at), ("Ended", job.finished_at), ("Deadline", job.deadline)] {
        if let Some(at) = at {
            pairs = pairs.add(label, wall.exact(at));
        }
    }
    pairs = pairs.add("Tries", format!("{} begun, {} failed", job.attempt, job.failures));
    if let Some(progress) = progress {
        pairs = pairs.add("Progress", progress);
    }
    if let Some(key) = &job.unique_key {
        pairs = pairs.add("Unique key", html! { code { (key) } });
    }
    if let Some(cause) = job.cause {
        pairs = pairs.add("Because of fact", cause);
    }
    if let Some(parent) = job.parent {
        pairs =
            pairs.add("Part of", html! { a href=(format!("/operations/flows/{parent}")) { "this flow" } });
    }
    pairs
}

fn what_to_do(id: JobId, job: &store::One) -> Card {
    let here = at(id);
    let content = if job.live {
        let begun = !matches!(job.stands.as_str(), "scheduled" | "ready");
        html! {
            (acts([
                html! { @if !begun { (Button::post("Run now", format!("{here}/run")).primary()) } },
                html! { (Button::post("Cancel", format!("{here}/cancel")).danger().confirm("Cancel this job?")) },
            ]))
            @if !begun {
                (Form::post(format!("{here}/priority"), "priority")
                    .field(Field::select("priority", "Priority", Priority::ALL.map(|p| Choice::new(p.word(), p.word())))
                        .value(Priority::ALL.into_iter().find(|p| p.boost_s() == job.boost_s).unwrap_or_default().word()).required())
                    .act(Button::submit("Change priority")))
            }
        }
    } else if job.stands == Outcome::Succeeded.word() {
        html! { p { "It did its work; there is nothing to do." } }
    } else {
        html! { (Button::post("Retry", format!("{here}/retry")).primary()) }
    };
    Card::new("What to do").padded(content)
}

/// `GET /operations/flows/{id}`
pub async fn flow(mut cx: web::Cx, Path(id): Path<JobId>) -> web::Result<Response> {
    let seen = read(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let body = html! {
        (Heading::new(&seen.job.kind)
            .crumb("Operations", "/operations").crumb("Jobs", HERE).crumb("Job", at(id))
            .about("What this flow did, step by step, and what it waits for.")
            .tag(state_tag(&seen.job.stands)))
        (Card::new("Timeline").padded(steps(&seen, &wall)))
        @if !seen.timeline.waits.is_empty() { (waits(&seen.timeline, &wall)) }
    };
    cx.page("Flow", body).await
}

fn steps(seen: &Detail, wall: &Wall) -> Markup {
    let job = &seen.job;
    let mut events = vec![Event::new(wall.exact(job.created_at), "Enqueued")];
    events.extend(seen.timeline.steps.iter().map(|step| {
        let failed = step.key == "$failed";
        let title = if failed { "Failed; what was done is undone".to_owned() } else { step.key.clone() };
        Event::new(wall.exact(step.at), title).tone(if failed { Tone::Bad } else { Tone::Good }).quote(
            serde_json::to_string_pretty(&super::redacted(&step.output))
                .unwrap_or_default()
                .chars()
                .take(2_000)
                .collect::<String>(),
        )
    }));
    if let Some(at) = job.finished_at {
        let tone = if job.stands == Outcome::Succeeded.word() { Tone::Good } else { Tone::Bad };
        events.push(Event::new(wall.exact(at), format!("Ended: {}", job.stands)).tone(tone));
    }
    timeline(&events)
}

fn waits(timeline: &Timeline, wall: &Wall) -> Card {
    let columns = [Column::text("Step"), Column::text("Waits for"), Column::text("Until")];
    let rows = timeline.waits.iter().map(|w| {
        let what = match (w.child, &w.fact_type) {
            (Some(child), _) => html! { a href=(format!("{HERE}/{child}")) { "another job" } },
            (None, Some(fact)) => html! { "fact " code { (fact) } },
            (None, None) => html! { "a time" },
        };
        Row::new().cell(&w.key).cell(what).maybe(w.until.map(|at| wall.moment(at)))
    });
    Card::new("Waits for").body(Table::new("Waits", columns).rows(rows))
}

/// Acts in the transaction that may: everybody's for whoever runs the installation, else the member's own,
/// in which row security hides other organisations' jobs.
macro_rules! act {
    ($cx:ident, $act:expr, $to:expr, $notice:expr) => {{
        match wide(&$cx).await? {
            Some(mut all) => {
                $act(&mut all).await?;
                all.commit().await?;
            }
            None => {
                $act(&mut $cx).await?;
                $cx.commit().await?;
            }
        }
        Ok(web::redirect_with($to, $notice))
    }};
}
pub(super) use act;

/// `POST /operations/jobs/{id}/retry`
pub async fn retry(mut cx: web::Cx, Path(id): Path<JobId>) -> web::Result<Response> {
    act!(cx, async |cx: &mut db::Cx| control::retry(cx, id).await, &at(id), "It is tried again.")
}

/// `POST /operations/jobs/{id}/cancel`
pub async fn cancel(mut cx: web::Cx, Path(id): Path<JobId>) -> web::Result<Response> {
    let reason = format!("cancelled by {}", cx.who().name);
    act!(
        cx,
        async |cx: &mut db::Cx| control::cancel(cx, id, &reason).await,
        &at(id),
        "It is being cancelled."
    )
}

/// `POST /operations/jobs/{id}/run`
pub async fn run(mut cx: web::Cx, Path(id): Path<JobId>) -> web::Result<Response> {
    act!(
        cx,
        async |cx: &mut db::Cx| control::run_now(cx, id).await,
        &at(id),
        "It runs as soon as a worker is free."
    )
}

/// A priority as chosen.
#[derive(Deserialize)]
pub struct Chosen {
    priority: String,
}

/// `POST /operations/jobs/{id}/priority`
pub async fn priority(
    mut cx: web::Cx,
    Path(id): Path<JobId>,
    Sent(chosen): Sent<Chosen>,
) -> web::Result<Response> {
    let priority: Priority = chosen.priority.parse()?;
    act!(
        cx,
        async |cx: &mut db::Cx| control::set_priority(cx, id, priority).await,
        &at(id),
        "The priority is changed."
    )
}
