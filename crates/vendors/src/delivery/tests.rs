//! Behaviour of the carriers over HTTP against their twins, and their golden signatures.

mod conformance;
mod each;
mod golden;
mod stage;
mod webhooks;
