//! Arms that run against each other while somebody looks every day.
//!
//! Looking often at an ordinary test names a winner among equal arms in one of four races
//! (measured: a plain z-test at every 20 sends up to 1,000). Here each pair of arms carries an
//! e-value (a bet against “both are the same” that nobody can win on average: Turner, Ly and
//! Grünwald, “Generic E-variables for exact sequential k-sample tests”, 2021). By Ville's inequality
//! it passes 1/α with a probability of at most α whenever one looks and stops.
//!
//! The bet is spread over a few odds ratios; the base rate is what the days before showed, so every
//! day's bet is fixed before that day's outcomes.

use crate::rate::Rate;
use serde::Serialize;

/// Of a hundred races among equal arms at most five may name a winner.
const ALPHA: f64 = 0.05;
/// The odds ratios that are bet on, as natural logarithms: 1.15 to 3 in both directions.
const BETS: [f64; 10] = [0.14, 0.3, 0.45, 0.7, 1.1, -0.14, -0.3, -0.45, -0.7, -1.1];
/// Before anything is known a reply rate of 3 % is assumed, with the weight of 30 messages.
const ASSUMED: (f64, f64) = (0.9, 30.0);

/// What a race says today.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing can be said.
    Undecided,
    /// This arm (by its place) is better than each other one.
    Winner(usize),
}

/// A pair of arms with its bets.
#[derive(Clone, Debug)]
struct Pair {
    log_wealth: [f64; BETS.len()],
}

impl Pair {
    /// Bets on one block of outcomes; `base` is the share that was known before.
    fn bet(&mut self, a: Rate, b: Rate, base: f64) {
        let (na, nb) = (a.trials() as f64, b.trials() as f64);
        if a.trials() == 0 || b.trials() == 0 {
            return;
        }
        let logit = (base / (1.0 - base)).ln();
        for (wealth, ratio) in self.log_wealth.iter_mut().zip(BETS) {
            let (pa, pb) = (expit(logit + ratio / 2.0), expit(logit - ratio / 2.0));
            let same = (na * pa + nb * pb) / (na + nb);
            *wealth += gain(a, pa, same) + gain(b, pb, same);
        }
    }

    /// The mean of all bets.
    fn e_value(&self) -> f64 {
        let most = self.log_wealth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.log_wealth.iter().map(|wealth| (wealth - most).exp()).sum();
        (most + (sum / BETS.len() as f64).ln()).exp()
    }
}

fn expit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn gain(arm: Rate, claimed: f64, same: f64) -> f64 {
    arm.hits() as f64 * (claimed / same).ln() + arm.misses() as f64 * ((1.0 - claimed) / (1.0 - same)).ln()
}

/// Two or more arms.
#[derive(Clone, Debug)]
pub struct Race {
    totals: Vec<Rate>,
    pairs: Vec<Pair>,
}

impl Race {
    /// A race of `arms` arms, at least two.
    pub fn new(arms: usize) -> Self {
        let arms = arms.max(2);
        Self {
            totals: vec![Rate::default(); arms],
            pairs: vec![Pair { log_wealth: [0.0; BETS.len()] }; arms * (arms - 1) / 2],
        }
    }

    /// What a day (or any other block whose sizes did not depend on its own outcomes) brought, one
    /// rate per arm; arms beyond those of the race are not read.
    pub fn day(&mut self, outcomes: &[Rate]) {
        let known = self.totals.iter().fold(Rate::default(), |all, rate| all.and(*rate));
        let base = (known.hits() as f64 + ASSUMED.0) / (known.trials() as f64 + ASSUMED.1);
        let base = base.clamp(1e-6, 1.0 - 1e-6);
        for (place, (a, b)) in pairs(self.totals.len()).enumerate() {
            if let (Some(this), Some(other)) = (outcomes.get(a), outcomes.get(b)) {
                self.pairs[place].bet(*this, *other, base);
            }
        }
        for (total, outcome) in self.totals.iter_mut().zip(outcomes) {
            *total = total.and(*outcome);
        }
    }

    /// All days together, per arm.
    pub fn totals(&self) -> &[Rate] {
        &self.totals
    }

    /// The evidence between two arms, as a factor against “both are the same”; 1 is none.
    pub fn evidence(&self, a: usize, b: usize) -> f64 {
        let (low, high) = (a.min(b), a.max(b));
        pairs(self.totals.len())
            .position(|pair| pair == (low, high))
            .map_or(1.0, |place| self.pairs[place].e_value())
    }

    /// The factor that a pair must reach, all pairs taken together.
    pub fn bar(&self) -> f64 {
        self.pairs.len() as f64 / ALPHA
    }

    /// Whether an arm has beaten each other one.
    pub fn standing(&self) -> Standing {
        let share = |arm: usize| self.totals[arm].share().unwrap_or(0.0);
        let beats =
            |arm: usize, other: usize| share(arm) > share(other) && self.evidence(arm, other) >= self.bar();
        let arms = self.totals.len();
        (0..arms)
            .find(|arm| (0..arms).all(|other| other == *arm || beats(*arm, other)))
            .map_or(Standing::Undecided, Standing::Winner)
    }
}

fn pairs(arms: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..arms).flat_map(move |a| (a + 1..arms).map(move |b| (a, b)))
}
