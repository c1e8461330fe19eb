//! Constraints of open payment mandates.

use super::recurrence::Recurrence;
use super::{Violation, kind};
use crate::mandate::{ClosedPayment, Instrument, Merchant, OpenPayment, Pisp};
use crate::mandate::{changed, instant, optional, required};
use crate::sdjwt::Disclosures;
use crate::{Amount, CurrencyCode, Error, Json, Result};
use base::{Random, Time, Zone};
use serde::Serialize;
use serde_json::{Value, json};

/// `payment.amount_range`, minor units, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AmountRange {
    /// The currency that is allowed.
    pub currency: CurrencyCode,
    /// The least amount; none for no lower end.
    pub min: Option<i64>,
    /// The greatest amount.
    pub max: i64,
}

/// `payment.execution_date`: a span of time, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Window {
    /// Not earlier.
    pub not_before: Option<Time>,
    /// Not later.
    pub not_after: Option<Time>,
}

/// A constraint of an open payment mandate.
#[derive(Clone, PartialEq, Debug)]
pub enum PaymentConstraint {
    /// `payment.amount_range`: each payment.
    AmountRange(AmountRange),
    /// `payment.budget`: all payments together.
    Budget(Amount),
    /// `payment.agent_recurrence`: how often.
    AgentRecurrence(Recurrence),
    /// `payment.allowed_payees`, as far as they were disclosed.
    AllowedPayees(Vec<Merchant>),
    /// `payment.allowed_payment_instruments`, as far as they were disclosed.
    AllowedInstruments(Vec<Instrument>),
    /// `payment.allowed_pisps`.
    AllowedPisps(Vec<Pisp>),
    /// `payment.execution_date`: when.
    ExecutionDate(Window),
    /// `payment.reference`: only for checkouts under the open checkout mandate with this hash.
    Reference(String),
    /// A type that is not known here, or one that could not be read: never met.
    Unknown {
        /// The constraint as it was signed.
        signed: Json,
        /// Why it cannot be judged.
        why: String,
    },
}

/// What has been done under an open mandate so far, from the caller's ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Minor units of accepted payments, in the mandate's currency, open reservations included.
    pub spent_minor: i64,
    /// Number of accepted payments.
    pub uses: u32,
    /// The last of them.
    pub last_used: Option<Time>,
}

/// The checkout that a payment is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckoutLink {
    /// `sd_hash` of each open checkout mandate in its chain; empty when a person approved directly.
    pub open_hashes: Vec<String>,
    /// `checkout_hash`.
    pub checkout_hash: String,
    /// What the merchant asks for.
    pub total: Amount,
    /// Who sells, where the checkout says so.
    pub merchant: Option<Merchant>,
}

/// Circumstances of a payment.
#[derive(Clone, Copy, Debug)]
pub struct PaymentContext<'a> {
    /// The present instant.
    pub now: Time,
    /// What was done under this mandate.
    pub usage: Usage,
    /// The checkout, where there is one.
    pub checkout: Option<&'a CheckoutLink>,
}

impl PaymentConstraint {
    /// The type as it is written.
    pub fn kind(&self) -> &str {
        match self {
            Self::AmountRange(_) => "payment.amount_range",
            Self::Budget(_) => "payment.budget",
            Self::AgentRecurrence(_) => "payment.agent_recurrence",
            Self::AllowedPayees(_) => "payment.allowed_payees",
            Self::AllowedInstruments(_) => "payment.allowed_payment_instruments",
            Self::AllowedPisps(_) => "payment.allowed_pisps",
            Self::ExecutionDate(_) => "payment.execution_date",
            Self::Reference(_) => "payment.reference",
            Self::Unknown { signed, .. } => kind(signed),
        }
    }

    /// The sum that all payments together may reach, if this is that limit.
    pub fn budget(&self) -> Option<Amount> {
        if let Self::Budget(budget) = self { Some(*budget) } else { None }
    }

    /// How often the mandate may be used, if this is that limit.
    pub fn recurrence(&self) -> Option<&Recurrence> {
        if let Self::AgentRecurrence(recurrence) = self { Some(recurrence) } else { None }
    }

    /// Reads a constraint; what cannot be read becomes [`PaymentConstraint::Unknown`].
    pub fn read(json: &Json) -> Self {
        Self::known(json).unwrap_or_else(|cause| Self::Unknown { signed: json.clone(), why: cause.message })
    }

