mod file;
mod frame;
mod hillstrom;
mod holdout;
mod logistic;
mod race;
mod rate;
mod shrink;

use rand::{Rng, SeedableRng, rngs::StdRng};

/// A client of a market that we plant ourselves.
struct Market(StdRng);

impl Market {
    fn seeded(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    fn unit(&mut self) -> f64 {
        self.0.random()
    }

    fn yes(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    fn hits(&mut self, trials: u64, chance: f64) -> u64 {
        (0..trials).filter(|_| self.yes(chance)).count() as u64
    }

    /// A draw of the standard normal distribution.
    fn bell(&mut self) -> f64 {
        let (a, b) = (self.unit().max(f64::MIN_POSITIVE), self.unit());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

fn expit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
