//! Durable work on PostgreSQL: jobs, flows and schedules.
//!
//! A job is enqueued in the transaction of the change that asks for it, claimed by one worker at a time
//! under a lease, and ended exactly once: every statement that changes a job names its attempt and its
//! node, so that a late answer of a lost lease changes nothing. Tenants take turns; what is halted is
//! excluded in the claim itself. Any number of nodes share one database; they never compare clocks.
//!
//! - [`Job`], [`enqueue`], [`Run`]: work in the background.
//! - [`Flow`](flow::Flow): work of many steps over days.
//! - [`Schedule`](schedule::Schedule): work at times of the clock.
//! - [`Registry`]: what a program can run; [`Worker`](worker::Worker) and
//!   [`Scheduler`](scheduler::Scheduler) run it; [`simulate`] runs it under a virtual clock.
//! - [`control`]: what the Operations page shows and does.

pub mod bench;
pub mod control;
mod due;
mod enqueue;
mod exec;
pub mod flow;
mod job;
mod lease;
mod registry;
mod run;
pub mod schedule;
pub mod scheduler;
pub mod simulate;
mod store;
#[cfg(test)]
mod tests;
pub mod worker;

pub use enqueue::{enqueue, enqueue_each, enqueue_for, enqueue_many, enqueue_with};
pub use job::{DEFAULT_QUEUE, Job, JobId, NodeId, Options, Outcome, Priority, Retry, State};
pub use registry::{Registry, SeenFact};
pub use run::{Run, lease_lost};
