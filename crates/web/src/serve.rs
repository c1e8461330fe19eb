//! Merges the modules into one server and runs it until told to stop.

use crate::{
    App, Authenticator, Live, Module, Problem, Settings,
    app::Inner,
    chrome,
    error::{RequestTag, render},
    health, live,
};
use aide::{axum::ApiRouter, openapi::OpenApi};
use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use base::{Error, RequestId, Result, Role};
use db::Db;
use metrics_exporter_prometheus::PrometheusHandle;
use std::{net::SocketAddr, sync::Arc, time::Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{CompressionLevel, catch_panic::CatchPanicLayer, compression::CompressionLayer};

/// Merges modules into an application and its router.
pub fn build(
    db: Db,
    settings: Settings,
    authenticator: Arc<dyn Authenticator>,
    metrics: PrometheusHandle,
    modules: Vec<Module>,
) -> (App, Router) {
    let mut core = Module::new("web").page(
        axum::http::Method::GET,
        "/live",
        crate::Access::Role(Role::Viewer),
        live::stream_facts,
    );
    core = core.hook(axum::http::Method::GET, "/health", health::ready);
    core = core.hook(axum::http::Method::GET, "/health/live", health::live);
    core = core.hook(axum::http::Method::GET, "/health/ready", health::ready);
    core = core.hook(axum::http::Method::GET, "/metrics", health::metrics);
    core = core.hook(axum::http::Method::GET, "/api/openapi.json", openapi_document);

    let (mut menu, mut routes, mut checks, mut spend) = (Vec::new(), Vec::new(), Vec::new(), None);
    let (mut mounts, mut api_mounts) = (Vec::new(), Vec::new());
    for module in std::iter::once(core).chain(modules) {
        menu.extend(module.menu);
        routes.extend(module.routes);
        checks.extend(module.checks);
        spend = spend.or(module.spend);
        mounts.extend(module.mounts);
        api_mounts.extend(module.api_mounts);
    }
    menu.sort_by_key(|item| item.order);
    let app = App(Arc::new(Inner {
        counts: chrome::statement(&menu),
        db,
        settings,
        authenticator,
        live: Live::new(),
        menu,
        spend,
        routes,
        checks,
        metrics,
    }));

    let mut api = ApiRouter::<App>::new();
    for mount in api_mounts {
        api = mount(api, &app);
    }
    let mut document = OpenApi::default();
    document.info.title = "Agency OS".to_owned();
    document.info.version = "1".to_owned();
    let mut router = api.finish_api(&mut document);
    for mount in mounts {
        router = mount(router, &app);
    }
    for asset in ui::assets() {
        router = router.route(asset.path, get(move || serve_asset(asset)));
    }
    let document = serde_json::to_value(&document).unwrap_or_default();
    let router = router
        .layer(Extension(Document(Arc::new(document))))
        .layer(from_fn(render))
        .layer(CatchPanicLayer::custom(|_| {
            Problem(Error::internal("The request ended in a defect of ours.")).into_response()
        }))
        .layer(from_fn(render))
        .layer(from_fn_with_state(app.clone(), observe))
        // Pages are made for one reader and sent once: the fastest level costs a third of the usual one's time
        // for a tenth more bytes.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .with_state(app.clone());
    (app, router)
}

#[derive(Clone)]
struct Document(Arc<serde_json::Value>);

async fn openapi_document(Extension(document): Extension<Document>) -> Json<serde_json::Value> {
    Json((*document.0).clone())
}

async fn serve_asset(asset: &'static ui::Asset) -> Response {
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, asset.mime), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")],
        asset.bytes,
    )
        .into_response()
}

/// Tags each request, measures it, logs it, and sets the headers that keep browsers safe.
async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id: RequestId = app.db().random().id(app.db().clock().as_ref());
    request.extensions_mut().insert(RequestTag(id));
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |m| m.as_str().to_owned());
    let started = Instant::now();
    let mut response = next.run(request).await;
    let seconds = started.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    metrics::counter!("http_requests_total", "method" => method.to_string(), "route" => route.clone(), "status" => status.to_string()).increment(1);
    metrics::histogram!("http_request_seconds", "route" => route.clone()).record(seconds);
    tracing::debug!(request = %id, %method, %route, status, ms = seconds * 1_000.0, "served");
    secure(&mut response, id);
    response
}

fn secure(response: &mut Response, id: RequestId) {
    const POLICY: &str = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";
    let headers = response.headers_mut();
    let fixed = [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert("x-request-id", value);
    }
}

/// Serves until shutdown, then lets running requests finish.
pub async fn serve(
    app: App,
    router: Router,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<()> {
    let feed = tokio::spawn(app.live().clone().feed(app.db().clone(), shutdown.clone()));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let stop = shutdown.clone();
    let served =
        axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await }).await;
    shutdown.cancel();
    if let Err(error) = feed.await {
        tracing::error!(%error, "the live feed ended badly");
    }
    served.map_err(|cause| Error::internal("The HTTP server stopped.").caused_by(cause))
}
