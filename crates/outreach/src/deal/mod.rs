//! Deals: what may come of a meeting, in stages with their probability.

pub mod board;
mod store;

pub use store::{Deal, by_stage, get, move_to, open, set_value, totals};

use serde::{Deserialize, Serialize};

base::id_type!(
    /// A deal.
    DealId
);

/// Where a deal stands.
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
#[sqlx(type_name = "outreach.deal_stage", rename_all = "snake_case")]
pub enum Stage {
    /// Is there a need, a budget, an authority, a time?
    Qualification,
    /// An offer is out.
    Proposal,
    /// Terms are talked about.
    Negotiation,
    /// They said yes.
    Verbal,
    /// A contract is out.
    Contract,
    /// Signed.
    Won,
    /// Not to be.
    Lost,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 7] = [
        Self::Qualification,
        Self::Proposal,
        Self::Negotiation,
        Self::Verbal,
        Self::Contract,
        Self::Won,
        Self::Lost,
    ];

    /// Probability of winning in percent (spec: 20, 40, 60, 80, 90, 100, 0).
    pub fn probability(self) -> u8 {
        match self {
            Self::Qualification => 20,
            Self::Proposal => 40,
            Self::Negotiation => 60,
            Self::Verbal => 80,
            Self::Contract => 90,
            Self::Won => 100,
            Self::Lost => 0,
        }
    }

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Qualification => "qualification",
            Self::Proposal => "proposal",
            Self::Negotiation => "negotiation",
            Self::Verbal => "verbal",
            Self::Contract => "contract",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Qualification => "Qualification",
            Self::Proposal => "Proposal",
            Self::Negotiation => "Negotiation",
            Self::Verbal => "Verbal yes",
            Self::Contract => "Contract",
            Self::Won => "Won",
            Self::Lost => "Lost",
        }
    }
}

impl std::str::FromStr for Stage {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self, base::Error> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.word() == text)
            .ok_or_else(|| base::Error::invalid("deal.stage", format!("“{text}” is not a stage of a deal.")))
    }
}

/// Why deals are lost: a closed list, so that reasons can be counted.
pub const LOST_REASONS: [(&str, &str); 10] = [
    ("price_too_high", "Price too high"),
    ("chose_competitor", "Chose a competitor"),
    ("no_budget", "No budget"),
    ("timing_not_right", "Timing not right"),
    ("no_decision", "No decision"),
    ("champion_left", "Our champion left"),
    ("project_cancelled", "Project cancelled"),
    ("went_silent", "Went silent"),
    ("bad_fit", "Bad fit"),
    ("other", "Other"),
];
