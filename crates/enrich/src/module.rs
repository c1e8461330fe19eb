//! What enrichment adds to the program.

use crate::desk::Desk;
use crate::waterfall::Lead;
use crate::{api, hook, pages, quarantine, run, search};
use axum::Form;
use axum::extract::Path;
use axum::http::Method;
use base::Role;
use web::api::{get, post};
use web::{Access, MenuItem, Module};

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entry, callbacks and jobs.
pub fn module(desk: Desk) -> Module {
    let entry = MenuItem {
        group: "Acquire",
        order: 230,
        label: "Enrichment",
        href: "/enrichment",
        key: None,
        count: None,
        daily: false,
        platform: false,
    };
    let module = json_api(screens(Module::new("enrich").menu(entry), &desk));
    module.hook(Method::POST, "/webhooks/data/{provider}/{token}", hook::take).jobs(move |registry| {
        registry.register::<Lead>(desk.clone());
        registry.register::<search::Page>(desk.clone());
        hook::register(registry, &desk);
    })
}

fn screens(module: Module, desk: &Desk) -> Module {
    let (show, keep, drop) = (desk.clone(), desk.clone(), desk.clone());
    module
        .page(Method::GET, "/enrichment", VIEWER, pages::index)
        .page(Method::POST, "/enrichment/runs", MEMBER, pages::start)
        .page(Method::GET, "/enrichment/runs/{id}", VIEWER, run::pages::show)
        .page(Method::GET, "/enrichment/runs/{id}/leads/{lead}", VIEWER, run::pages::item)
        .page(Method::POST, "/enrichment/runs/{id}/cancel", MEMBER, run::pages::cancel)
        .page(Method::POST, "/enrichment/runs/{id}/resume", MEMBER, run::pages::resume)
        .page(Method::POST, "/enrichment/leads", MEMBER, pages::chosen)
        .page(Method::POST, "/enrichment/leads/{id}", MEMBER, pages::one)
        .page(Method::GET, "/enrichment/quarantine", VIEWER, quarantine::index)
        .page(Method::POST, "/enrichment/quarantine/{id}/accept", MEMBER, quarantine::accept)
        .page(Method::POST, "/enrichment/quarantine/{id}/reject", MEMBER, quarantine::reject)
        .page(Method::GET, "/enrichment/steps/{provider}/{purpose}", VIEWER, pages::step)
        .page(Method::POST, "/enrichment/steps/{provider}/{purpose}", ADMIN, pages::set_step)
        .page(Method::POST, "/enrichment/searches", MEMBER, search::pages::begin)
        .page(
            Method::GET,
            "/enrichment/providers/{provider}",
            ADMIN,
            move |cx: web::Cx, provider: Path<String>| pages::account(cx, provider, show.clone()),
        )
        .page(
            Method::POST,
            "/enrichment/providers/{provider}",
            ADMIN,
            move |cx: web::Cx, provider: Path<String>, form: Form<crate::account::Typed>| {
                pages::set_account(cx, provider, form, keep.clone())
            },
        )
        .page(
            Method::POST,
            "/enrichment/providers/{provider}/remove",
            ADMIN,
            move |cx: web::Cx, provider: Path<String>| pages::remove_account(cx, provider, drop.clone()),
        )
}

fn json_api(module: Module) -> Module {
    module
        .api(Method::GET, "/api/v1/enrichment/steps", VIEWER, get(api::steps))
        .api(Method::POST, "/api/v1/enrichment/runs", MEMBER, post(api::start))
        .api(Method::GET, "/api/v1/enrichment/runs/{id}", VIEWER, get(api::run))
        .api(Method::GET, "/api/v1/leads/{id}/lineage", VIEWER, get(api::lineage))
        .api(Method::GET, "/api/v1/enrichment/quarantine", VIEWER, get(api::quarantine))
        .api(Method::POST, "/api/v1/enrichment/quarantine/{id}/decide", MEMBER, post(api::decide))
        .api(Method::POST, "/api/v1/enrichment/searches", MEMBER, post(api::search))
}