    fn known(json: &Json) -> Result<Self> {
        Ok(match kind(json) {
            "payment.amount_range" => Self::AmountRange(range(json)?),
            "payment.budget" => {
                let currency: CurrencyCode = required(json, "currency")?;
                let Some(Json::Number(max)) = json.get("max") else {
                    return Err(Error::unresolved("“max” of a budget is a number."));
                };
                Self::Budget(Amount { minor: currency.minor_units(max)?, currency })
            }
            "payment.agent_recurrence" => Self::AgentRecurrence(Recurrence {
                frequency: required(json, "frequency")?,
                max_occurrences: optional(json, "max_occurrences")?,
                zone: optional::<Zone>(json, "time_zone")?.unwrap_or_else(Zone::utc),
            }),
            "payment.allowed_payees" => Self::AllowedPayees(required(json, "allowed")?),
            "payment.allowed_payment_instruments" => Self::AllowedInstruments(required(json, "allowed")?),
            "payment.allowed_pisps" => Self::AllowedPisps(required(json, "allowed")?),
            "payment.execution_date" => {
                let at = |name: &str| -> Result<Option<Time>> {
                    optional::<String>(json, name)?.as_deref().map(instant).transpose()
                };
                Self::ExecutionDate(Window { not_before: at("not_before")?, not_after: at("not_after")? })
            }
            "payment.reference" => Self::Reference(required(json, "conditional_transaction_id")?),
            other => {
                return Err(Error::unresolved(format!("“{other}” is not a constraint that is known here.")));
            }
        })
    }

    /// The constraint as JSON; entries of lists go behind digests where AP2 lets holders withhold them.
    pub(crate) fn write(&self, disclosures: &mut Disclosures, random: &Random) -> Result<Value> {
        let kind = self.kind();
        Ok(match self {
            Self::AmountRange(range) => match range.min {
                Some(min) => json!({"type": kind, "currency": range.currency, "min": min, "max": range.max}),
                None => json!({"type": kind, "currency": range.currency, "max": range.max}),
            },
            Self::Budget(budget) => {
                let max = budget.currency.major_units(budget.minor)?;
                json!({"type": kind, "max": max, "currency": budget.currency})
            }
            Self::AgentRecurrence(recurrence) => {
                let mut value = json!({"type": kind, "frequency": recurrence.frequency});
                if let Some(max) = recurrence.max_occurrences {
                    value["max_occurrences"] = json!(max);
                }
                if recurrence.zone != Zone::utc() {
                    value["time_zone"] = json!(recurrence.zone);
                }
                value
            }
            Self::AllowedPayees(list) => hidden(kind, list, disclosures, random),
            Self::AllowedInstruments(list) => hidden(kind, list, disclosures, random),
            Self::AllowedPisps(list) => json!({"type": kind, "allowed": list}),
            Self::ExecutionDate(window) => {
                let mut value = json!({"type": kind});
                for (name, at) in [("not_before", window.not_before), ("not_after", window.not_after)] {
                    if let Some(at) = at {
                        value[name] = json!(at.to_string());
                    }
                }
                value
            }
            Self::Reference(hash) => json!({"type": kind, "conditional_transaction_id": hash}),
            Self::Unknown { why, .. } => {
                return Err(Error::unresolved(format!(
                    "A constraint that cannot be judged is not signed here: {why}"
                )));
            }
        })
    }

    fn evaluate(&self, closed: &ClosedPayment, context: &PaymentContext<'_>) -> Option<Violation> {
        let broken = |message: String| Some(Violation::of(self.kind(), message));
        match self {
            Self::AmountRange(range) => {
                let Amount { minor, currency } = closed.amount;
                if currency != range.currency {
                    return broken(format!("The payment is in {currency}, allowed is {}.", range.currency));
                }
                let low = range.min.is_some_and(|min| minor < min);
                (low || minor > range.max).then(|| {
                    let min = range.min.unwrap_or(0);
                    Violation::of(self.kind(), format!("{minor} is not between {min} and {}.", range.max))
                })
            }
            Self::Budget(budget) => over_budget(*budget, closed.amount, context.usage.spent_minor)
                .map(|message| Violation::of(self.kind(), message)),
            Self::AgentRecurrence(recurrence) => self.too_often(recurrence, context),
            Self::AllowedPayees(list) => {
                (!list.iter().any(|entry| entry.stands_for(&closed.payee))).then(|| {
                    Violation::of(self.kind(), format!("“{}” is not among the payees.", closed.payee.name))
                })
            }
            Self::AllowedInstruments(list) => {
                let found =
                    list.iter().any(|i| i.id == closed.instrument.id && i.kind == closed.instrument.kind);
                (!found).then(|| {
                    Violation::of(
                        self.kind(),
                        format!("“{}” is not among the instruments.", closed.instrument.id),
                    )
                })
            }
            Self::AllowedPisps(list) => match &closed.pisp {
                Some(pisp) if list.contains(pisp) => None,
                Some(pisp) => broken(format!("“{}” is not among the initiators.", pisp.domain_name)),
                None => broken("The payment does not say who initiates it (pisp).".to_owned()),
            },
            Self::ExecutionDate(window) => {
                // Without a date a payment is executed at once.
                let at = closed.execution_date.unwrap_or(context.now);
                let early = window.not_before.is_some_and(|not_before| at < not_before);
                let late = window.not_after.is_some_and(|not_after| at > not_after);
                (early || late)
                    .then(|| Violation::of(self.kind(), format!("{at} is outside the time allowed.")))
            }
            Self::Reference(hash) => match context.checkout {
                Some(checkout) if checkout.open_hashes.contains(hash) => None,
                Some(_) => broken("The payment is for a checkout under another mandate.".to_owned()),
                None => Some(Violation::unresolved(
                    self.kind(),
                    "The checkout that the payment is for was not shown.",
                )),
            },
            Self::Unknown { why, .. } => Some(Violation::unresolved(self.kind(), why.clone())),
        }
    }

