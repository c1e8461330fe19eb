//! From counts to findings: shrunken rates with intervals, lift only where it is sure, minimums. Pure.

use super::dimension::{Detector, Dimension, segment_label};
use evidence::rate::{Confidence, Interval, Rate};
use evidence::shrink::{Belief, Prior};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A segment with fewer observations is not shown; it still counts in the whole.
pub const SEGMENT_MIN: u64 = 5;
/// Segments of a dimension that are shown, the largest first.
const SEGMENTS_MAX: usize = 30;
/// Segments of a dimension that shape its prior; the rest are too small to say anything.
const SEGMENTS_LEARNT: usize = 200;

/// What is believed of a dimension before anybody showed anything: nothing of how high its rates are, and that a
/// segment needs some hundred rows to outweigh the others. Without the second, few segments would be taken for
/// alike too easily, and their intervals would hold the truth less often than they say.
const NOTHING_KNOWN: Belief = Belief { level: -3.0, level_spread: 20.0, likeness: 5.0, likeness_spread: 1.5 };

/// Observations of one segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// Which dimension.
    pub dimension: Dimension,
    /// Which segment of it.
    pub segment: String,
    /// How often success came.
    pub rate: Rate,
}

/// What a detector counted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counted {
    /// All observations.
    pub total: Rate,
    /// The same, segment by segment.
    pub cells: Vec<Cell>,
}

/// How a segment stands against all others of its dimension.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Surely better: the interval of the lift lies above 1.
    Better,
    /// Surely worse: it lies below 1.
    Worse,
    /// 1 is in the interval.
    NoEvidence,
}

/// A range in which the truth lies nineteen times of twenty.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The least.
    pub low: f64,
    /// The most.
    pub high: f64,
}

impl From<Interval> for Range {
    fn from(interval: Interval) -> Self {
        Self { low: interval.low, high: interval.high }
    }
}

/// How many times the rate of all others.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Lift {
    /// The best single guess.
    pub times: f64,
    /// Where it lies.
    pub range: Range,
}

/// What is known of one segment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The segment, as stored.
    pub segment: String,
    /// As people read it.
    pub label: String,
    /// Observations.
    pub trials: u64,
    /// Successes among them.
    pub hits: u64,
    /// Its rate, drawn towards the others as far as its own rows cannot say otherwise.
    pub rate: f64,
    /// Where the rate lies.
    pub range: Range,
    /// Against all others; only where its interval excludes 1.
    pub lift: Option<Lift>,
    /// What may be said.
    pub standing: Standing,
}

/// One dimension with its segments, best first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    /// Which.
    pub dimension: Dimension,
    /// Observations in which it is known.
    pub trials: u64,
    /// Successes among them.
    pub hits: u64,
    /// Its segments.
    pub findings: Vec<Finding>,
    /// The middle of the prior, the doubt about it, and the same of its strength; other clients' priors are
    /// made of these.
    pub belief: [f64; 4],
}

impl Table {
    /// What was learnt about rates of this dimension in general.
    pub fn belief(&self) -> Belief {
        let [level, level_spread, likeness, likeness_spread] = self.belief;
        Belief { level, level_spread, likeness, likeness_spread }
    }
}

/// A number beside the findings: a median, a count of reasons.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// What it is.
    pub label: String,
    /// The number in words.
    pub value: String,
}

/// Why a detector learnt nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NotEnough {
    /// Observations that there are.
    pub trials: u64,
    /// Successes that there are.
    pub hits: u64,
}

/// How far a pattern from so many observations can be relied on, 0 to 1: 0.2 below ten, rising to 0.5 at
/// thirty, 0.7 at a hundred, 0.85 at five hundred, and never above 0.95.
pub fn confidence(trials: u64) -> f64 {
    const POINTS: [(f64, f64); 5] = [(10.0, 0.2), (30.0, 0.5), (100.0, 0.7), (500.0, 0.85), (5_000.0, 0.95)];
    let n = trials as f64;
    if n <= POINTS[0].0 {
        return POINTS[0].1;
    }
    let above = POINTS.windows(2).find(|pair| n <= pair[1].0);
    above.map_or(POINTS[4].1, |pair| {
        let (from, to) = (pair[0], pair[1]);
        let part = (n / from.0).ln() / (to.0 / from.0).ln();
        from.1 + part * (to.1 - from.1)
    })
}

/// Learns from counts, with what other clients showed as far as that is known.
///
/// # Errors
/// The counts, when there are fewer observations or successes than the detector needs.
pub fn learn(
    detector: Detector,
    counted: &Counted,
    before: &BTreeMap<Dimension, Belief>,
) -> Result<Vec<Table>, NotEnough> {
    let (trials, hits) = (counted.total.trials(), counted.total.hits());
    let least = detector.least();
    if trials < least.0 || hits < least.1 {
        return Err(NotEnough { trials, hits });
    }
    let dimensions = Dimension::ALL.into_iter().filter(|dimension| dimension.detector() == detector);
    Ok(dimensions.filter_map(|dimension| table(dimension, counted, before.get(&dimension))).collect())
}

fn table(dimension: Dimension, counted: &Counted, before: Option<&Belief>) -> Option<Table> {
    let mut cells: Vec<&Cell> = counted.cells.iter().filter(|cell| cell.dimension == dimension).collect();
    cells.sort_by(|a, b| b.rate.trials().cmp(&a.rate.trials()).then(a.segment.cmp(&b.segment)));
    let sum = cells.iter().fold(Rate::default(), |all, cell| all.and(cell.rate));
    let whole = if dimension.divides() { sum } else { counted.total };
    let rates: Vec<Rate> = cells.iter().take(SEGMENTS_LEARNT).map(|cell| cell.rate).collect();
    let prior = Prior::learn_from(&rates, Some(before.unwrap_or(&NOTHING_KNOWN)));
    let shown = cells.into_iter().filter(|cell| cell.rate.trials() >= SEGMENT_MIN).take(SEGMENTS_MAX);
    let mut findings: Vec<Finding> = shown.map(|cell| finding(&prior, cell, whole)).collect();
    if findings.is_empty() {
        return None;
    }
    findings.sort_by(|a, b| b.range.low.total_cmp(&a.range.low));
    let belief = prior.belief();
    Some(Table {
        dimension,
        trials: whole.trials(),
        hits: whole.hits(),
        findings,
        belief: [belief.level, belief.level_spread, belief.likeness, belief.likeness_spread],
    })
}

fn finding(prior: &Prior, cell: &Cell, whole: Rate) -> Finding {
    let estimate = prior.estimate(cell.rate, Confidence::USUAL);
    let rest = Rate::new(
        whole.hits().saturating_sub(cell.rate.hits()),
        whole.trials().saturating_sub(cell.rate.trials()),
    );
    let rest = rest.filter(|rest| rest.trials() >= SEGMENT_MIN && cell.dimension.compares());
    let lift = rest.and_then(|rest| estimate.lift(&prior.rough(rest, Confidence::USUAL), Confidence::USUAL));
    Finding {
        segment: cell.segment.clone(),
        label: segment_label(cell.dimension, &cell.segment),
        trials: cell.rate.trials(),
        hits: cell.rate.hits(),
        rate: estimate.mean,
        range: estimate.interval.into(),
        lift: lift.map(|(times, range)| Lift { times, range: range.into() }),
        standing: match lift {
            Some((times, _)) if times > 1.0 => Standing::Better,
            Some(_) => Standing::Worse,
            None => Standing::NoEvidence,
        },
    }
}
