//! `agency seed`: a small organisation with everything that a payment has, made by the same verbs that
//! people and agents use; no rule is gone around.
//!
//! Two steps, each safe to repeat. The **past**, behind the owner's sign-up, is one transaction, two hours ago by the given clock: who
//! there is, what they may do, a payment that was settled, and a mandate whose time is over since. The
//! **present** is what an outside rail has a part in: a payment that it declined, and one that is on its
//! way. Their ids follow from what they are, so that a run that was interrupted goes on.

mod cast;
mod past;
mod present;

pub use present::Counts;

use crate::{roles, settings::Settings};
use accounts::person;
use base::{Actor, Clock, EmailAddress, Error, ManualClock, Random, Result, Secret, SystemClock, TenantId};
use base::{Role, UserId};
use control::secret::Keyring;
use db::{Caller, Cx, Db, Scope};
use pay::payment::Desk;
use pay::signing::Ring;
use std::sync::Arc;
use url::Url;

/// How long ago the past is, in seconds: longer than a mandate for one payment lives.
const AGO_S: i64 = 2 * 3_600;

/// What came of a run.
#[derive(Debug)]
pub struct Seeded {
    /// The organisation.
    pub tenant: TenantId,
    /// What can be shown this once; none: it was there already.
    pub first: Option<First>,
    /// Whether the payments over the outside rail were made now.
    pub went_on: bool,
    /// What there is.
    pub counts: Counts,
}

/// What is shown once.
#[derive(Debug)]
pub struct First {
    /// The owner's password; none when an interrupted run has shown it.
    pub password: Option<Secret>,
    /// Names of paying agents, their risk, and their keys.
    pub keys: Vec<(String, &'static str, Secret)>,
}

/// With which address the owner signs in.
pub const OWNER: &str = cast::OWNER_EMAIL;

/// What both steps work with.
struct Stage {
    db: Db,
    clock: Arc<ManualClock>,
    desk: Desk,
}

impl Stage {
    fn caller(&self, owner: UserId) -> Caller {
        Caller { actor: Actor::User { id: owner }, ..Caller::system("seed", &self.db) }
    }

    async fn cx(&self, home: Home) -> Result<Cx> {
        self.db.begin(Scope::Tenant(home.tenant), self.caller(home.owner)).await
    }
}

/// Whose everything is.
#[derive(Clone, Copy)]
struct Home {
    tenant: TenantId,
    owner: UserId,
}

/// Makes what is missing. `stripe` is where payments by card go: Stripe in test mode, or a stand-in.
///
/// # Errors
/// Refused when the schema is another one or the owner's address is somebody else's; what the verbs say.
pub async fn run(settings: &Settings, stripe: &Url) -> Result<Seeded> {
    roles::require_schema(&settings.database).await?;
    roles::prepare_state(&settings.state_dir)?;
    let now = SystemClock.now();
    let (clock, random) = (Arc::new(ManualClock::at(now.plus_s(-AGO_S))), Arc::new(Random::system()));
    let keyring = Arc::new(Keyring::load(&settings.secret, &settings.state_dir, &random)?);
    let db = Db::connect(&settings.database, clock.clone(), random.clone()).await?;
    let ring = Arc::new(Ring::new(db.clone(), keyring.clone(), settings.web.origin()));
    let ports = vendors::ports(&settings.outside.vendors(), clock.clone(), random)?;
    let stage = Stage { desk: Desk::new(ports.rails, keyring, ring), db, clock };
    let (home, password) = match found(&stage).await? {
        Some(home) => (home, None),
        None => past::sign_up(&stage).await.map(|(home, password)| (home, Some(password)))?,
    };
    let keys = past::make(&stage, home).await?;
    let first = keys.map(|keys| First { password, keys });
    stage.clock.advance_to(now);
    let went_on = present::make(&stage, home, stripe).await?;
    let counts = present::count(&stage, home).await?;
    stage.db.close().await;
    Ok(Seeded { tenant: home.tenant, first, went_on, counts })
}

/// The organisation of an earlier run.
async fn found(stage: &Stage) -> Result<Option<Home>> {
    let email = EmailAddress::parse(cast::OWNER_EMAIL)?;
    let mut cx = stage.db.system("seed").await?;
    let Some(owner) = person::by_email(&mut cx, &email).await? else { return Ok(None) };
    let own = accounts::member::of_person(&mut cx, owner.id).await?;
    let seeded = own.iter().find(|own| own.role == Role::Owner && own.name == cast::COMPANY);
    match seeded {
        Some(own) => Ok(Some(Home { tenant: own.tenant, owner: owner.id })),
        None => Err(Error::refused(
            "seed.owner",
            format!(
                "{email} signs in here already, but not as the owner of {}. The seed changes nobody's organisation.",
                cast::COMPANY
            ),
        )),
    }
}
