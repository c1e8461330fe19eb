//! The x402 protocol (version 2) and the IETF "Payment" scheme, as data: what a 402 asks, what a
//! payer signs, what a facilitator answers. No database, no connection, no clock: the callers
//! bring those.
//!
//! Sources: `specs/x402-specification-v2.md`, `specs/transports-v2/http.md`,
//! `specs/schemes/exact/scheme_exact_evm.md` and `specs/extensions/payment_identifier.md` of
//! coinbase/x402; `draft-httpauth-payment-00` of tempoxyz/mpp-specs.

mod address;
pub mod choose;
pub mod contract;
pub mod exact;
mod facilitate;
pub mod header;
pub mod identifier;
mod key;
pub mod mpp;
mod network;
mod reason;
mod uint;
pub mod wire;

#[cfg(test)]
mod tests;

pub use address::{Address, Word, keccak256};
pub use facilitate::{Facilitator, Fate, Trouble};
pub use key::{PayerKey, Signature};
pub use network::Network;
pub use reason::Reason;
pub use uint::Uint;
pub use wire::{PaymentPayload, PaymentRequired, Requirements, Resource, SettleResponse, VerifyResponse};

/// The version that we speak.
pub const VERSION: u32 = 2;
