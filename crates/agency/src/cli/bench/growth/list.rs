//! The list of leads of a tenant with a million of them, as a hundred people see it at once.

use super::super::pages;
use super::super::scratch::Scratch;
use base::Result;
use serde::Serialize;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    /// Leads of the tenant.
    pub leads: i64,
    /// People at once.
    pub users: usize,
    /// The 95th percentile of a load, from when it was wanted, in milliseconds.
    pub p95_ms: f64,
    /// Loads a second without any pause.
    pub relentless_per_s: f64,
    /// Loads that were no page.
    pub errors: usize,
}

/// Looks at the list for so many seconds.
pub(super) async fn run(scratch: &Scratch, leads: i64, users: usize, seconds: u64) -> Result<Figures> {
    let (p95_ms, relentless_per_s, errors) = pages::list_of_leads(scratch, leads, users, seconds).await?;
    Ok(Figures { leads, users, p95_ms, relentless_per_s, errors })
}
