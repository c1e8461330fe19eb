use crate::effect::{self, Amounts, Verdict, needed_per_arm};
use crate::rate::{Confidence, Rate};

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 5e-4
}

#[test]
fn intervals_of_shares_are_wilsons() {
    // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for (hits, trials, low, high) in
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
    {
        let interval = Rate::new(hits, trials).unwrap().interval(Confidence::USUAL);
        assert!(near(interval.low, low) && near(interval.high, high), "{hits}/{trials}: {interval:?}");
    }
    assert_eq!(Rate::new(2, 1), None);
}

#[test]
fn differences_of_shares_are_newcombes() {
    // Newcombe 1998, table II, method 10: 56/70 against 48/80 and 9/10 against 3/10.
    for ((a, n), (b, m), low, high) in [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ] {
        let effect =
            effect::of_rates(Rate::new(a, n).unwrap(), Rate::new(b, m).unwrap(), Confidence::USUAL).unwrap();
        assert!(near(effect.interval.low, low) && near(effect.interval.high, high), "{effect:?}");
        assert_eq!(effect.lift.is_some(), effect.verdict != Verdict::NoEvidence);
    }
}

#[test]
fn means_are_compared_as_welch_did() {
    let first: Amounts =
        [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4]
            .into_iter()
            .collect();
    let second: Amounts =
        [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4]
            .into_iter()
            .collect();
    // By hand: difference -2.8333, standard error 0.9931, 27.89 degrees of freedom, of which Student's 97.5 % is 2.049.
    let effect = effect::of_amounts(&first, &second, Confidence::USUAL).unwrap();
    assert_eq!(effect.verdict, Verdict::Lower);
    assert!(near(effect.difference, -2.8333));
    let reach = (effect.interval.high - effect.interval.low) / 2.0;
    assert!((reach - 2.049 * 0.9931).abs() < 5e-3, "{effect:?}");
}

#[test]
fn the_size_that_a_test_needs_is_told_before_it_starts() {
    for (base, wanted, known) in
        [(0.03, 0.05, 1_506), (0.03, 0.045, 2_517), (0.01, 0.015, 7_750), (0.03, 0.036, 13_914)]
    {
        let needed = needed_per_arm(base, wanted).unwrap();
        assert!(needed.abs_diff(known) <= 2, "{base} to {wanted}: {needed}, not {known}");
    }
    assert_eq!(needed_per_arm(0.03, 0.03), None);
}
