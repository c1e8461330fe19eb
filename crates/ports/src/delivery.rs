//! What every channel shares: who carries a message, how a hand-over fails, what is heard of it later.
//!
//! Exactly-once rests on the three ways in which a hand-over can fail ([`Failure`]): the provider said
//! no, nothing was handed over, or nobody knows. Only after the first two may the same be handed over
//! again without asking the port's `find` first. What providers tell later is an [`Event`]; it comes
//! late, twice and out of order, so that states are only ever moved forward ([`What::rank`]).

mod event;
mod failure;
mod provider;
mod receiver;
mod shelf;

#[cfg(test)]
mod tests;

pub use event::{Bounce, CallEnd, Event, Permanence, Reply, What};
pub use failure::{Failure, Reason, Refusal, Step};
pub use provider::{PhoneNumber, Provider};
pub use receiver::{Inbound, Keys, Receiver, Receivers, SignaturePlan, Signing, WebhookError};
pub(crate) use shelf::Shelf;
pub use shelf::{Kept, Odds};

use base::{Currency, Micros, Time};
use serde::{Deserialize, Serialize};

/// The provider's receipt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Receipt<S> {
    /// The provider's own name for it; later events carry the same.
    pub provider_ref: String,
    /// How far it was when the provider answered.
    pub status: S,
    /// What it costs, when the provider says so already.
    pub cost: Option<Cost>,
    /// When the receipt came.
    pub at: Time,
}

/// What is known about a hand-over whose outcome was lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found<S> {
    /// The provider has it: do not hand it over again.
    Taken(Receipt<S>),
    /// The provider certainly does not have it and will not get it, or takes a repetition for the
    /// same: handing it over again is safe.
    NotSeen,
    /// There is no way to know: a person decides, or it counts as sent.
    CannotTell,
}

/// What something costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Millionths of the currency's main unit.
    pub micros: Micros,
    /// The currency.
    pub currency: Currency,
}
