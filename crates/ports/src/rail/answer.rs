//! What a rail answers.

use super::Mismatch;
use base::{Money, Time};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// What a payment would cost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quote {
    /// What the payer pays.
    pub amount: Money,
    /// Until when the price holds; none when the rail does not say.
    pub expires_at: Option<Time>,
    /// Who is paid, in the rail's words, when the rail says.
    pub payee: Option<String>,
    /// The exact price in the rail's own units, where those are finer than the currency's minor
    /// unit; `amount` is then rounded up.
    pub units: Option<String>,
}

/// A payment as the rail has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payment {
    /// The rail's name of it.
    pub provider_ref: String,
    /// A second name, such as a charge's, a bank's or a transaction's, when there is one.
    pub network_ref: Option<String>,
    /// How far it is.
    pub status: Status,
    /// What was asked of the payer.
    pub amount: Money,
    /// What was taken so far, refunds not subtracted.
    pub captured: Money,
    /// What was bought, where the payment itself delivers it.
    pub delivery: Option<Delivery>,
}

/// How far a payment is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The payer must do something first.
    ActionNeeded(Action),
    /// The rail is at work; ask again or wait for its word.
    Pending,
    /// Held: take it or let it go.
    Authorised,
    /// Taken.
    Captured,
    /// Let go; nothing was taken and nothing will be.
    Voided,
    /// The rail or the payer's bank said no; nothing was taken and nothing will be.
    Failed {
        /// The rail's code.
        code: String,
        /// The rail's words.
        message: String,
    },
}

impl Status {
    /// Whether nothing but a refund or a dispute can change it any more.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Captured | Self::Voided | Self::Failed { .. } => true,
            Self::ActionNeeded(_) | Self::Pending | Self::Authorised => false,
        }
    }
}

/// What the payer must do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Open this page.
    Redirect(Url),
    /// Finish this session in the rail's own form.
    Session(String),
    /// Something else, in the rail's words.
    Other(String),
}

/// What a paid resource answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// The HTTP status.
    pub status: u16,
    /// The type of the content.
    pub content_type: Option<String>,
    /// The content.
    pub body: Vec<u8>,
}

/// How far a refund or a payout is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The rail is at work.
    Pending,
    /// The money has moved.
    Succeeded,
    /// It has not and will not.
    Failed {
        /// The rail's words.
        message: String,
    },
}

/// A refund as the rail has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refunded {
    /// The rail's name of it.
    pub provider_ref: String,
    /// How far it is.
    pub stage: Stage,
    /// How much.
    pub amount: Money,
}

/// A payout as the rail has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaidOut {
    /// The rail's name of it.
    pub provider_ref: String,
    /// How far it is.
    pub stage: Stage,
    /// How much.
    pub amount: Money,
    /// To whom.
    pub destination: String,
}

/// What became of a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The payment.
    Payment(Payment),
    /// The refund.
    Refund(Refunded),
    /// The payout.
    Payout(PaidOut),
    /// The rail has no such thing.
    NotSeen {
        /// True when it will not get it any more: then nothing moved and the reservation may end.
        /// False while a request may still be on its way: ask again later.
        is_final: bool,
    },
}

/// Something that a rail has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed<T> {
    /// Our id, when the rail carries it.
    pub ours: Option<Uuid>,
    /// The rail's name of the payment that it belongs to, when it is a refund and the rail says.
    pub payment_ref: Option<String>,
    /// As the rail has it.
    pub object: T,
}

/// What a rail has of a span of time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listing {
    /// Payments, in any state.
    pub payments: Vec<Listed<Payment>>,
    /// Refunds.
    pub refunds: Vec<Listed<Refunded>>,
    /// Payouts.
    pub payouts: Vec<Listed<PaidOut>>,
}

/// Compares what a rail answered with what it was asked.
///
/// # Errors
/// The mismatch: nothing may be booked, and a person must look.
pub fn agree(asked: Money, answered: Money) -> Result<(), Mismatch> {
    if asked == answered { Ok(()) } else { Err(Mismatch { asked, answered }) }
}
