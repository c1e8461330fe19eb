//! The hourly look at every tenant's sending health, and the daily one at the records of its domains.

use super::{check, health, store};
use base::{Result, TenantId, Zone};
use db::Scope;
use jobs::{
    Job, Registry, Run,
    schedule::{Misfire, Schedule},
};
use ports::Ports;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Computes the health of all sending identities from what came of their messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecomputeHealth {}

/// A client's own run looks after that client; the installation's looks after everybody who has senders.
async fn whose(run: &Run) -> Result<Vec<uuid::Uuid>> {
    if let Ok(tenant) = run.tenant() {
        return Ok(vec![tenant.uuid()]);
    }
    let mut all = run.db().begin(Scope::System, run.caller()).await?;
    let tenants = store::tenants(&mut all).await?;
    all.rollback().await?;
    Ok(tenants)
}

impl Job for RecomputeHealth {
    const KIND: &'static str = "outreach.resource_health";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        for tenant in whose(run).await? {
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

/// Looks the records of every sending domain up, so that none is used whose mail would be refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LookUp {}

impl Job for LookUp {
    const KIND: &'static str = "outreach.resource_records";
    type State = Arc<Ports>;

    async fn run(self, run: &Run, ports: &Arc<Ports>) -> Result<()> {
        for tenant in whose(run).await? {
            let mut cx = run.db().begin(Scope::Tenant(TenantId(tenant)), run.caller()).await?;
            let resources = store::list(&mut cx).await?;
            cx.rollback().await?;
            for resource in resources.iter().filter(|r| r.domain.is_some() && r.provider != super::SINK) {
                if run.cancel().is_cancelled() {
                    return Ok(());
                }
                // No transaction is open while name servers are asked; one that does not answer is asked tomorrow.
                let found = match check::look_up(ports.dns.as_ref(), resource).await {
                    Ok(found) => found,
                    Err(error) => {
                        tracing::warn!(resource = %resource.id, %error, "records were not looked up");
                        continue;
                    }
                };
                let mut cx = run.db().begin(Scope::Tenant(TenantId(tenant)), run.caller()).await?;
                if let Some(now) = store::find(&mut cx, resource.id.uuid()).await? {
                    let checks = check::Checks { dns: found, ..now.checks };
                    store::set_checks(&mut cx, resource.id.uuid(), &checks).await?;
                    cx.commit().await?;
                }
            }
        }
        Ok(())
    }
}

/// Registers the jobs and their schedules.
pub fn register(registry: &mut Registry, ports: Arc<Ports>) {
    registry.register::<RecomputeHealth>(());
    registry.register::<LookUp>(ports);
    let daily =
        Schedule::new("outreach.resource_records", "41 4 * * *", Zone::utc(), Misfire::Once, &LookUp {});
    registry.schedule(daily.expect("41 minutes past four is a cron expression"));
    registry.on_fact::<LookUp>("outreach.resource.added", |_| Some(LookUp {}));
    let hourly = Schedule::new(
        "outreach.resource_health",
        "7 * * * *",
        Zone::utc(),
        Misfire::Once,
        &RecomputeHealth {},
    );
    registry.schedule(hourly.expect("minute 7 of every hour is a cron expression"));
}
