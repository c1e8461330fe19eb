//! What moves money and proves it, as the program adds it: executing, payments, refunds, receipts,
//! exports, payouts, webhooks, and their jobs.

use crate::caller::Origin;
use crate::payment::Desk;
use crate::rail::Rail;
use crate::show::Again;
use crate::vendor::VendorId;
use crate::webhook::hook::{Came, To, of_rail, of_vendor};
use crate::{
    account, dispute, exchange, payment, payout, receipt, reconcile, refund, signing, statement, webhook,
};
use axum::body::Bytes;
use axum::extract::{Form, Path, Query};
use axum::http::{HeaderMap, Method};
use axum::middleware::from_fn_with_state;
use base::Role;
use std::collections::BTreeMap;
use web::api::{get, post, put};
use web::{Access, Count, MenuItem, Module, Open};

const VIEWER: Access = Access::Role(Role::Viewer);
const ADMIN: Access = Access::Role(Role::Admin);
const AGENT_READS: Access = Access::Machine(Role::Viewer);
const AGENT_ACTS: Access = Access::Machine(Role::Member);

/// Pages, API, menu entries, hooks and jobs.
pub fn module(desk: Desk) -> Module {
    let module = exchanges(payouts(receipts(payments(Module::new("pay_payments"), &desk), &desk)));
    let module = pages(webhooks(module, &desk), &desk);
    let jobs = desk;
    module.jobs(move |registry| {
        payment::jobs::register(registry, &jobs);
        refund::jobs::register(registry, &jobs);
        payout::jobs::register(registry, &jobs);
        webhook::jobs::register(registry, &jobs);
        receipt::jobs::register(registry, &jobs.ring);
        reconcile::jobs::register(registry, &jobs);
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
        .api(Method::GET, "/api/v1/payments/{id}/delivery", AGENT_READS, get(payment::delivery::read))
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
        .api(Method::GET, "/api/v1/dispute-fees", VIEWER, get(dispute::api::fees))
        .api(Method::POST, "/api/v1/dispute-fees", ADMIN, post(dispute::api::add_fee))
        .api(Method::GET, "/api/v1/exports/statement", VIEWER, get(statement::api::statement))
        .api(Method::GET, "/api/v1/exports/journal", VIEWER, get(statement::api::journal))
}

fn receipts(module: Module, desk: &Desk) -> Module {
    let (one, two, three, four) = (desk.clone(), desk.clone(), desk.clone(), desk.clone());
    module
        .api(Method::GET, "/api/v1/receipts", AGENT_READS, get(receipt::api::list))
        .api(
            Method::GET,
            "/api/v1/receipts/{id}",
            AGENT_READS,
            get(move |cx, at: Path<receipt::api::At>, headers: HeaderMap| {
                receipt::api::read(cx, at, headers, four.clone())
            }),
        )
        .api(
            Method::GET,
            "/api/v1/receipts/{id}/proof",
            VIEWER,
            get(move |cx, at: Path<receipt::api::At>| receipt::api::proof(cx, at, one.clone())),
        )
        .api(Method::GET, "/api/v1/checkpoint", VIEWER, get(move |cx| receipt::api::latest(cx, two.clone())))
        .api(
            Method::GET,
            "/api/v1/receipts/verify",
            VIEWER,
            get(move |cx| receipt::api::check(cx, three.clone())),
        )
}

fn exchanges(module: Module) -> Module {
    module
        .api(Method::GET, "/api/v1/exchange-rates", VIEWER, get(exchange::api::rates))
        .api(Method::POST, "/api/v1/exchange-rates", Access::Platform, post(exchange::api::add_rates))
        .api(Method::GET, "/api/v1/exchanges", VIEWER, get(exchange::api::list))
        .api(Method::POST, "/api/v1/exchanges", ADMIN, post(exchange::api::quote))
        .api(Method::GET, "/api/v1/exchanges/{id}", VIEWER, get(exchange::api::read))
        .api(Method::POST, "/api/v1/exchanges/{id}/execute", ADMIN, post(exchange::api::execute))
}

fn payouts(module: Module) -> Module {
    module
        .api(Method::GET, "/api/v1/payouts", VIEWER, get(payout::api::list))
        .api(Method::POST, "/api/v1/payouts", ADMIN, post(payout::api::begin))
        .api(Method::GET, "/api/v1/payouts/{id}", VIEWER, get(payout::api::read))
        .api(Method::GET, "/api/v1/payees/{id}", VIEWER, get(payout::api::payee))
        .api(Method::PUT, "/api/v1/payees/{id}", ADMIN, put(payout::api::set))
}

fn webhooks(module: Module, desk: &Desk) -> Module {
    let of_rail = |rail: Rail| {
        let desk = desk.clone();
        move |open: Open, Origin(from): Origin, Query(to): Query<To>, headers: HeaderMap, body: Bytes| {
            of_rail(open, rail, to, Came { from, headers, body }, desk.clone())
        }
    };
    let vendors = desk.clone();
    module
        .hook(Method::POST, "/webhooks/stripe", of_rail(Rail::Stripe))
        .hook(Method::POST, "/webhooks/cashfree", of_rail(Rail::Cashfree))
        .hook(
            Method::POST,
            "/webhooks/x402/{vendor}",
            move |open: Open,
                  Origin(from): Origin,
                  Path(vendor): Path<VendorId>,
                  headers: HeaderMap,
                  body: Bytes| {
                of_vendor(open, vendor, Came { from, headers, body }, vendors.clone())
            },
        )
}

fn pages(module: Module, desk: &Desk) -> Module {
    let (give, shown, paper) = (desk.clone(), desk.clone(), desk.clone());
    menu(rail_pages(book_pages(module), desk))
        .page(Method::GET, "/pay/payments", VIEWER, payment::pages::index)
        .page(Method::GET, "/pay/payments/{id}", VIEWER, payment::pages::detail)
        .page(
            Method::POST,
            "/pay/payments/{id}/refund",
            ADMIN,
            move |cx: web::Cx,
                  id: Path<payment::PaymentId>,
                  again: Again,
                  sent: Form<payment::pages::Typed>| {
                payment::pages::give(cx, id, again, sent, give.clone())
            },
        )
        .page(
            Method::GET,
            "/pay/receipts",
            VIEWER,
            move |cx: web::Cx, asked: Query<receipt::pages::Asked>| {
                receipt::pages::index(cx, asked, shown.clone())
            },
        )
        .page(Method::GET, "/pay/receipts/{id}", VIEWER, receipt::pages::detail)
        .page(Method::GET, "/pay/reconciliation", VIEWER, reconcile::pages::index)
        .page(Method::POST, "/pay/reconciliation/run", ADMIN, reconcile::pages::run)
        .page(Method::POST, "/pay/reconciliation/differences/{id}/resolve", ADMIN, reconcile::pages::resolve)
        .page(
            Method::GET,
            "/pay/receipts/{id}/pdf",
            VIEWER,
            move |cx: web::Cx, id: Path<receipt::ReceiptId>| receipt::pages::pdf(cx, id, paper.clone()),
        )
}

/// The entries of the menu; disputes say how many are open.
fn menu(module: Module) -> Module {
    let open = Count(
        "select count(*) from (select from pay.dispute where tenant_id = $1 and status = 'open' limit 100) open",
    );
    [
        (560, "Payments", "/pay/payments", None),
        (562, "Receipts", "/pay/receipts", None),
        (568, "Accounts", "/pay/accounts", None),
        (570, "Payouts", "/pay/payouts", None),
        (572, "Disputes", "/pay/disputes", Some(open)),
        (574, "Reconciliation", "/pay/reconciliation", None),
        (590, "Rails", "/pay/rails", None),
    ]
    .into_iter()
    .fold(module, |module, (order, label, href, count)| {
        module.menu(MenuItem {
            group: "Pay",
            order,
            label,
            href,
            key: None,
            count,
            daily: false,
            platform: false,
        })
    })
}

/// Accounts, statements, payouts and disputes.
fn book_pages(module: Module) -> Module {
    module
        .page(Method::GET, "/pay/accounts", VIEWER, statement::pages::index)
        .page(Method::GET, "/pay/accounts/{id}", VIEWER, statement::pages::detail)
        .page(Method::GET, "/pay/statement", VIEWER, statement::sheet::show)
        .page(Method::POST, "/pay/credits", Access::Platform, statement::pages::add_credit)
        .page(Method::GET, "/pay/exchanges", VIEWER, exchange::pages::index)
        .page(Method::POST, "/pay/exchanges", ADMIN, exchange::pages::quote)
        .page(Method::GET, "/pay/exchanges/{id}", VIEWER, exchange::pages::detail)
        .page(Method::POST, "/pay/exchanges/{id}/execute", ADMIN, exchange::pages::execute)
        .page(Method::GET, "/pay/exchange-rates", VIEWER, exchange::pages::rates)
        .page(Method::POST, "/pay/exchange-rates", Access::Platform, exchange::pages::add_rates)
        .page(Method::GET, "/pay/payouts", VIEWER, payout::pages::index)
        .page(Method::GET, "/pay/payouts/{id}", VIEWER, payout::pages::detail)
        .page(Method::GET, "/pay/payees", VIEWER, payout::payee_page::index)
        .page(Method::GET, "/pay/payees/{id}", VIEWER, payout::payee_page::show)
        .page(Method::POST, "/pay/payees/{id}/payouts", ADMIN, payout::payee_page::begin)
        .page(Method::POST, "/pay/payees/{id}/account", ADMIN, payout::payee_page::set_account)
        .page(Method::POST, "/pay/payees/{id}/identity", ADMIN, payout::payee_page::set_identity)
        .page(Method::GET, "/pay/disputes", VIEWER, dispute::pages::index)
        .page(Method::GET, "/pay/disputes/{id}", VIEWER, dispute::pages::detail)
}

/// The tenant's accounts at the rails.
fn rail_pages(module: Module, desk: &Desk) -> Module {
    let (shown, saved, tested, priced) = (desk.clone(), desk.clone(), desk.clone(), desk.clone());
    module
        .page(Method::GET, "/pay/rails", VIEWER, account::pages::index)
        .page(
            Method::POST,
            "/pay/rails/{name}/dispute-fee",
            ADMIN,
            move |cx: web::Cx, rail: Path<String>, again: Again, sent: Form<account::pages::Charged>| {
                account::pages::charge(cx, rail, again, sent, priced.clone())
            },
        )
        .page(Method::GET, "/pay/rails/{name}", VIEWER, move |cx: web::Cx, rail: Path<String>| {
            account::pages::detail(cx, rail, shown.clone())
        })
        .page(
            Method::POST,
            "/pay/rails/{name}",
            ADMIN,
            move |cx: web::Cx, rail: Path<String>, again: Again, sent: Form<BTreeMap<String, String>>| {
                account::pages::save(cx, rail, again, sent, saved.clone())
            },
        )
        .page(
            Method::POST,
            "/pay/rails/{name}/test",
            ADMIN,
            move |cx: web::Cx, rail: Path<String>, again: Again| {
                account::pages::test(cx, rail, again, tested.clone())
            },
        )
}
