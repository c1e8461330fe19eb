//! Each hour every chain that grew gets a checkpoint; each night every chain is checked again.

use super::{checkpoint, verify};
use crate::signing::Ring;
use base::{Result, TenantId, Zone};
use control::notification::{self, Notification, Severity};
use db::Scope;
use jobs::{
    Job, Registry, Run,
    schedule::{Misfire, Schedule},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Signs the chains that grew.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sign {}

impl Job for Sign {
    const KIND: &'static str = "pay.checkpoint";
    type State = Arc<Ring>;

    async fn run(self, run: &Run, ring: &Arc<Ring>) -> Result<()> {
        let keys = ring.keys().await?;
        for tenant in grown(run).await? {
            let mut cx = run.db().begin(Scope::Tenant(tenant), run.caller()).await?;
            checkpoint::make(&mut cx, &keys).await?;
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Tenants whose chain is longer than its latest checkpoint says.
async fn grown(run: &Run) -> Result<Vec<TenantId>> {
    let mut cx = run.db().system(Sign::KIND).await?;
    let rows = sqlx::query_scalar!(
        "select h.tenant_id from pay.receipt_head h
         where h.sequence > coalesce((select max(c.sequence) from pay.checkpoint c where c.tenant_id = h.tenant_id), 0)"
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}

/// Checks every chain.
#[derive(Serialize, Deserialize)]
pub(crate) struct Verify {}

impl Job for Verify {
    const KIND: &'static str = "pay.verify_receipts";
    const TIMEOUT_S: u64 = 3_600;
    type State = Arc<Ring>;

    async fn run(self, run: &Run, ring: &Arc<Ring>) -> Result<()> {
        let keys = ring.keys().await?.jwks();
        for tenant in verify::tenants(run.db()).await? {
            let mut cx = run.db().begin(Scope::Tenant(tenant), run.caller()).await?;
            let verdict = verify::chain(&mut cx, &keys).await?;
            if let Some(bad) = verdict.first_bad {
                tracing::error!(%tenant, sequence = bad.sequence, why = bad.why, "a chain of receipts is not sound");
                let told = Notification {
                    person: None,
                    kind: notification::Kind::Failure,
                    severity: Severity::Critical,
                    title: "The chain of receipts is not sound".to_owned(),
                    body: format!("Receipt {}: {}", bad.sequence, bad.why),
                    href: Some("/pay/receipts".to_owned()),
                    dedupe_key: "pay.receipts".to_owned(),
                };
                notification::notify(&mut cx, &told).await?;
            }
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry, ring: &Arc<Ring>) {
    registry.register::<Sign>(ring.clone());
    registry.register::<Verify>(ring.clone());
    let hourly = Schedule::new("pay.checkpoint", "7 * * * *", Zone::utc(), Misfire::Once, &Sign {});
    let nightly = Schedule::new("pay.verify_receipts", "30 2 * * *", Zone::utc(), Misfire::Once, &Verify {});
    for schedule in [hourly, nightly] {
        registry.schedule(schedule.expect("five fields are a cron expression"));
    }
}
