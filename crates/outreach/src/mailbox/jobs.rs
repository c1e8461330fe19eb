//! Every two minutes each mailbox is read.

use super::{Reader, store};
use base::{Result, Zone};
use db::{Cx, Scope};
use jobs::{
    Job, Options, Priority, Registry, Retry, Run,
    schedule::{Misfire, Schedule},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Reads one mailbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Poll {
    resource: Uuid,
}

impl Job for Poll {
    const KIND: &'static str = "outreach.poll_mailbox";
    const QUEUE: &'static str = "inbox";
    type State = Reader;

    fn retry() -> Retry {
        // The schedule comes again soon.
        Retry::never()
    }

    async fn run(self, run: &Run, reader: &Reader) -> Result<()> {
        super::poll(run, reader, self.resource).await?;
        Ok(())
    }
}

/// Starts [`Poll`] for every mailbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PollAll {}

impl Job for PollAll {
    const KIND: &'static str = "outreach.poll_mailboxes";
    const QUEUE: &'static str = "inbox";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut all = run.begin().await?;
        let mailboxes = store::all(&mut all).await?;
        all.rollback().await?;
        for (tenant, resource) in mailboxes {
            let mut cx = run.db().begin(Scope::Tenant(tenant), run.caller()).await?;
            enqueue(&mut cx, resource, Priority::Normal).await?;
            cx.commit().await?;
        }
        Ok(())
    }
}

async fn enqueue(cx: &mut Cx, resource: Uuid, priority: Priority) -> Result<()> {
    let options = Options { unique_key: Some(resource.to_string()), priority, ..Options::default() };
    jobs::enqueue_with(cx, &Poll { resource }, options).await?;
    Ok(())
}

/// Reads every mailbox of the tenant now. Returns how many there are.
pub async fn poll_now(cx: &mut Cx) -> Result<usize> {
    let places = super::places(cx).await?;
    for place in &places {
        enqueue(cx, place.resource, Priority::Urgent).await?;
    }
    Ok(places.len())
}

/// Adds these kinds and their schedule.
pub fn register(registry: &mut Registry, reader: Reader) {
    registry.register::<Poll>(reader);
    registry.register::<PollAll>(());
    let schedule =
        Schedule::new("outreach.poll_mailboxes", "*/2 * * * *", Zone::utc(), Misfire::Skip, &PollAll {});
    registry.schedule(schedule.expect("five fields are a cron expression"));
}
