//! Logistic regression with a ridge, on grouped rows: which features go with the outcome.

use crate::rate::{Confidence, Interval, Rate};

/// Newton's method ends here at the latest; it needs fewer than ten steps on any real data.
const STEPS: usize = 50;
/// A step smaller than this in every weight ends it.
const CLOSE: f64 = 1e-8;

/// Rows with the same features, counted.
#[derive(Clone, PartialEq, Debug)]
pub struct Cell {
    /// One number per feature.
    pub features: Vec<f64>,
    /// How many rows, and with how many the outcome came.
    pub rate: Rate,
}

/// Why nothing was fitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// No rows, or all with the same outcome.
    OneOutcome,
    /// The features say the same twice, or nothing, and the ridge is too small to choose.
    Singular,
}

/// A fitted model.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    /// The intercept, then a weight per feature (log odds per unit).
    weights: Vec<f64>,
    /// Covariance of `weights`, row by row.
    covariance: Vec<f64>,
}

impl Model {
    /// The chance of the outcome, 0..1. Features beyond those of the model are not read.
    pub fn chance(&self, features: &[f64]) -> f64 {
        1.0 / (1.0 + (-self.score(features)).exp())
    }

    /// The same as log odds.
    pub fn score(&self, features: &[f64]) -> f64 {
        let (intercept, weights) = self.weights.split_first().unwrap_or((&0.0, &[]));
        intercept + weights.iter().zip(features).map(|(weight, x)| weight * x).sum::<f64>()
    }

    /// The weight of a feature with its interval; `None` beyond the last.
    pub fn weight(&self, feature: usize, confidence: Confidence) -> Option<(f64, Interval)> {
        let place = feature + 1;
        let weight = *self.weights.get(place)?;
        let error = self.covariance.get(place * self.weights.len() + place)?.max(0.0).sqrt();
        let reach = confidence.z() * error;
        Some((weight, Interval { low: weight - reach, high: weight + reach }))
    }
}

/// Fits `cells`; `ridge` is the penalty on each squared weight but the intercept's (0: none).
pub fn fit(cells: &[Cell], ridge: f64) -> Result<Model, Unfit> {
    let all = cells.iter().fold(Rate::default(), |all, cell| all.and(cell.rate));
    if all.hits() == 0 || all.misses() == 0 {
        return Err(Unfit::OneOutcome);
    }
    let size = 1 + cells.iter().map(|cell| cell.features.len()).max().unwrap_or(0);
    let mut weights = vec![0.0; size];
    weights[0] = (all.hits() as f64 / all.misses() as f64).ln();
    let mut before = loss(cells, &weights, ridge);
    for _ in 0..STEPS {
        let (slope, curve) = derivatives(cells, &weights, ridge);
        let root = cholesky(curve, size).ok_or(Unfit::Singular)?;
        let step = solve(&root, size, slope);
        let largest = step.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        // Halved until it helps: far from the top a whole step may overshoot.
        let mut part = 1.0;
        loop {
            let next: Vec<f64> = weights.iter().zip(&step).map(|(weight, x)| weight + part * x).collect();
            let after = loss(cells, &next, ridge);
            if after <= before + 1e-12 * before.abs() || part < 1e-6 {
                (weights, before) = (next, after);
                break;
            }
            part /= 2.0;
        }
        if largest * part < CLOSE {
            break;
        }
    }
    let (_, curve) = derivatives(cells, &weights, ridge);
    let root = cholesky(curve, size).ok_or(Unfit::Singular)?;
    let mut covariance = vec![0.0; size * size];
    for column in 0..size {
        let mut unit = vec![0.0; size];
        unit[column] = 1.0;
        for (row, value) in solve(&root, size, unit).into_iter().enumerate() {
            covariance[row * size + column] = value;
        }
    }
    Ok(Model { weights, covariance })
}

fn score(weights: &[f64], features: &[f64]) -> f64 {
    weights[0] + weights[1..].iter().zip(features).map(|(weight, x)| weight * x).sum::<f64>()
}

/// Negative log likelihood with the penalty.
fn loss(cells: &[Cell], weights: &[f64], ridge: f64) -> f64 {
    let fit: f64 = cells
        .iter()
        .map(|cell| {
            let x = score(weights, &cell.features);
            // ln(1 + e^x) without overflow.
            let softplus = x.max(0.0) + (-x.abs()).exp().ln_1p();
            cell.rate.trials() as f64 * softplus - cell.rate.hits() as f64 * x
        })
        .sum();
    fit + ridge / 2.0 * weights[1..].iter().map(|weight| weight * weight).sum::<f64>()
}

/// The ascent direction and the (positive) curvature at `weights`.
fn derivatives(cells: &[Cell], weights: &[f64], ridge: f64) -> (Vec<f64>, Vec<f64>) {
    let size = weights.len();
    let (mut slope, mut curve) = (vec![0.0; size], vec![0.0; size * size]);
    let mut row = vec![1.0; size];
    for cell in cells {
        let chance = 1.0 / (1.0 + (-score(weights, &cell.features)).exp());
        let trials = cell.rate.trials() as f64;
        let miss = cell.rate.hits() as f64 - trials * chance;
        let spread = trials * chance * (1.0 - chance);
        row[1..].fill(0.0);
        for (place, x) in row[1..].iter_mut().zip(&cell.features) {
            *place = *x;
        }
        for i in 0..size {
            if row[i] == 0.0 {
                continue;
            }
            slope[i] += miss * row[i];
            for k in 0..=i {
                curve[i * size + k] += spread * row[i] * row[k];
            }
        }
    }
    for i in 1..size {
        slope[i] -= ridge * weights[i];
        curve[i * size + i] += ridge;
    }
    (slope, curve)
}

/// The lower root of a symmetric matrix of which the lower half is read; `None` unless positive.
fn cholesky(mut matrix: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    for i in 0..size {
        for k in 0..=i {
            let mut sum = matrix[i * size + k];
            for j in 0..k {
                sum -= matrix[i * size + j] * matrix[k * size + j];
            }
            if i == k {
                if sum <= 1e-10 {
                    return None;
                }
                matrix[i * size + i] = sum.sqrt();
            } else {
                matrix[i * size + k] = sum / matrix[k * size + k];
            }
        }
    }
    Some(matrix)
}

fn solve(root: &[f64], size: usize, mut right: Vec<f64>) -> Vec<f64> {
    for i in 0..size {
        for k in 0..i {
            right[i] -= root[i * size + k] * right[k];
        }
        right[i] /= root[i * size + i];
    }
    for i in (0..size).rev() {
        for k in i + 1..size {
            right[i] -= root[k * size + i] * right[k];
        }
        right[i] /= root[i * size + i];
    }
    right
}
