//! What outbound webhooks are given by the program.

use control::secret::Keyring;
use ports::webhook::Poster;
use std::sync::Arc;

/// Webhooks to customers' own servers.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long the log of deliveries is kept, in days after each ended; so long it can be delivered again. 0
    /// keeps it for good.
    pub keep_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { keep_days: 30 }
    }
}

/// What outbound webhooks need from the program.
#[derive(Clone)]
pub struct Desk {
    /// Opens and seals the endpoints' secrets.
    pub ring: Arc<Keyring>,
    /// Makes the calls.
    pub poster: Arc<dyn Poster>,
    /// What the installation set.
    pub settings: Settings,
}
