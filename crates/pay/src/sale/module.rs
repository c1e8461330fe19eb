//! What being paid adds to the program: the facilitator, paid resources, sales.

use super::{Shop, api, hook, jobs};
use crate::caller::Origin;
use crate::facilitator::hook::turned_away;
use crate::resource::{self, ResourceId};
use crate::{facilitator, show::Again};
use axum::body::Bytes;
use axum::extract::{Form, Path, Query};
use axum::http::{HeaderMap, Method};
use base::Role;
use web::api::{delete, get, post, put};
use web::{Access, MenuItem, Module, Open};

const VIEWER: Access = Access::Role(Role::Viewer);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entry, open addresses and jobs.
pub fn module(shop: Shop) -> Module {
    let module = pages(management(facilitator(Module::new("pay_sales"), &shop), &shop), &shop);
    module.jobs(move |registry| jobs::register(registry, &shop))
}

fn facilitator(module: Module, shop: &Shop) -> Module {
    let of = || shop.facilitator.clone();
    let (supported, verify, settle, network, selling) = (of(), of(), of(), of(), shop.clone());
    let gate = || shop.gate.clone();
    let (one, two, three, four) = (gate(), gate(), gate(), gate());
    module
        .hook(
            Method::GET,
            "/x402/supported",
            async move |open: Open, Origin(from): Origin| match turned_away(&open, from, &one) {
                Some(no) => no,
                None => facilitator::hook::supported(supported.clone()).await,
            },
        )
        .hook(Method::POST, "/x402/verify", async move |open: Open, Origin(from): Origin, body: Bytes| {
            match turned_away(&open, from, &two) {
                Some(no) => no,
                None => facilitator::hook::verify(body, verify.clone()).await,
            }
        })
        .hook(Method::POST, "/x402/settle", async move |open: Open, Origin(from): Origin, body: Bytes| {
            match turned_away(&open, from, &three) {
                Some(no) => no,
                None => facilitator::hook::settle(body, settle.clone()).await,
            }
        })
        .hook(
            Method::POST,
            "/x402/rpc/{chain}",
            async move |open: Open, Origin(from): Origin, chain: Path<u64>, body: Bytes| match turned_away(
                &open, from, &four,
            ) {
                Some(no) => Ok(no),
                None => facilitator::hook::network(open, chain, body, network.clone()).await,
            },
        )
        .hook(
            Method::GET,
            "/x402/r/{id}",
            move |open: Open, Path(id): Path<ResourceId>, headers: HeaderMap| {
                hook::sell(open, id, headers, selling.clone())
            },
        )
}

fn management(module: Module, shop: &Shop) -> Module {
    let (show, mint) = (shop.facilitator.clone(), shop.facilitator.clone());
    let (read, add, change) = (shop.clone(), shop.clone(), shop.clone());
    module
        .api(
            Method::GET,
            "/api/v1/x402",
            VIEWER,
            get(move |cx, asked: Query<facilitator::api::Asked>| {
                facilitator::api::show(cx, asked, show.clone())
            }),
        )
        .api(
            Method::POST,
            "/api/v1/x402/mint",
            ADMIN,
            post(move |cx, input| facilitator::api::mint(cx, input, mint.clone())),
        )
        .api(Method::GET, "/api/v1/paid-resources", VIEWER, get(resource::api::list))
        .api(
            Method::POST,
            "/api/v1/paid-resources",
            ADMIN,
            post(move |cx, input| resource::api::add(cx, input, add.clone())),
        )
        .api(
            Method::GET,
            "/api/v1/paid-resources/{id}",
            VIEWER,
            get(move |cx, at: Path<resource::api::At>| resource::api::read(cx, at, read.clone())),
        )
        .api(
            Method::PUT,
            "/api/v1/paid-resources/{id}",
            ADMIN,
            put(move |cx, at: Path<resource::api::At>, input| {
                resource::api::change(cx, at, input, change.clone())
            }),
        )
        .api(Method::DELETE, "/api/v1/paid-resources/{id}", ADMIN, delete(resource::api::retire))
        .api(Method::GET, "/api/v1/sales", VIEWER, get(api::list))
        .api(Method::GET, "/api/v1/sales/{id}", VIEWER, get(api::read))
}

fn pages(module: Module, shop: &Shop) -> Module {
    let (index, add, detail, change, mint) =
        (shop.clone(), shop.clone(), shop.clone(), shop.clone(), shop.clone());
    module
        .menu(MenuItem {
            group: "Pay",
            order: 586,
            label: "Paid resources",
            href: "/pay/resources",
            key: None,
            count: None,
            daily: false,
            platform: false,
        })
        .page(
            Method::GET,
            "/pay/resources",
            VIEWER,
            move |cx: web::Cx, asked: Query<resource::pages::Asked>| {
                resource::pages::index(cx, asked, index.clone())
            },
        )
        .page(
            Method::POST,
            "/pay/resources",
            ADMIN,
            move |cx: web::Cx, again: Again, sent: Form<resource::pages::Typed>| {
                resource::pages::add(cx, again, sent, add.clone())
            },
        )
        .page(
            Method::POST,
            "/pay/resources/mint",
            ADMIN,
            move |cx: web::Cx, again: Again, sent: Form<resource::pages::Gift>| {
                resource::pages::mint(cx, again, sent, mint.clone())
            },
        )
        .page(Method::GET, "/pay/resources/{id}", VIEWER, move |cx: web::Cx, id: Path<ResourceId>| {
            resource::pages::detail(cx, id, detail.clone())
        })
        .page(
            Method::POST,
            "/pay/resources/{id}",
            ADMIN,
            move |cx: web::Cx, id: Path<ResourceId>, again: Again, sent: Form<resource::pages::Typed>| {
                resource::pages::change(cx, id, again, sent, change.clone())
            },
        )
        .page(Method::POST, "/pay/resources/{id}/retire", ADMIN, resource::pages::retire)
}
