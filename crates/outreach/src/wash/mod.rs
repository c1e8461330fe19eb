//! The Do-Not-Call register: the numbers of leads that are to be called are handed in as a batch, and its
//! answer is read back. Without a fresh answer, or express consent, nobody is called. There is no public
//! interface of the register: the batch is a file that is uploaded there, or taken by a program of the
//! subscriber's.

pub mod pages;
mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use rules::{Verdict, parse, permits};
pub use store::{Batch, ask, batches, numbers, verdict};

use base::{Error, Result};
use db::{Cx, Fact};
use serde_json::json;
use uuid::Uuid;

base::id_type!(
    /// A batch of numbers that were handed in.
    WashId
);

/// What a batch's answer did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, schemars::JsonSchema)]
pub struct Answered {
    /// Numbers that may be called.
    pub clear: usize,
    /// Numbers on the register.
    pub listed: usize,
    /// Numbers that the register does not take.
    pub invalid: usize,
    /// Lines of the answer that name no number of the batch.
    pub unknown: usize,
}

/// Stores the register's answer: lines of a number and a word. Errors: `wash.empty` when no line can be read.
pub async fn answer(cx: &mut Cx, batch: Uuid, text: &str, source: &str) -> Result<Answered> {
    let lines = parse(text);
    if lines.is_empty() {
        return Err(Error::invalid(
            "wash.empty",
            "No line has a number and an answer (Y or N, listed or clear). Paste the register's file.",
        ));
    }
    let mut done = Answered::default();
    for (phone, verdict) in &lines {
        let known = store::settle(cx, batch, phone, *verdict).await?;
        match (known, verdict) {
            (false, _) => done.unknown += 1,
            (true, Verdict::Clear) => done.clear += 1,
            (true, Verdict::Listed) => done.listed += 1,
            (true, Verdict::Invalid) => done.invalid += 1,
        }
    }
    store::finish(cx, batch, source).await?;
    cx.publish(
        Fact::about("outreach.wash.answered", batch)
            .with(json!({"listed": done.listed, "clear": done.clear})),
    )
    .await?;
    Ok(done)
}
