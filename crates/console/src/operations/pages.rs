//! `GET /operations`: queues, kinds, workers and what is held back.

use super::{owner, store, views, wide};
use crate::address::Address;
use axum::response::Response;
use base::Time;
use jobs::control::{self, HaltRow, NodeRow, QueueCount};
use maud::{Markup, html};
use store::Doing;
use ui::prelude::*;

struct Seen {
    queues: Vec<QueueCount>,
    doing: Vec<Doing>,
    halts: Vec<HaltRow>,
    nodes: Option<Vec<NodeRow>>,
    tenants: store::Tenants,
}

async fn look(cx: &mut db::Cx, with_nodes: bool) -> base::Result<Seen> {
    let halts = control::halts(cx).await?;
    let tenants = store::tenants(cx, halts.iter().map(|h| h.tenant_id)).await?;
    Ok(Seen {
        queues: control::queues(cx).await?,
        doing: store::doing(cx).await?,
        halts,
        nodes: if with_nodes { Some(control::nodes(cx).await?) } else { None },
        tenants,
    })
}

/// `GET /operations`
pub async fn show(mut cx: web::Cx) -> web::Result<Response> {
    let seen = match wide(&cx).await? {
        Some(mut all) => look(&mut all, true).await?,
        None => look(&mut cx, false).await?,
    };
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let content = html! {
        (figures(&seen))
        @if !seen.halts.is_empty() { (halts(&seen, &wall)) }
        (queues(&seen, &wall))
        (kinds(&seen))
        @if let Some(nodes) = &seen.nodes { (workers(nodes, &wall)) }
    };
    let about = if cx.who().platform {
        "What the whole installation does, did and will do."
    } else {
        "What works for your organisation in the background."
    };
    let body = html! {
        (Heading::new("Operations").about(about))
        (views("/operations"))
        (live::region("operations", "/operations", &["outreach.*", "control.*", "leads.*", "hooks.*"], content))
    };
    cx.page("Operations", body).await
}

fn jobs(state: &str) -> Address {
    Address::new("/operations/jobs").with("state", state)
}

fn figures(seen: &Seen) -> Markup {
    let sum = |of: fn(&QueueCount) -> i64| number::count(seen.queues.iter().map(of).sum());
    let by_queue = || seen.doing.iter().filter(|d| d.queue.is_some());
    let ended: i64 = by_queue().map(|d| d.ended).sum();
    let succeeded: i64 = by_queue().map(|d| d.succeeded).sum();
    let failed: i64 = by_queue().map(|d| d.failed).sum();
    let recent: i64 = by_queue().map(|d| d.last_minutes).sum();
    let rate = number::decimal(recent as f64 / store::THROUGHPUT_MIN as f64, 1);
    let success = if ended == 0 {
        Kpi::unknown("Success", "nothing ended in 24 hours")
    } else {
        Kpi::new("Success", number::share(succeeded, ended)).sub(
            format!("{} failed", number::count(failed)),
            if failed > 0 { Trend::Worse } else { Trend::Flat },
        )
    };
    kpis(&[
        Kpi::new("Running", sum(|q| q.running)).href(jobs("running")),
        Kpi::new("Ready", sum(|q| q.ready)).href(jobs("ready")),
        Kpi::new("Later", sum(|q| q.scheduled)).href(jobs("scheduled")),
        Kpi::new("Ended a minute", rate)
            .sub(format!("over {} minutes", store::THROUGHPUT_MIN), Trend::Flat)
            .href(jobs("ended")),
        success.href(jobs("failed")),
    ])
}

fn ms(value: Option<f64>) -> Option<String> {
    value.map(|ms| number::duration_ms(ms.max(0.0).round() as i64))
}

