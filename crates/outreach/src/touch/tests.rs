//! The way of a touch from its plan to its outcome, against PostgreSQL, in memory otherwise.

mod batch;
mod booking;
mod channels;
mod client;
mod gate;
mod interleaved;
mod oracle;
mod outcomes;
mod silent;
mod snapshot;
mod stranded;
mod way;
pub(crate) mod world;
