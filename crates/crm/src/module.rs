//! What a client's CRM adds to the program.

use crate::desk::Desk;
use crate::{api, connection, import, pages, push};
use axum::Form;
use axum::extract::Path;
use axum::http::Method;
use base::Role;
use connection::ConnectionId;
use connection::pages as accounts;
use web::api::{Input, delete, get, post, put};
use web::{Access, MenuItem, Module};

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entry and jobs.
pub fn module(desk: Desk) -> Module {
    let entry = MenuItem {
        group: "Acquire",
        order: 240,
        label: "CRM",
        href: "/crm",
        key: None,
        count: None,
        daily: false,
        platform: false,
    };
    let module = json_api(screens(Module::new("crm").menu(entry), &desk), &desk);
    module.jobs(move |registry| {
        connection::jobs::register(registry, &desk);
        import::jobs::register(registry, &desk);
        push::jobs::register(registry, &desk);
    })
}

fn screens(module: Module, desk: &Desk) -> Module {
    let (make, save, end) = (desk.clone(), desk.clone(), desk.clone());
    module
        .page(Method::GET, "/crm", VIEWER, pages::index)
        .page(Method::GET, "/crm/connect", ADMIN, accounts::new)
        .page(Method::POST, "/crm/connections", ADMIN, move |cx: web::Cx, form: Form<accounts::NewForm>| {
            accounts::make(cx, form, make.clone())
        })
        .page(Method::GET, "/crm/connections/{id}", VIEWER, accounts::show)
        .page(
            Method::POST,
            "/crm/connections/{id}",
            ADMIN,
            move |cx: web::Cx, id: Path<ConnectionId>, form: Form<connection::Typed>| {
                accounts::save(cx, id, form, save.clone())
            },
        )
        .page(Method::POST, "/crm/connections/{id}/contacts", ADMIN, accounts::take)
        .page(Method::POST, "/crm/connections/{id}/stages", ADMIN, accounts::map)
        .page(Method::POST, "/crm/connections/{id}/check", ADMIN, accounts::check)
        .page(Method::POST, "/crm/connections/{id}/import", MEMBER, accounts::import)
        .page(Method::POST, "/crm/connections/{id}/pause", ADMIN, accounts::pause)
        .page(Method::POST, "/crm/connections/{id}/resume", ADMIN, accounts::resume)
        .page(
            Method::POST,
            "/crm/connections/{id}/disconnect",
            ADMIN,
            move |cx: web::Cx, id: Path<ConnectionId>| accounts::disconnect(cx, id, end.clone()),
        )
        .page(Method::GET, "/crm/imports/{id}", VIEWER, import::pages::show)
        .page(Method::POST, "/crm/imports/{id}/cancel", MEMBER, import::pages::cancel)
        .page(Method::POST, "/crm/imports/{id}/resume", MEMBER, import::pages::resume)
        .page(Method::GET, "/crm/pushes", VIEWER, push::pages::index)
        .page(Method::POST, "/crm/pushes/retry", MEMBER, push::pages::retry_failed)
        .page(Method::GET, "/crm/pushes/{id}", VIEWER, push::pages::show)
        .page(Method::POST, "/crm/pushes/{id}/retry", MEMBER, push::pages::retry)
}

fn json_api(module: Module, desk: &Desk) -> Module {
    let (make, end) = (desk.clone(), desk.clone());
    module
        .api(Method::GET, "/api/v1/crm/connections", VIEWER, get(api::connections))
        .api(
            Method::POST,
            "/api/v1/crm/connections",
            ADMIN,
            post(move |cx: web::Cx, input: Input<api::Connect>| api::connect(cx, input, make.clone())),
        )
        .api(Method::GET, "/api/v1/crm/connections/{id}", VIEWER, get(api::connection))
        .api(
            Method::DELETE,
            "/api/v1/crm/connections/{id}",
            ADMIN,
            delete(move |cx: web::Cx, id: Path<ConnectionId>| api::disconnect(cx, id, end.clone())),
        )
        .api(Method::PUT, "/api/v1/crm/connections/{id}/contacts", ADMIN, put(api::take))
        .api(Method::PUT, "/api/v1/crm/connections/{id}/stages", ADMIN, put(api::map))
        .api(Method::GET, "/api/v1/crm/connections/{id}/pipelines", VIEWER, get(api::pipelines))
        .api(Method::POST, "/api/v1/crm/connections/{id}/check", ADMIN, post(api::check))
        .api(Method::POST, "/api/v1/crm/connections/{id}/pause", ADMIN, post(api::pause))
        .api(Method::POST, "/api/v1/crm/connections/{id}/resume", ADMIN, post(api::resume))
        .api(Method::POST, "/api/v1/crm/connections/{id}/import", MEMBER, post(api::import))
        .api(Method::GET, "/api/v1/crm/imports/{id}", VIEWER, get(api::run))
        .api(Method::GET, "/api/v1/crm/pushes", VIEWER, get(api::pushes))
        .api(Method::POST, "/api/v1/crm/pushes/{id}/retry", MEMBER, post(api::retry))
}
