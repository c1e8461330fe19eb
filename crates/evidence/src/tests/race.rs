use super::Market;
use crate::race::{Race, Standing};
use crate::rate::Rate;

/// Runs days of `sends` per arm until somebody who looks every day sees a winner.
fn run(market: &mut Market, shares: &[f64], sends: u64, days: usize) -> (Standing, usize) {
    let mut race = Race::new(shares.len());
    for day in 1..=days {
        let outcomes: Vec<Rate> =
            shares.iter().map(|share| Rate::new(market.hits(sends, *share), sends).unwrap()).collect();
        race.day(&outcomes);
        if race.standing() != Standing::Undecided {
            return (race.standing(), day);
        }
    }
    (race.standing(), days)
}

#[test]
fn equal_arms_looked_at_every_day_name_a_false_winner_in_at_most_one_of_twenty_races() {
    for (seed, shares) in [(1, &[0.03, 0.03][..]), (2, &[0.1, 0.1][..]), (3, &[0.03, 0.03, 0.03, 0.03][..])] {
        let mut market = Market::seeded(seed);
        let named = (0..400).filter(|_| run(&mut market, shares, 30, 60).0 != Standing::Undecided).count();
        assert!(named <= 20, "{named} of 400 races among {} equal arms had a winner", shares.len());
    }
}

#[test]
fn an_arm_that_is_really_better_is_found_and_never_the_worse_one() {
    let mut market = Market::seeded(7);
    let (mut found, mut wrong) = (0, 0);
    for _ in 0..100 {
        match run(&mut market, &[0.03, 0.06], 50, 80).0 {
            Standing::Winner(1) => found += 1,
            Standing::Winner(_) => wrong += 1,
            Standing::Undecided => {}
        }
    }
    assert!(found >= 90, "found {found} of 100");
    assert_eq!(wrong, 0);
}

#[test]
fn a_day_without_sends_in_an_arm_says_nothing() {
    let mut race = Race::new(2);
    race.day(&[Rate::new(9, 10).unwrap(), Rate::default()]);
    assert!((race.evidence(0, 1) - 1.0).abs() < 1e-12);
    assert_eq!(race.standing(), Standing::Undecided);
}
