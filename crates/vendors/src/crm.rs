//! CRMs: HubSpot, Pipedrive and Close. Each speaks its vendor's wire format.

mod amount;
pub mod close;
pub mod hubspot;
mod line;
pub mod pipedrive;
mod reading;

#[cfg(test)]
mod tests;

pub use line::Line;

use ports::crm::{Crm, Crms};
use std::sync::Arc;

/// Every CRM.
pub fn crms(line: &Line) -> Crms {
    let all: [Arc<dyn Crm>; 3] = [
        Arc::new(hubspot::Hubspot::new(line.clone())),
        Arc::new(pipedrive::Pipedrive::new(line.clone())),
        Arc::new(close::Close::new(line.clone())),
    ];
    Crms::of(all)
}
