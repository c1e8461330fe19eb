//! Refunds over outside rails: each has a job that asks until the rail is sure.

use super::{RefundId, drive};
use crate::payment::Desk;
use base::Result;
use db::Cx;
use jobs::{Job, Options, Registry, Retry, Run};
use serde::{Deserialize, Serialize};

/// Takes one refund as far as it goes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Resume {
    refund: RefundId,
}

impl Job for Resume {
    const KIND: &'static str = "pay.resume_refund";
    const QUEUE: &'static str = "pay";
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600, 3_600])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let refund = drive(run.db(), run.tenant()?, run.caller(), desk, self.refund).await?;
        if refund.status.is_open() {
            run.snooze(run.db().clock().now().plus_s(super::CHECK_S));
        }
        Ok(())
    }
}

/// Starts the job of a refund, in the transaction that began it.
pub(super) async fn resume(cx: &mut Cx, refund: RefundId) -> Result<()> {
    let options = Options { unique_key: Some(refund.to_string()), ..Options::default() };
    jobs::enqueue_with(cx, &Resume { refund }, options).await?;
    Ok(())
}

/// Gives each of these a job, unless it has one.
pub(crate) async fn resume_each(cx: &mut Cx, refunds: &[RefundId]) -> Result<()> {
    let all: Vec<Resume> = refunds.iter().map(|refund| Resume { refund: *refund }).collect();
    jobs::enqueue_each(cx, &all, |job| job.refund.to_string(), &Options::default()).await
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Resume>(desk.clone());
}
