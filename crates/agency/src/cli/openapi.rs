//! `agency openapi`: the API's document, from the types of its handlers. Needs no database.

use crate::{roles::House, settings::Settings, term, wire};
use axum::{body::Body, http::Request};
use base::{Error, Random, Result, SystemClock};
use control::{secret::Keyring, switch::Watch};
use db::Db;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::{process::ExitCode, sync::Arc};
use tower::ServiceExt;

pub(super) async fn run(mut settings: Settings) -> Result<ExitCode> {
    settings.database.url = base::Secret::new("postgres://nobody@localhost/nothing");
    // A key that seals nothing: the document must not make files.
    settings.secret.installation_key = base::Secret::new("00".repeat(32));
    let (clock, random) = (Arc::new(SystemClock), Arc::new(Random::system()));
    let ring = Arc::new(Keyring::load(&settings.secret, &settings.state_dir, &random)?);
    let ports = Arc::new(vendors::ports(&settings.outside.vendors(), clock.clone(), random.clone())?);
    let db = Db::unconnected(&settings.database, clock, random)?;
    let house = House { settings, db, ports, ring, switches: Watch::default() };
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let auth = crate::wire::authenticator(&house.db);
    let modules = wire::modules(&house)?;
    let (_, router) = web::build(house.db.clone(), house.settings.web.clone(), auth, metrics, modules);
    let request = Request::get("/api/openapi.json")
        .body(Body::empty())
        .map_err(|cause| Error::internal("A request could not be made.").caused_by(cause))?;
    let response = match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let bytes = axum::body::to_bytes(response.into_body(), 64 * 1024 * 1024)
        .await
        .map_err(|cause| Error::internal("The document could not be read.").caused_by(cause))?;
    let document: serde_json::Value = serde_json::from_slice(&bytes)?;
    term::line(serde_json::to_string_pretty(&document)?);
    Ok(ExitCode::SUCCESS)
}
