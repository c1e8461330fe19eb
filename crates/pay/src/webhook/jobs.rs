//! Each kept delivery of a rail has a job.

use super::{process, rail_of};
use crate::payment::Desk;
use base::Result;
use hooks::inbox::{InboxId, RECEIVED};
use jobs::{Job, Registry, Retry, Run, SeenFact};
use serde::{Deserialize, Serialize};

/// Carries out one delivery.
#[derive(Serialize, Deserialize)]
pub(crate) struct Process {
    delivery: InboxId,
}

impl Job for Process {
    const KIND: &'static str = "pay.webhook";
    const QUEUE: &'static str = "pay";
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[5, 15, 60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        process(run.db(), run.tenant()?, run.caller(), desk, self.delivery).await
    }
}

fn of_ours(fact: &SeenFact) -> Option<Process> {
    let source = fact.payload.get("source").and_then(serde_json::Value::as_str)?;
    rail_of(source)?;
    fact.subject_id.map(|id| Process { delivery: InboxId(id) })
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Process>(desk.clone());
    registry.on_fact(RECEIVED, of_ours);
}
