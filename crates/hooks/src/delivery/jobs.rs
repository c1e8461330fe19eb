//! Background work of deliveries.
//!
//! One chain of [`FanOut`] follows the outbox for the whole installation while anybody listens; [`Watch`]
//! starts it. [`Send`] sends what is due at one endpoint.

use super::fan_out::{self, Left};
use super::{prune, send, store};
use crate::Desk;
use crate::endpoint::{self, EndpointId};
use base::{Error, Result, TenantId, Time, Zone};
use db::Cx;
use jobs::{
    Job, Options, Registry, Retry, Run,
    schedule::{Misfire, Schedule},
};
use serde::{Deserialize, Serialize};

/// Between two looks at the outbox, in seconds.
const LOOK_S: i64 = 1;
/// The same where time is virtual and each look is a jump of the clock.
const LOOK_VIRTUAL_S: i64 = 600;

/// Turns facts into deliveries, until nobody listens any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FanOut {}

impl Job for FanOut {
    const KIND: &'static str = "hooks.fan_out";
    type State = ();

    fn retry() -> Retry {
        Retry::after_s(&[1, 2, 5, 10, 30, 60, 60, 60, 60])
    }

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        if run.tenant().is_ok() {
            return Err(Error::refused("webhook.fan_out", "The outbox is followed for all tenants at once."));
        }
        loop {
            let (mut cx, left) = fan_out::pass(run.db()).await?;
            match left {
                Left::More if run.cancel().is_cancelled() => {
                    cx.commit().await?;
                    return Err(Error::unavailable("job.stopped", "It was stopped; it goes on later."));
                }
                Left::More => cx.commit().await?,
                Left::Watch => {
                    let wait = if cx.clock().is_virtual() { LOOK_VIRTUAL_S } else { LOOK_S };
                    run.snooze(cx.now().plus_s(wait));
                    return cx.commit().await;
                }
                Left::Nobody => {
                    // Behind the cursor's lock: whoever begins to listen waits for it, then starts anew.
                    run.complete_in(&mut cx).await?;
                    return cx.commit().await;
                }
            }
        }
    }
}

/// Sees to it that [`FanOut`] runs, and that no delivery waits which nobody has in mind any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Watch {}

impl Job for Watch {
    const KIND: &'static str = "hooks.watch";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.db().system("hooks.watch").await?;
        fan_out::wait(&mut cx).await?;
        let options = Options { unique_key: Some("chain".to_owned()), ..Options::default() };
        jobs::enqueue_with(&mut cx, &FanOut {}, options).await?;
        let overdue = store::overdue(&mut cx).await?;
        let jobs: Vec<(TenantId, Send)> =
            overdue.into_iter().map(|(tenant, endpoint)| (tenant, Send { endpoint })).collect();
        jobs::enqueue_for(&mut cx, &jobs).await?;
        cx.commit().await
    }
}

/// Sends what is due at one endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Send {
    /// Which.
    pub(super) endpoint: EndpointId,
}

impl Job for Send {
    const KIND: &'static str = "hooks.send";
    // A turn of a slow endpoint holds one of these; see send::BUDGET for what one endpoint may hold.
    const CONCURRENCY: Option<u32> = Some(4);
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[5, 30, 60, 300, 900])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        send::turn(run, desk, self.endpoint).await
    }
}

/// Overwrites secrets that sign no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tidy {}

impl Job for Tidy {
    const KIND: &'static str = "hooks.tidy";
    type State = Desk;

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        endpoint::tidy(run, &desk.ring).await
    }
}

/// Removes what ended long ago from the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prune {}

impl Job for Prune {
    const KIND: &'static str = "hooks.prune";
    type State = Desk;

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        prune::run(run, &desk.settings).await
    }
}

/// Lets somebody begin to listen.
pub(crate) async fn watch(cx: &mut Cx) -> Result<()> {
    jobs::enqueue(cx, &Watch {}).await.map(|_| ())
}

/// Sends what is due at an endpoint now.
pub(crate) async fn wake(cx: &mut Cx, endpoint: EndpointId) -> Result<()> {
    jobs::enqueue(cx, &Send { endpoint }).await.map(|_| ())
}

/// Sends what is due at an endpoint then; asked twice for the same second, once.
pub(super) async fn wake_at(cx: &mut Cx, endpoint: EndpointId, at: Time) -> Result<()> {
    let second = at.ms().div_euclid(1_000) + 1;
    let options = Options {
        at: Some(Time::from_us(second * 1_000_000)),
        unique_key: Some(format!("{endpoint}@{second}")),
        ..Options::default()
    };
    jobs::enqueue_with(cx, &Send { endpoint }, options).await.map(|_| ())
}

/// Adds these kinds and their schedules: [`FanOut`] is also started every ten minutes, should it ever have
/// ended in a failure.
pub(crate) fn register(registry: &mut Registry, desk: Desk) {
    registry.register::<FanOut>(());
    registry.register::<Watch>(());
    registry.register::<Send>(desk.clone());
    registry.register::<Tidy>(desk.clone());
    registry.register::<Prune>(desk);
    let schedules = [
        Schedule::new("hooks.watch", "*/10 * * * *", Zone::utc(), Misfire::Skip, &Watch {}),
        Schedule::new("hooks.tidy", "17 * * * *", Zone::utc(), Misfire::Once, &Tidy {}),
        Schedule::new("hooks.prune", "40 3 * * *", Zone::utc(), Misfire::Once, &Prune {}),
    ];
    for schedule in schedules {
        registry.schedule(schedule.expect("five fields are a cron expression"));
    }
}
