//! The audit trail: triggers write each change in its own transaction; one sealer numbers the entries
//! in commit order and chains them by hash; anyone can verify the chain.

mod chain;
mod checkpoint;
mod entry;
pub mod pages;
mod redact;
mod seal;
mod verify;

#[cfg(test)]
mod tests;

pub use checkpoint::{CHECKPOINT_FILE, HEAD_FILE};
pub use entry::{Entry, Filter, list, tables};
pub use redact::redact;
pub use seal::Sealer;
pub use verify::{Verdict, verify};
