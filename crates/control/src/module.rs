//! What this domain adds to the program.

use crate::{
    approval::{self, Renderers},
    audit, budget, figure, notification,
    outside::{CampaignNames, Countries},
    secret::Keyring,
    switch::{self, EffectSource},
};
use axum::{
    extract::{Form, Path, Query},
    http::Method,
};
use base::{Result, Role, Zone};
use jobs::schedule::{Misfire, Schedule};
use std::{path::PathBuf, sync::Arc};
use web::{
    Access, MenuItem, Module,
    api::{get, post},
};

/// What the binary gives to this domain.
pub struct Parts {
    /// Tells about the outside effects of the other domains.
    pub effects: Arc<dyn EffectSource>,
    /// How the content of approvals is shown, by kind.
    pub renderers: Renderers,
    /// What campaigns are called.
    pub campaigns: CampaignNames,
    /// What countries are called.
    pub countries: Countries,
    /// The installation's keys.
    pub keyring: Arc<Keyring>,
    /// Where the sealer keeps its files.
    pub state_dir: PathBuf,
}

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);

/// Routes, menu, spend, jobs and schedules of control.
pub fn module(parts: Parts) -> Module {
    let parts = Arc::new(parts);
    let spent = Arc::new(budget::SpentToday::default());
    let module = Module::new("control").spend(move |cx| Box::pin(budget::header(cx, spent.clone())));
    let module = switches(module, &parts);
    let module = approvals(module, &parts);
    let module = costs(module);
    let module = records(module, &parts);
    menu(module).jobs(|registry| {
        registry.register::<approval::jobs::Expire>(());
        registry.register::<budget::jobs::Reconcile>(());
        for schedule in schedules() {
            match schedule {
                Ok(schedule) => {
                    registry.schedule(schedule);
                }
                Err(error) => tracing::error!(%error, "a schedule of control cannot be read"),
            }
        }
    })
}

/// Lapsed approvals cannot be approved either way, and forgotten reservations are at least 15 minutes
/// old: ten minutes are soon enough for both, and cheap under a fast virtual clock.
fn schedules() -> [Result<Schedule>; 2] {
    [
        Schedule::new(
            "control.approval_expire",
            "*/10 * * * *",
            Zone::utc(),
            Misfire::Once,
            &approval::jobs::Expire {},
        ),
        Schedule::new(
            "control.spend_reconcile",
            "*/10 * * * *",
            Zone::utc(),
            Misfire::Once,
            &budget::jobs::Reconcile {},
        ),
    ]
}

fn switches(module: Module, parts: &Arc<Parts>) -> Module {
    let (one, two, three) = (parts.clone(), parts.clone(), parts.clone());
    let campaigns = parts.campaigns;
    module
        .page(Method::GET, "/stop", MEMBER, move |cx: web::Cx, asked: Query<switch::pages::Asked>| {
            switch::pages::stop(cx, asked, one.effects.clone())
        })
        .page(Method::POST, "/stop", MEMBER, move |cx: web::Cx, form: Form<switch::pages::Asked>| {
            switch::pages::engage(cx, form, campaigns)
        })
        .page(Method::GET, "/switches", VIEWER, move |cx: web::Cx| switch::pages::list(cx, campaigns))
        .page(Method::GET, "/switches/{id}", VIEWER, move |cx: web::Cx, id: Path<switch::SwitchId>| {
            switch::pages::detail(cx, id, two.effects.clone(), campaigns)
        })
        .page(
            Method::POST,
            "/switches/{id}/release",
            ADMIN,
            move |cx: web::Cx, id: Path<switch::SwitchId>, form: Form<switch::pages::Why>| {
                switch::pages::release(cx, id, form, campaigns)
            },
        )
        .api(Method::GET, "/api/v1/switches", VIEWER, get(switch::api::list))
        .api(Method::POST, "/api/v1/switches", MEMBER, post(switch::api::engage))
        .api(
            Method::GET,
            "/api/v1/switches/{id}",
            VIEWER,
            get(move |cx: web::Cx, id: Path<switch::SwitchId>| {
                switch::api::get(cx, id, three.effects.clone())
            }),
        )
        .api(Method::POST, "/api/v1/switches/{id}/release", ADMIN, post(switch::api::release))
}

