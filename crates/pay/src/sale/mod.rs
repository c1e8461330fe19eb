//! Sales: payments that buyers present for paid resources, over x402 and over the IETF "Payment" scheme.
//!
//! The way of a sale, in this order: what was presented is checked and the facilitator finds it good;
//! the payment is **claimed**, once in the whole installation; the **work** is done; its output is put
//! away, unreadable; the payment is **settled**; the output is delivered.
//!
//! What is dear goes the other way round (**upfront**): claimed, settled, worked for, delivered. Between the
//! facilitator's word that a payment is good and its settlement a buyer can spend the money elsewhere; for
//! little that costs the seller some work, for much it would be worth a buyer's while.
//!
//! What always holds:
//! * A payment is claimed before any work, and the claim is never given up: five replays run the work once.
//! * A settlement whose answer was lost is `unknown`, and is looked up until the network is sure.
//! * No role of the program can read an output before the sale is paid (a policy of the table).
//! * What is not dear is not settled before the work is done: waiting, a stop or a failure costs the buyer
//!   nothing. What was paid upfront is made in the end, by whoever finds it; where the work fails again and
//!   again the sale says that the seller owes the money.
//! * A repeated request under the buyer's own name of the payment gets the answer of the first one.

pub(crate) mod api;
mod books;
pub(crate) mod hook;
pub(crate) mod jobs;
mod module;
mod offer;
mod present;
mod resolve;
mod sell;
mod store;
#[cfg(test)]
pub(crate) mod tests;

pub use module::module;
pub use store::list;

use crate::facilitator::hook::PER_MINUTE;
use crate::resource::{self, Resource, ResourceId};
use crate::signing::{Purpose, Ring};
use crate::turnstile::Turnstile;
use async_trait::async_trait;
use base::{Currency, Digest, Error, Result, Secret, TenantId, Time};
use db::{Caller, Cx, Db, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
pub use x402::Facilitator;

base::id_type!(
    /// A payment for a paid resource.
    SaleId
);

/// How far a sale is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.sale_status", rename_all = "snake_case")]
pub enum Status {
    /// The payment is claimed; the work waits or is being done. Nothing is charged.
    Claimed,
    /// The work is done; the payment is being settled.
    Settling,
    /// The answer to the settlement was lost: it is looked up.
    Unknown,
    /// Paid upfront; the work is being done.
    Paid,
    /// Paid, and delivered.
    Delivered,
    /// Not paid, and nothing is delivered.
    Failed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Claimed, Self::Settling, Self::Unknown, Self::Paid, Self::Delivered, Self::Failed];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Settling => "settling",
            Self::Unknown => "unknown",
            Self::Paid => "paid",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Claimed => "Being worked on",
            Self::Settling => "Being settled",
            Self::Unknown => "Being looked up",
            Self::Paid => "Paid, being made",
            Self::Delivered => "Paid and delivered",
            Self::Failed => "Not paid",
        }
    }

    /// Whether its end is not known yet.
    pub fn is_open(self) -> bool {
        match self {
            Self::Claimed | Self::Settling | Self::Unknown | Self::Paid => true,
            Self::Delivered | Self::Failed => false,
        }
    }
}

/// What comes first, the work or the settlement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.sale_flow", rename_all = "snake_case")]
pub enum Flow {
    /// The work: the buyer's authorization is settled when it is done.
    Authorization,
    /// The settlement: what is dear is paid before the work.
    Upfront,
}

/// Above this price, in minor units, a sale is settled before the work.
pub const UPFRONT_ABOVE_MINOR: i64 = 1_000;

/// In which words a payment was presented.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.dialect", rename_all = "snake_case")]
pub enum Dialect {
    /// x402 version 2.
    X402,
    /// The IETF "Payment" scheme.
    Mpp,
}

