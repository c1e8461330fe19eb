//! Payments against PostgreSQL: the ledger's rail, outside rails, races and lost answers.

pub(crate) mod bed;
mod balances;
mod outside;
mod rules;
mod screens;
