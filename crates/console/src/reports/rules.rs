//! How sure a share is.

use evidence::{Interval, Rate, rate::Confidence};

/// Below so many observations a share says nothing.
pub(super) const EVIDENCE_MIN: i64 = 30;

/// A share with the range that it is sure of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Share {
    pub low: f64,
    pub mid: f64,
    pub high: f64,
}

/// The share of `hits` in `of` with Wilson's 95 % interval (Wilson 1927); none for nothing.
pub(super) fn wilson(hits: i64, of: i64) -> Option<Share> {
    let hits = u64::try_from(hits).ok()?;
    let rate = Rate::of(hits, u64::try_from(of).ok()?.checked_sub(hits)?);
    let Interval { low, high } = rate.interval(Confidence::USUAL);
    Some(Share { low, mid: rate.share()?, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_books() {
        // Newcombe 1998, table I: 81 of 263 → 0.2553 to 0.3662; 15 of 148 → 0.0624 to 0.1605; 0 of 20 → 0 to 0.1611.
        for (hits, of, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]
        {
            let share = wilson(hits, of).expect("a share");
            assert!(
                (share.low - low).abs() < 5e-5 && (share.high - high).abs() < 5e-5,
                "{hits} of {of}: {share:?}"
            );
        }
    }

    #[test]
    fn a_share_of_nothing_is_unknown() {
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(2, 1), None);
        assert_eq!(wilson(-1, 5), None);
    }
}
