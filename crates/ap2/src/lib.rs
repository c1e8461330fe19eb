//! AP2 v0.2, the Agent Payments Protocol: mandates as SD-JWT chains, their constraints, receipts,
//! and the signatures around them. Pure protocol and cryptography: no database, no network, no
//! clock but the instants that callers pass in.
//!
//! - [`sdjwt`] writes and verifies chains: `root~disclosure~~hop~disclosure~`.
//! - [`mandate`] are the four mandates as types, and whole chains of them.
//! - [`constraint`] judges a payment or a checkout against what was allowed.
//! - [`delegation`] keeps a mandate that is handed on within the one it comes from.
//! - [`receipt`] are AP2's receipts (JWT); [`chain`] is our own chain of receipts and its checkpoints.
//! - [`signed`] signs a mandate's hash; [`jwk`] are keys as JSON; [`jwt`] compact ES256 tokens.
//! - [`http_signature`] says which agent sent a request (RFC 9421).
//!
//! Invariants: a token counts only after its signature, its binding to the token before, audience
//! and nonce were checked, on every hop; a constraint that cannot be judged is not met; money is
//! never a float.
//!
//! Where AP2's specification and its library disagree, these rules hold:
//!
//! | point | rule |
//! |---|---|
//! | receipt `reference` | hash of the closed token with its disclosures; the JWT's alone beside it; either is accepted |
//! | receipt outcome | `status` is written, `status` and `result` are read |
//! | `budget.max` | an exact decimal in the currency's ISO 4217 exponent; more decimals cannot be judged |
//! | `agent_recurrence` | enforced in days of the mandate's zone (`time_zone`, UTC without it); none means one use |
//! | `execution_date` | instants of RFC 3339; without a date the present instant |
//! | amounts | more than nothing everywhere |
//! | `aud`, `nonce` | expected by the caller for every hop; there is no way to leave them out |
//! | `payment.reference` | demanded when the checkout was closed by an agent |
//! | `line_items` | both sides used up exactly; a requirement without disclosed products takes none |
//! | `issuer_jwt_hash` | refused: a hop binds to the disclosures of the token before |

mod b64;
pub mod chain;
pub mod constraint;
pub mod delegation;
mod error;
pub mod http_signature;
mod json;
pub mod jwk;
pub mod jwt;
mod keys;
pub mod mandate;
mod money;
pub mod receipt;
#[cfg(test)]
mod sample;
pub mod sdjwt;
pub mod signed;

pub use b64::hash;
pub use error::{Code, Error, Result};
pub use json::Json;
pub use jwk::{Jwk, Jwks, PublicKey};
pub use keys::{IdentityKey, MandateKey};
pub use money::{Amount, CurrencyCode};
