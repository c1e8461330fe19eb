//! Weights on simulated clients with planted effects.

use super::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Leads of a client whose outcomes follow these slopes.
fn client(seed: u64, count: usize, slopes: [f64; 4], turned: bool) -> Vec<Known> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count)
        .map(|at| {
            let parts: [f64; 5] = std::array::from_fn(|_| f64::from(random.random_range(0..=10_u8)) / 10.0);
            let sign = if turned && at > count * 7 / 10 { -1.0 } else { 1.0 };
            let score: f64 = slopes.iter().zip(parts).map(|(slope, part)| slope * (part - 0.5)).sum();
            let chance = 1.0 / (1.0 + (-(sign * score - 2.5)).exp());
            Known { at: at as i64, parts, won: random.random::<f64>() < chance }
        })
        .collect()
}

#[test]
fn planted_weights_are_found_and_proposed_when_later_leads_agree() {
    let verdict = judge(&client(1, 6_000, [0.2, 3.0, 0.4, 2.0], false), Weights::default());
    assert!(verdict.better, "{verdict:?}");
    let [quality, authority, fit, timing, risk] = verdict.learnt.unwrap();
    assert!(authority > timing && timing > fit && timing > quality, "{verdict:?}");
    assert_eq!((risk, quality + authority + fit + timing), (1_500, 8_500));
    let (learnt, present) = (verdict.learnt_fit.unwrap(), verdict.present_fit.unwrap());
    assert!(learnt.auc > present.auc && verdict.gain.unwrap().1 > 0.0);
}

#[test]
fn weights_are_not_switched_on_unless_later_leads_agree() {
    let turned = judge(&client(2, 6_000, [0.2, 3.0, 0.4, 2.0], true), Weights::default());
    assert!(!turned.better && turned.learnt.is_some() && !turned.reason.is_empty(), "{turned:?}");
    // The present weights are the planted ones already.
    let planted = Weights::new([1_000, 5_000, 1_000, 1_500, 1_500]).unwrap();
    let same = judge(&client(3, 6_000, [0.6, 3.0, 0.6, 0.9], false), planted);
    assert!(!same.better, "{same:?}");
    let few = judge(&client(4, 60, [0.2, 3.0, 0.4, 2.0], false), Weights::default());
    assert!(!few.better, "{few:?}");
    assert_eq!(judge(&[], Weights::default()).judged, 0);
}

#[test]
fn clients_in_which_nothing_matters_get_no_weights_in_nineteen_of_twenty_cases() {
    let taken =
        (0..200).filter(|seed| judge(&client(1_000 + seed, 800, [0.0; 4], false), Weights::default()).better);
    let taken = taken.count();
    assert!(taken <= 10, "{taken} of 200");
}

#[test]
fn a_component_that_was_filled_afterwards_is_refused() {
    let mut leads = client(5, 2_000, [0.2, 1.0, 0.4, 0.5], false);
    for lead in &mut leads {
        lead.parts[0] = if lead.won { 1.0 } else { 0.1 };
    }
    let verdict = judge(&leads, Weights::default());
    assert!(!verdict.better && verdict.reason.contains("Data quality"), "{verdict:?}");
}

#[test]
fn slopes_become_weights_within_their_bounds() {
    for slopes in [[1.0, 0.0, 0.0, 0.0], [1.0; 4], [0.0, 1e-9, 0.0, 1e9], [5.0, 3.0, 1.0, -2.0]] {
        let points: [u16; 5] = weights(slopes).unwrap().into();
        assert_eq!(points.iter().sum::<u16>(), 10_000, "{slopes:?}");
        assert!(points[..4].iter().all(|weight| (500..=5_000).contains(weight)), "{slopes:?}: {points:?}");
    }
    assert_eq!(weights([-1.0, 0.0, -2.0, 0.0]), None);
}
