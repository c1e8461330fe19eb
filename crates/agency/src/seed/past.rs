//! Two hours ago: one transaction.

use super::cast::{self, AGENTS};
use super::{Home, Stage};
use accounts::person::{self, SignUp, password};
use base::{EmailAddress, Error, Random, Result, Role, Secret, UserId, Zone};
use db::Cx;
use pay::credit::{self, Kind};
use pay::intent::{self, Intent};
use pay::mandate::{self, Mandate, Outcome, Place, Template};
use pay::payment::{self, Begun, Payment};
use pay::principal::{self, Principal, key};
use pay::signing::Keys;
use pay::vendor::{self, VendorId};
use pay::{Caller, Rail, policy, refund};

/// Paid credit, and trial credit, in minor units.
const CREDIT: [(Kind, i64, &str); 2] =
    [(Kind::Paid, 10_000, "seed-top-up"), (Kind::Trial, 500, "seed-trial")];
/// What was settled, and what of it was given back in parts.
const SETTLED_MINOR: i64 = 1_200;
const REFUNDS: [(i64, &str); 3] =
    [(100, "one row was empty"), (200, "two rows came twice"), (50, "late answer")];

/// A budget under which several payments are made.
pub(super) const BUDGET: &str = "Rows for the weekly report";

/// Makes the organisation and its owner; returns the password.
pub(super) async fn sign_up(stage: &Stage) -> Result<(Home, Secret)> {
    let typed = Secret::new(Random::system().bytes::<9>().map(|byte| format!("{byte:02x}")).concat());
    let hash = password::hash(&typed, stage.db.random()).await?;
    let mut cx = stage.db.system("seed").await?;
    let owner: UserId = cx.id();
    let sign_up = SignUp {
        person: owner,
        email: EmailAddress::parse(cast::OWNER_EMAIL)?,
        name: cast::OWNER_NAME.to_owned(),
        password_hash: hash,
        company: cast::COMPANY.to_owned(),
        zone: zone()?.name().to_owned(),
        country: "AU".to_owned(),
    };
    let tenant = person::sign_up(&mut cx, &sign_up).await?;
    person::verify_email(&mut cx, owner).await?;
    cx.commit().await?;
    Ok((Home { tenant, owner }, typed))
}

/// The name of a paying agent, its risk, and its key.
type Shown = (String, &'static str, Secret);

/// Makes all that the ledger alone can do; returns the agents' keys, or none when it was made before.
pub(super) async fn make(stage: &Stage, home: Home) -> Result<Option<Vec<Shown>>> {
    let signing = stage.desk.ring.keys().await?;
    let mut cx = stage.cx(home).await?;
    if !principal::list(&mut cx, None, None, 1).await?.rows.is_empty() {
        return Ok(None);
    }
    let keys = cast_in(stage, &mut cx, &signing).await?;
    cx.commit().await?;
    Ok(Some(keys))
}

fn zone() -> Result<Zone> {
    Zone::named("Australia/Sydney")
}

async fn cast_in(stage: &Stage, cx: &mut Cx, signing: &Keys) -> Result<Vec<Shown>> {
    let mut vendors = Vec::new();
    for new in cast::vendors() {
        vendors.push(vendor::add(cx, &new).await?.id);
    }
    let (mut agents, mut keys) = (Vec::new(), Vec::new());
    for agent in &AGENTS {
        let new = principal::New { name: agent.name.to_owned(), risk: agent.risk };
        let made = principal::add(cx, &new).await?;
        let rules = agent.rules(&vendors, cx.now(), zone()?);
        policy::add(cx, made.id, rules).await?;
        let (_, text) = key::make(cx, made.id).await?;
        keys.push((made.name.clone(), agent.risk.word(), text));
        agents.push(made);
    }
    for (kind, amount_minor, reference) in CREDIT {
        let (currency, reference) = (cast::CURRENCY, reference.to_owned());
        credit::add(cx, &credit::New { kind, amount_minor, currency, reference, rail: None }).await?;
    }
    let [low, medium, _] = &agents[..] else { return Err(missing()) };
    let [first, second] = vendors[..] else { return Err(missing()) };
    let budget = budget(cx, signing, low, first).await?;
    settled(stage, cx, signing, &budget).await?;
    // Nobody uses this one: its hour is over before the present begins.
    let wanted = wanted(cx, medium, second, 4_500, "A flight list, never fetched").await?;
    signed(cx, signing, &wanted, Template::MicroTask, mandate::Asked::default()).await?;
    let changed_mind = self::wanted(cx, medium, first, 300, "A search that was not needed").await?;
    intent::cancel(cx, changed_mind.id).await?;
    Ok(keys)
}

fn missing() -> Error {
    Error::internal("The cast of the seed is not complete.")
}

/// An intent of this agent.
pub(super) async fn wanted(
    cx: &mut Cx,
    agent: &Principal,
    vendor: VendorId,
    amount_minor: i64,
    description: &str,
) -> Result<Intent> {
    let new = intent::New {
        principal: agent.id,
        vendor,
        sku: cast::SKUS[1].to_owned(),
        amount_minor,
        currency: cast::CURRENCY,
        description: description.to_owned(),
        meta: serde_json::Map::new(),
    };
    intent::create(cx, new).await
}

async fn signed(
    cx: &mut Cx,
    signing: &Keys,
    wanted: &Intent,
    template: Template,
    asked: mandate::Asked,
) -> Result<Mandate> {
    let new = mandate::New {
        intent: wanted.id,
        template,
        mode: None,
        asked,
        expires_in_s: None,
        holder: None,
        parent: None,
        wallet: None,
        place: Place::default(),
    };
    match mandate::create(cx, signing, new).await? {
        Outcome::Signed(mandate) => Ok(*mandate),
        Outcome::Waiting(_) => Err(Error::internal("A mandate of the seed waits for a person.")),
    }
}

async fn budget(cx: &mut Cx, signing: &Keys, agent: &Principal, vendor: VendorId) -> Result<Mandate> {
    let wanted = wanted(cx, agent, vendor, SETTLED_MINOR, BUDGET).await?;
    let asked = mandate::Asked {
        per_transaction_minor: Some(2_500),
        total_minor: Some(20_000),
        executions_max: Some(8),
        ..mandate::Asked::default()
    };
    signed(cx, signing, &wanted, Template::RecurringBudget, asked).await
}

/// A payment over the ledger, and what was given back of it.
async fn settled(stage: &Stage, cx: &mut Cx, signing: &Keys, budget: &Mandate) -> Result<()> {
    let asked = asked(budget, SETTLED_MINOR, Rail::Ledger, "seed:settled");
    let caller = Caller::Member(Role::Owner);
    let begun = payment::begin(cx, &stage.desk, signing, caller, &asked, None).await?;
    let Begun::Payment(payment) = begun else {
        return Err(Error::internal("The ledger needs no other rail."));
    };
    for (minor, reason) in REFUNDS {
        refund::begin(cx, signing, payment.id, Some(minor), reason).await?;
    }
    Ok(())
}

/// An execution of the budget; its name makes it the same one whenever it is asked for.
pub(super) fn asked(budget: &Mandate, amount_minor: i64, rail: Rail, name: &str) -> payment::Asked {
    payment::Asked {
        mandate: budget.id,
        amount_minor: Some(amount_minor),
        rail: Some(rail),
        execution: name.to_owned(),
        closed: None,
        place: Place::default(),
    }
}

/// Whether this is the payment of an execution.
pub(super) fn is_of(payment: &Payment, rail: Rail, amount_minor: i64) -> bool {
    payment.rail == rail && payment.amount_minor == amount_minor
}
