//! A public experiment: 64,000 customers, three arms at random (see `fixtures/experiments/README.md`).

use crate::effect::{self, Amounts, Verdict};
use crate::rate::{Confidence, Rate};

#[derive(Default)]
struct Arm {
    visit: (u64, u64),
    conversion: (u64, u64),
    spend: Amounts,
}

impl Arm {
    fn visits(&self) -> Rate {
        Rate::of(self.visit.0, self.visit.1)
    }

    fn conversions(&self) -> Rate {
        Rate::of(self.conversion.0, self.conversion.1)
    }
}

fn arms(wanted: impl Fn(&csv::StringRecord) -> bool) -> [Arm; 3] {
    let path = format!("{}/../../fixtures/experiments/hillstrom.csv", env!("CARGO_MANIFEST_DIR"));
    let mut file = csv::Reader::from_path(&path).unwrap_or_else(|cause| panic!("{path}: {cause}"));
    let mut arms: [Arm; 3] = Default::default();
    for row in file.records() {
        let row = row.unwrap();
        if !wanted(&row) {
            continue;
        }
        let arm = &mut arms[match &row[8] {
            "Mens E-Mail" => 0,
            "Womens E-Mail" => 1,
            "No E-Mail" => 2,
            other => panic!("{other}"),
        }];
        let count = |(hits, misses): &mut (u64, u64), yes: bool| if yes { *hits += 1 } else { *misses += 1 };
        count(&mut arm.visit, &row[9] == "1");
        count(&mut arm.conversion, &row[10] == "1");
        arm.spend.add(row[11].parse().unwrap());
    }
    arms
}

#[test]
fn the_effects_of_a_public_experiment_come_out_with_intervals() {
    let [mens, womens, none] = arms(|_| true);
    assert_eq!(mens.visits().trials() + womens.visits().trials() + none.visits().trials(), 64_000);
    for (arm, points) in [(&mens, 7.66), (&womens, 4.52)] {
        let visit = effect::of_rates(arm.visits(), none.visits(), Confidence::for_all(6)).unwrap();
        assert!((visit.difference * 100.0 - points).abs() < 0.01, "{visit:?}");
        assert_eq!(visit.verdict, Verdict::Higher);
        assert!(visit.interval.holds(visit.difference));
        let conversion =
            effect::of_rates(arm.conversions(), none.conversions(), Confidence::for_all(6)).unwrap();
        assert_eq!(conversion.verdict, Verdict::Higher);
        let spend = effect::of_amounts(&arm.spend, &none.spend, Confidence::for_all(6)).unwrap();
        assert_eq!(spend.verdict, Verdict::Higher, "{spend:?}");
    }
    assert!((none.spend.mean() - 0.65).abs() < 0.005 && (mens.spend.mean() - 1.42).abs() < 0.005);
}

#[test]
fn where_zero_is_in_the_interval_there_is_no_evidence() {
    // The women's mail to those who bought last for women less than a month ago, by spend; and two
    // halves of the same arm, which differ by nothing but chance.
    let [_, womens, none] = arms(|row| &row[0] == "1" && &row[6] == "1");
    let spend = effect::of_amounts(&womens.spend, &none.spend, Confidence::USUAL).unwrap();
    assert!(
        spend.interval.holds(0.0) && spend.verdict == Verdict::NoEvidence && spend.lift.is_none(),
        "{spend:?}"
    );
    let even = arms(|row| row[2].len() % 2 == 0);
    let odd = arms(|row| row[2].len() % 2 == 1);
    let same = effect::of_rates(even[2].conversions(), odd[2].conversions(), Confidence::USUAL).unwrap();
    assert_eq!(same.verdict, Verdict::NoEvidence, "{same:?}");
}
