//! What moves money and proves it, as the program adds it: executing, payments, refunds, receipts,
//! exports, payouts, webhooks, and their jobs.

use crate::payment::Desk;
use crate::{account, payment, receipt, refund, signing, statement};
use axum::extract::Path;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use base::Role;
use web::api::{get, post, put};
use web::{Access, Module};

const VIEWER: Access = Access::Role(Role::Viewer);
const ADMIN: Access = Access::Role(Role::Admin);
const AGENT_READS: Access = Access::Machine(Role::Viewer);
const AGENT_ACTS: Access = Access::Machine(Role::Member);

/// Pages, API, menu entries, hooks and jobs.
pub fn module(desk: Desk) -> Module {
    let module = receipts(payments(Module::new("pay_payments"), &desk), &desk);
    let jobs = desk;
    module.jobs(move |registry| {
        payment::jobs::register(registry, &jobs);
        refund::jobs::register(registry, &jobs);
        receipt::jobs::register(registry, &jobs.ring);
    })
}

fn payments(module: Module, desk: &Desk) -> Module {
    let (one, two, three) = (desk.clone(), desk.clone(), desk.clone());
    module
        .api(
            Method::POST,
            "/api/v1/execute",
            AGENT_ACTS,
            post(move |cx, place, input| payment::api::execute(cx, place, input, one.clone()))
                .layer(from_fn_with_state(desk.ring.clone(), signing::api::carry)),
        )
        .api(Method::GET, "/api/v1/payments", AGENT_READS, get(payment::api::list))
        .api(Method::GET, "/api/v1/payments/{id}", AGENT_READS, get(payment::api::read))
        .api(
            Method::POST,
            "/api/v1/payments/{id}/refund",
            ADMIN,
            post(move |cx, at: Path<payment::api::At>, input| refund::api::give(cx, at, input, two.clone())),
        )
        .api(Method::GET, "/api/v1/rails", VIEWER, get(account::api::list))
        .api(
            Method::PUT,
            "/api/v1/rails",
            ADMIN,
            put(move |cx, input| account::api::put(cx, input, three.clone())),
        )
        .api(Method::GET, "/api/v1/exports/statement", VIEWER, get(statement::api::statement))
        .api(Method::GET, "/api/v1/exports/journal", VIEWER, get(statement::api::journal))
}

fn receipts(module: Module, desk: &Desk) -> Module {
    let (one, two, three) = (desk.clone(), desk.clone(), desk.clone());
    module
        .api(Method::GET, "/api/v1/receipts", AGENT_READS, get(receipt::api::list))
        .api(Method::GET, "/api/v1/receipts/{id}", AGENT_READS, get(receipt::api::read))
        .api(
            Method::GET,
            "/api/v1/receipts/{id}/proof",
            VIEWER,
            get(move |cx, at: Path<receipt::api::At>| receipt::api::proof(cx, at, one.clone())),
        )
        .api(Method::GET, "/api/v1/checkpoint", VIEWER, get(move |cx| receipt::api::latest(cx, two.clone())))
        .api(Method::GET, "/api/v1/receipts/verify", VIEWER, get(move |cx| receipt::api::check(cx, three.clone())))
}
