//! Plans: what is sold, as dated rows. A subscription keeps the row that it was sold at.

mod form;
mod store;
pub mod term;
#[cfg(test)]
mod tests;

pub use form::{Problems, Typed};
pub use store::{get, history, named};

use base::{Currency, Error, Money, Result, Time};
use db::Cx;
use serde::{Deserialize, Serialize};

base::id_type!(
    /// One dated row of a plan.
    PlanId
);

/// Which plan.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    sqlx::Type
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "billing.plan_code", rename_all = "snake_case")]
pub enum Code {
    /// The smallest.
    Ignition,
    /// The middle one.
    Velocity,
    /// The largest.
    Dominance,
}

impl Code {
    /// Every plan, the smallest first.
    pub const ALL: [Self; 3] = [Self::Ignition, Self::Velocity, Self::Dominance];

    /// The word in forms and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ignition => "ignition",
            Self::Velocity => "velocity",
            Self::Dominance => "dominance",
        }
    }
}

impl std::str::FromStr for Code {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|code| code.word() == text)
            .ok_or_else(|| base::Error::invalid("plan.unknown", format!("“{text}” is not a plan.")))
    }
}

/// A plan as sold from an instant on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
pub struct Plan {
    /// Which row.
    pub id: PlanId,
    /// Which plan.
    pub code: Code,
    /// What it is called.
    pub name: String,
    /// For a month, in minor units, before a founding member's discount.
    pub price_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Whether the price holds GST already; if not, it comes on top.
    pub gst_inclusive: bool,
    /// Credits of a month: one for each enriched lead.
    pub leads: i32,
    /// Campaigns that may be active at once.
    pub campaigns: i32,
    /// LinkedIn seats.
    pub seats: i32,
    /// People of the organisation, open invitations included; none: as many as they like.
    pub people: Option<i32>,
    /// From when on it is sold so.
    pub valid_from: Time,
    /// Where the figures come from.
    pub source: String,
}

impl Plan {
    /// The price of a month.
    ///
    /// # Errors
    /// Internal for a currency that is not kept here.
    pub fn price(&self) -> Result<Money> {
        let currency: Currency = self.currency.parse()?;
        Ok(Money { minor: self.price_minor, currency })
    }

    /// The price of a month with a discount, rounded half up.
    ///
    /// # Errors
    /// As [`Plan::price`].
    pub fn price_with(&self, percent_off: i32) -> Result<Money> {
        let full = self.price()?;
        Ok(Money { minor: (full.minor * i64::from(100 - percent_off) + 50) / 100, ..full })
    }
}

/// A plan as it is to be sold from an instant on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct New {
    /// Which plan.
    pub code: Code,
    /// What it is called.
    pub name: String,
    /// For a month, before a founding member's discount.
    pub price: Money,
    /// Whether the price holds GST already.
    pub gst_inclusive: bool,
    /// Credits of a month.
    pub leads: i32,
    /// Campaigns that may be active at once.
    pub campaigns: i32,
    /// LinkedIn seats.
    pub seats: i32,
    /// People of the organisation; none: as many as they like.
    pub people: Option<i32>,
    /// From when on.
    pub valid_from: Time,
    /// Where the figures come from.
    pub source: String,
}

impl New {
    /// Whether a row says the same.
    fn is(&self, row: &Plan) -> bool {
        let price = (self.price.minor, self.price.currency.code());
        let amounts = (self.leads, self.campaigns, self.seats, self.people);
        self.code == row.code
            && self.name == row.name
            && self.gst_inclusive == row.gst_inclusive
            && price == (row.price_minor, row.currency.as_str())
            && amounts == (row.leads, row.campaigns, row.seats, row.people)
    }
}

/// Writes a row that counts from its instant on: whoever has no subscription has its figures then, whoever buys
/// it gets them; a subscription keeps the row that it was sold at. No row is ever changed. Runs across tenants,
/// for whoever runs the installation.
///
/// # Errors
/// Conflict `plan.dated` where a row of the plan begins at that instant already; refused `plan.same` where it
/// would say what counts then anyway.
pub async fn add(cx: &mut Cx, new: &New) -> Result<PlanId> {
    let before =
        history(cx).await?.into_iter().find(|row| row.code == new.code && row.valid_from <= new.valid_from);
    if before.is_some_and(|row| new.is(&row)) {
        return Err(Error::refused("plan.same", "That is what counts then anyway: nothing would change."));
    }
    cx.because(&new.source).await?;
    let id = cx.id::<PlanId>();
    store::insert(cx, id, new).await.map_err(|cause| {
        if base::error::constraint(&cause) == Some("plan_since") {
            Error::conflict(
                "plan.dated",
                "A row of this plan begins on that day already. Choose another day.",
            )
        } else {
            Error::from(cause)
        }
    })?;
    Ok(id)
}

/// What is sold now, the smallest first.
pub async fn on_sale(cx: &mut Cx) -> Result<Vec<Plan>> {
    store::on_sale(cx).await
}

/// What is sold now under a code.
///
/// # Errors
/// Not found.
pub async fn current(cx: &mut Cx, code: Code) -> Result<Plan> {
    let all = on_sale(cx).await?;
    all.into_iter().find(|plan| plan.code == code).ok_or_else(|| base::Error::not_found("plan"))
}
