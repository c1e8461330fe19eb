//! Behaviour of the books, against PostgreSQL: every invariant by its number.

mod bed;
mod corrections;
mod invariants;
mod journal;
mod model;
mod money;
mod races;
