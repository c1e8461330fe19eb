//! What billing adds to the program.

use crate::desk::Desk;
use crate::pages::{Again, buy, client, offers, platform};
use crate::{api, checkout, dunning, subscription, webhook};
use axum::body::Bytes;
use axum::extract::{Form, Path, Query};
use axum::http::{HeaderMap, Method};
use base::Role;
use web::api::{Input, get, post};
use web::{Access, Cx, MenuItem, Module, Open};

const VIEWER: Access = Access::Role(Role::Viewer);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entries, the provider's webhook and jobs.
pub fn module(desk: Desk) -> Module {
    let module = programs(platform_pages(client_pages(Module::new("billing"), &desk)), &desk);
    let hook = desk.clone();
    let module =
        module.hook(Method::POST, "/webhooks/billing", move |open: Open, headers: HeaderMap, body: Bytes| {
            webhook::receive(open, headers, body, hook.clone())
        });
    menu(module).jobs(move |registry| {
        subscription::jobs::register(registry, &desk);
        checkout::jobs::register(registry, &desk);
        webhook::register(registry, &desk);
        dunning::register(registry, &desk);
    })
}

fn client_pages(module: Module, desk: &Desk) -> Module {
    let [one, two, three, four, five] = [(); 5].map(|()| desk.clone());
    module
        .page(Method::GET, "/billing", VIEWER, move |cx: Cx| client::show(cx, one.clone()))
        .page(Method::GET, "/billing/credits", VIEWER, client::credits)
        .page(Method::GET, "/billing/invoices", VIEWER, client::invoices)
        .page(Method::GET, "/billing/invoices/{id}", VIEWER, client::invoice)
        .page(Method::GET, "/billing/invoices/{id}/pdf", VIEWER, client::pdf)
        .page(
            Method::POST,
            "/billing/checkout",
            ADMIN,
            move |again: Again, cx: Cx, form: Form<buy::Chosen>| buy::begin(again, cx, two.clone(), form),
        )
        .page(
            Method::GET,
            "/billing/checkout/{id}",
            ADMIN,
            move |again: Again, cx: Cx, id: Path<checkout::CheckoutId>, came: Query<buy::Came>| {
                buy::show(again, cx, three.clone(), id, came)
            },
        )
        .page(Method::GET, "/billing/portal", ADMIN, move |cx: Cx| buy::portal(cx, four.clone()))
        .page(Method::POST, "/billing/plan", ADMIN, move |cx: Cx, form: Form<buy::Wanted>| {
            buy::alter(cx, five.clone(), form)
        })
}

fn platform_pages(module: Module) -> Module {
    module
        .page(Method::GET, "/platform/billing", Access::Platform, platform::show)
        .page(Method::POST, "/platform/billing/plans", Access::Platform, offers::add)
        .page(Method::GET, "/platform/billing/{tenant}", Access::Platform, platform::client)
}

fn programs(module: Module, desk: &Desk) -> Module {
    let [zero, one, two, three] = [(); 4].map(|()| desk.clone());
    module
        .api(Method::GET, "/api/v1/billing", VIEWER, get(move |cx: Cx| api::read(cx, zero.clone())))
        .api(Method::GET, "/api/v1/billing/plans", VIEWER, get(api::plans))
        .api(Method::GET, "/api/v1/billing/credits", VIEWER, get(api::credits))
        .api(Method::GET, "/api/v1/billing/invoices", VIEWER, get(api::invoices))
        .api(Method::GET, "/api/v1/billing/invoices/{id}", VIEWER, get(api::invoice))
        .api(
            Method::POST,
            "/api/v1/billing/checkouts",
            ADMIN,
            post(move |cx: Cx, input: Input<api::Buy>| api::buy(cx, input, one.clone())),
        )
        .api(
            Method::GET,
            "/api/v1/billing/checkouts/{id}",
            ADMIN,
            get(move |cx: Cx, at: Path<api::AtCheckout>| api::checkout(cx, two.clone(), at)),
        )
        .api(
            Method::POST,
            "/api/v1/billing/plan",
            ADMIN,
            post(move |cx: Cx, input: Input<api::Wish>| api::alter(cx, three.clone(), input)),
        )
}

fn menu(module: Module) -> Module {
    let item = |order, label, href, platform| MenuItem {
        group: "Control",
        order,
        label,
        href,
        key: None,
        count: None,
        daily: false,
        platform,
    };
    module.menu(item(940, "Billing", "/billing", false)).menu(item(
        960,
        "Plans and margins",
        "/platform/billing",
        true,
    ))
}
