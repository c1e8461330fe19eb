//! The waterfall against the twins over HTTP, over a database of its own.

mod bed;
mod money;
mod pages;
mod steps;
