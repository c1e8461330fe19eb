//! Whom nobody may contact: one list, asked by import, enrichment, allocation and the gate.
//!
//! An entry holds for one client or for the whole platform; it names an address, a domain, a company
//! or a phone number. A freemail domain can never be suppressed as a domain: it would silence
//! everyone who has an address there.

pub mod api;
mod check;
pub mod pages;
mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use check::{Who, holding, suppressed};
pub use rules::{Kind, Reason, Scope, is_freemail, is_tomb, tomb};
pub use store::{Entry, Keys, New, add, entomb, list, of_kind, parse_line, parse_many, release, search};

base::id_type!(
    /// An entry of the suppression list.
    SuppressionId
);
