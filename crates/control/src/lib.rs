//! Control: what one person needs to see, allow, limit and stop everything.
//!
//! - [`switch`]: kill switches, the gate that obeys them, the proof of a stop.
//! - [`approval`]: decisions that wait for a person, bound to the exact bytes.
//! - [`budget`]: money limits and the ledger of every metered unit.
//! - [`audit`]: the sealed trail of every change.
//! - [`secret`]: secrets of tenants, sealed at rest.
//! - [`figure`]: dated figures that the code obeys and the pages show.
//! - [`notification`]: what people are told.
//!
//! Invariants: behind an engaged switch no effect is recorded; nothing is spent without a reservation on
//! every budget that covers it; nothing is done that differs in one byte from what was approved; no
//! change of an audited row goes unrecorded. What cannot be read says no.

pub mod approval;
pub mod audit;
pub mod budget;
mod export;
pub mod figure;
pub mod notification;
pub mod outside;
pub mod secret;
pub mod switch;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

mod module;

pub use module::{Parts, module};

use base::{Cursor, Error, Result};

/// A value for the query of an address, percent-encoded.
pub(crate) fn link(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// The cursor in an address; none when it is empty. A damaged one is refused where it is used.
pub(crate) fn cursor(text: &str) -> Result<Option<Cursor>> {
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_value(serde_json::Value::from(text)).map(Some).map_err(Error::from)
}

/// With its first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
