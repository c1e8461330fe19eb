//! Looking leads up at outside services: the waterfall.
//!
//! Nouns: [`tier`] (the steps as dated rows: provider, price, gate, fields), [`account`] (a tenant's keys at the
//! services), [`run`] (a batch of leads and where each stands), [`call`] (one look-up, claimed before it is asked and
//! kept as the cache), [`lineage`] (what each step did), [`quarantine`] (what contradicts, until a person decides),
//! [`search`] (leads that services find by the ideal customer profile). [`merge`] decides what of an answer is taken,
//! [`waterfall`] is the job that carries one lead through.
//!
//! Invariants: suppression and duplicates are asked before any paid step; a look-up has one row before it is asked and
//! nobody asks it again while that row stands, so that a killed worker pays nothing twice; its cost is written with
//! its result; of a batch no more leads than its share reach a premium service; nothing that is known is overwritten,
//! and what contradicts it waits for a person; a credit is set aside before a lead is looked up and kept only when
//! the lead counts as enriched.

pub mod account;
pub mod api;
pub mod call;
mod desk;
pub mod hook;
pub mod lineage;
pub mod merge;
mod module;
pub mod pages;
pub mod quarantine;
pub mod run;
pub mod search;
pub mod subject;
#[cfg(test)]
mod tests;
pub mod tier;
pub mod waterfall;

pub use desk::{BoxFuture, Credits, Desk};
pub use module::module;

/// The agent in whose name look-ups are made: what switches and budgets call it.
pub const AGENT: &str = "scout";
