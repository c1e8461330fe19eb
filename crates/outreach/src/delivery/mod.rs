//! What providers report: from the inbox to rows. Reports come late, twice and out of order: a state never
//! goes back, and each has its effects once, in the transaction that records it.

mod apply;
pub mod jobs;
mod reply;
mod store;
#[cfg(test)]
mod tests;

pub use apply::process;
pub use store::{Reported, of_touch};
