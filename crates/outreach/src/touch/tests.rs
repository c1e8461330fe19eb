//! The way of a touch from its plan to its outcome, against PostgreSQL, in memory otherwise.

mod batch;
mod channels;
mod client;
mod gate;
mod interleaved;
mod oracle;
mod outcomes;
mod stranded;
mod way;
pub(crate) mod world;
