//! Sending mail.

mod mime;
pub mod smtp;

pub use mime::write;
