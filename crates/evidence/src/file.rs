//! A CSV of labelled rows: may its columns replace the weights of today?

use crate::frame::{Frame, SetAside};
use crate::holdout::{self, Choice, Decision, Figures, Row, judge};
use crate::rate::{Confidence, Interval};
use serde::Serialize;

/// Why a file cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not there, no CSV, rows of different length.
    #[error("the file cannot be read as CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A named column is missing.
    #[error("there is no column “{column}”; there are: {there}")]
    NoColumn {
        /// What was asked for.
        column: String,
        /// What there is.
        there: String,
    },
    /// A cell of the time column is neither a number nor a date.
    #[error("line {line}: “{value}” in “{column}” is neither a number nor a date like 2026-11-21")]
    Time {
        /// Line of the file, the header is 1.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
    },
}

/// Which columns mean what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Columns<'a> {
    /// Whether the outcome came: 1, yes, true, won, or `won` exactly.
    pub outcome: &'a str,
    /// The word for a wanted outcome where it is none of the usual ones.
    pub won: Option<&'a str>,
    /// When the row was contacted; the order of the file where missing.
    pub time: Option<&'a str>,
    /// What to learn from; every other column where missing.
    pub features: Option<Vec<String>>,
}

/// A feature of the chosen model.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Weight {
    /// Its name.
    pub feature: String,
    /// Log odds per standard deviation, or for a word against all others.
    pub weight: f64,
    /// Where it lies, at 95 %.
    pub interval: Interval,
}

/// What the rows can bear.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Answer {
    /// What was chosen before the later rows were read.
    pub chosen: Choice,
    /// Rows that taught, the earlier ones.
    pub taught: usize,
    /// Rows that judged, the later ones.
    pub held_out: usize,
    /// The chosen model on the later rows.
    pub figures: Option<Figures>,
    /// The base rate on the same rows.
    pub baseline: Option<Figures>,
    /// By how much the log loss falls on the later rows.
    pub gain: Option<f64>,
    /// Where that lies, at 95 %.
    pub gain_interval: Option<Interval>,
    /// What to do.
    pub verdict: Decision,
    /// The model's weights, greatest first.
    pub weights: Vec<Weight>,
    /// Columns that were not learnt from.
    pub set_aside: Vec<SetAside>,
}

/// Judges a CSV with a header. Rows are taken in the order of the time column.
pub fn judge_csv(file: impl std::io::Read, columns: &Columns<'_>) -> Result<Answer, Unreadable> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header: Vec<String> =
        reader.headers()?.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    let place = |column: &str| {
        header
            .iter()
            .position(|name| name == column)
            .ok_or_else(|| Unreadable::NoColumn { column: column.to_owned(), there: header.join(", ") })
    };
    let outcome = place(columns.outcome)?;
    let time = columns.time.map(place).transpose()?;
    let learnt: Vec<usize> = match &columns.features {
        Some(names) => names.iter().map(|name| place(name)).collect::<Result<_, _>>()?,
        None => (0..header.len()).filter(|at| *at != outcome && Some(*at) != time).collect(),
    };
    let mut rows: Vec<(i64, bool, Vec<String>)> = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = record?;
        let cell = |at: usize| record.get(at).unwrap_or("");
        let at = match time {
            Some(column) => instant(cell(column)).ok_or_else(|| Unreadable::Time {
                line: record.position().map_or(number as u64 + 2, csv::Position::line),
                column: header[column].clone(),
                value: cell(column).to_owned(),
            })?,
            None => number as i64,
        };
        rows.push((
            at,
            is_won(cell(outcome), columns.won),
            learnt.iter().map(|at| cell(*at).to_owned()).collect(),
        ));
    }
    rows.sort_by_key(|(at, _, _)| *at);
    let names: Vec<String> = learnt.iter().map(|at| header[*at].clone()).collect();
    Ok(answer(&names, rows))
}

fn answer(names: &[String], rows: Vec<(i64, bool, Vec<String>)>) -> Answer {
    let order: Vec<Row> = rows
        .iter()
        .map(|(at, won, _)| Row { at: *at, features: Vec::new(), won: *won, today: None })
        .collect();
    // What becomes a feature is learnt from the earlier rows alone.
    let taught = &rows[..holdout::split(&order)];
    let cells: Vec<&[String]> = taught.iter().map(|(_, _, cells)| cells.as_slice()).collect();
    let won: Vec<bool> = taught.iter().map(|(_, won, _)| *won).collect();
    let frame = Frame::learn(names, &cells, &won);
    let judged = judge(
        rows.iter()
            .map(|(at, won, cells)| Row { at: *at, features: frame.features(cells), won: *won, today: None })
            .collect(),
    );
    let mut weights: Vec<Weight> = frame
        .names()
        .into_iter()
        .enumerate()
        .filter_map(|(at, feature)| {
            let (weight, interval) = judged.model.as_ref()?.weight(at, Confidence::USUAL)?;
            Some(Weight { feature, weight, interval })
        })
        .collect();
    weights.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
    Answer {
        chosen: judged.choice,
        taught: judged.taught,
        held_out: judged.later,
        figures: judged.figures,
        baseline: judged.present,
        gain: judged.gain.map(|(gain, _)| gain),
        gain_interval: judged.gain.map(|(_, interval)| interval),
        verdict: judged.decision,
        weights,
        set_aside: frame.set_aside,
    }
}

fn is_won(cell: &str, won: Option<&str>) -> bool {
    match won {
        Some(word) => cell == word,
        None => ["1", "1.0", "y", "yes", "true", "t", "won", "converted", "positive"]
            .iter()
            .any(|word| cell.eq_ignore_ascii_case(word)),
    }
}

/// A number as it is (in thousandths), a date or an instant as seconds: only the order is read.
fn instant(cell: &str) -> Option<i64> {
    if let Ok(number) = cell.parse::<f64>() {
        return number.is_finite().then_some((number * 1_000.0) as i64);
    }
    let instant = cell.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second);
    instant
        .or_else(|_| {
            let civil = cell.parse::<jiff::civil::DateTime>().or_else(|_| {
                cell.parse::<jiff::civil::Date>().map(|date| date.to_datetime(jiff::civil::Time::midnight()))
            })?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp().as_second())
        })
        .ok()
}
