//! One run of learning: messages are read for their traits, five detectors count, what they find becomes
//! patterns, and what follows from them is proposed.
//!
//! Reproducible: the same rows give the same patterns. Nothing is learnt from opens or clicks.

pub mod arms;
pub mod dimension;
pub mod finding;
mod frame;
mod read;
mod shape;
pub mod weights;

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub use dimension::{Detector, Dimension};
pub use frame::Window;
pub use read::{Read, read};

use crate::pattern::{self, New};
use crate::suggestion;
use arms::Trial;
use base::{Result, Time};
use db::{Cx, Fact};
use evidence::shrink::Belief;
use finding::{Counted, NotEnough, Note, Table};
use leads::score::Weights;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

base::id_type!(
    /// One run of learning.
    RunId
);

/// Why a run began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its time had come.
    Schedule,
    /// Somebody asked.
    Person,
    /// The past is learnt again, for the history.
    Backfill,
}

impl Cause {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Person => "person",
            Self::Backfill => "backfill",
        }
    }
}

/// Everything that a pattern says.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    /// Its dimensions.
    #[serde(default)]
    pub tables: Vec<Table>,
    /// Numbers beside them.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// Tests of wordings.
    #[serde(default)]
    pub trials: Vec<Trial>,
    /// What was found about the weights of the score.
    #[serde(default)]
    pub weights: Option<weights::Verdict>,
}

/// What a detector came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Came {
    /// Which detector.
    pub detector: Detector,
    /// Observations.
    pub sample: u64,
    /// Successes.
    pub conversions: u64,
    /// Whether a pattern was learnt; else there was not enough.
    pub learnt: bool,
}

/// What a run came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Learned {
    /// The run.
    pub run: RunId,
    /// Rows of history in its window.
    pub activities: i64,
    /// Messages that it read for the first time.
    pub read: usize,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// Detector by detector.
    pub came: Vec<Came>,
    /// Suggestions that it made.
    pub suggested: usize,
}

/// What other clients together showed, dimension by dimension.
async fn priors(cx: &mut Cx) -> Result<BTreeMap<Dimension, Belief>> {
    let rows = sqlx::query!(
        "select dimension, level, level_spread, likeness, likeness_spread from insight.prior order by dimension"
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.word() == row.dimension)?;
            let belief = Belief {
                level: row.level,
                level_spread: row.level_spread,
                likeness: row.likeness,
                likeness_spread: row.likeness_spread,
            };
            Some((dimension, belief))
        })
        .collect())
}

/// What one detector found.
struct Found {
    counted: Counted,
    content: std::result::Result<Content, NotEnough>,
}

/// Learns from the client's history, as if it were `as_of`, after [`read()`] has read its messages. A run of the
/// past is kept for the history only; one of the present replaces what was known and proposes what follows from it.
pub async fn run(cx: &mut Cx, cause: Cause, as_of: Time, read: Read) -> Result<Learned> {
    let (clock, id) = (cx.clock().clone(), cx.id::<RunId>());
    let began = clock.now();
    let window = Window { as_of };
    frame::settle(cx).await?;
    let activities = activities(cx, window).await?;
    let found = detect(cx, window).await?;
    let came: Vec<Came> = found
        .iter()
        .map(|(detector, found)| Came {
            detector: *detector,
            sample: found.counted.total.trials(),
            conversions: found.counted.total.hits(),
            learnt: found.content.is_ok(),
        })
        .collect();
    keep_run(cx, id, cause, as_of, activities, &came).await?;
    let mut learnt = Vec::new();
    for (detector, found) in found {
        if let Ok(content) = found.content {
            let new = New {
                run: id,
                detector,
                sample: found.counted.total.trials(),
                conversions: found.counted.total.hits(),
                window,
                content,
            };
            learnt.push(pattern::keep(cx, new, cause != Cause::Backfill).await?);
        }
    }
    let suggested =
        if cause == Cause::Backfill { 0 } else { suggestion::propose_all(cx, &learnt, window).await? };
    let took_ms = read.took_ms + clock.now().ms() - began.ms();
    finish(cx, id, i64::try_from(read.messages).unwrap_or(i64::MAX), took_ms).await?;
    cx.publish(Fact::about("insight.run.finished", id).with(json!({"cause": cause, "results": came})))
        .await?;
    Ok(Learned { run: id, activities, read: read.messages, took_ms, came, suggested })
}

async fn detect(cx: &mut Cx, window: Window) -> Result<Vec<(Detector, Found)>> {
    let before = priors(cx).await?;
    let mut all = Vec::with_capacity(Detector::ALL.len());
    let of = |detector: Detector, counted: Counted| {
        let content = finding::learn(detector, &counted, &before)
            .map(|tables| Content { tables, ..Content::default() });
        (detector, Found { counted, content })
    };
    let (detector, mut who) = of(Detector::Who, frame::who::count(cx, window).await?);
    if let Ok(content) = &mut who.content {
        let present: Weights = leads::score::weights::in_force(cx).await?.weights;
        content.weights = Some(weights::judge(&frame::who::known(cx, window).await?, present));
    }
    all.push((detector, who));
    let [what, when] = frame::message::count(cx, window).await?;
    let (detector, mut what) = of(Detector::What, what);
    if let Ok(content) = &mut what.content {
        content.trials = frame::arms::trials(cx, window).await?;
    }
    all.push((detector, what));
    all.push(of(Detector::When, when));
    all.push(of(Detector::How, frame::how::count(cx, window).await?));
    let (counted, notes) = frame::funnel::count(cx, window.as_of).await?;
    let (detector, mut funnel) = of(Detector::Funnel, counted);
    if let Ok(content) = &mut funnel.content {
        content.notes = notes;
    }
    all.push((detector, funnel));
    Ok(all)
}

/// Rows of history in the window.
async fn activities(cx: &mut Cx, window: Window) -> Result<i64> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from outreach.activity where tenant_id = $1 and at >= $2 and at < $3"#,
        tenant,
        window.from() as Time,
        window.as_of as Time,
    )
    .fetch_one(cx.conn())
    .await?)
}

async fn keep_run(
    cx: &mut Cx,
    id: RunId,
    cause: Cause,
    as_of: Time,
    activities: i64,
    came: &[Came],
) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into insight.run (id, tenant_id, cause, as_of, activities, touches, took_ms, results, started_by, at)
         values ($1, $2, $3, $4, $5, 0, 0, $6, $7, $8)",
        id.uuid(),
        tenant,
        cause.word(),
        as_of as Time,
        activities,
        serde_json::to_value(came)?,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

async fn finish(cx: &mut Cx, id: RunId, touches: i64, took_ms: i64) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update insight.run set touches = $3, took_ms = $4 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        touches,
        took_ms,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
