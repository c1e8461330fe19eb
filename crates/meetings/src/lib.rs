//! Meetings: the booking page that the client has here, the calendars that it has at booking services, and
//! what becomes of a meeting.
//!
//! Nouns: [`meeting`] (booked, moved, cancelled, held or missed, wherever it was booked), [`calendar`] (a
//! client's calendar at Cal.com or Calendly, and what that tells). [`offer`] says what an answer offers.
//!
//! Invariants: a meeting has the same effects wherever it was booked (the sequence stops, the lead moves, a
//! deal opens, one fact says so); what a service tells is verified over its raw bytes and kept before it is
//! answered; where a booking stands follows from everything that was told about it, in any order; a reminder
//! and an offer after a no-show are asked for in the transaction that marks them.

pub mod calendar;
pub mod meeting;
mod module;
pub mod offer;
#[cfg(test)]
mod tests;

pub use module::{Needs, module};
