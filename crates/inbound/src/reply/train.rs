//! The trainer of the built-in classifier and the measures published in `docs/replies.md`.
//! Deterministic: fixed order, no randomness, so the same examples give the same weights.

use super::classifier::{CLASSES, COLUMNS, features, pack};
use super::intent::Intent;
use super::phrase::words;
use super::text::{Ours, own_words};

/// A labelled reply.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Example {
    /// Who phrased it: authors are kept whole on one side of a split.
    pub author: String,
    /// The reply as it came, quotes included.
    pub text: String,
    /// What it means.
    pub intent: Intent,
    /// Whether it asks to be left alone (default: only when the intent is unsubscribe).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_out: Option<bool>,
}

impl Example {
    /// Whether it asks to be left alone.
    pub fn asks_out(&self) -> bool {
        self.opt_out.unwrap_or(self.intent == Intent::Unsubscribe)
    }
}

/// Reads JSON lines. The error names the line.
pub fn read_examples(text: &str) -> base::Result<Vec<Example>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|cause| {
                base::Error::invalid(
                    "replies.example",
                    format!("Line {} is not a labelled reply: {cause}", at + 1),
                )
            })
        })
        .collect()
}

/// Rounds over all examples.
const ROUNDS: usize = 60;
/// Step size of AdaGrad.
const STEP: f32 = 0.5;
/// Shrinkage of weights per step.
const DECAY: f32 = 1e-5;
/// Candidates for the sharpness of probabilities.
const SHARPNESS: [f32; 9] = [1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0];
/// Parts for cross-validation.
const FOLDS: usize = 5;

type Row = (Vec<(usize, f32)>, usize);
type Model = (Vec<Vec<f32>>, [f32; CLASSES]);

/// Trains and packs weights. Few examples make a shy model: how far its probabilities are stretched
/// is chosen by cross-validation, so that a confidence of 0.6 means about six right in ten.
pub fn train(examples: &[Example]) -> Vec<u8> {
    let rows: Vec<Row> = examples
        .iter()
        .map(|example| {
            let own = own_words(&example.text, &Ours::default()).text;
            (features(&own, &words(&own)), class_of(example.intent))
        })
        .collect();
    let sharpness = calibrate(&rows, &parts(examples));
    let (mut weights, mut biases) = fit(&rows);
    weights.iter_mut().flatten().for_each(|weight| *weight *= sharpness);
    biases.iter_mut().for_each(|bias| *bias *= sharpness);
    pack(&weights, &biases)
}

/// The part that each example belongs to: an author's are all in one.
fn parts(examples: &[Example]) -> Vec<usize> {
    let mut authors: Vec<&str> = examples.iter().map(|example| example.author.as_str()).collect();
    authors.sort_unstable();
    authors.dedup();
    let part = |author: &str| authors.binary_search(&author).unwrap_or_default() % FOLDS;
    examples.iter().map(|example| part(&example.author)).collect()
}

fn calibrate(rows: &[Row], parts: &[usize]) -> f32 {
    let mut losses = [0f32; SHARPNESS.len()];
    for fold in 0..FOLDS {
        let part = |inside: bool| {
            rows.iter()
                .zip(parts)
                .filter(move |(_, part)| (**part == fold) == inside)
                .map(|(row, _)| row.clone())
        };
        let (weights, biases) = fit(&part(false).collect::<Vec<_>>());
        for (columns, class) in part(true) {
            let sums = sums(&weights, &biases, &columns);
            for (loss, sharp) in losses.iter_mut().zip(SHARPNESS) {
                *loss -= chances(sums.map(|sum| sum * sharp))[class].max(1e-6).ln();
            }
        }
    }
    losses.iter().zip(SHARPNESS).min_by(|a, b| a.0.total_cmp(b.0)).map_or(1.0, |(_, sharp)| sharp)
}

