//! From raw mail to rows, against PostgreSQL.

mod answers;
mod delivery;
mod intents;
mod judged;
mod strangers;
mod suggested;
pub(crate) mod world;
