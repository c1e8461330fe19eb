//! Payouts over outside rails: each has a job that asks until the rail is sure.

use super::{PayoutId, drive};
use crate::payment::Desk;
use base::Result;
use db::Cx;
use jobs::{Job, Options, Registry, Retry, Run};
use serde::{Deserialize, Serialize};

/// Takes one payout as far as it goes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Resume {
    payout: PayoutId,
}

impl Job for Resume {
    const KIND: &'static str = "pay.resume_payout";
    const QUEUE: &'static str = "pay";
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600, 3_600])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let payout = drive(run.db(), run.tenant()?, run.caller(), desk, self.payout).await?;
        if payout.status.is_open() {
            run.snooze(run.db().clock().now().plus_s(super::CHECK_S));
        }
        Ok(())
    }
}

/// Starts the job of a payout, in the transaction that began it.
pub(super) async fn resume(cx: &mut Cx, payout: PayoutId) -> Result<()> {
    let options = Options { unique_key: Some(payout.to_string()), ..Options::default() };
    jobs::enqueue_with(cx, &Resume { payout }, options).await?;
    Ok(())
}

/// Gives each of these a job, unless it has one.
pub(crate) async fn resume_each(cx: &mut Cx, payouts: &[PayoutId]) -> Result<()> {
    let all: Vec<Resume> = payouts.iter().map(|payout| Resume { payout: *payout }).collect();
    jobs::enqueue_each(cx, &all, |job| job.payout.to_string(), &Options::default()).await
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Resume>(desk.clone());
}
