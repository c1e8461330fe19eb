//! Two arms next to each other: how far apart, how sure, or no evidence at all.

use crate::rate::{Confidence, Interval, Rate};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// What may be said of an effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies above zero.
    Higher,
    /// The interval lies below zero.
    Lower,
    /// Zero is in the interval.
    NoEvidence,
}

impl Verdict {
    /// Of the interval of a difference.
    pub fn of(difference: Interval) -> Self {
        if difference.low > 0.0 {
            Self::Higher
        } else if difference.high < 0.0 {
            Self::Lower
        } else {
            Self::NoEvidence
        }
    }
}

/// An arm against another.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Effect {
    /// This arm's mean less the other's.
    pub difference: f64,
    /// Where the true difference lies.
    pub interval: Interval,
    /// This arm's mean over the other's, only where there is evidence of a difference.
    pub lift: Option<f64>,
    /// What may be said.
    pub verdict: Verdict,
}

impl Effect {
    fn new(this: f64, other: f64, interval: Interval) -> Self {
        let verdict = Verdict::of(interval);
        let lift = match verdict {
            Verdict::Higher | Verdict::Lower if other > 0.0 => Some(this / other),
            Verdict::Higher | Verdict::Lower | Verdict::NoEvidence => None,
        };
        Self { difference: this - other, interval, lift, verdict }
    }
}

/// The difference of two shares, by Newcombe's hybrid score interval. `None` when an arm is empty.
pub fn of_rates(this: Rate, other: Rate, confidence: Confidence) -> Option<Effect> {
    let (a, b) = (this.share()?, other.share()?);
    let (ia, ib) = (this.interval(confidence), other.interval(confidence));
    let low = a - b - ((a - ia.low).powi(2) + (ib.high - b).powi(2)).sqrt();
    let high = a - b + ((ia.high - a).powi(2) + (b - ib.low).powi(2)).sqrt();
    Some(Effect::new(a, b, Interval { low, high }))
}

/// Amounts of an arm, summed up.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Amounts {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Amounts {
    /// One more (Welford's update: exact for long sums).
    pub fn add(&mut self, amount: f64) {
        self.count += 1;
        let step = amount - self.mean;
        self.mean += step / self.count as f64;
        self.squares += step * (amount - self.mean);
    }

    /// Their mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    fn error2(&self) -> f64 {
        self.squares / (self.count - 1) as f64 / self.count as f64
    }
}

impl FromIterator<f64> for Amounts {
    fn from_iter<T: IntoIterator<Item = f64>>(amounts: T) -> Self {
        amounts.into_iter().fold(Self::default(), |mut all, amount| {
            all.add(amount);
            all
        })
    }
}

/// The difference of two means, by Welch's interval. `None` below two amounts in an arm.
pub fn of_amounts(this: &Amounts, other: &Amounts, confidence: Confidence) -> Option<Effect> {
    if this.count < 2 || other.count < 2 {
        return None;
    }
    let (a, b) = (this.error2(), other.error2());
    let difference = this.mean - other.mean;
    if a + b <= 0.0 {
        let interval = Interval { low: difference, high: difference };
        return Some(Effect::new(this.mean, other.mean, interval));
    }
    let freedom =
        (a + b).powi(2) / (a.powi(2) / (this.count - 1) as f64 + b.powi(2) / (other.count - 1) as f64);
    let times = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(1.0 - confidence.tail());
    let reach = times * (a + b).sqrt();
    Some(Effect::new(this.mean, other.mean, Interval { low: difference - reach, high: difference + reach }))
}

/// How many trials each arm needs to see `base` become `wanted` with power 0.8 at two-sided 5 %.
/// `None` when the two are the same or no shares.
pub fn needed_per_arm(base: f64, wanted: f64) -> Option<u64> {
    let shares = 0.0..=1.0;
    if base == wanted || !shares.contains(&base) || !shares.contains(&wanted) {
        return None;
    }
    let normal = Normal::standard();
    let (sure, power) = (normal.inverse_cdf(0.975), normal.inverse_cdf(0.8));
    let middle = f64::midpoint(base, wanted);
    let under_none = (2.0 * middle * (1.0 - middle)).sqrt();
    let under_some = (base * (1.0 - base) + wanted * (1.0 - wanted)).sqrt();
    Some(((sure * under_none + power * under_some) / (base - wanted)).powi(2).ceil() as u64)
}
