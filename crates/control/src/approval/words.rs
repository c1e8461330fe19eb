//! The words of approvals and which moves are allowed.

use base::{Error, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a decision stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "control.approval_status", rename_all = "snake_case")]
pub enum Status {
    /// Waits.
    Pending,
    /// A person said yes to exactly this content.
    Approved,
    /// A person said no.
    Rejected,
    /// Nobody decided in time: it is not done.
    Expired,
    /// Whoever asked took it back.
    Withdrawn,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Approved, Self::Rejected, Self::Expired, Self::Withdrawn];

    /// The word in the database, forms and facts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|status| status.word() == text).ok_or_else(|| {
            Error::invalid("approval.status", format!("“{text}” is not a status of an approval."))
        })
    }
}

/// How much harm a wrong yes does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Hardly any.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Look closely.
    High,
}

impl Risk {
    /// Every risk.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    /// The word in the database and forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

impl std::str::FromStr for Risk {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|risk| risk.word() == text)
            .ok_or_else(|| Error::invalid("approval.risk", format!("“{text}” is not a risk.")))
    }
}

/// Which approvals are meant.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Only this status; the queue is `pending`.
    pub status: Status,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this campaign.
    pub campaign: Option<Uuid>,
    /// Only this risk.
    pub risk: Option<Risk>,
    /// Of the pending ones: those put off until later, in place of those that wait now.
    pub deferred: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self { status: Status::Pending, kind: None, campaign: None, risk: None, deferred: false }
    }
}

/// A reason, trimmed: 1-500 characters.
pub(super) fn reason(text: &str) -> Result<&str> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 500 {
        return Err(Error::invalid("approval.reason", "Say why, in 1 to 500 characters."));
    }
    Ok(text)
}