fn fit(rows: &[Row]) -> Model {
    let mut weights = vec![vec![0f32; COLUMNS]; CLASSES];
    let mut squares = vec![vec![1e-3f32; COLUMNS]; CLASSES];
    let mut biases = [0f32; CLASSES];
    let total = rows.len().max(1);
    // A stride that shares no factor with the count visits every example, classes mixed.
    let stride = (1..).map(|step| 7_919 + step).find(|step| gcd(*step, total) == 1).unwrap_or(1);
    for round in 0..ROUNDS {
        for step in 0..rows.len() {
            let (columns, class) = &rows[(step * stride + round) % total];
            let chances = chances(sums(&weights, &biases, columns));
            for (each, chance) in chances.iter().enumerate() {
                let error = chance - f32::from(u8::from(each == *class));
                for (column, value) in columns {
                    let slope = error * value + DECAY * weights[each][*column];
                    squares[each][*column] += slope * slope;
                    weights[each][*column] -= STEP * slope / squares[each][*column].sqrt();
                }
                biases[each] -= 0.01 * error;
            }
        }
    }
    (weights, biases)
}

fn class_of(intent: Intent) -> usize {
    Intent::ALL.iter().position(|each| *each == intent).unwrap_or(CLASSES - 1)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn sums(weights: &[Vec<f32>], biases: &[f32; CLASSES], columns: &[(usize, f32)]) -> [f32; CLASSES] {
    let mut sums = *biases;
    for (sum, row) in sums.iter_mut().zip(weights) {
        *sum += columns.iter().map(|(column, value)| row[*column] * value).sum::<f32>();
    }
    sums
}

fn chances(sums: [f32; CLASSES]) -> [f32; CLASSES] {
    let top = sums.iter().copied().fold(f32::MIN, f32::max);
    let mut chances = sums.map(|sum| (sum - top).exp());
    let total: f32 = chances.iter().sum();
    chances.iter_mut().for_each(|chance| *chance /= total);
    chances
}

/// How answers compare with labels.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    /// `table[true][said]`, in the order of [`Intent::ALL`].
    pub table: [[u32; CLASSES]; CLASSES],
    /// Opt-outs that were recognised, missed, and seen where there was none.
    pub opt_out: (u32, u32, u32),
}

impl Measure {
    /// Counts one answer.
    pub fn add(&mut self, truth: &Example, said: Intent, opt_out: bool) {
        self.table[class_of(truth.intent)][class_of(said)] += 1;
        match (truth.asks_out(), opt_out) {
            (true, true) => self.opt_out.0 += 1,
            (true, false) => self.opt_out.1 += 1,
            (false, true) => self.opt_out.2 += 1,
            (false, false) => {}
        }
    }

    /// Precision, recall, F1 and support of one intent.
    pub fn of(&self, intent: Intent) -> (f64, f64, f64, u32) {
        let class = class_of(intent);
        let hit = f64::from(self.table[class][class]);
        let support: u32 = self.table[class].iter().sum();
        let said: u32 = self.table.iter().map(|row| row[class]).sum();
        let precision = hit / f64::from(said.max(1));
        let recall = hit / f64::from(support.max(1));
        let f1 = if hit > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
        (precision, recall, f1, support)
    }

    /// Mean F1 over intents that occur.
    pub fn macro_f1(&self) -> f64 {
        let scores: Vec<f64> = Intent::ALL
            .into_iter()
            .map(|intent| self.of(intent))
            .filter(|one| one.3 > 0)
            .map(|one| one.2)
            .collect();
        scores.iter().sum::<f64>() / (scores.len().max(1)) as f64
    }

    /// Share of right answers.
    pub fn accuracy(&self) -> f64 {
        let right: u32 = (0..CLASSES).map(|class| self.table[class][class]).sum();
        let all: u32 = self.table.iter().flatten().sum();
        f64::from(right) / f64::from(all.max(1))
    }

    /// Of the answers called positive, the share that is.
    pub fn positive_precision(&self) -> f64 {
        let positive: Vec<usize> =
            Intent::ALL.into_iter().filter(|one| one.positive()).map(class_of).collect();
        let said: u32 = positive.iter().flat_map(|class| self.table.iter().map(|row| row[*class])).sum();
        let right: u32 =
            positive.iter().flat_map(|truth| positive.iter().map(|said| self.table[*truth][*said])).sum();
        f64::from(right) / f64::from(said.max(1))
    }

    /// Of the replies that ask out, the share that was seen.
    pub fn opt_out_recall(&self) -> f64 {
        f64::from(self.opt_out.0) / f64::from((self.opt_out.0 + self.opt_out.1).max(1))
    }
}
