//! Receipts: one for each end of a payment, a refund or a dispute, in one chain per tenant.
//!
//! `curr_hash = SHA-256(prev_hash ‖ JCS(receipt))`, signed Ed25519. The end of the chain is one row that
//! appending locks, so that numbers have no gaps; receipts are never changed. Each is also an AP2
//! receipt (JWT) about its mandate. [`checkpoint`] signs how long the chain is, so that a cut tail shows;
//! [`verify`] checks everything again.

pub(crate) mod api;
mod append;
pub mod checkpoint;
pub(crate) mod jobs;
pub(crate) mod pages;
mod pdf;
mod store;
#[cfg(test)]
mod tests;
pub mod verify;

pub use append::append;
pub(crate) use append::{Due, Evidence, append_all};
pub use store::{by_payment, entries, head, list};

use crate::payment::{Payment, PaymentId};
use crate::principal::PrincipalId;
use crate::rail::Rail;
use ap2::chain::Entry;
use base::{Currency, Error, Money, Result, Time};
use db::Cx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

base::id_type!(
    /// A receipt.
    ReceiptId
);

/// What a receipt attests.
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
#[sqlx(type_name = "pay.receipt_kind", rename_all = "snake_case")]
pub enum Kind {
    /// A payment was taken.
    Succeeded,
    /// A payment was not, and will not be.
    Failed,
    /// A part of it, or all, was given back.
    Refunded,
    /// A dispute froze it.
    Disputed,
    /// A dispute was won.
    DisputeWon,
    /// A dispute was lost.
    DisputeLost,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Succeeded, Self::Failed, Self::Refunded, Self::Disputed, Self::DisputeWon, Self::DisputeLost];

    /// The word in the database, the API and the hashed body.
    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refunded => "refunded",
            Self::Disputed => "disputed",
            Self::DisputeWon => "dispute_won",
            Self::DisputeLost => "dispute_lost",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Succeeded => "Paid",
            Self::Failed => "Failed",
            Self::Refunded => "Refunded",
            Self::Disputed => "Disputed",
            Self::DisputeWon => "Dispute won",
            Self::DisputeLost => "Dispute lost",
        }
    }
}

/// What is to be attested.
#[derive(Clone, Debug)]
pub struct Attested {
    kind: Kind,
    payment: PaymentId,
    subject: Uuid,
    principal: PrincipalId,
    mandate: Uuid,
    rail: Rail,
    provider_ref: Option<String>,
    network_ref: Option<String>,
    amount: Money,
    reason: Option<String>,
}

impl Attested {
    /// The end of a payment.
    pub fn payment(payment: &Payment, kind: Kind, network_ref: Option<String>) -> Self {
        Self {
            kind,
            payment: payment.id,
            subject: payment.id.uuid(),
            principal: payment.principal_id,
            mandate: payment.mandate_id.uuid(),
            rail: payment.rail,
            provider_ref: payment.provider_ref.clone(),
            network_ref,
            amount: payment.amount(),
            reason: payment.reason.clone(),
        }
    }

    /// A refund or a dispute of a payment: `subject` is its id.
    pub fn correction(
        payment: &Payment,
        kind: Kind,
        subject: Uuid,
        provider_ref: Option<String>,
        amount: Money,
    ) -> Self {
        Self { kind, subject, provider_ref, amount, reason: None, ..Self::payment(payment, kind, None) }
    }
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Receipt {
    /// Which.
    pub id: ReceiptId,
    /// Its number in the tenant's chain, from 1.
    pub sequence: i64,
    /// What it attests.
    pub kind: Kind,
    /// The payment.
    pub payment_id: PaymentId,
    /// The payment, refund or dispute that ended.
    pub subject_id: Uuid,
    /// Who paid.
    pub principal_id: PrincipalId,
    /// Over which rail.
    pub rail: Rail,
    /// The rail's name of it.
    pub provider_ref: Option<String>,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// What was hashed: texts and whole numbers only.
    pub receipt: Map<String, Value>,
    /// Hash of the receipt before it, in hex; zeros for the first.
    pub prev_hash: String,
    /// SHA-256 of `prev_hash` and the canonical JSON of `receipt`, in hex.
    pub curr_hash: String,
    /// The key that signed it.
    pub kid: String,
    /// Ed25519 over `curr_hash`, base64url.
    pub signature: String,
    /// The same as an AP2 receipt.
    pub jwt: Option<String>,
    /// When.
    pub at: Time,
}

impl Receipt {
    /// As the chain's checkers want it.
    pub fn entry(&self) -> Entry {
        Entry {
            receipt: self.receipt.clone(),
            prev_hash: self.prev_hash.clone(),
            curr_hash: self.curr_hash.clone(),
            kid: self.kid.clone(),
            signature: self.signature.clone(),
        }
    }
}

/// The receipt.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: ReceiptId) -> Result<Receipt> {
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("receipt"))
}

/// The receipt of how a payment ended: taken or failed.
pub(crate) async fn of_end(cx: &mut Cx, payment: &Payment) -> Result<Option<Receipt>> {
    let kind = if payment.captured_minor > 0 { Kind::Succeeded } else { Kind::Failed };
    store::of_subject(cx, payment.id.uuid(), kind).await
}
