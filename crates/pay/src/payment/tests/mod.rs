//! Payments against PostgreSQL: the ledger's rail, outside rails, races and lost answers.

mod balances;
pub(crate) mod bed;
mod cashfree;
mod outside;
mod rules;
mod screens;
mod together;
mod x402;
