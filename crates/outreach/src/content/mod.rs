//! What a message says: an ordered sheet of facts, a writer (a language model or the built-in one),
//! and checks that let nothing through which the facts do not carry.

pub mod brief;
pub mod builtin;
pub mod claims;
pub mod compose;
mod critic;
pub mod fill;
pub mod footer;
pub mod limits;
pub mod llm;
pub mod model;
pub mod short;
pub mod snapshot;
#[cfg(test)]
mod tests;
pub mod text;

pub use brief::{Brief, Evidence, Rank};
pub use compose::{Draft, Env, Unwritable, compose};
pub use model::LlmSettings;
