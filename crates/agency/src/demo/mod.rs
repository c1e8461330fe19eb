//! The demonstration: three clients, 2,000 generated leads and a synthetic market, driven through
//! the real engines on a virtual clock for thirty days. Everything is made by the same code that
//! serves real clients; only the outside world and the people are simulated. Nothing leaves the
//! process, and the same seed gives the same history.
//!
//! [`place`] makes a database of its own, [`Stage`] puts the house on a clock that is moved by hand
//! and on ports in memory, [`run()`] lets the days pass, [`check()`] verifies by rows that the history
//! is consistent, [`digest()`] tells two histories apart.

mod check;
mod clients;
mod digest;
mod market;
mod members;
mod moods;
mod people;
mod phrases;
pub mod place;
mod report;
mod run;
mod setup;
mod stage;
mod stock;

pub use check::check;
pub use digest::digest;
pub use report::{Report, Row};
pub use run::{Plan, Progress, run};
pub use setup::SignIn;
pub use stage::{Continued, Stage};