    fn too_often(&self, recurrence: &Recurrence, context: &PaymentContext<'_>) -> Option<Violation> {
        let usage = context.usage;
        if recurrence.max_occurrences.is_some_and(|max| usage.uses >= max) {
            return Some(Violation::of(
                self.kind(),
                format!("It was used {} times, and may not be more often.", usage.uses),
            ));
        }
        if recurrence.allows(usage.last_used, context.now) {
            return None;
        }
        let opens = usage.last_used.and_then(|last| recurrence.opens_on(last));
        let day = opens.map(|day| day.to_string()).unwrap_or_default();
        Some(Violation::of(self.kind(), format!("It may be used again on {day} ({}).", recurrence.zone)))
    }
}

fn range(json: &Json) -> Result<AmountRange> {
    let range = AmountRange {
        currency: required(json, "currency")?,
        min: optional(json, "min")?,
        max: required(json, "max")?,
    };
    if range.max <= 0 || range.min.is_some_and(|min| min < 0 || min > range.max) {
        return Err(Error::unresolved("The range holds no amount."));
    }
    Ok(range)
}

fn over_budget(budget: Amount, amount: Amount, spent: i64) -> Option<String> {
    if amount.currency != budget.currency {
        return Some(format!("The payment is in {}, the budget in {}.", amount.currency, budget.currency));
    }
    let fits = spent >= 0 && spent.checked_add(amount.minor).is_some_and(|sum| sum <= budget.minor);
    (!fits).then(|| {
        format!("{spent} spent and {} more would pass the budget of {}.", amount.minor, budget.minor)
    })
}

/// A list whose entries are disclosed one by one.
pub(super) fn hidden<T: Serialize>(
    kind: &str,
    list: &[T],
    disclosures: &mut Disclosures,
    random: &Random,
) -> Value {
    let entries: Vec<Value> = list.iter().map(|entry| disclosures.element(&json!(entry), random)).collect();
    json!({"type": kind, "allowed": entries})
}

impl OpenPayment {
    /// Every rule that a payment breaks under this mandate: its constraints, its preset claims,
    /// and what holds without being written.
    pub fn evaluate(&self, closed: &ClosedPayment, context: &PaymentContext<'_>) -> Vec<Violation> {
        let mut found: Vec<Violation> =
            self.constraints.iter().filter_map(|constraint| constraint.evaluate(closed, context)).collect();
        for name in changed(&self.preset, &closed.signed) {
            found.push(Violation::of(
                "preset",
                format!("The mandate fixes “{name}”, and the payment changes it."),
            ));
        }
        let has = |wanted: fn(&PaymentConstraint) -> bool| self.constraints.iter().any(wanted);
        if has(|c| c.recurrence().is_some()) {
            for (missing, name) in [
                (!has(|c| matches!(c, PaymentConstraint::AmountRange(_))), "payment.amount_range"),
                (!has(|c| c.budget().is_some()), "payment.budget"),
            ] {
                if missing {
                    found.push(Violation::of(
                        name,
                        "A mandate for several payments limits each of them and their sum.",
                    ));
                }
            }
        } else if context.usage.uses > 0 {
            found.push(Violation::of("single_use", "The mandate allows one payment, and it has been made."));
        }
        let by_agent = context.checkout.is_some_and(|checkout| !checkout.open_hashes.is_empty());
        if by_agent && !has(|c| matches!(c, PaymentConstraint::Reference(_))) {
            found.push(Violation::of(
                "payment.reference",
                "The mandate is not tied to the mandate of the checkout.",
            ));
        }
        found
    }
}
