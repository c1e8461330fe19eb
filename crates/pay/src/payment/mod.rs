//! Payments: money that moves under a mandate, once.
//!
//! The way of a payment: [`execute`] hands it to the till, which settles payments over the ledger, many in
//! one transaction. Else [`begin`] verifies and takes everything aside in one transaction. Over an outside rail [`drive`] asks the rail with no transaction
//! open, under our id as its idempotency key, and [`conclude`] books the answer in one transaction: the
//! books, the mandate's counters, the state, the timeline and the receipt.
//!
//! Invariants: the same execution of a mandate has one payment, because its id follows from them; a lost
//! answer is `unknown` and is looked up until the rail is sure; a state never goes backwards; a payment
//! moves to another rail only while the first one surely has nothing of it; each end has one receipt.

pub(crate) mod api;
mod begin;
mod books;
mod conclude;
pub(crate) mod delivery;
mod drive;
mod execute;
pub(crate) mod jobs;
mod load;
pub(crate) mod pages;
mod permit;
mod route;
mod rules;
mod settle;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod till;

pub use begin::{Asked, Begun, Closed, begin};
pub(crate) use books::{capture_of, psp_of};
pub(crate) use conclude::timeline;
pub use conclude::{Answer, conclude};
pub use drive::{Desk, drive};
pub use execute::{Answered, Execute, Executed, execute};
pub use route::HEALTH_S;
pub use rules::{may_become, order};
pub use store::{by_provider_ref, counts, events, list};
pub(crate) use store::{lock, set_corrected};

use crate::intent::IntentId;
use crate::mandate::MandateId;
use crate::principal::PrincipalId;
use crate::rail::Rail;
use crate::vendor::VendorId;
use base::{Currency, Error, Money, Result, Time};
use db::Cx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

base::id_type!(
    /// A payment.
    PaymentId
);

/// How far a payment is.
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
#[sqlx(type_name = "pay.payment_status", rename_all = "snake_case")]
pub enum Status {
    /// Written down; nothing is set aside.
    Initiated,
    /// The amount is set aside; the rail was not asked, or has not answered.
    Reserved,
    /// The rail is at work.
    Pending,
    /// The rail's answer was lost: it is asked until it is sure.
    Unknown,
    /// The money has moved.
    Succeeded,
    /// It has not and will not.
    Failed,
    /// All of it was given back.
    Refunded,
    /// A part of it was given back.
    PartiallyRefunded,
    /// The payer's bank asks for it back.
    Disputed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Initiated,
        Self::Reserved,
        Self::Pending,
        Self::Unknown,
        Self::Succeeded,
        Self::Failed,
        Self::Refunded,
        Self::PartiallyRefunded,
        Self::Disputed,
    ];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Reserved => "reserved",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refunded => "refunded",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Disputed => "disputed",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Initiated => "Begun",
            Self::Reserved => "Set aside",
            Self::Pending => "Pending",
            Self::Unknown => "Being looked up",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Refunded => "Refunded",
            Self::PartiallyRefunded => "Partly refunded",
            Self::Disputed => "Disputed",
        }
    }

    /// Whether it is not yet known whether the money moves.
    pub fn is_open(self) -> bool {
        match self {
            Self::Initiated | Self::Reserved | Self::Pending | Self::Unknown => true,
            Self::Succeeded | Self::Failed | Self::Refunded | Self::PartiallyRefunded | Self::Disputed => {
                false
            }
        }
    }
}

impl std::str::FromStr for Status {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|status| status.word() == text).ok_or_else(|| {
            Error::invalid("payment.status", format!("“{text}” is not a status of a payment."))
        })
    }
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Payment {
    /// Which.
    pub id: PaymentId,
    /// Under which mandate.
    pub mandate_id: MandateId,
    /// For which intent.
    pub intent_id: IntentId,
    /// Who paid.
    pub principal_id: PrincipalId,
    /// Whom.
    pub vendor_id: VendorId,
    /// Over which rail.
    pub rail: Rail,
    /// The rail's name of it, once it has one.
    pub provider_ref: Option<String>,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// What was taken, refunds not subtracted.
    pub captured_minor: i64,
    /// What was given back.
    pub refunded_minor: i64,
    /// The version of the platform's fee.
    pub fee_version: i32,
    /// The platform's share of the amount, in minor units.
    pub fee_minor: i64,
    /// How far it is.
    pub status: Status,
    /// Why it failed or waits: a code.
    pub reason: Option<String>,
    /// When it began.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl Payment {
    /// The amount.
    pub fn amount(&self) -> Money {
        Money { minor: self.amount_minor, currency: self.currency }
    }

    /// What can still be given back.
    pub fn refundable(&self) -> Money {
        Money { minor: self.captured_minor - self.refunded_minor, currency: self.currency }
    }
}

/// A line of a payment's timeline.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Event {
    /// What happened.
    pub kind: String,
    /// The status it led to.
    pub status: Status,
    /// The details.
    pub detail: serde_json::Value,
    /// Who did it, as `kind:name`.
    pub actor: String,
    /// When.
    pub at: Time,
}

/// Which payments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this principal.
    pub principal: Option<PrincipalId>,
    /// Only to this vendor.
    pub vendor: Option<VendorId>,
    /// Only under this mandate.
    pub mandate: Option<MandateId>,
    /// Only of this status.
    pub status: Option<Status>,
    /// Only over this rail.
    pub rail: Option<Rail>,
}

/// The payment.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: PaymentId) -> Result<Payment> {
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("payment"))
}
