//! A person at a company: what is known, how it is changed, found, listed and taken out.
//!
//! The state moves only through [`advance`] and the bulk acts, which follow the same rules.

pub mod api;
mod bulk;
mod export;
mod fields;
mod find;
pub(crate) mod jobs;
mod many;
pub mod pages;
mod rules;
mod same;
mod store;
mod tally;
#[cfg(test)]
mod tests;
mod view;
mod words;
mod write;

pub use bulk::{Act, BULK_AT_ONCE, Selection, bulk};
pub(crate) use export::{download, download_lines};
pub use fields::{Fields, Problem, Typed};
pub use find::{Asked, COUNT_MAX, Filter, SEEK_MAX, Sort, Summary, count, ids, list};
pub use many::{Origin, Row, Stored, write_many};
pub use rules::Status;
pub use same::same;
pub use store::{Contact, Reached, advance, contact, enriched, hold, reached, referred, replied, touched};
pub use tally::{Tally, tally};
pub use view::{View, drop_view, save_view, views};
pub use words::{Consent, EmailState, Mode};
pub(crate) use write::called;
pub use write::{Lead, consent, create, edit, erase, get, override_mode, remove, suppress, typed};

base::id_type!(
    /// A lead.
    LeadId
);
