//! How sure a share is.

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
    /// The 97.5 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if of <= 0 || hits < 0 || hits > of {
        return None;
    }
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let z2 = Z * Z;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some(Share { low: (middle - half).max(0.0), mid: p, high: (middle + half).min(1.0) })
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
