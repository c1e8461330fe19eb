//! Reading websites.

mod facts;
pub mod guard;
mod html;
pub mod website;
