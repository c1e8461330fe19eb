//! Disputes: a payer's bank asks for a payment back. While one is open its amount is frozen in the books;
//! won, it returns; lost, the payer has it, and the payment gives nothing back any more.

pub(crate) mod api;
pub mod fee;
pub(crate) mod pages;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use store::any_lost;
pub use store::{by_payment, list};

use crate::payment::{self, PaymentId};
use crate::receipt::{self, Attested};
use crate::signing::Keys;
use base::{Currency, Error, Money, Result, Time};
use db::{Cx, Fact};
use ledger::TransferId;
use ledger::dispute::{Bearer, Opened, Verdict};
use ports::rail::DisputeStage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

base::id_type!(
    /// A dispute.
    DisputeId
);

/// How far a dispute is.
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
#[sqlx(type_name = "pay.dispute_status", rename_all = "snake_case")]
pub enum Status {
    /// The amount is frozen.
    Open,
    /// It came back.
    Won,
    /// The payer has it.
    Lost,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Open, Self::Won, Self::Lost];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Won => "Won",
            Self::Lost => "Lost",
        }
    }
}

/// A dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dispute {
    /// Which.
    pub id: DisputeId,
    /// About which payment.
    pub payment_id: PaymentId,
    /// The rail's name of it.
    pub provider_ref: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// What the provider charges for it, in minor units; booked when it is lost.
    pub fee_minor: i64,
    /// The dated fee that this is; none: the rail's own word.
    pub fee_rule: Option<fee::FeeId>,
    /// How far it is.
    pub status: Status,
    /// Why, in the rail's words.
    pub reason: String,
    /// Since when.
    pub opened_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

impl Dispute {
    fn amount(&self) -> Money {
        Money { minor: self.amount_minor, currency: self.currency }
    }
}

/// Takes in what a rail says about a dispute: opens it, ends it, or both. The same word twice changes
/// nothing; a dispute that ended stays ended.
///
/// # Errors
/// Not found; what the books refuse, such as a payment that took nothing.
pub async fn heard(cx: &mut Cx, keys: &Keys, of: PaymentId, word: &ports::rail::Dispute) -> Result<Dispute> {
    let mut payment = payment::lock(cx, of).await?.ok_or_else(|| Error::not_found("payment"))?.payment;
    let mut dispute = match store::find(cx, of, &word.provider_ref).await? {
        Some(known) => known,
        None => open(cx, keys, &mut payment, word).await?,
    };
    let other = |fee: &i64| *fee != dispute.fee_minor || dispute.fee_rule.is_some();
    if let Some(fee) = word.fee_minor.filter(|fee| dispute.status == Status::Open && other(fee)) {
        // Charged after the dispute was first heard of, or given back in part.
        (dispute.fee_minor, dispute.fee_rule) = (fee.max(0), None);
        store::set_fee(cx, &dispute).await?;
    }
    let to = match word.stage {
        DisputeStage::Open => return Ok(dispute),
        DisputeStage::Won => Status::Won,
        DisputeStage::Lost => Status::Lost,
    };
    if dispute.status == Status::Open { end(cx, keys, &mut payment, dispute, to).await } else { Ok(dispute) }
}

async fn open(
    cx: &mut Cx,
    keys: &Keys,
    payment: &mut payment::Payment,
    word: &ports::rail::Dispute,
) -> Result<Dispute> {
    if word.amount.currency != payment.currency {
        return Err(Error::conflict("rail_mismatch", "The dispute is in another currency than its payment."));
    }
    let (fee_minor, fee_rule) = match word.fee_minor {
        Some(said) => (said.max(0), None),
        None => match fee::at(cx, payment.rail, payment.currency, cx.now()).await? {
            Some(fee) => (fee.fee_minor, Some(fee.id)),
            None => (0, None),
        },
    };
    let dispute = Dispute {
        id: cx.id(),
        payment_id: payment.id,
        provider_ref: word.provider_ref.clone(),
        amount_minor: word.amount.minor,
        currency: word.amount.currency,
        fee_minor,
        fee_rule,
        status: Status::Open,
        reason: word.reason.chars().take(500).collect(),
        opened_at: cx.now(),
        ended_at: None,
    };
    let hold = TransferId(dispute.id.uuid());
    let frozen = Opened { id: hold, capture: payment::capture_of(payment.id), amount: dispute.amount() };
    ledger::account::open_platform(cx, dispute.currency).await?;
    ledger::dispute::open(cx, &frozen).await?;
    store::insert(cx, &dispute, hold).await?;
    payment.status = payment::Status::Disputed;
    payment::set_corrected(cx, payment).await?;
    tell(cx, payment, &dispute, "disputed", receipt::Kind::Disputed, keys).await?;
    Ok(dispute)
}

async fn end(
    cx: &mut Cx,
    keys: &Keys,
    payment: &mut payment::Payment,
    mut dispute: Dispute,
    to: Status,
) -> Result<Dispute> {
    let hold = TransferId(dispute.id.uuid());
    let (verdict, kind, word) = match to {
        Status::Won => (Verdict::Won, receipt::Kind::DisputeWon, "dispute_won"),
        Status::Lost | Status::Open => (
            Verdict::Lost { fee_minor: dispute.fee_minor, borne_by: Bearer::Developer },
            receipt::Kind::DisputeLost,
            "dispute_lost",
        ),
    };
    ledger::dispute::end(cx, hold.derived("end"), payment::capture_of(payment.id), hold, verdict).await?;
    dispute.status = to;
    dispute.ended_at = Some(cx.now());
    store::end(cx, &dispute).await?;
    payment.status = match payment.refunded_minor {
        0 => payment::Status::Succeeded,
        part if part < payment.captured_minor => payment::Status::PartiallyRefunded,
        _ => payment::Status::Refunded,
    };
    payment::set_corrected(cx, payment).await?;
    tell(cx, payment, &dispute, word, kind, keys).await?;
    Ok(dispute)
}

async fn tell(
    cx: &mut Cx,
    payment: &payment::Payment,
    dispute: &Dispute,
    word: &str,
    kind: receipt::Kind,
    keys: &Keys,
) -> Result<()> {
    let detail = json!({ "dispute": dispute.id, "amount_minor": dispute.amount_minor, "fee_minor": dispute.fee_minor, "reason": dispute.reason });
    payment::timeline(cx, payment, word, detail.clone()).await?;
    let fact = match dispute.status {
        Status::Open => "pay.dispute.opened",
        Status::Won => "pay.dispute.won",
        Status::Lost => "pay.dispute.lost",
    };
    cx.publish(Fact::about(fact, dispute.id.uuid()).with(detail)).await?;
    let reference = Some(dispute.provider_ref.clone());
    let attested = Attested::correction(payment, kind, dispute.id.uuid(), reference, dispute.amount());
    receipt::append(cx, keys, &attested).await?;
    Ok(())
}
