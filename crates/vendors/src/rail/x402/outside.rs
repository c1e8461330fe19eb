//! A facilitator outside, for what tenants sell: it settles, and the network tells what became of a
//! settlement whose answer was lost.

use super::chain::Chain;
use super::facilitator::Facilitator;
use crate::rail::Line;
use ::x402::exact::Claim;
use ::x402::wire::{FacilitatorRequest, SettleResponse, Supported, VerifyResponse};
use ::x402::{Fate, Trouble};
use async_trait::async_trait;
use base::Result;
use ports::rail::RailError;
use std::sync::Arc;
use url::Url;

/// A facilitator and the network that it settles on.
pub struct Outside {
    line: Line,
    facilitator: Facilitator,
    rpc: Url,
}

impl Outside {
    /// The facilitator below `facilitator`, with the network at `rpc` (Ethereum's JSON-RPC).
    ///
    /// # Errors
    /// Invalid unless both addresses are encrypted or on this machine.
    pub fn at(line: &Line, facilitator: &Url, rpc: &Url) -> Result<Self> {
        let found = Facilitator::at(line, facilitator)?;
        Chain::at(line, rpc)?;
        Ok(Self { line: line.clone(), facilitator: found, rpc: rpc.clone() })
    }

    /// The same, as sellers want it.
    ///
    /// # Errors
    /// As [`Outside::at`].
    pub fn shared(line: &Line, facilitator: &Url, rpc: &Url) -> Result<Arc<dyn ::x402::Facilitator>> {
        Ok(Arc::new(Self::at(line, facilitator, rpc)?))
    }
}

fn trouble(error: RailError) -> Trouble {
    let words = error.to_string();
    match error {
        RailError::NotStarted { .. } => Trouble::NotReached(words),
        RailError::Unknown { .. } => Trouble::Lost(words),
        RailError::Declined { .. } | RailError::Rejected { .. } | RailError::Unsupported { .. } => {
            Trouble::Refused(words)
        }
    }
}

#[async_trait]
impl ::x402::Facilitator for Outside {
    fn is_sandbox(&self) -> bool {
        false
    }

    async fn supported(&self) -> Result<Supported, Trouble> {
        self.facilitator.supported().await.map_err(trouble)
    }

    async fn verify(&self, request: &FacilitatorRequest) -> Result<VerifyResponse, Trouble> {
        self.facilitator.verify(request).await.map_err(trouble)
    }

    async fn settle(&self, request: &FacilitatorRequest) -> Result<SettleResponse, Trouble> {
        self.facilitator.settle(request).await.map_err(trouble)
    }

    async fn look_up(&self, claim: &Claim) -> Result<Fate, Trouble> {
        let chain = Chain::at(&self.line, &self.rpc).map_err(trouble)?;
        chain.fate(claim).await.map_err(trouble)
    }
}
