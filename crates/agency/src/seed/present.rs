//! Now: what an outside rail has a part in, and what waits.

use super::past::{self, BUDGET};
use super::{Home, Stage};
use base::{Error, Result, Role};
use db::Cx;
use pay::account::{self, Setup};
use pay::intent;
use pay::mandate::{self, Mandate};
use pay::payment::{self, Begun, Payment, Status};
use pay::principal::{self, Risk};
use pay::{Caller, Rail, policy, receipt, vendor};
use ports::rail::Health;
use serde::Serialize;
use std::collections::BTreeMap;
use url::Url;

/// More rows than the seed has of anything.
const ALL: usize = 100;

/// A card that its bank declines, and a bank that takes its time: Stripe's names for tests.
const DECLINED: (i64, &str, &str) = (900, "seed:failed", "pm_card_visa_chargeDeclined");
const WAITING: (i64, &str, &str) = (700, "seed:pending", "pm_usBankAccount_processing");

/// What there is, counted.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Paying agents by risk.
    pub principals: BTreeMap<&'static str, usize>,
    /// Versions of policies.
    pub policies: usize,
    /// Vendors that sell over x402.
    pub x402_vendors: usize,
    /// Intents by status.
    pub intents: BTreeMap<&'static str, usize>,
    /// Mandates by status.
    pub mandates: BTreeMap<&'static str, usize>,
    /// Payments by status.
    pub payments: BTreeMap<&'static str, usize>,
    /// Receipts in the chain.
    pub receipts: i64,
}

/// Makes what is missing; whether anything was.
pub(super) async fn make(stage: &Stage, home: Home, stripe: &Url) -> Result<bool> {
    // As the sweep does each minute.
    let mut cx = stage.db.system("seed").await?;
    mandate::expire(&mut cx).await?;
    cx.commit().await?;
    let mut cx = stage.cx(home).await?;
    let made = intents(&mut cx).await?;
    let budget = budget(&mut cx).await?;
    cx.commit().await?;
    let failed = over_stripe(stage, home, &budget, stripe, DECLINED, Status::Failed).await?;
    let pending = over_stripe(stage, home, &budget, stripe, WAITING, Status::Pending).await?;
    Ok(made || failed || pending)
}

/// Two intents that wait for a mandate.
async fn intents(cx: &mut Cx) -> Result<bool> {
    let wanted = [(Risk::Low, 2_000, "A month of searches"), (Risk::High, 150, "A first try")];
    let page = intent::list(cx, intent::Filter::default(), None, ALL).await?;
    let mut made = false;
    for (risk, minor, description) in wanted {
        if page.rows.iter().any(|intent| intent.description == description) {
            continue;
        }
        let agents = principal::list(cx, None, None, ALL).await?;
        let agent = agents.rows.iter().find(|agent| agent.risk == risk).ok_or_else(gone)?;
        let vendors = vendor::list(cx, None, None, ALL).await?;
        let vendor = vendors.rows.first().ok_or_else(gone)?;
        past::wanted(cx, agent, vendor.id, minor, description).await?;
        made = true;
    }
    Ok(made)
}

fn gone() -> Error {
    Error::refused("seed.changed", "What the seed made before was changed since, so it cannot go on.")
}

async fn budget(cx: &mut Cx) -> Result<Mandate> {
    let page = intent::list(cx, intent::Filter::default(), None, ALL).await?;
    let wanted = page.rows.iter().find(|intent| intent.description == BUDGET).ok_or_else(gone)?;
    let filter = mandate::Filter { intent: Some(wanted.id), ..mandate::Filter::default() };
    mandate::list(cx, filter, None, 1).await?.rows.into_iter().next().ok_or_else(gone)
}

