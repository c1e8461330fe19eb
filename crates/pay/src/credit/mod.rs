//! Credit: what a tenant holds here to pay over the ledger. It comes in two kinds: paid credit, when money
//! arrived at a payment provider, and trial credit, which is given away, is spent first and never becomes
//! cash. Whoever runs the installation books both, each under a reference of its own.
//!
//! Invariant: a reference is booked once; the same one with another amount is refused.

pub(crate) mod api;
#[cfg(test)]
mod tests;

use crate::intent;
use crate::rail::Rail;
use base::{Currency, Error, Money, Result};
use db::{Cx, Fact};
use ledger::account::Key;
use ledger::{Act, Chart, Leg, Outcome, Purpose, Step, TransferId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// The longest reference, in characters.
pub const REFERENCE_CHARS_MAX: usize = 100;

/// Where credit comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is given away.
    Trial,
    /// The money arrived at a provider.
    Paid,
}

/// Credit to be booked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// Where it comes from.
    pub kind: Kind,
    /// How much: a whole number of minor units, above 0.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// What it is called outside, once: the provider's name of the payment, or a grant's number; 1 to 100
    /// characters.
    pub reference: String,
    /// Over which provider paid credit came: `stripe` (the default), `cashfree` or `x402`.
    #[serde(default)]
    pub rail: Option<Rail>,
}

/// Credit that was booked, and what is held since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Credit {
    /// The step in the ledger.
    pub transfer_id: Uuid,
    /// Where it came from.
    pub kind: Kind,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// What it is called outside.
    pub reference: String,
    /// Paid credit that may be spent now, in minor units.
    pub paid_minor: i64,
    /// Trial credit that may be spent now.
    pub trial_minor: i64,
}

/// Books credit of the tenant. The same reference again changes nothing.
///
/// # Errors
/// Invalid amount, reference or rail; conflict (`credit.reference_used`) when the reference stands for
/// another amount.
pub async fn add(cx: &mut Cx, new: &New) -> Result<Credit> {
    let (tenant, amount) = (cx.tenant()?, intent::amount(new.amount_minor, new.currency)?);
    let reference = reference(&new.reference)?;
    let (wallet, trial) = (Key::wallet(tenant, amount.currency), Key::trial(tenant, amount.currency));
    let (from, to, purpose) = match new.kind {
        Kind::Paid => (provider(new.rail.unwrap_or(Rail::Stripe), amount)?, wallet, Purpose::TopUp),
        Kind::Trial if new.rail.is_some() => {
            return Err(Error::invalid("credit.rail", "Trial credit is given away: it comes over no rail."));
        }
        Kind::Trial => (Key::platform(Chart::PromoCredit, amount.currency)?, trial, Purpose::TrialGrant),
    };
    ledger::account::open(cx, &[from, wallet, trial]).await?;
    let id = TransferId(tenant.uuid()).derived(&format!("credit:{reference}"));
    let act = Act::Transfer { legs: vec![Leg::new(from.id(), to.id(), amount)] };
    let step = Step::new(id, purpose, act).noted(format!("credit {reference}"));
    match ledger::apply(cx, &[step]).await?.into_iter().next() {
        Some(Outcome::IdConflict) => {
            return Err(Error::conflict(
                "credit.reference_used",
                format!("“{reference}” was booked with another amount. Use a reference of its own."),
            ));
        }
        Some(Outcome::Done) => {
            let detail = json!({ "kind": new.kind, "amount_minor": amount.minor, "currency": amount.currency, "reference": reference });
            cx.note("pay.credit.added", "ledger.transfer", Some(id.to_string()), detail.clone()).await?;
            cx.publish(Fact::about("pay.credit.added", id.uuid()).with(detail)).await?;
        }
        Some(outcome) => outcome.ok()?,
        None => return Err(Error::internal("The ledger said nothing about a step.")),
    }
    Ok(Credit {
        transfer_id: id.uuid(),
        kind: new.kind,
        amount_minor: amount.minor,
        currency: amount.currency,
        reference,
        paid_minor: ledger::account::find(cx, wallet.id()).await?.available(),
        trial_minor: ledger::account::find(cx, trial.id()).await?.available(),
    })
}

fn reference(text: &str) -> Result<String> {
    let text = text.trim();
    let sound = (1..=REFERENCE_CHARS_MAX).contains(&text.chars().count()) && !text.contains(char::is_control);
    sound.then(|| text.to_owned()).ok_or_else(|| {
        Error::invalid("credit.reference", "A reference has 1 to 100 characters, none of them for control.")
    })
}

/// The account of the provider at which money arrived.
fn provider(rail: Rail, amount: Money) -> Result<Key> {
    let chart = match rail {
        Rail::Stripe => Chart::PspStripe,
        Rail::Cashfree => Chart::PspCashfree,
        Rail::X402 => Chart::PspX402,
        Rail::Ledger => {
            return Err(Error::invalid("credit.rail", "Money arrives over stripe, cashfree or x402."));
        }
    };
    Key::platform(chart, amount.currency)
}
