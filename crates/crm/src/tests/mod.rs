//! Behaviour against the twins of the CRMs, over HTTP, and a database.

mod bed;
mod imports;
mod pages;
mod pushes;
mod workers;
