//! The check of claims measured on sentences that lie and on sentences that do not.

use super::sheets;
use crate::content::{
    builtin,
    claims::{Ground, unsupported},
};
use std::collections::BTreeMap;

const PLANTED: &str = include_str!("../../../../../fixtures/claims/planted.txt");
const HONEST: &str = include_str!("../../../../../fixtures/claims/honest.txt");
const SHEETS: [&str; 4] = ["dental", "saas", "trades", "thin"];

/// Lines with the heading above them and their number under it, from 1.
fn lines(text: &'static str) -> Vec<(&'static str, usize, &'static str)> {
    let (mut heading, mut number) = ("", 0);
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(next) = line.strip_prefix("# ") {
            (heading, number) = (next, 0);
        } else {
            number += 1;
            found.push((heading, number, line));
        }
    }
    found
}

/// A draft of the built-in writer with a sentence in its middle, as a model might slip it in.
fn planted(sheet: &str, sentence: &str) -> bool {
    let brief = sheets::named(sheet);
    let written = builtin::write(&brief).expect("every sheet carries a message");
    let body = match written.body.split_once("\n\n") {
        Some((greeting, rest)) => format!("{greeting}\n\n{sentence} {rest}"),
        None => format!("{sentence} {}", written.body),
    };
    !unsupported(&Ground::of(&brief), &body).is_empty()
}

#[test]
fn planted_claims_are_caught_and_honest_sentences_pass() {
    let mut caught: BTreeMap<(bool, &str), (usize, usize)> = BTreeMap::new();
    let mut missed = Vec::new();
    for (kind, number, sentence) in lines(PLANTED) {
        for sheet in SHEETS {
            let found = planted(sheet, sentence);
            let tally = caught.entry((number % 2 == 0, kind)).or_default();
            tally.0 += usize::from(found);
            tally.1 += 1;
            if !found {
                missed.push(format!(
                    "{}{sheet} {kind}: {sentence}",
                    if number % 2 == 0 { "held out " } else { "" }
                ));
            }
        }
    }
    let rate = |held_out: bool| {
        let (found, all) = caught
            .iter()
            .filter(|((held, _), _)| *held == held_out)
            .fold((0, 0), |sum, (_, tally)| (sum.0 + tally.0, sum.1 + tally.1));
        (found, all)
    };
    let alarms: Vec<String> = lines(HONEST)
        .into_iter()
        .filter_map(|(sheet, _, sentence)| {
            let found = unsupported(&Ground::of(&sheets::named(sheet)), sentence);
            (!found.is_empty()).then(|| format!("{sheet}: {sentence} {found:?}"))
        })
        .collect();
    let (development, held_out) = (rate(false), rate(true));
    println!(
        "caught: development {development:?}, held out {held_out:?}; false alarms {} of {}",
        alarms.len(),
        lines(HONEST).len()
    );
    println!("missed: {missed:#?}\nfalse alarms: {alarms:#?}");
    assert!(lines(PLANTED).len() >= 120);
    for (found, all) in [development, held_out] {
        assert!(found * 100 >= all * 95, "{found} of {all}: {missed:#?}");
    }
    assert!(alarms.len() * 100 <= lines(HONEST).len() * 15, "{alarms:#?}");
}
