//! Receipts: one for each end of a payment, a refund or a dispute, in one chain per tenant.
//!
//! `curr_hash = SHA-256(prev_hash ‖ JCS(receipt))`, signed Ed25519. The end of the chain is one row that
//! appending locks, so that numbers have no gaps; receipts are never changed. Each is also an AP2
//! receipt (JWT) about its mandate. [`checkpoint`] signs how long the chain is, so that a cut tail shows;
//! [`verify`] checks everything again.

pub(crate) mod api;
pub mod checkpoint;
pub(crate) mod jobs;
pub(crate) mod pages;
mod pdf;
mod store;
#[cfg(test)]
mod tests;
pub mod verify;

pub use store::{by_payment, entries, head, list};

use crate::payment::{Payment, PaymentId};
use crate::principal::PrincipalId;
use crate::rail::Rail;
use crate::signing::{Keys, Purpose};
use ap2::chain::Entry;
use ap2::receipt::{Confirmations, Outcome, Subject};
use ap2::sdjwt::References;
use base::{Currency, Digest, Error, Money, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
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

/// Appends a receipt to the tenant's chain, once for each subject and kind. The chain's end stays locked
/// until the transaction ends: append last.
///
/// # Errors
/// What the database or the signature says.
pub async fn append(cx: &mut Cx, keys: &Keys, attested: &Attested) -> Result<Receipt> {
    let signer = keys.signer(Purpose::Receipt)?;
    let (tenant, now) = (cx.tenant()?, cx.now());
    let mandate = store::evidence(cx, attested.mandate).await?;
    let end = store::lock_head(cx).await?;
    if let Some(written) = store::of_subject(cx, attested.subject, attested.kind).await? {
        return Ok(written);
    }
    let id: ReceiptId = cx.id();
    let sequence = end.sequence + 1;
    let body = body(&tenant.to_string(), id, sequence, attested, &mandate, now);
    let entry = ap2::chain::append(end.hash, body, &signer.hash).map_err(Error::from)?;
    let receipt = Receipt {
        id,
        sequence,
        kind: attested.kind,
        payment_id: attested.payment,
        subject_id: attested.subject,
        principal_id: attested.principal,
        rail: attested.rail,
        provider_ref: attested.provider_ref.clone(),
        amount_minor: attested.amount.minor,
        currency: attested.amount.currency,
        receipt: entry.receipt,
        prev_hash: entry.prev_hash,
        curr_hash: entry.curr_hash,
        kid: entry.kid,
        signature: entry.signature,
        jwt: Some(jwt(cx, keys, id, attested, &mandate)?),
        at: now,
    };
    store::insert(cx, &receipt, &mandate).await?;
    let detail = json!({ "sequence": sequence, "kind": receipt.kind, "payment_id": receipt.payment_id });
    cx.publish(Fact::about("pay.receipt.issued", id.uuid()).with(detail)).await?;
    Ok(receipt)
}

/// What of a mandate a receipt names.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub hash: Vec<u8>,
    pub policy_hash: Vec<u8>,
    pub token: String,
}

fn hex_of(bytes: &[u8]) -> String {
    Digest::from_slice(bytes).map(|digest| digest.to_string()).unwrap_or_default()
}

fn body(
    tenant: &str,
    id: ReceiptId,
    sequence: i64,
    attested: &Attested,
    mandate: &Evidence,
    now: Time,
) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("tenant", json!(tenant));
    put("seq", json!(sequence));
    put("id", json!(id.to_string()));
    put("outcome", json!(attested.kind.word()));
    put("payment", json!(attested.payment.to_string()));
    put("subject", json!(attested.subject.to_string()));
    put("principal", json!(attested.principal.to_string()));
    put("mandate", json!(attested.mandate.to_string()));
    put("mandate_hash", json!(hex_of(&mandate.hash)));
    put("policy_hash", json!(hex_of(&mandate.policy_hash)));
    put("rail", json!(attested.rail.word()));
    put("provider_ref", json!(attested.provider_ref.as_deref().unwrap_or_default()));
    put("amount_minor", json!(attested.amount.minor));
    put("currency", json!(attested.amount.currency.code()));
    put("at", json!(now.to_string()));
    if let Some(reason) = &attested.reason {
        put("reason", json!(reason));
    }
    body
}

/// The AP2 receipt: of the payment's mandate, success for what was taken, an error for everything that
/// left the payer with less or other than that.
fn jwt(cx: &Cx, keys: &Keys, id: ReceiptId, attested: &Attested, mandate: &Evidence) -> Result<String> {
    let references = References::of(&mandate.token).map_err(Error::from)?;
    let (outcome, confirmations) = match attested.kind {
        Kind::Succeeded | Kind::DisputeWon => {
            let psp = attested.provider_ref.clone().unwrap_or_else(|| attested.payment.to_string());
            let network = attested.network_ref.clone().unwrap_or_else(|| psp.clone());
            (Outcome::Success, Some(Confirmations { psp, network }))
        }
        Kind::Failed | Kind::Refunded | Kind::Disputed | Kind::DisputeLost => {
            let description = attested.reason.clone().unwrap_or_else(|| attested.kind.label().to_owned());
            (Outcome::Error { error: attested.kind.word().to_owned(), description }, None)
        }
    };
    let subject = Subject::Payment { payment_id: attested.payment.to_string(), confirmations };
    let mut receipt = ap2::receipt::Receipt::of(references, keys.audience(), cx.now(), subject, outcome);
    receipt.jti = Some(id.to_string());
    receipt.sign(&keys.signer(Purpose::Receipt)?.token, cx.random()).map_err(Error::from)
}

/// The receipt of how a payment ended: taken or failed.
pub(crate) async fn of_end(cx: &mut Cx, payment: &Payment) -> Result<Option<Receipt>> {
    let kind = if payment.captured_minor > 0 { Kind::Succeeded } else { Kind::Failed };
    store::of_subject(cx, payment.id.uuid(), kind).await
}
