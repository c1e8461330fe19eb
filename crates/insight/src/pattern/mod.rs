//! Patterns: what a detector found, for fourteen days, with its history and the way back.

pub mod api;
mod compare;
pub mod health;
pub mod jobs;
pub mod pages;
mod store;
#[cfg(test)]
mod tests;

pub use compare::changes;

use crate::learn::{Content, Detector, RunId, Window, finding};
use base::{Error, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

base::id_type!(
    /// One version of a detector's pattern.
    PatternId
);

/// Days for which a pattern counts.
pub const VALID_DAYS: i64 = 14;

/// Where a version stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "insight.pattern_state", rename_all = "snake_case")]
pub enum State {
    /// It counts.
    Active,
    /// A later one took its place, or it belongs to the past.
    Superseded,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    RolledBack,
}

impl State {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "counts",
            Self::Superseded => "replaced",
            Self::Expired => "expired",
            Self::RolledBack => "rolled back",
        }
    }
}

/// A version of a pattern.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Pattern {
    /// Which.
    pub id: PatternId,
    /// Of which detector.
    pub detector: Detector,
    /// Its number among those of its detector.
    pub version: i32,
    /// Where it stands.
    pub state: State,
    /// Observations behind it.
    pub sample: i64,
    /// Successes among them.
    pub conversions: i64,
    /// How far it can be relied on, 0 to 1.
    pub confidence: f64,
    /// From when on history was read.
    pub window_from: Time,
    /// Until when.
    pub window_to: Time,
    /// What it says.
    pub content: Content,
    /// When it was learnt.
    pub learned_at: Time,
    /// Until when it counts.
    pub valid_until: Time,
    /// When it was replaced, expired or was taken back.
    pub ended_at: Option<Time>,
    /// By whom.
    pub ended_by: Option<String>,
    /// Why.
    pub end_reason: Option<String>,
}

/// A pattern to keep.
pub(crate) struct New {
    pub(crate) run: RunId,
    pub(crate) detector: Detector,
    pub(crate) sample: u64,
    pub(crate) conversions: u64,
    pub(crate) window: Window,
    pub(crate) content: Content,
}

/// Keeps what was learnt: as the version that counts, or only in the history.
pub(crate) async fn keep(cx: &mut Cx, new: New, counts: bool) -> Result<Pattern> {
    if counts {
        store::end(cx, new.detector, State::Superseded, "a later run").await?;
    }
    let (id, detector) =
        (store::insert(cx, &new, finding::confidence(new.sample), counts).await?, new.detector);
    cx.publish(
        Fact::about("insight.pattern.learned", id).with(json!({"detector": detector, "counts": counts})),
    )
    .await?;
    get(cx, id).await
}

/// The patterns that count, in the order of the detectors.
pub async fn active(cx: &mut Cx) -> Result<Vec<Pattern>> {
    store::active(cx).await
}

/// One version.
pub async fn get(cx: &mut Cx, id: PatternId) -> Result<Pattern> {
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("pattern"))
}

/// The versions of a detector (or of all), the latest learnt first.
pub async fn history(cx: &mut Cx, detector: Option<Detector>, limit: i64) -> Result<Vec<Pattern>> {
    store::history(cx, detector, limit).await
}

/// The version that a roll-back of this one would bring back.
pub async fn before(cx: &mut Cx, pattern: &Pattern) -> Result<Option<Pattern>> {
    store::before(cx, pattern).await
}

/// Takes the version that counts back: the one before it counts again, for fourteen days from now, and what
/// was done because of this version is undone. None: there was no earlier one, and nothing counts now.
///
/// # Errors
/// Conflict, when this version does not count.
pub async fn roll_back(cx: &mut Cx, id: PatternId, reason: &str) -> Result<Option<PatternId>> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(Error::invalid("pattern.reason", "Say why, in 1 to 500 characters."));
    }
    let pattern = get(cx, id).await?;
    if pattern.state != State::Active {
        return Err(Error::conflict(
            "pattern.ended",
            format!("This version does not count any more: it is {}.", pattern.state.label()),
        ));
    }
    cx.because(reason).await?;
    let earlier = store::before(cx, &pattern).await?;
    store::end(cx, pattern.detector, State::RolledBack, reason).await?;
    if let Some(earlier) = &earlier {
        store::revive(cx, earlier.id, cx.now().plus_days(VALID_DAYS)).await?;
    }
    crate::suggestion::undo_of(cx, id).await?;
    let payload = json!({"detector": pattern.detector, "restored": earlier.as_ref().map(|one| one.id)});
    cx.publish(Fact::about("insight.pattern.rolled_back", id).with(payload)).await?;
    Ok(earlier.map(|one| one.id))
}
