//! Arms of a step that run against each other: who wins, looked at every day without naming too many winners,
//! and how far apart the arms are.

use super::finding::{Range, Standing};
use evidence::effect::{self, Verdict};
use evidence::race::{Race, Standing as Raced};
use evidence::rate::{Confidence, Rate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One arm against the first one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Arm {
    /// Its letter or name.
    pub name: String,
    /// Messages.
    pub trials: u64,
    /// Successes.
    pub hits: u64,
    /// By how much its share differs from that of the first arm; none for the first.
    pub difference: Option<f64>,
    /// Where that lies, so wide that the intervals of all arms together hold nineteen times of twenty.
    pub range: Option<Range>,
    /// What may be said of it against the first.
    pub standing: Standing,
}

/// A test of wordings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// The campaign.
    pub campaign: Uuid,
    /// The step.
    pub step: i16,
    /// Its arms, the step's own wording first.
    pub arms: Vec<Arm>,
    /// The arm that has beaten each other one; none while nothing can be said.
    pub winner: Option<String>,
    /// The evidence of the leading pair as a factor against “both are the same”, and what it must reach.
    pub evidence: f64,
    /// The factor that ends the race.
    pub bar: f64,
}

/// Arms next to the first one.
pub fn compare(arms: &[(String, Rate)]) -> Vec<Arm> {
    let confidence = Confidence::for_all(arms.len().saturating_sub(1));
    let first = arms.first().map(|(_, rate)| *rate);
    arms.iter()
        .enumerate()
        .map(|(place, (name, rate))| {
            let effect =
                first.filter(|_| place > 0).and_then(|first| effect::of_rates(*rate, first, confidence));
            Arm {
                name: name.clone(),
                trials: rate.trials(),
                hits: rate.hits(),
                difference: effect.map(|effect| effect.difference),
                range: effect.map(|effect| effect.interval.into()),
                standing: match effect.map(|effect| effect.verdict) {
                    Some(Verdict::Higher) => Standing::Better,
                    Some(Verdict::Lower) => Standing::Worse,
                    Some(Verdict::NoEvidence) | None => Standing::NoEvidence,
                },
            }
        })
        .collect()
}

/// Runs a race over its days, each with one rate per arm, in order. It ends with the first day on which an
/// arm has won.
pub fn race(campaign: Uuid, step: i16, names: &[String], days: &[Vec<Rate>]) -> Trial {
    let mut race = Race::new(names.len());
    let mut winner = None;
    for day in days {
        race.day(day);
        if let Raced::Winner(arm) = race.standing() {
            winner = names.get(arm).cloned();
            break;
        }
    }
    let sum = |arm: usize| {
        days.iter().filter_map(|day| day.get(arm)).fold(Rate::default(), |all, rate| all.and(*rate))
    };
    let totals: Vec<(String, Rate)> =
        names.iter().enumerate().map(|(arm, name)| (name.clone(), sum(arm))).collect();
    let pairs = (0..names.len()).flat_map(|a| (a + 1..names.len()).map(move |b| (a, b)));
    let evidence = pairs.map(|(a, b)| race.evidence(a, b)).fold(1.0, f64::max);
    Trial { campaign, step, arms: compare(&totals), winner, evidence: evidence.min(1e9), bar: race.bar() }
}
