//! Many small segments at once: each is drawn towards what all of them show, as far as its own rows
//! cannot say otherwise (beta-binomial, with the doubt about the prior itself carried along).

use crate::rate::{Confidence, Interval, Rate};
use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};
use statrs::function::beta::ln_beta;

/// Grid points along each of the two unknowns of the prior.
const POINTS: usize = 13;
/// Grid points whose weight is below this share of the greatest are dropped.
const NEGLIGIBLE: f64 = 1e-3;

/// One possible prior with its weight.
#[derive(Clone, Copy, Debug)]
struct Guess {
    weight: f64,
    alpha: f64,
    beta: f64,
}

/// What is known of segments in general.
#[derive(Clone, Debug)]
pub struct Prior(Vec<Guess>);

/// What is known of a prior before any segment is seen, or after: how high rates are, and how alike.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Belief {
    /// The log odds of the middle rate.
    pub level: f64,
    /// How far it may be off (standard deviation).
    pub level_spread: f64,
    /// The logarithm of how many rows a segment needs to outweigh all others.
    pub likeness: f64,
    /// How far it may be off (standard deviation).
    pub likeness_spread: f64,
}

impl Belief {
    /// The logarithm of how well a point of the grid agrees with it, up to a constant.
    fn fit(&self, level: f64, likeness: f64) -> f64 {
        let off = |x: f64, middle: f64, spread: f64| ((x - middle) / spread.max(0.05)).powi(2) / 2.0;
        -off(level, self.level, self.level_spread) - off(likeness, self.likeness, self.likeness_spread)
    }
}

/// What is known of one segment.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Estimate {
    /// The best single guess of its rate.
    pub mean: f64,
    /// Where its rate lies.
    pub interval: Interval,
    variance: f64,
}

impl Prior {
    /// From all segments of one kind. Without any trial everything is possible.
    pub fn learn(segments: &[Rate]) -> Self {
        Self::learn_from(segments, None)
    }

    /// From all segments of one kind and what was believed before, such as what other clients showed.
    pub fn learn_from(segments: &[Rate], before: Option<&Belief>) -> Self {
        let all = segments.iter().fold(Rate::default(), |all, rate| all.and(*rate));
        let share = match (all.share(), before) {
            (Some(share), _) => share,
            (None, Some(before)) => 1.0 / (1.0 + (-before.level).exp()),
            (None, None) => return Self(vec![Guess { weight: 1.0, alpha: 0.5, beta: 0.5 }]),
        };
        let share = share.clamp(0.5 / (all.trials() as f64 + 1.0), 1.0 - 0.5 / (all.trials() as f64 + 1.0));
        let mut middle = ((share / (1.0 - share)).ln(), 150_f64.ln());
        let mut reach = (1.5, 5.0);
        // Each round looks closer where the last one saw weight.
        let mut grid = Vec::new();
        for _ in 0..4 {
            grid = weigh(segments, before, middle, reach);
            let best = grid.iter().copied().fold(f64::NEG_INFINITY, |most, (_, _, fit)| most.max(fit));
            let seen = grid.iter().filter(|(_, _, fit)| *fit > best - 9.0);
            let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
            for (logit, size, _) in seen {
                low = (low.0.min(*logit), low.1.min(*size));
                high = (high.0.max(*logit), high.1.max(*size));
            }
            let step = (reach.0 / (POINTS / 2) as f64, reach.1 / (POINTS / 2) as f64);
            middle = (f64::midpoint(low.0, high.0), f64::midpoint(low.1, high.1));
            reach = ((high.0 - low.0) / 2.0 + step.0, (high.1 - low.1) / 2.0 + step.1);
        }
        let best = grid.iter().copied().fold(f64::NEG_INFINITY, |most, (_, _, fit)| most.max(fit));
        let kept: Vec<Guess> = grid
            .iter()
            .filter(|(_, _, fit)| (fit - best).exp() > NEGLIGIBLE)
            .map(|(logit, size, fit)| {
                let (alpha, beta) = shape(*logit, *size);
                Guess { weight: (fit - best).exp(), alpha, beta }
            })
            .collect();
        let sum: f64 = kept.iter().map(|guess| guess.weight).sum();
        Self(kept.into_iter().map(|guess| Guess { weight: guess.weight / sum, ..guess }).collect())
    }

    /// The prior in four numbers.
    pub fn belief(&self) -> Belief {
        let places = self.0.iter().map(|guess| {
            let size = guess.alpha + guess.beta;
            (guess.weight, (guess.alpha / guess.beta).ln(), size.ln())
        });
        let (mut level, mut likeness, mut level2, mut likeness2) = (0.0, 0.0, 0.0, 0.0);
        for (weight, x, y) in places {
            level += weight * x;
            likeness += weight * y;
            level2 += weight * x * x;
            likeness2 += weight * y * y;
        }
        let spread = |mean: f64, square: f64| (square - mean * mean).max(0.0).sqrt();
        Belief {
            level,
            level_spread: spread(level, level2),
            likeness,
            likeness_spread: spread(likeness, likeness2),
        }
    }

