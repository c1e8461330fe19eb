//! Constraints of open checkout mandates.

use super::payment::hidden;
use super::{Violation, kind, line_items};
use crate::mandate::{Checkout, Merchant, OpenCheckout, required};
use crate::sdjwt::Disclosures;
use crate::{Error, Json, Result};
use base::Random;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A product that may be bought for a requirement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AcceptableItem {
    /// Id, often the SKU.
    pub id: String,
    /// Name, for people.
    #[serde(default)]
    pub title: String,
}

/// An entry of `checkout.line_items`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineRequirement {
    /// Id of the requirement.
    pub id: String,
    /// Products, any of which may be bought for it, as far as they were disclosed.
    pub acceptable_items: Vec<AcceptableItem>,
    /// How many in sum: exactly.
    pub quantity: u32,
}

/// A constraint of an open checkout mandate.
#[derive(Clone, PartialEq, Debug)]
pub enum CheckoutConstraint {
    /// `checkout.allowed_merchants`, as far as they were disclosed.
    AllowedMerchants(Vec<Merchant>),
    /// `checkout.line_items`: what is to be bought, no more and no less.
    LineItems(Vec<LineRequirement>),
    /// A type that is not known here, or one that could not be read: never met.
    Unknown {
        /// The constraint as it was signed.
        signed: Json,
        /// Why it cannot be judged.
        why: String,
    },
}

impl CheckoutConstraint {
    /// The type as it is written.
    pub fn kind(&self) -> &str {
        match self {
            Self::AllowedMerchants(_) => "checkout.allowed_merchants",
            Self::LineItems(_) => "checkout.line_items",
            Self::Unknown { signed, .. } => kind(signed),
        }
    }

    /// Reads a constraint; what cannot be read becomes [`CheckoutConstraint::Unknown`].
    pub fn read(json: &Json) -> Self {
        Self::known(json).unwrap_or_else(|cause| Self::Unknown { signed: json.clone(), why: cause.message })
    }

    fn known(json: &Json) -> Result<Self> {
        match kind(json) {
            "checkout.allowed_merchants" => Ok(Self::AllowedMerchants(required(json, "allowed")?)),
            "checkout.line_items" => {
                let items: Vec<LineRequirement> = required(json, "items")?;
                if items.is_empty() || items.iter().any(|item| item.quantity == 0) {
                    return Err(Error::unresolved("The constraint asks for nothing."));
                }
                Ok(Self::LineItems(items))
            }
            other => Err(Error::unresolved(format!("“{other}” is not a constraint that is known here."))),
        }
    }

    pub(crate) fn write(&self, disclosures: &mut Disclosures, random: &Random) -> Value {
        match self {
            Self::AllowedMerchants(list) => hidden(self.kind(), list, disclosures, random),
            Self::LineItems(items) => {
                let mut written = Vec::with_capacity(items.len());
                for item in items {
                    let acceptable: Vec<Value> = item
                        .acceptable_items
                        .iter()
                        .map(|acceptable| disclosures.element(&json!(acceptable), random))
                        .collect();
                    written.push(
                        json!({"id": item.id, "acceptable_items": acceptable, "quantity": item.quantity}),
                    );
                }
                json!({"type": self.kind(), "items": written})
            }
            Self::Unknown { signed, .. } => signed.to_value(),
        }
    }

    fn evaluate(&self, checkout: &Checkout) -> Option<Violation> {
        match self {
            Self::AllowedMerchants(list) => match &checkout.merchant {
                Some(merchant) if list.iter().any(|entry| entry.stands_for(merchant)) => None,
                Some(merchant) => Some(Violation::of(
                    self.kind(),
                    format!("“{}” is not among the merchants.", merchant.name),
                )),
                None => Some(Violation::of(self.kind(), "The checkout does not say who sells.")),
            },
            Self::LineItems(items) => match line_items::matches(items, &checkout.line_items) {
                Ok(true) => None,
                Ok(false) => Some(Violation::of(
                    self.kind(),
                    "The lines of the checkout are not what the mandate asks for.",
                )),
                Err(cause) => Some(Violation::unresolved(self.kind(), cause.message)),
            },
            Self::Unknown { why, .. } => Some(Violation::unresolved(self.kind(), why.clone())),
        }
    }
}

impl OpenCheckout {
    /// Every rule that a checkout breaks under this mandate.
    pub fn evaluate(&self, checkout: &Checkout) -> Vec<Violation> {
        let mut found: Vec<Violation> =
            self.constraints.iter().filter_map(|constraint| constraint.evaluate(checkout)).collect();
        if !self.constraints.iter().any(|constraint| matches!(constraint, CheckoutConstraint::LineItems(_))) {
            found.push(Violation::unresolved(
                "checkout.line_items",
                "The mandate does not say what may be bought.",
            ));
        }
        found
    }
}
