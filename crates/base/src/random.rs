//! The injected source of randomness and ids. Seeded in simulation and tests, so that the same
//! seed gives the same run.

use crate::{Clock, Time};
use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// A source of random numbers, ids and tokens, shared by everything in a process.
pub struct Random(Mutex<StdRng>);

impl Random {
    /// Seeded by the operating system; for production.
    pub fn system() -> Self {
        Self(Mutex::new(StdRng::from_os_rng()))
    }

    /// Seeded by a number; for simulation and tests.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Runs `f` on the generator. A poisoned lock is still a sound generator.
    pub fn with<T>(&self, f: impl FnOnce(&mut StdRng) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A time-ordered id (UUIDv7) for the instant `now`.
    pub fn uuid(&self, now: Time) -> Uuid {
        let mut tail = [0_u8; 10];
        self.with(|rng| rng.fill_bytes(&mut tail));
        let ms = u64::try_from(now.ms()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &tail).into_uuid()
    }

    /// A time-ordered id for the present instant of `clock`, as any typed id.
    pub fn id<T: From<Uuid>>(&self, clock: &dyn Clock) -> T {
        T::from(self.uuid(clock.now()))
    }

    /// `N` random bytes, for tokens and salts.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0_u8; N];
        self.with(|rng| rng.fill_bytes(&mut bytes));
        bytes
    }

    /// A whole number in `low..=high` (returns `low` when the range is empty).
    pub fn between(&self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        self.with(|rng| rng.random_range(low..=high))
    }

    /// A number in `[0, 1)`, for propensities and jitter.
    pub fn unit(&self) -> f64 {
        self.with(|rng| rng.random())
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}
