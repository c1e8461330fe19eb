//! Answers of prospects: what they mean, what follows, and what we answer.
//!
//! [`process`] turns a kept delivery into a message, a verdict and its [`effects`], with a model as [judge](judge)
//! of what is uncertain; [`reclassify`] lets
//! a person correct the verdict; [`answer`] drafts and [`send`] hands off what we answer.

pub mod answer;
pub mod effects;
pub mod entities;
mod find;
pub mod jobs;
mod judge;
pub mod process;
mod reclassify;
pub mod send;
pub mod suggest;
#[cfg(test)]
pub(crate) mod tests;
mod words;

pub use judge::Verdict;
pub use reclassify::reclassify;
pub use send::Answerer;
