//! What leads adds to the program, and what higher domains add to its pages.

use crate::lead::{LeadId, api, pages};
use crate::{enrich, lead, score, suppression};
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::Method;
use base::{Result, Role};
use db::Cx;
use futures::future::BoxFuture;
use maud::Markup;
use ports::Ports;
use std::sync::Arc;
use uuid::Uuid;
use web::api::{delete, get, patch, post};
use web::{Access, MenuItem, Module};

/// An act on selected leads that a higher domain carries out. Its form is posted on to `href` as it is
/// (307): read it there with [`crate::lead::Selection::from_form`].
#[derive(Clone, Copy, Debug)]
pub struct BulkAct {
    /// What the button says.
    pub label: &'static str,
    /// Who takes the selection.
    pub href: &'static str,
}

/// What a higher domain shows on the page of a lead: its timeline, its campaigns.
pub type Detail = for<'a> fn(&'a mut Cx, LeadId) -> BoxFuture<'a, Result<Markup>>;

/// The campaigns that an import can feed, by id and name.
pub type Campaigns = for<'a> fn(&'a mut Cx) -> BoxFuture<'a, Result<Vec<(Uuid, String)>>>;

/// What higher domains add to the pages of leads, without leads knowing them.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Acts on selected leads.
    pub bulk: Vec<BulkAct>,
    /// Shown on the page of a lead.
    pub detail: Option<Detail>,
    /// The campaigns that an import can feed.
    pub campaigns: Option<Campaigns>,
}

/// What leads needs from the process.
#[derive(Clone)]
pub struct Needs {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// What higher domains add.
    pub extras: Extras,
}

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entries and jobs of this domain.
pub fn module(needs: Needs) -> Module {
    let Needs { ports, extras } = needs;
    let module = menu(Module::new("leads"));
    let module = lead_pages(module, &extras);
    json_api(settings(module)).jobs(move |registry| {
        lead::jobs::register(registry);
        score::jobs::register(registry);
        enrich::register(registry, ports);
    })
}

fn menu(module: Module) -> Module {
    let leads = MenuItem {
        group: "Acquire",
        order: 220,
        label: "Leads",
        href: "/leads",
        key: Some('l'),
        count: None,
        daily: true,
        platform: false,
    };
    let suppression = MenuItem {
        group: "Control",
        order: 640,
        label: "Suppression",
        href: "/compliance/suppression",
        key: None,
        count: None,
        daily: false,
        platform: false,
    };
    module.menu(leads).menu(suppression)
}

fn lead_pages(module: Module, extras: &Extras) -> Module {
    let (for_list, for_bulk, detail) = (extras.clone(), extras.clone(), extras.detail);
    module
        .page(Method::GET, "/leads", VIEWER, move |cx: web::Cx, asked: Query<lead::Asked>| {
            pages::list::index(cx, asked, for_list.clone())
        })
        .page(Method::POST, "/leads", MEMBER, pages::form::create)
        .page(Method::GET, "/leads/new", MEMBER, pages::form::new)
        .page(Method::GET, "/leads/export.csv", MEMBER, lead::download)
        .page(Method::GET, "/leads/export.jsonl", MEMBER, lead::download_lines)
        .page(Method::POST, "/leads/bulk", MEMBER, move |cx: web::Cx, form: Form<Vec<(String, String)>>| {
            pages::bulk::act(cx, form, for_bulk.clone())
        })
        .page(Method::POST, "/leads/views", MEMBER, pages::list::save_view)
        .page(Method::POST, "/leads/views/{id}/remove", MEMBER, pages::list::drop_view)
        .page(Method::GET, "/leads/{id}", VIEWER, move |cx: web::Cx, id: Path<Uuid>| {
            pages::detail::show(cx, id, detail)
        })
        .page(Method::GET, "/leads/{id}/edit", MEMBER, pages::form::edit)
        .page(Method::POST, "/leads/{id}/edit", MEMBER, pages::form::save)
        .page(Method::POST, "/leads/{id}/delete", MEMBER, pages::detail::remove)
        .page(Method::POST, "/leads/{id}/suppress", MEMBER, pages::detail::suppress)
        .page(Method::POST, "/leads/{id}/consent", MEMBER, pages::detail::consent)
        .page(Method::POST, "/leads/{id}/mode", MEMBER, pages::detail::mode)
        .page(Method::POST, "/leads/{id}/facts", MEMBER, pages::detail::tell)
        .page(Method::POST, "/leads/{id}/rescore", MEMBER, pages::detail::rescore)
        .page(Method::POST, "/leads/{id}/enrich", MEMBER, pages::detail::enrich)
}

fn settings(module: Module) -> Module {
    use suppression::pages as list;
    module
        .page(Method::GET, "/settings/icp", VIEWER, score::pages::show)
        .page(Method::POST, "/settings/icp", ADMIN, score::pages::save)
        .page(Method::GET, "/settings/scoring", VIEWER, score::weights_pages::show)
        .page(Method::POST, "/settings/scoring", ADMIN, score::weights_pages::save)
        .page(Method::POST, "/settings/scoring/{id}/adopt", ADMIN, score::weights_pages::adopt)
        .page(Method::POST, "/settings/scoring/{id}/restore", ADMIN, score::weights_pages::restore)
        .page(Method::POST, "/settings/scoring/learned/off", ADMIN, score::weights_pages::learned_off)
        .page(Method::POST, "/settings/scoring/rescore", ADMIN, score::weights_pages::again)
        .page(Method::GET, "/compliance/suppression", VIEWER, list::index)
        .page(Method::POST, "/compliance/suppression", MEMBER, list::add)
        .page(Method::POST, "/compliance/suppression/paste", MEMBER, list::paste)
        .page(Method::POST, "/compliance/suppression/{id}/release", ADMIN, list::release)
}

fn json_api(module: Module) -> Module {
    use suppression::api as list;
    module
        .api(Method::GET, "/api/v1/leads", VIEWER, get(api::list))
        .api(Method::POST, "/api/v1/leads", MEMBER, post(api::create))
        .api(Method::POST, "/api/v1/leads/bulk", MEMBER, post(api::bulk))
        .api(Method::GET, "/api/v1/leads/{id}", VIEWER, get(api::get))
        .api(Method::PATCH, "/api/v1/leads/{id}", MEMBER, patch(api::patch))
        .api(Method::DELETE, "/api/v1/leads/{id}", MEMBER, delete(api::delete))
        .api(Method::GET, "/api/v1/suppression", VIEWER, get(list::list))
        .api(Method::POST, "/api/v1/suppression", MEMBER, post(list::add))
        .api(Method::DELETE, "/api/v1/suppression/{id}", ADMIN, delete(list::release))
}
