//! What numbers can bear: rates and their intervals, comparisons of arms, tests that may be looked
//! at every day, estimates of many small segments, and models that must win on later data.
//!
//! Pure functions over counts: no database, no clock; randomness only from a seed that the caller
//! names, so that the same rows always give the same answer. Every verdict can be “no evidence”.
//!
//! | question | module |
//! |---|---|
//! | how sure is this rate | [`rate`] |
//! | do two arms differ, by how much | [`effect`] |
//! | may the running test be ended now | [`race`] |
//! | what holds in each of many small segments | [`shrink`] |
//! | which features go with the outcome | [`logistic`] |
//! | does a model beat today's on later rows | [`holdout`] |
//! | which columns of a file may be learnt from | [`frame`] |
//! | all of that for a CSV | [`file`] |

pub mod effect;
pub mod file;
pub mod frame;
pub mod holdout;
pub mod logistic;
pub mod race;
pub mod rate;
pub mod shrink;

pub use effect::{Effect, Verdict};
pub use rate::{Interval, Rate};

#[cfg(test)]
mod tests;
