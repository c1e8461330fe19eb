//! Mandates that end by themselves, and decisions of people that are carried out.

use super::MandateId;
use crate::signing::Ring;
use base::{Result, Zone};
use control::approval;
use jobs::{
    Job, Registry, Run,
    schedule::{Misfire, Schedule},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Steps of one sweep at most.
const STEPS_MAX: usize = 100;

/// Writes down which mandates have ended.
#[derive(Serialize, Deserialize)]
pub(crate) struct Expire {}

impl Job for Expire {
    const KIND: &'static str = "pay.mandate_expire";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        for _ in 0..STEPS_MAX {
            let mut cx = run.db().system(Self::KIND).await?;
            let ended = super::expire(&mut cx).await?;
            cx.commit().await?;
            if ended == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Signs what a person agreed to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Decided {
    mandate: MandateId,
    status: String,
}

impl Job for Decided {
    const KIND: &'static str = "pay.mandate_decided";
    type State = Arc<Ring>;

    async fn run(self, run: &Run, ring: &Arc<Ring>) -> Result<()> {
        let keys = ring.keys().await?;
        let mut cx = run.begin().await?;
        super::decide(&mut cx, &keys, self.mandate, self.status.parse::<approval::Status>()?).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry, ring: Arc<Ring>) {
    registry.register::<Expire>(());
    registry.register::<Decided>(ring);
    let sweep = Schedule::new("pay.mandate_expire", "* * * * *", Zone::utc(), Misfire::Skip, &Expire {});
    registry.schedule(sweep.expect("five stars are a cron expression"));
    registry.on_fact::<Decided>("control.approval.decided", |fact| {
        let ours = fact.payload.get("kind").and_then(|kind| kind.as_str()) == Some(super::KIND);
        let status = fact.payload.get("status").and_then(|status| status.as_str())?;
        let mandate = fact.payload.get("subject_id").and_then(|id| id.as_str())?.parse().ok()?;
        ours.then(|| Decided { mandate, status: status.to_owned() })
    });
}