fn approvals(module: Module, parts: &Arc<Parts>) -> Module {
    let (one, two) = (parts.clone(), parts.clone());
    module
        .page(Method::GET, "/approvals", VIEWER, move |cx: web::Cx, asked: Query<approval::pages::Asked>| {
            approval::pages::queue(cx, asked, two.clone())
        })
        .page(Method::POST, "/approvals/bulk", MEMBER, approval::pages::bulk)
        .page(Method::GET, "/approvals/{id}", VIEWER, move |cx: web::Cx, id: Path<approval::ApprovalId>| {
            approval::pages::detail(cx, id, one.clone())
        })
        .page(Method::GET, "/approvals/{id}/reject", MEMBER, approval::pages::reject_form)
        .page(Method::POST, "/approvals/{id}/approve", MEMBER, approval::pages::approve)
        .page(Method::POST, "/approvals/{id}/reject", MEMBER, approval::pages::reject)
        .page(Method::POST, "/approvals/{id}/edit", MEMBER, approval::pages::edit)
        .page(Method::POST, "/approvals/{id}/defer", MEMBER, approval::pages::defer)
        .api(Method::GET, "/api/v1/approvals", VIEWER, get(approval::api::list))
        .api(Method::POST, "/api/v1/approvals/bulk", MEMBER, post(approval::api::bulk))
        .api(Method::GET, "/api/v1/approvals/{id}", VIEWER, get(approval::api::get))
        .api(Method::POST, "/api/v1/approvals/{id}/approve", MEMBER, post(approval::api::approve))
        .api(Method::POST, "/api/v1/approvals/{id}/reject", MEMBER, post(approval::api::reject))
        .api(Method::POST, "/api/v1/approvals/{id}/edit", MEMBER, post(approval::api::edit))
        .api(Method::POST, "/api/v1/approvals/{id}/defer", MEMBER, post(approval::api::defer))
}

fn costs(module: Module) -> Module {
    module
        .page(Method::GET, "/costs", VIEWER, budget::pages::costs)
        .page(Method::GET, "/costs/spend", VIEWER, budget::pages::spend)
        .page(Method::GET, "/costs/spend.csv", VIEWER, budget::pages::spend_csv)
        .page(Method::POST, "/costs/budgets", ADMIN, budget::pages::set)
        .page(Method::POST, "/costs/budgets/{id}/end", ADMIN, budget::pages::end)
        .api(Method::GET, "/api/v1/budgets", VIEWER, get(budget::api::budgets))
        .api(Method::POST, "/api/v1/budgets", ADMIN, post(budget::api::set))
        .api(Method::GET, "/api/v1/spend", VIEWER, get(budget::api::spend))
        .api(Method::GET, "/api/v1/spend/summary", VIEWER, get(budget::api::summary))
}

fn records(module: Module, parts: &Arc<Parts>) -> Module {
    let one = parts.clone();
    let countries = parts.countries;
    module
        .page(Method::GET, "/audit", ADMIN, audit::pages::trail)
        .page(Method::GET, "/audit.csv", ADMIN, audit::pages::csv)
        .page(Method::GET, "/audit.jsonl", ADMIN, audit::pages::jsonl)
        .page(Method::POST, "/audit/verify", ADMIN, move |cx: web::Cx| audit::pages::verify(cx, one.clone()))
        .page(Method::GET, "/notifications", VIEWER, notification::pages::list)
        .page(Method::POST, "/notifications/read", VIEWER, notification::pages::read_all)
        .page(Method::POST, "/notifications/{id}/read", VIEWER, notification::pages::read)
        .page(Method::GET, "/settings/notifications", VIEWER, notification::pages::choices)
        .page(Method::POST, "/settings/notifications", VIEWER, notification::pages::choose)
        .page(
            Method::GET,
            "/settings/limits",
            VIEWER,
            move |cx: web::Cx, asked: Query<figure::pages::Asked>| figure::pages::list(cx, asked, countries),
        )
        .page(
            Method::POST,
            "/settings/limits",
            ADMIN,
            move |cx: web::Cx, form: Form<figure::pages::Typed>| figure::pages::set(cx, form, countries),
        )
        .page(
            Method::GET,
            "/settings/limits/holidays",
            VIEWER,
            move |cx: web::Cx, asked: Query<figure::holiday_pages::Asked>| {
                figure::holiday_pages::list(cx, asked, countries)
            },
        )
        .page(
            Method::POST,
            "/settings/limits/holidays",
            ADMIN,
            move |cx: web::Cx, form: Form<figure::holiday_pages::Typed>| {
                figure::holiday_pages::add(cx, form, countries)
            },
        )
        .page(Method::POST, "/settings/limits/holidays/remove", ADMIN, figure::holiday_pages::remove)
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
        .menu(MenuItem {
            count: Some(notification::UNREAD),
            ..item("", 50, "Notifications", "/notifications", Some('n'), false)
        })
        .menu(item("Money", 500, "Costs", "/costs", Some('k'), false))
        .menu(MenuItem {
            count: Some(approval::WAITING),
            ..item("", 40, "Approvals", "/approvals", Some('a'), true)
        })
        .menu(item("Control", 610, "Switches", "/switches", Some('x'), false))
        .menu(item("Control", 690, "Audit", "/audit", None, false))
}
