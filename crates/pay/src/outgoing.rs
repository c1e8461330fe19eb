//! Money that leaves by an outside rail, a refund or a payout: how far it is, what a rail says about it, and
//! what that comes to.

use base::Money;
use ports::rail::{Mismatch, RailError, Stage, agree};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far it is.
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
    JsonSchema,
    sqlx::Type
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Status {
    /// Written down; the rail was not asked.
    Initiated,
    /// The rail is at work.
    Pending,
    /// The rail's answer was lost: it is asked until it is sure.
    Unknown,
    /// It arrived.
    Succeeded,
    /// It has not and will not.
    Failed,
}

impl Status {
    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Whether it may still happen.
    pub fn is_open(self) -> bool {
        match self {
            Self::Initiated | Self::Pending | Self::Unknown => true,
            Self::Succeeded | Self::Failed => false,
        }
    }
}

/// What is known of it at its rail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer<W> {
    /// The rail has it.
    Has(W),
    /// The rail said no.
    Refused(String),
    /// The answer was lost.
    Lost(String),
}

impl<W> Answer<W> {
    /// What a call came to: only a plain no is a no.
    pub(crate) fn of(told: Result<W, RailError>) -> Self {
        match told {
            Ok(word) => Self::Has(word),
            Err(RailError::Unknown { detail, .. } | RailError::NotStarted { detail, .. }) => {
                Self::Lost(detail)
            }
            Err(error) => Self::Refused(error.to_string()),
        }
    }

    /// How far it is then, and why it is not further. `asked` is the amount that was asked for; `word` reads
    /// the amount and the stage of the rail's word.
    pub(crate) fn status(&self, asked: Money, word: fn(&W) -> (Money, &Stage)) -> (Status, Option<String>) {
        match self {
            Self::Refused(why) => (Status::Failed, Some(why.clone())),
            Self::Lost(why) => (Status::Unknown, Some(why.clone())),
            Self::Has(has) => {
                let (amount, stage) = word(has);
                match (agree(asked, amount), stage) {
                    // Nothing is booked, and a person must look.
                    (Err(mismatch), _) => (Status::Unknown, Some(said(&mismatch))),
                    (Ok(()), Stage::Pending) => (Status::Pending, None),
                    (Ok(()), Stage::Succeeded) => (Status::Succeeded, None),
                    (Ok(()), Stage::Failed { message }) => (Status::Failed, Some(message.clone())),
                }
            }
        }
    }
}

fn said(mismatch: &Mismatch) -> String {
    mismatch.to_string()
}
