//! Pay: the agent payment gateway. An agent says what it wants to buy (intent), a policy says whether it
//! may (gate), a signed permission says how much (mandate), money moves over a rail (payment), and a chain
//! of signed receipts proves it.
//!
//! - [`principal`]: paying agents, their keys, their public keys.
//! - [`policy`]: what each may do; [`policy::rules`] is the gate, pure.
//! - [`vendor`]: whom they may pay.
//! - [`intent`]: what they want, with the quote under which they may.
//! - [`mandate`]: signed permissions to pay, their counters, what is handed on.
//! - [`signing`]: the keys of this installation.
//! - [`outgoing`]: what refunds and payouts have in common: how far money that leaves is.
//! - [`payment`]: money that moves under a mandate, once; [`refund`], [`dispute`] take it back.
//! - [`receipt`]: the chain of signed receipts; [`statement`]: the accounts, cent for cent.
//! - [`account`]: the tenant's accounts at the rails.
//! - [`reconcile`]: what nobody finished, and whether the rails and the books say what we have.
//! - [`cap`]: what of the limits is used.
//! - [`credit`]: what a tenant holds here to pay with.
//! - [`exchange`]: credit in one currency for credit in another, at dated rates with a source.
//! - [`fee`]: the platform's share, by dated versions.
//! - [`refusal`]: stable codes, and every broken rule at once.
//! - [`facilitator`]: settles x402 payments, over simulated tokens or outside; [`resource`]: what tenants
//!   sell; [`sale`]: payments for it.
//! - [`caller`]: who calls — a member, or an agent with its own key ([`Auth`]).
//! - [`rail`]: the ways for money to move.
//!
//! What always holds:
//! * What no rule allows is refused; every broken rule is named, by a code that never changes.
//! * A limit is a row that one conditional update hits: no race passes it.
//! * A policy that was used is never changed; what was judged by it can be judged again.
//! * The key of a paying agent reaches pay's machine calls and its own principal's things, nothing else;
//!   its text is shown once and kept nowhere.
//! * Every call that changes something carries an `Idempotency-Key`; key and change are one transaction.
//! * Money is whole minor units. No floating point.

pub mod account;
pub mod bench;
pub mod caller;
pub mod cap;
pub mod credit;
pub mod dispute;
pub mod exchange;
pub mod facilitator;
pub mod fee;
mod gateway;
pub mod intent;
mod list;
pub mod mandate;
mod module;
pub mod outgoing;
mod page;
pub mod payment;
pub mod payout;
pub mod policy;
pub mod principal;
pub mod rail;
pub mod receipt;
pub mod reconcile;
pub mod refund;
pub mod refusal;
pub mod resource;
pub mod sale;
mod show;
pub mod signing;
pub mod statement;
#[cfg(test)]
mod tests;
mod turnstile;
pub mod vendor;
pub mod webhook;

pub use caller::{Auth, Caller, Origin};
pub use gateway::module as payments;
pub use mandate::module as mandates;
pub use module::module;
pub use rail::Rail;
pub use sale::module as sales;
