//! Words and thresholds of budgets.

use base::{Error, Result};
use serde::{Deserialize, Serialize};

/// A call that costs more than this many times its estimate stops its agent.
pub const RUNAWAY_FACTOR: i64 = 5;

/// Share of a cap, in percent, at which people are told once a period.
pub(super) const ALERT_PERCENT: i64 = 80;

/// Reservations that are older than this, in seconds, are looked at by the reconciler.
pub(super) const FORGOTTEN_AFTER_S: i64 = 15 * 60;

/// What a budget limits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "control.budget_scope", rename_all = "snake_case")]
pub enum Scope {
    /// The whole installation.
    Platform,
    /// One client.
    Client,
    /// One campaign, by its id.
    Campaign,
    /// One agent, by its name.
    Agent,
    /// One outside service, by its name.
    Provider,
}

impl Scope {
    /// Every scope, the widest first.
    pub const ALL: [Self; 5] = [Self::Platform, Self::Client, Self::Campaign, Self::Agent, Self::Provider];

    /// The word in the database, forms and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Client => "client",
            Self::Campaign => "campaign",
            Self::Agent => "agent",
            Self::Provider => "provider",
        }
    }

    /// Whether it needs the name of what is limited.
    pub fn is_named(self) -> bool {
        match self {
            Self::Platform | Self::Client => false,
            Self::Campaign | Self::Agent | Self::Provider => true,
        }
    }

    /// In a sentence: "the campaign 0197…", "this client".
    pub fn says(self, target: Option<&str>) -> String {
        match self {
            Self::Platform => "the whole installation".to_owned(),
            Self::Client => "this client".to_owned(),
            Self::Campaign | Self::Agent | Self::Provider => {
                format!("the {} {}", self.word(), target.unwrap_or("?"))
            }
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.word() == text)
            .ok_or_else(|| Error::invalid("budget.scope", format!("“{text}” is not something to limit.")))
    }
}

/// How long a budget counts before it begins again, in its zone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "control.budget_period", rename_all = "snake_case")]
pub enum Period {
    /// A calendar day.
    Day,
    /// A calendar month.
    Month,
}

impl Period {
    /// Every period.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// The word in the database, forms and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl std::str::FromStr for Period {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|period| period.word() == text)
            .ok_or_else(|| Error::invalid("budget.period", format!("“{text}” is not a period.")))
    }
}

/// Where a metered call stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "control.spend_state", rename_all = "snake_case")]
pub enum State {
    /// Money is set aside.
    Reserved,
    /// It cost what it cost.
    Settled,
    /// It did not happen.
    Released,
}

impl State {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Settled => "settled",
            Self::Released => "released",
        }
    }
}

/// Whether a call ran away.
pub(super) fn is_runaway(estimate_micros: i64, cost_micros: i64) -> bool {
    cost_micros > estimate_micros.saturating_mul(RUNAWAY_FACTOR)
}
