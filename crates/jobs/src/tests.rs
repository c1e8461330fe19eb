//! Behaviour of the queue against a real PostgreSQL; each test has a database of its own.

mod bed;
mod flows;
mod model;
mod queue;
mod schedules;
mod simulated;
mod workers;
