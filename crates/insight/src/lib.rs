//! Insight: what was learnt from what happened, what follows from it, and what came of it all.
//!
//! - [`learn`]: one run over a client's history: five detectors (who, what, when, how, funnel), each a set-based
//!   count and shrunken rates with intervals.
//! - [`pattern`]: what a run found, for fourteen days, with history, health and the way back.
//! - [`suggestion`]: what follows from patterns; done only when a person says yes, unless the client chose
//!   otherwise.
//! - [`report`]: outcomes against plan, attribution, how far leads are engaged; as page, CSV and PDF.
//! - [`digest`]: the week by mail, for every member who does not opt out.
//!
//! Invariants: success is counted by one vocabulary, the view `insight.outcome`; nothing is learnt from opens
//! or clicks; a lift is told only where its interval excludes 1; weights are proposed only when later leads agree;
//! of other clients nothing is known but sums of at least three.

pub mod digest;
pub mod generate;
pub mod learn;
mod module;
pub mod pattern;
mod prior;
pub mod report;
pub mod suggestion;
#[cfg(test)]
mod testing;

pub use module::{Needs, module};