/// A payment for a paid resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sale {
    /// Which.
    pub id: SaleId,
    /// For what.
    pub resource_id: ResourceId,
    /// The buyer's wallet.
    pub payer: String,
    /// The wallet that is paid.
    pub payee: String,
    /// The network.
    pub network: String,
    /// The token's contract.
    pub asset: String,
    /// Atomic units.
    pub units: String,
    /// The same in minor units.
    pub amount_minor: i64,
    /// Of this currency.
    pub currency: Currency,
    /// In which words it was presented.
    pub dialect: Dialect,
    /// The buyer's own name of the payment.
    pub payment_name: Option<String>,
    /// Whether the tokens are simulated.
    pub simulated: bool,
    /// What comes first.
    pub flow: Flow,
    /// How far it is.
    pub status: Status,
    /// Why it failed: a code.
    pub reason: Option<String>,
    /// How often the work was done: never more than once.
    pub runs: i32,
    /// The transaction that paid it.
    pub transaction: Option<String>,
    /// When the payment was claimed.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    #[serde(skip)]
    nonce: Vec<u8>,
    #[serde(skip)]
    fingerprint: Vec<u8>,
    #[serde(skip)]
    valid_before: Time,
    #[serde(skip)]
    checks: i32,
}

impl Sale {
    /// Whether the buyer paid and never got it: the seller owes the money.
    pub fn is_owed(&self) -> bool {
        self.status == Status::Failed && self.transaction.is_some()
    }
}

/// What was made for a sale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    /// Its type.
    pub content_type: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// What is done for a payment. It must have no effect that outlives it: if the payment fails, its output is
/// never seen; for what was paid upfront it is done again until it succeeds.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// Makes the output. No transaction is open.
    ///
    /// # Errors
    /// The buyer is then charged nothing.
    async fn run(&self, db: &Db, tenant: TenantId, by: &Caller, resource: &Resource) -> Result<Output>;
}

/// Delivers what the resource holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stored;

#[async_trait]
impl Work for Stored {
    async fn run(&self, db: &Db, tenant: TenantId, by: &Caller, resource: &Resource) -> Result<Output> {
        let mut cx = db.begin(Scope::Tenant(tenant), by.clone()).await?;
        let (content_type, body) = resource::body(&mut cx, resource.id).await?;
        Ok(Output { content_type: content_type.word().to_owned(), body: body.into_bytes() })
    }
}

/// What one process needs to sell.
#[derive(Clone)]
pub struct Shop {
    /// Who settles.
    pub facilitator: Arc<dyn Facilitator>,
    /// What is done for a payment.
    pub work: Arc<dyn Work>,
    ring: Arc<Ring>,
    origin: String,
    /// How often one address may call the facilitator.
    gate: Arc<Turnstile>,
    upfront_above_minor: i64,
}

impl Shop {
    /// A shop that delivers what resources hold. `origin` is the public address of this installation.
    pub fn new(facilitator: Arc<dyn Facilitator>, ring: Arc<Ring>, origin: impl Into<String>) -> Self {
        let gate = Arc::new(Turnstile::new(PER_MINUTE));
        Self {
            facilitator,
            work: Arc::new(Stored),
            ring,
            origin: origin.into(),
            gate,
            upfront_above_minor: UPFRONT_ABOVE_MINOR,
        }
    }

    /// The same with other work.
    #[must_use]
    pub fn doing(self, work: Arc<dyn Work>) -> Self {
        Self { work, ..self }
    }

    /// The same with another price above which a sale is settled before the work.
    #[must_use]
    pub fn upfront_above(self, minor: i64) -> Self {
        Self { upfront_above_minor: minor, ..self }
    }

    /// What comes first in a sale at this price.
    pub(crate) fn flow(&self, price_minor: i64) -> Flow {
        if price_minor > self.upfront_above_minor { Flow::Upfront } else { Flow::Authorization }
    }

    /// Where a resource is sold.
    pub(crate) fn address(&self, resource: &Resource) -> String {
        format!("{}{}", self.origin, resource.path())
    }

    /// The name of this shop in challenges.
    fn realm(&self) -> &str {
        self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host)
    }

    /// What binds challenges to this installation. It follows from a signing key: it outlives a restart,
    /// and ends with a rotation.
    async fn secret(&self) -> Result<Secret> {
        let keys = self.ring.keys().await?;
        let key = keys.signer(Purpose::Receipt)?.hash.secret_bytes();
        Ok(Secret::new(Digest::of(b"payment challenges").chain(&key).to_string()))
    }
}

/// The sale.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: SaleId) -> Result<Sale> {
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("sale"))
}
