//! Quotes that end.

use base::{Result, Zone};
use jobs::{
    Job, Registry, Run,
    schedule::{Misfire, Schedule},
};
use serde::{Deserialize, Serialize};

/// Steps of one sweep at most.
const STEPS_MAX: usize = 100;

/// Writes down which intents expired.
#[derive(Serialize, Deserialize)]
pub(crate) struct Expire {}

impl Job for Expire {
    const KIND: &'static str = "pay.intent_expire";
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

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry) {
    registry.register::<Expire>(());
    let sweep = Schedule::new("pay.intent_expire", "* * * * *", Zone::utc(), Misfire::Skip, &Expire {});
    registry.schedule(sweep.expect("five stars are a cron expression"));
}