fn queues(seen: &Seen, wall: &Wall) -> Card {
    let columns = [
        Column::text("Queue"),
        Column::number("Running"),
        Column::number("Ready"),
        Column::number("Later"),
        Column::number("Parked flows"),
        Column::text("Oldest ready"),
        Column::number("Wait p50"),
        Column::number("Wait p99"),
        Column::number("Ended a minute"),
    ];
    // A queue that is idle now still shows how it did, and one that never ended a job what it holds.
    let mut names: Vec<&str> = seen.queues.iter().map(|q| q.queue.as_str()).collect();
    names.extend(seen.doing.iter().filter_map(|d| d.queue.as_deref()));
    names.sort_unstable();
    names.dedup();
    let rows = names.into_iter().map(|name| {
        let now = seen.queues.iter().find(|q| q.queue == name);
        let did = seen.doing.iter().find(|d| d.queue.as_deref() == Some(name));
        let count = |of: fn(&QueueCount) -> i64, state: &str| {
            let n = now.map_or(0, of);
            let href: String = jobs(state).with("queue", name).into();
            html! { a href=(href) { (number::count(n)) } }
        };
        Row::new()
            .cell(name)
            .cell(count(|q| q.running, "running"))
            .cell(count(|q| q.ready, "ready"))
            .cell(count(|q| q.scheduled, "scheduled"))
            .cell(count(|q| q.waiting, "waiting"))
            .maybe(now.and_then(|q| q.oldest_ready).map(|at: Time| wall.relative(at)))
            .maybe(did.and_then(|d| ms(d.wait_p50_ms)))
            .maybe(did.and_then(|d| ms(d.wait_p99_ms)))
            .maybe(did.map(|d| number::decimal(d.last_minutes as f64 / store::THROUGHPUT_MIN as f64, 1)))
    });
    let table = Table::new("Queues", columns).rows(rows).empty(state::empty(
        "No work",
        "Nothing runs, waits or ended of late.",
        None,
    ));
    Card::new("Queues").body(table).foot(sample())
}

fn sample() -> String {
    format!(
        "Waits, runs and rates are those of the latest {} ends within 24 hours.",
        number::count(store::SAMPLE)
    )
}

fn kinds(seen: &Seen) -> Card {
    let columns = [
        Column::text("Kind"),
        Column::number("Ended"),
        Column::number("Succeeded"),
        Column::number("Failed"),
        Column::number("Run p50"),
        Column::number("Run p99"),
    ];
    let rows = seen.doing.iter().filter_map(|d| d.kind.as_deref().map(|kind| (kind, d))).map(|(kind, d)| {
        let to = |state: &str| -> String { jobs(state).with("kind", kind).into() };
        Row::new()
            .link(kind, &to("ended"))
            .cell(number::count(d.ended))
            .cell(number::share(d.succeeded, d.ended))
            .cell(html! { a href=(to("failed")) { (number::count(d.failed)) } })
            .maybe(ms(d.run_p50_ms))
            .maybe(ms(d.run_p99_ms))
    });
    let table = Table::new("Kinds of work", columns).rows(rows).empty(state::empty(
        "Nothing ended in 24 hours",
        "Kinds of work appear here with their success.",
        None,
    ));
    Card::new("Kinds of work").body(table)
}

fn halts(seen: &Seen, wall: &Wall) -> Card {
    let columns = [
        Column::text("Since"),
        Column::text("Whose"),
        Column::text("What"),
        Column::text("Running work"),
        Column::text("Why"),
    ];
    let rows = seen.halts.iter().map(|h| {
        let what = match (&h.queue, &h.kind_prefix) {
            (None, None) => "everything".to_owned(),
            (Some(queue), None) => format!("queue {queue}"),
            (None, Some(kind)) => format!("kinds {kind}…"),
            (Some(queue), Some(kind)) => format!("kinds {kind}… in queue {queue}"),
        };
        Row::new()
            .cell(wall.moment(h.at))
            .cell(owner(h.tenant_id, &seen.tenants))
            .cell(what)
            .cell(if h.cancels { "is stopped too" } else { "ends by itself" })
            .cell(&h.reason)
    });
    Card::new("Held back now")
        .link("Switches", "/switches")
        .body(Table::new("Held back now", columns).rows(rows))
}

/// A worker that was silent for longer is taken for dead (its jobs go to others).
const SILENT_S: i64 = 30;

fn workers(nodes: &[NodeRow], wall: &Wall) -> Card {
    let columns = [
        Column::text("Node"),
        Column::text("State"),
        Column::text("Does"),
        Column::text("Version"),
        Column::number("Runs"),
        Column::text("Since"),
        Column::text("Last seen"),
    ];
    let rows = nodes.iter().map(|n| {
        let state = if n.silent_s > SILENT_S {
            tag(Tone::Bad, "silent")
        } else if n.draining {
            tag(Tone::Warm, "draining")
        } else {
            tag(Tone::Good, "alive")
        };
        Row::new()
            .cell(html! { code { (n.id) } })
            .cell(state)
            .cell(n.roles.join(", "))
            .cell(&n.version)
            .cell(n.running)
            .cell(wall.moment(wall.now.plus_s(-n.up_s)))
            .cell(wall.relative(wall.now.plus_s(-n.silent_s)))
    });
    let table = Table::new("Workers", columns).rows(rows).empty(state::empty(
        "No worker is alive",
        "Nothing runs until one is started: agency up, or agency work.",
        None,
    ));
    Card::new("Workers").body(table)
}
