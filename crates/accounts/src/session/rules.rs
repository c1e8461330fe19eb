//! How long sessions live and how guessing is slowed down.

use base::Time;

/// A session that is not used ends after so many days.
pub const IDLE_DAYS: i64 = 30;
/// Every session ends after so many days.
pub const ABSOLUTE_DAYS: i64 = 90;
/// The use of a session is written down at most this often.
pub const TOUCH_S: i64 = 60;

/// When a session that is used now ends.
pub fn ends(created: Time, now: Time) -> Time {
    now.plus_days(IDLE_DAYS).min(created.plus_days(ABSOLUTE_DAYS))
}

/// What is counted to slow guessing down, and how many failures are free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// One e-mail from one address.
    Pair,
    /// One e-mail from anywhere: higher, so that a stranger cannot lock its owner out cheaply.
    Email,
    /// One address, whatever the e-mail: higher still, as an office shares one.
    Address,
    /// One address that signs up or asks for links; every such act counts, done or not.
    Act,
}

impl Limit {
    /// Failures within [`WINDOW_S`] without any wait.
    pub fn free(self) -> i64 {
        match self {
            Self::Pair => 5,
            Self::Email => 20,
            Self::Address => 50,
            Self::Act => 100,
        }
    }
}

/// Failures older than this many seconds are forgotten.
pub const WINDOW_S: i64 = 86_400;
/// The longest wait in seconds.
pub const WAIT_MAX_S: i64 = 900;

/// Seconds to wait after the latest of `failures`: none while they are free, then 2, 4, 8 … up to
/// a quarter of an hour.
pub fn wait_s(failures: i64, limit: Limit) -> i64 {
    let over = failures - limit.free();
    if over < 0 {
        return 0;
    }
    let exponent = u32::try_from(over + 1).unwrap_or(u32::MAX).min(20);
    (1_i64 << exponent).min(WAIT_MAX_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn a_session_slides_but_never_beyond_its_absolute_end() {
        let created = at("2026-01-01T00:00:00Z");
        assert_eq!(ends(created, created), created.plus_days(30));
        assert_eq!(ends(created, created.plus_days(20)), created.plus_days(50));
        assert_eq!(ends(created, created.plus_days(80)), created.plus_days(90));
    }

    #[test]
    fn waiting_begins_after_the_free_failures_and_doubles_to_its_cap() {
        assert_eq!(wait_s(0, Limit::Pair), 0);
        assert_eq!(wait_s(4, Limit::Pair), 0);
        assert_eq!(wait_s(5, Limit::Pair), 2);
        assert_eq!(wait_s(6, Limit::Pair), 4);
        assert_eq!(wait_s(9, Limit::Pair), 32);
        assert_eq!(wait_s(500, Limit::Pair), 900);
        assert_eq!(wait_s(19, Limit::Email), 0);
        assert_eq!(wait_s(50, Limit::Address), 2);
    }
}
