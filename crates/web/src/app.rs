//! What every handler can reach: the database, who authenticates, the live hub, the routes and menu.

use crate::{Authenticator, Check, Live, MenuItem, RouteInfo, chrome::SpendSource};
use base::Secret;
use db::Db;
use serde::Deserialize;
use std::sync::Arc;

/// Where and how the server listens.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port to listen on.
    pub listen: String,
    /// The address that people and providers use to reach this installation, without a final slash.
    /// Links in mails are made from it. Empty: `http://` and the listening address.
    pub public_url: String,
    /// Marks cookies as `Secure`. Turn on wherever the public URL is https.
    pub secure_cookies: bool,
    /// Bearer token for `/metrics`. Empty: served to loopback callers only.
    pub metrics_token: Secret,
    /// A banner on every page, such as that nothing leaves the machine. Empty: none.
    pub banner: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            public_url: String::new(),
            secure_cookies: false,
            metrics_token: Secret::default(),
            banner: String::new(),
        }
    }
}

impl Settings {
    /// The public address without a final slash.
    pub fn origin(&self) -> String {
        if self.public_url.is_empty() {
            format!("http://{}", self.listen)
        } else {
            self.public_url.trim_end_matches('/').to_owned()
        }
    }
}

/// Shared by all handlers. Cheap to clone.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub db: Db,
    pub settings: Settings,
    pub authenticator: Arc<dyn Authenticator>,
    pub live: Live,
    pub menu: Vec<MenuItem>,
    pub counts: Arc<str>,
    pub spend: Option<SpendSource>,
    pub routes: Vec<RouteInfo>,
    pub checks: Vec<Check>,
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
}

impl App {
    /// The database.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The settings of the server.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The hub of live events.
    pub fn live(&self) -> &Live {
        &self.0.live
    }

    /// Every route that is served, for the tests that walk them all.
    pub fn routes(&self) -> &[RouteInfo] {
        &self.0.routes
    }

    /// The menu entries of all modules.
    pub fn menu(&self) -> &[MenuItem] {
        &self.0.menu
    }
}
