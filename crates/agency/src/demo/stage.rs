//! The house on a virtual clock and on ports in memory, and the clock with which it goes on.

use crate::{
    roles::{self, House},
    settings::Settings,
    wire,
};
use base::{Clock, ManualClock, Random, Result, Time, Zone};
use control::{secret::Keyring, switch::Watch};
use db::Db;
use jobs::{
    Job, Registry,
    schedule::{Misfire, Schedule},
};
use ports::InMemory;
use std::{sync::Arc, time::Instant};

/// Everything that a simulated history runs on.
pub struct Stage {
    /// The house: its database, ports and keys.
    pub house: House,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The outside world.
    pub world: InMemory,
    /// The seed of everything random.
    pub seed: u64,
    pub(super) registry: Registry,
}

impl Stage {
    /// Opens an empty, migrated database for a history that begins at `start`. A model is never asked:
    /// the built-in writer gives the same words for the same facts.
    ///
    /// # Errors
    /// Unavailable when the database does not answer; refused when its schema is another one.
    pub async fn open(settings: &Settings, seed: u64, start: Time) -> Result<Self> {
        roles::require_schema(&settings.database).await?;
        let mut settings = settings.clone();
        settings.llm = crate::settings::Llm::default();
        let clock = Arc::new(ManualClock::at(start));
        let random = Arc::new(Random::seeded(seed));
        roles::prepare_state(&settings.state_dir)?;
        // The key seals real secrets of the installation that goes on after the history.
        let ring = Arc::new(Keyring::load(&settings.secret, &settings.state_dir, &Random::system())?);
        let world = InMemory::new(clock.clone(), random.clone());
        let db = Db::connect(&settings.database, clock.clone(), random).await?;
        let switches = Watch::start(&db).await?;
        let house = House { settings, db, ports: Arc::new(world.ports()), ring, switches };
        let mut modules = wire::modules(&house)?;
        let mut registry = wire::registry(&mut modules);
        super::market::register(&mut registry);
        thin(&mut registry)?;
        registry.sync(&house.db).await?;
        Ok(Self { house, clock, world, seed, registry })
    }

    /// Whether the differences of the leads' tally are folded each hour; what pages count is the same.
    pub(super) async fn fold_tallies(&self, folds: bool) -> Result<()> {
        let mut cx = self.house.db.system("demo").await?;
        jobs::control::pause_schedule(&mut cx, None, "leads.tally", !folds).await?;
        cx.commit().await
    }
}

/// Safety nets that come every minute or two in an installation come less often here, and not at
/// night, when nothing may leave: each firing is a stop of the virtual clock. The next start of a
/// real role writes the usual times back.
fn thin(registry: &mut Registry) -> Result<()> {
    use control::{approval, budget};
    use meetings::meeting;
    use outreach::{mailbox, resource, touch};
    often(registry, "outreach.sweep", "0 8-20 * * 1-5", &touch::jobs::Sweep {})?;
    often(registry, "outreach.find_silent", "0 3 * * *", &touch::silent::FindSilent {})?;
    often(registry, "outreach.remind", "0 6-18 * * *", &meeting::jobs::Remind {})?;
    often(registry, "outreach.resource_health", "0 8,14,20 * * *", &resource::jobs::RecomputeHealth {})?;
    often(registry, "outreach.poll_mailboxes", "0 3 * * *", &mailbox::jobs::PollAll {})?;
    often(registry, "control.approval_expire", "0 7,10,13,16,19 * * *", &approval::jobs::Expire {})?;
    often(registry, "control.spend_reconcile", "0 3 * * *", &budget::jobs::Reconcile {})
}

fn often<J: Job>(registry: &mut Registry, name: &str, cron: &str, job: &J) -> Result<()> {
    registry.schedule(Schedule::new(name, cron, Zone::sydney(), Misfire::Once, job)?);
    Ok(())
}

/// A clock that goes on from an instant at the pace of the machine.
#[derive(Debug)]
pub struct Continued {
    from: Time,
    since: Instant,
}

impl Continued {
    /// Goes on from here, from now.
    pub fn from(from: Time) -> Self {
        Self { from, since: Instant::now() }
    }
}

impl Clock for Continued {
    fn now(&self) -> Time {
        self.from.plus_ms(i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}