/// Nothing is written for a rail that is not there: what failed so stays failed.
async fn answers(stage: &Stage, stripe: &Url) -> Result<()> {
    let rail = stage.desk.rails.get(Rail::Stripe.kind())?;
    match rail.health(&account_at(stripe, WAITING.2).account()).await {
        Health::Up => Ok(()),
        Health::Down { .. } => Err(Error::unavailable(
            "seed.rail",
            format!(
                "Nothing that speaks like Stripe answers at {stripe}. Start it, and seed again: it goes on."
            ),
        )),
    }
}

/// A payment over Stripe; false when it was made before.
async fn over_stripe(
    stage: &Stage,
    home: Home,
    budget: &Mandate,
    stripe: &Url,
    (minor, name, method): (i64, &str, &str),
    end: Status,
) -> Result<bool> {
    let signing = stage.desk.ring.keys().await?;
    let mut cx = stage.cx(home).await?;
    let made = payment::list(&mut cx, payment::Filter::default(), None, ALL).await?;
    if made.rows.iter().any(|payment| past::is_of(payment, Rail::Stripe, minor)) {
        return Ok(false);
    }
    answers(stage, stripe).await?;
    let setup = account_at(stripe, method);
    account::put(&mut cx, &stage.desk.keyring, &setup).await?;
    let asked = past::asked(budget, minor, Rail::Stripe, name);
    let caller = Caller::Member(Role::Owner);
    let begun = payment::begin(&mut cx, &stage.desk, &signing, caller, &asked, Some(Rail::Stripe)).await?;
    let Begun::Payment(payment) = begun else {
        return Err(Error::internal("The rail was named and is asked for again."));
    };
    cx.commit().await?;
    let payment = driven(stage, home, &payment).await?;
    if payment.status == end {
        return Ok(true);
    }
    Err(Error::unavailable(
        "seed.rail",
        format!(
            "The payment “{name}” is {} and should be {}: {}. Is Stripe's test mode or its stand-in at {stripe}?",
            payment.status.word(),
            end.word(),
            payment.reason.unwrap_or_default(),
        ),
    ))
}

async fn driven(stage: &Stage, home: Home, payment: &Payment) -> Result<Payment> {
    let caller = stage.caller(home.owner);
    payment::drive(&stage.db, home.tenant, caller, &stage.desk, payment.id).await
}

fn account_at(stripe: &Url, method: &str) -> Setup {
    Setup::Stripe {
        base_url: Some(stripe.clone()),
        secret_key: "sk_test_seed".to_owned(),
        webhook_secrets: Vec::new(),
        connected: None,
        customer: None,
        payment_method: method.to_owned(),
    }
}

/// Counts what there is.
pub(super) async fn count(stage: &Stage, home: Home) -> Result<Counts> {
    let mut cx = stage.cx(home).await?;
    let now = cx.now();
    let mut counts = Counts {
        principals: BTreeMap::new(),
        policies: policy::list(&mut cx, None, None, ALL).await?.rows.len(),
        x402_vendors: 0,
        intents: BTreeMap::new(),
        mandates: BTreeMap::new(),
        payments: BTreeMap::new(),
        receipts: receipt::head(&mut cx).await?.sequence,
    };
    for agent in principal::list(&mut cx, None, None, ALL).await?.rows {
        *counts.principals.entry(agent.risk.word()).or_default() += 1;
    }
    let vendors = vendor::list(&mut cx, None, None, ALL).await?.rows;
    counts.x402_vendors = vendors.iter().filter(|vendor| vendor.x402_endpoint.is_some()).count();
    for intent in intent::list(&mut cx, intent::Filter::default(), None, ALL).await?.rows {
        *counts.intents.entry(intent.status.word()).or_default() += 1;
    }
    for mandate in mandate::list(&mut cx, mandate::Filter::default(), None, ALL).await?.rows {
        *counts.mandates.entry(mandate.status_at(now).word()).or_default() += 1;
    }
    for payment in payment::list(&mut cx, payment::Filter::default(), None, ALL).await?.rows {
        *counts.payments.entry(payment.status.word()).or_default() += 1;
    }
    Ok(counts)
}
