//! From raw mail to rows, against PostgreSQL.

mod answers;
mod delivery;
mod intents;
pub(crate) mod world;
