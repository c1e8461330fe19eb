//! Who is contacted: leads, their companies, where they come from, how they score.
//!
//! Nouns here: [`lead`] (a person at a company), [`company`], [`mod@fact`] (what is known, with its source),
//! [`enrich`] (facts from websites and DNS), [`score`] (ALS, the one scoring function, and the one channel
//! policy), [`suppression`] (whom nobody may contact), [`phone`], [`country`], [`zone`], [`headcount`], and [`export`]
//! (cells that no spreadsheet executes). [`eval`] runs these skills over lines of JSON without a server. [`module`] is
//! what the program adds; higher domains add to its pages through [`Extras`].
//!
//! Invariants: a missing fact scores nothing and is never guessed; no input row disappears without
//! a reason; the displayed parts of a score add up to its total; the state of a lead moves by the rules only.

pub mod clean;
pub mod company;
pub mod country;
pub mod dates;
pub mod dnc;
pub mod enrich;
pub mod eval;
pub mod export;
pub mod fact;
pub mod fold;
pub mod headcount;
mod known;
pub mod lead;
mod module;
pub mod phone;
pub mod score;
pub mod suppression;
#[cfg(test)]
mod tests;
pub mod zone;

pub use country::Country;
pub use headcount::Headcount;
pub use module::{BulkAct, Campaigns, Detail, Extras, Needs, module};
pub use phone::Phone;
