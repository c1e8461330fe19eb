use super::{Market, expit};
use crate::holdout::{Choice, Decision, Row, contest, judge, split, teach};

fn rows(market: &mut Market, count: usize, effect: impl Fn(f64) -> f64) -> Vec<Row> {
    (0..count)
        .map(|at| {
            let features: Vec<f64> = (0..6).map(|_| market.bell()).collect();
            let score = effect(at as f64 / count as f64) * (features[0] - 0.7 * features[1]) - 2.0;
            Row { at: at as i64, won: market.yes(expit(score)), features, today: None }
        })
        .collect()
}

#[test]
fn weights_that_hold_on_later_rows_are_better() {
    let judged = judge(rows(&mut Market::seeded(1), 3_000, |_| 1.0));
    assert_eq!(judged.decision, Decision::Better);
    assert!(matches!(judged.choice, Choice::Logistic(_)));
    assert_eq!((judged.taught, judged.later), (2_100, 900));
    let (model, present) = (judged.figures.unwrap(), judged.present.unwrap());
    assert!(model.auc > 0.7 && (present.auc - 0.5).abs() < 1e-9, "{model:?} {present:?}");
    assert!(model.log_loss < present.log_loss && judged.gain.unwrap().1.low > 0.0);
}

#[test]
fn weights_that_no_longer_hold_are_not_switched_on() {
    // The effect turns round before the rows that judge.
    let judged = judge(rows(&mut Market::seeded(2), 3_000, |when| if when < 0.7 { 1.0 } else { -1.0 }));
    assert_eq!(judged.decision, Decision::NoEvidence);
}

#[test]
fn noise_is_hardly_ever_taken_for_better_and_never_from_few_rows() {
    let mut market = Market::seeded(3);
    let taken =
        (0..100).filter(|_| judge(rows(&mut market, 400, |_| 0.0)).decision == Decision::Better).count();
    assert!(taken <= 5, "{taken} of 100");
    assert_eq!(judge(rows(&mut market, 49, |_| 3.0)).decision, Decision::NotEnough);
    assert_eq!(judge(Vec::new()).decision, Decision::NotEnough);
}

#[test]
fn weights_as_good_as_todays_are_no_improvement() {
    let mut known = rows(&mut Market::seeded(4), 2_000, |_| 1.0);
    for row in &mut known {
        row.today = Some(row.features[0] - 0.7 * row.features[1]);
    }
    assert_eq!(judge(known).decision, Decision::NoEvidence);
}

#[test]
fn rows_of_one_instant_stay_on_one_side() {
    let at = |days: &[i64]| -> Vec<Row> {
        days.iter().map(|day| Row { at: *day, features: vec![], won: false, today: None }).collect()
    };
    assert_eq!(split(&at(&[1, 1, 1, 1, 1, 2, 2, 2, 2, 3])), 5);
    assert_eq!(split(&at(&[1, 2, 2, 2, 2, 2, 2, 2, 3, 3])), 8);
    assert_eq!(split(&at(&[1; 10])), 7);
}

#[test]
fn another_score_is_taken_only_when_it_orders_later_rows_better() {
    let mut known = rows(&mut Market::seeded(5), 3_000, |_| 1.0);
    for row in &mut known {
        row.today = Some(row.features[2]);
    }
    let cut = split(&known);
    let (ridge, model) = teach(&known[..cut]).unwrap();
    assert_eq!(contest(&known, ridge, |row| model.score(&row.features)).judged.decision, Decision::Better);
    // The present score against itself, and against noise.
    assert_eq!(contest(&known, ridge, |row| row.features[2]).judged.decision, Decision::NoEvidence);
    assert_eq!(contest(&known, ridge, |row| row.features[3]).judged.decision, Decision::NoEvidence);
    assert_eq!(contest(&known[..40], ridge, |row| row.features[0]).judged.decision, Decision::NotEnough);
}
