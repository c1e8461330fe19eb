//! What a domain adds to the program: routes, pages, API, menu entries, jobs, health checks.
//! The binary merges the list; nothing registers itself.

use crate::{Access, App, Check, MenuItem, Spend, chrome::SpendSource, guard::guard};
use aide::axum::{ApiRouter, routing::ApiMethodRouter};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::Method,
    middleware::from_fn_with_state,
    routing::{MethodFilter, on},
};
use futures::future::BoxFuture;
use std::sync::Arc;

/// What kind of answer a route gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RouteKind {
    /// HTML for people.
    Page,
    /// JSON for programs.
    Api,
    /// Called by providers and mail clients.
    Hook,
}

/// A route as registered; the tests walk all of them.
#[derive(Clone, Debug)]
pub struct RouteInfo {
    /// The module that serves it.
    pub module: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with its parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it answers with.
    pub kind: RouteKind,
}

type Mount = Box<dyn FnOnce(Router<App>, &App) -> Router<App> + Send>;
type JobsMount = Box<dyn FnOnce(&mut jobs::Registry) + Send>;
type ApiMount = Box<dyn FnOnce(ApiRouter<App>, &App) -> ApiRouter<App> + Send>;

/// One domain's contribution.
pub struct Module {
    pub(crate) name: &'static str,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) api_mounts: Vec<ApiMount>,
    pub(crate) routes: Vec<RouteInfo>,
    pub(crate) menu: Vec<MenuItem>,
    pub(crate) spend: Option<SpendSource>,
    pub(crate) checks: Vec<Check>,
    pub(crate) jobs: Vec<JobsMount>,
}

/// Bodies larger than this are refused unless the route says otherwise.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

impl Module {
    /// An empty contribution.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            mounts: Vec::new(),
            api_mounts: Vec::new(),
            routes: Vec::new(),
            menu: Vec::new(),
            spend: None,
            checks: Vec::new(),
            jobs: Vec::new(),
        }
    }

    /// A page (GET) or a form's target (POST).
    #[must_use]
    pub fn page<H, T>(self, method: Method, path: &'static str, access: Access, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.mount(RouteKind::Page, method, path, access, BODY_BYTES_MAX, handler)
    }

    /// A form's target that takes larger bodies (file uploads), at most `limit` bytes.
    #[must_use]
    pub fn upload<H, T>(self, path: &'static str, access: Access, limit: usize, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.mount(RouteKind::Page, Method::POST, path, access, limit, handler)
    }

    /// A route for providers and mail clients, open to anyone: it must verify what it gets.
    #[must_use]
    pub fn hook<H, T>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.mount(RouteKind::Hook, method, path, Access::Open, BODY_BYTES_MAX, handler)
    }

    fn mount<H, T>(
        mut self,
        kind: RouteKind,
        method: Method,
        path: &'static str,
        access: Access,
        limit: usize,
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.routes.push(RouteInfo { module: self.name, method: method.clone(), path, access, kind });
        self.mounts.push(Box::new(move |router, app| {
            let filter = MethodFilter::try_from(method).unwrap_or(MethodFilter::GET);
            let guarded = on(filter, handler)
                .layer(DefaultBodyLimit::max(limit))
                .route_layer(from_fn_with_state((app.clone(), access), guard));
            router.route(path, guarded)
        }));
        self
    }

    /// A route of the public JSON API, described in OpenAPI by its handler's types. `method` must
    /// be the one that `routing` serves.
    #[must_use]
    pub fn api(
        mut self,
        method: Method,
        path: &'static str,
        access: Access,
        routing: ApiMethodRouter<App>,
    ) -> Self {
        self.routes.push(RouteInfo { module: self.name, method, path, access, kind: RouteKind::Api });
        self.api_mounts.push(Box::new(move |router, app| {
            let guarded = routing
                .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
                .route_layer(from_fn_with_state((app.clone(), access), guard));
            router.api_route(path, guarded)
        }));
        self
    }

    /// An entry of the menu.
    #[must_use]
    pub fn menu(mut self, item: MenuItem) -> Self {
        self.menu.push(item);
        self
    }

    /// Where the header reads today's spend; one module provides it.
    #[must_use]
    pub fn spend<F>(mut self, source: F) -> Self
    where
        F: for<'a> Fn(&'a mut db::Cx) -> BoxFuture<'a, base::Result<Spend>> + Send + Sync + 'static,
    {
        self.spend = Some(Arc::new(source));
        self
    }

    /// A check of `/health/ready`.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Job kinds, schedules and reactions.
    #[must_use]
    pub fn jobs(mut self, register: impl FnOnce(&mut jobs::Registry) + Send + 'static) -> Self {
        self.jobs.push(Box::new(register));
        self
    }

    /// Moves the job registrations of this module into a registry (the worker's side).
    pub fn register_jobs(&mut self, registry: &mut jobs::Registry) {
        for register in self.jobs.drain(..) {
            register(registry);
        }
    }

    /// The routes of this module.
    pub fn routes(&self) -> &[RouteInfo] {
        &self.routes
    }
}
