//! Subscriptions at a billing provider: its pages to pay on, what is subscribed, what was billed.
//!
//! The provider's account, its errors and its signed deliveries are those of [`crate::rail`]: the same
//! company, the same keys. A word of the provider ([`Event`]) is only a hint that something changed; what
//! counts is what it answers when it is asked.

use crate::rail::{Account, Inbound, RailError, WebhookError};
use async_trait::async_trait;
use base::{Currency, Time};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// A billing provider.
#[async_trait]
pub trait Subscriptions: Send + Sync + 'static {
    /// Makes a page on which a plan is subscribed and paid. Safe to repeat under the same id.
    async fn checkout(&self, account: &Account, asked: &Checkout) -> Result<Page, RailError>;

    /// Makes a page on which a customer changes the card, pays what is open, sees receipts and cancels.
    async fn portal(&self, account: &Account, customer: &str, back: &Url) -> Result<Page, RailError>;

    /// How a checkout stands.
    async fn session(&self, account: &Account, id: &str) -> Result<Session, RailError>;

    /// Closes a page that was not used yet, so that nothing can be bought on it any more.
    async fn close(&self, account: &Account, id: &str) -> Result<Session, RailError>;

    /// A subscription as it is now.
    async fn subscription(&self, account: &Account, id: &str) -> Result<Subscription, RailError>;

    /// Changes a subscription, and says how it then is. Safe to repeat under the same key.
    async fn change(&self, account: &Account, asked: &Change) -> Result<Subscription, RailError>;

    /// An invoice as it is now.
    async fn invoice(&self, account: &Account, id: &str) -> Result<Invoice, RailError>;

    /// The newest invoices of a subscription, at most 100.
    async fn invoices(&self, account: &Account, subscription: &str) -> Result<Vec<Invoice>, RailError>;

    /// Verifies a delivery over its raw bytes.
    ///
    /// # Errors
    /// Unsigned, of a wrong signature, stale, or not of the form.
    fn event(&self, account: &Account, inbound: &Inbound) -> Result<Event, WebhookError>;
}

/// Something that is sold by the month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Price {
    /// Our row; the provider keeps it with its price, so that a subscription says what was sold.
    pub plan: Uuid,
    /// What is sold, as customers read it.
    pub name: String,
    /// For a month, in minor units.
    pub minor: i64,
    /// Of what.
    pub currency: Currency,
    /// The tax that applies; none where none does.
    pub tax: Option<Tax>,
}

/// A tax on a price.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tax {
    /// Its name on invoices.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Hundredths of a percent.
    pub basis_points: i32,
    /// Whether the price holds it already.
    pub inclusive: bool,
}

/// What to subscribe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkout {
    /// Our id of this checkout: the idempotency key.
    pub id: Uuid,
    /// For whom; comes back with everything that follows from it.
    pub tenant: Uuid,
    /// What.
    pub price: Price,
    /// Percent off for as long as the subscription lives; none for the full price.
    pub percent_off: Option<i32>,
    /// The customer at the provider, where there is one already.
    pub customer: Option<String>,
    /// Whose address receipts go to, for a customer who is not known yet.
    pub email: String,
    /// Not paid before this instant.
    pub trial_end: Option<Time>,
    /// Until when the page can be used.
    pub expires_at: Time,
    /// Where to go when it is done.
    pub success: Url,
    /// Where to go when it is left.
    pub cancel: Url,
}

/// A page at the provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The provider's name of it.
    pub id: String,
    /// Where it is.
    pub url: Url,
}

/// How a checkout stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Its state.
    pub state: SessionState,
    /// The subscription that came of it.
    pub subscription: Option<String>,
    /// Who pays.
    pub customer: Option<String>,
}

/// The states of a checkout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionState {
    /// It can be paid.
    Open,
    /// It was.
    Complete,
    /// Its time is over.
    Expired,
}

/// How to change a subscription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Of which.
    pub subscription: String,
    /// The idempotency key.
    pub key: String,
    /// To what.
    pub to: Wish,
}

/// What is wished of a subscription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Another price.
    Price {
        /// Which.
        price: Price,
        /// Whether the difference for the rest of the period is billed now; it then changes only if that
        /// is paid. Else the other price counts from the next bill on.
        at_once: bool,
    },
    /// To end with its period, or to go on after all.
    EndWithPeriod(bool),
}

/// A subscription as the provider has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subscription {
    /// The provider's name of it.
    pub id: String,
    /// Who pays.
    pub customer: String,
    /// For whom, as we said when it was made.
    pub tenant: Option<Uuid>,
    /// Where it stands.
    pub status: Status,
    /// Our row of the price that the next bill will say; none for a price that was not made here.
    pub plan: Option<Uuid>,
    /// The present period.
    pub period: Span,
    /// When the trial ends.
    pub trial_end: Option<Time>,
    /// Whether it ends with the period.
    pub cancel_at_period_end: bool,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// From one instant to just before another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Span {
    /// The first instant.
    pub start: Time,
    /// The first instant after it.
    pub end: Time,
}

/// The states of a subscription at a provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// The first payment is missing.
    Incomplete,
    /// Not paid yet, by agreement.
    Trialing,
    /// Paid.
    Active,
    /// A payment is missing.
    PastDue,
    /// Rests.
    Paused,
    /// Over.
    Cancelled,
}

/// An invoice as the provider has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invoice {
    /// The provider's name of it.
    pub id: String,
    /// Who owes it.
    pub customer: String,
    /// For which subscription.
    pub subscription: Option<String>,
    /// For whom, as we said when the subscription was made.
    pub tenant: Option<Uuid>,
    /// Where it stands.
    pub status: InvoiceStatus,
    /// Of what.
    pub currency: Currency,
    /// What it comes to without tax, in minor units.
    pub net_minor: i64,
    /// The tax.
    pub tax_minor: i64,
    /// What is to be paid.
    pub total_minor: i64,
    /// What was paid.
    pub paid_minor: i64,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The time that it bills.
    pub period: Span,
    /// When it was made.
    pub created_at: Time,
    /// When it was paid.
    pub paid_at: Option<Time>,
    /// Where it can be paid.
    pub pay_url: Option<String>,
}

/// The states of an invoice at a provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvoiceStatus {
    /// Not final.
    Draft,
    /// Final, and not paid.
    Open,
    /// Paid.
    Paid,
    /// Taken back.
    Void,
    /// Given up.
    Uncollectible,
}

/// A line of an invoice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// What for.
    pub text: String,
    /// How much, in minor units, discounts taken off; with the tax where the price holds it.
    pub minor: i64,
}

/// A verified word of the provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Unique: of two with the same the second is dropped.
    pub id: String,
    /// The provider's name of the kind.
    pub kind: String,
    /// For whom, as we said when it was made.
    pub tenant: Option<Uuid>,
    /// Who pays.
    pub customer: Option<String>,
    /// What to look at.
    pub about: About,
}

/// What a word is about; each is looked at anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A checkout.
    Session(String),
    /// A subscription.
    Subscription(String),
    /// An invoice, and the subscription that it bills.
    Invoice {
        /// Which.
        id: String,
        /// Of which subscription.
        subscription: Option<String>,
    },
    /// Something that changes nothing here.
    Other,
}
