//! The demonstration: three clients, 2,000 generated leads and a synthetic market, driven through
//! the real engines on a virtual clock for thirty days. Everything is made by the same code that
//! serves real clients; only the outside world and the people are simulated. Nothing leaves the
//! process, and the same seed gives the same history.

mod clients;
mod digest;
mod market;
mod owner;
mod people;
mod phrases;
mod run;

pub use digest::digest;
pub use run::{Demo, Report, run};
