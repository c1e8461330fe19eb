//! Background work of approvals.

use base::Result;
use jobs::{Job, Retry, Run};
use serde::{Deserialize, Serialize};

/// Ends what nobody decided in time, in every tenant. An approval whose time is over cannot be approved
/// either way; this only tells those who wait for it.
#[derive(Serialize, Deserialize)]
pub struct Expire {}

impl Job for Expire {
    const KIND: &'static str = "control.approval_expire";
    type State = ();

    fn retry() -> Retry {
        Retry::never()
    }

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        super::expire_all(run.db()).await?;
        Ok(())
    }
}
