//! Looking at subscriptions: when the provider says that something changed, and from time to time for what
//! it may have said while nobody listened.

use super::{Applied, apply, store, version};
use crate::desk::Desk;
use crate::{checkout, credit};
use accounts::tenant;
use base::{Error, Result, Zone};
use control::notification::{self, Kind, Notification, Severity};
use db::{Cx, Fact};
use jobs::schedule::{Misfire, Schedule};
use jobs::{Job, Registry, Retry, Run};
use serde::{Deserialize, Serialize};

/// How often a look is begun anew because another one was faster.
const TRIES: usize = 5;
/// Seconds after which something open is looked at without a word of the provider.
const OVERLOOKED_S: i64 = 3_600;

/// Looks at a subscription and applies what is seen; the last transaction is handed back open, so that the
/// caller can end its own work in it. None: it was applied by nobody, for the reason given.
///
/// # Errors
/// What the provider or the database say.
pub(crate) async fn look<B, F>(desk: &Desk, begin: B, provider_ref: &str) -> Result<(Cx, Applied)>
where
    B: Fn() -> F,
    F: Future<Output = Result<Cx>>,
{
    let account = desk.account()?;
    for _ in 0..TRIES {
        let mut cx = begin().await?;
        let known = version(&mut cx, provider_ref).await?;
        cx.rollback().await?;
        let seen = desk.provider.subscription(&account, provider_ref).await?;
        let mut cx = begin().await?;
        match apply(&mut cx, &seen, known).await? {
            Applied::Stale => cx.rollback().await?,
            done @ (Applied::Yes | Applied::Foreign(_)) => return Ok((cx, done)),
        }
    }
    Err(Error::unavailable("billing.busy", "The subscription is being looked at by others right now."))
}

/// Looks at one subscription.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LookAt {
    pub(crate) provider_ref: String,
}

impl Job for LookAt {
    const KIND: &'static str = "billing.look";
    const TIMEOUT_S: u64 = 180;
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[15, 60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let (mut cx, _) = look(desk, || run.begin(), &self.provider_ref).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Finds what the provider may have said unheard, trials that are over, and checkouts that came to nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sweep {}

impl Job for Sweep {
    const KIND: &'static str = "billing.sweep";
    type State = Desk;

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let mut cx = run.begin().await?;
        let now = cx.now();
        if desk.account.is_some() {
            let overlooked = store::overlooked(&mut cx, now.plus_s(-OVERLOOKED_S), now).await?;
            let looks: Vec<_> = overlooked
                .into_iter()
                .map(|one| (one.tenant, LookAt { provider_ref: one.provider_ref }))
                .collect();
            jobs::enqueue_for(&mut cx, &looks).await?;
        }
        let over: Vec<_> =
            store::trials_over(&mut cx, now).await?.into_iter().map(|tenant| (tenant, EndTrial {})).collect();
        jobs::enqueue_for(&mut cx, &over).await?;
        let stale: Vec<_> = checkout::overdue(&mut cx, now)
            .await?
            .into_iter()
            .map(|(tenant, checkout)| (tenant, checkout::jobs::Finish { checkout }))
            .collect();
        jobs::enqueue_for(&mut cx, &stale).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// A trial is over and no plan was chosen: outreach stops, what is left lapses, people are told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EndTrial {}

impl Job for EndTrial {
    const KIND: &'static str = "billing.end_trial";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        end_trial(&mut cx).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Ends the trial of this transaction's tenant if it is over and no plan was chosen.
pub(crate) async fn end_trial(cx: &mut Cx) -> Result<()> {
    store::queue(cx).await?;
    let (tenant, now) = (tenant::get(cx).await?, cx.now());
    let over =
        tenant.status == tenant::Status::Trialing && tenant.trial_ends_at.is_some_and(|end| end <= now);
    if !over || store::live(cx).await?.is_some() {
        return Ok(());
    }
    credit::close_period(cx).await?;
    tenant::set_status(cx, tenant::Status::Paused, tenant.trial_ends_at).await?;
    let told = Notification {
        kind: Kind::Spend,
        severity: Severity::Critical,
        title: "The trial is over".to_owned(),
        body: "Nothing is sent any more until a plan is chosen. Everything else stays as it is.".to_owned(),
        href: Some("/billing".to_owned()),
        dedupe_key: "billing.trial_over".to_owned(),
        person: None,
    };
    notification::notify(cx, &told).await?;
    cx.publish(Fact::about("billing.trial.ended", tenant.id.uuid())).await
}

/// Adds the jobs of subscriptions.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<LookAt>(desk.clone());
    registry.register::<Sweep>(desk.clone());
    registry.register::<EndTrial>(());
    match Schedule::new("billing.sweep", "*/15 * * * *", Zone::utc(), Misfire::Once, &Sweep {}) {
        Ok(schedule) => {
            registry.schedule(schedule);
        }
        Err(error) => tracing::error!(%error, "a schedule of billing cannot be read"),
    }
}
