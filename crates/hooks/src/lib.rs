//! What comes from outside, and what customers' own servers are told.
//!
//! - [`inbox`]: everything that comes — mail that was polled, webhooks of providers, answers given in the
//!   built-in mail sink — is stored before it is acknowledged, once for each delivery however often it
//!   comes, and is worked on from there.
//! - [`endpoint`]: where a tenant wants to be told, about which events, signed with which secret.
//! - [`event`]: the public names of events, and what goes out with each.
//! - [`delivery`]: a fact on its way to an endpoint: made from the outbox, sent by jobs, tried again, given
//!   up, sent again by hand.
//! - [`signature`]: Standard Webhooks.
//! - [`stop`]: what a switch freezes here.
//!
//! Invariants: a delivery from outside with the same source and dedupe key is kept once for each tenant,
//! and whoever processes it marks it in the transaction of the effects. Every committed fact with a public
//! name that an endpoint asked for becomes exactly one delivery to it, never of another tenant; a delivery keeps its id
//! and its bytes through every attempt; each attempt passes the switches, in the transaction that
//! records it, before it begins.

#[cfg(test)]
mod bed;
pub mod delivery;
mod desk;
pub mod endpoint;
pub mod event;
pub mod inbox;
pub mod signature;
pub mod stop;

pub use desk::{Desk, Settings};

use axum::http::Method;
use base::Role;
use web::{
    Access, Module,
    api::{delete, get, patch, post},
};

/// The pages of the raw inbox.
pub fn module() -> Module {
    Module::new("hooks")
        .page(Method::GET, "/operations/inbox", Access::Role(Role::Viewer), inbox::pages::list)
        .page(Method::GET, "/operations/inbox/{id}", Access::Role(Role::Member), inbox::pages::detail)
        .page(Method::POST, "/operations/inbox/{id}/retry", Access::Role(Role::Member), inbox::pages::retry)
}

const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API and jobs of outbound webhooks.
pub fn outbound(desk: Desk) -> Module {
    let jobs = desk.clone();
    api(pages(Module::new("webhooks"), &desk), &desk)
        .jobs(move |registry| delivery::jobs::register(registry, jobs))
}

fn pages(module: Module, desk: &Desk) -> Module {
    use axum::Form as Sent;
    use axum::extract::Path;
    use delivery::pages as deliveries;
    use endpoint::{EndpointId, pages as endpoints};
    let (one, two, three, four) = (desk.clone(), desk.clone(), desk.clone(), desk.clone());
    let create = move |cx: web::Cx, again: endpoints::Again, form: Sent<endpoints::Typed>| {
        endpoints::create(cx, again, form, one.clone())
    };
    let save =
        move |cx: web::Cx, again: endpoints::Again, id: Path<EndpointId>, form: Sent<endpoints::Typed>| {
            endpoints::save(cx, again, id, form, two.clone())
        };
    let rotate = move |cx: web::Cx, again: endpoints::Again, id: Path<EndpointId>| {
        endpoints::rotate(cx, again, id, three.clone())
    };
    module
        .page(Method::GET, "/settings/webhooks", ADMIN, endpoints::list)
        .page(Method::POST, "/settings/webhooks", ADMIN, create)
        .page(Method::GET, "/settings/webhooks/new", ADMIN, endpoints::new)
        .page(Method::GET, "/settings/webhooks/{id}", ADMIN, endpoints::detail)
        .page(Method::POST, "/settings/webhooks/{id}", ADMIN, save)
        .page(Method::POST, "/settings/webhooks/{id}/rotate", ADMIN, rotate)
        .page(Method::POST, "/settings/webhooks/{id}/enable", ADMIN, endpoints::enable)
        .page(Method::POST, "/settings/webhooks/{id}/disable", ADMIN, endpoints::disable)
        .page(Method::POST, "/settings/webhooks/{id}/test", ADMIN, endpoints::test)
        .page(
            Method::POST,
            "/settings/webhooks/{id}/delete",
            ADMIN,
            move |cx: web::Cx, id: Path<EndpointId>| endpoints::remove(cx, id, four.clone()),
        )
        .page(Method::GET, "/settings/webhook-deliveries/{id}", ADMIN, deliveries::detail)
        .page(Method::POST, "/settings/webhook-deliveries/{id}/again", ADMIN, deliveries::again)
}

fn api(module: Module, desk: &Desk) -> Module {
    use axum::extract::Path;
    use delivery::api as deliveries;
    use endpoint::{EndpointId, api as endpoints};
    use web::api::Input;
    const ALL: &str = "/api/v1/webhook-endpoints";
    const ONE: &str = "/api/v1/webhook-endpoints/{id}";
    let (one, two, three, four) = (desk.clone(), desk.clone(), desk.clone(), desk.clone());
    module
        .api(Method::GET, ALL, ADMIN, get(endpoints::list))
        .api(
            Method::POST,
            ALL,
            ADMIN,
            post(move |cx: web::Cx, input: Input<endpoints::Create>| {
                endpoints::create(cx, input, one.clone())
            }),
        )
        .api(Method::GET, ONE, ADMIN, get(endpoints::get))
        .api(
            Method::PATCH,
            ONE,
            ADMIN,
            patch(move |cx: web::Cx, id: Path<EndpointId>, input: Input<endpoints::Update>| {
                endpoints::update(cx, id, input, two.clone())
            }),
        )
        .api(
            Method::DELETE,
            ONE,
            ADMIN,
            delete(move |cx: web::Cx, id: Path<EndpointId>| endpoints::remove(cx, id, three.clone())),
        )
        .api(
            Method::POST,
            "/api/v1/webhook-endpoints/{id}/rotate",
            ADMIN,
            post(move |cx: web::Cx, id: Path<EndpointId>, input: Input<endpoints::Empty>| {
                endpoints::rotate(cx, id, input, four.clone())
            }),
        )
        .api(Method::POST, "/api/v1/webhook-endpoints/{id}/test", ADMIN, post(deliveries::test))
        .api(Method::GET, "/api/v1/webhook-endpoints/{id}/deliveries", ADMIN, get(deliveries::list))
        .api(Method::GET, "/api/v1/webhook-deliveries/{id}", ADMIN, get(deliveries::get))
        .api(Method::POST, "/api/v1/webhook-deliveries/{id}/redeliver", ADMIN, post(deliveries::again))
}
