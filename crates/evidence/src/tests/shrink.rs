use super::{Market, expit};
use crate::rate::{Confidence, Rate};
use crate::shrink::{Belief, Prior};

#[test]
fn planted_rates_lie_in_their_intervals_as_often_as_promised() {
    let mut market = Market::seeded(11);
    let (mut held, mut all) = (0, 0);
    for _ in 0..60 {
        let (base, spread) = (-3.4 + market.bell() * 0.3, 0.3 + market.unit() * 0.5);
        let truth: Vec<f64> = (0..20).map(|_| expit(base + spread * market.bell())).collect();
        let rows: Vec<Rate> = truth
            .iter()
            .map(|share| {
                let trials = 20 + (market.unit() * 600.0) as u64;
                Rate::new(market.hits(trials, *share), trials).unwrap()
            })
            .collect();
        let prior = Prior::learn(&rows);
        for (share, rate) in truth.iter().zip(&rows) {
            all += 1;
            held += usize::from(prior.estimate(*rate, Confidence::USUAL).interval.holds(*share));
        }
    }
    let coverage = f64::from(held as u32) / f64::from(all);
    assert!((0.93..=0.97).contains(&coverage), "coverage {coverage:.3} of {all}");
}

#[test]
fn a_small_segment_is_drawn_to_the_rest_and_a_large_one_speaks_for_itself() {
    let mut rows = vec![Rate::new(30, 1_000).unwrap(); 12];
    rows.push(Rate::new(2, 4).unwrap());
    rows.push(Rate::new(900, 10_000).unwrap());
    let prior = Prior::learn(&rows);
    let small = prior.estimate(rows[12], Confidence::USUAL);
    let large = prior.estimate(rows[13], Confidence::USUAL);
    assert!(small.mean < 0.2, "{small:?}");
    assert!((large.mean - 0.09).abs() < 0.003, "{large:?}");
    let rest = prior.estimate(Rate::new(360, 12_000).unwrap(), Confidence::USUAL);
    assert!(large.lift(&rest, Confidence::USUAL).is_some_and(|(ratio, _)| (2.5..3.5).contains(&ratio)));
    assert_eq!(rest.lift(&rest, Confidence::USUAL), None);
}

#[test]
fn nothing_known_is_everything_possible() {
    let estimate = Prior::learn(&[]).estimate(Rate::default(), Confidence::USUAL);
    assert!(estimate.interval.low < 0.01 && estimate.interval.high > 0.99, "{estimate:?}");
}

#[test]
fn what_other_clients_showed_counts_while_there_is_little_of_ones_own() {
    let few = [Rate::new(0, 12).unwrap(), Rate::new(1, 9).unwrap()];
    let before =
        Belief { level: (0.2_f64 / 0.8).ln(), level_spread: 0.2, likeness: 4.0, likeness_spread: 0.5 };
    let alone = Prior::learn(&few).estimate(few[0], Confidence::USUAL);
    let informed = Prior::learn_from(&few, Some(&before)).estimate(few[0], Confidence::USUAL);
    assert!(informed.mean > 1.5 * alone.mean, "{informed:?} {alone:?}");
    // Ten thousand rows speak for themselves.
    let many = [Rate::new(200, 5_000).unwrap(), Rate::new(240, 5_000).unwrap()];
    let alone = Prior::learn(&many).estimate(many[0], Confidence::USUAL);
    let informed = Prior::learn_from(&many, Some(&before)).estimate(many[0], Confidence::USUAL);
    assert!((informed.mean - alone.mean).abs() < 0.002, "{informed:?} {alone:?}");
}

#[test]
fn a_prior_says_in_four_numbers_what_it_knows() {
    let segments: Vec<Rate> = (0..12).map(|n| Rate::new(40 + 2 * n, 1_000).unwrap()).collect();
    let belief = Prior::learn(&segments).belief();
    assert!((belief.level - (0.051_f64 / 0.949).ln()).abs() < 0.05, "{belief:?}");
    assert!(belief.level_spread < 0.1 && belief.likeness > 4.0, "{belief:?}");
}
