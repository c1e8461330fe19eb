//! ALS, the Agency Lead Score (0-100): one pure function over one input type.
//!
//! Source of every number: the growth spec, "ALS score". A missing fact scores 0 with the reason
//! "unknown"; it is never guessed. The parts that are shown ([`Score::parts`]) always add up to the total, because what
//! the limit of 100 and the rounding to a whole number take or give are parts of their own.

pub mod bench;
pub mod boost;
mod change;
pub mod industry;
pub mod jobs;
pub mod pages;
mod parts;
pub mod policy;
pub mod preview;
pub mod rescore;
mod rules;
mod target;
pub mod title;
pub mod weights;
pub mod weights_pages;
mod words;

#[cfg(test)]
mod target_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod title_tests;
#[cfg(test)]
mod weights_tests;

pub use change::{Change, counterfactual, smallest_change};
pub use parts::{Boost, BoostKind, Component, ComponentKind, Hundredths, Part, Reason, Score};
pub use policy::{Permitted, Tier, permitted_channels};
pub use target::{Target, set_target, target};

use crate::Country;
use base::{Error, Time};
use serde::{Deserialize, Serialize};

/// The version of the formula, stored with each score.
pub const VERSION: u16 = 1;

/// What is known about an e-mail address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailState {
    /// A verifier confirmed the mailbox.
    Verified,
    /// The domain accepts every address.
    CatchAll,
    /// Nobody has checked.
    Unverified,
}

/// What is known about a phone number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneState {
    /// Confirmed to be the person's.
    Verified,
    /// Given, not confirmed.
    Present,
}

/// Everything the score looks at. `None` means unknown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// The instant of scoring.
    pub now: Time,
    /// The work address, if there is one.
    pub email: Option<EmailState>,
    /// The phone number, if there is one.
    pub phone: Option<PhoneState>,
    /// A LinkedIn profile is known.
    pub linkedin: bool,
    /// A personal address is known.
    pub personal_email: bool,
    /// Job title as given.
    pub title: Option<String>,
    /// The company's industry as given.
    pub industry: Option<String>,
    /// Number of employees.
    pub headcount: Option<u32>,
    /// Country of the company (else of the person).
    pub country: Option<Country>,
    /// When the present role began.
    pub role_started: Option<Time>,
    /// Whether the company is hiring.
    pub hiring: Option<bool>,
    /// When the company was last funded.
    pub funded_at: Option<Time>,
    /// Mail to the address has bounced.
    pub bounced: bool,
    /// The person has opted out.
    pub unsubscribed: bool,
    /// The company competes with the client.
    pub competitor: bool,
    /// Optional boosts with their explanations; each kind is capped.
    pub boosts: Vec<Boost>,
}

impl Input {
    /// A lead about whom nothing is known.
    pub fn unknown(now: Time) -> Self {
        Self {
            now,
            email: None,
            phone: None,
            linkedin: false,
            personal_email: false,
            title: None,
            industry: None,
            headcount: None,
            country: None,
            role_started: None,
            hiring: None,
            funded_at: None,
            bounced: false,
            unsubscribed: false,
            competitor: false,
            boosts: Vec::new(),
        }
    }
}

/// The client's ideal customer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Icp {
    /// Industries in the client's words.
    pub industries: Vec<String>,
    /// Fewest employees.
    pub min_employees: u32,
    /// Most employees.
    pub max_employees: u32,
    /// Countries.
    pub countries: Vec<Country>,
}

impl Default for Icp {
    /// Nothing but the default range of 5-50 employees.
    fn default() -> Self {
        Self { industries: Vec::new(), min_employees: 5, max_employees: 50, countries: Vec::new() }
    }
}

/// Weights of the five components in basis points; they sum to 10,000.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "[u16; 5]", into = "[u16; 5]")]
pub struct Weights([u16; 5]);

impl Weights {
    /// Weights in the order of [`ComponentKind::ALL`], in basis points. Errors unless they sum to 10,000.
    pub fn new(basis_points: [u16; 5]) -> Result<Self, Error> {
        let sum: u32 = basis_points.iter().copied().map(u32::from).sum();
        if sum == 10_000 {
            return Ok(Self(basis_points));
        }
        Err(Error::invalid(
            "score.weights",
            format!("The five weights must sum to 1; these sum to {}.{:04}.", sum / 10_000, sum % 10_000),
        ))
    }

    /// The weight of one component in basis points.
    pub fn of(&self, kind: ComponentKind) -> u16 {
        self.0[kind as usize]
    }
}

impl Default for Weights {
    /// .20 / .25 / .25 / .15 / .15: the plain sum of the points.
    fn default() -> Self {
        Self([2000, 2500, 2500, 1500, 1500])
    }
}

impl TryFrom<[u16; 5]> for Weights {
    type Error = Error;
    fn try_from(basis_points: [u16; 5]) -> Result<Self, Error> {
        Self::new(basis_points)
    }
}

impl From<Weights> for [u16; 5] {
    fn from(weights: Weights) -> Self {
        weights.0
    }
}

/// Scores a lead. Pure: the same input always gives the same score.
pub fn score(input: &Input, icp: &Icp, weights: &Weights) -> Score {
    let components = ComponentKind::ALL.map(|kind| {
        let reasons = rules::reasons(kind, input, icp, rules::Words::Wanted);
        let points = held(kind, &reasons);
        Component::new(kind, points, weights.of(kind), reasons)
    });
    Score::of(components, parts::capped(&input.boosts), *weights)
}

/// The points of one component: only Risk can fall below its floor of 0; none can pass its maximum.
fn held(kind: ComponentKind, reasons: &[Reason]) -> u8 {
    let sum: i32 = reasons.iter().map(|reason| reason.points).sum();
    u8::try_from(sum.clamp(0, i32::from(kind.max()))).unwrap_or(0)
}

/// A score without its explanation: the points of the components in order, those of the boosts, and what they give.
/// By the same rules as [`score`], for runs over many.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Points {
    /// The points of the five components, in order.
    pub components: [u8; 5],
    /// The points of the boosts together, within their caps.
    pub boosts: u8,
}

impl Points {
    /// Of one lead.
    pub fn of(input: &Input, icp: &Icp) -> Self {
        let components = ComponentKind::ALL
            .map(|kind| held(kind, &rules::reasons(kind, input, icp, rules::Words::Spared)));
        Self { components, boosts: parts::boosted(&parts::capped(&input.boosts)) }
    }

    /// The score that they give under these weights.
    pub fn total(&self, weights: &Weights) -> u8 {
        parts::total(self.components, self.boosts, weights).0
    }
}
