//! Pipeline: everybody on the way from prospect to client, and the deals, as one board.

pub mod pages;
mod store;
#[cfg(test)]
mod tests;
