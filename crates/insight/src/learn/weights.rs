//! Weights of the score from what became of leads. Pure.
//!
//! Logistic regression with a ridge learns from the earlier leads how the components go with success; the
//! coefficients become weights within the bounds of the score, and these must order the later leads better
//! than the present weights do. The component Risk is not learnt: an opt-out is both an outcome and a part
//! of it. Its weight stays what it is by default.

use evidence::holdout::{self, Decision, Row};
use leads::score::Weights;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Components that are learnt: data quality, authority, company fit, timing.
pub const LEARNT: usize = 4;
/// Each learnt weight lies within these, in basis points.
const BOUNDS: (u16, u16) = (500, 5_000);
/// What the learnt weights sum to; the rest is Risk.
const SUM: u16 = 8_500;
/// Labelled leads below which no weights are proposed.
pub const LEADS_MIN: usize = 50;
/// Confidence above which weights may be proposed.
pub const CONFIDENCE_MIN: f64 = 0.7;
/// A component that ranks outcomes this well on its own was filled after the outcome.
const TOO_GOOD: f64 = 0.9;

/// A lead that was written to, as it was known then.
#[derive(Clone, PartialEq, Debug)]
pub struct Known {
    /// When it was first written to, in seconds.
    pub at: i64,
    /// The five components as shares of their most points, in the order of the score.
    pub parts: [f64; 5],
    /// Whether success came.
    pub won: bool,
}

/// How well an order of leads fits what became of them, on the later leads.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Fit {
    /// The chance that a lead with success ranks above one without.
    pub auc: f64,
    /// Mean negative log likelihood; less is better.
    pub log_loss: f64,
    /// Successes in the best tenth over those of a random tenth.
    pub lift_top_tenth: f64,
}

impl From<holdout::Figures> for Fit {
    fn from(figures: holdout::Figures) -> Self {
        Self { auc: figures.auc, log_loss: figures.log_loss, lift_top_tenth: figures.lift_top_tenth }
    }
}

/// A week of leads that were kept out of the learning.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Week {
    /// Its Monday.
    pub monday: String,
    /// Labelled leads in it.
    pub leads: u32,
    /// Mean log loss under the learnt weights.
    pub loss: f64,
    /// Mean log loss under the present ones.
    pub baseline: f64,
}

/// What was found about weights.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The weights that were learnt, in basis points; none when nothing could be learnt.
    pub learnt: Option<[u16; 5]>,
    /// The present ones.
    pub present: [u16; 5],
    /// Leads that taught.
    pub taught: usize,
    /// Later leads that judged.
    pub judged: usize,
    /// The learnt weights on the later leads.
    pub learnt_fit: Option<Fit>,
    /// The present ones on the same leads.
    pub present_fit: Option<Fit>,
    /// By how much the log loss falls, and where that lies.
    pub gain: Option<(f64, f64, f64)>,
    /// The weeks that were kept out.
    pub weeks: Vec<Week>,
    /// Whether they may be proposed.
    pub better: bool,
    /// Why not, in words; empty when they may.
    pub reason: String,
}

/// Learns weights and judges them on the later leads.
pub fn judge(leads: &[Known], present: Weights) -> Verdict {
    let mut rows: Vec<Row> = leads.iter().map(|lead| row(lead, present)).collect();
    rows.sort_by_key(|row| row.at);
    let cut = holdout::split(&rows);
    let verdict = |reason: &str| Verdict {
        learnt: None,
        present: present.into(),
        taught: cut,
        judged: rows.len() - cut,
        learnt_fit: None,
        present_fit: None,
        gain: None,
        weeks: Vec::new(),
        better: false,
        reason: reason.to_owned(),
    };
    if rows.len() < LEADS_MIN {
        return verdict("Fewer than fifty leads have an outcome.");
    }
    if let Some(component) = (0..LEARNT).find(|component| leaks(&rows[..cut], *component)) {
        let name = leads::score::ComponentKind::ALL[component].label();
        return verdict(&format!("{name} tells the outcome on its own: it was filled afterwards."));
    }
    let Some((ridge, model)) = holdout::teach(&rows[..cut]) else {
        return verdict("The components say no more about the outcome than its base rate.");
    };
    let confidence = evidence::rate::Confidence::USUAL;
    let slopes = std::array::from_fn(|at| model.weight(at, confidence).map_or(0.0, |(weight, _)| weight));
    let Some(learnt) = weights(slopes) else {
        return verdict("No component goes with success.");
    };
    let candidate: [u16; 5] = learnt.into();
    let contest = holdout::contest(&rows, ridge, |row| total(&row.features, candidate));
    let judged = contest.judged;
    let better = judged.decision == Decision::Better
        && super::finding::confidence(leads.len() as u64) > CONFIDENCE_MIN;
    let reason = match judged.decision {
        Decision::Better if better => "",
        Decision::Better => "There are too few leads to rely on it.",
        Decision::NoEvidence => "On the later leads they are not surely better than the present ones.",
        Decision::NotEnough => "There are too few outcomes among the later leads to judge.",
    };
    Verdict {
        learnt: Some(candidate),
        learnt_fit: judged.figures.map(Fit::from),
        present_fit: judged.present.map(Fit::from),
        gain: judged.gain.map(|(gain, interval)| (gain, interval.low, interval.high)),
        weeks: weeks(&contest.losses),
        better,
        ..verdict(reason)
    }
}

