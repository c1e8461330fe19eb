//! Background work of budgets.

use base::Result;
use jobs::{Job, Retry, Run};
use serde::{Deserialize, Serialize};

/// Ends reservations that were forgotten: see [`super::reconcile`].
#[derive(Serialize, Deserialize)]
pub struct Reconcile {}

impl Job for Reconcile {
    const KIND: &'static str = "control.spend_reconcile";
    type State = ();

    fn retry() -> Retry {
        Retry::never()
    }

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        super::reconcile(run.db()).await?;
        Ok(())
    }
}
