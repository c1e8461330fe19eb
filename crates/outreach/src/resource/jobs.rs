//! The hourly look at every tenant's sending health.

use super::{health, store};
use base::{Result, TenantId, Zone};
use db::Scope;
use jobs::{
    Job, Registry, Run,
    schedule::{Misfire, Schedule},
};
use serde::{Deserialize, Serialize};

/// Computes the health of all sending identities from what came of their messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecomputeHealth {}

impl Job for RecomputeHealth {
    const KIND: &'static str = "outreach.resource_health";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut all = run.db().begin(Scope::System, run.caller()).await?;
        let tenants = store::tenants(&mut all).await?;
        all.rollback().await?;
        for tenant in tenants {
            if run.cancel().is_cancelled() {
                return Ok(());
            }
            let mut cx = run.db().begin(Scope::Tenant(TenantId(tenant)), run.caller()).await?;
            health::recompute(&mut cx).await?;
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Registers the job and its schedule.
pub fn register(registry: &mut Registry) {
    registry.register::<RecomputeHealth>(());
    let hourly = Schedule::new(
        "outreach.resource_health",
        "7 * * * *",
        Zone::utc(),
        Misfire::Once,
        &RecomputeHealth {},
    );
    registry.schedule(hourly.expect("minute 7 of every hour is a cron expression"));
}
