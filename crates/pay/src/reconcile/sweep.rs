//! What nobody finishes: each open payment, refund and payout has a job of its own, and this finds those
//! whose job is gone, because it gave up, or because somebody cancelled it.

use crate::payment::PaymentId;
use crate::payout::PayoutId;
use crate::refund::RefundId;
use crate::{payment, payout, refund};
use base::{Result, TenantId, Time};
use db::{Cx, Scope};
use jobs::{Job, Run};
use serde::{Deserialize, Serialize};

/// Rows of one noun and tenant in one transaction.
const BATCH: i64 = 500;
/// Seconds until a row that was given a job is looked at again.
const AGAIN_S: i64 = 900;

/// Gives everything that is open beyond its time a job, and overdue reservations back to whose they are.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sweep {}

impl Job for Sweep {
    const KIND: &'static str = "pay.sweep";
    const QUEUE: &'static str = "pay";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.db().system(Self::KIND).await?;
        let tenants = tenants(&mut cx).await?;
        drop(cx);
        for tenant in tenants {
            loop {
                let mut cx = run.db().begin(Scope::Tenant(tenant), run.caller()).await?;
                let found = sweep(&mut cx).await?;
                cx.commit().await?;
                if found < BATCH {
                    break;
                }
            }
        }
        super::books::expire(run).await
    }
}

/// Gives the open rows of a table whose time is over a later one; their ids.
macro_rules! due {
    ($cx:ident, $table:literal, $open:literal, $id:literal) => {{
        let (tenant, now) = ($cx.tenant()?, $cx.now());
        sqlx::query_scalar!(
            "update "
                + $table
                + " set check_at = $3 where tenant_id = $1 and id in (select id from "
                + $table
                + " where tenant_id = $1 and status in ("
                + $open
                + ") and check_at <= $2
                   order by check_at limit $4 for update skip locked) returning "
                + $id,
            tenant.uuid(),
            now as Time,
            now.plus_s(AGAIN_S) as Time,
            BATCH,
        )
        .fetch_all($cx.conn())
        .await
    }};
}

/// One batch of each noun; how many of the largest.
pub(super) async fn sweep(cx: &mut Cx) -> Result<i64> {
    let payments =
        due!(cx, "pay.payment", "'initiated', 'reserved', 'pending', 'unknown'", r#"id as "id: PaymentId""#)?;
    payment::jobs::resume_each(cx, &payments).await?;
    let refunds = due!(cx, "pay.refund", "'initiated', 'pending', 'unknown'", r#"id as "id: RefundId""#)?;
    refund::jobs::resume_each(cx, &refunds).await?;
    let payouts = due!(cx, "pay.payout", "'initiated', 'pending', 'unknown'", r#"id as "id: PayoutId""#)?;
    payout::jobs::resume_each(cx, &payouts).await?;
    let most = payments.len().max(refunds.len()).max(payouts.len());
    Ok(i64::try_from(most).unwrap_or(BATCH))
}

/// Whose there are.
async fn tenants(cx: &mut Cx) -> Result<Vec<TenantId>> {
    let now = cx.now();
    let rows = sqlx::query_scalar!(
        r#"select tenant_id as "tenant_id!" from pay.payment where status in ('initiated', 'reserved', 'pending', 'unknown') and check_at <= $1
           union select tenant_id from pay.refund where status in ('initiated', 'pending', 'unknown') and check_at <= $1
           union select tenant_id from pay.payout where status in ('initiated', 'pending', 'unknown') and check_at <= $1"#,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}
