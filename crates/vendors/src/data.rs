//! Data providers: registers, maps, people. Each speaks its vendor's wire format.

pub mod abn;
pub mod apify;
pub mod apollo;
pub mod clay;
pub mod hunter;
pub mod kaspr;
mod line;
pub mod places;
mod reading;
pub mod website;

#[cfg(test)]
mod tests;

pub use line::Line;

use ports::enrich::Enricher;
use ports::provider::{Provider, Providers};
use std::sync::Arc;

/// Every data provider.
pub fn providers(line: &Line, enricher: Arc<dyn Enricher>) -> Providers {
    let all: [Arc<dyn Provider>; 8] = [
        Arc::new(abn::Abn::new(line.clone())),
        Arc::new(apify::Apify::new(line.clone())),
        Arc::new(apollo::Apollo::new(line.clone())),
        Arc::new(clay::Clay::new(line.clone())),
        Arc::new(hunter::Hunter::new(line.clone())),
        Arc::new(kaspr::Kaspr::new(line.clone())),
        Arc::new(places::Places::new(line.clone())),
        Arc::new(website::FromWebsite::new(enricher)),
    ];
    Providers::of(all)
}
