//! A share of trials and the interval in which the true one lies.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

/// The share of intervals that must hold the truth, 0..1 (0.95 everywhere unless many are read at once).
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Confidence(f64);

impl Confidence {
    /// Nineteen of twenty.
    pub const USUAL: Self = Self(0.95);

    /// So sure that all of `comparisons` intervals together hold nineteen times of twenty (Bonferroni).
    pub fn for_all(comparisons: usize) -> Self {
        Self(1.0 - 0.05 / comparisons.max(1) as f64)
    }

    /// How many standard errors to each side.
    pub fn z(self) -> f64 {
        Normal::standard().inverse_cdf(0.5 + self.0 / 2.0)
    }

    /// The share on one side outside the interval.
    pub fn tail(self) -> f64 {
        (1.0 - self.0) / 2.0
    }
}

/// From and to, both possible.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Interval {
    /// The least.
    pub low: f64,
    /// The most.
    pub high: f64,
}

impl Interval {
    /// Whether `value` may be the truth.
    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Hits among trials. Never more hits than trials.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Rate {
    hits: u64,
    trials: u64,
}

impl Rate {
    /// `None` when there are more hits than trials.
    pub fn new(hits: u64, trials: u64) -> Option<Self> {
        (hits <= trials).then_some(Self { hits, trials })
    }

    /// Counts of rows: hits and the rows that were none.
    pub fn of(hits: u64, misses: u64) -> Self {
        Self { hits, trials: hits.saturating_add(misses) }
    }

    /// What happened as wanted.
    pub fn hits(self) -> u64 {
        self.hits
    }

    /// How often it could have.
    pub fn trials(self) -> u64 {
        self.trials
    }

    /// What did not.
    pub fn misses(self) -> u64 {
        self.trials - self.hits
    }

    /// The share; `None` without a trial.
    pub fn share(self) -> Option<f64> {
        (self.trials > 0).then(|| self.hits as f64 / self.trials as f64)
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self { hits: self.hits + other.hits, trials: self.trials + other.trials }
    }

    /// Wilson's score interval; everything without a trial.
    pub fn interval(self, confidence: Confidence) -> Interval {
        let Some(share) = self.share() else { return Interval { low: 0.0, high: 1.0 } };
        let (n, z) = (self.trials as f64, confidence.z());
        let middle = share + z * z / (2.0 * n);
        let reach = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        let whole = 1.0 + z * z / n;
        Interval { low: ((middle - reach) / whole).max(0.0), high: ((middle + reach) / whole).min(1.0) }
    }
}
