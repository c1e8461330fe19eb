//! Simulated clients with planted effects: what is learnt of them holds as often as it says.

use super::arms::{compare, race};
use super::dimension::{Detector, Dimension};
use super::finding::{Cell, Counted, Standing, confidence, learn};
use evidence::rate::Rate;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A draw of the standard normal distribution.
fn bell(random: &mut StdRng) -> f64 {
    let (a, b): (f64, f64) = (random.random::<f64>().max(f64::MIN_POSITIVE), random.random());
    (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// Segments of the four dimensions that a simulated client has.
const DIMENSIONS: [(Dimension, usize); 2] = [(Dimension::Weekday, 5), (Dimension::Hour, 10)];

/// Messages of one client, counted; and the true rate of each segment.
fn client(random: &mut StdRng, messages: usize) -> (Counted, BTreeMap<(usize, String), f64>) {
    let base = -3.0 + 0.4 * bell(random);
    let effects: Vec<Vec<f64>> =
        DIMENSIONS.iter().map(|(_, count)| (0..*count).map(|_| 0.4 * bell(random)).collect()).collect();
    let mut sums: BTreeMap<(usize, String), (u64, u64, f64)> = BTreeMap::new();
    let (mut hits, mut trials) = (0, 0);
    for _ in 0..messages {
        let places: Vec<usize> = DIMENSIONS.iter().map(|(_, count)| random.random_range(0..*count)).collect();
        let score = base + places.iter().zip(&effects).map(|(place, effect)| effect[*place]).sum::<f64>();
        let chance = 1.0 / (1.0 + (-score).exp());
        let won = random.random::<f64>() < chance;
        trials += 1;
        hits += u64::from(won);
        for ((dimension, _), place) in DIMENSIONS.iter().zip(&places) {
            let sum = sums.entry((*dimension as usize, place.to_string())).or_default();
            sum.0 += 1;
            sum.1 += u64::from(won);
            sum.2 += chance;
        }
    }
    let cells = sums.iter().map(|((dimension, segment), (trials, hits, _))| Cell {
        dimension: Dimension::ALL[*dimension],
        segment: segment.clone(),
        rate: Rate::new(*hits, *trials).unwrap(),
    });
    let counted = Counted { total: Rate::new(hits, trials).unwrap(), cells: cells.collect() };
    (counted, sums.into_iter().map(|(key, (trials, _, chance))| (key, chance / trials as f64)).collect())
}

#[test]
fn planted_rates_lie_in_their_intervals_in_nineteen_of_twenty_cases() {
    let mut random = StdRng::seed_from_u64(7);
    let (mut held, mut all, mut lifts, mut right) = (0_u32, 0_u32, 0_u32, 0_u32);
    for _ in 0..120 {
        let messages = random.random_range(800..6_000);
        let (counted, truth) = client(&mut random, messages);
        let Ok(tables) = learn(Detector::When, &counted, &BTreeMap::new()) else { continue };
        for table in &tables {
            for finding in &table.findings {
                let rate = truth[&(table.dimension as usize, finding.segment.clone())];
                all += 1;
                held += u32::from(finding.range.low <= rate && rate <= finding.range.high);
                if let Some(lift) = finding.lift {
                    // The others' true rate, each weighed by its rows.
                    let others = table.findings.iter().filter(|other| other.segment != finding.segment);
                    let (sum, rows) = others.fold((0.0, 0.0), |(sum, rows), other| {
                        let rate = truth[&(table.dimension as usize, other.segment.clone())];
                        (sum + rate * other.trials as f64, rows + other.trials as f64)
                    });
                    lifts += 1;
                    right += u32::from((rate > sum / rows) == (finding.standing == Standing::Better));
                    assert!(lift.range.low > 1.0 || lift.range.high < 1.0);
                }
            }
        }
    }
    let coverage = f64::from(held) / f64::from(all);
    assert!((0.93..=0.97).contains(&coverage), "coverage {coverage:.4} of {all}");
    assert!(
        lifts > 300 && f64::from(right) / f64::from(lifts) > 0.98,
        "{right} of {lifts} lifts point the right way"
    );
}

#[test]
fn where_nothing_matters_hardly_any_segment_is_called_better() {
    let mut random = StdRng::seed_from_u64(8);
    let (mut said, mut all) = (0_u32, 0_u32);
    for _ in 0..120 {
        let mut cells = Vec::new();
        let (mut hits, mut trials) = (0, 0);
        for segment in 0..10 {
            let rows = random.random_range(100..900);
            let won = (0..rows).filter(|_| random.random::<f64>() < 0.04).count() as u64;
            cells.push(Cell {
                dimension: Dimension::Hour,
                segment: segment.to_string(),
                rate: Rate::new(won, rows).unwrap(),
            });
            hits += won;
            trials += rows;
        }
        let counted = Counted { total: Rate::new(hits, trials).unwrap(), cells };
        for finding in &learn(Detector::When, &counted, &BTreeMap::new()).unwrap()[0].findings {
            all += 1;
            said += u32::from(finding.standing != Standing::NoEvidence);
        }
    }
    assert!(f64::from(said) / f64::from(all) < 0.03, "{said} of {all}");
}

/// Days of a race between arms with these chances.
fn days(random: &mut StdRng, chances: &[f64], days: usize, messages: u64) -> Vec<Vec<Rate>> {
    (0..days)
        .map(|_| {
            let arm = |chance: &f64| {
                Rate::new((0..messages).filter(|_| random.random::<f64>() < *chance).count() as u64, messages)
                    .unwrap()
            };
            chances.iter().map(arm).collect()
        })
        .collect()
}

#[test]
fn equal_arms_that_are_looked_at_every_day_name_a_winner_in_one_of_twenty_races_at_most() {
    let mut random = StdRng::seed_from_u64(9);
    let names = ["A".to_owned(), "B".to_owned()];
    let won = (0..600)
        .filter(|_| race(Uuid::nil(), 1, &names, &days(&mut random, &[0.04, 0.04], 60, 30)).winner.is_some())
        .count();
    assert!(won <= 30, "{won} of 600 races");
    let found = (0..40).filter(|_| {
        race(Uuid::nil(), 1, &names, &days(&mut random, &[0.03, 0.08], 60, 30)).winner.as_deref() == Some("B")
    });
    let found = found.count();
    assert!(found >= 34, "a large difference is found in {found} of 40");
}

#[test]
fn a_public_experiment_comes_out_with_intervals_and_with_no_evidence_where_zero_is_inside() {
    let path = format!("{}/../../fixtures/experiments/hillstrom.csv", env!("CARGO_MANIFEST_DIR"));
    let mut file = csv::Reader::from_path(path).unwrap();
    let names = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"];
    let (mut visits, mut halves) = ([(0, 0); 3], [(0, 0); 2]);
    for (number, row) in file.records().enumerate() {
        let row = row.unwrap();
        let arm = names.iter().position(|name| *name == &row[8]).unwrap();
        visits[arm].0 += 1;
        visits[arm].1 += u64::from(&row[9] == "1");
        if arm == 0 {
            halves[number % 2].0 += 1;
            halves[number % 2].1 += u64::from(&row[10] == "1");
        }
    }
    let rates = |sums: &[(u64, u64)]| -> Vec<(String, Rate)> {
        sums.iter()
            .zip(names)
            .map(|((rows, hits), name)| (name.to_owned(), Rate::new(*hits, *rows).unwrap()))
            .collect()
    };
    let arms = compare(&rates(&visits));
    for (arm, points) in [(1, 7.66), (2, 4.52)] {
        let (difference, range) = (arms[arm].difference.unwrap(), arms[arm].range.unwrap());
        assert!((difference * 100.0 - points).abs() < 0.01, "{:?}", arms[arm]);
        assert!(range.low > 0.0 && range.low < difference && difference < range.high);
        assert_eq!(arms[arm].standing, Standing::Better);
    }
    assert_eq!((arms[0].standing, arms[0].difference), (Standing::NoEvidence, None));
    // Two halves of the same arm differ by chance only.
    let same = compare(&rates(&halves));
    let range = same[1].range.unwrap();
    assert!(range.low < 0.0 && range.high > 0.0 && same[1].standing == Standing::NoEvidence, "{same:?}");
}

#[test]
fn too_few_observations_or_successes_teach_nothing() {
    let counted = |hits, trials| Counted { total: Rate::new(hits, trials).unwrap(), cells: Vec::new() };
    for (detector, hits, trials, enough) in [
        (Detector::Who, 10, 29, false),
        (Detector::Who, 9, 300, false),
        (Detector::Who, 10, 30, true),
        (Detector::When, 5, 19, false),
        (Detector::When, 4, 200, false),
        (Detector::When, 5, 20, true),
    ] {
        let learnt = learn(detector, &counted(hits, trials), &BTreeMap::new());
        assert_eq!(learnt.is_ok(), enough, "{detector:?} {hits} of {trials}");
    }
    let tiny = Cell { dimension: Dimension::Hour, segment: "9".into(), rate: Rate::new(4, 4).unwrap() };
    let counted = Counted { total: Rate::new(50, 500).unwrap(), cells: vec![tiny] };
    assert_eq!(learn(Detector::When, &counted, &BTreeMap::new()).unwrap(), Vec::new(), "four are no segment");
}

#[test]
fn confidence_passes_the_points_that_it_promises() {
    for (trials, wanted) in
        [(0, 0.2), (10, 0.2), (30, 0.5), (100, 0.7), (500, 0.85), (5_000, 0.95), (9_999_999, 0.95)]
    {
        assert!((confidence(trials) - wanted).abs() < 1e-9, "{trials}: {}", confidence(trials));
    }
    assert!((10..2_000).all(|n| confidence(n) <= confidence(n + 1)));
}
