//! Columns of a file as features: numbers, words, what is empty, and what must not be learnt from.

use crate::holdout::auc;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

/// A column that ranks outcomes this well on its own is most likely filled after the outcome.
const TOO_GOOD: f64 = 0.8;
/// Words that a column keeps apart, the most frequent ones.
const LEVELS_MAX: usize = 25;
/// A word must stand in so many rows to be kept apart.
const LEVEL_ROWS_MIN: usize = 20;

/// A column that is not learnt from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SetAside {
    /// Its header.
    pub column: String,
    /// Why.
    pub reason: String,
}

#[derive(Clone, PartialEq, Debug)]
enum Kind {
    Number { mean: f64, spread: f64, often_empty: bool },
    Words(Vec<String>),
}

/// How rows become features, learnt from the rows that teach only.
#[derive(Clone, PartialEq, Debug)]
pub struct Frame {
    columns: Vec<(usize, String, Kind)>,
    /// What was left out, with the reason.
    pub set_aside: Vec<SetAside>,
}

impl Frame {
    /// Looks at the named columns of the rows that teach and their outcomes.
    pub fn learn(names: &[String], rows: &[&[String]], won: &[bool]) -> Self {
        let mut frame = Self { columns: Vec::new(), set_aside: Vec::new() };
        for (place, name) in names.iter().enumerate() {
            let values: Vec<&str> =
                rows.iter().map(|row| row.get(place).map_or("", |cell| known(cell))).collect();
            match kind(&values, won) {
                Ok(kind) => frame.columns.push((place, name.clone(), kind)),
                Err(reason) => frame.set_aside.push(SetAside { column: name.clone(), reason }),
            }
        }
        frame
    }

    /// The features' names, in the order of [`Frame::features`].
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (_, name, kind) in &self.columns {
            match kind {
                Kind::Number { often_empty, .. } => {
                    names.push(name.clone());
                    if *often_empty {
                        names.push(format!("{name} is empty"));
                    }
                }
                Kind::Words(levels) => names.extend(levels.iter().map(|level| match level.as_str() {
                    "" => format!("{name} is empty"),
                    level => format!("{name} = {level}"),
                })),
            }
        }
        names
    }

    /// A row as numbers: columns of numbers by their standard deviation, words as 0 or 1.
    pub fn features(&self, row: &[String]) -> Vec<f64> {
        let mut features = Vec::new();
        for (place, _, kind) in &self.columns {
            let value = row.get(*place).map_or("", |cell| known(cell));
            match kind {
                Kind::Number { mean, spread, often_empty } => {
                    let number = number(value);
                    features.push(number.map_or(0.0, |x| ((x - mean) / spread).clamp(-5.0, 5.0)));
                    if *often_empty {
                        features.push(f64::from(u8::from(number.is_none())));
                    }
                }
                Kind::Words(levels) => {
                    features.extend(levels.iter().map(|level| f64::from(u8::from(level == value))));
                }
            }
        }
        features
    }
}

/// What a cell says; placeholders of forms say nothing.
fn known(cell: &str) -> &str {
    let cell = cell.trim();
    let placeholder = ["select", "unknown", "n/a", "na", "null", "none", "-", "nan"];
    if placeholder.iter().any(|word| cell.eq_ignore_ascii_case(word)) { "" } else { cell }
}

fn number(value: &str) -> Option<f64> {
    value.parse::<f64>().ok().filter(|x| x.is_finite())
}

fn kind(values: &[&str], won: &[bool]) -> Result<Kind, String> {
    let filled: Vec<&str> = values.iter().copied().filter(|value| !value.is_empty()).collect();
    let distinct: HashSet<&str> = values.iter().copied().collect();
    if distinct.len() < 2 {
        return Err("the same in every row".into());
    }
    let numbers: Vec<f64> = filled.iter().filter_map(|value| number(value)).collect();
    if numbers.len() * 100 >= filled.len() * 95 && distinct.len() > 2 {
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let spread = (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
        if spread == 0.0 {
            return Err("the same in every row".into());
        }
        guard(values.iter().map(|value| number(value).unwrap_or(mean)).collect(), won)?;
        let often_empty = (values.len() - filled.len()) * 100 > values.len();
        return Ok(Kind::Number { mean, spread, often_empty });
    }
    if distinct.len() * 2 > values.len() {
        return Err("different in most rows: a name or an id".into());
    }
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (value, won) in values.iter().zip(won) {
        let seen = counts.entry(value).or_default();
        seen.0 += 1;
        seen.1 += usize::from(*won);
    }
    let base = won.iter().filter(|won| **won).count() as f64 / won.len().max(1) as f64;
    let rate = |value: &str| {
        let (rows, hits) = counts.get(value).copied().unwrap_or_default();
        (hits as f64 + 10.0 * base) / (rows as f64 + 10.0)
    };
    guard(values.iter().map(|value| rate(value)).collect(), won)?;
    let mut levels: Vec<(usize, &str)> = counts
        .iter()
        .filter(|(_, (rows, _))| *rows >= LEVEL_ROWS_MIN.max(values.len() / 200))
        .map(|(value, (rows, _))| (*rows, *value))
        .collect();
    levels.sort_by(|a, b| b.cmp(a));
    levels.truncate(LEVELS_MAX);
    if levels.is_empty() {
        return Err("no value in enough rows".into());
    }
    Ok(Kind::Words(levels.into_iter().map(|(_, value)| value.to_owned()).collect()))
}

/// Refuses a column that tells the outcome on its own.
fn guard(values: Vec<f64>, won: &[bool]) -> Result<(), String> {
    let mut ranked: Vec<(f64, bool)> = values.into_iter().zip(won.iter().copied()).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let area = auc(&ranked);
    let area = area.max(1.0 - area);
    if area >= TOO_GOOD {
        return Err(format!("ranks outcomes on its own (AUC {area:.2}): most likely filled afterwards"));
    }
    Ok(())
}
