//! Reading mail.

pub mod imap;
