//! Reading websites.

mod facts;
pub mod guard;
pub mod website;
