//! What is asked of a rail. Everything that a request needs to be made again, byte for byte, is in
//! it: a caller stores it before it asks.

use super::RailError;
use base::{Money, Time};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// Asks what a payment would cost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuoteRequest {
    /// What is to be paid; the most, where the seller names the price.
    pub amount: Money,
    /// How.
    pub source: Source,
}

/// Asks to take or hold money.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Authorise {
    /// Our payment; the idempotency key.
    pub payment: Uuid,
    /// How much.
    pub amount: Money,
    /// From where.
    pub source: Source,
    /// Whether to take it at once.
    pub timing: Timing,
    /// What for, for the payer's statement.
    pub description: String,
    /// When the payment was first asked; the same in every repetition. Signatures of wallets take
    /// their window from it.
    pub at: Time,
}

/// When the money is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// At once.
    Now,
    /// Held now, taken by [`Capture`].
    Later,
}

/// From where the money comes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A payment method that the rail keeps for the payer, charged without the payer.
    Saved {
        /// The payer at the rail (`cus_…`), if the method belongs to one.
        customer: Option<String>,
        /// The method (`pm_…`).
        method: String,
    },
    /// A single-use token that the payer granted for this purchase (`spt_…`).
    Granted {
        /// The token.
        token: String,
    },
    /// The payer finishes on a page of the rail.
    Hosted(Payer),
    /// The payer is asked in the UPI app with this address.
    Upi {
        /// The payer.
        payer: Payer,
        /// The address, such as `name@bank`.
        address: String,
    },
    /// Our wallet pays for a resource.
    Resource {
        /// Where the resource is.
        url: Url,
        /// The compact token of the mandate; its hash names the payment on the network.
        mandate: String,
    },
    /// The rail in memory.
    Memory,
}

/// Who pays, where the rail wants to know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payer {
    /// Our id of the payer.
    pub id: String,
    /// Phone number.
    pub phone: String,
    /// E-mail address, if known.
    pub email: Option<String>,
    /// Where the rail sends the payer back to.
    pub return_url: Option<Url>,
}

/// Asks to take what is held.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Capture {
    /// Our payment.
    pub payment: Uuid,
    /// The rail's name of it.
    pub provider_ref: String,
    /// What was held.
    pub held: Money,
    /// How much to take, at most what is held.
    pub amount: Money,
}

/// Asks to let go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Void {
    /// Our payment.
    pub payment: Uuid,
    /// The rail's name of it.
    pub provider_ref: String,
    /// What is held.
    pub held: Money,
}

/// Asks to give back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// Our refund; the idempotency key.
    pub refund: Uuid,
    /// Our payment.
    pub payment: Uuid,
    /// The rail's name of the payment.
    pub provider_ref: String,
    /// How much.
    pub amount: Money,
    /// Why, for people.
    pub note: String,
    /// When it was first asked.
    pub at: Time,
}

/// Asks to pay to somebody.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payout {
    /// Our payout; the idempotency key.
    pub payout: Uuid,
    /// The account at the rail (`acct_…`, a wallet's address).
    pub destination: String,
    /// How much.
    pub amount: Money,
    /// What for.
    pub description: String,
    /// When it was first asked.
    pub at: Time,
}

/// A span of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// From here on.
    pub since: Time,
    /// Until before here.
    pub until: Time,
}

/// Asks what became of a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sync {
    /// What was asked.
    pub of: Asked,
    /// The rail's name of it, when that is known.
    pub provider_ref: Option<String>,
    /// When it was last asked. What a rail has not seen some minutes later it will not see.
    pub last_asked_at: Time,
}

/// A request whose outcome is looked up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// A payment, with its capture and its void.
    Payment(Authorise),
    /// A refund.
    Refund(Refund),
    /// A payout.
    Payout(Payout),
}

/// Nothing moves in amounts of zero or less.
fn positive(amount: Money) -> Result<(), RailError> {
    if amount.minor > 0 {
        return Ok(());
    }
    Err(RailError::Rejected {
        code: "amount_not_positive".to_owned(),
        message: format!("{amount} cannot be moved: an amount must be more than zero."),
    })
}

impl Authorise {
    /// The idempotency key.
    pub fn key(&self) -> String {
        self.payment.to_string()
    }

    /// # Errors
    /// Rejected when the amount is not more than zero.
    pub fn check(&self) -> Result<(), RailError> {
        positive(self.amount)
    }
}

impl Capture {
    /// The idempotency key.
    pub fn key(&self) -> String {
        format!("{}-capture", self.payment)
    }

    /// # Errors
    /// Rejected when the amount is not more than zero, more than is held or of another currency.
    pub fn check(&self) -> Result<(), RailError> {
        positive(self.amount)?;
        if self.amount.currency == self.held.currency && self.amount.minor <= self.held.minor {
            return Ok(());
        }
        Err(RailError::Rejected {
            code: "amount_more_than_held".to_owned(),
            message: format!("{} cannot be taken: {} is held.", self.amount, self.held),
        })
    }
}

impl Void {
    /// The idempotency key.
    pub fn key(&self) -> String {
        format!("{}-void", self.payment)
    }
}

impl Refund {
    /// The idempotency key.
    pub fn key(&self) -> String {
        self.refund.to_string()
    }

    /// # Errors
    /// Rejected when the amount is not more than zero.
    pub fn check(&self) -> Result<(), RailError> {
        positive(self.amount)
    }
}

impl Payout {
    /// The idempotency key.
    pub fn key(&self) -> String {
        self.payout.to_string()
    }

    /// # Errors
    /// Rejected when the amount is not more than zero.
    pub fn check(&self) -> Result<(), RailError> {
        positive(self.amount)
    }
}
