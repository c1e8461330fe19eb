//! One conformance suite: every rail passes it against its twin, over loopback.

mod faults;
mod happy;
mod signatures;
mod stage;
mod webhooks;
