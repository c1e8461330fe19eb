//! The promises of the product, shown on the real program: real processes that are killed, a real
//! mail server, the real list of modules, the database's own catalogue.

mod audit_coverage;
mod bad_input;
mod bed;
mod caps;
mod catalogue;
mod exactly_once;
mod frozen;
pub mod herd;
pub mod house;
mod restart;
mod stop;
mod tenancy;
