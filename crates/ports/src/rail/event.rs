//! What a rail tells without being asked.

use super::{PaidOut, Payment, Refunded};
use base::{Money, Time};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What came in, before anybody believed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inbound {
    /// Headers in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// When it came.
    pub received_at: Time,
}

impl Inbound {
    /// The first header of a name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// A verified word of a rail. Words come late, twice and out of order: an older one never undoes a
/// newer state, and for doubt `sync` decides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Unique per rail and account: of two with the same the second is dropped.
    pub id: String,
    /// When it happened, in the rail's words; when it came, if the rail does not say.
    pub at: Time,
    /// The rail's name of the kind.
    pub kind: String,
    /// What it is about.
    pub about: About,
}

/// What a word is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A payment.
    Payment {
        /// Our id, when the rail carries it.
        ours: Option<Uuid>,
        /// As the rail has it.
        payment: Payment,
    },
    /// A refund.
    Refund {
        /// Our id, when the rail carries it.
        ours: Option<Uuid>,
        /// The rail's name of the payment.
        payment_ref: Option<String>,
        /// As the rail has it.
        refund: Refunded,
    },
    /// A payout.
    Payout {
        /// Our id, when the rail carries it.
        ours: Option<Uuid>,
        /// As the rail has it.
        payout: PaidOut,
    },
    /// The payer's bank takes the money back, or tries to.
    Dispute(Dispute),
    /// Whether somebody may be paid out (identity checks).
    Payee {
        /// The account at the rail.
        account: String,
        /// Whether payouts reach it.
        payouts_enabled: bool,
    },
    /// Something that changes nothing here.
    Other,
}

/// A dispute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Dispute {
    /// The rail's name of it.
    pub provider_ref: String,
    /// The rail's name of the payment.
    pub payment_ref: Option<String>,
    /// How much is disputed.
    pub amount: Money,
    /// What the rail charges for it, in minor units of the same currency; none: it does not say yet.
    #[serde(default)]
    pub fee_minor: Option<i64>,
    /// Why, in the rail's words.
    pub reason: String,
    /// How far it is.
    pub stage: DisputeStage,
}

/// How far a dispute is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStage {
    /// The amount is withheld.
    Open,
    /// It came back.
    Won,
    /// It is gone.
    Lost,
}
