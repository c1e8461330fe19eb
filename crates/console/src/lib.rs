//! Console: the screens that look across domains.
//!
//! - [`today`]: what happened, what waits, what comes, and what is missing to begin.
//! - [`pipeline`]: from prospect to client, as a board.
//! - [`reports`]: campaigns, channels, days, tiers and subjects, and the activities behind every number.
//! - [`operations`]: queues, jobs, flows, schedules and workers.
//! - [`palette`]: find anything, do anything.
//!
//! Invariants: nothing here writes a table; acts go through the verbs of the domain that owns it. Every
//! read is bounded: by an indexed range of time, by a number of rows, or both.

mod address;
mod days;
pub mod operations;
pub mod palette;
pub mod pipeline;
pub mod reports;
#[cfg(test)]
mod testing;
pub mod today;

use axum::{extract::Path, http::Method};
use base::Role;
use std::sync::Arc;
use web::{Access, MenuItem, Module};

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);

/// The pages across domains.
pub fn module() -> Module {
    let module = operations(reports(Module::new("console")));
    let memory = Arc::new(today::Memory::default());
    let (first, again, part) = (memory.clone(), memory.clone(), memory);
    menu(module)
        .page(Method::GET, "/", VIEWER, move |cx: web::Cx| today::pages::show(cx, first.clone()))
        .page(Method::GET, "/today", VIEWER, move |cx: web::Cx| today::pages::show(cx, again.clone()))
        .page(Method::GET, "/today/{part}", VIEWER, move |cx: web::Cx, name: Path<String>| {
            today::pages::part(cx, part.clone(), name.0)
        })
        .page(Method::GET, "/palette", VIEWER, palette::find)
        .page(Method::GET, "/pipeline", VIEWER, pipeline::pages::show)
        .page(Method::POST, "/pipeline/deals/{id}", MEMBER, pipeline::pages::move_deal)
}

fn reports(module: Module) -> Module {
    use reports::{activities, pages};
    module
        .page(Method::GET, "/reports", VIEWER, pages::show)
        .page(Method::GET, "/reports.csv", VIEWER, pages::csv)
        .page(Method::GET, "/activities", VIEWER, activities::list)
}

fn operations(module: Module) -> Module {
    use operations::{job_pages, pages, schedule_pages};
    module
        .page(Method::GET, "/operations", VIEWER, pages::show)
        .page(Method::GET, "/operations/jobs", VIEWER, job_pages::list)
        .page(Method::GET, "/operations/jobs/{id}", VIEWER, job_pages::show)
        .page(Method::POST, "/operations/jobs/{id}/retry", ADMIN, job_pages::retry)
        .page(Method::POST, "/operations/jobs/{id}/cancel", ADMIN, job_pages::cancel)
        .page(Method::POST, "/operations/jobs/{id}/run", ADMIN, job_pages::run)
        .page(Method::POST, "/operations/jobs/{id}/priority", ADMIN, job_pages::priority)
        .page(Method::GET, "/operations/flows/{id}", VIEWER, job_pages::flow)
        .page(Method::GET, "/operations/schedules", VIEWER, schedule_pages::list)
        .page(Method::POST, "/operations/schedules/run", ADMIN, schedule_pages::run)
        .page(Method::POST, "/operations/schedules/pause", ADMIN, schedule_pages::pause)
}

fn menu(module: Module) -> Module {
    let item = |group, order, label, href, key, daily| MenuItem {
        group,
        order,
        label,
        href,
        key,
        count: None,
        daily,
        platform: false,
    };
    module
        .menu(item("", 10, "Today", "/", Some('t'), true))
        .menu(item("Acquire", 200, "Pipeline", "/pipeline", Some('p'), false))
        .menu(item("Acquire", 290, "Reports", "/reports", Some('r'), false))
        .menu(item("Control", 620, "Operations", "/operations", Some('o'), false))
}
