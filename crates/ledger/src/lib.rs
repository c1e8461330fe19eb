//! The books: double entry over accounts of one currency each, in the manner of TigerBeetle.
//!
//! * **account**: the closed chart of accounts; what is bounded has a balance of five figures, what
//!   is the platform's and unbounded has none and is summed when somebody asks.
//! * **transfer**: immutable legs, written by one verb, [`apply`]. A reservation takes funds out of
//!   reach and ends exactly once: posted (in full or in part, the rest returns), voided or expired.
//!   The id of a step is made by its caller and makes the step safe to repeat.
//! * Over these: [`refund`], [`dispute`], [`payout`], [`exchange`], [`sweep`] (expiry), [`verify`]
//!   (rebuild), [`journal`] (plain-text accounting), [`entries`] and [`statement`].
//!
//! What always holds:
//! * Debits equal credits in every currency, pending and posted separately: a leg is both at once.
//! * A wallet never spends more than it holds, whatever the concurrency; the database refuses it too.
//! * Nothing that was written is changed or deleted: there is no right to, and a trigger refuses.
//! * No leg crosses currencies. Trial credit becomes no cash.
//! * A tenant sees its own accounts and what touches them; it takes from nobody else's wallet.
//!
//! Amounts are minor units in `i64`; what would not fit is refused. No floating point.

pub mod account;
mod chart;
pub mod dispute;
pub mod entries;
pub mod exchange;
pub mod journal;
pub mod payout;
pub mod refund;
pub mod split;
pub mod statement;
pub mod sweep;
mod transfer;
pub mod verify;

#[cfg(test)]
mod tests;

pub use account::{AccountId, Figures};
pub use chart::{Chart, Side};
pub use transfer::{
    Act, Ending, LEGS_MAX, Leg, Outcome, Part, Purpose, STEPS_MAX, Session, Step, TransferId, apply,
    apply_all, linked, session,
};
