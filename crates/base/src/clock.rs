//! The injected clock: the only way to learn what time it is.

use crate::Time;
use std::sync::atomic::{AtomicI64, Ordering};

/// Says what time it is.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Time;
    /// True when time moves only by hand (simulation and tests), so that waiting code jumps
    /// to the next due instant in place of sleeping.
    fn is_virtual(&self) -> bool {
        false
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Time {
        Time::new(jiff::Timestamp::now())
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `at`.
    pub fn at(at: Time) -> Self {
        Self(AtomicI64::new(at.us()))
    }

    /// Moves the clock forward to `at`; a clock never runs backwards.
    pub fn advance_to(&self, at: Time) {
        self.0.fetch_max(at.us(), Ordering::SeqCst);
    }

    /// Moves the clock forward by some seconds.
    pub fn advance_s(&self, seconds: i64) {
        self.0.fetch_add(seconds.max(0).saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time::from_us(self.0.load(Ordering::SeqCst))
    }
    fn is_virtual(&self) -> bool {
        true
    }
}
