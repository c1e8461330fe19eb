use super::{Market, expit};
use crate::logistic::{Cell, Unfit, fit};
use crate::rate::{Confidence, Rate};

#[test]
fn planted_effects_lie_in_their_intervals_as_often_as_promised() {
    let planted = [0.9, -0.6, 0.0, 0.4];
    let mut market = Market::seeded(5);
    let (mut held, mut all) = (0, 0);
    for _ in 0..300 {
        // Five yes-or-no features make at most 32 different rows.
        let mut counts = [Rate::default(); 16];
        for _ in 0..1_500 {
            let kind = (market.unit() * 16.0) as usize;
            let score: f64 = planted
                .iter()
                .enumerate()
                .map(|(bit, effect)| if kind >> bit & 1 == 1 { *effect } else { 0.0 })
                .sum();
            let won = market.yes(expit(score - 2.2));
            counts[kind] = counts[kind].and(Rate::of(u64::from(won), u64::from(!won)));
        }
        let cells: Vec<Cell> = counts
            .iter()
            .enumerate()
            .map(|(kind, rate)| Cell {
                features: (0..4).map(|bit| f64::from((kind >> bit & 1) as u8)).collect(),
                rate: *rate,
            })
            .collect();
        let model = fit(&cells, 0.0).unwrap();
        for (feature, effect) in planted.iter().enumerate() {
            all += 1;
            held += usize::from(model.weight(feature, Confidence::USUAL).unwrap().1.holds(*effect));
        }
    }
    let coverage = f64::from(held as u32) / f64::from(all);
    assert!((0.93..=0.97).contains(&coverage), "coverage {coverage:.3} of {all}");
}

#[test]
fn a_fit_is_that_of_textbooks() {
    // Agresti, snoring and heart disease: scores 0, 2, 4, 5; logit = -3.866 + 0.397 x, error 0.050.
    let cells: Vec<Cell> = [(0.0, 24, 1_379), (2.0, 35, 638), (4.0, 21, 213), (5.0, 30, 254)]
        .map(|(x, hits, trials)| Cell { features: vec![x], rate: Rate::new(hits, trials).unwrap() })
        .into();
    let model = fit(&cells, 0.0).unwrap();
    assert!((model.score(&[0.0]) + 3.866).abs() < 1e-3);
    let (weight, interval) = model.weight(0, Confidence::USUAL).unwrap();
    assert!((weight - 0.397).abs() < 1e-3);
    assert!(((interval.high - interval.low) / 2.0 / 1.96 - 0.050).abs() < 1e-3);
}

#[test]
fn what_cannot_be_fitted_is_said() {
    let cell = |x: f64, hits| Cell { features: vec![x, x], rate: Rate::new(hits, 10).unwrap() };
    assert_eq!(fit(&[cell(0.0, 0), cell(1.0, 0)], 0.0), Err(Unfit::OneOutcome));
    assert_eq!(fit(&[cell(0.0, 3), cell(1.0, 6)], 0.0), Err(Unfit::Singular));
    assert!(fit(&[cell(0.0, 3), cell(1.0, 6)], 1.0).is_ok());
    // All that have the feature win: only the ridge keeps its weight finite.
    let apart = fit(&[cell(0.0, 0), cell(1.0, 10)], 1.0).unwrap();
    assert!(apart.chance(&[1.0, 1.0]) > 0.8 && apart.chance(&[1.0, 1.0]) < 1.0);
}
