//! Schedules: when they fire next, run one now, pause one.

use super::{may_act, owner, store, views, wide};
use axum::{extract::Form as Sent, response::Response};
use base::Error;
use jobs::control::{self, ScheduleRow};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;

const HERE: &str = "/operations/schedules";

async fn find(cx: &mut db::Cx) -> base::Result<(Vec<ScheduleRow>, store::Tenants)> {
    let rows = control::schedules(cx).await?;
    let tenants = store::tenants(cx, rows.iter().map(|s| s.tenant_id)).await?;
    Ok((rows, tenants))
}

/// `GET /operations/schedules`
pub async fn list(mut cx: web::Cx) -> web::Result<Response> {
    let (rows, tenants) = match wide(&cx).await? {
        Some(mut all) => find(&mut all).await?,
        None => find(&mut cx).await?,
    };
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let act = may_act(&cx);
    let columns = [
        Column::text("Name"),
        Column::text("State"),
        Column::text("Whose"),
        Column::text("Times"),
        Column::text("Starts"),
        Column::text("Next"),
        Column::text("Last"),
        Column::acts("Actions"),
    ];
    let table = Table::new("Schedules", columns)
        .rows(rows.iter().map(|s| {
            Row::new()
                .cell(&s.name)
                .cell(if s.paused { tag(Tone::Warm, "paused") } else { tag(Tone::Good, "on") })
                .cell(owner(s.tenant_id, &tenants))
                .cell(html! { code { (s.cron) } " " span.quiet { (s.zone) } })
                .cell(&s.kind)
                .cell(if s.paused {
                    html! { span.quiet { "not while paused" } }
                } else {
                    wall.relative(s.next_at)
                })
                .maybe(s.last_at.map(|at| wall.relative(at)))
                .cell(html! { @if act { (buttons(s)) } })
        }))
        .empty(state::empty(
            "No schedules",
            "Your organisation has no schedules of its own; those of the installation run by themselves.",
            None,
        ));
    let body = html! {
        (Heading::new("Schedules").crumb("Operations", "/operations").about("Work at times of the wall clock of a zone."))
        (views(HERE))
        (Card::bare().body(table))
    };
    cx.page("Schedules", body).await
}

fn buttons(s: &ScheduleRow) -> Markup {
    let tenant = s.tenant_id.map(|id| id.to_string()).unwrap_or_default();
    let post = |label: &str, what: &str| {
        Button::post(label, format!("{HERE}/{what}"))
            .hidden("name", &s.name)
            .hidden("tenant", &tenant)
            .about(&s.name)
    };
    acts([
        post("Run now", "run"),
        if s.paused {
            post("Go on", "pause").hidden("paused", "")
        } else {
            post("Pause", "pause").hidden("paused", "1")
        },
    ])
}

/// Which schedule, and whether it is to pause.
#[derive(Deserialize)]
pub struct Which {
    name: String,
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    paused: String,
}

/// Whose schedule is meant. Members can only name their own organisation's, whatever the form says.
fn tenant(cx: &web::Cx, which: &Which) -> base::Result<Option<Uuid>> {
    if !cx.who().platform {
        return Ok(Some(cx.who().tenant.uuid()));
    }
    if which.tenant.is_empty() {
        return Ok(None);
    }
    which.tenant.parse().map(Some).map_err(|cause| {
        Error::invalid("schedule.tenant", "That is not the id of an organisation.").caused_by(cause)
    })
}

/// `POST /operations/schedules/run`
pub async fn run(mut cx: web::Cx, Sent(which): Sent<Which>) -> web::Result<Response> {
    let tenant = tenant(&cx, &which)?;
    super::job_pages::act!(
        cx,
        async |cx: &mut db::Cx| control::run_schedule(cx, tenant, &which.name).await,
        HERE,
        "Its job runs as soon as a worker is free."
    )
}

/// `POST /operations/schedules/pause`
pub async fn pause(mut cx: web::Cx, Sent(which): Sent<Which>) -> web::Result<Response> {
    let tenant = tenant(&cx, &which)?;
    let paused = !which.paused.is_empty();
    let notice = if paused { "The schedule is paused." } else { "The schedule goes on." };
    super::job_pages::act!(
        cx,
        async |cx: &mut db::Cx| control::pause_schedule(cx, tenant, &which.name, paused).await,
        HERE,
        notice
    )
}
