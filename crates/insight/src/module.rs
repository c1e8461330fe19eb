//! What insight adds to the program.

use crate::{digest, pattern, report, suggestion};
use axum::http::Method;
use base::Role;
use control::notification::mail::Mailer;
use web::api::{get, post};
use web::{Access, MenuItem, Module};

const VIEWER: Access = Access::Role(Role::Viewer);
const MEMBER: Access = Access::Role(Role::Member);
const ADMIN: Access = Access::Role(Role::Admin);

/// What insight needs from the process.
#[derive(Clone)]
pub struct Needs {
    /// How the installation sends its own mails.
    pub mailer: Mailer,
}

/// Pages, API, menu entry and jobs of this domain.
pub fn module(needs: Needs) -> Module {
    let module = Module::new("insight").menu(MenuItem {
        group: "Acquire",
        order: 280,
        label: "Learning",
        href: "/learning",
        key: None,
        count: None,
        daily: false,
        platform: false,
    });
    api(reports(learning(module))).jobs(move |registry| {
        pattern::jobs::register(registry);
        suggestion::jobs::register(registry);
        digest::jobs::register(registry, needs.mailer);
    })
}

fn learning(module: Module) -> Module {
    use pattern::pages;
    module
        .page(Method::GET, "/learning", VIEWER, pages::index)
        .page(Method::POST, "/learning/run", MEMBER, pages::run)
        .page(Method::POST, "/learning/backfill", ADMIN, pages::backfill)
        .page(Method::POST, "/learning/setting", ADMIN, pages::choose)
        .page(Method::GET, "/learning/patterns/{id}", VIEWER, pages::show)
        .page(Method::POST, "/learning/patterns/{id}/roll-back", ADMIN, pages::roll_back)
        .page(Method::POST, "/learning/suggestions/{id}/undo", ADMIN, pages::undo)
}

fn reports(module: Module) -> Module {
    use report::pages;
    module
        .page(Method::GET, "/reports/outcomes", VIEWER, pages::outcomes)
        .page(Method::GET, "/reports/outcomes.csv", VIEWER, pages::outcomes_csv)
        .page(Method::GET, "/reports/outcomes.pdf", VIEWER, pages::outcomes_pdf)
        .page(Method::POST, "/reports/plan", ADMIN, pages::plan)
        .page(Method::GET, "/reports/attribution", VIEWER, pages::attribution)
        .page(Method::GET, "/reports/attribution.csv", VIEWER, pages::attribution_csv)
        .page(Method::GET, "/reports/leads", VIEWER, pages::engagement)
        .page(Method::GET, "/reports/leads.csv", MEMBER, pages::engagement_csv)
        .page(Method::GET, "/reports/digest", VIEWER, digest::pages::show)
        .page(Method::POST, "/reports/digest", VIEWER, digest::pages::choose)
}

fn api(module: Module) -> Module {
    use pattern::api;
    module
        .api(Method::GET, "/api/v1/patterns", VIEWER, get(api::list))
        .api(Method::GET, "/api/v1/patterns/history", VIEWER, get(api::history))
        .api(Method::GET, "/api/v1/patterns/recommendations", VIEWER, get(api::recommendations))
        .api(Method::POST, "/api/v1/patterns/learn", MEMBER, post(api::learn))
        .api(Method::POST, "/api/v1/patterns/backfill", ADMIN, post(api::backfill))
        .api(Method::GET, "/api/v1/patterns/{detector}", VIEWER, get(api::one))
        .api(Method::POST, "/api/v1/patterns/{detector}/roll-back", ADMIN, post(api::roll_back))
        .api(Method::GET, "/api/v1/suggestions", VIEWER, get(api::suggestions))
}
