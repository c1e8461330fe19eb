//! Sales that nobody finishes: each open one has a job, and a sweep finds those that have none.

use super::sell::Counter;
use super::{SaleId, Shop, resolve, store};
use base::{Result, TenantId, Time, Zone};
use db::{Cx, Scope};
use jobs::{
    Job, Options, Registry, Retry, Run,
    schedule::{Misfire, Schedule},
};
use serde::{Deserialize, Serialize};

/// Sales of one sweep at most.
const SWEEP_MAX: i64 = 500;
/// Seconds until a sale that is still open is looked at again by its job.
const AGAIN_S: i64 = 30;

/// Finds out what became of one sale.
#[derive(Serialize, Deserialize)]
pub(crate) struct Resolve {
    sale: SaleId,
}

impl Job for Resolve {
    const KIND: &'static str = "pay.resolve_sale";
    const QUEUE: &'static str = "pay";
    type State = Shop;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600, 3_600])
    }

    async fn run(self, run: &Run, shop: &Shop) -> Result<()> {
        let tenant = run.tenant()?;
        let mut cx = run.begin().await?;
        let sale = super::get(&mut cx, self.sale).await?;
        drop(cx);
        let counter = Counter {
            shop: shop.clone(),
            db: run.db().clone(),
            tenant,
            by: run.caller(),
            resource: sale.resource_id,
        };
        let sale = resolve::resolve(&counter, self.sale).await?;
        if sale.status.is_open() {
            let wait_s = AGAIN_S.saturating_mul(i64::from(sale.checks.clamp(1, 120)));
            run.snooze(run.db().clock().now().plus_s(wait_s));
        }
        Ok(())
    }
}

/// Looks at a sale later, if whoever carries it out does not come to its end. `why` tells looks apart: one
/// that is due soon is not put off because another one is due later.
pub(super) async fn look_later(cx: &mut Cx, sale: SaleId, why: &str, at: Time) -> Result<()> {
    let unique_key = Some(format!("{sale}:{why}"));
    jobs::enqueue_with(cx, &Resolve { sale }, Options { at: Some(at), unique_key, ..Options::default() })
        .await?;
    Ok(())
}

/// Finds open sales whose time to be looked at is over and gives each a job.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sweep {}

impl Job for Sweep {
    const KIND: &'static str = "pay.sweep_sales";
    const QUEUE: &'static str = "pay";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.db().system(Self::KIND).await?;
        let overdue = store::overdue(&mut cx, SWEEP_MAX).await?;
        drop(cx);
        for (tenant, sale) in overdue {
            let mut cx = run.db().begin(Scope::Tenant(TenantId(tenant)), run.caller()).await?;
            let now = cx.now();
            look_later(&mut cx, sale, "overdue", now).await?;
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry, shop: &Shop) {
    registry.register::<Resolve>(shop.clone());
    registry.register::<Sweep>(());
    let sweep = Schedule::new("pay.sweep_sales", "* * * * *", Zone::utc(), Misfire::Once, &Sweep {});
    registry.schedule(sweep.expect("five fields are a cron expression"));
}
