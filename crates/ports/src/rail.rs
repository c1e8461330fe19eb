//! Moving money over somebody else's rails.
//!
//! Four rules hold for every rail:
//! 1. **Our id is the idempotency key.** Each request carries the id of the row that asks; the
//!    same request again has one effect and the same answer.
//! 2. **A lost answer is [`RailError::Unknown`], never a failure.** Whoever gets it keeps the
//!    reservation and asks [`Rail::sync`] until that is sure.
//! 3. **Amount and currency are part of every answer**, and the caller compares them with what it
//!    asked ([`agree`]) before it books anything.
//! 4. **What a webhook says is a hint.** It is verified over its raw bytes; for doubt, `sync` decides.

mod account;
mod answer;
mod error;
mod event;
mod memory;
mod request;

pub use account::{Account, CashfreeAccount, Credentials, StripeAccount, Token, X402Account};
pub use answer::{
    Action, Delivery, Found, Listed, Listing, PaidOut, Payment, Quote, Refunded, Stage, Status, agree,
};
pub use error::{Mismatch, RailError, WebhookError};
pub use event::{About, Dispute, DisputeStage, Event, Inbound};
pub use memory::{Fault, MemoryRail};
pub use request::{
    Asked, Authorise, Capture, Payer, Payout, QuoteRequest, Refund, Source, Span, Sync, Timing, Void,
};

use async_trait::async_trait;
use base::{Currency, Error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A way for money to move.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RailKind {
    /// Between balances that are held here; needs no service.
    Ledger,
    /// Cards and bank debits by Stripe; payouts by Stripe Connect.
    Stripe,
    /// Payments in India by Cashfree.
    Cashfree,
    /// Stablecoins by x402.
    X402,
}

impl RailKind {
    /// Every rail.
    pub const ALL: [Self; 4] = [Self::Ledger, Self::Stripe, Self::Cashfree, Self::X402];

    /// The stable name, as in settings and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Stripe => "stripe",
            Self::Cashfree => "cashfree",
            Self::X402 => "x402",
        }
    }
}

impl std::fmt::Display for RailKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for RailKind {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            Error::invalid(
                "rail.unknown",
                format!("“{text}” is not a rail. Use ledger, stripe, cashfree or x402."),
            )
        })
    }
}

/// What a rail can do, so that a caller need not ask for what it cannot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// Holds first and takes later ([`Timing::Later`]).
    pub hold: bool,
    /// Takes less than was held; the rest returns.
    pub partial_capture: bool,
    /// Gives money back.
    pub refund: bool,
    /// Gives back less than was taken, several times.
    pub partial_refund: bool,
    /// Pays to somebody's account.
    pub payout: bool,
    /// Tells what happened without being asked.
    pub webhooks: bool,
    /// Currencies; empty for any.
    pub currencies: &'static [Currency],
}

impl Capabilities {
    /// Whether it moves money of this currency.
    pub fn moves(&self, currency: Currency) -> bool {
        self.currencies.is_empty() || self.currencies.contains(&currency)
    }
}

/// Whether a rail answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// It answers and knows the account.
    Up,
    /// It does not answer, or not us.
    Down {
        /// What happened, for people.
        detail: String,
    },
}

/// One rail. Every call takes the account with which to make it.
#[async_trait]
pub trait Rail: Send + std::marker::Sync + 'static {
    /// Which one.
    fn kind(&self) -> RailKind;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Whether it answers now; costs one small request.
    async fn health(&self, account: &Account) -> Health;

    /// What a payment would cost, before anybody promises anything. Moves nothing.
    ///
    /// # Errors
    /// Never [`RailError::Unknown`].
    async fn quote(&self, account: &Account, request: &QuoteRequest) -> Result<Quote, RailError>;

    /// Takes or holds the payer's money.
    ///
    /// # Errors
    /// See [`RailError`]; only after [`RailError::Unknown`] may money have moved.
    async fn authorise(&self, account: &Account, request: &Authorise) -> Result<Payment, RailError>;

    /// Takes what is held, or part of it; the rest returns to the payer. Once per payment.
    ///
    /// # Errors
    /// See [`RailError`].
    async fn capture(&self, account: &Account, request: &Capture) -> Result<Payment, RailError>;

    /// Lets go of what is held, or of a payment that the payer has not finished.
    ///
    /// # Errors
    /// See [`RailError`].
    async fn void(&self, account: &Account, request: &Void) -> Result<Payment, RailError>;

    /// Gives back what was taken, or part of it.
    ///
    /// # Errors
    /// See [`RailError`].
    async fn refund(&self, account: &Account, request: &Refund) -> Result<Refunded, RailError>;

    /// Pays to somebody's account.
    ///
    /// # Errors
    /// See [`RailError`].
    async fn payout(&self, account: &Account, request: &Payout) -> Result<PaidOut, RailError>;

    /// Finds out what became of a request. Has no effect, however often it is asked.
    ///
    /// # Errors
    /// See [`RailError`]; an error means that nothing was learnt.
    async fn sync(&self, account: &Account, request: &Sync) -> Result<Found, RailError>;

    /// Everything that was made there within a span of time. Not every rail can say.
    ///
    /// # Errors
    /// Unsupported; else see [`RailError`]: an error means that nothing was learnt.
    async fn list(&self, _account: &Account, _span: &Span) -> Result<Listing, RailError> {
        Err(RailError::Unsupported { rail: self.kind(), act: "list what it has" })
    }

    /// Verifies what came in over its raw bytes and reads it.
    ///
    /// # Errors
    /// See [`WebhookError`].
    fn parse_webhook(&self, account: &Account, inbound: &Inbound) -> Result<Event, WebhookError>;
}

/// The outside rails that are wired.
#[derive(Clone, Default)]
pub struct Rails(BTreeMap<RailKind, Arc<dyn Rail>>);

impl Rails {
    /// These rails; of two of one kind the later counts.
    pub fn of(rails: impl IntoIterator<Item = Arc<dyn Rail>>) -> Self {
        Self(rails.into_iter().map(|rail| (rail.kind(), rail)).collect())
    }

    /// The rail of a kind.
    ///
    /// # Errors
    /// Unavailable (`rail_unavailable`) when it is not wired; the ledger never is: it needs no
    /// service.
    pub fn get(&self, kind: RailKind) -> base::Result<&Arc<dyn Rail>> {
        self.0.get(&kind).ok_or_else(|| {
            Error::unavailable("rail_unavailable", format!("The rail {kind} is not set up here."))
        })
    }

    /// Every rail, in the order of their kinds.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Rail>> {
        self.0.values()
    }
}
