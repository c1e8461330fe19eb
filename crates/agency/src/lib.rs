//! Agency OS as one program: its settings, its commands, its private PostgreSQL, and [`wire`], the
//! one place that lists what every domain adds.

pub mod cli;
pub mod cluster;
mod credits;
pub mod demo;
pub mod log;
pub mod roles;
pub mod seed;
pub mod settings;
mod sink;
pub mod term;
pub mod wire;
