//! What each detector counts, read with set-based statements: PostgreSQL aggregates, the program learns from
//! sums. Row security holds as everywhere.

pub(super) mod arms;
pub(super) mod funnel;
pub(super) mod how;
pub(super) mod message;
pub(super) mod who;

use super::dimension::Dimension;
use super::finding::Cell;
use base::{Result, Time};
use db::Cx;
use evidence::rate::Rate;

/// Days of history that are learnt from.
const DAYS: i64 = 90;
/// Days that a message has to be answered.
const MESSAGE_DAYS: i64 = 14;
/// Days that a person has to answer, from the first message on.
const PERSON_DAYS: i64 = 28;

/// Which history is learnt from. Observations whose time to succeed is not over are left out, so that the
/// latest ones do not count as failures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Learnt as if it were then.
    pub as_of: Time,
}

impl Window {
    /// The first instant of anything that is read.
    pub fn from(self) -> Time {
        self.as_of.plus_days(-DAYS - PERSON_DAYS)
    }

    /// Messages that count: from, and before.
    pub(crate) fn messages(self) -> (Time, Time) {
        (self.as_of.plus_days(-DAYS - MESSAGE_DAYS), self.as_of.plus_days(-MESSAGE_DAYS))
    }

    /// First messages of the people who count: from, and before.
    pub(crate) fn people(self) -> (Time, Time) {
        (self.from(), self.as_of.plus_days(-PERSON_DAYS))
    }
}

/// Settings of one run. Room for sorts and hashes: the default spills a million rows to disk. Everything is
/// joined by hash or merge: what is grouped before it is joined has no statistics, and a nested loop over it,
/// chosen for one row that was expected, reads it again for each of thousands; where only one does (the last
/// message before an answer), its cost on paper must not start a compiler.
pub(super) async fn settle(cx: &mut Cx) -> Result<()> {
    sqlx::query!(
        "select set_config('work_mem', '128MB', true) as a, set_config('enable_nestloop', 'off', true) as b,
                set_config('jit', 'off', true) as c",
    )
    .fetch_one(cx.conn())
    .await?;
    plan(cx, For::Reading).await
}

/// What plans are made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum For {
    /// Each for its values: one made while a table was empty would be kept for the whole run.
    Reading,
    /// Once: else the plan that checks a row's reference is made again for every row.
    Writing,
}

/// What plans are made for from here to the end of the transaction, or until it is said again.
pub(super) async fn plan(cx: &mut Cx, what: For) -> Result<()> {
    let mode = match what {
        For::Reading => "force_custom_plan",
        For::Writing => "force_generic_plan",
    };
    sqlx::query!("select set_config('plan_cache_mode', $1, true) as mode", mode).fetch_one(cx.conn()).await?;
    Ok(())
}

/// A row of counts. More hits than trials cannot come from a count with a filter.
fn cell(dimension: Dimension, segment: impl Into<String>, trials: i64, hits: i64) -> Cell {
    Cell { dimension, segment: segment.into(), rate: rate(trials, hits) }
}

fn rate(trials: i64, hits: i64) -> Rate {
    Rate::of(hits.unsigned_abs(), trials.saturating_sub(hits).unsigned_abs())
}
