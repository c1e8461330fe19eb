//! Sending mail.

mod mime;
pub mod smtp;
