//! From raw mail to rows, against PostgreSQL.

mod answers;
mod delivery;
mod intents;
mod strangers;
pub(crate) mod world;
