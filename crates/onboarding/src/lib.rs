//! Onboarding: from a client's website to whom it wants. The site is read, eight skills say what stands
//! there (each value with its page and its words, or nothing), a person edits and confirms, and only then
//! it becomes the client's ideal customer, its portfolio, and drafts of campaigns.
//!
//! Invariants: no value without words that stand on a page, unless a person wrote it; the machine's value
//! stays beside what a person made of it; nothing that is suggested holds before it is accepted, and
//! nothing that is made of it is active.

pub mod analysis;
pub mod portfolio;

use axum::http::Method;
use base::Role;
use outreach::content::LlmSettings;
use ports::Ports;
use std::sync::Arc;
use web::{Access, MenuItem, Module};

/// What onboarding needs from the process.
#[derive(Clone)]
pub struct Needs {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// The model that reads the site as well; none: the rules alone.
    pub llm: Option<LlmSettings>,
}

const VIEWER: Access = Access::Role(Role::Viewer);
const ADMIN: Access = Access::Role(Role::Admin);

/// Pages, API, menu entry and job.
pub fn module(needs: Needs) -> Module {
    use analysis::{api, pages};
    use web::api::{get, post};
    Module::new("onboarding")
        .menu(MenuItem {
            group: "Control",
            order: 970,
            label: "Onboarding",
            href: "/onboarding",
            key: None,
            count: None,
            daily: false,
            platform: false,
        })
        .page(Method::GET, "/onboarding", VIEWER, pages::index)
        .page(Method::POST, "/onboarding", ADMIN, pages::analyse)
        .page(Method::GET, "/onboarding/{id}", VIEWER, pages::show)
        .page(Method::POST, "/onboarding/{id}", ADMIN, pages::save)
        .page(Method::POST, "/onboarding/portfolio", ADMIN, portfolio::add_post)
        .page(Method::POST, "/onboarding/portfolio/{id}/remove", ADMIN, portfolio::remove_post)
        .api(Method::POST, "/api/v1/onboarding/analyze", ADMIN, post(api::analyse))
        .api(Method::GET, "/api/v1/onboarding/analyses/{id}", VIEWER, get(api::read))
        .api(Method::POST, "/api/v1/onboarding/analyses/{id}/confirm", ADMIN, post(api::confirm))
        .jobs(move |registry| analysis::jobs::register(registry, needs))
}
