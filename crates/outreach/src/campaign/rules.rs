//! States of a campaign and the moves between them; what its settings may be.

use crate::channel::Channel;
use base::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a campaign stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[derive(sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "outreach.campaign_status", rename_all = "snake_case")]
pub enum Status {
    /// Being prepared.
    Draft,
    /// Ready; somebody must allow it to begin.
    PendingApproval,
    /// Works.
    Active,
    /// Held by a person or a rule.
    Paused,
    /// Over; never begins again.
    Completed,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Draft, Self::PendingApproval, Self::Active, Self::Paused, Self::Completed];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::PendingApproval => "pending_approval",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Completed => "completed",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::PendingApproval => "Waits for approval",
            Self::Active => "Active",
            Self::Paused => "Paused",
            Self::Completed => "Completed",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|status| status.word() == text).ok_or_else(|| {
            Error::invalid("campaign.status", format!("“{text}” is not a state of a campaign."))
        })
    }
}

/// What can be done with a campaign.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Move {
    /// Ask for permission to begin.
    Ask,
    /// Back to preparation.
    Withdraw,
    /// Begin.
    Activate,
    /// Hold.
    Pause,
    /// Go on.
    Resume,
    /// End for good.
    Complete,
}

impl Move {
    /// Every move.
    pub const ALL: [Self; 6] =
        [Self::Ask, Self::Withdraw, Self::Activate, Self::Pause, Self::Resume, Self::Complete];

    /// The state after the move, if it is allowed from this one.
    pub fn after(self, status: Status) -> Option<Status> {
        match (self, status) {
            (Self::Ask, Status::Draft) => Some(Status::PendingApproval),
            (Self::Withdraw, Status::PendingApproval) => Some(Status::Draft),
            (Self::Activate, Status::Draft | Status::PendingApproval) => Some(Status::Active),
            (Self::Pause, Status::Active) => Some(Status::Paused),
            (Self::Resume, Status::Paused) => Some(Status::Active),
            (Self::Complete, Status::Active | Status::Paused) => Some(Status::Completed),
            (
                Self::Ask | Self::Withdraw | Self::Activate | Self::Pause | Self::Resume | Self::Complete,
                _,
            ) => None,
        }
    }

    /// The states from which it is allowed.
    pub fn sources(self) -> Vec<Status> {
        Status::ALL.into_iter().filter(|status| self.after(*status).is_some()).collect()
    }

    /// In a sentence: "cannot be …".
    pub fn done(self) -> &'static str {
        match self {
            Self::Ask => "sent for approval",
            Self::Withdraw => "taken back",
            Self::Activate => "activated",
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Complete => "completed",
        }
    }
}

/// Percent by channel.
pub type Allocation = BTreeMap<Channel, u8>;

/// Everything by e-mail.
pub fn all_email() -> Allocation {
    BTreeMap::from([(Channel::Email, 100)])
}

/// Checks that an allocation sums to 100.
pub fn check_allocation(allocation: &Allocation) -> Result<()> {
    let sum: u32 = allocation.values().map(|percent| u32::from(*percent)).sum();
    if sum != 100 {
        return Err(Error::invalid(
            "campaign.allocation",
            format!("The channels' shares add up to {sum} %; they must add up to 100 %."),
        ));
    }
    Ok(())
}

/// Of a campaign's messages of a day, those that a channel may have: its share, rounded up.
pub fn share(allocation: &Allocation, channel: Channel, daily: i32) -> i32 {
    let percent = i32::from(allocation.get(&channel).copied().unwrap_or(0).min(100));
    (daily * percent + 99) / 100
}

/// Checks name, daily limit and dates (ISO).
pub fn check_settings(
    name: &str,
    daily_limit: i32,
    starts_on: Option<&str>,
    ends_on: Option<&str>,
) -> Result<()> {
    if !(1..=200).contains(&name.trim().chars().count()) {
        return Err(Error::invalid("campaign.name", "Give the campaign a name of 1 to 200 characters."));
    }
    if !(1..=500).contains(&daily_limit) {
        return Err(Error::invalid(
            "campaign.daily_limit",
            "The daily limit must be between 1 and 500 messages.",
        ));
    }
    for date in [starts_on, ends_on].into_iter().flatten() {
        date.parse::<jiff::civil::Date>().map_err(|cause| {
            Error::invalid("campaign.date", format!("“{date}” is not a date like 2026-11-30."))
                .caused_by(cause)
        })?;
    }
    // ISO dates compare as text.
    if let (Some(from), Some(until)) = (starts_on, ends_on)
        && from > until
    {
        return Err(Error::invalid(
            "campaign.dates",
            format!("The campaign would end on {until}, before it begins on {from}."),
        ));
    }
    Ok(())
}
