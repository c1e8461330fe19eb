//! Who is contacted: leads, their companies, where they come from, how they score.
//!
//! Nouns here: [`score`] (ALS, the one scoring function, and the one channel policy), [`import`]
//! (messy files as a stream of typed drafts and explained rejects), [`phone`], [`country`],
//! [`zone`], [`headcount`], and [`export`] (cells that no spreadsheet executes). [`eval`] runs these skills over lines
//! of JSON without a server.
//!
//! Invariants: a missing fact scores nothing and is never guessed; no input row disappears without
//! a reason; the displayed parts of a score add up to its total.

pub mod country;
pub mod eval;
pub mod export;
pub mod fold;
pub mod headcount;
pub mod import;
pub mod phone;
pub mod score;
pub mod zone;

pub use country::Country;
pub use headcount::Headcount;
pub use phone::Phone;