fn row(lead: &Known, present: Weights) -> Row {
    Row {
        at: lead.at,
        features: lead.parts.to_vec(),
        won: lead.won,
        today: Some(total(&lead.parts, present.into())),
    }
}

/// Losses week by week, in order.
fn weeks(losses: &[(i64, f64, f64)]) -> Vec<Week> {
    let mut weeks: std::collections::BTreeMap<jiff::civil::Date, (u32, f64, f64)> =
        std::collections::BTreeMap::new();
    for (at, learnt, present) in losses {
        let day = base::Time::from_us(at.saturating_mul(1_000_000)).in_zone(&base::Zone::utc()).date();
        let since = i64::from(day.weekday().to_monday_zero_offset());
        let week = weeks.entry(day.saturating_sub(jiff::Span::new().days(since))).or_default();
        week.0 += 1;
        week.1 += learnt;
        week.2 += present;
    }
    weeks
        .into_iter()
        .map(|(monday, (leads, learnt, present))| Week {
            monday: monday.to_string(),
            leads,
            loss: learnt / f64::from(leads),
            baseline: present / f64::from(leads),
        })
        .collect()
}

/// The score before boosts, limit and rounding.
fn total(parts: &[f64], weights: [u16; 5]) -> f64 {
    parts.iter().zip(weights).map(|(part, weight)| part * f64::from(weight) / 100.0).sum()
}

fn leaks(rows: &[Row], component: usize) -> bool {
    let mut ranked: Vec<(f64, bool)> =
        rows.iter().map(|row| (row.features.get(component).copied().unwrap_or(0.0), row.won)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let area = holdout::auc(&ranked);
    area.max(1.0 - area) >= TOO_GOOD
}

/// Slopes as weights: none below its bound, none above, together [`SUM`]. `None` when no slope rises.
fn weights(slopes: [f64; LEARNT]) -> Option<Weights> {
    let slopes = slopes.map(|slope| slope.max(0.0));
    let all: f64 = slopes.iter().sum();
    if all <= 0.0 {
        return None;
    }
    let (low, high) = (f64::from(BOUNDS.0), f64::from(BOUNDS.1));
    // Scaled until what is within the bounds fills the sum; each round fixes at least one more.
    let (mut scale_low, mut scale_high) = (0.0, f64::from(SUM) * 1e6 / all);
    for _ in 0..200 {
        let scale = f64::midpoint(scale_low, scale_high);
        let sum: f64 = slopes.iter().map(|slope| (slope * scale).clamp(low, high)).sum();
        if sum < f64::from(SUM) { scale_low = scale } else { scale_high = scale }
    }
    let scaled = slopes.map(|slope| (slope * scale_high).clamp(low, high));
    let mut points = scaled.map(|weight| weight.round() as u16);
    // Rounding may miss the sum by a point or two, and slopes of zero leave it to the others.
    while points.iter().sum::<u16>() != SUM {
        let short = points.iter().sum::<u16>() < SUM;
        let room = |weight: u16| {
            if short { BOUNDS.1.saturating_sub(weight) } else { weight.saturating_sub(BOUNDS.0) }
        };
        let place = (0..LEARNT).max_by(|a, b| room(points[*a]).cmp(&room(points[*b])).then(b.cmp(a)))?;
        let missing = points.iter().sum::<u16>().abs_diff(SUM).min(room(points[place])).max(1);
        points[place] = if short { points[place] + missing } else { points[place] - missing };
    }
    let [quality, authority, fit, timing] = points;
    Weights::new([quality, authority, fit, timing, 10_000 - SUM]).ok()
}

#[cfg(test)]
#[path = "weights_tests.rs"]
mod tests;
