//! A person at a company, and the only ways in which their state changes.

mod rules;
mod store;

pub use rules::Status;
pub use store::{Contact, advance, contact, hold, referred, replied, touched};

base::id_type!(
    /// A lead.
    LeadId
);
