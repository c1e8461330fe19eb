//! What came of it all: a month's outcomes against the plan, whose doing they were, how far people are engaged.
//! Every number is counted from rows at the moment of looking.

pub mod attribution;
mod engagement;
mod month;
mod outcomes;
pub mod pages;
mod pdf;
pub mod plan;
#[cfg(test)]
mod tests;

pub use month::Month;
pub use outcomes::{Outcomes, outcomes};
