//! Reports: what campaigns, channels, days, tiers and subjects brought, with the activities behind each
//! number.

pub mod activities;
pub mod pages;
mod rules;
mod store;
#[cfg(test)]
mod tests;
