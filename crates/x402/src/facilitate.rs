//! What a seller needs of a facilitator, whoever it is: the sandbox's own, or one outside.

use crate::exact::Claim;
use crate::wire::{FacilitatorRequest, SettleResponse, Supported, VerifyResponse};
use async_trait::async_trait;

/// Checks payments and brings them to the network.
#[async_trait]
pub trait Facilitator: Send + Sync + 'static {
    /// Whether the tokens are simulated: nothing of value moves.
    fn is_sandbox(&self) -> bool;

    /// What it settles.
    ///
    /// # Errors
    /// [`Trouble::NotReached`].
    async fn supported(&self) -> Result<Supported, Trouble>;

    /// Whether a payment would be settled now. Moves nothing.
    ///
    /// # Errors
    /// Never [`Trouble::Lost`].
    async fn verify(&self, request: &FacilitatorRequest) -> Result<VerifyResponse, Trouble>;

    /// Settles a payment.
    ///
    /// # Errors
    /// After [`Trouble::Lost`] the money may have moved: see [`Facilitator::look_up`].
    async fn settle(&self, request: &FacilitatorRequest) -> Result<SettleResponse, Trouble>;

    /// What became of an authorization, as the network knows it. Has no effect.
    ///
    /// # Errors
    /// Nothing was learnt.
    async fn look_up(&self, claim: &Claim) -> Result<Fate, Trouble>;
}

/// Why a facilitator gives no answer.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// It was not reached, or did not look at the request. Nothing moved.
    #[error("the facilitator was not reached: {0}")]
    NotReached(String),
    /// Its answer was lost, or makes no sense. The money may have moved.
    #[error("the facilitator's answer was lost: {0}")]
    Lost(String),
    /// It finds the request wrong. Nothing moved, and the same again never works.
    #[error("the facilitator refuses the request: {0}")]
    Refused(String),
}

/// What became of an authorization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The network took it, and the money went where the claim says.
    Settled {
        /// The transaction.
        transaction: String,
    },
    /// The network took an authorization of this payer and name for something else: this one is worth
    /// nothing any more.
    Elsewhere,
    /// The network has not taken it.
    Unused,
}
