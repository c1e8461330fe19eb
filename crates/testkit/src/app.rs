//! The application as the program merges it, without a socket, and its jobs under the test's clock.

use crate::{Client, Member, TestDb, identity::ByHeader};
use axum::{Router, extract::connect_info::MockConnectInfo};
use base::{ManualClock, Time};
use db::Db;
use jobs::Registry;
use std::{net::SocketAddr, sync::Arc};
use web::{App, Authenticator, Module};

/// Modules merged over a test's database.
pub struct TestApp {
    /// What handlers reach.
    pub app: App,
    /// Every job, schedule and reaction of the modules.
    pub registry: Arc<Registry>,
    router: Router,
    db: Db,
    clock: Arc<ManualClock>,
}

impl TestApp {
    /// Merges modules; callers are who the header says: see [`TestApp::as_member`].
    pub async fn start(db: &TestDb, modules: Vec<Module>) -> Self {
        Self::with(db, Arc::new(ByHeader), web::Settings::default(), modules).await
    }

    /// Merges modules with an authenticator and settings of the test's choice.
    pub async fn with(
        db: &TestDb,
        authenticator: Arc<dyn Authenticator>,
        settings: web::Settings,
        mut modules: Vec<Module>,
    ) -> Self {
        let mut registry = Registry::new();
        for module in &mut modules {
            module.register_jobs(&mut registry);
        }
        registry.sync(&db.db).await.expect("jobs, schedules and reactions can be written");
        let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
        let (app, router) = web::build(db.db.clone(), settings, authenticator, metrics, modules);
        let peer = SocketAddr::from(([127, 0, 0, 1], 9));
        let router = router.layer(MockConnectInfo(peer));
        Self { app, registry: Arc::new(registry), router, db: db.db.clone(), clock: db.clock.clone() }
    }

    /// A browser in which this member is signed in.
    pub fn as_member(&self, member: &Member) -> Client {
        Client::new(self.router.clone())
            .with_header(crate::identity::HEADER, &crate::identity::header_of(member))
    }

    /// A browser in which nobody is signed in.
    pub fn stranger(&self) -> Client {
        Client::new(self.router.clone())
    }

    /// Runs every job that is due now, and what those start; returns how many tries there were.
    pub async fn settle(&self) -> u64 {
        self.run_until(self.db.clock().now()).await
    }

    /// Runs what becomes due until `until`, moving the clock there; returns how many tries there were.
    pub async fn run_until(&self, until: Time) -> u64 {
        jobs::simulate::run_until(&self.db, &self.registry, &self.clock, until, |_| true)
            .await
            .expect("the queue can be worked")
            .ran
    }
}
