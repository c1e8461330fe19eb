//! When things are looked after that nobody else looks after.

use super::books::Verify;
use super::run::Compare;
use super::store;
use super::sweep::Sweep;
use crate::payment::Desk;
use crate::rail::Rail;
use base::{Result, Time, Zone};
use db::{Cx, Scope};
use jobs::schedule::{Misfire, Schedule};
use jobs::{Job, Options, Registry, Run};
use serde::{Deserialize, Serialize};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// Compares with a rail, once for the same span.
pub(super) async fn compare(cx: &mut Cx, rail: Rail, since: Time, until: Time) -> Result<()> {
    let options =
        Options { unique_key: Some(format!("{}:{since}:{until}", rail.word())), ..Options::default() };
    ::jobs::enqueue_with(cx, &Compare { rail, since, until }, options).await?;
    Ok(())
}

/// Compares the day before with every rail of every tenant.
#[derive(Serialize, Deserialize)]
pub(crate) struct Nightly {}

impl Job for Nightly {
    const KIND: &'static str = "pay.reconcile_all";
    const QUEUE: &'static str = "pay";
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.db().system(Self::KIND).await?;
        let until = Time::from_us(cx.now().us().div_euclid(DAY_US) * DAY_US);
        let since = Time::from_us(until.us() - DAY_US);
        // A job of one tenant reaches no other one.
        let tenants = match run.tenant() {
            Ok(only) => vec![only],
            Err(_) => store::tenants(&mut cx, since).await?,
        };
        drop(cx);
        for tenant in tenants {
            let mut cx = run.db().begin(Scope::Tenant(tenant), run.caller()).await?;
            let mut rails = crate::account::set_up(&mut cx).await?;
            rails.insert(0, Rail::Ledger);
            for rail in rails {
                // A night that is caught up with and its own time may fall on the same day.
                if !store::is_compared(&mut cx, rail, since, until).await? {
                    compare(&mut cx, rail, since, until).await?;
                }
            }
            cx.commit().await?;
        }
        Ok(())
    }
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Compare>(desk.clone());
    registry.register::<Nightly>(());
    registry.register::<Sweep>(());
    registry.register::<Verify>(());
    let once = Misfire::Once;
    for schedule in [
        Schedule::new("pay.sweep", "*/5 * * * *", Zone::utc(), once, &Sweep {}),
        Schedule::new("pay.verify_books", "45 2 * * *", Zone::utc(), once, &Verify {}),
        Schedule::new("pay.reconcile_all", "15 3 * * *", Zone::utc(), once, &Nightly {}),
    ] {
        registry.schedule(schedule.expect("five fields are a cron expression"));
    }
}