    /// What a segment's own rows and all others together say of it.
    pub fn estimate(&self, segment: Rate, confidence: Confidence) -> Estimate {
        let parts = self.parts(segment);
        let (mean, variance) = middle(&parts);
        let below = |x: f64| parts.iter().map(|(weight, part)| weight * part.cdf(x)).sum::<f64>();
        let reach = 12.0 * variance.sqrt();
        let between = ((mean - reach).max(0.0), (mean + reach).min(1.0));
        let interval = Interval {
            low: quantile(below, confidence.tail(), between),
            high: quantile(below, 1.0 - confidence.tail(), between),
        };
        Estimate { mean, interval, variance }
    }

    /// The same for a sum of many segments, such as all others: its interval is that of a bell curve, which is
    /// much quicker.
    pub fn rough(&self, sum: Rate, confidence: Confidence) -> Estimate {
        let (mean, variance) = middle(&self.parts(sum));
        let reach = confidence.z() * variance.sqrt();
        let interval = Interval { low: (mean - reach).max(0.0), high: (mean + reach).min(1.0) };
        Estimate { mean, interval, variance }
    }

    fn parts(&self, segment: Rate) -> Vec<(f64, Beta)> {
        let parts = self.0.iter().filter_map(|guess| {
            let alpha = guess.alpha + segment.hits() as f64;
            let beta = guess.beta + segment.misses() as f64;
            Beta::new(alpha, beta).ok().map(|part| (guess.weight, part))
        });
        parts.collect()
    }
}

/// Mean and variance of a mixture.
fn middle(parts: &[(f64, Beta)]) -> (f64, f64) {
    let (mut mean, mut square) = (0.0, 0.0);
    for (weight, part) in parts {
        let (a, b) = (part.shape_a(), part.shape_b());
        let middle = a / (a + b);
        mean += weight * middle;
        square += weight * (middle * middle + middle * (1.0 - middle) / (a + b + 1.0));
    }
    (mean, (square - mean * mean).max(0.0))
}

impl Estimate {
    /// This rate over another independent one, only where the interval of the ratio excludes 1.
    pub fn lift(&self, other: &Self, confidence: Confidence) -> Option<(f64, Interval)> {
        self.ratio(other, confidence).filter(|(_, interval)| !interval.holds(1.0))
    }

    /// This rate over another independent one, with its interval. `None` when one of them is zero.
    pub fn ratio(&self, other: &Self, confidence: Confidence) -> Option<(f64, Interval)> {
        if self.mean <= 0.0 || other.mean <= 0.0 {
            return None;
        }
        let ratio = self.mean / other.mean;
        let error = (self.variance / self.mean.powi(2) + other.variance / other.mean.powi(2)).sqrt();
        let factor = (confidence.z() * error).exp();
        Some((ratio, Interval { low: ratio / factor, high: ratio * factor }))
    }
}

fn shape(logit: f64, size: f64) -> (f64, f64) {
    let share = 1.0 / (1.0 + (-logit).exp());
    (share * size.exp(), (1.0 - share) * size.exp())
}

/// Log likelihood of each point of a grid of priors, under all segments.
fn weigh(
    segments: &[Rate],
    before: Option<&Belief>,
    middle: (f64, f64),
    reach: (f64, f64),
) -> Vec<(f64, f64, f64)> {
    let at =
        |middle: f64, reach: f64, place: usize| middle + reach * (place as f64 / (POINTS / 2) as f64 - 1.0);
    let mut grid = Vec::with_capacity(POINTS * POINTS);
    for i in 0..POINTS {
        for k in 0..POINTS {
            let (logit, size) = (at(middle.0, reach.0, i), at(middle.1, reach.1, k).clamp(0.0, 12.0));
            let (alpha, beta) = shape(logit, size);
            let whole = ln_beta(alpha, beta);
            let seen: f64 = segments
                .iter()
                .map(|rate| ln_beta(alpha + rate.hits() as f64, beta + rate.misses() as f64) - whole)
                .sum();
            grid.push((logit, size, seen + before.map_or(0.0, |before| before.fit(logit, size))));
        }
    }
    grid
}

/// Where a rising function passes `share`, looked for between two places.
fn quantile(below: impl Fn(f64) -> f64, share: f64, between: (f64, f64)) -> f64 {
    let (mut low, mut high) = between;
    for _ in 0..28 {
        let middle = f64::midpoint(low, high);
        if below(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}
