//! Outreach: campaigns and their sequences, what is written and sent, what comes back, deals.
//!
//! The way of a message: [`campaign`] and [`sequence`] say what is to happen, [`enrolment`] carries
//! a lead along, [`touch`] plans, writes, asks and sends over the channels of [`channel`], [`delivery`] hears what
//! became of it, [`thread`] keeps the conversation,
//! [`reply`] understands what comes back and acts on it, [`activity`] keeps what happened.
//!
//! Invariants: nothing leaves without passing the gate in the transaction that records its intent;
//! one step for one lead leaves at most once; after an opt-out commits, nothing begins.

pub mod account;
pub mod activity;
pub mod campaign;
pub mod channel;
mod client;
pub mod content;
pub mod deal;
pub mod delivery;
pub mod enrolment;
pub mod knowledge;
pub mod lead_link;
pub mod limits;
pub mod mailbox;
mod module;
pub mod offer;
pub mod postal;
pub mod preview;
pub mod reply;
pub mod resource;
pub mod sequence;
pub mod sink;
pub mod stop;
pub mod thread;
pub mod touch;
pub mod track;
pub mod unsubscribe;
pub mod window;

pub use module::{Needs, module};
