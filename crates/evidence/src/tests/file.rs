use super::{Market, expit};
use crate::file::{Columns, Unreadable, judge_csv};
use crate::holdout::{Choice, Decision};

fn columns() -> Columns<'static> {
    Columns { outcome: "booked", won: None, time: Some("contacted"), features: None }
}

/// Rows in no order of time, with an owner effect, noise, a name and a column filled afterwards.
fn market(effect: f64) -> String {
    let mut market = Market::seeded(21);
    let mut file = String::from("name,title,staff,reply seconds,contacted,booked\n");
    for at in 0..2_000 {
        let (owner, day) = (market.yes(0.4), (at * 37) % 280);
        let won = market.yes(expit(if owner { effect } else { 0.0 } - 2.0));
        file += &format!(
            "Lead {at},{},{},{},2026-{:02}-{:02},{}\n",
            if owner { "Owner" } else { "Clerk" },
            (market.unit() * 90.0) as u32,
            if won { 900.0 + market.unit() } else { market.unit() * 400.0 },
            1 + day / 28,
            1 + day % 28,
            if won { "yes" } else { "no" },
        );
    }
    file
}

#[test]
fn a_file_with_an_effect_is_better_than_its_base_rate_on_later_rows() {
    let answer = judge_csv(market(1.6).as_bytes(), &columns()).unwrap();
    assert_eq!(answer.verdict, Decision::Better, "{answer:?}");
    assert!(matches!(answer.chosen, Choice::Logistic(_)));
    assert!(answer.weights[0].feature.starts_with("title = "), "{:?}", answer.weights);
    assert_eq!(answer.taught + answer.held_out, 2_000);
    let left: Vec<&str> = answer.set_aside.iter().map(|column| column.column.as_str()).collect();
    assert_eq!(left, ["name", "reply seconds"]);
}

#[test]
fn a_file_without_an_effect_changes_nothing() {
    let answer = judge_csv(market(0.0).as_bytes(), &columns()).unwrap();
    assert_eq!(answer.verdict, Decision::NoEvidence, "{answer:?}");
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_place() {
    let missing = judge_csv("a,b\n1,2\n".as_bytes(), &columns()).unwrap_err();
    assert_eq!(missing.to_string(), "there is no column “booked”; there are: a, b");
    let time = judge_csv("contacted,booked\n2026-01-01,1\nsoon,0\n".as_bytes(), &columns()).unwrap_err();
    assert!(matches!(time, Unreadable::Time { line: 3, .. }), "{time}");
    assert!(matches!(judge_csv("contacted,booked\n1,0,3\n".as_bytes(), &columns()), Err(Unreadable::Csv(_))));
    let few = judge_csv("contacted,booked,title\n1,0,x\n".as_bytes(), &columns()).unwrap();
    assert_eq!(few.verdict, Decision::NotEnough);
}
