//! Billing: what the agency's clients pay for and what they have left of it.
//!
//! - [`plan`]: plans and terms as dated rows.
//! - [`founding`]: the founding members' spots.
//! - [`checkout`], [`change`]: the ways to a plan and to another one.
//! - [`subscription`]: what is subscribed, as the provider has it, and what follows.
//! - [`credit`]: the append-only ledger of credits.
//! - [`invoice`]: invoices, numbered without gaps, as PDF.
//! - [`dunning`]: reminders of a payment that failed.
//! - [`standing`]: what the gate of outreach asks, and what a plan allows.
//! - [`limit`]: whether the plan allows one more of what it limits.
//!
//! Invariants: no word of the provider is believed, what it is about is looked at; nothing older is applied
//! over something newer; a period's credits are granted once and lapse with it; credits are never below
//! zero; a founding spot has one member; a row of a plan
//! is added, never changed; an invoice's number has no gap and its text never changes.

mod api;
pub mod change;
pub mod checkout;
pub mod credit;
mod desk;
pub mod dunning;
pub mod founding;
pub mod invoice;
pub mod limit;
mod margin;
mod module;
mod pages;
pub mod plan;
mod settings;
mod standing;
pub mod subscription;
#[cfg(test)]
mod testing;
mod webhook;

pub use desk::Desk;
pub use module::module;
pub use settings::{Seller, Settings};
pub use standing::{Limits, Standing, limits, standing};
